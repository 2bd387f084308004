//! Redis, ClickHouse and Turso through mounted modules, side by side, in the real programs.

use reqwest::StatusCode;
use serde_json::{Value, json};
use test_servers::{
    APP_PASSWORD, ClickHouse, ClickHouseOptions, Exit, Redis, RedisOptions, Turso, TursoOptions, component,
};

use super::Stack;
use e2e_tests::Runner;

/// The token that the Turso server knows.
const TOKEN: &str = "eyJ.good.one";
/// Rows of the small targets.
const ROWS: u64 = 40;
/// Rows of the large ones, of about 2 KB each: far more than sockets and windows hold.
const MANY: u64 = 30_000;

/// The servers, filled, and everything before them.
struct Served {
    stack: Stack,
    redis: Redis,
    clickhouse: ClickHouse,
    turso: Turso,
}

/// A source of each, and its small target.
const SOURCES: [(&str, &str); 3] = [("cache", "small"), ("facts", "small"), ("edge", "small")];

impl Served {
    async fn new() -> Served {
        let stack = Stack::new().await;
        for name in ["redis", "clickhouse", "turso"] {
            let file = tokio::task::spawn_blocking(move || component(name)).await.unwrap().unwrap();
            stack.mount(&format!("{name}.wasm"), &std::fs::read(file).unwrap());
        }
        for (source, bridge) in [("cache", "redis"), ("facts", "clickhouse"), ("edge", "turso")] {
            stack.gateway.source(source, bridge, &stack.identity).await.unwrap();
        }
        let redis = Redis::start(RedisOptions::default()).await.unwrap();
        let mut admin = redis.admin().await.unwrap();
        let set = |key: String, value: String| vec![b"SET".to_vec(), key.into_bytes(), value.into_bytes()];
        let small = (1..=ROWS).map(|n| set(format!("small:{n}"), format!("{{\"n\":{n}}}")));
        let large =
            (1..=MANY).map(|n| set(format!("large:{n}"), format!("{{\"t\":\"{}\"}}", "x".repeat(2_000))));
        admin.ask_all(&small.chain(large).collect::<Vec<_>>()).await.unwrap();

        let clickhouse = ClickHouse::start(ClickHouseOptions::default()).await.unwrap();
        for (table, rows, text) in [("small", ROWS, "''"), ("large", MANY * 10, "repeat('x', 2000)")] {
            let create = format!(
                "CREATE TABLE {table} ENGINE = MergeTree ORDER BY n AS SELECT number + 1 AS n, {text} AS t FROM numbers({rows})"
            );
            clickhouse.execute(&create).await.unwrap();
        }

        let options =
            TursoOptions { token: Some(TOKEN.into()), keeps_streams: true, ..TursoOptions::default() };
        let turso = Turso::start(options).await.unwrap();
        let values: Vec<String> = (1..=ROWS).map(|n| format!("({n})")).collect();
        let large = format!(
            "INSERT INTO large (t) SELECT '{}' FROM small a, small b, small c WHERE c.n <= {}",
            "x".repeat(2_000),
            MANY / (ROWS * ROWS) + 1
        );
        let create = |table: &str| format!("CREATE TABLE {table} (n INTEGER PRIMARY KEY, t TEXT)");
        let fill = format!("INSERT INTO small (n) VALUES {}", values.join(","));
        turso.execute(&[create("small"), create("large"), fill, large]).await.unwrap();
        Served { stack, redis, clickhouse, turso }
    }

    /// The stack whose runner has these sources, with this password and token.
    fn configured(&mut self, password: Option<&str>, token: &str) {
        let base = std::mem::take(&mut self.stack.options);
        self.stack.options = base
            .set("SEMILAYER_SOURCE_CACHE_URL", self.redis.url())
            .set("SEMILAYER_SOURCE_CACHE_DRIVER", "redis")
            .set("SEMILAYER_SOURCE_FACTS_URL", self.clickhouse.url())
            .set("SEMILAYER_SOURCE_FACTS_DRIVER", "clickhouse")
            .set("SEMILAYER_SOURCE_EDGE_URL", self.turso.url())
            .set("SEMILAYER_SOURCE_EDGE_DRIVER", "turso")
            .set("SEMILAYER_SOURCE_EDGE_AUTH_TOKEN", token);
        if let Some(password) = password {
            let base = std::mem::take(&mut self.stack.options);
            self.stack.options = base
                .set("SEMILAYER_SOURCE_CACHE_PASSWORD", password)
                .set("SEMILAYER_SOURCE_FACTS_PASSWORD", password);
        }
    }

    /// What `doctor --offline` prints about the three sources, and how it ends.
    async fn doctor(&self) -> (Exit, String) {
        let stack = &self.stack;
        let launch = Runner::launch(&stack.gateway, &stack.identity, &stack.options).unwrap();
        let arguments = ["doctor", "--offline", "--source", "cache", "--source", "facts", "--source", "edge"];
        let (exit, out, err) = Runner::command(&launch, &arguments).await.unwrap();
        for secret in [APP_PASSWORD, TOKEN, "hunter2"] {
            assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
        }
        (exit, out)
    }

