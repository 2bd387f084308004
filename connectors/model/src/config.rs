//! A source's configuration: typed by its connector's manifest, and never printed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::manifest::{Field, FieldKind, Manifest, Text};
use crate::nearest::suggestion;

/// Who chose this configuration, and with it the host that is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The operator of this machine: environment or file.
    Local,
    /// The gateway, in an assignment.
    Managed,
}

/// One typed value. Text is wiped from memory when the config is dropped.
#[derive(Clone, PartialEq, Eq)]
enum Setting {
    Text(Zeroizing<String>),
    Number(i64),
    Boolean(bool),
}

/// A source's configuration: canonical keys of the manifest, values of the declared kinds. `Debug` shows the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    origin: Origin,
    settings: BTreeMap<Text, Setting>,
}

impl Config {
    /// A config from texts (environment variables, a file), typed by the manifest.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the key: unknown, given twice under two names, of the wrong kind, or required
    /// and absent.
    pub fn from_texts<'a>(
        manifest: &Manifest,
        origin: Origin,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Config> {
        let mut config = Config { origin, settings: BTreeMap::new() };
        for (key, text) in texts {
            let field = known(manifest, key)?;
            config.put(field, key, typed(field, key, text)?)?;
        }
        config.complete(manifest)
    }

    /// A config from the JSON object of an assignment; nested objects become dotted keys.
    ///
    /// # Errors
    /// As [`Config::from_texts`].
    pub fn from_json(manifest: &Manifest, origin: Origin, json: &Value) -> Result<Config> {
        let Value::Object(entries) = json else {
            return Err(Error::config("config", "must be a JSON object"));
        };
        let mut config = Config { origin, settings: BTreeMap::new() };
        for (key, value) in entries {
            match value {
                Value::Object(nested) => {
                    for (inner, value) in nested {
                        config.put_json(manifest, &format!("{key}.{inner}"), value)?;
                    }
                }
                _ => config.put_json(manifest, key, value)?,
            }
        }
        config.complete(manifest)
    }

    fn put_json(&mut self, manifest: &Manifest, key: &str, value: &Value) -> Result<()> {
        let field = known(manifest, key)?;
        let setting = match value {
            Value::Null => return Ok(()),
            Value::String(text) if text.is_empty() => return Ok(()),
            Value::String(text) => typed(field, key, text)?,
            Value::Bool(flag) if field.kind == FieldKind::Boolean => Setting::Boolean(*flag),
            Value::Number(number) => typed(field, key, &number.to_string())?,
            _ => return Err(Error::config(key, format_args!("must be {}", expected(field.kind)))),
        };
        self.put(field, key, setting)
    }

    fn put(&mut self, field: &Field, key: &str, setting: Setting) -> Result<()> {
        match self.settings.insert(field.key.clone(), setting) {
            None => Ok(()),
            Some(_) => {
                Err(Error::config(key, format_args!("is set twice: it means the same as `{}`", field.key)))
            }
        }
    }

    fn complete(self, manifest: &Manifest) -> Result<Config> {
        match manifest.fields.iter().find(|field| field.required && !self.settings.contains_key(&field.key)) {
            Some(missing) => Err(Error::config(&missing.key, "is required and not set")),
            None => Ok(self),
        }
    }

    /// Who chose it.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The keys that are set.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().map(Text::as_ref)
    }

    /// A text, if set.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.settings.get(key) {
            Some(Setting::Text(text)) => Some(text.as_str()),
            _ => None,
        }
    }

    /// A flag, if set.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.settings.get(key) {
            Some(Setting::Boolean(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A number within `range`, if set.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the key and the range.
    pub fn number(&self, key: &str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        match self.settings.get(key) {
            Some(Setting::Number(number)) if range.contains(number) => Ok(Some(*number)),
            Some(Setting::Number(number)) => Err(Error::config(
                key,
                format_args!("{number} is outside {} to {}", range.start(), range.end()),
            )),
            _ => Ok(None),
        }
    }

    /// The settings as a JSON object, secrets in clear: what a module's `open` is handed. Wiped when dropped.
    pub fn to_json(&self) -> Zeroizing<String> {
        // Grown once: what a growing buffer leaves behind would not be wiped.
        let text = |setting: &Setting| match setting {
            Setting::Text(text) => text.len() * 6,
            _ => 24,
        };
        let capacity =
            self.settings.iter().map(|(key, setting)| key.len() * 6 + text(setting) + 8).sum::<usize>();
        let mut json = Zeroizing::new(Vec::with_capacity(capacity + 2));
        for (key, setting) in &self.settings {
            let lead = if json.is_empty() { b'{' } else { b',' };
            json.push(lead);
            crate::json::text(&mut json, key);
            json.push(b':');
            match setting {
                Setting::Text(text) => crate::json::text(&mut json, text),
                Setting::Number(number) => crate::json::integer(&mut json, *number),
                Setting::Boolean(flag) => crate::json::boolean(&mut json, *flag),
            }
        }
        if json.is_empty() {
            json.push(b'{');
        }
        json.push(b'}');
        Zeroizing::new(String::from_utf8(std::mem::take(&mut json)).unwrap_or_default())
    }

    /// Takes the keys that begin with `prefix` out, as a config of their own.
    #[must_use]
    pub fn split_off_prefix(&mut self, prefix: &str) -> Config {
        let (taken, kept) =
            std::mem::take(&mut self.settings).into_iter().partition(|(key, _)| key.starts_with(prefix));
        self.settings = kept;
        Config { origin: self.origin, settings: taken }
    }
}

fn known<'m>(manifest: &'m Manifest, key: &str) -> Result<&'m Field> {
    manifest.field(key).ok_or_else(|| {
        let hint = suggestion(key, manifest.fields.iter().map(|field| field.key.as_ref()));
        Error::config(key, format_args!("{} has no such setting{hint}", manifest.package_name))
    })
}

