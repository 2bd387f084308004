//! `/v1/bridge-manifests`: the drivers' always, those of modules while a runner that has them is connected.

use serde_json::{Value, json};

use crate::fake_runner::FakeRunner;
use crate::world::{Answer, World};

async fn bridges(world: &World) -> Vec<Value> {
    let answer = world.http.get(world.url("/v1/bridge-manifests")).send().await.expect("an answer");
    let answer = Answer::of(answer).await;
    assert_eq!(answer.status, 200);
    answer.body["bridges"].as_array().expect("a list").clone()
}

fn named<'b>(bridges: &'b [Value], name: &str) -> Option<&'b Value> {
    bridges.iter().find(|bridge| bridge["name"] == name)
}

/// A runner with these connectors.
async fn runner(world: &World, connectors: Value) -> FakeRunner {
    let mut runner = FakeRunner::dial(world, &world.runner_id, &world.runner_token).await;
    let hello = json!({
        "type": "hello", "version": 1, "runnerId": world.runner_id, "capabilities": [], "features": [],
        "connectors": connectors,
    });
    runner.send(&hello).await;
    assert_eq!(runner.next().await["type"], "hello-ack");
    runner
}

#[tokio::test]
async fn a_form_can_be_made_for_every_driver_before_any_runner_has_connected() {
    let world = World::new().await;
    let bridges = bridges(&world).await;
    for name in
        ["postgres", "cockroachdb", "neon", "supabase", "mysql", "mariadb", "planetscale", "mssql", "sqlite"]
    {
        let bridge = named(&bridges, &format!("@semilayer/bridge-{name}")).expect(name);
        assert_eq!((&bridge["kind"], &bridge["runners"]), (&json!("native"), &json!(0)), "{name}");
        let manifest = &bridge["manifest"];
        assert_eq!(manifest["packageName"], bridge["name"]);
        let fields = manifest["fields"].as_array().expect("fields");
        assert!(fields.iter().any(|field| field["key"] == "pool.max"), "{name}");
        assert!(manifest["displayName"].is_string() && manifest["capabilities"].is_object(), "{name}");
    }
}

#[tokio::test]
async fn a_module_has_the_manifest_that_its_runner_sent_as_long_as_one_is_connected() {
    let world = World::new().await;
    let tape = |version: &str, label: &str| {
        json!([
            { "name": "@semilayer/bridge-sqlite", "version": "9.9.9", "kind": "native" },
            {
                "name": "@acme/bridge-tape", "version": version, "kind": "wasm", "digest": format!("{version}ab"),
                "manifest": { "packageName": "@acme/bridge-tape", "displayName": label, "fields": [] },
            },
        ])
    };
    let first = runner(&world, tape("1.0.0", "Tape")).await;
    let mut second = runner(&world, tape("2.0.0", "Tape, second edition")).await;
    let found = bridges(&world).await;
    let bridge = named(&found, "@acme/bridge-tape").expect("the module");
    assert_eq!((&bridge["kind"], &bridge["runners"]), (&json!("wasm"), &json!(2)));
    assert_eq!(bridge["versions"], json!(["1.0.0", "2.0.0"]));
    assert_eq!(bridge["digests"], json!(["1.0.0ab", "2.0.0ab"]));
    let name = bridge["manifest"]["displayName"].as_str().expect("a name");
    assert!(name.starts_with("Tape"), "{name}");
    let sqlite = named(&found, "@semilayer/bridge-sqlite").expect("a driver");
    assert_eq!((&sqlite["runners"], &sqlite["versions"]), (&json!(2), &json!(["9.9.9"])));

    drop(first);
    second.socket.close(None).await.expect("a close");
    while named(&bridges(&world).await, "@acme/bridge-tape").is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_runner_gives_a_drivers_form_another_shape() {
    let world = World::new().await;
    let spoof = json!({ "packageName": "@semilayer/bridge-postgres", "displayName": "Send me your password", "fields": [] });
    let _runner = runner(
        &world,
        json!([
            { "name": "postgres", "version": "1.0.0", "kind": "wasm", "manifest": spoof },
            { "name": "@acme/bridge-list", "version": "1.0.0", "kind": "wasm", "manifest": [1, 2] },
        ]),
    )
    .await;
    let found = bridges(&world).await;
    let postgres = named(&found, "@semilayer/bridge-postgres").expect("a driver");
    assert_eq!((&postgres["kind"], &postgres["runners"]), (&json!("native"), &json!(1)));
    assert_eq!(postgres["manifest"]["displayName"], "PostgreSQL");
    assert_eq!(named(&found, "@acme/bridge-list").expect("the module")["manifest"], Value::Null);
}
