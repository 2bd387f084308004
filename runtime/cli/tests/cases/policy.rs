//! The operator's policy in the program: `policy check`, and a file that changes while jobs run.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, Session, job, local};
use crate::support::program::{Ended, Running, TOKEN, database, run};

const FILE: &str = "semilayer-runner.toml";

fn write(folder: &Path, policy: &str) {
    std::fs::write(folder.join(FILE), policy).unwrap();
}

/// Asks about a job; `flags` go behind it.
async fn check(folder: &Path, source: Option<&str>, job: &Value, flags: &[&str]) -> Ended {
    std::fs::write(folder.join("job.json"), job.to_string()).unwrap();
    let arguments: Vec<&str> =
        ["policy", "check", "--job", "job.json"].into_iter().chain(flags.iter().copied()).collect();
    let variables: Vec<(&str, &str)> =
        source.map(|path| ("SEMILAYER_SOURCE_SHOP_PATH", path)).into_iter().collect();
    run(folder, &arguments, &variables).await
}

#[tokio::test]
async fn a_decision_is_explained_with_the_targets_own_columns() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    write(
        folder.path(),
        "[policy]\nmax_rows = 100\nkinds = [\"query\", \"count\"]\nmask = { \"main.things.name\" = \"redact\" }",
    );
    let query = json!({"source": "shop", "kind": "query", "target": "main.things", "options": {"limit": 5}});
    let allowed = check(folder.path(), Some(&file), &query, &[]).await;
    insta::assert_snapshot!(allowed.out, @r#"
    ✓ allowed  query of "main.things" on the source "shop"
               ends beyond 100 rows ([policy] max_rows)
               the target is "things", a table
               the column "name" comes as "***" ([policy] mask)
    "#);
    assert_eq!((allowed.code, &*allowed.err), (Some(0), ""));

    let count =
        json!({"source": "Shop", "kind": "count", "target": "things", "options": {"where": {"name": "x"}}});
    let refused = check(folder.path(), Some(&file), &count, &[]).await;
    insta::assert_snapshot!(refused.out, @r#"
    ✗ refused  count of "things" on the source "Shop"
               policy.mask: the column "name" of target "things" is masked (redact) by "main.things.name", so `where` may not look at it ([policy] mask on this runner)
    "#);
    assert_eq!(refused.code, Some(3));

    let read = json!({"source": "shop", "kind": "read", "target": "things"});
    let refused = check(folder.path(), None, &read, &["--json"]).await;
    let json: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((&json["decision"], &json["rule"]), (&json!("refused"), &json!("policy.kinds")), "{json}");
    assert_eq!((refused.code, &json["setting"]), (Some(3), &json!("[policy] kinds")));
}

#[tokio::test]
async fn what_needs_a_database_stays_open_without_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "[policy.sources.shop]\ntargets = [\"main.*\"]");
    let query = json!({"source": "shop", "kind": "query", "target": "things"});
    let open = check(folder.path(), None, &query, &["--offline"]).await;
    assert!(open.out.starts_with("! open ") && open.code == Some(1), "{}", open.out);
    let unknown = check(folder.path(), None, &query, &[]).await;
    assert!(unknown.out.contains("SOURCE_NOT_CONFIGURED") && unknown.code == Some(1), "{}", unknown.out);
    // Another source has no such rule, and needs no database.
    let other = json!({"source": "other", "kind": "query", "target": "things"});
    assert_eq!(check(folder.path(), None, &other, &["--json"]).await.code, Some(0));
}

