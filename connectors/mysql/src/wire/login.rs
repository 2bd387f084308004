//! From the greeting to a session.

use super::answer::{error, is_error};
use super::auth::{CACHING_SHA2, NATIVE, Proof, Secrecy, in_clear, proof};
use super::capabilities as capability;
use super::connection::Wire;
use super::failure::{Failure, Malformed};
use super::greeting::Greeting;
use super::packets::Packets;
use super::reader::{Reader, put_counted};

/// utf8mb4_general_ci: what is said before the session names its own character set.
const UTF8MB4: u8 = 45;
/// The largest packet that the server is told to send; longer rows than this it cuts into several in any case.
const MAX_PACKET: u32 = 1 << 26;
/// How often a server may ask for another plugin: MariaDB asks for each of several that an account may use.
const MAX_TURNS: usize = 16;

/// Who logs in, and where to.
pub(crate) struct Credentials<'c> {
    pub(crate) user: &'c str,
    pub(crate) password: &'c str,
    pub(crate) database: Option<&'c str>,
    /// How this program names itself to the server.
    pub(crate) application: &'c str,
}

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum LoginError {
    Failure(Failure),
    /// The plugin named would give the password away on a connection like this.
    WouldTellPassword(String),
    /// The plugin named is not spoken here.
    UnknownPlugin(String),
}

impl From<Failure> for LoginError {
    fn from(failure: Failure) -> Self {
        LoginError::Failure(failure)
    }
}

impl From<Malformed> for LoginError {
    fn from(malformed: Malformed) -> Self {
        LoginError::Failure(malformed.into())
    }
}

fn agreed(greeting: &Greeting) -> u64 {
    capability::OURS & greeting.capabilities
}

/// What is asked for besides: a database, and TLS.
fn wishes(database: bool, encrypted: bool) -> u64 {
    let database = if database { capability::CONNECT_WITH_DB } else { 0 };
    if encrypted { database | capability::SSL } else { database }
}

/// The part that the request for TLS and the login have in common.
fn head(greeting: &Greeting, more: u64) -> Vec<u8> {
    let capabilities = agreed(greeting) | more;
    let [a, b, c, d, extended @ ..] = capabilities.to_le_bytes();
    let mut packet = vec![a, b, c, d];
    packet.extend_from_slice(&MAX_PACKET.to_le_bytes());
    packet.push(UTF8MB4);
    packet.extend_from_slice(&[0; 19]);
    packet.extend_from_slice(&extended);
    packet
}

/// Says that what follows is TLS, and whether the login will name a database: MariaDB goes by this request when it
/// reads the login.
///
/// # Errors
/// The connection is gone.
pub(crate) async fn request_tls(
    packets: &mut Packets,
    greeting: &Greeting,
    database: bool,
) -> Result<(), Failure> {
    packets.queue(&head(greeting, wishes(database, true)));
    packets.send().await
}

/// Logs in.
///
/// # Errors
/// The server refused, or asked for what is not done.
pub(crate) async fn log_in(
    mut packets: Packets,
    greeting: &Greeting,
    credentials: &Credentials<'_>,
    secrecy: Secrecy,
    encrypted: bool,
) -> Result<Wire, LoginError> {
    let password = credentials.password.as_bytes();
    // A plugin that is not spoken here may still not be the account's own: the server then asks for another.
    let (mut plugin, first) = match proof(&greeting.plugin, password, &greeting.nonce, secrecy) {
        Proof::Send(first) => (greeting.plugin.clone(), first),
        _ => match proof(NATIVE, password, &greeting.nonce, secrecy) {
            Proof::Send(first) => (NATIVE.to_owned(), first),
            _ => (NATIVE.to_owned(), Vec::new()),
        },
    };
    packets.queue(&response(greeting, credentials, &plugin, &first, encrypted));
    for _ in 0..MAX_TURNS {
        let packet = packets.next().await?;
        if is_error(&packet) {
            return Err(Failure::Refused(error(&packet)?).into());
        }
        let mut reader = Reader(&packet);
        match reader.u8()? {
            0 => return Ok(Wire::new(packets, agreed(greeting))),
            // Another plugin. Without a name it is the one from before 4.1.
            0xfe => {
                if reader.is_empty() {
                    return Err(LoginError::UnknownPlugin("mysql_old_password".to_owned()));
                }
                plugin = String::from_utf8_lossy(reader.terminated()?).into_owned();
                answer(&mut packets, &plugin, proof(&plugin, password, reader.rest(), secrecy))?;
            }
            // More of the same plugin: 3 is "known already", and the end follows; 4 asks for the password.
            1 if plugin == CACHING_SHA2 => match reader.u8()? {
                3 => {}
                4 => answer(&mut packets, &plugin, in_clear(password, secrecy, Secrecy::Encrypted))?,
                _ => return Err(Failure::Garbled("a login step that is not known").into()),
            },
            _ => return Err(Failure::Garbled("a login step that is not known").into()),
        }
    }
    Err(Failure::Garbled("the login does not end").into())
}

fn answer(packets: &mut Packets, plugin: &str, proof: Proof) -> Result<(), LoginError> {
    match proof {
        Proof::Send(bytes) => {
            packets.queue(&bytes);
            Ok(())
        }
        Proof::WouldTellPassword => Err(LoginError::WouldTellPassword(plugin.to_owned())),
        Proof::Unknown => Err(LoginError::UnknownPlugin(plugin.to_owned())),
    }
}

