//! One request both ways: computed by the database, and of its rows.

use connector_api::{CallContext, RowSink, Session, SinkLimits};
use connector_conformance::Subject;
use connector_model::error::{Error, Result};
use connector_model::request::{Aggregate, Kind, Request, parse};
use driver_tests::{Collector, LIMIT};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use runner_engine::aggregate_by_scan;
use serde_json::{Value, json};

use crate::mariadb::Server as MariaDb;
use crate::mssql::Server as SqlServer;
use crate::postgres::Server;
use crate::sqlite::File;

/// How many requests are asked both ways of each database.
const REQUESTS: usize = 400;

/// Sales with every oddity of numbers, moments and NULL, and the stores that some of them are of. `{…}` are the words
/// of the dialect.
fn tables(exact: &str, double: &str, moment: &str) -> String {
    let mut sql = format!(
        "CREATE TABLE sales (id integer PRIMARY KEY, store integer, name text, price {exact}, weight {double}, at {moment});
         CREATE TABLE stores (id integer PRIMARY KEY, town text);
         INSERT INTO stores VALUES (1, 'Ulm'), (2, 'Bern'), (4, NULL);"
    );
    for id in 0..500_i64 {
        let noise = (id * 7_919 + 13) % 1_009;
        let null = |every: i64, value: String| if noise % every == 0 { "NULL".to_owned() } else { value };
        let store = null(11, (noise % 5).to_string());
        let name = null(7, format!("'{}'", ["a", "b", "Ab", "ä", "", "x''y"][(noise % 6) as usize]));
        let price = null(13, format!("{}", noise - 500));
        let weight = null(17, format!("{}.25", noise % 90 - 45));
        let day = 1 + noise % 28;
        let at = null(
            19,
            format!("'{}-{:02}-{day:02} {:02}:30:00'", 2019 + noise % 3, 1 + noise % 12, noise % 24),
        );
        sql.push_str(&format!("INSERT INTO sales VALUES ({id}, {store}, {name}, {price}, {weight}, {at});"));
    }
    sql
}

fn dimension() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"field": "name"})),
        Just(json!({"field": "store"})),
        Just(json!({"field": "town", "from": "s"})),
        prop::sample::select(vec!["hour", "day", "week", "month", "quarter", "year"])
            .prop_map(|unit| json!({"field": "at", "bucket": unit, "as": unit})),
        prop::sample::select(vec![0.5, 7.0, 30.0]).prop_map(
            |step| json!({"field": "weight", "bucket": {"type": "numeric", "step": step}, "as": "step"})
        ),
        Just(
            json!({"field": "price", "bucket": {"type": "numeric", "breaks": [-400, -0.5, 10, 300]}, "as": "range"})
        ),
    ]
}

fn measure() -> impl Strategy<Value = Value> {
    let number = prop::sample::select(vec!["price", "weight", "store"]);
    let any = prop::sample::select(vec!["price", "weight", "store", "name", "at", "s.town"]);
    let plain = prop_oneof![
        Just(json!({"agg": "count"})),
        (prop::sample::select(vec!["sum", "avg", "rate"]), number.clone())
            .prop_map(|(agg, column)| json!({"agg": agg, "column": column})),
        (prop::sample::select(vec!["count", "count_distinct", "min", "max", "first", "last"]), any.clone())
            .prop_map(|(agg, column)| json!({"agg": agg, "column": column})),
        (number, prop::sample::select(vec![0.01, 0.25, 0.5, 0.9, 0.999]))
            .prop_map(|(column, p)| json!({"agg": "percentile", "column": column, "p": p})),
        (any, 1..6).prop_map(|(column, k)| json!({"agg": "top_k", "column": column, "k": k})),
    ];
    (plain, prop::option::weighted(0.3, condition())).prop_map(|(mut measure, condition)| {
        if let Some(condition) = condition {
            measure["where"] = condition;
        }
        measure
    })
}

fn condition() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"price": {"$gt": -100.5}}),
        json!({"name": {"$contains": "A"}}),
        json!({"$not": {"store": {"$in": [1, 3]}}}),
        json!({"$or": [{"weight": {"$lte": 0}}, {"name": null}]}),
        json!({"at": {"$ne": null}, "store": {"$nin": [2]}}),
        json!({"s.town": {"$startsWith": "u"}}),
    ])
}

