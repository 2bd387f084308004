//! What ClickHouse's dialect says in ways of its own.

use connector_model::Result;
use connector_model::request::{Kind, Request, parse};
use connector_sql::{AggregateSelect, ClickHouse, ClickHouseType, Statement, Table, TableColumn};
use serde_json::{Value, json};

use super::shown;
use super::tables::{column, composite, quoted, table};

fn typed(name: &str, native: &str) -> TableColumn {
    let of = ClickHouseType::parse(native);
    column(name, of.logical(), native, of.nullable)
}

fn of_types(types: &[&str]) -> Table {
    let columns = types.iter().map(|native| typed(&native.to_lowercase(), native)).collect();
    table("t", columns, &[])
}

fn statements(table: &Table, kind: Kind, options: &Value) -> Result<Vec<(&'static str, Statement)>> {
    if kind != Kind::Aggregate {
        return shown::statements(&ClickHouse, table, kind, options);
    }
    match parse(kind, Some(&table.name), Some(&options.to_string()), "@semilayer/bridge-x")? {
        Request::Aggregate(request) => {
            Ok(vec![("groups", AggregateSelect::new(&ClickHouse, table, &[], &request)?.statement)])
        }
        other => panic!("{other:?} is no aggregate"),
    }
}

fn shown(table: &Table, kind: Kind, options: &Value) -> String {
    let made = match statements(table, kind, options) {
        Ok(made) => made,
        Err(error) => return format!("{options}\n  {error}"),
    };
    let lines = made.iter().map(|(what, statement)| {
        let Statement { text, .. } = statement;
        let params: Vec<String> = ClickHouse::parameters(statement)
            .map(|(name, value)| {
                assert!(text.contains(&format!("{{{name}:")), "{text} has no {name}");
                format!("    {name} = {value}")
            })
            .collect();
        format!("  {what}: {text}\n{}", params.join("\n"))
    });
    format!("{options}\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn all(table: &Table, kind: Kind, jobs: &[Value]) -> String {
    jobs.iter().map(|options| shown(table, kind, options)).collect::<Vec<_>>().join("\n\n")
}

const TYPES: &[&str] = &[
    "Bool",
    "Int8",
    "UInt64",
    "Int256",
    "Float32",
    "Nullable(Float64)",
    "Decimal(38, 3)",
    "LowCardinality(Nullable(String))",
    "FixedString(4)",
    "UUID",
    "Date32",
    "DateTime('Europe/Berlin')",
    "DateTime64(6)",
    "DateTime64(9, 'UTC')",
    "Enum8('a' = 1)",
    "Array(Date)",
    "IPv6",
    "AggregateFunction(uniq, String)",
];

#[test]
fn every_type_is_fetched_and_ordered_as_clickhouse_does() {
    let orders: Vec<Value> = TYPES
        .iter()
        .map(|native| json!({"orderBy": {native.to_lowercase(): "desc"}, "select": ["int8"]}))
        .collect();
    let fetched = json!({"limit": 10, "includeTotal": false});
    insta::assert_snapshot!(all(&of_types(TYPES), Kind::Query, &[&[fetched], orders.as_slice()].concat()));
}

#[test]
fn clickhouse_compares_every_type_in_its_own_way() {
    let filters = [
        json!({"bool": "t"}),
        json!({"int8": 70_000}),
        json!({"int8": {"$lt": "1.5"}}),
        json!({"uint64": u64::MAX}),
        json!({"int256": {"$gt": "1e70"}}),
        json!({"int8": {"$lt": "1e80"}}),
        json!({"float32": 0.1}),
        json!({"nullable(float64)": {"$gte": 5e-324}}),
        json!({"decimal(38, 3)": "12.50"}),
        json!({"decimal(38, 3)": {"$gt": "-0.12345"}}),
        json!({"decimal(38, 3)": ["1e3", 7, "1e50"]}),
        json!({"decimal(38, 3)": {"$nin": ["1e50"]}}),
        json!({"lowcardinality(nullable(string))": {"$like": "a\\%b\\c_"}}),
        json!({"lowcardinality(nullable(string))": {"$endsWith": "it's\\"}}),
        json!({"lowcardinality(nullable(string))": {"$nin": ["a", "\t'", null]}}),
        json!({"fixedstring(4)": {"$contains": "b"}}),
        json!({"fixedstring(4)": "ab"}),
        json!({"uuid": ["00000000-0000-0000-0000-000000000001"]}),
        json!({"date32": {"$gte": "2024-02-29"}}),
        json!({"date32": {"$gte": "0001-01-01"}}),
        json!({"datetime('europe/berlin')": "2024-02-29T12:00:00+02:00"}),
        json!({"datetime64(6)": ["2024-02-29T12:00:00.123456Z", 0]}),
        json!({"datetime64(9, 'utc')": {"$lt": "2290-01-01"}}),
        json!({"enum8('a' = 1)": ["a", "b"]}),
        json!({"array(date)": {"$contains": "2024"}}),
        json!({"ipv6": {"$startsWith": "fe80"}}),
    ];
    let jobs: Vec<Value> = filters.into_iter().map(|filter| json!({"where": filter})).collect();
    insta::assert_snapshot!(all(&of_types(TYPES), Kind::Count, &jobs));
}

#[test]
fn clickhouse_pages_and_quotes() {
    let jobs = [
        json!({"limit": 5}),
        json!({"offset": 3, "includeTotal": false}),
        json!({"limit": 5, "offset": 2, "orderBy": [{"field": "n", "dir": "desc"}, {"field": "m"}]}),
    ];
    let paged = all(&composite(), Kind::Query, &jobs);
    let names = all(&quoted(), Kind::Query, &[json!({})]);
    insta::assert_snapshot!(format!("{paged}\n\n{names}"));
}

#[test]
fn long_lists_are_cut_into_several_parameters() {
    let ids: Vec<i64> = (0..50_000).collect();
    let table = of_types(&["Int64"]);
    let made = statements(&table, Kind::Count, &json!({"where": {"int64": ids}})).unwrap();
    let (_, statement) = &made[0];
    let lists: Vec<(String, String)> = ClickHouse::parameters(statement).collect();
    assert!(lists.len() > 1);
    assert!(lists.iter().all(|(_, text)| text.len() <= 64 * 1024));
    let all = lists.iter().map(|(_, text)| text.trim_matches(['[', ']'])).collect::<Vec<_>>().join(",");
    assert_eq!(all, ids.iter().map(i64::to_string).collect::<Vec<_>>().join(","));
    assert!(
        statement.text.starts_with("SELECT count(*) FROM `s`.`t` WHERE (`int64` IN {p1:Array(Int64)} OR ")
    );
}

#[test]
fn changed_since_knows_clickhouses_moments() {
    let table = of_types(&["Date", "DateTime", "DateTime64(6)", "Int64"]);
    let jobs: Vec<Value> = table
        .columns
        .iter()
        .map(|column| json!({"changedSince": "2024-03-01T10:00:00.000001Z", "changeTrackingColumn": column.name, "limit": 1}))
        .collect();
    insta::assert_snapshot!(all(&table, Kind::Read, &jobs));
}

#[test]
fn clickhouse_groups_and_measures() {
    let table = of_types(TYPES);
    let jobs = [
        json!({"dimensions": [{"field": "lowcardinality(nullable(string))"}],
               "measures": {"n": {"agg": "count"}, "s": {"agg": "sum", "column": "uint64"},
                            "d": {"agg": "sum", "column": "decimal(38, 3)"}, "f": {"agg": "sum", "column": "float32"},
                            "a": {"agg": "avg", "column": "int8"}, "u": {"agg": "count_distinct", "column": "uuid"},
                            "x": {"agg": "max", "column": "uuid"}, "e": {"agg": "min", "column": "enum8('a' = 1)"},
                            "p": {"agg": "percentile", "column": "int8", "p": 0.9}},
               "having": {"s": {"$gt": 5}}, "sort": [{"key": "f", "dir": "desc"}], "limit": 3}),
        json!({"measures": {"l": {"agg": "last", "column": "array(date)"}, "t": {"agg": "top_k", "column": "int8", "k": 2}},
               "changeTrackingColumn": "datetime64(6)"}),
        json!({"dimensions": [{"field": "datetime64(9, 'utc')", "bucket": "quarter"}], "measures": {"n": {"agg": "count"}}}),
        json!({"dimensions": [{"field": "date32", "bucket": "week"}], "measures": {"n": {"agg": "count"}}}),
        json!({"dimensions": [{"field": "datetime('europe/berlin')", "bucket": "hour"}], "measures": {"n": {"agg": "count"}}}),
        json!({"dimensions": [{"field": "decimal(38, 3)", "bucket": {"type": "numeric", "step": 0.25}}], "measures": {"n": {"agg": "count"}}}),
        json!({"dimensions": [{"field": "float32", "bucket": {"type": "numeric", "breaks": [0, 0.5, 1e20]}}], "measures": {"n": {"agg": "count"}}}),
    ];
    insta::assert_snapshot!(all(&table, Kind::Aggregate, &jobs));
}
