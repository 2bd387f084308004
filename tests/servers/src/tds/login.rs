//! LOGIN7: who connects, and to what (MS-TDS 2.2.6.4).

use anyhow::{Context, Result};

use super::input::{Input, utf16};

/// What a client says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) version: u32,
    pub(super) packet_size: u32,
    pub(super) read_only: bool,
    pub(super) host: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) application: String,
    pub(super) server: String,
    pub(super) database: String,
}

/// The bit of the type flags that asks for a read-only replica.
const READ_ONLY_INTENT: u8 = 1 << 5;
/// Offset and length of the first text.
const TEXTS: usize = 36;

impl Login {
    pub(super) fn parse(payload: &[u8]) -> Result<Self> {
        let mut input = Input::new(payload);
        let _length = input.u32()?;
        let version = input.u32()?;
        let packet_size = input.u32()?;
        let _program_process_connection = input.take(12)?;
        let _options = input.take(2)?;
        let type_flags = input.u8()?;
        // The texts' table, one entry a text: 9 is the client's address, which has no entry.
        let text = |position: usize| raw(payload, position).and_then(|bytes| utf16(&bytes));
        let password: Vec<u8> =
            raw(payload, 2)?.into_iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect();
        Ok(Self {
            version,
            packet_size,
            read_only: type_flags & READ_ONLY_INTENT != 0,
            host: text(0)?,
            user: text(1)?,
            password: utf16(&password)?,
            application: text(3)?,
            server: text(4)?,
            database: text(8)?,
        })
    }
}

fn raw(payload: &[u8], position: usize) -> Result<Vec<u8>> {
    let mut entry = Input::new(payload.get(TEXTS + position * 4..).context("a login that is too short")?);
    let (offset, units) = (usize::from(entry.u16()?), usize::from(entry.u16()?));
    if units == 0 {
        return Ok(Vec::new());
    }
    let bytes = payload.get(offset..offset + units * 2).context("a login's text outside its message")?;
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_and_the_password_is_made_readable() {
        let mut payload = vec![0; 94];
        payload[4..8].copy_from_slice(&0x7400_0004_u32.to_le_bytes());
        payload[26] = READ_ONLY_INTENT;
        for (position, text) in [(1, "app"), (2, "pä€"), (8, "db")] {
            let offset = u16::try_from(payload.len()).unwrap();
            let units: Vec<u16> = text.encode_utf16().collect();
            let entry = TEXTS + position * 4;
            payload[entry..entry + 2].copy_from_slice(&offset.to_le_bytes());
            payload[entry + 2..entry + 4].copy_from_slice(&u16::try_from(units.len()).unwrap().to_le_bytes());
            let bytes = units.iter().flat_map(|unit| unit.to_le_bytes());
            payload.extend(bytes.map(|byte| if position == 2 { byte.rotate_left(4) ^ 0xa5 } else { byte }));
        }
        let login = Login::parse(&payload).unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.as_str(), login.database.as_str()),
            ("app", "pä€", "db")
        );
        assert!(login.read_only && login.version == 0x7400_0004);
        assert!(Login::parse(&payload[..60]).is_err());
    }
}
