//! What the operator allows: `[policy]` and `[policy.sources.NAME]`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use connector_api::MaskKey;
use connector_model::nearest::suggestion;
use connector_model::request::Kind;
use runner_engine::{ColumnPattern, HashKey, Mask, PolicySection, PolicySettings, TargetRules};
use secrecy::ExposeSecret;
use toml::{Table, Value};

use super::error::ConfigError;
use super::file::ConfigFile;
use super::layers::variable;
use super::origin::Setting;
use crate::variables::Variables;

/// The variable with the key of hashes; the secret is better kept out of a file that many may read.
const MASK_KEY: &str = "SEMILAYER_MASK_KEY";

/// The longest `statement_timeout`; no job runs longer anyway.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// The most jobs that `max_concurrent` may say.
const MOST_JOBS: i64 = 10_000;

const KEYS: [&str; 10] = [
    "audit",
    "columns",
    "kinds",
    "mask",
    "mask_key",
    "max_bytes",
    "max_concurrent",
    "max_rows",
    "statement_timeout",
    "targets",
];
/// The one key that `[policy]` has besides.
const SOURCES: &str = "sources";
const COLUMN_KEYS: [&str; 1] = ["deny"];

/// The policy of the file, with the key of hashes from the environment where that has one.
///
/// # Errors
/// A key that is set twice, or is too short.
pub fn read(file: &ConfigFile, variables: &Variables) -> Result<PolicySettings, ConfigError> {
    let mut settings = file.policy.clone();
    if let Some(Setting { value, origin }) = variable(variables, MASK_KEY)? {
        let key =
            hash_key(value.expose_secret()).map_err(|problem| ConfigError::Invalid { origin, problem })?;
        settings.all.mask_key = Some(key);
    }
    Ok(settings)
}

/// The tables of the file.
pub(super) fn settings(mut table: Table) -> Result<PolicySettings, String> {
    let sources = table.remove(SOURCES);
    let all = section("[policy]", table, &[SOURCES])?;
    let mut settings = PolicySettings { all, ..PolicySettings::default() };
    match sources {
        None => {}
        Some(Value::Table(sources)) => {
            for (name, value) in sources {
                let Value::Table(table) = value else {
                    return Err(format!(
                        "[policy.sources.{name}] must be a table, such as [policy.sources.{name}] with max_rows = 1000"
                    ));
                };
                let section = section(&format!("[policy.sources.{name}]"), table, &[])?;
                settings.sources.insert(name, section);
            }
        }
        Some(_) => return Err("[policy.sources] must hold a table for each source".to_owned()),
    }
    Ok(settings)
}

fn section(place: &str, table: Table, besides: &[&str]) -> Result<PolicySection, String> {
    let mut section = PolicySection::default();
    for (key, value) in table {
        if !KEYS.contains(&key.as_str()) {
            let known = KEYS.iter().chain(besides).copied();
            return Err(format!("{place} {key}: there is no such key{}", suggestion(&key, known)));
        }
        put(&mut section, &key, value).map_err(|problem| format!("{place} {key}{problem}"))?;
    }
    Ok(section)
}

/// Takes one entry; the problem begins behind the key.
fn put(section: &mut PolicySection, key: &str, value: Value) -> Result<(), String> {
    let here = |problem: String| format!(": {problem}");
    match key {
        "statement_timeout" => section.statement_timeout = Some(timeout(&value).map_err(here)?),
        "max_rows" => section.max_rows = Some(count(&value).map_err(here)?),
        "max_bytes" => section.max_bytes = Some(size(&value).map_err(here)?),
        "max_concurrent" => section.max_concurrent = Some(jobs(&value).map_err(here)?),
        "targets" => {
            let entries = texts(value, "\"public.*\"").map_err(here)?;
            let rules = TargetRules::parse(entries.iter().map(String::as_str)).map_err(here)?;
            section.targets = Some(rules);
        }
        "kinds" => section.kinds = Some(kinds(value).map_err(here)?),
        "columns" => section.deny = denied(value)?,
        "mask" => section.mask = masks(value)?,
        "mask_key" => {
            let Value::String(text) = value else { return Err(here("must be a text".to_owned())) };
            if !text.is_empty() {
                section.mask_key = Some(hash_key(&text).map_err(here)?);
            }
        }
        _ => match value {
            Value::String(path) if !path.is_empty() => section.audit = Some(PathBuf::from(path)),
            _ => return Err(here("must be the path of a file".to_owned())),
        },
    }
    Ok(())
}

