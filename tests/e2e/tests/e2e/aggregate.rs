//! Aggregates the whole way: asked over HTTP, computed by the database or by the runner of its rows.

use e2e_tests::{Answer, Caller, Gateway, GatewayOptions, Runner, RunnerOptions};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_servers::{Postgres, PostgresOptions};

const MIB: u64 = 1024 * 1024;

/// The same tables in PostgreSQL (the source `large`) and in SQLite (`small`), and more rows in the former.
struct Stack {
    caller: Caller,
    runner: Runner,
    _gateway: Gateway,
    _postgres: Postgres,
    _folder: TempDir,
}

/// A thousand orders of three years, of shops two of which have a town.
fn tables(moment: &str) -> String {
    let mut sql = format!(
        "CREATE TABLE shops (id integer PRIMARY KEY, town text);
         INSERT INTO shops VALUES (0, 'Ulm'), (1, 'Bern'), (2, NULL);
         CREATE TABLE orders (id integer PRIMARY KEY, shop integer, amount integer, at {moment});"
    );
    for id in 0..1_000 {
        let (shop, amount) = (id % 4, (id * 7_919) % 1_013 - 500);
        let day = format!("{}-{:02}-{:02} 23:59:59", 2019 + id % 3, 1 + id % 12, 1 + id % 28);
        sql.push_str(&format!("INSERT INTO orders VALUES ({id}, {shop}, {amount}, '{day}');"));
    }
    sql
}

impl Stack {
    async fn start() -> Stack {
        let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
        let admin = postgres.admin().await.unwrap();
        admin.batch_execute("SET TimeZone = 'UTC'").await.unwrap();
        admin.batch_execute(&tables("timestamptz")).await.unwrap();
        admin
            .batch_execute(
                "CREATE VIEW million AS SELECT i AS id, i % 1000 AS part, i / 7.0::float8 AS f, 'a text ' || i AS v
                   FROM generate_series(1, 1000000) i;
                 CREATE VIEW asleep AS SELECT 1 AS id FROM pg_sleep(60);
                 GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
            )
            .await
            .unwrap();
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("orders.db");
        rusqlite::Connection::open(&file)
            .unwrap()
            .execute_batch(&format!("BEGIN; {} COMMIT", tables("TEXT")))
            .unwrap();
        let gateway = Gateway::start(GatewayOptions::default()).await.unwrap();
        let identity = gateway.runner("first").await.unwrap();
        gateway.source("large", "postgres", &identity).await.unwrap();
        gateway.source("small", "sqlite", &identity).await.unwrap();
        let options = RunnerOptions::default()
            .set("SEMILAYER_SOURCE_LARGE_URL", postgres.url())
            .set("SEMILAYER_SOURCE_SMALL_PATH", file.display().to_string());
        let runner = Runner::start(&gateway, &identity, &options).await.unwrap();
        let caller = gateway.caller().await.unwrap();
        gateway.serving(&caller, "large").await.unwrap();
        gateway.serving(&caller, "small").await.unwrap();
        Stack { caller, runner, _gateway: gateway, _postgres: postgres, _folder: folder }
    }

    async fn ask(&self, source: &str, target: &str, options: Value) -> Answer {
        let body = json!({"target": target, "options": options, "deadlineMs": 60_000});
        self.caller.ask(source, "aggregate", &body).await.unwrap()
    }
}

#[tokio::test]
async fn two_databases_and_the_runner_answer_alike() {
    let stack = Stack::start().await;
    let measures = json!({
        "orders": {"agg": "count"},
        "total": {"agg": "sum", "column": "amount"},
        "median": {"agg": "percentile", "column": "amount", "p": 0.5},
        "best": {"agg": "max", "column": "amount", "where": {"town.town": {"$startsWith": "u"}}},
        "shops": {"agg": "top_k", "column": "shop", "k": 2},
        "latest": {"agg": "last", "column": "id"},
    });
    for options in [
        json!({"measures": measures}),
        json!({"dimensions": [{"field": "town", "from": "town"}], "measures": measures}),
        json!({
            "dimensions": [{"field": "at", "bucket": "week", "as": "week"}],
            "measures": measures,
            "having": {"orders": {"$gte": 12}},
            "sort": [{"key": "median", "dir": "desc"}, {"key": "week"}],
            "limit": 7,
        }),
        json!({
            "dimensions": [{"field": "amount", "bucket": {"type": "numeric", "step": 62.5}}],
            "measures": measures,
            "candidatesWhere": {"id": {"$lt": 800}},
            "sort": [{"key": "amount"}],
        }),
        // A sample of the same keys has the same rows, wherever they come from.
        json!({"sample": 0.25, "measures": measures}),
    ] {
        let mut options = options;
        options["joins"] =
            json!([{"target": "shops", "alias": "town", "on": {"local": "shop", "foreign": "id"}}]);
        options["changeTrackingColumn"] = json!("at");
        let large = stack.ask("large", "orders", options.clone()).await;
        let small = stack.ask("small", "orders", options.clone()).await;
        assert_eq!(large.status, StatusCode::OK, "{options}: {}", large.body);
        assert_eq!(small.status, StatusCode::OK, "{options}: {}", small.body);
        assert!(!large.rows().is_empty());
        if options.get("sort").is_none() {
            let sorted = |answer: &Answer| {
                let mut rows = answer.rows().to_vec();
                rows.sort_by_key(|row| row["dims"].to_string());
                rows
            };
            assert_eq!(sorted(&large), sorted(&small), "{options}");
        } else {
            assert_eq!(large.rows(), small.rows(), "{options}");
        }
        let meta = &small.body["meta"];
        assert!(meta.get("total").is_none() && meta.get("nextCursor").is_none(), "{meta}");
        assert_eq!(meta["count"], json!(small.rows().len()), "{meta}");
    }
}

