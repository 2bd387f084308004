//! Targets and their columns, from `system.tables` and `system.columns`.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use connector_sql::{ClickHouseType, Param, ParamType, Reading, Statement, Table, TableColumn, Value};
use semilayer_connector::error::{internal, not_found};
use semilayer_connector::model::filter::Typed;
use semilayer_connector::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::exception::Fault;
use crate::server::{Form, Server};

/// How long a description is believed.
const LIFE: Duration = Duration::from_secs(60);
/// More targets than this are described anew each time; a description is about a kilobyte.
const MOST: usize = 500;

/// Left out: the servers' own, and the tables that materialized views keep their rows in.
const LIST: &str = "SELECT database, name, engine, sorting_key, primary_key, total_rows FROM system.tables \
     WHERE NOT is_temporary AND database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') \
     AND NOT startsWith(name, '.inner')";
/// Tables of some names, which follow.
const TABLES: &str = "SELECT database, name, engine, sorting_key, primary_key, total_rows FROM system.tables \
     WHERE NOT is_temporary";
/// The longest name of a target, in bytes: servers keep those of a database and of a table in files, whose names have 255.
const MAX_TARGET_BYTES: usize = 1_024;
/// At how many of its dots a target is taken apart, from the left: they are one question.
const MAX_SPLITS: usize = 16;
/// A column that only takes part in inserts cannot be read.
const COLUMNS: &str = "SELECT name, type FROM system.columns \
     WHERE database = {p1:String} AND table = {p2:String} AND default_kind <> 'EPHEMERAL' ORDER BY position";

/// A target as the catalogue describes it.
#[derive(Debug)]
pub(crate) struct Described {
    /// What SQL is made from. Its key are the columns that the server keeps rows in the order of: rows are told apart by
    /// them in most tables and need not be.
    pub(crate) table: Table,
    kind: &'static str,
    primary_key: Vec<String>,
    rows: Option<u64>,
    /// Whether rows can be told apart by where they are stored.
    pub(crate) has_parts: bool,
}

impl Described {
    /// What `introspectTarget` shows.
    pub(crate) fn schema(&self) -> TargetSchema {
        let column = |column: &TableColumn| TargetColumn {
            name: column.name.clone(),
            native_type: column.native_type.clone(),
            nullable: column.nullable,
            primary_key: self.primary_key.contains(&column.name),
            logical_type: column.logical_type,
        };
        TargetSchema {
            name: self.table.name.clone(),
            kind: self.kind.to_owned(),
            columns: self.table.columns.iter().map(column).collect(),
            primary_key: self.primary_key.clone(),
            // A primary key is an index here: nothing keeps two rows from having the same.
            key: Vec::new(),
            row_count: self.rows,
        }
    }
}

/// A row of `system.tables`.
#[derive(Debug, Deserialize)]
struct Found {
    database: String,
    name: String,
    engine: String,
    sorting_key: String,
    primary_key: String,
    total_rows: Option<String>,
}

impl Found {
    fn rows(&self) -> Option<u64> {
        self.total_rows.as_deref()?.parse().ok()
    }

    fn kind(&self) -> &'static str {
        match self.engine.as_str() {
            "View" | "LiveView" | "WindowView" => "view",
            "MaterializedView" => "materializedView",
            "Dictionary" => "dictionary",
            _ => "table",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    native: String,
}

/// A session's catalogue.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// The database whose targets need no qualifying.
    database: String,
    known: HashMap<String, (Instant, Rc<Described>)>,
}

impl Catalog {
    pub(crate) fn new(database: &str) -> Catalog {
        Catalog { database: database.to_owned(), known: HashMap::new() }
    }