fn hash_key(text: &str) -> Result<HashKey, String> {
    let key = MaskKey::new(text.as_bytes()).map_err(|error| error.message().to_owned())?;
    Ok(HashKey(Arc::new(key)))
}

fn timeout(value: &Value) -> Result<Duration, String> {
    let problem = || {
        "must be a time with its unit, such as \"30s\", \"500ms\" or \"2m\", of at most 24 hours".to_owned()
    };
    let text = value.as_str().ok_or_else(problem)?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| problem())?;
    let unit = match unit.trim() {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" | "min" => Duration::from_secs(60),
        "h" => Duration::from_secs(60 * 60),
        _ => return Err(problem()),
    };
    let number = u32::try_from(number).map_err(|_| problem())?;
    let time = unit.checked_mul(number).ok_or_else(problem)?;
    if time.is_zero() || time > LONGEST_TIMEOUT { Err(problem()) } else { Ok(time) }
}

fn count(value: &Value) -> Result<u64, String> {
    let number = value.as_integer().filter(|number| *number > 0);
    number
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| "must be a whole number, 1 or more".to_owned())
}

fn size(value: &Value) -> Result<u64, String> {
    let problem = || "must be a size, such as \"64MiB\", or a number of bytes, 1 or more".to_owned();
    let Some(text) = value.as_str() else { return count(value).map_err(|_| problem()) };
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| problem())?;
    let unit: u64 = match unit.trim() {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "B" => 1,
        _ => return Err(problem()),
    };
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(problem)
}

fn jobs(value: &Value) -> Result<usize, String> {
    let number = value.as_integer().filter(|number| (1..=MOST_JOBS).contains(number));
    number
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| format!("must be a whole number from 1 to {MOST_JOBS}"))
}

fn kinds(value: Value) -> Result<Vec<Kind>, String> {
    let kind = |name: String| {
        Kind::from_name(&name).ok_or_else(|| {
            let known = Kind::ALL.map(Kind::as_str);
            format!("no kind of job is called \"{name}\"{}", suggestion(&name, known))
        })
    };
    texts(value, "\"query\"")?.into_iter().map(kind).collect()
}

/// `columns = { deny = [ … ] }`.
fn denied(value: Value) -> Result<Vec<ColumnPattern>, String> {
    let Value::Table(table) = value else {
        return Err(": must be written columns.deny = [\"public.users.ssn\"]".to_owned());
    };
    let mut denied = Vec::new();
    for (key, value) in table {
        if !COLUMN_KEYS.contains(&key.as_str()) {
            return Err(format!(".{key}: there is no such key{}", suggestion(&key, COLUMN_KEYS)));
        }
        let here = |problem: String| format!(".{key}: {problem}");
        for text in texts(value, "\"public.users.ssn\"").map_err(here)? {
            denied.push(text.parse::<ColumnPattern>().map_err(here)?);
        }
    }
    Ok(denied)
}

/// `mask = { "public.users.email" = "hash" }`. Without the quotes, dots make tables of a name in this syntax.
fn masks(value: Value) -> Result<Vec<(ColumnPattern, Mask)>, String> {
    let Value::Table(table) = value else {
        return Err(": must be a table, such as { \"public.users.email\" = \"hash\" }".to_owned());
    };
    let mut masks = Vec::new();
    for (name, value) in table {
        let here = |problem: String| format!(" \"{name}\": {problem}");
        let Value::String(done) = value else {
            return Err(here(
                "must be \"hash\", \"null\" or \"redact\"; put the whole name in quotes, dots included"
                    .to_owned(),
            ));
        };
        let mask = Mask::from_name(&done).ok_or_else(|| {
            let known = Mask::ALL.map(Mask::as_str);
            here(format!("must be \"hash\", \"null\" or \"redact\"{}", suggestion(&done, known)))
        })?;
        masks.push((name.parse::<ColumnPattern>().map_err(here)?, mask));
    }
    Ok(masks)
}

