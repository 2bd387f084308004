//! Configurations as people write them, right and wrong, with secrets in every place.

use std::ffi::OsString;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

/// What every secret has in its middle, in lower case; nothing else has it.
pub(crate) const MARK: &str = "hunterzwei";

/// A secret: a mark with characters around it that URLs, JSON, TOML and shells treat specially.
pub(crate) fn secret() -> impl Strategy<Value = String> {
    let around = "[A-Za-z0-9@:/%#?&='\"\\\\ €ß;,+._-]{0,10}";
    let with_mark = (around, around).prop_map(|(before, after)| format!("x{before}{MARK}{after}x"));
    // What has a scheme is a URL, whoever meant something else by it.
    with_mark.prop_map(|secret| secret.replace("://", ":-/"))
}

/// How one source is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// `…_URL` with the password as it is.
    Url,
    /// The same, percent-encoded as it should be.
    EncodedUrl,
    /// In a parameter behind it.
    Parameter,
    /// The host forgotten.
    NoHost,
    /// Only a user, who is a token.
    TokenAsUser,
    /// No URL at all.
    KeysAndValues,
    /// The secret alone.
    Bare,
    /// In parts.
    Password,
    /// In parts, the secret in a file.
    PasswordFile,
    /// The secret where the file's path belongs.
    NotAPath,
    /// The secret where a number belongs.
    Port,
    /// .NET's form.
    Ado,
    /// A private key as text.
    PrivateKey,
    /// In the configuration file.
    InFile,
    /// In the configuration file as a URL.
    UrlInFile,
    /// In the configuration file, under a key that is not there.
    UnknownKey,
    /// In a variable whose key is not there.
    UnknownVariable,
}

const SHAPES: [Shape; 17] = [
    Shape::Url,
    Shape::EncodedUrl,
    Shape::Parameter,
    Shape::NoHost,
    Shape::TokenAsUser,
    Shape::KeysAndValues,
    Shape::Bare,
    Shape::Password,
    Shape::PasswordFile,
    Shape::NotAPath,
    Shape::Port,
    Shape::Ado,
    Shape::PrivateKey,
    Shape::InFile,
    Shape::UrlInFile,
    Shape::UnknownKey,
    Shape::UnknownVariable,
];

/// Where the runner's token stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenPlace {
    Variable,
    SecretFile,
    File,
    Flag,
    /// The token where the path belongs.
    NotAPath,
}

/// A configuration before it is written down.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(crate) token: (TokenPlace, String),
    pub(crate) gateway_password: Option<String>,
    pub(crate) sources: Vec<(Shape, String)>,
}

pub(crate) fn configuration() -> impl Strategy<Value = Configuration> {
    use TokenPlace::{File, Flag, NotAPath, SecretFile, Variable};
    let place = prop::sample::select(vec![Variable, SecretFile, File, Flag, NotAPath]);
    // The first eight characters of a token and the last four may be shown.
    let token = secret().prop_map(|secret| format!("rk_abcdefgh{secret}ijklmnop"));
    let sources = vec((prop::sample::select(SHAPES.to_vec()), secret()), 1..5);
    let gateway_password = prop::option::weighted(0.2, secret());
    ((place, token), gateway_password, sources).prop_map(|(token, gateway_password, sources)| Configuration {
        token,
        gateway_password,
        sources,
    })
}

/// A configuration as the program gets it.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) arguments: Vec<String>,
    /// What a log would have to hide: values as they are written, and passwords alone.
    pub(crate) values: Vec<String>,
}

impl Written {
    pub(crate) fn os_variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        self.variables.iter().map(|(name, value)| (name.into(), value.into()))
    }

    fn set(&mut self, name: String, value: String) {
        self.variables.push((name, value));
    }
}

impl Configuration {
    /// Writes it down: files into `folder`, the rest into what is returned. `gateway` is dialled, unless the URL has a
    /// password, and databases are at a port where nobody is.
    pub(crate) fn write(&self, folder: &Path, gateway: &str) -> Written {
        let mut written = Written::default();
        let mut toml = String::from("[runner]\nid = \"edge-1\"\n");
        let (place, token) = &self.token;
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, format!("{text}\n")).unwrap();
            path.to_str().unwrap().to_owned()
        };
        match place {
            TokenPlace::Variable => written.set("SEMILAYER_RUNNER_TOKEN".into(), token.clone()),
            TokenPlace::SecretFile => {
                written.set("SEMILAYER_RUNNER_TOKEN_FILE".into(), file("token", token));
            }
            TokenPlace::File => toml.push_str(&format!("token = {}\n", quoted(token))),
            TokenPlace::Flag => written.arguments.push(format!("--token={token}")),
            TokenPlace::NotAPath => written.set("SEMILAYER_RUNNER_TOKEN_FILE".into(), token.clone()),
        }
        written.values.push(token.clone());
        let gateway = match &self.gateway_password {
            Some(password) => gateway.replace("://", &format!("://edge:{password}@")),
            None => gateway.to_owned(),
        };
        written.set("SEMILAYER_GATEWAY_URL".into(), gateway);
        for (number, (shape, secret)) in self.sources.iter().enumerate() {
            source(number, *shape, secret, &mut written, &mut toml, &file);
        }
        std::fs::write(folder.join("semilayer-runner.toml"), toml).unwrap();
        written
    }
}