#[tokio::test]
async fn groups_have_their_three_parts_and_come_as_lines_too() {
    let stack = Stack::start().await;
    let nothing = stack.ask(
        "small",
        "orders",
        json!({
            "candidatesWhere": {"id": -1},
            "measures": {"m": {"agg": "percentile", "column": "amount", "p": 0.5}},
        }),
    );
    assert_eq!(nothing.await.rows(), [json!({"dims": {}, "measures": {"m": null}, "count": 0})]);
    let of_none = json!({"candidatesWhere": {"id": -1}, "dimensions": [{"field": "shop"}], "sample": 0.5});
    assert_eq!(stack.ask("small", "orders", of_none).await.rows(), [] as [Value; 0]);
    let body = json!({"target": "million", "options": {"dimensions": [{"field": "part"}], "sample": 0.1}});
    let (rows, end) = stack.caller.lines("large", "aggregate", &body).await.unwrap().finish().await.unwrap();
    assert_eq!((rows, &end["meta"]["count"]), (1_000, &json!(1_000)), "{end}");
}

#[tokio::test]
async fn a_million_rows_are_sketched_in_little_memory_and_small_jobs_answer_meanwhile() {
    let stack = Stack::start().await;
    let sketched = stack.ask(
        "large",
        "million",
        json!({
            "sample": 0.999_999,
            "measures": {
                "texts": {"agg": "count_distinct", "column": "v", "accuracy": "fast"},
                "middle": {"agg": "percentile", "column": "f", "p": 0.5, "accuracy": "fast"},
                "top": {"agg": "top_k", "column": "part", "k": 3, "accuracy": "fast"},
            },
        }),
    );
    tokio::pin!(sketched);
    let mut answered = 0;
    let answer = loop {
        tokio::select! {
            answer = &mut sketched => break answer,
            small = stack.ask("small", "orders", json!({"measures": {"n": {"agg": "count"}}})) => {
                assert_eq!(small.rows()[0]["count"], json!(1_000), "{}", small.body);
                answered += 1;
            }
        }
    };
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let group = &answer.rows()[0];
    let near = |name: &str, expected: f64| {
        let found = group["measures"][name].as_f64().unwrap();
        assert!((found - expected).abs() < 0.05 * expected, "{group}");
    };
    near("texts", 1e6);
    near("middle", 500_000.0 / 7.0);
    assert_eq!(group["measures"]["top"].as_array().unwrap().len(), 3);
    assert!(answered > 5, "only {answered} small jobs were answered meanwhile");
    let peak = stack.runner.process().peak_resident_bytes().unwrap();
    assert!(peak < 64 * MIB, "the runner used {} MiB", peak / MIB);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_what_takes_too_long_is_ended() {
    let stack = Stack::start().await;
    for (options, code, word) in [
        (json!({"dimensions": [{"field": "shops"}], "sample": 0.5}), "INVALID_JOB", "\"shop\""),
        (
            json!({"measures": {"m": {"agg": "percentile", "column": "id", "p": 2}}}),
            "INVALID_JOB",
            "measures.m.p",
        ),
        (json!({"sample": 0.5, "candidatesWhere": {"id": {"$gt": "x"}}}), "INVALID_JOB", "candidatesWhere"),
    ] {
        for source in ["large", "small"] {
            let answer = stack.ask(source, "orders", options.clone()).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, code),
                "{options}: {}",
                answer.body
            );
            assert!(answer.body["message"].as_str().unwrap_or_default().contains(word), "{}", answer.body);
        }
    }
    let many = json!({"dimensions": [{"field": "v"}], "sample": 0.999_999});
    let answer = stack.ask("large", "million", many).await;
    assert_eq!(answer.code(), "RESULT_TOO_LARGE", "{}", answer.body);
    let body = json!({"target": "asleep", "options": {"sample": 0.5}, "deadlineMs": 500});
    let answer = stack.caller.ask("large", "aggregate", &body).await.unwrap();
    assert_eq!(answer.code(), "QUERY_TIMEOUT", "{}", answer.body);
}