fn texts(value: Value, example: &str) -> Result<Vec<String>, String> {
    let not_a_list = || format!("must be a list of texts, such as [{example}]");
    let Value::Array(values) = value else { return Err(not_a_list()) };
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err(not_a_list()),
    };
    values.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PolicySettings, String> {
        settings(text.parse::<Table>().unwrap())
    }

    #[test]
    fn every_key_is_read_for_all_sources_and_for_one() {
        let read = parse(
            r#"
            statement_timeout = "30s"
            max_rows = 10_000
            max_bytes = "64MiB"
            max_concurrent = 4
            targets = ["public.*", "!public.secrets"]
            columns.deny = ["public.users.ssn", "*_token"]
            mask = { "public.users.email" = "hash", phone = "null" }
            mask_key = "0123456789abcdef"
            kinds = ["query", "batchRead"]
            audit = "/var/log/semilayer/audit.jsonl"
            [sources.reports]
            max_bytes = 1000
            statement_timeout = "2m"
            "#,
        )
        .unwrap();
        let all = &read.all;
        assert_eq!(all.statement_timeout, Some(Duration::from_secs(30)));
        assert_eq!(
            (all.max_rows, all.max_bytes, all.max_concurrent),
            (Some(10_000), Some(64 << 20), Some(4))
        );
        assert_eq!(all.targets.as_ref().map(|rules| (rules.allow.len(), rules.deny.len())), Some((1, 1)));
        assert_eq!((all.deny.len(), all.mask.len()), (2, 2));
        assert_eq!(all.kinds.as_deref(), Some(&[Kind::Query, Kind::BatchRead][..]));
        assert!(all.mask_key.is_some() && all.audit.is_some());
        assert!(!format!("{read:?}").contains("0123456789abcdef"));
        let reports = &read.sources["reports"];
        assert_eq!(
            (reports.max_bytes, reports.statement_timeout),
            (Some(1000), Some(Duration::from_secs(120)))
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_the_nearest_name() {
        for (text, expected) in [
            ("max_row = 1", "[policy] max_row: there is no such key; did you mean \"max_rows\""),
            ("source.a = {}", "[policy] source: there is no such key; did you mean \"sources\"?"),
            ("sources = 1", "[policy.sources] must hold a table"),
            ("sources.a = 1", "[policy.sources.a] must be a table"),
            (
                "[sources.a]\ntarget = []",
                "[policy.sources.a] target: there is no such key; did you mean \"targets\"",
            ),
            ("[sources.a.sources]", "[policy.sources.a] sources: there is no such key"),
            ("max_rows = 0", "[policy] max_rows: must be a whole number, 1 or more"),
            ("max_bytes = \"64\"", "[policy] max_bytes: must be a size"),
            ("max_bytes = \"-1MiB\"", "[policy] max_bytes: must be a size"),
            ("max_concurrent = 0", "[policy] max_concurrent: must be a whole number from 1"),
            ("statement_timeout = 30", "[policy] statement_timeout: must be a time with its unit"),
            ("statement_timeout = \"25h\"", "[policy] statement_timeout: must be a time with its unit"),
            ("statement_timeout = \"0s\"", "[policy] statement_timeout: must be a time with its unit"),
            ("targets = \"a\"", "[policy] targets: must be a list of texts, such as [\"public.*\"]"),
            ("targets = [\"a.b.c\"]", "[policy] targets: `a.b.c` has too many parts"),
            (
                "kinds = [\"querry\"]",
                "[policy] kinds: no kind of job is called \"querry\"; did you mean \"query\"?",
            ),
            ("columns = []", "[policy] columns: must be written columns.deny"),
            ("columns.deyn = []", "[policy] columns.deyn: there is no such key; did you mean \"deny\"?"),
            ("columns.deny = [\"a.\"]", "[policy] columns.deny: `a.` has a part that is empty"),
            (
                "mask = { email = \"hahs\" }",
                "[policy] mask \"email\": must be \"hash\", \"null\" or \"redact\"; did you mean \"hash\"?",
            ),
            (
                "mask.users.email = \"hash\"",
                "[policy] mask \"users\": must be \"hash\", \"null\" or \"redact\"; put",
            ),
            ("mask_key = \"hunter2\"", "[policy] mask_key: setting `mask_key`: it has 7 bytes"),
            ("audit = 1", "[policy] audit: must be the path of a file"),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.starts_with(expected), "{found}");
            assert!(!found.contains("hunter2"));
        }
    }
}
