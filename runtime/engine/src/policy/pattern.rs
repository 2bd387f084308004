//! How targets and columns are named in a policy.

use std::fmt;
use std::str::FromStr;

use connector_model::wildcard::Wildcard;

use super::seen::Seen;

/// A target in a policy: `schema.table`, `table`, or with `*` in either part. A part in double quotes is meant letter by
/// letter, so that it may hold a dot or a star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPattern {
    schema: Option<Wildcard>,
    name: Wildcard,
    text: String,
}

/// A column in a policy: that of a target, or without one of every target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPattern {
    target: Option<TargetPattern>,
    column: Wildcard,
    text: String,
}

impl TargetPattern {
    /// Whether a rule that takes away means this target. What is not known counts against it: a pattern without a schema
    /// means that name in every schema, and a target whose schema nobody knows may be in any.
    pub(super) fn names(&self, seen: &Seen) -> bool {
        seen.readings().any(|(schema, name)| self.is_schema(schema) && self.name.matches(name))
    }

    /// Whether a rule that gives means this target: `*` alone is every one, a pattern without a schema means the names
    /// that are listed without one.
    pub(super) fn allows(&self, seen: &Seen) -> bool {
        match &self.schema {
            None if self.name.is_any() => true,
            None => seen.is_listed_bare() && self.name.matches(&seen.shown),
            Some(pattern) => seen.readings().any(|(schema, name)| {
                schema.map_or(pattern.is_any(), |schema| pattern.matches(schema)) && self.name.matches(name)
            }),
        }
    }

    /// Whether a rule that gives might mean a name that no catalogue has.
    pub(super) fn might_allow(&self, absent: &Seen) -> bool {
        let is_dotted = absent.name.contains('.');
        let readings = absent.readings().filter(|(schema, _)| schema.is_some() || !is_dotted);
        self.allows(absent)
            || readings.into_iter().any(|(schema, name)| self.is_schema(schema) && self.name.matches(name))
    }

    /// Whether targets of this one's schema may be meant.
    fn reaches_schema_of(&self, seen: &Seen) -> bool {
        seen.readings().any(|(schema, _)| self.is_schema(schema))
    }

    fn is_schema(&self, schema: Option<&str>) -> bool {
        match (&self.schema, schema) {
            (Some(pattern), Some(schema)) => pattern.matches(schema),
            _ => true,
        }
    }

    /// Whether it is one target's whole name.
    pub(super) fn is_literal(&self) -> bool {
        self.name.name().is_some() && self.schema.as_ref().is_none_or(|schema| schema.name().is_some())
    }

    /// Whether it says in which schema.
    pub(super) fn has_schema(&self) -> bool {
        self.schema.is_some()
    }
}

impl ColumnPattern {
    /// Whether some column of this target is meant.
    pub(super) fn is_of(&self, seen: &Seen) -> bool {
        self.target.as_ref().is_none_or(|target| target.names(seen))
    }

    /// Whether some column of some target in this one's schema is meant.
    pub(super) fn reaches_schema_of(&self, seen: &Seen) -> bool {
        self.target.as_ref().is_none_or(|target| target.reaches_schema_of(seen))
    }

    /// The column.
    pub(super) fn column(&self) -> &Wildcard {
        &self.column
    }

    /// Whether it says in which schema.
    pub(super) fn has_schema(&self) -> bool {
        self.target.as_ref().is_some_and(TargetPattern::has_schema)
    }
}

impl FromStr for TargetPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = parts(text)?;
        match (parts.pop(), parts.pop(), parts.pop()) {
            (Some(name), schema, None) => Ok(TargetPattern { schema, name, text: text.to_owned() }),
            _ => Err(format!("`{text}` has too many parts: a target is `table` or `schema.table`")),
        }
    }
}

impl FromStr for ColumnPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = parts(text)?;
        let (column, name, schema) = (parts.pop(), parts.pop(), parts.pop());
        match (column, parts.is_empty()) {
            (Some(column), true) => {
                let target = name.map(|name| TargetPattern { schema, name, text: text.to_owned() });
                Ok(ColumnPattern { target, column, text: text.to_owned() })
            }
            _ => Err(format!(
                "`{text}` has too many parts: a column is `column`, `table.column` or `schema.table.column`"
            )),
        }
    }
}

impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for ColumnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The parts between the dots; those in double quotes are literal, and `""` in one is a quote.
fn parts(text: &str) -> Result<Vec<Wildcard>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (name, after) =
                    unquoted(quoted).ok_or_else(|| format!("`{text}` has a quote without its end"))?;
                (Wildcard::literal(&name), after)
            }
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                if name.is_empty() || name.trim() != name {
                    return Err(format!("`{text}` has a part that is empty or begins or ends with a blank"));
                }
                (Wildcard::new(name), after)
            }
        };
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(parts),
            None => return Err(format!("`{text}` goes on behind a quoted part")),
        }
    }
}

/// The name up to the closing quote, and what stands behind that.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => return Some((name, after)).filter(|(name, _)| !name.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(shown: &str, schema: Option<&str>, name: &str) -> Seen {
        Seen {
            shown: shown.into(),
            schema: schema.map(str::to_owned),
            name: name.into(),
            kind: "table".into(),
            columns: Vec::new(),
            key: Vec::new(),
        }
    }

    fn target(text: &str) -> TargetPattern {
        text.parse().unwrap()
    }

    #[test]
    fn case_quotes_and_the_default_schema_make_no_difference() {
        let users = seen("users", Some("public"), "users");
        for text in
            ["users", "Users", "public.users", "PUBLIC.Users", "\"public\".\"users\"", "public.*", "*", "*.*"]
        {
            assert!(target(text).names(&users) && target(text).allows(&users), "{text}");
        }
        for text in ["user", "other.users", "other.*", "users.public", "\"*\"", "\"public.users\""] {
            assert!(!target(text).names(&users) && !target(text).allows(&users), "{text}");
        }
    }

    #[test]
    fn a_name_without_a_schema_takes_away_everywhere_and_gives_in_the_default_one_only() {
        let elsewhere = seen("audit.users", Some("audit"), "users");
        assert!(target("users").names(&elsewhere) && !target("users").allows(&elsewhere));
        let unknown = seen("users", None, "users");
        assert!(target("audit.users").names(&unknown) && !target("audit.users").allows(&unknown));
        let dotted = seen("audit.users", None, "audit.users");
        assert!(target("audit.users").names(&dotted) && target("audit.users").allows(&dotted));
        assert!(target("\"audit.users\"").names(&dotted) && target("\"audit.users\"").allows(&dotted));
    }

    #[test]
    fn a_dot_in_a_tables_own_name_is_not_the_one_behind_a_schema() {
        let odd = seen("secret.users", Some("public"), "secret.users");
        assert!(!target("secret.*").names(&odd) && target("public.*").allows(&odd));
        assert!(target("public.\"secret.users\"").allows(&odd));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", ".", "a.", ".a", "a.b.c", "\"a", "\"a\"b", "\"\"", "a .b"] {
            assert!(text.parse::<TargetPattern>().is_err(), "{text}");
        }
        assert!("a.b.c.d".parse::<ColumnPattern>().is_err());
        let column: ColumnPattern = "public.\"Us\"\"ers\".e*".parse().unwrap();
        assert!(
            column.is_of(&seen("us\"ers", Some("public"), "us\"ers")) && column.column().matches("EMAIL")
        );
    }
}
