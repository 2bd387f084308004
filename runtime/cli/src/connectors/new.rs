//! `connectors new`: a folder with a connector that works, to be made into another.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::arguments::Template;
use crate::exit::Exit;

/// Where the SDK lies in a checkout of this project.
const SDK: &str = "connectors/sdk";
/// What its Cargo.toml says.
const SDK_NAME: &str = "name = \"semilayer-connector\"";
/// How the templates refer to it.
const SDK_IN_TEMPLATE: &str = "path = \"../..\"";
/// The longest name.
const MAX_NAME: usize = 64;

/// The files of a template, by their paths.
type Files = &'static [(&'static str, &'static str)];

macro_rules! template {
    ($name:literal) => {
        &[
            (
                "Cargo.toml",
                include_str!(concat!("../../../../connectors/sdk/templates/", $name, "/Cargo.toml")),
            ),
            (
                "Cargo.lock",
                include_str!(concat!("../../../../connectors/sdk/templates/", $name, "/Cargo.lock")),
            ),
            (
                ".gitignore",
                include_str!(concat!("../../../../connectors/sdk/templates/", $name, "/.gitignore")),
            ),
            (
                "src/lib.rs",
                include_str!(concat!("../../../../connectors/sdk/templates/", $name, "/src/lib.rs")),
            ),
            (
                "examples/serve.rs",
                include_str!(concat!("../../../../connectors/sdk/templates/", $name, "/examples/serve.rs")),
            ),
            (
                "tests/native.rs",
                include_str!(concat!("../../../../connectors/sdk/templates/", $name, "/tests/native.rs")),
            ),
            (
                "tests/server/mod.rs",
                include_str!(concat!("../../../../connectors/sdk/templates/", $name, "/tests/server/mod.rs")),
            ),
        ]
    };
}

const HTTP: Files = template!("http");
const TCP: Files = template!("tcp");

/// Names that a crate cannot have, or that one of the template's has: words of the language (doc.rust-lang.org/reference) and
/// of its library.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "semilayer-connector",
    "serde",
    "serde-json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Why there is no new folder.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(
        "\"{0}\" cannot be a connector's name: lower-case letters, digits and single hyphens, beginning with a letter"
    )]
    Name(String),
    #[error(
        "\"{0}\" cannot be a connector's name: it means something in Rust, or is the name of a library that is used"
    )]
    Taken(String),
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    #[error(
        "the SDK is not found above this folder: name it with --sdk, the folder {SDK} of a checkout of this project"
    )]
    NoSdk,
    #[error("{} is not the SDK: --sdk is the folder {SDK} of a checkout of this project", .0.display())]
    NotSdk(PathBuf),
    #[error("{}: {problem}", path.display())]
    File { path: PathBuf, problem: io::Error },
}

/// Writes a new connector into the folder `name` of this one.
pub(super) fn run(
    name: &str,
    template: &Template,
    sdk: Option<&Path>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    match write(name, template, sdk) {
        Ok(folder) => {
            writeln!(out, "{} is a connector that works as it is. Next:", folder.display())?;
            writeln!(out, "  cd {name}")?;
            writeln!(out, "  cargo test")?;
            writeln!(out, "  cargo build --release --target wasm32-wasip2")?;
            let file = name.replace('-', "_");
            let config = if template.http { "url=http://…" } else { "host=… --config port=…" };
            writeln!(
                out,
                "  semilayer-runner connectors test target/wasm32-wasip2/release/{file}.wasm --config {config}"
            )?;
            Ok(Exit::Ok)
        }
        Err(problem) => {
            writeln!(err, "error: {problem}")?;
            Ok(Exit::Config)
        }
    }
}

fn write(name: &str, template: &Template, sdk: Option<&Path>) -> Result<PathBuf, Problem> {
    check(name)?;
    let sdk = match sdk {
        Some(named) if is_sdk(named) => named.to_owned(),
        Some(named) => return Err(Problem::NotSdk(named.to_owned())),
        None => found_sdk()?,
    };
    // Where it really is: the SDK is found by its path, and what is around it by its own.
    let sdk = sdk.canonicalize().map_err(|problem| Problem::File { path: sdk, problem })?;
    let folder = PathBuf::from(name);
    if folder.exists() {
        return Err(Problem::Exists(folder));
    }
    let files = if template.http { HTTP } else { TCP };
    for (path, text) in files {
        let path = folder.join(path);
        let failed = |problem| Problem::File { path: path.clone(), problem };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, filled(text, name, &sdk)).map_err(failed)?;
    }
    Ok(folder)
}

/// A template's text for this name.
fn filled(text: &str, name: &str, sdk: &Path) -> String {
    let words: Vec<String> = name.split('-').map(capitalised).collect();
    let sentence = capitalised(&name.replace('-', " "));
    text.replace("new-connector", name)
        .replace("new_connector", &name.replace('-', "_"))
        .replace("NewConnector", &words.concat())
        .replace("New connector", &sentence)
        .replace(SDK_IN_TEMPLATE, &format!("path = {}", toml::Value::from(sdk.display().to_string())))
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

fn check(name: &str) -> Result<(), Problem> {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if name.len() > MAX_NAME || !begins_well || !name.split('-').all(is_word) {
        return Err(Problem::Name(name.to_owned()));
    }
    if TAKEN.contains(&name) {
        return Err(Problem::Taken(name.to_owned()));
    }
    Ok(())
}

/// The SDK of the checkout that this folder is in.
fn found_sdk() -> Result<PathBuf, Problem> {
    let here =
        std::env::current_dir().map_err(|problem| Problem::File { path: PathBuf::from("."), problem })?;
    here.ancestors().map(|above| above.join(SDK)).find(|sdk| is_sdk(sdk)).ok_or(Problem::NoSdk)
}

fn is_sdk(folder: &Path) -> bool {
    fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains(SDK_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_crates_name() {
        for good in ["inventory", "acme-inventory", "s3", "a-1"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_NAME + 1);
        for bad in
            ["", "-a", "a-", "a--b", "A", "1a", "a_b", "../a", "a b", "ä", &long, "self", "serde", "test"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_of_the_templates_own_name_is_left() {
        for files in [HTTP, TCP] {
            let mut has_sdk = false;
            for (path, text) in files {
                let filled = filled(text, "acme-inventory", Path::new("/src/semi\"layer/connectors/sdk"));
                for own in
                    ["new-connector", "new_connector", "NewConnector", "New connector", SDK_IN_TEMPLATE]
                {
                    assert!(!filled.contains(own), "{path}: {own}");
                }
                has_sdk |= *path == "Cargo.toml"
                    && filled.parse::<toml::Table>().is_ok_and(|table| {
                        table["dependencies"]["semilayer-connector"]["path"].as_str()
                            == Some("/src/semi\"layer/connectors/sdk")
                    });
            }
            assert!(has_sdk);
        }
        assert!(
            filled("NewConnector New connector", "acme-inventory", Path::new("/"))
                == "AcmeInventory Acme inventory"
        );
    }
}
