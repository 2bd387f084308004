//! The program as a process, connected and given jobs, with its log at its loudest.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::configuration::{Configuration, TokenPlace, configuration, secret};
use crate::hold;
use crate::support::gateway::{Gateway, job, local, managed};
use crate::support::program::Running;

/// A token that can be sent, its mark where none of it is shown.
const TOKEN: &str = "rk_abcdefgh-hunterzwei-ijklmnop";

/// Processes that are started: each takes a second.
const PROCESSES: usize = 6;

#[tokio::test]
async fn no_line_of_a_running_runner_shows_a_secret() {
    let mut runner = TestRunner::deterministic();
    let usable = configuration().prop_map(|configuration| Configuration {
        // With these it would not start, and nothing else is tried here.
        gateway_password: None,
        token: match configuration.token {
            (TokenPlace::NotAPath, _) => (TokenPlace::Variable, TOKEN.to_owned()),
            (place, _) => (place, TOKEN.to_owned()),
        },
        ..configuration
    });
    for _ in 0..PROCESSES {
        let configuration = usable.new_tree(&mut runner).unwrap().current();
        let of_gateway = secret().new_tree(&mut runner).unwrap().current();
        try_one(&configuration, &of_gateway).await;
    }
}

async fn try_one(configuration: &Configuration, of_gateway: &str) {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::open().await;
    let written = configuration.write(folder.path(), &gateway.url());
    let mut variables: Vec<(&str, &str)> =
        written.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.push(("SEMILAYER_LOG", "trace"));
    let arguments: Vec<&str> =
        std::iter::once("start").chain(written.arguments.iter().map(String::as_str)).collect();
    let mut runner = Running::start(folder.path(), &arguments, &variables);
    let config = json!({"host": "203.0.113.1", "user": "app", "password": of_gateway, "prot": of_gateway});
    let mut sources: Vec<Value> =
        (0..configuration.sources.len()).map(|number| local(&format!("s{number}"), "postgres")).collect();
    sources.push(managed("far", "mysql", config));
    let (mut session, _) = gateway.greet(Value::from(sources.clone())).await;
    for (number, source) in sources.iter().enumerate() {
        let id = format!("job-{number}");
        session.send(job(&id, source, "query", Some("t"), json!({"where": {"a": of_gateway}}))).await;
        let (_, end) = session.answer(&id).await;
        assert_eq!(end["type"], "error", "{end}");
        hold("an answer", &end.to_string());
    }
    runner.logged("→ error").await;
    runner.signal(rustix::process::Signal::TERM);
    let ended = runner.ended().await;
    hold("standard output", &ended.out);
    hold("standard error", &ended.err);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
}
