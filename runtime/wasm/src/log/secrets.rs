//! The credentials of a source, so that a module's texts do not carry them on by accident.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use connector_model::config::Config;
use connector_model::manifest::{FieldKind, Manifest};
use connector_model::url::decoded;
use zeroize::Zeroizing;

/// The shortest text that is hidden, in bytes: hiding every `a` would say more than the `a` does.
const SHORTEST: usize = 4;

/// What stands in a secret's place.
const HIDDEN: &str = "***";

/// What must not be shown of one source's configuration: passwords, in the forms in which programs print them. Of a URL,
/// the whole if its field is a password, and always its login's password and its parameters' values.
///
/// This is against carelessness. A module that wants to can write a password in any other way.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[Zeroizing<String>]>);

impl Secrets {
    /// The secrets of a configuration.
    pub fn of(manifest: &Manifest, config: &Config) -> Secrets {
        let mut found = Vec::new();
        for field in &manifest.fields {
            let Some(value) = config.text(&field.key) else { continue };
            if field.kind == FieldKind::Password {
                keep(value, &mut found);
            }
            if let Some((_, rest)) = value.split_once("://") {
                of_url(rest, &mut found);
            }
        }
        Secrets::sorted(found)
    }

    /// Texts that are secret as a whole; of those that are URLs also the parts.
    pub fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Secrets {
        let mut found = Vec::new();
        for text in texts {
            keep(text, &mut found);
            if let Some((_, rest)) = text.split_once("://") {
                of_url(rest, &mut found);
            }
        }
        Secrets::sorted(found)
    }

    /// These and those.
    #[must_use]
    pub fn and(&self, others: &Secrets) -> Secrets {
        let mut all = self.0.to_vec();
        all.extend(others.0.iter().filter(|other| !self.0.contains(other)).cloned());
        Secrets::sorted(all)
    }

    fn sorted(mut found: Vec<Zeroizing<String>>) -> Secrets {
        // One may be a part of another.
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Secrets(found.into())
    }

    #[cfg(test)]
    pub(super) fn these(texts: &[&str]) -> Secrets {
        Secrets(texts.iter().map(|text| Zeroizing::new((*text).to_owned())).collect())
    }

    /// The text with every secret hidden.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut hidden = Cow::Borrowed(text);
        for secret in self.0.iter() {
            if hidden.contains(secret.as_str()) {
                hidden = Cow::Owned(hidden.replace(secret.as_str(), HIDDEN));
            }
        }
        hidden
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

fn of_url(rest: &str, found: &mut Vec<Zeroizing<String>>) {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let login = rest.rsplit_once('@').and_then(|(login, _)| login.split_once(':'));
    let values = query.split('&').filter_map(|pair| pair.split_once('='));
    for (_, value) in login.into_iter().chain(values.filter(|(name, _)| is_secret(name))) {
        keep(value, found);
        keep(&Zeroizing::new(decoded(value)), found);
    }
}

/// Whether a parameter of that name is one to hide: most are harmless, and some are words like `true`.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "pwd", "token", "secret", "key", "auth"].iter().any(|part| name.contains(part))
}

/// Keeps the text, and how JSON and a program's debug output write it.
fn keep(text: &str, found: &mut Vec<Zeroizing<String>>) {
    let json = Zeroizing::new(serde_json::Value::from(text).to_string());
    let debug = Zeroizing::new(format!("{text:?}"));
    let unquoted = |text: &str| text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned();
    for form in [text.to_owned(), unquoted(&json), unquoted(&debug)] {
        let form = Zeroizing::new(form);
        if form.len() >= SHORTEST && !found.contains(&form) {
            found.push(form);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::Capabilities;
    use connector_model::config::Origin;
    use connector_model::manifest::Field;

    fn hidden(config: &[(&str, &str)], text: &str) -> String {
        let manifest = Manifest {
            package_name: "@acme/bridge-acme".into(),
            display_name: "Acme".into(),
            icon: "x".into(),
            supports_url: true,
            url_placeholder: None,
            url_schemes: Vec::new(),
            fields: vec![
                Field::new("url", "URL", FieldKind::String),
                Field::new("secretUrl", "URL", FieldKind::Password),
                Field::new("password", "Password", FieldKind::Password),
                Field::new("user", "User", FieldKind::String),
            ],
            capabilities: Capabilities::default(),
            version: "1".into(),
        };
        let config = Config::from_texts(&manifest, Origin::Local, config.iter().copied()).unwrap();
        Secrets::of(&manifest, &config).hide(text).into_owned()
    }

    #[test]
    fn a_password_is_hidden_in_every_form_that_programs_print() {
        let config = [("password", "s\"3 \\cret"), ("user", "annabel")];
        assert_eq!(hidden(&config, "annabel: s\"3 \\cret, s\"3 \\cret!"), "annabel: ***, ***!");
        assert_eq!(hidden(&config, r#"{"password":"s\"3 \\cret"}"#), r#"{"password":"***"}"#);
        assert_eq!(hidden(&[("password", "abc")], "abc"), "abc");
        assert_eq!(hidden(&[], "nothing"), "nothing");
    }

    #[test]
    fn of_a_url_the_secret_parts_are_hidden() {
        let url = "acme://ann:p%40ss:word@db.example:1/x?authToken=e30.abc&tls=true&mode=fast";
        let said = format!("{url} p@ss:word p%40ss:word e30.abc true db.example fast");
        assert_eq!(
            hidden(&[("url", url)], &said),
            "acme://ann:***@db.example:1/x?authToken=***&tls=true&mode=fast *** *** *** true db.example fast"
        );
        assert_eq!(hidden(&[("secretUrl", url)], &said), "*** *** *** *** true db.example fast");
    }
}
