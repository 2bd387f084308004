//! What MySQL's dialect says in ways of its own.

use connector_model::request::Kind;
use connector_sql::{MySql, Param, Statement};
use serde_json::{Value, json};
use sqlparser::dialect::MySqlDialect;

use super::shown::{is_one_select, statements};
use super::tables::{column, composite, everything, keyless, quoted, table};
use connector_model::target::LogicalType as L;
use connector_sql::{Reading, Table, TableColumn};

fn shown(table: &Table, kind: Kind, options: &Value) -> String {
    let made = match statements(&MySql, table, kind, options) {
        Ok(made) => made,
        Err(error) => return format!("{options}\n  {error}"),
    };
    let lines = made.iter().map(|(what, Statement { text, params })| {
        is_one_select(text, &MySqlDialect {});
        let placeholders = text.matches('?').count();
        assert_eq!(placeholders, params.len(), "{text}");
        let params: Vec<String> =
            params.iter().map(|Param { value, kind }| format!("    {kind:?} {value:?}")).collect();
        format!("  {what}: {text}\n{}", params.join("\n"))
    });
    format!("{options}\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn all(table: &Table, kind: Kind, jobs: &[Value]) -> String {
    jobs.iter().map(|options| shown(table, kind, options)).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn mysql_pages_in_the_expanded_form() {
    insta::assert_snapshot!(all(
        &composite(),
        Kind::Query,
        &[
            json!({"limit": 5}),
            json!({"offset": 3, "includeTotal": false}),
            json!({"limit": 5, "offset": 2, "orderBy": [{"field": "n", "dir": "desc"}, {"field": "m"}]}),
        ]
    ));
}

#[test]
fn mysql_compares_every_type_in_its_own_way() {
    let filters = [
        json!({"boolean": true}),
        json!({"integer": {"$gt": "1.5"}}),
        json!({"decimal": "12.50"}),
        json!({"text": {"$like": "a\\%b|_"}}),
        json!({"text": {"$contains": "50%"}}),
        json!({"integer": {"$startsWith": "1"}}),
        json!({"json": "{}"}),
        json!({"geometry": {"$contains": "point"}}),
        json!({"integer": [1, 2, 3]}),
        json!({"integer": {"$nin": [1, null]}}),
        json!({"uuid": "00000000-0000-0000-0000-000000000001"}),
    ];
    let jobs: Vec<Value> = filters.into_iter().map(|filter| json!({"where": filter})).collect();
    insta::assert_snapshot!(all(&everything(), Kind::Count, &jobs));
}

#[test]
fn mysql_knows_bits_enumerations_and_floats_by_their_names() {
    let columns = vec![
        column("id", L::Integer, "bigint unsigned", false),
        column("flags", L::Integer, "bit(9)", true),
        TableColumn { reading: Reading::Native, ..column("mood", L::Unknown, "enum('a','b')", true) },
        column("f", L::Float, "float", true),
    ];
    let jobs = [
        json!({"where": {"flags": 5}}),
        json!({"where": {"flags": {"$contains": "5"}}}),
        json!({"where": {"mood": ["a", "b"]}}),
        json!({"where": {"mood": {"$ilike": "A%"}}}),
        json!({"where": {"f": 0.1}}),
    ];
    insta::assert_snapshot!(all(&table("t", columns, &[0]), Kind::Count, &jobs));
}

#[test]
fn mysql_quotes_names_with_backticks() {
    let options = json!({"where": {"a`b": "x", "c.d'; --": null}, "limit": 1});
    insta::assert_snapshot!(shown(&quoted(), Kind::Query, &options));
    insta::assert_snapshot!(shown(&keyless(), Kind::Read, &json!({"limit": 2})));
}

#[test]
fn mysql_lists_share_few_statements_and_have_no_end() {
    let text = |length: i64| {
        let ids: Vec<i64> = (0..length).collect();
        let made = statements(&MySql, &composite(), Kind::Count, &json!({"where": {"a": ids}})).unwrap();
        made.into_iter().next().unwrap().1
    };
    assert_eq!(text(5).text, text(8).text);
    assert_ne!(text(8).text, text(9).text);
    assert_eq!(text(1_500).params.len(), 1_500);
    let long = text(70_000);
    assert_eq!(long.params.len(), 50_000);
    assert_eq!(long.text.matches(", ").count(), 69_999);
    assert!(long.text.ends_with(", 69998, 69999)"), "{}", &long.text[long.text.len() - 40..]);
}
