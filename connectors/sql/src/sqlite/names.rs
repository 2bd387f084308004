//! The target that a job means, and how many rows it may have.

use connector_model::nearest::suggestion;
use connector_model::{Error, ErrorCode, Result};

/// The one schema of a database.
pub const SCHEMA: &str = "main";

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// `table`, `view` or `virtual`.
    pub kind: String,
    /// Whether it is a table whose rows are kept in its primary key (WITHOUT ROWID).
    pub without_rowid: bool,
}

/// The table or view that a job means: its name, or `main.` and its name. A name with dots is tried whole first, and
/// as it is written; but two names never differ in the case of ASCII letters alone, and some engines keep lower case only.
///
/// # Errors
/// `INVALID_TARGET` with the nearest names.
pub fn resolve(known: &[Named], target: &str) -> Result<Named> {
    let find = |name: &str| {
        let alike = || known.iter().find(|named| named.name.eq_ignore_ascii_case(name));
        known.iter().find(|named| named.name == name).or_else(alike)
    };
    let unqualified = target.strip_prefix(SCHEMA).and_then(|rest| rest.strip_prefix('.'));
    find(target).or_else(|| find(unqualified?)).cloned().ok_or_else(|| {
        let hint = suggestion(target, known.iter().map(|named| named.name.as_str()));
        let problem = format!("the database has no table or view \"{target}\"{hint}");
        Error::new(ErrorCode::InvalidTarget, problem).with("target", target)
    })
}

/// How many rows an index has by `sqlite_stat1`'s `stat` (sqlite.org/fileformat2.html, 2.6.3): its first number. A
/// partial index has fewer than its table, so the greatest of a table's counts.
pub fn estimate(stat: &str) -> Option<u64> {
    stat.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_with_or_without_its_schema() {
        let named = |name: &str| Named { name: name.into(), kind: "table".into(), without_rowid: false };
        let known = [named("orders"), named("main.orders"), named("people")];
        assert_eq!(resolve(&known, "orders").unwrap().name, "orders");
        assert_eq!(resolve(&known, "main.orders").unwrap().name, "main.orders");
        assert_eq!(resolve(&known, "main.people").unwrap().name, "people");
        assert_eq!(resolve(&known, "People").unwrap().name, "people");
        let error = resolve(&known, "poeple").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget);
        assert!(error.message().contains("\"people\""), "{error}");
    }

    #[test]
    fn the_first_number_of_a_statistic_counts_rows() {
        assert_eq!(estimate("1200 3 1 unordered"), Some(1200));
        assert_eq!(estimate(""), None);
        assert_eq!(estimate("many"), None);
    }
}