#[tokio::test]
async fn a_job_or_a_policy_that_cannot_be_understood_is_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for (job, problem) in [
        (json!([]), "it must be an object of bridge, kind, options, source, target"),
        (
            json!({"source": "a", "kind": "querry"}),
            "no kind of job is called \"querry\"; did you mean \"query\"?",
        ),
        (
            json!({"source": "a", "kind": "query", "taget": "t"}),
            "there is no such key: \"taget\"; did you mean \"target\"?",
        ),
        (json!({"source": "a", "kind": "query"}), "a query job needs a target"),
    ] {
        let ended = check(folder.path(), None, &job, &[]).await;
        assert!(ended.err.contains(problem) && ended.code == Some(2), "{}", ended.err);
    }
    let query = json!({"source": "shop", "kind": "query", "target": "things"});
    for (policy, problem) in [
        ("[policy]\nmax_row = 1", "[policy] max_row: there is no such key; did you mean \"max_rows\""),
        ("[policy]\nmask = { email = \"hash\" }", "SEMILAYER_MASK_KEY"),
    ] {
        write(folder.path(), policy);
        let ended = check(folder.path(), None, &query, &[]).await;
        assert!(ended.err.contains(problem) && ended.code == Some(2), "{}", ended.err);
    }
}

#[tokio::test]
async fn a_policy_of_a_source_that_nobody_knows_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "[policy.sources.shpo]\nmax_rows = 1\n[policy.sources.SHOP]\nmax_rows = 1");
    let ended = run(folder.path(), &["sources"], &[("SEMILAYER_SOURCE_SHOP_PATH", "/nowhere/shop.db")]).await;
    let warning = "! [policy.sources.shpo]: no source of that name is known here, so its rules act on nothing; \
                   did you mean [policy.sources.shop]?";
    assert!(ended.out.contains(warning) && !ended.out.contains("sources.SHOP"), "{}", ended.out);
}

async fn rows(session: &mut Session, id: &str, source: &Value) -> Vec<Value> {
    let options = json!({"orderBy": {"id": "asc"}, "limit": 1});
    session.send(job(id, source, "query", Some("things"), options)).await;
    let (chunks, end) = session.answer(id).await;
    assert_eq!(end["type"], "done", "{end}");
    chunks.iter().flat_map(|chunk| chunk["rows"].as_array().unwrap().clone()).collect()
}

#[tokio::test]
async fn a_policy_is_read_again_at_sighup_and_a_wrong_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let key = folder.path().join("key");
    std::fs::write(&key, "a-secret-of-more-than-16-bytes\n").unwrap();
    let audit = folder.path().join("audit.jsonl");
    write(folder.path(), &format!("[policy]\naudit = \"{}\"", audit.display()));
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let variables = [
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_GATEWAY_URL", &*url),
        ("SEMILAYER_SOURCE_SHOP_PATH", &*file),
        ("SEMILAYER_MASK_KEY_FILE", key.to_str().unwrap()),
    ];
    let mut runner = Running::start(folder.path(), &[], &variables);
    let shop = local("shop", "sqlite");
    let (mut session, _) = gateway.greet(json!([shop])).await;
    assert_eq!(rows(&mut session, "1", &shop).await, [json!({"id": 1, "name": "secret-row-1"})]);

    let masked =
        format!("[policy]\naudit = \"{}\"\nmask = {{ \"things.name\" = \"hash\" }}", audit.display());
    write(folder.path(), &masked);
    runner.signal(Signal::HUP);
    runner.logged("SIGHUP received: the policy").await;
    let first = rows(&mut session, "2", &shop).await;
    let hash = first[0]["name"].as_str().unwrap();
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");

    write(folder.path(), "[policy]\nmasks = {}");
    runner.signal(Signal::HUP);
    let line = runner.logged("what was read before stays in force").await;
    assert!(line.contains("[policy] masks: there is no such key"), "{line}");
    assert_eq!(rows(&mut session, "3", &shop).await, first);

    // Another key, another hash.
    std::fs::write(&key, "another-secret-of-more-than-16-bytes").unwrap();
    write(folder.path(), &masked);
    runner.signal(Signal::HUP);
    runner.logged("SIGHUP received: the policy").await;
    assert_ne!(rows(&mut session, "4", &shop).await, first);

    runner.signal(Signal::TERM);
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let written = std::fs::read_to_string(&audit).unwrap();
    assert_eq!(written.lines().count(), 4, "{written}");
    assert!(!written.contains("secret-row") && !ended.out.contains("more-than-16"));
    assert_eq!(std::fs::metadata(&audit).unwrap().permissions().mode() & 0o777, 0o600);
}
