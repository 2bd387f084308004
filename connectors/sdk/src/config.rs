//! A source's settings, typed.

use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// What a source is configured with. The derive of the same name makes it of a struct.
pub trait Config: Sized + 'static {
    /// The fields as they stand in the manifest: a JSON array.
    const FIELDS: &'static str;

    /// Reads the object that [`Connector::open`](crate::Connector::open) is given.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the field, never its value.
    fn from_json(json: &str) -> Result<Self>;
}

/// A type that a field of a [`Config`] can have.
pub trait Setting: Sized {
    /// The field's type in the manifest.
    const KIND: &'static str;
    /// Whether a field without a default has to be set.
    const REQUIRED: bool = true;

    /// The value, or what it must be.
    ///
    /// # Errors
    /// The end of a sentence that begins with "must be".
    fn read(value: &Value) -> Result<Self, String>;

    /// What stands for a field that is not set, if it need not be.
    fn absent() -> Option<Self> {
        None
    }
}

/// A text that is never shown: its `Debug` prints none of it, and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(Zeroizing::new(text.to_owned()))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Setting for String {
    const KIND: &'static str = "string";

    fn read(value: &Value) -> Result<String, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "a text".to_owned())
    }
}

impl Setting for Secret {
    const KIND: &'static str = "password";

    fn read(value: &Value) -> Result<Secret, String> {
        value.as_str().map(Secret::from).ok_or_else(|| "a text".to_owned())
    }
}

impl Setting for bool {
    const KIND: &'static str = "boolean";

    fn read(value: &Value) -> Result<bool, String> {
        match value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if matches!(text.as_str(), "true" | "1") => Ok(true),
            Value::String(text) if matches!(text.as_str(), "false" | "0") => Ok(false),
            _ => Err("true, false, 1 or 0".to_owned()),
        }
    }
}

macro_rules! whole_numbers {
    ($($number:ty)*) => {$(
        impl Setting for $number {
            const KIND: &'static str = "number";

            fn read(value: &Value) -> Result<$number, String> {
                let whole = match value {
                    Value::Number(number) => number.as_i128(),
                    Value::String(text) => text.trim().parse().ok(),
                    _ => None,
                };
                whole.and_then(|whole: i128| <$number>::try_from(whole).ok()).ok_or_else(|| {
                    format!("a whole number from {} to {}", <$number>::MIN, <$number>::MAX)
                })
            }
        }
    )*};
}

whole_numbers! { u8 u16 u32 u64 i32 i64 }

impl<T: Setting> Setting for Option<T> {
    const KIND: &'static str = T::KIND;
    const REQUIRED: bool = false;

    fn read(value: &Value) -> Result<Option<T>, String> {
        T::read(value).map(Some)
    }

    fn absent() -> Option<Option<T>> {
        Some(None)
    }
}

/// The settings that were given: what the derive reads fields from.
#[doc(hidden)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Reads the JSON object of the settings.
    pub fn read(json: &str) -> Result<Settings> {
        match serde_json::from_str(json) {
            Ok(Value::Object(settings)) => Ok(Settings(settings)),
            // What serde_json says could quote a password.
            _ => Err(Error::new(
                crate::error::ErrorCode::SourceNotConfigured,
                "the configuration is no JSON object",
            )),
        }
    }

    /// The field's value.
    pub fn get<T: Setting>(&self, key: &str, aliases: &[&str]) -> Result<T> {
        match self.given(key, aliases)? {
            Some(value) => Ok(value),
            None => T::absent().ok_or_else(|| Error::config(key, "is required and not set")),
        }
    }

    /// The field's value, or its default.
    pub fn get_or<T: Setting>(&self, key: &str, aliases: &[&str], default: impl FnOnce() -> T) -> Result<T> {
        Ok(self.given(key, aliases)?.unwrap_or_else(default))
    }

    fn given<T: Setting>(&self, key: &str, aliases: &[&str]) -> Result<Option<T>> {
        let names = std::iter::once(&key).chain(aliases);
        let mut set =
            names.filter_map(|name| Some((*name, self.0.get(*name).filter(|value| !value.is_null())?)));
        let Some((name, value)) = set.next() else { return Ok(None) };
        if let Some((other, _)) = set.next() {
            return Err(Error::config(other, format_args!("means the same as `{name}`; set one of them")));
        }
        T::read(value).map(Some).map_err(|expected| Error::config(name, format_args!("must be {expected}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::manifest::{Field, FieldKind};
    use semilayer_connector_macros::Config;

    #[derive(Debug, Config)]
    struct Sample {
        #[config(label = "URL", placeholder = "x://\"h\"", hint = "One line.", alias = "connectionString")]
        url: Option<Secret>,
        #[config(label = "Host")]
        host: String,
        #[config(label = "Port", default = 6379)]
        port: u16,
        #[config(label = "Key prefix", default = "app:", advanced)]
        key_prefix: String,
        #[config(label = "TLS", key = "tls.on", default = false)]
        tls: bool,
    }

    #[test]
    fn fields_are_those_of_the_manifest() {
        let fields: Vec<Field> = serde_json::from_str(Sample::FIELDS).unwrap();
        let keys: Vec<&str> = fields.iter().map(|field| field.key.as_ref()).collect();
        assert_eq!(keys, ["url", "host", "port", "keyPrefix", "tls.on"]);
        let required: Vec<bool> = fields.iter().map(|field| field.required).collect();
        assert_eq!(required, [false, true, false, false, false]);
        assert_eq!(fields[0].kind, FieldKind::Password);
        assert_eq!(fields[0].aliases, ["connectionString"]);
        assert_eq!(fields[0].placeholder.as_deref(), Some("x://\"h\""));
        assert_eq!(fields[2].default.as_deref(), Some("6379"));
        assert_eq!(fields[3].group.as_deref(), Some("advanced"));
        assert_eq!(fields[4].kind, FieldKind::Boolean);
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let sample = Sample::from_json(r#"{"host": "h", "connectionString": "x://u:hunter2@h"}"#).unwrap();
        assert_eq!((sample.port, sample.key_prefix.as_str(), sample.tls), (6379, "app:", false));
        assert_eq!(sample.url.as_ref().map(Secret::expose), Some("x://u:hunter2@h"));
        assert_eq!(sample.host, "h");
        assert!(!format!("{sample:?}").contains("hunter2"));
        let sample = Sample::from_json(r#"{"host": "h", "url": null, "port": "7", "tls.on": "1"}"#).unwrap();
        assert!(sample.url.is_none() && sample.port == 7 && sample.tls);
    }

    #[test]
    fn errors_name_the_field_and_never_the_value() {
        for (json, key) in [
            ("{}", "`host`"),
            (r#"{"host": 5}"#, "`host`"),
            (r#"{"host": "h", "port": "hunter2"}"#, "`port`: must be a whole number from 0 to 65535"),
            (r#"{"host": "h", "port": 65536}"#, "`port`"),
            (r#"{"host": "h", "tls.on": "hunter2"}"#, "`tls.on`"),
            (r#"{"host": "h", "url": "a", "connectionString": "b"}"#, "`connectionString`"),
            ("[\"hunter2\"]", "no JSON object"),
            ("{\"url\": \"hunter2", "no JSON object"),
        ] {
            let error = Sample::from_json(json).unwrap_err();
            assert!(error.message().contains(key), "{json}: {error}");
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }
}
