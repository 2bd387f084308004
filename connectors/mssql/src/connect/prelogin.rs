//! What is said before the login (MS-TDS, section 2.2.6.5): whether there will be TLS.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::packets::{END_OF_MESSAGE, HEADER, header, payload_length};

/// The packet type of everything before the login.
pub(super) const PRELOGIN: u8 = 0x12;
/// The packet type of a server's answers.
const TABULAR_RESULT: u8 = 0x04;
/// The most an answer may be; real ones have some 50 bytes.
const MAX_ANSWER: usize = 4_096;

const VERSION: u8 = 0x00;
const ENCRYPTION: u8 = 0x01;
const INSTANCE: u8 = 0x02;
const THREAD: u8 = 0x03;
const MARS: u8 = 0x04;
const TERMINATOR: u8 = 0xFF;

/// A side's word on encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The login alone.
    Off = 0,
    /// Everything.
    On = 1,
    /// There is none.
    NotSupported = 2,
    /// Everything, or no connection.
    Required = 3,
}

/// A message of options: type, offset and length of each, then their values.
fn message(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut values = Vec::new();
    for (kind, value) in options {
        // A handful of short options: neither offset nor length comes near the limit of 16 bits.
        let offset = u16::try_from(options.len() * 5 + 1 + values.len()).unwrap_or(u16::MAX);
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        table.push(*kind);
        table.extend(offset.to_be_bytes());
        table.extend(length.to_be_bytes());
        values.extend_from_slice(value);
    }
    table.push(TERMINATOR);
    table.extend(values);
    table
}

/// What a server says that has no TLS: for the library above a stream that is protected already.
pub(super) fn without_tls() -> Vec<u8> {
    let payload = message(&[(VERSION, &[16, 0, 0, 0, 0, 0]), (ENCRYPTION, &[Word::NotSupported as u8])]);
    let header = header(TABULAR_RESULT, END_OF_MESSAGE, payload.len()).unwrap_or_default();
    [&header[..], &payload].concat()
}

/// Asks the server how it is with encryption.
///
/// # Errors
/// `InvalidData` for an answer that is none; whatever the connection says.
pub(super) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    wanted: Word,
    instance: Option<&str>,
) -> io::Result<Word> {
    let instance = format!("{}\0", instance.unwrap_or_default());
    let payload = message(&[
        (VERSION, &[0, 0, 0, 0, 0, 0]),
        (ENCRYPTION, &[wanted as u8]),
        (INSTANCE, instance.as_bytes()),
        (THREAD, &[0; 4]),
        (MARS, &[0]),
    ]);
    let header = header(PRELOGIN, END_OF_MESSAGE, payload.len()).ok_or(io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&header[..], &payload].concat()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    loop {
        let mut header = [0; HEADER];
        stream.read_exact(&mut header).await?;
        let [kind, status, ..] = header;
        let length = payload_length(&header).filter(|length| answer.len() + length <= MAX_ANSWER);
        let (TABULAR_RESULT, Some(length)) = (kind, length) else { return Err(no_answer()) };
        let start = answer.len();
        answer.resize(start + length, 0);
        stream.read_exact(answer.get_mut(start..).unwrap_or_default()).await?;
        if status & END_OF_MESSAGE != 0 {
            return encryption(&answer).ok_or_else(no_answer);
        }
    }
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not of SQL Server's protocol")
}

/// The server's word in its answer.
fn encryption(answer: &[u8]) -> Option<Word> {
    let entry = answer
        .chunks_exact(5)
        .take_while(|entry| entry.first() != Some(&TERMINATOR))
        .find(|entry| entry.first() == Some(&ENCRYPTION))?;
    let [_, high, low, ..] = *entry else { return None };
    match answer.get(usize::from(u16::from_be_bytes([high, low])))? {
        0 => Some(Word::Off),
        1 => Some(Word::On),
        2 => Some(Word::NotSupported),
        3 => Some(Word::Required),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test]
    async fn the_servers_word_is_found_and_nonsense_refused() {
        for (answer, expected) in [
            (without_tls(), Some(Word::NotSupported)),
            (
                [&header(4, 1, 12).unwrap()[..], &message(&[(ENCRYPTION, &[3]), (MARS, &[])])].concat(),
                Some(Word::Required),
            ),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec(), None),
            ([&header(4, 1, 0).unwrap()[..]].concat(), None),
        ] {
            let (mut near, mut far) = tokio::io::duplex(4_096);
            far.write_all(&answer).await.unwrap();
            let word = ask(&mut near, Word::On, Some("SQLEXPRESS")).await;
            assert_eq!(word.ok(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(answer in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = encryption(&answer);
        }
    }
}
