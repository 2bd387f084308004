//! The credentials of a source, so that a module's texts do not carry them on by accident.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use connector_model::config::Config;
use connector_model::manifest::{FieldKind, Manifest};
use connector_model::url::{ConnectionUrl, decoded};
use zeroize::Zeroizing;

use super::forms::{Forms, keep, keep_login};
use super::shown::shown;

/// What stands in a secret's place.
const HIDDEN: &str = "***";

/// Bytes of a text that are looked at at all: many times what is shown of it.
pub(super) const MAX_SEARCHED: usize = 64 * 1024;

/// From how many bytes on a URL's login of one word is taken for a token: shorter ones are users (`postgres@`), whose names
/// are words of many messages. Over HTTP there is no such user, and each is a token.
const LONG_LOGIN: usize = 16;

/// What must not be shown of one source's configuration: passwords, in the forms in which programs print them. Of a URL,
/// the whole if its field is a password, and always its login's password, a token in the login's place, and the values
/// of parameters that are named like secrets.
///
/// This is against carelessness. A module that wants to can write a password in any other way, and what is shorter than
/// [`super::forms::SHORTEST`] bytes is not hidden at all.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<[Zeroizing<String>]>);

impl Secrets {
    /// The secrets of a configuration.
    pub(crate) fn of(manifest: &Manifest, config: &Config) -> Secrets {
        let mut found = Vec::new();
        let (mut users, mut passwords) = (Vec::new(), Vec::new());
        for field in &manifest.fields {
            let Some(value) = config.text(&field.key) else { continue };
            if field.kind == FieldKind::Password {
                keep(value, &mut found);
                passwords.push(Zeroizing::new(value.to_owned()));
            } else if is_user(&field.key) {
                users.push(value.to_owned());
            }
            if let Some((scheme, rest)) = value.split_once("://") {
                of_url(scheme, rest, &mut found);
            }
            if let Some(url) = ConnectionUrl::parse(value) {
                users.extend(url.user);
                let password = url.password.map(Zeroizing::new);
                password.iter().for_each(|password| keep(password, &mut found));
                passwords.extend(password);
            }
        }
        for user in &users {
            passwords.iter().for_each(|password| keep_login(user, password, &mut found));
        }
        Secrets(found.into())
    }

    #[cfg(test)]
    pub(crate) fn these(texts: &[&str]) -> Secrets {
        Secrets(texts.iter().map(|text| Zeroizing::new((*text).to_owned())).collect())
    }

    /// A text of the guest, fit to be shown to whoever sent the job or reads the log: with every secret hidden, escaped,
    /// and no longer than `longest` characters.
    pub(crate) fn shown(&self, text: &str, longest: usize) -> String {
        let searched = text.get(..text.floor_char_boundary(MAX_SEARCHED)).unwrap_or_default();
        let hidden = self.hide(searched, searched.len() < text.len());
        shown(&hidden, longest)
    }

    /// The text with every secret hidden. Where it was `cut`, its end may be the beginning of one.
    fn hide<'t>(&self, text: &'t str, cut: bool) -> Cow<'t, str> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for secret in self.0.iter() {
            spans.extend(text.match_indices(secret.as_str()).map(|(at, found)| (at, at + found.len())));
            if cut {
                let beginnings = secret.char_indices().map(|(end, _)| secret.get(..end).unwrap_or_default());
                let longest = beginnings.filter(|start| text.ends_with(start)).map(str::len).max();
                spans.extend(
                    longest.filter(|length| *length > 0).map(|length| (text.len() - length, text.len())),
                );
            }
        }
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        spans.sort_unstable();
        let (mut hidden, mut shown_to) = (String::with_capacity(text.len()), 0);
        for (start, end) in spans {
            if start >= shown_to {
                hidden.push_str(text.get(shown_to..start).unwrap_or_default());
                hidden.push_str(HIDDEN);
            }
            // One that begins within another goes on behind it under the same stars.
            shown_to = shown_to.max(end);
        }
        hidden.push_str(text.get(shown_to..).unwrap_or_default());
        Cow::Owned(hidden)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// The secret parts of a URL as they are written there.
