//! The worst that a module does, in the real runner beside an honest one: nobody else notices.

use std::time::Duration;

use e2e_tests::{LIMIT, Runner};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use test_servers::guest;

use super::{Stack, plain};

/// What the operator allows the hostile module: several attacks at once, for longer than the gateway waits between two
/// times that it asks the runner for a sign of life (10 s).
const ALLOWED: &str =
    "[connectors.hostile]\nrunning_ms_per_call = 12000\nmemory = \"64MiB\"\nmax_sessions = 4\n";

/// Its targets, the endless ones first.
const ATTACKS: [&str; 4] = ["endless", "grows", "logs", "unsent-bodies"];

/// What each is answered with: it gives up, or is given up.
const CODES: [&str; 2] = ["CONNECTOR_FAILED", "SOURCE_QUERY_FAILED"];

/// What the runner may take of memory while all of it happens: four times the module's 64 MiB, and what a runner that was
/// built for debugging takes for itself.
const RESIDENT: u64 = (4 * 64 + 256) << 20;

/// The fewest honest answers that say anything.
const ANSWERS: usize = 20;

#[tokio::test]
async fn a_hostile_module_in_the_real_runner_costs_nobody_else_an_answer_or_a_heartbeat() {
    let stack = Stack::new().await;
    stack.configure(ALLOWED);
    stack.mount("plain.wasm", &plain());
    // Compiled in a child of the runner, as any other.
    let hostile = std::fs::read(guest("hostile").unwrap()).unwrap();
    stack.mount("hostile.wasm", &hostile);
    stack.gateway.source("hostile", "hostile", &stack.identity).await.unwrap();
    let mut options = stack.options.clone();
    options = options.set("SEMILAYER_SOURCE_HOSTILE_HOST", "127.0.0.1");
    let runner = Runner::start(&stack.gateway, &stack.identity, &options).await.unwrap();
    stack.gateway.serving(&stack.caller, "numbers").await.unwrap();
    stack.gateway.serving(&stack.caller, "hostile").await.unwrap();
    // A session for what was there at the start, and one for what was compiled since.
    let connected = || {
        let lines = runner.process().lines();
        lines.iter().filter(|line| line.text.contains("connected, awaiting jobs")).count()
    };
    let at_first = connected();

    let attacking = async {
        let attack = async |target: &str| {
            let body = json!({"target": target, "deadlineMs": 30_000});
            let answer = stack.caller.ask("hostile", "query", &body).await.unwrap();
            assert!(CODES.contains(&answer.code()), "{target}: {} {}", answer.status, answer.body);
        };
        let [one, two, three, four] = ATTACKS;
        tokio::join!(attack(one), attack(two), attack(three), attack(four));
    };
    let mut answered = 0;
    let serving = async {
        loop {
            let answer = stack.ask("numbers").await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            let ids: Vec<&Value> = answer.rows().iter().map(|row| &row["id"]).collect();
            assert_eq!(json!(ids), json!((0..20).collect::<Vec<_>>()));
            answered += 1;
            let now = standing(&stack).await;
            assert_eq!(now["sessions"], 1, "the runner lost its connection: {now}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let attacked = async {
        tokio::select! {
            () = attacking => {}
            () = serving => {}
        }
    };
    tokio::time::timeout(LIMIT, attacked).await.expect("an attack does not end");
    assert!(answered >= ANSWERS, "{answered} honest answers meanwhile");

    // It is still the same connection, and the gateway goes on hearing of it where there is no job.
    let before = standing(&stack).await;
    let heard = async {
        while standing(&stack).await["lastSeenAt"] == before["lastSeenAt"] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, heard).await.expect("no heartbeat came");
    assert_eq!(connected(), at_first);
    let lines = runner.process().lines();
    let forged = lines.iter().filter(|line| line.text.contains("forged by a module")).count();
    assert!((1..=20 * 62).contains(&forged), "{forged} lines of a flood");
    let peak = runner.process().peak_resident_bytes().unwrap();
    assert!(peak <= RESIDENT, "{} MiB", peak >> 20);
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
}

/// The runner as the gateway sees it.
async fn standing(stack: &Stack) -> Value {
    let runners = stack.gateway.admin(Method::GET, "/v1/runners", None).await.unwrap();
    runners["runners"][0].clone()
}