fn response(
    greeting: &Greeting,
    credentials: &Credentials<'_>,
    plugin: &str,
    proof: &[u8],
    encrypted: bool,
) -> Vec<u8> {
    let has = |bit: u64| agreed(greeting) & bit != 0;
    let mut packet = head(greeting, wishes(credentials.database.is_some(), encrypted));
    packet.extend_from_slice(credentials.user.as_bytes());
    packet.push(0);
    if has(capability::PLUGIN_AUTH_LENENC) {
        put_counted(&mut packet, proof);
    } else {
        packet.push(u8::try_from(proof.len()).unwrap_or(0));
        packet.extend_from_slice(proof);
    }
    if let Some(database) = credentials.database {
        packet.extend_from_slice(database.as_bytes());
        packet.push(0);
    }
    if has(capability::PLUGIN_AUTH) {
        packet.extend_from_slice(plugin.as_bytes());
        packet.push(0);
    }
    if has(capability::CONNECT_ATTRS) {
        let mut attributes = Vec::new();
        put_counted(&mut attributes, b"program_name");
        put_counted(&mut attributes, credentials.application.as_bytes());
        put_counted(&mut packet, &attributes);
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

    fn greeting(plugin: &str) -> Greeting {
        Greeting {
            version: "8.4.0".to_owned(),
            connection: 1,
            capabilities: capability::OURS & u64::from(u32::MAX),
            nonce: b"abcdefghijklmnopqrst".to_vec(),
            plugin: plugin.to_owned(),
        }
    }

    /// Logs in at a server that says each of `turns` when it has heard something; also what it heard.
    async fn played(
        plugin: &str,
        secrecy: Secrecy,
        turns: &[&[&[u8]]],
    ) -> (Result<Wire, LoginError>, Vec<Vec<u8>>) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (near, mut far) = (Packets::new(Box::new(near)), Packets::new(Box::new(far)));
        let greeting = greeting(plugin);
        let credentials =
            Credentials { user: "ann", password: "secret", database: Some("app"), application: "test" };
        let server = async move {
            let mut heard = Vec::new();
            for words in turns {
                let Ok(packet) = far.next().await else { break };
                heard.push(packet.to_vec());
                words.iter().for_each(|word| far.queue(word));
                let _ = far.send().await;
            }
            heard
        };
        tokio::join!(log_in(near, &greeting, &credentials, secrecy, secrecy != Secrecy::Open), server)
    }

    #[tokio::test]
    async fn a_password_that_the_server_remembers_is_proved_at_once() {
        let (outcome, heard) = played(CACHING_SHA2, Secrecy::Open, &[&[&[1, 3], OK]]).await;
        assert!(outcome.is_ok() && heard.len() == 1);
        let told = |text: &[u8]| heard[0].windows(text.len()).any(|part| part == text);
        assert!(told(b"ann\0") && told(b"app\0caching_sha2_password\0") && !told(b"secret"));
    }

    #[tokio::test]
    async fn a_password_is_told_over_tls_when_the_server_asks_and_never_in_clear() {
        let (outcome, heard) = played(CACHING_SHA2, Secrecy::Encrypted, &[&[&[1, 4]], &[OK]]).await;
        assert!(outcome.is_ok());
        assert_eq!(heard[1], b"secret\0");
        let (outcome, heard) = played(CACHING_SHA2, Secrecy::Open, &[&[&[1, 4]], &[OK]]).await;
        assert!(matches!(outcome, Err(LoginError::WouldTellPassword(plugin)) if plugin == CACHING_SHA2));
        assert_eq!(heard.len(), 1);
    }

    #[tokio::test]
    async fn another_plugin_is_taken_up_or_named() {
        let native = b"\xfemysql_native_password\0ABCDEFGHIJKLMNOPQRST\0";
        let (outcome, heard) = played("client_new", Secrecy::Open, &[&[native], &[OK]]).await;
        assert!(outcome.is_ok());
        assert_eq!(
            Proof::Send(heard[1].clone()),
            proof(NATIVE, b"secret", b"ABCDEFGHIJKLMNOPQRST", Secrecy::Open)
        );
        let clear = b"\xfemysql_clear_password\0";
        let (outcome, _) = played(NATIVE, Secrecy::Encrypted, &[&[clear], &[OK]]).await;
        assert!(matches!(outcome, Err(LoginError::WouldTellPassword(_))));
        let (outcome, _) = played(NATIVE, Secrecy::Trusted, &[&[b"\xfedialog\0"], &[OK]]).await;
        assert!(matches!(outcome, Err(LoginError::UnknownPlugin(plugin)) if plugin == "dialog"));
        let (outcome, _) = played(NATIVE, Secrecy::Trusted, &[&[&[0xfe]], &[OK]]).await;
        assert!(matches!(outcome, Err(LoginError::UnknownPlugin(plugin)) if plugin == "mysql_old_password"));
    }

    #[tokio::test]
    async fn a_server_that_asks_for_ever_is_left() {
        let native: &[&[u8]] = &[b"\xfemysql_native_password\0ABCDEFGHIJKLMNOPQRST\0"];
        let (outcome, _) = played(NATIVE, Secrecy::Open, &[native; MAX_TURNS + 1]).await;
        assert!(matches!(outcome, Err(LoginError::Failure(Failure::Garbled(_)))));
    }

    proptest! {
        #[test]
        fn no_words_of_a_server_make_it_panic_or_wait(
            words in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
            first in proptest::sample::select(vec![0, 1, 0xfe, 0xff]),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let words: Vec<Vec<u8>> = words.iter().map(|word| [&[first][..], word].concat()).collect();
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let limit = std::time::Duration::from_secs(5);
            let ended = runtime.block_on(async {
                tokio::time::timeout(limit, played(CACHING_SHA2, Secrecy::Open, &[&words])).await
            });
            prop_assert!(ended.is_ok());
        }
    }
}
