//! `key=value,key=value`, values percent-encoded: the form of OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES
//! (OpenTelemetry specification, "SDK environment variables").

use thiserror::Error;

/// More entries than anybody writes by hand.
const MOST: usize = 128;

/// What is wrong with a list. Never shows a value: it may be a credential.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PairsError {
    /// An entry without `=` or without a key.
    #[error("entry {entry} is not of the form key=value")]
    Form {
        /// Which one, from 1.
        entry: usize,
    },
    /// A `%` that is not followed by two hexadecimal digits, or bytes that are no text.
    #[error("the value of entry {entry} is not percent-encoded text")]
    Encoding {
        /// Which one, from 1.
        entry: usize,
    },
    /// A key that cannot be a header's name.
    #[error("the key of entry {entry} cannot be the name of a header")]
    Name {
        /// Which one, from 1.
        entry: usize,
    },
    /// A value that cannot be a header's.
    #[error("the value of entry {entry} cannot be the value of a header")]
    Value {
        /// Which one, from 1.
        entry: usize,
    },
    /// Too many entries.
    #[error("there are more than {MOST} entries")]
    TooMany,
}

/// Takes a list apart. Empty entries are passed over.
///
/// # Errors
/// [`PairsError`].
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, PairsError> {
    let mut found = Vec::new();
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    for (at, entry) in entries.enumerate() {
        let number = at + 1;
        if at == MOST {
            return Err(PairsError::TooMany);
        }
        let (key, value) = entry.split_once('=').ok_or(PairsError::Form { entry: number })?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(PairsError::Form { entry: number });
        }
        let value = decoded(value).ok_or(PairsError::Encoding { entry: number })?;
        found.push((key.to_owned(), value));
    }
    Ok(found)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit()? * 16 + digit()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_faults_never_show_them() {
        let list = pairs(" api-key=a%20b%3D , ,x=1=2,").unwrap();
        assert_eq!(list, [("api-key".to_owned(), "a b=".to_owned()), ("x".to_owned(), "1=2".to_owned())]);
        for (text, error) in [
            ("a=1,hunter2", PairsError::Form { entry: 2 }),
            ("=hunter2", PairsError::Form { entry: 1 }),
            ("a=hunter2%", PairsError::Encoding { entry: 1 }),
            ("a=hunter2%ff", PairsError::Encoding { entry: 1 }),
        ] {
            let found = pairs(text).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("hunter2"));
        }
    }
}
