//! Text in URLs.

use std::fmt::Write;

/// Percent-encodes everything but the unreserved characters (RFC 3986 §2.3).
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ok = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// A PostgreSQL URL.
pub(crate) fn postgres(
    user: &str,
    password: &str,
    port: u16,
    database: &str,
    parameters: &[(&str, &str)],
) -> String {
    with_scheme("postgres", (user, password), port, database, parameters)
}

/// A MySQL URL.
pub(crate) fn mysql(
    user: &str,
    password: &str,
    port: u16,
    database: &str,
    parameters: &[(&str, &str)],
) -> String {
    with_scheme("mysql", (user, password), port, database, parameters)
}

/// A ClickHouse URL.
pub(crate) fn clickhouse(user: &str, password: &str, port: u16, database: &str) -> String {
    with_scheme("http", (user, password), port, database, &[])
}

/// A Redis URL, without a database.
pub(crate) fn redis(tls: bool, (user, password): (&str, &str), port: u16) -> String {
    let scheme = if tls { "rediss" } else { "redis" };
    format!("{scheme}://{}:{}@127.0.0.1:{port}", encode(user), encode(password))
}

fn with_scheme(
    scheme: &str,
    (user, password): (&str, &str),
    port: u16,
    database: &str,
    parameters: &[(&str, &str)],
) -> String {
    let mut url =
        format!("{scheme}://{}:{}@127.0.0.1:{port}/{}", encode(user), encode(password), encode(database));
    for (index, (name, value)) in parameters.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(&format!("{}={}", encode(name), encode(value)));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_characters_are_encoded() {
        assert_eq!(
            postgres("app", "p@:/%w", 1, "d b", &[("sslmode", "require"), ("a", "b&c")]),
            "postgres://app:p%40%3A%2F%25w@127.0.0.1:1/d%20b?sslmode=require&a=b%26c"
        );
    }
}
