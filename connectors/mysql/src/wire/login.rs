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
