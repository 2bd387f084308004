//! Large results, slow callers, many jobs beside each other.

use std::time::Duration;

use serde_json::json;

use crate::Stack;

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn a_million_rows_arrive_complete_while_small_queries_answer_and_memory_stays_flat() {
    let stack = Stack::start().await;
    let (all, one) = (
        json!({"target": "million", "deadlineMs": 300_000}),
        json!({"target": "small", "options": {"where": {"id": 7}}}),
    );
    for source in ["direct", "pooled"] {
        let rows = stack.caller.lines(source, "query", &all);
        let large = async { rows.await.unwrap().finish().await.unwrap() };
        tokio::pin!(large);
        let mut answered = 0;
        let (rows, end) = loop {
            tokio::select! {
                finished = &mut large => break finished,
                small = stack.caller.ask(source, "query", &one) => {
                    let small = small.unwrap();
                    assert_eq!(small.rows(), [json!({"id": 7, "v": "v7"})], "{}", small.body);
                    answered += 1;
                }
            }
        };
        assert_eq!(rows, 1_000_000, "{source}: {end}");
        assert_eq!(end["meta"]["total"], json!(1_000_000), "{source}: {end}");
        assert!(answered > 20, "{source}: only {answered} small queries were answered meanwhile");
    }
    let peak = stack.runner.process().peak_resident_bytes().unwrap();
    assert!(peak < 64 * MIB, "the runner used {} MiB", peak / MIB);
}

#[tokio::test]
async fn a_caller_that_reads_slowly_slows_its_own_job_only() {
    let stack = Stack::start().await;
    let mut slow = stack
        .caller
        .lines("direct", "query", &json!({"target": "million", "deadlineMs": 300_000}))
        .await
        .unwrap();
    assert!(slow.piece().await.unwrap().is_some());
    // It stops reading; what is on its way fills the windows and no more.
    let (mut sizes, few) = (Vec::new(), json!({"target": "small", "options": {"limit": 3}}));
    for _ in 0..5 {
        for _ in 0..50 {
            let small = stack.caller.ask("direct", "query", &few);
            let small = tokio::time::timeout(Duration::from_secs(5), small).await.expect("stuck").unwrap();
            assert_eq!(small.rows().len(), 3);
        }
        let both = [stack.runner.process(), stack.gateway.process()];
        sizes.push(both.map(|process| process.resident_bytes().unwrap()));
    }
    for at in 0..2 {
        assert!(sizes[4][at] < sizes[0][at] + 16 * MIB, "grew while nobody read: {sizes:?}");
    }
    assert!(sizes[4][0] < 64 * MIB, "{sizes:?}");
    // It holds its session meanwhile, and gets all of its rows in the end.
    let (rows, end) = slow.finish().await.unwrap();
    assert!(rows > 900_000 && end.get("meta").is_some(), "{rows} {end}");
}

#[tokio::test]
async fn other_clients_of_the_pooler_write_undisturbed_while_jobs_run() {
    let stack = Stack::start().await;
    stack.admin.batch_execute("CREATE TABLE log (n int); GRANT ALL ON log TO app").await.unwrap();
    let other = stack.bouncer.client().await.unwrap();
    let jobs = async {
        for n in 0..200 {
            let options = [json!({"limit": 2}), json!({}), json!({"where": {"id": {"$gt": "x"}}})];
            let body = json!({"target": "small", "options": options[n % 3]});
            let answer = stack.caller.ask("pooled", "query", &body).await.unwrap();
            assert!(answer.status.is_success() || n % 3 == 2, "{}", answer.body);
        }
    };
    let writes = async {
        for n in 0..200 {
            other.batch_execute(&format!("INSERT INTO log VALUES ({n})")).await.unwrap();
        }
    };
    tokio::join!(jobs, writes);
    let written: i64 = stack.admin.query_one("SELECT count(*) FROM log", &[]).await.unwrap().get(0);
    assert_eq!(written, 200);
}

#[tokio::test]
async fn pages_counts_targets_and_batches_answer_through_the_whole_way() {
    let stack = Stack::start().await;
    let ask = async |kind: &str, body| {
        let answer = stack.caller.ask("direct", kind, &body).await.unwrap();
        assert!(answer.status.is_success(), "{kind}: {} {}", answer.status, answer.body);
        answer
    };
    let first = ask("read", json!({"target": "small", "options": {"limit": 60}})).await;
    assert_eq!((first.rows().len(), &first.body["meta"]["nextCursor"]), (60, &json!("60")));
    let cursor = first.body["meta"]["nextCursor"].clone();
    let second = ask("read", json!({"target": "small", "options": {"limit": 60, "cursor": cursor}})).await;
    assert_eq!(second.rows().len(), 40);
    assert!(second.body["meta"].get("nextCursor").is_none());
    let counted = ask("count", json!({"target": "small", "options": {"where": {"id": {"$lte": 10}}}})).await;
    assert_eq!(counted.body["meta"]["total"], json!(10), "{}", counted.body);
    let batch =
        ask("batchRead", json!({"target": "small", "options": {"where": {"id": [1, 2, 999, "x"]}}})).await;
    assert_eq!(batch.rows().len(), 2);
    let targets = ask("listTargets", json!({})).await;
    assert!(targets.rows().iter().any(|target| target["name"] == "small" && target["kind"] == "table"));
    let schema = ask("introspectTarget", json!({"target": "small"})).await;
    assert_eq!(schema.rows()[0]["primaryKey"], json!(["id"]));
    ask("test", json!({})).await;
}
