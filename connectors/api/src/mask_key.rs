//! The key of the policy's hashes.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use connector_model::column_rules::KeyedHash;
use connector_model::error::{Error, Result};

/// The fewest bytes of a key. Shorter ones can be found by trying (RFC 2104, section 3, wants as many as the hash has;
/// half of that is out of reach too).
const MIN_BYTES: usize = 16;

/// HMAC-SHA-256 under the operator's `mask_key`: a plain hash of an address or a number is found by hashing every
/// address or number there is.
pub struct MaskKey(hmac::Key);

impl MaskKey {
    /// A key of these bytes.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming `mask_key` when it has fewer than 16 bytes.
    pub fn new(secret: &[u8]) -> Result<Self> {
        if secret.len() < MIN_BYTES {
            let problem = format_args!("it has {} bytes, at least {MIN_BYTES} are needed", secret.len());
            return Err(Error::config("mask_key", problem));
        }
        Ok(MaskKey(hmac::Key::new(HMAC_SHA256, secret)))
    }
}

impl KeyedHash for MaskKey {
    fn digest(&self, value: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.0, value);
        let mut digest = [0; 32];
        // The tag of SHA-256 has exactly as many bytes.
        digest.iter_mut().zip(tag.as_ref()).for_each(|(place, byte)| *place = *byte);
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::column_rules::{ColumnRule, ColumnRules};
    use connector_model::json::{self, Envelope, RowBuffer};
    use std::sync::Arc;

    #[test]
    fn hashes_are_those_of_rfc_4231() {
        // Test cases 1 and 7.
        let key = MaskKey::new(&[0x0b; 20]).unwrap();
        let hex = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        let mut buffer = RowBuffer::new(Envelope::default(), 64, 1024);
        buffer.rules(Arc::new(ColumnRules::new([("greeting", ColumnRule::Hash(Arc::new(key)))])));
        buffer.columns(["greeting"]);
        buffer
            .row(|row| {
                json::text(row.cell()?, "Hi There");
                Ok(())
            })
            .unwrap();
        assert_eq!(String::from_utf8(buffer.take().0).unwrap(), format!("{{\"greeting\":\"{hex}\"}}"));
        let long = MaskKey::new(&[0xaa; 131]).unwrap();
        let text = "This is a test using a larger than block-size key and a larger than block-size data. The key needs \
                    to be hashed before being used by the HMAC algorithm.";
        assert_eq!(long.digest(text.as_bytes())[..4], [0x9b, 0x09, 0xff, 0xa7]);
    }

    #[test]
    fn a_key_that_can_be_guessed_is_refused_without_being_shown() {
        let error = MaskKey::new(b"hunter2").err().unwrap();
        assert!(error.message().contains("mask_key") && !error.message().contains("hunter2"), "{error}");
    }
}
