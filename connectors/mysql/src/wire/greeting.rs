//! The server's first packet: who it is, what it speaks, what a password is mixed with.

use super::capabilities as capability;
use super::failure::{Failure, Malformed};
use super::packets::Packets;
use super::reader::Reader;

/// The only version of the handshake that servers of this century speak.
const PROTOCOL: u8 = 10;
/// The bytes that a password's proof is made with, without the NUL behind them.
pub(super) const NONCE: usize = 20;

/// What the server says before anybody has logged in. Nothing protects it, so nothing of it is trusted further than
/// it has to be.
#[derive(Debug, Clone)]
pub(crate) struct Greeting {
    /// The server's version in its own words.
    pub(crate) version: String,
    /// The lower half of this connection's id.
    pub(crate) connection: u32,
    pub(super) capabilities: u64,
    pub(super) nonce: Vec<u8>,
    pub(super) plugin: String,
}

impl Greeting {
    /// Waits for it.
    ///
    /// # Errors
    /// The server does not want to talk (too many connections, a blocked host), or does not speak this protocol.
    pub(crate) async fn read(packets: &mut Packets) -> Result<Greeting, Failure> {
        let packet = packets.next().await?;
        if packet.first() == Some(&0xff) {
            return Err(Failure::Refused(super::answer::error(&packet)?));
        }
        Greeting::parse(&packet).map_err(|Malformed| Failure::Garbled("the first packet is no greeting"))
    }

    /// Whether TLS can be had.
    pub(crate) fn offers_tls(&self) -> bool {
        self.capabilities & capability::SSL != 0
    }

    fn parse(packet: &[u8]) -> Result<Greeting, Malformed> {
        let mut reader = Reader(packet);
        if reader.u8()? != PROTOCOL {
            return Err(Malformed);
        }
        let version = String::from_utf8_lossy(reader.terminated()?).into_owned();
        let connection = reader.u32()?;
        let mut nonce = reader.bytes(8)?.to_vec();
        reader.u8()?;
        let low = reader.u16()?;
        let (_charset, _status, high) = (reader.u8()?, reader.u16()?, reader.u16()?);
        let mut capabilities = u64::from(low) | u64::from(high) << 16;
        let nonce_length = usize::from(reader.u8()?);
        let _reserved = reader.bytes(6)?;
        let extended = reader.u32()?;
        if capabilities & capability::LONG_PASSWORD == 0 {
            capabilities |= u64::from(extended) << 32;
        }
        // What cannot prove a password by challenge and response is too old to be talked to.
        if capabilities & capability::PROTOCOL_41 == 0 || capabilities & capability::SECURE_CONNECTION == 0 {
            return Err(Malformed);
        }
        nonce.extend_from_slice(reader.bytes(nonce_length.saturating_sub(8).max(13))?);
        nonce.truncate(NONCE);
        let plugin = match capabilities & capability::PLUGIN_AUTH {
            0 => super::auth::NATIVE.to_owned(),
            // Some versions leave the NUL behind the name out.
            _ => String::from_utf8_lossy(reader.rest()).trim_end_matches('\0').to_owned(),
        };
        Ok(Greeting { version, connection, capabilities, nonce, plugin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mariadb() -> Vec<u8> {
        let mut packet = b"\x0a5.5.5-10.11.4-MariaDB\0".to_vec();
        packet.extend_from_slice(&7_u32.to_le_bytes());
        packet.extend_from_slice(b"abcdefgh\0");
        packet.extend_from_slice(&0xf7fe_u16.to_le_bytes());
        packet.extend_from_slice(&[45, 2, 0]);
        packet.extend_from_slice(&0x81ff_u16.to_le_bytes());
        packet.push(21);
        packet.extend_from_slice(&[0; 6]);
        packet.extend_from_slice(&0x1d_u32.to_le_bytes());
        packet.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
        packet
    }

    #[test]
    fn a_greeting_is_read() {
        let greeting = Greeting::parse(&mariadb()).unwrap();
        assert_eq!(greeting.version, "5.5.5-10.11.4-MariaDB");
        assert_eq!((greeting.connection, greeting.nonce.as_slice()), (7, &b"abcdefghijklmnopqrst"[..]));
        assert_eq!(greeting.plugin, "mysql_native_password");
        assert!(greeting.capabilities & capability::MARIADB_EXTENDED_METADATA != 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Greeting::parse(&bytes);
            let mut cut = mariadb();
            cut.truncate(bytes.len());
            let _ = Greeting::parse(&cut);
        }
    }
}