fn of_url(scheme: &str, rest: &str, found: &mut Forms) {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if let Some((login, _)) = rest.rsplit_once('@') {
        match login.split_once(':') {
            Some((token, "")) => of_login(scheme, token, found),
            Some((_, password)) => keep(password, found),
            None => of_login(scheme, login, found),
        }
    }
    let values = query.split('&').filter_map(|pair| pair.split_once('='));
    values.filter(|(name, _)| is_secret(name)).for_each(|(_, value)| keep(value, found));
}

/// A login of one word.
fn of_login(scheme: &str, login: &str, found: &mut Forms) {
    if scheme.starts_with("http") || login.len() >= LONG_LOGIN {
        keep(login, found);
        keep_login(&decoded(login), "", found);
    }
}

/// Whether a parameter of that name is one to hide: most are harmless, and some are words like `true`.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "pwd", "token", "secret", "key", "auth"].iter().any(|part| name.contains(part))
}

/// Whether a field of that name has who logs in.
fn is_user(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["user", "login", "account"].iter().any(|part| name.contains(part))
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
        Secrets::of(&manifest, &config).shown(text, usize::MAX)
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

    #[test]
    fn a_token_in_the_place_of_a_login_is_hidden_and_a_short_user_is_not() {
        assert_eq!(
            hidden(&[("url", "https://e30.abc@db.example/x")], "at e30.abc@db.example"),
            "at ***@db.example"
        );
        assert_eq!(hidden(&[("url", "https://e30.abc:@db.example/x")], "at e30.abc"), "at ***");
        assert_eq!(hidden(&[("url", "acme://root@db.example/x")], "the root cause"), "the root cause");
        let token = "acme://eyJhbGciOiJFZERTQSJ9.e30@db.example";
        assert_eq!(hidden(&[("url", token)], "no eyJhbGciOiJFZERTQSJ9.e30"), "no ***");
        // As people write it, and not as a URL should be.
        let loose = [("url", "acme://ann:p?a/s@s@db.example/x")];
        assert_eq!(hidden(&loose, "ann with p?a/s@s"), "ann with ***");
    }

    #[test]
    fn what_a_request_logs_in_with_is_hidden() {
        // What `Basic` makes of `annabel:correct-horse`, of a token alone, and of a user without a password.
        let login = [("user", "annabel"), ("password", "correct-horse")];
        assert_eq!(
            hidden(&login, "authorization: Basic YW5uYWJlbDpjb3JyZWN0LWhvcnNl"),
            "authorization: Basic ***"
        );
        assert_eq!(hidden(&login, "Basic Y29ycmVjdC1ob3JzZQ=="), "Basic ***==");
        let url = [("url", "https://annabel:correct-horse@db.example")];
        assert_eq!(hidden(&url, "Basic YW5uYWJlbDpjb3JyZWN0LWhvcnNl"), "Basic ***");
        assert_eq!(hidden(&[("url", "https://e30.abc@db.example")], "Basic ZTMwLmFiYzo="), "Basic ***=");
        // Of another user, all but the characters that are the user's too.
        assert!(!hidden(&login, "Basic cm9vdDpjb3JyZWN0LWhvcnNl").contains("yZWN0LWhvcnNl"));
    }

    #[test]
    fn a_secret_of_several_lines_is_hidden_line_by_line() {
        let key = [("password", "-----BEGIN KEY-----\nMC4CAQAwBQ\n-----END KEY-----")];
        assert_eq!(hidden(&key, "MC4CAQAwBQ"), "***");
    }

    #[test]
    fn secrets_that_overlap_and_those_that_a_cut_divides_leave_no_rest() {
        let secrets = Secrets::these(&["hunter2", "2-twice"]);
        assert_eq!(secrets.shown("a hunter2-twice b", 99), "a *** b");
        for kept in 1..7 {
            let fits = MAX_SEARCHED - kept;
            let long = format!("{}hunter2", "hunter2 ".repeat(fits / 8) + &"x".repeat(fits % 8));
            let shown = secrets.shown(&long, usize::MAX);
            assert!(shown.ends_with("***"), "{}", &shown[shown.len() - 20..]);
            assert!(!shown.contains('h'), "{kept}");
        }
    }
}
