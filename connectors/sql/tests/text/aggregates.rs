//! Aggregates in every dialect.

use std::fmt::Write as _;

use connector_model::Result;
use connector_model::request::{Kind, Request, parse};
use connector_model::target::LogicalType as L;
use connector_sql::{
    AggregateDialect, AggregateSelect, Cockroach, MySql, Postgres, SqlServer, Sqlite, Statement, Table,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use sqlparser::dialect::{
    Dialect as ParserDialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect,
};

use super::shown::is_one_select;
use super::tables::{column, everything, quoted, table};

type Spoken = (&'static str, &'static dyn AggregateDialect, &'static dyn ParserDialect);

/// Every dialect, each with the parser that has to understand it.
fn dialects() -> [Spoken; 5] {
    [
        ("postgres", &Postgres, &PostgreSqlDialect {}),
        ("cockroach", &Cockroach, &PostgreSqlDialect {}),
        ("sqlite", &Sqlite, &SQLiteDialect {}),
        ("mysql", &MySql, &MySqlDialect {}),
        ("mssql", &SqlServer, &MsSqlDialect {}),
    ]
}

fn statement(
    dialect: &dyn AggregateDialect,
    base: &Table,
    joined: &[&Table],
    options: &Value,
) -> Result<Statement> {
    match parse(Kind::Aggregate, Some(&base.name), Some(&options.to_string()), "@semilayer/bridge-x")? {
        Request::Aggregate(request) => {
            AggregateSelect::new(dialect, base, joined, &request).map(|select| select.statement)
        }
        other => panic!("{other:?}"),
    }
}

/// The job, then what each of the dialects makes of it.
fn shown_in(dialects: &[Spoken], base: &Table, joined: &[&Table], jobs: &[Value]) -> String {
    let mut shown = String::new();
    for options in jobs {
        writeln!(shown, "{options}").unwrap();
        for (name, dialect, parser) in dialects {
            match statement(*dialect, base, joined, options) {
                Ok(statement) => {
                    is_one_select(&statement.text, *parser);
                    writeln!(shown, "  {name}: {}", statement.text).unwrap();
                    for (position, param) in statement.params.iter().enumerate() {
                        writeln!(shown, "    {} {:?} {:?}", position + 1, param.kind, param.value).unwrap();
                    }
                }
                Err(error) => writeln!(shown, "  {name}: {error}").unwrap(),
            }
        }
        shown.push('\n');
    }
    shown
}

fn shown(base: &Table, joined: &[&Table], jobs: &[Value]) -> String {
    shown_in(&dialects(), base, joined, jobs)
}

fn small() -> Table {
    let columns = vec![
        column("id", L::Integer, "bigint", false),
        column("kind", L::Text, "varchar(50)", true),
        column("amount", L::Decimal, "decimal(12,2)", true),
    ];
    table("small", columns, &[0])
}

#[test]
fn groups_are_filtered_sorted_and_cut() {
    insta::assert_snapshot!(shown(
        &small(),
        &[],
        &[
            json!({}),
            json!({"measures": {"n": {"agg": "count"}}, "having": {"n": {"$gt": 5}}, "limit": 3}),
            json!({"dimensions": [{"field": "kind"}], "limit": 2}),
            json!({"dimensions": [{"field": "kind"}], "limit": 0}),
            json!({
                "dimensions": [{"field": "kind", "as": "k"}],
                "measures": {"most": {"agg": "max", "column": "kind"}, "n": {"agg": "count", "where": {"kind": "x"}}},
                "candidatesWhere": {"amount": {"$gte": "1.5"}}, "ids": [1, "2", "x"],
                "having": {"most": {"$contains": "a"}, "count": {"$lt": 9}},
                "sort": [{"key": "count", "dir": "desc"}, {"key": "most"}, {"key": "k", "dir": "desc"}, {"key": "most"}],
                "limit": 10,
            }),
        ]
    ));
}

#[test]
fn every_function() {
    let measure = |json: Value| json!({"measures": {"m": json}, "dimensions": [{"field": "kind"}]});
    insta::assert_snapshot!(shown(
        &small(),
        &[],
        &[
            measure(json!({"agg": "count", "column": "amount"})),
            measure(json!({"agg": "count_distinct", "column": "kind", "where": {"id": {"$gt": 3}}})),
            measure(json!({"agg": "sum", "column": "amount", "where": {"id": {"$gt": 3}}})),
            measure(json!({"agg": "avg", "column": "id"})),
            measure(json!({"agg": "percentile", "column": "amount", "p": 0.95})),
            measure(json!({"agg": "first", "column": "amount"})),
            json!({
                "measures": {"m": {"agg": "last", "column": "amount", "where": {"id": {"$gt": 3}}},
                             "n": {"agg": "first", "column": "amount"}},
                "changeTrackingColumn": "kind",
            }),
        ]
    ));
}

#[test]
fn lists_of_most_frequent_values() {
    insta::assert_snapshot!(shown(
        &small(),
        &[],
        &[
            json!({"measures": {"m": {"agg": "top_k", "column": "kind", "k": 3}}}),
            json!({
                "dimensions": [{"field": "id"}], "sort": [{"key": "sum"}], "limit": 5,
                "measures": {"m": {"agg": "top_k", "column": "kind", "k": 3, "where": {"amount": 1}},
                             "sum": {"agg": "avg", "column": "amount"},
                             "n": {"agg": "top_k", "column": "amount", "k": 10}},
            }),
        ]
    ));
}

#[test]
fn time_buckets() {
    let units = ["minute", "hour", "day", "week", "month", "quarter", "year"];
    let of = |name: &str| units.map(|unit| json!({"dimensions": [{"field": name, "bucket": unit}]}));
    let dated = ["timestamp", "date"].map(|name| json!({"dimensions": [{"field": name, "bucket": "week"}]}));
    let others: Vec<Spoken> = dialects().into_iter().filter(|(name, _, _)| *name != "sqlite").collect();
    let sqlite: Vec<Spoken> = dialects().into_iter().filter(|(name, _, _)| *name == "sqlite").collect();
    let mut all = shown_in(&others, &everything(), &[], &[of("timestamptz").as_slice(), &dated].concat());
    all.push_str(&shown_in(&sqlite, &everything(), &[], &of("text")));
    insta::assert_snapshot!(all);
}

#[test]
fn numeric_buckets() {
    let numeric = |column: &str, mut bucket: Value| {
        bucket["type"] = json!("numeric");
        json!({"dimensions": [{"field": column, "bucket": bucket}]})
    };
    let mut jobs = Vec::new();
    for column in ["integer", "float", "real", "decimal"] {
        jobs.push(numeric(column, json!({"step": 30})));
        jobs.push(numeric(column, json!({"step": 0.25})));
    }
    jobs.push(numeric("integer", json!({"breaks": [-1e300, -0.5, 0, 18446744073709551615_u64]})));
    jobs.push(numeric("float", json!({"breaks": [1e-20, 0.1, 7]})));
    insta::assert_snapshot!(shown(&everything(), &[], &jobs));
}

#[test]
fn values_of_every_type_are_grouped_compared_and_kept() {
    let names: Vec<String> = everything().columns.into_iter().map(|column| column.name).collect();
    let dimension = names.iter().map(|name| json!({"dimensions": [{"field": name}]}));
    let extreme = names
        .iter()
        .map(|name| json!({"measures": {"m": {"agg": "max", "column": name}}, "having": {"m": "1"}}));
    let kept = names.iter().map(
        |name| json!({"measures": {"m": {"agg": "last", "column": name}}, "changeTrackingColumn": "id"}),
    );
    let jobs: Vec<Value> = dimension.chain(extreme).chain(kept).collect();
    insta::assert_snapshot!(shown(&everything(), &[], &jobs));
}

#[test]
fn joins_with_names_in_quotes() {
    let shops = table(
        "sh`o\"p]s",
        vec![column("key", L::Integer, "integer", false), column("na\"me`]", L::Text, "text", false)],
        &[0],
    );
    let joins = json!([
        {"target": "shops", "alias": "shop", "on": {"local": "sel\"ect", "foreign": "key"}},
        {"target": "shops", "alias": "SHOP", "on": {"local": "a`b", "foreign": "na\"me`]"}},
    ]);
    insta::assert_snapshot!(shown(
        &quoted(),
        &[&shops, &shops],
        &[json!({
            "joins": joins,
            "dimensions": [{"field": "na\"me`]", "from": "shop", "as": "'; --"}, {"field": "c.d'; --"}],
            "measures": {"\"quoted\"": {"agg": "max", "column": "SHOP.key", "where": {"shop.key": 7}}},
            "candidatesWhere": {"SHOP.na\"me`]": {"$ne": "x"}}, "ids": [1],
            "having": {"\"quoted\"": {"$gt": 1}}, "sort": [{"key": "'; --"}],
        })]
    ));
}

#[test]
fn texts_of_two_collations_are_joined_by_one() {
    let texts = |name: &str, types: [&str; 3]| {
        let columns = types.iter().enumerate().map(|(at, of)| column(&format!("c{at}"), L::Text, of, true));
        table(name, columns.collect(), &[])
    };
    let base =
        texts("base", ["nvarchar(9)", "varchar(9) COLLATE Greek_CI_AS", "nvarchar(9) COLLATE Greek_CI_AS"]);
    let other = texts("other", ["nvarchar(9)", "varchar(9)", "nvarchar(9) COLLATE Latin1_General_BIN2"]);
    let on = |local: &str, foreign: &str| {
        let on = json!({"local": local, "foreign": foreign});
        json!({"joins": [{"target": "other", "alias": "o", "on": on}]})
    };
    let condition = |dialect: &dyn AggregateDialect, base: &Table, options: Value| {
        let text = statement(dialect, base, &[&other], &options).unwrap().text;
        let (_, condition) = text.split_once(" ON ").unwrap();
        condition.split_once(") AS ").unwrap().0.to_owned()
    };
    for (local, foreign, expected) in [
        ("c0", "c0", "[t].[c0] = [j0].[c0]"),
        ("c0", "c2", "[t].[c0] COLLATE Latin1_General_BIN2 = [j0].[c2]"),
        ("c1", "c1", "CAST([t].[c1] AS nvarchar(max)) COLLATE DATABASE_DEFAULT = [j0].[c1]"),
        ("c2", "c2", "[t].[c2] COLLATE Latin1_General_BIN2 = [j0].[c2]"),
    ] {
        assert_eq!(condition(&SqlServer, &base, on(local, foreign)), expected);
    }
    let mut marked = texts("base", ["varchar(9)"; 3]);
    assert_eq!(condition(&MySql, &marked, on("c0", "c0")), "`t`.`c0` = `j0`.`c0`");
    marked.columns[0].reading = connector_sql::Reading::AsText;
    assert_eq!(
        condition(&MySql, &marked, on("c0", "c0")),
        "CONVERT(`t`.`c0` USING utf8mb4) COLLATE utf8mb4_unicode_ci = `j0`.`c0`"
    );
}

#[test]
fn wrong_requests_are_refused_with_the_options_name() {
    let shops = table(
        "shops",
        vec![column("key", L::Text, "text", false), column("day", L::Date, "date", true)],
        &[],
    );
    let on = |local: &str, foreign: &str| json!({"joins": [{"target": "shops", "alias": "s", "on": {"local": local, "foreign": foreign}}]});
    let mut base = everything();
    base.columns.push(column("s.day", L::Text, "text", true));
    let mut composite = super::tables::composite();
    composite.columns.retain(|column| column.name != "m");
    for (base, joined, options, option) in [
        (&base, true, on("id", "key"), "joins[0].on.foreign"),
        (&base, true, on("json", "key"), "joins[0].on.foreign"),
        (&base, true, on("idd", "key"), "joins[0].on.local"),
        (&base, true, on("text", "kez"), "joins[0].on.foreign"),
        (&base, true, on("text", "key"), "joins[0].alias"),
        (&composite, false, json!({"ids": [1]}), "ids"),
        (&super::tables::keyless(), false, json!({"ids": [1]}), "ids"),
        (&base, false, json!({"dimensions": [{"field": "json"}]}), "dimensions[0].field"),
        (&base, false, json!({"dimensions": [{"field": "id"}, {"field": "ide"}]}), "dimensions[1].field"),
        (&base, false, json!({"dimensions": [{"field": "uuid", "bucket": "day"}]}), "dimensions[0].bucket"),
        (&base, false, json!({"measures": {"a.b": {"agg": "sum", "column": "uuid"}}}), "measures.a.b.column"),
        (
            &base,
            false,
            json!({"measures": {"m": {"agg": "count_distinct", "column": "geometry"}}}),
            "measures.m.column",
        ),
        (&base, false, json!({"measures": {"m": {"agg": "first", "column": "json"}}}), "measures.m.column"),
        (&base, false, json!({"changeTrackingColumn": "json"}), "changeTrackingColumn"),
        (&base, false, json!({"candidatesWhere": {"$or": [{"nope": 1}]}}), "candidatesWhere"),
        (
            &base,
            false,
            json!({"measures": {"m": {"agg": "count", "where": {"integer": {"$lt": "x"}}}}}),
            "measures.m.where",
        ),
        (
            &base,
            false,
            json!({"measures": {"m": {"agg": "avg", "column": "id"}}, "having": {"m": {"$lt": "x"}}}),
            "having",
        ),
        (
            &base,
            false,
            json!({"measures": {"m": {"agg": "last", "column": "geometry"}}, "changeTrackingColumn": "id",
                "sort": [{"key": "m"}]}),
            "sort[0].key",
        ),
    ] {
        let joined: &[&Table] = if joined { &[&shops] } else { &[] };
        for (name, dialect, _) in dialects() {
            let error = statement(dialect, base, joined, &options).unwrap_err();
            assert_eq!(error.detail()["option"], json!(option), "{name}: {error}");
            assert_eq!(error.code(), connector_model::ErrorCode::InvalidJob, "{name}: {error}");
        }
    }
    let near = statement(&Postgres, &base, &[], &json!({"dimensions": [{"field": "boolaen"}]})).unwrap_err();
    assert!(near.message().contains("\"boolean\""), "{near}");
}

/// Pieces that end quotes, begin comments, end statements.
fn evil() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'"),
        Just("\""),
        Just("`"),
        Just("]"),
        Just("\\"),
        Just("--"),
        Just("/*"),
        Just("*/"),
        Just(";"),
        Just("$1"),
        Just("?1"),
        Just("@P1"),
        Just("."),
        Just("g.m0"),
        Just(" OR 1=1 "),
        Just("é𝄞"),
        Just("x"),
    ];
    proptest::collection::vec(piece, 1..7).prop_map(|pieces| pieces.concat())
}

