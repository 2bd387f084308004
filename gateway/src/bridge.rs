//! Names of bridges: `@semilayer/bridge-postgres`, or `postgres` for short.

/// What the full name of a published bridge begins with.
const PREFIX: &str = "@semilayer/bridge-";

/// The short form of a name, which two spellings of one bridge share.
pub(crate) fn short_name(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// The full form of a name. A name that has a scope or a path of its own is left as it is.
pub(crate) fn full_name(name: &str) -> String {
    if name.starts_with('@') || name.contains('/') { name.to_owned() } else { format!("{PREFIX}{name}") }
}

#[cfg(test)]
mod tests {
    use super::{full_name, short_name};

    #[test]
    fn both_spellings_mean_one_bridge() {
        assert_eq!(short_name("@semilayer/bridge-postgres"), short_name("postgres"));
        assert_eq!(full_name("postgres"), "@semilayer/bridge-postgres");
        assert_eq!(full_name("@semilayer/bridge-postgres"), "@semilayer/bridge-postgres");
        assert_eq!(full_name("@acme/bridge-tape"), "@acme/bridge-tape");
    }
}