fn source(
    number: usize,
    shape: Shape,
    secret: &str,
    written: &mut Written,
    toml: &mut String,
    file: &dyn Fn(&str, &str) -> String,
) {
    let name = |key: &str| format!("SEMILAYER_SOURCE_S{number}_{key}");
    let url = |url: String, written: &mut Written| {
        written.values.push(url.clone());
        written.set(name("URL"), url);
    };
    let parts = |written: &mut Written| {
        written.set(name("DRIVER"), "postgres".into());
        written.set(name("HOST"), "127.0.0.1".into());
        written.set(name("USER"), "app".into());
    };
    match shape {
        // A `?` with an `@` behind it has two readings: a parameter, or a part of the password. It has to be encoded.
        Shape::Url => {
            url(format!("postgres://app:{}@127.0.0.1:1/shop", secret.replace(['?', '#'], "-")), written)
        }
        Shape::EncodedUrl => {
            written.values.push(secret.to_owned());
            url(format!("mysql://app:{}@127.0.0.1:1/shop", encoded(secret)), written);
        }
        Shape::Parameter => {
            url(format!("postgres://127.0.0.1:1/shop?user=app&password={}", encoded(secret)), written);
        }
        // Behind an `@` stands a host, and a host is no secret.
        Shape::NoHost => url(format!("postgres://app:{}", secret.replace('@', "-")), written),
        Shape::TokenAsUser => url(format!("postgres://{}:@127.0.0.1:1/shop", encoded(secret)), written),
        Shape::KeysAndValues => url(format!("host=127.0.0.1 port=1 user=app password={secret}"), written),
        Shape::Bare => url(secret.to_owned(), written),
        Shape::Password => {
            parts(written);
            written.values.push(secret.to_owned());
            written.set(name("PORT"), "1".into());
            written.set(name("PASSWORD"), secret.to_owned());
        }
        Shape::PasswordFile => {
            parts(written);
            written.values.push(secret.to_owned());
            written.set(name("PORT"), "1".into());
            written.set(name("PASSWORD_FILE"), file(&format!("password-{number}"), secret));
        }
        Shape::NotAPath => {
            parts(written);
            written.set(name("PASSWORD_FILE"), secret.to_owned());
        }
        Shape::Port => {
            parts(written);
            written.set(name("PORT"), secret.to_owned());
        }
        Shape::Ado => {
            written.set(name("DRIVER"), "mssql".into());
            let quoted = secret.replace('"', "\"\"");
            url(format!("Server=127.0.0.1,1;Database=shop;User Id=sa;Password=\"{quoted}\""), written);
        }
        Shape::PrivateKey => {
            parts(written);
            written.set(name("PORT"), "1".into());
            let key = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----");
            written.set(name("SSLKEY"), key);
        }
        Shape::InFile => {
            written.values.push(secret.to_owned());
            toml.push_str(&format!(
                "[sources.s{number}]\ndriver = \"mariadb\"\nhost = \"127.0.0.1\"\nport = 1\nuser = \"app\"\npassword = {}\n",
                quoted(secret)
            ));
        }
        Shape::UrlInFile => {
            let url = format!("postgres://app:{}@127.0.0.1:1/shop", encoded(secret));
            written.values.push(url.clone());
            toml.push_str(&format!("[sources.s{number}]\nurl = {}\n", quoted(&url)));
        }
        Shape::UnknownKey => toml.push_str(&format!(
            "[sources.s{number}]\ndriver = \"postgres\"\nhost = \"127.0.0.1\"\npasswort = {}\n",
            quoted(secret)
        )),
        Shape::UnknownVariable => {
            parts(written);
            written.set(name("PORT"), "1".into());
            written.set(name("PASSWORT"), secret.to_owned());
        }
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Everything but letters and digits percent-encoded.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