/// Marks what must not be in any SQL text: names of measures and dimensions, and values.
const MARK: &str = "q7x9";

proptest! {
    #[test]
    fn one_select_whatever_things_are_called(
        names in proptest::collection::hash_set(evil(), 4), called in evil(), value in evil(),
    ) {
        prop_assume!(names.iter().all(|name| !name.starts_with('$')));
        let names: Vec<String> = names.into_iter().collect();
        let columns = vec![
            column(&names[0], L::Integer, "bigint", false),
            column(&names[1], L::Text, "text", true),
            column(&names[2], L::Decimal, "numeric", true),
            column(&names[3], L::TimestampTz, "timestamptz", true),
        ];
        let base = table(&names[1], columns, &[0]);
        let (measure, value) = (format!("{MARK}{called}"), format!("{value}{MARK}"));
        let options = json!({
            "joins": [{"target": "t", "alias": "q7x9", "on": {"local": names[1], "foreign": names[1]}}],
            "dimensions": [{"field": names[1], "as": format!("{MARK} {called}")},
                           {"field": names[2], "from": "q7x9", "bucket": {"type": "numeric", "step": 0.5}}],
            "measures": {
                (measure.clone()): {"agg": "sum", "column": names[2], "where": {(names[1].clone()): value}},
                "top": {"agg": "top_k", "column": names[1], "k": 2},
                "last": {"agg": "last", "column": names[2]},
            },
            "changeTrackingColumn": names[3],
            "candidatesWhere": {(format!("q7x9.{}", names[1])): {"$contains": value}},
            "having": {(measure.clone()): {"$gt": 5}}, "sort": [{"key": measure, "dir": "desc"}], "limit": 3,
            "ids": [value],
        });
        for (name, dialect, parser) in dialects() {
            // A base column may be called as one of the join's: then the alias is refused.
            let Ok(statement) = statement(dialect, &base, &[&base], &options) else { continue };
            is_one_select(&statement.text, parser);
            prop_assert!(!statement.text.contains(MARK), "{}: {}", name, statement.text);
        }
    }
}