fn options() -> impl Strategy<Value = Value> {
    let dimensions = prop::collection::vec(dimension(), 0..3);
    let measures = prop::collection::vec(measure(), 0..5);
    let sort = prop::option::weighted(0.5, (prop::sample::select(vec!["count", "m0"]), any::<bool>()));
    let having = prop::option::weighted(0.3, (-50..50).prop_map(|least| json!({"count": {"$gte": least}})));
    let limit = prop::option::weighted(0.3, 0..8);
    let ids = prop::option::weighted(0.1, prop::collection::vec(0..600, 0..300));
    (dimensions, measures, prop::option::weighted(0.4, condition()), sort, having, limit, ids).prop_map(
        |(mut dimensions, measures, filter, sort, having, limit, ids)| {
            let mut names = std::collections::BTreeSet::new();
            dimensions.retain(|dimension| {
                let name = dimension.get("as").or(dimension.get("field")).map(Value::to_string);
                names.insert(name)
            });
            // A list has no order.
            let sort = sort.filter(|(key, _)| *key == "count" || measures.first().is_some_and(|m| m["agg"] != "top_k"));
            let named = measures.into_iter().enumerate().map(|(at, measure)| (format!("m{at}"), measure));
            json!({
                "joins": [{"target": "stores", "alias": "s", "on": {"local": "store", "foreign": "id"}}],
                "dimensions": dimensions,
                "measures": named.collect::<serde_json::Map<_, _>>(),
                "candidatesWhere": filter,
                "sort": sort.map(|(key, down)| json!([{"key": key, "dir": if down { "desc" } else { "asc" }}])),
                "having": having,
                "limit": limit,
                "ids": ids,
                "changeTrackingColumn": "at",
            })
        },
    )
}

async fn groups(session: &mut dyn Session, request: &Aggregate, streamed: bool) -> Result<Vec<Value>> {
    let cx = CallContext::within(LIMIT);
    let mut collector = Collector::default();
    let mut out = RowSink::new(&mut collector, SinkLimits::default());
    if streamed {
        aggregate_by_scan(session, &cx, request, &mut out).await?;
    } else {
        session.aggregate(&cx, request, &mut out).await?;
    }
    out.flush().await?;
    Ok(collector.rows().unwrap())
}

/// Numbers that went through a double may differ in their last digits.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((name, a), (other, b))| name == other && equal(a, b))
        }
        _ => left == right,
    }
}

async fn asked_both_ways(subject: &dyn Subject) {
    let mut session = subject.open().await.unwrap();
    let mut random = TestRunner::deterministic();
    let (mut compared, mut percentiles) = (0, 0);
    for _ in 0..REQUESTS {
        let options = options().new_tree(&mut random).unwrap().current();
        let Request::Aggregate(request) =
            parse(Kind::Aggregate, Some("sales"), Some(&options.to_string()), "@semilayer/bridge-x").unwrap()
        else {
            panic!("{options}");
        };
        let failed = |error: Error| -> Vec<Value> { panic!("{options}: {error}") };
        let mut streamed = groups(session.as_mut(), &request, true).await.unwrap_or_else(failed);
        if !session.aggregates().serve(&request) {
            percentiles += 1;
            continue;
        }
        let mut computed = groups(session.as_mut(), &request, false).await.unwrap_or_else(failed);
        if request.sort.is_empty() && request.limit.is_none() {
            // Nobody asked for an order.
            for groups in [&mut computed, &mut streamed] {
                groups.sort_by_key(|group| group["dims"].to_string());
            }
        }
        assert!(
            equal(&json!(computed), &json!(streamed)),
            "{options}\ncomputed {}\nstreamed {}",
            json!(computed),
            json!(streamed)
        );
        compared += 1;
    }
    let native = session.aggregates().percentile != connector_model::capability::Answers::None;
    assert!(
        compared > REQUESTS / 3 && (native == (percentiles == 0)),
        "{compared} compared, {percentiles} percentiles"
    );
}

#[tokio::test]
async fn postgres_computes_what_is_computed_of_its_rows() {
    let server = Server::start().await;
    // Characters by their code points, as everywhere beside databases.
    let sql = tables("numeric(12, 3)", "double precision", "timestamptz")
        .replace("name text", "name text COLLATE \"C\"");
    let sql = sql.replace("town text", "town text COLLATE \"C\"");
    server.admin.batch_execute("SET TimeZone = 'UTC'").await.unwrap();
    server.admin.batch_execute(&sql).await.unwrap();
    server.admin.batch_execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO app").await.unwrap();
    asked_both_ways(&server).await;
}

#[tokio::test]
async fn sqlite_computes_what_is_computed_of_its_rows() {
    let file = File::new();
    file.execute(&format!("BEGIN; {} COMMIT", tables("NUMERIC", "REAL", "TEXT")));
    asked_both_ways(&file).await;
}

#[tokio::test]
async fn mariadb_computes_what_is_computed_of_its_rows() {
    let server = MariaDb::start().await;
    let sql = tables("decimal(12, 3)", "double", "datetime");
    // Characters by their code points, as everywhere beside databases.
    let binary = "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    server
        .execute(
            &sql.replace("name text", &format!("name {binary}"))
                .replace("town text", &format!("town {binary}")),
        )
        .await;
    asked_both_ways(&server).await;
}

#[tokio::test]
async fn sql_server_computes_what_is_computed_of_its_rows() {
    let server = SqlServer::start().await;
    let sql = tables("decimal(12, 3)", "float", "datetime2");
    // Characters by their code points, as everywhere beside databases.
    let binary = "nvarchar(20) COLLATE Latin1_General_100_BIN2";
    let sql = sql
        .replace("name text", &format!("name {binary}"))
        .replace("town text", &format!("town {binary}"))
        .replace("'ä'", "N'ä'");
    server.execute(&sql).await;
    asked_both_ways(&server).await;
}
