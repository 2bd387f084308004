//! PRELOGIN: what both sides can do before anyone logs in (MS-TDS 2.2.6.5).

use anyhow::{Context, Result};

/// Which encryption a side asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Only the login.
    Off = 0,
    On = 1,
    NotSupported = 2,
    Required = 3,
}

/// Asks for encryption out of two options.
pub(super) const ENCRYPTION: u8 = 1;
const VERSION: u8 = 0;
const TERMINATOR: u8 = 0xff;

/// The encryption a client asks for.
pub(super) fn requested(payload: &[u8]) -> Result<Encryption> {
    let mut options = payload;
    while let [option, offset_high, offset_low, _, _, rest @ ..] = options {
        if *option == TERMINATOR {
            break;
        }
        if *option == ENCRYPTION {
            let offset = usize::from(u16::from_be_bytes([*offset_high, *offset_low]));
            let value = payload.get(offset).context("a prelogin option outside its message")?;
            return Ok(match value {
                0 => Encryption::Off,
                1 => Encryption::On,
                3 => Encryption::Required,
                _ => Encryption::NotSupported,
            });
        }
        options = rest;
    }
    Ok(Encryption::NotSupported)
}

/// The answer: a version of SQL Server 2019, and the encryption that was agreed on.
pub(super) fn answer(encryption: Encryption) -> Vec<u8> {
    // Two options of five bytes and the terminator stand before the values.
    let mut answer = vec![VERSION, 0, 11, 0, 6, ENCRYPTION, 0, 17, 0, 1, TERMINATOR];
    answer.extend_from_slice(&[15, 0, 0x07, 0xd0, 0, 0]);
    answer.push(encryption as u8);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_says_what_was_agreed_on() {
        for encryption in [Encryption::Off, Encryption::On, Encryption::NotSupported, Encryption::Required] {
            assert_eq!(requested(&answer(encryption)).unwrap(), encryption);
        }
        assert_eq!(requested(&[TERMINATOR]).unwrap(), Encryption::NotSupported);
        assert!(requested(&[ENCRYPTION, 0xff, 0xff, 0, 1, TERMINATOR]).is_err());
    }
}
