//! How names and keys are spelled in environment variables.

use connector_model::manifest::{Field, Manifest};

/// What every source's variable begins with.
pub(super) const PREFIX: &str = "SEMILAYER_SOURCE_";
/// The key that names a source's driver; no connector can have it.
pub(super) const DRIVER: &str = "DRIVER";
/// What a variable ends with that holds a file's path instead of the value.
pub(super) const FILE_SUFFIX: &str = "_FILE";

/// A source's name as it stands in variables: upper case, everything outside A-Z and 0-9 an underscore.
pub fn variable_name(source: &str) -> String {
    source
        .chars()
        .map(|character| {
            let upper = character.to_ascii_uppercase();
            if upper.is_ascii_uppercase() || upper.is_ascii_digit() { upper } else { '_' }
        })
        .collect()
}

/// A configuration key as it stands in variables: `accessKeyId` is `ACCESS_KEY_ID`, `pool.max` is `POOL__MAX`.
pub fn variable_key(key: &str) -> String {
    let mut spelled = String::with_capacity(key.len() + 4);
    let mut before: Option<char> = None;
    let mut characters = key.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '.' => spelled.push_str("__"),
            '-' => spelled.push('_'),
            _ => {
                let after_lower = before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
                // The last capital of a run begins the next word: `apiURLBase` is `API_URL_BASE`.
                let ends_run = before.is_some_and(|c| c.is_ascii_uppercase())
                    && characters.peek().is_some_and(char::is_ascii_lowercase);
                if character.is_ascii_uppercase() && (after_lower || ends_run) {
                    spelled.push('_');
                }
                spelled.push(character.to_ascii_uppercase());
            }
        }
        before = Some(character);
    }
    spelled
}

/// The variable of one key of one source.
pub(super) fn variable(source: &str, key: &str) -> String {
    format!("{PREFIX}{}_{}", variable_name(source), variable_key(key))
}

/// A field's spellings: its key's and its aliases'.
pub(super) fn spellings(field: &Field) -> impl Iterator<Item = String> {
    std::iter::once(&field.key).chain(&field.aliases).map(|key| variable_key(key))
}

/// The field that a variable's key part spells.
pub(super) fn field_spelled<'m>(manifest: &'m Manifest, key: &str) -> Option<&'m Field> {
    manifest.fields.iter().find(|field| spellings(field).any(|spelled| spelled == key))
}

/// The variable that configures a source of this connector by itself, or the first it cannot do without.
pub(super) fn expected_variable(source: &str, manifest: &Manifest) -> String {
    let url = manifest.fields.iter().find(|field| manifest.supports_url && field.key == "url");
    let required = || manifest.fields.iter().find(|field| field.required);
    let key =
        url.or_else(required).or_else(|| manifest.fields.first()).map_or("url", |field| field.key.as_ref());
    variable(source, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_as_they_are_spelled_in_variables() {
        for (name, spelled) in [
            ("primary", "PRIMARY"),
            ("primary-db", "PRIMARY_DB"),
            ("primary.db 2", "PRIMARY_DB_2"),
            ("Größe", "GR__E"),
            ("", ""),
        ] {
            assert_eq!(variable_name(name), spelled, "{name}");
        }
        for (key, spelled) in [
            ("url", "URL"),
            ("accessKeyId", "ACCESS_KEY_ID"),
            ("connectionString", "CONNECTION_STRING"),
            ("pool.max", "POOL__MAX"),
            ("pool.idleTimeoutMillis", "POOL__IDLE_TIMEOUT_MILLIS"),
            ("apiURLBase", "API_URL_BASE"),
            ("sslmode", "SSLMODE"),
            ("ipFamily", "IP_FAMILY"),
        ] {
            assert_eq!(variable_key(key), spelled, "{key}");
        }
        assert_eq!(variable("primary-db", "accessKeyId"), "SEMILAYER_SOURCE_PRIMARY_DB_ACCESS_KEY_ID");
    }
}