    async fn code(&self, source: &str) -> (StatusCode, String) {
        let answer = self.stack.caller.ask(source, "query", &json!({"target": "small"})).await.unwrap();
        (answer.status, answer.code().to_owned())
    }
}

#[tokio::test]
async fn three_databases_are_served_by_mounted_modules_and_their_deaths_have_codes() {
    let mut served = Served::new().await;
    served.configured(None, TOKEN);
    let runner = served.stack.start().await;
    for (source, target) in SOURCES {
        served.stack.gateway.serving(&served.stack.caller, source).await.unwrap();
        let ask = async |kind: &str, options: Value| {
            let body = json!({"target": target, "options": options});
            let answer = served.stack.caller.ask(source, kind, &body).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK, "{source} {kind}: {}", answer.body);
            answer
        };
        let filtered =
            ask("query", json!({"where": {"n": {"$gt": 30}}, "limit": 4, "orderBy": {"n": "desc"}})).await;
        let numbers: Vec<&Value> = filtered.rows().iter().map(|row| &row["n"]).collect();
        let as_texts = numbers.iter().map(|n| n.to_string().replace('"', "")).collect::<Vec<_>>();
        assert_eq!(as_texts, ["40", "39", "38", "37"], "{source}");
        assert_eq!(filtered.body["meta"]["total"], 10, "{source}: {}", filtered.body);
        // What a module does not compute, the runner computes over its query.
        let measures =
            json!({"dimensions": [], "measures": {"p50": {"agg": "percentile", "column": "n", "p": 0.5}}});
        let groups = ask("aggregate", measures).await;
        assert!(groups.body.to_string().contains("20.5"), "{source}: {}", groups.body);
    }
    let (exit, text) = served.doctor().await;
    assert_eq!(exit, Exit::Code(0), "{text}");
    for line in ["✓ cache  query  Redis 7", "✓ facts  query  ClickHouse 2", "✓ edge  query"] {
        assert!(text.contains(line), "{text}");
    }

    // Killed in the middle of a result.
    for source in ["cache", "facts", "edge"] {
        let body = json!({"target": "large", "deadlineMs": 60_000});
        let mut lines = served.stack.caller.lines(source, "query", &body).await.unwrap();
        assert_eq!(lines.status(), StatusCode::OK);
        lines.piece().await.unwrap().unwrap();
        match source {
            "cache" => served.redis.kill().await.unwrap(),
            "facts" => served.clickhouse.kill().await.unwrap(),
            // A result of some sixty answers, of which the first ones are under way.
            _ => served.turso.kill().await.unwrap(),
        }
        let (_, end) = lines.finish().await.unwrap();
        assert_eq!(end["error"]["code"], json!("SOURCE_UNREACHABLE"), "{source}: {end}");
        let (status, code) = served.code(source).await;
        assert_eq!((status, code.as_str()), (StatusCode::BAD_GATEWAY, "SOURCE_UNREACHABLE"), "{source}");
    }
    let (exit, text) = served.doctor().await;
    assert_eq!(exit, Exit::Code(3), "{text}");
    for line in ["✗ cache  tcp  ", "✗ facts  tcp  ", "✗ edge  tcp  "] {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(text.matches("→ nothing accepts connections there").count(), 3, "{text}");

    // They heal without anybody's help.
    served.redis.restart().await.unwrap();
    served.clickhouse.restart().await.unwrap();
    let mut admin = served.redis.admin().await.unwrap();
    admin.run(&[b"SET", b"small:1", b"{\"n\":1}"]).await.unwrap();
    for source in ["cache", "facts"] {
        served.stack.gateway.serving(&served.stack.caller, source).await.unwrap();
    }
    drop(runner);
}

#[tokio::test]
async fn a_wrong_password_of_a_module_s_source_has_its_code_and_its_line_in_doctor() {
    let mut served = Served::new().await;
    served.configured(Some("hunter2"), "eyJ.bad.one");
    // Compiles them, so that the runner has them from the beginning.
    assert_eq!(served.stack.listed().await.0, Some(0));
    let runner = served.stack.start().await;
    for (source, _) in SOURCES {
        let (status, code) = served.code(source).await;
        assert_eq!((status, code.as_str()), (StatusCode::BAD_GATEWAY, "SOURCE_AUTH_FAILED"), "{source}");
    }
    let (exit, text) = served.doctor().await;
    assert_eq!(exit, Exit::Code(3), "{text}");
    for line in ["✗ cache  auth  ", "✗ facts  auth  ", "✗ edge  auth  "] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.matches("→ check the user, the password").count() == 3, "{text}");
    drop(runner);
}