fn expected(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Number => "a whole number",
        FieldKind::Boolean => "true, false, 1 or 0",
        FieldKind::String | FieldKind::Password => "a text",
    }
}

fn typed(field: &Field, key: &str, text: &str) -> Result<Setting> {
    let setting = match field.kind {
        FieldKind::String | FieldKind::Password => Some(Setting::Text(Zeroizing::new(text.to_owned()))),
        FieldKind::Number => text.trim().parse().ok().map(Setting::Number),
        FieldKind::Boolean => match text.trim() {
            "true" | "1" => Some(Setting::Boolean(true)),
            "false" | "0" => Some(Setting::Boolean(false)),
            _ => None,
        },
    };
    // The value itself stays out of the message: a password may have landed under the wrong key.
    setting.ok_or_else(|| Error::config(key, format_args!("must be {}", expected(field.kind))))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("origin", &self.origin).field("keys", &self.settings.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capabilities;
    use crate::manifest::texts;

    fn manifest() -> Manifest {
        use FieldKind::{Boolean, Number, Password, String};
        Manifest {
            package_name: "@semilayer/bridge-x".into(),
            display_name: "X".into(),
            icon: "x".into(),
            supports_url: true,
            url_placeholder: None,
            url_schemes: texts(&["x"]),
            fields: vec![
                Field::new("url", "URL", String).aliases(&["connectionString"]),
                Field::new("password", "Password", Password),
                Field::new("port", "Port", Number),
                Field::new("ssl", "SSL", Boolean),
                Field::new("pool.max", "Pool", Number),
            ],
            capabilities: Capabilities::default(),
            version: "0".into(),
        }
    }

    #[test]
    fn a_password_of_digits_stays_the_exact_text_and_is_never_printed() {
        let config = Config::from_texts(&manifest(), Origin::Local, [("password", "00123")]).unwrap();
        assert_eq!(config.text("password"), Some("00123"));
        assert!(!format!("{config:?}").contains("00123"));
        assert!(format!("{config:?}").contains("password"));
    }

    #[test]
    fn errors_name_the_key_and_never_the_value() {
        let error = Config::from_texts(&manifest(), Origin::Local, [("port", "hunter2")]).unwrap_err();
        assert!(error.message().contains("`port`") && !error.message().contains("hunter2"), "{error}");
        let error = Config::from_texts(&manifest(), Origin::Local, [("prot", "1")]).unwrap_err();
        assert!(error.message().contains("did you mean \"port\""), "{error}");
        let twice = [("url", "x://a"), ("connectionString", "x://b")];
        assert!(Config::from_texts(&manifest(), Origin::Local, twice).is_err());
    }

    #[test]
    fn json_is_flattened_and_the_pool_is_taken_out() {
        let json =
            serde_json::json!({"url": "x://h", "ssl": "1", "port": 5, "pool": {"max": 3}, "password": null});
        let mut config = Config::from_json(&manifest(), Origin::Managed, &json).unwrap();
        let pool = config.split_off_prefix("pool.");
        assert_eq!(pool.number("pool.max", 1..=100).unwrap(), Some(3));
        assert!(pool.number("pool.max", 10..=100).is_err());
        assert_eq!(config.flag("ssl"), Some(true));
        assert_eq!(config.keys().collect::<Vec<_>>(), ["port", "ssl", "url"]);
        assert_eq!(*config.to_json(), r#"{"port":5,"ssl":true,"url":"x://h"}"#);
    }
}