    /// Everything that can be read, the source's own database first.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) fn list(&self, server: &Server) -> Result<Vec<Target>, Fault> {
        let mut found: Vec<Found> = rows(server, &statement(LIST, &[]))?;
        found.sort_by(|left, right| {
            let foreign = |found: &Found| found.database != self.database;
            (foreign(left), &left.database, &left.name).cmp(&(foreign(right), &right.database, &right.name))
        });
        Ok(found
            .into_iter()
            .map(|found| Target {
                name: self.canonical(&found.database, &found.name),
                kind: found.kind().to_owned(),
                estimated_rows: found.rows(),
                schema: Some(found.database),
            })
            .collect())
    }

    /// What a target is, and whether that was read just now.
    ///
    /// # Errors
    /// `INVALID_TARGET` with the nearest names; what the server refuses.
    pub(crate) fn target(&mut self, server: &Server, target: &str) -> Result<(Rc<Described>, bool), Fault> {
        if let Some((since, described)) = self.known.get(target)
            && since.elapsed() < LIFE
        {
            return Ok((Rc::clone(described), false));
        }
        let described = Rc::new(self.describe(server, target)?);
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(target.to_owned(), (Instant::now(), Rc::clone(&described)));
        Ok((described, true))
    }

    /// Forgets what may be out of date.
    pub(crate) fn forget(&mut self, target: &str) {
        self.known.remove(target);
    }

    /// `table` in the source's own database, or `database.table` split at one of its dots, since either part may hold
    /// one; the first of them that there is.
    fn describe(&self, server: &Server, target: &str) -> Result<Described, Fault> {
        if target.len() > MAX_TARGET_BYTES {
            let problem = format!(
                "a target's name has at most {MAX_TARGET_BYTES} bytes; this one has {}",
                target.len()
            );
            return Err(Error::new(ErrorCode::InvalidTarget, problem).into());
        }
        let candidates = self.candidates(target);
        let mut found: Vec<Found> = rows(server, &named(&candidates))?;
        let at = candidates.iter().find_map(|(database, name)| {
            found.iter().position(|found| found.database == *database && found.name == *name)
        });
        if let Some(at) = at {
            let found = found.swap_remove(at);
            let columns = rows(server, &statement(COLUMNS, &[&found.database, &found.name]))?;
            return Ok(self.described(found, columns));
        }
        let known = self.list(server)?;
        Err(not_found(target, known.iter().map(|target| target.name.as_str())).into())
    }

    /// The databases and tables that a target may name, the likeliest first.
    fn candidates<'t>(&'t self, target: &'t str) -> Vec<(&'t str, &'t str)> {
        let dots = target.match_indices('.').take(MAX_SPLITS);
        let splits = dots.filter_map(|(dot, _)| Some((target.get(..dot)?, target.get(dot + 1..)?)));
        std::iter::once((self.database.as_str(), target)).chain(splits).collect()
    }

    fn described(&self, found: Found, columns: Vec<Column>) -> Described {
        let column = |Column { name, native }: Column| {
            let of = ClickHouseType::parse(&native);
            TableColumn {
                name,
                logical_type: of.logical(),
                nullable: of.nullable,
                native_type: native,
                reading: Reading::Native,
                qualified: None,
            }
        };
        let columns: Vec<TableColumn> = columns.into_iter().map(column).collect();
        let positions = |expressions: &str| -> Vec<usize> {
            let named = identifiers(expressions);
            let mut all: Vec<usize> = Vec::new();
            for at in named.iter().filter_map(|name| columns.iter().position(|column| column.name == *name)) {
                if !all.contains(&at) {
                    all.push(at);
                }
            }
            all
        };
        let key = positions(&found.sorting_key);
        let primary = positions(&found.primary_key);
        let primary_key =
            primary.iter().filter_map(|at| columns.get(*at)).map(|column| column.name.clone()).collect();
        Described {
            kind: found.kind(),
            rows: found.rows(),
            has_parts: found.engine.ends_with("MergeTree"),
            primary_key,
            table: Table {
                name: self.canonical(&found.database, &found.name),
                path: vec![found.database, found.name],
                columns,
                key,
            },
        }
    }

    /// The name that other jobs take.
    fn canonical(&self, database: &str, name: &str) -> String {
        if database == self.database { name.to_owned() } else { format!("{database}.{name}") }
    }
}

/// The question which of these tables there are. The databases are named by themselves too: a server that sees only pairs
/// looks into all of its databases.
fn named(candidates: &[(&str, &str)]) -> Statement {
    let arguments: Vec<&str> = candidates.iter().flat_map(|(database, name)| [*database, *name]).collect();
    let numbers = (1..=arguments.len()).step_by(2);
    let databases: Vec<String> = numbers.clone().map(|at| format!("{{p{at}:String}}")).collect();
    let pairs: Vec<String> =
        numbers.map(|at| format!("({{p{at}:String}}, {{p{}:String}})", at + 1)).collect();
    let (databases, pairs) = (databases.join(", "), pairs.join(", "));
    statement(
        &format!("{TABLES} AND database IN ({databases}) AND (database, name) IN ({pairs})"),
        &arguments,
    )
}

fn statement(text: &str, arguments: &[&str]) -> Statement {
    let param =
        |text: &&str| Param { value: Value::One(Typed::Text((*text).to_owned())), kind: ParamType::Text };
    Statement { text: text.to_owned(), params: arguments.iter().map(param).collect() }
}

