//! Whether the key that the operator named has signed a module, by minisign (jedisct1.github.io/minisign).

use std::fmt;
use std::str::FromStr;

use minisign_verify::{PublicKey, Signature};

use super::refused::Refused;

/// What a signature's file is called: the module's name with this behind it.
pub const SIGNATURE_SUFFIX: &str = ".minisig";

/// What a key in the configuration may begin with.
const SCHEME: &str = "minisign:";

/// The public key that must have signed a module.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    key: PublicKey,
    text: String,
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a minisign public key, such as \"minisign:RWQ…\": the second line of the publisher's .pub file"
)]
pub struct NoKey;

impl SigningKey {
    /// Verifies the module against the text of the file beside it.
    pub(super) fn verify(&self, module: &[u8], signature: Option<&str>) -> Result<(), Refused> {
        let refused = |problem: String| Refused::Signature(problem);
        let text = signature.ok_or_else(|| {
            refused(format!("it must be signed, and there is no {SIGNATURE_SUFFIX} file beside it"))
        })?;
        let signature = Signature::decode(text).map_err(|_| {
            refused(format!("the {SIGNATURE_SUFFIX} file beside it is no minisign signature"))
        })?;
        // Signatures of the old kind hash nothing and are refused by new tools too unless asked for.
        self.key.verify(module, &signature, false).map_err(|problem| match problem {
            minisign_verify::Error::UnexpectedKeyId => {
                refused("it is signed with another key than the configuration names".to_owned())
            }
            minisign_verify::Error::UnsupportedAlgorithm | minisign_verify::Error::UnexpectedAlgorithm => {
                refused(
                    "its signature is of minisign's old kind; sign it again with a present version"
                        .to_owned(),
                )
            }
            _ => refused("its signature is not of this file: one of the two was changed".to_owned()),
        })
    }
}

impl FromStr for SigningKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let text = text.strip_prefix(SCHEME).unwrap_or(text).trim();
        let key = PublicKey::from_base64(text).map_err(|_| NoKey)?;
        Ok(SigningKey { key, text: text.to_owned() })
    }
}

impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.text)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // From the minisign-verify crate's own documentation.
    const KEY: &str = "minisign:RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const OF_TEST: &str = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
        wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";

    fn problem(key: &SigningKey, module: &[u8], signature: Option<&str>) -> String {
        key.verify(module, signature).unwrap_err().to_string()
    }

    #[test]
    fn only_the_signed_file_under_the_named_key_passes() {
        let key: SigningKey = KEY.parse().unwrap();
        key.verify(b"test", Some(OF_TEST)).unwrap();
        assert!(problem(&key, b"test", None).contains("no .minisig file"));
        assert!(problem(&key, b"tesT", Some(OF_TEST)).contains("not of this file"));
        assert!(problem(&key, b"test", Some("x")).contains("no minisign signature"));
        let changed = OF_TEST.replace("file:test", "file:other");
        assert!(problem(&key, b"test", Some(&changed)).contains("not of this file"));
        // The same key with another id.
        let other: SigningKey = KEY.replace("RWQf6LRC", "RWQf6LRD").parse().unwrap();
        assert!(problem(&other, b"test", Some(OF_TEST)).contains("another key"));
    }

    #[test]
    fn what_is_no_key_is_refused_and_a_key_is_printed_as_written() {
        for wrong in ["", "minisign:", "minisign:xyz", &KEY[..40]] {
            assert_eq!(wrong.parse::<SigningKey>().unwrap_err(), NoKey);
        }
        assert_eq!(KEY.parse::<SigningKey>().unwrap().to_string(), KEY);
    }
}
