//! The forms in which a database file is named: a path, `sqlite:` and `file:` URLs.

use std::path::{Path, PathBuf};

const MEMORY: &str = "names no file: a database in memory has nothing to read";

/// The path that a setting names. `sqlite:///abs`, `sqlite://rel`, `sqlite:rel`, `file:///abs`, `file://localhost/abs`,
/// `file:rel`, or the path itself; `%XX` is decoded in URLs only.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(crate) fn parse(named: &str) -> Result<PathBuf, String> {
    let path = match split_scheme(named) {
        Some((scheme, rest)) => from_url(scheme, rest)?,
        None => named.to_owned(),
    };
    match path.as_str() {
        "" => Err("names no file".to_owned()),
        ":memory:" => Err(MEMORY.to_owned()),
        path if path.contains('\0') => Err("holds a NUL character".to_owned()),
        path => {
            let path = Path::new(path);
            // SQLite reads a name that begins with `file:` as a URI of its own; `./` keeps a relative one a path.
            Ok(if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) })
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Sqlite,
    File,
}

fn split_scheme(named: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = named.split_once(':')?;
    if scheme.eq_ignore_ascii_case("sqlite") {
        Some((Scheme::Sqlite, rest))
    } else if scheme.eq_ignore_ascii_case("file") {
        Some((Scheme::File, rest))
    } else {
        None
    }
}

fn from_url(scheme: Scheme, rest: &str) -> Result<String, String> {
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(rest, tail)| (rest, Some(tail)));
    if fragment.is_some() {
        return Err("has a part behind `#`; write a `#` of the file's name as %23".to_owned());
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        accept(parameter)?;
    }
    let path = match (scheme, place.strip_prefix("//")) {
        (Scheme::File, Some(authority)) => match authority.split_once('/') {
            Some(("" | "localhost", _)) => authority.trim_start_matches("localhost"),
            _ => return Err("names another machine; a file URL has three slashes: file:///path".to_owned()),
        },
        (Scheme::Sqlite, Some(path)) => path,
        (_, None) => place,
    };
    decode(path)
}

/// The file is opened read-only whatever a URL says; one that says otherwise is refused, not ignored.
fn accept(parameter: &str) -> Result<(), String> {
    match parameter.split_once('=').unwrap_or((parameter, "")) {
        ("mode", "ro") => Ok(()),
        ("mode", "memory") => Err(MEMORY.to_owned()),
        ("mode", _) => Err("asks for another `mode` than `ro`; the file is only ever read".to_owned()),
        (name, _) => Err(format!("has a parameter `{name}`, which is not supported; only `mode=ro` is")),
    }
}

/// Decodes `%XX` (RFC 3986, section 2.1).
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        let decoded = piece.split_at_checked(2).and_then(|(digits, rest)| {
            let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            Some((u8::from_str_radix(digits, 16).ok().filter(|_| hex)?, rest))
        });
        let Some((byte, rest)) = decoded else {
            return Err("has a `%` without two hexadecimal digits; write a lone `%` as %25".to_owned());
        };
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 once its `%XX` are decoded".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_its_path() {
        for (named, path) in [
            ("/data/a.db", "/data/a.db"),
            ("data/a.db", "./data/a.db"),
            ("/data/100%25.db", "/data/100%25.db"),
            ("/data/what?.db", "/data/what?.db"),
            ("sqlite:///data/a%20b.db", "/data/a b.db"),
            ("sqlite:///data/a.db?mode=ro", "/data/a.db"),
            ("sqlite://data/a.db", "./data/a.db"),
            ("sqlite:a.db", "./a.db"),
            ("SQLite:///data/%C3%A4%23.db", "/data/ä#.db"),
            ("file:///data/a.db", "/data/a.db"),
            ("file://localhost/data/a.db", "/data/a.db"),
            ("file:/data/a.db", "/data/a.db"),
            ("file:a.db", "./a.db"),
            ("sqlite://file:a.db", "./file:a.db"),
            ("a:b.db", "./a:b.db"),
        ] {
            assert_eq!(parse(named), Ok(PathBuf::from(path)), "{named}");
        }
    }

    #[test]
    fn what_names_no_file_here_is_refused_with_the_reason() {
        for (named, reason) in [
            ("", "names no file"),
            (":memory:", "in memory"),
            ("sqlite::memory:", "in memory"),
            ("file:a.db?mode=memory", "in memory"),
            ("sqlite:///a.db?mode=rwc", "only ever read"),
            ("sqlite:///a.db?immutable=1", "`immutable`"),
            ("file://server/share/a.db", "another machine"),
            ("sqlite:///a%2.db", "two hexadecimal digits"),
            ("sqlite:///a%+1.db", "two hexadecimal digits"),
            ("sqlite:///a%ff.db", "not UTF-8"),
            ("sqlite:///a%00.db", "NUL"),
            ("sqlite:///a#b.db", "%23"),
        ] {
            let problem = parse(named).unwrap_err();
            assert!(problem.contains(reason), "{named}: {problem}");
        }
    }
}