fn rows<T: DeserializeOwned>(server: &Server, statement: &Statement) -> Result<Vec<T>, Fault> {
    let lines = server.select(statement, Form::Objects, None)?.all()?;
    let read = |line: &Vec<u8>| {
        serde_json::from_slice(line).map_err(|_| {
            internal("the server's catalogue answers other columns than ClickHouse's does").into()
        })
    };
    lines.iter().map(read).collect()
}

/// The names in the expressions of a key, in their sequence: columns, and functions that are called with them.
fn identifiers(expressions: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = expressions.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '`' | '"' | '\'' => {
                let mut name = String::new();
                while let Some(next) = rest.next() {
                    match next {
                        '\\' => name.extend(rest.next().map(unescaped)),
                        end if end == character => break,
                        other => name.push(other),
                    }
                }
                // A text in single quotes is a value.
                if character != '\'' {
                    names.push(name);
                }
            }
            _ if character.is_ascii_alphabetic() || character == '_' => {
                let mut name = String::from(character);
                while let Some(next) =
                    rest.next_if(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.'))
                {
                    name.push(next);
                }
                names.push(name);
            }
            _ => {}
        }
    }
    names
}

/// What stands for a character behind a backslash.
fn unescaped(character: char) -> char {
    match character {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        'b' => '\u{8}',
        'f' => '\u{c}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use semilayer_connector::testing::{FakeHttp, FakeResponse};

    #[test]
    fn columns_of_a_key_are_found_inside_its_expressions() {
        let found = identifiers(r"toYYYYMM(ts), `it\`s`, id DESC, cityHash64(`new\nline`, 'no.name'), n.a");
        let names = ["toYYYYMM", "ts", "it`s", "id", "DESC", "cityHash64", "new\nline", "n.a"];
        assert_eq!(found, names);
        assert!(identifiers("`").len() == 1 && identifiers("").is_empty());
    }

    #[test]
    fn a_target_with_many_dots_is_one_question_and_one_too_long_is_none() {
        let fake = FakeHttp::install(|_| FakeResponse::text(200, ""));
        let settings = crate::Settings::from_json(r#"{"url": "http://h/shop"}"#).unwrap();
        let server = Server::new(&crate::location::Location::of(&settings).unwrap()).unwrap();
        let mut catalog = Catalog::new("shop");
        let error = catalog.target(&server, &"a.".repeat(500)).unwrap_err().error;
        assert_eq!(error.code(), ErrorCode::InvalidTarget);
        // Which there are, and then the names to offer.
        assert_eq!(fake.requests().len(), 2);
        let error = catalog.target(&server, &".".repeat(MAX_TARGET_BYTES + 1)).unwrap_err().error;
        assert!(error.code() == ErrorCode::InvalidTarget && error.message().len() < 100, "{error}");
        assert_eq!(fake.requests().len(), 2);
    }

    #[test]
    fn a_target_is_looked_for_in_its_own_database_first_and_then_at_each_dot() {
        let catalog = Catalog::new("shop");
        assert_eq!(catalog.candidates("a.b.c"), [("shop", "a.b.c"), ("a", "b.c"), ("a.b", "c")]);
        assert_eq!(catalog.candidates(&".".repeat(100)).len(), 1 + MAX_SPLITS);
        let statement = named(&catalog.candidates("a.b"));
        let asked = "AND database IN ({p1:String}, {p3:String}) \
                     AND (database, name) IN (({p1:String}, {p2:String}), ({p3:String}, {p4:String}))";
        assert!(statement.text.ends_with(asked), "{}", statement.text);
        assert_eq!(statement.params.len(), 4);
    }

    #[test]
    fn a_description_has_the_keys_columns_in_their_sequence() {
        let found = |key: &str| Found {
            database: "shop".into(),
            name: "t".into(),
            engine: "ReplicatedMergeTree".into(),
            sorting_key: key.into(),
            primary_key: "b".into(),
            total_rows: Some("5".into()),
        };
        let columns =
            || ["a", "b"].map(|name| Column { name: name.into(), native: "Nullable(Int64)".into() }).into();
        let described = Catalog::new("shop").described(found("b, toDate(a), b"), columns());
        assert_eq!((described.table.key.as_slice(), described.table.name.as_str()), (&[1, 0][..], "t"));
        let schema = described.schema();
        assert_eq!(
            (schema.row_count, schema.primary_key, schema.key),
            (Some(5), vec!["b".to_owned()], vec![])
        );
        assert!(schema.columns[1].primary_key && schema.columns[0].nullable && described.has_parts);
        let described = Catalog::new("other").described(found(""), columns());
        assert_eq!((described.table.key.len(), described.table.name.as_str()), (0, "shop.t"));
    }
}
