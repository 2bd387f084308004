//! Whatever names and values are made of, the text is one SELECT and holds no value.

use connector_model::request::Kind;
use connector_model::target::LogicalType;
use connector_sql::{Dialect, MySql, SqlServer, Table};
use proptest::prelude::*;
use serde_json::{Value, json};
use sqlparser::dialect::{Dialect as ParserDialect, MsSqlDialect, MySqlDialect};

use super::shown::{dialects, is_one_select, statements};
use super::tables::{column, table};

/// Marks a value: no SQL text may hold it.
const MARK: &str = "q7x9";

/// Pieces that end quotes, begin comments, end statements.
fn evil() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("`".to_owned()),
        Just("]".to_owned()),
        Just("\\".to_owned()),
        Just("--".to_owned()),
        Just("/*".to_owned()),
        Just("*/".to_owned()),
        Just(";".to_owned()),
        Just("$1".to_owned()),
        Just("?1".to_owned()),
        Just("%".to_owned()),
        Just("\n".to_owned()),
        Just(" OR 1=1 ".to_owned()),
        Just("$$".to_owned()),
        "[a-zé𝄞 ]{0,3}",
    ];
    proptest::collection::vec(piece, 1..8)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a name", |text| !text.is_empty())
}

fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::hash_set(evil(), 4).prop_map(|names| names.into_iter().collect())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        evil().prop_map(|text| json!(format!("{MARK}{text}"))),
        evil().prop_map(|text| json!(format!("{text}{MARK}"))),
        Just(json!(7_797_979_797_i64)),
        Just(json!(true)),
        Just(Value::Null),
    ]
}

/// A filter over columns `0` to `3`, by number; the test puts the names in.
fn filter() -> impl Strategy<Value = Value> {
    let list = proptest::collection::vec(value(), 0..4).prop_map(Value::Array).boxed();
    let test = prop_oneof![
        value(),
        list.clone(),
        (prop_oneof![Just("$in"), Just("$nin")], list).prop_map(|(name, list)| json!({name: list})),
        (prop_oneof![Just("$eq"), Just("$ne")], value()).prop_map(|(name, value)| json!({name: value})),
        (
            prop_oneof![
                Just("$like"),
                Just("$ilike"),
                Just("$contains"),
                Just("$startsWith"),
                Just("$endsWith")
            ],
            value()
        )
            .prop_map(|(name, value)| json!({name: value})),
        any::<bool>().prop_map(|exists| json!({"$exists": exists})),
    ];
    let leaf = ("[0-3]", test).prop_map(|(column, test)| json!({column: test}));
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several.clone().prop_map(|parts| json!({"$and": parts})),
            several.prop_map(|parts| json!({"$or": parts})),
            inner.prop_map(|part| json!({"$not": part})),
        ]
    })
}

/// Numbers to names, all the way down.
fn named(filter: &Value, table: &Table) -> Value {
    let Value::Object(entries) = filter else { return filter.clone() };
    let entry = |(key, value): (&String, &Value)| match key.parse::<usize>() {
        Ok(column) => (table.columns[column].name.clone(), value.clone()),
        Err(_) => match value {
            Value::Array(parts) => (key.clone(), parts.iter().map(|part| named(part, table)).collect()),
            part => (key.clone(), named(part, table)),
        },
    };
    Value::Object(entries.iter().map(entry).collect())
}

fn hostile(names: &[String]) -> Table {
    use LogicalType as L;
    let columns = vec![
        column(&names[0], L::Text, "text", false),
        column(&names[1], L::Integer, "bigint", true),
        column(&names[2], L::Json, "jsonb", true),
        column(&names[3], L::Unknown, "tsvector", true),
    ];
    table(&names[3], columns, &[0])
}

proptest! {
    #[test]
    fn one_select_without_a_value_in_it(names in names(), filter in filter(), cursor in evil(), limit in 0_u64..9) {
        // A `$` in front would be an operator to the `where` language, not a column.
        prop_assume!(names.iter().all(|name| !name.starts_with('$')));
        let table = hostile(&names);
        let query = json!({
            "where": named(&filter, &table), "limit": limit, "offset": limit,
            "orderBy": [{"field": names[1], "dir": "desc"}], "select": [names[2], names[0]],
        });
        let read = json!({"cursor": format!("{MARK}{cursor}"), "fields": [names[1]]});
        let mssql: (&str, &dyn Dialect, &dyn ParserDialect) = ("mssql", &SqlServer, &MsSqlDialect {});
        let mysql: (&str, &dyn Dialect, &dyn ParserDialect) = ("mysql", &MySql, &MySqlDialect {});
        for (_, dialect, parser) in dialects().into_iter().chain([mysql, mssql]) {
            for (kind, options) in [(Kind::Query, &query), (Kind::Count, &query), (Kind::Read, &read)] {
                for (_, statement) in statements(dialect, &table, kind, options).unwrap() {
                    is_one_select(&statement.text, parser);
                    prop_assert!(!statement.text.contains(MARK), "{}", statement.text);
                    prop_assert!(!statement.text.contains("7797979797"), "{}", statement.text);
                }
            }
        }
    }
}
