//! Connector modules as the report shows them.

#![allow(clippy::unwrap_used, reason = "clippy knows the test functions, not what they share")]

use std::sync::Arc;

use dial::{Dialer, Roots};
use runner_doctor::text::Text;
use runner_doctor::{ModuleFacts, ModuleFault, ModuleSubject, Report, Subject, Verdict, examine};

async fn examined(modules: Vec<ModuleSubject>) -> Report {
    let dialer = Dialer::new(Roots::only(&[]).unwrap());
    let application = Arc::from("doctor");
    examine(Subject { known: Vec::new(), gateway: None, sources: Vec::new(), modules, dialer, application })
        .await
}

fn loads() -> ModuleSubject {
    let facts = vec![
        ("sha256", "6f3c… (pinned)".to_owned()),
        ("contract", "semilayer:connector 0.1.0".to_owned()),
        ("asks for", "{host}:{port}".to_owned()),
    ];
    let loads = "@acme/bridge-inventory 1.2.3 from /connectors/inventory.wasm".to_owned();
    ModuleSubject { name: "inventory".to_owned(), found: Ok(ModuleFacts { loads, facts }) }
}

#[tokio::test]
async fn a_module_that_loads_shows_what_it_is_and_one_that_does_not_what_to_do() {
    let fault = ModuleFault {
        text: "/connectors/tape.wasm: it is a core module\u{1b}[2J and no component".to_owned(),
        remedy: "build it for wasm32-wasip2".to_owned(),
    };
    let broken = ModuleSubject { name: "tape".to_owned(), found: Err(fault) };
    let report = examined(vec![loads(), broken]).await;
    insta::assert_snapshot!(Text { report: &report, colour: false }, @r"
    ✓ inventory  loads  @acme/bridge-inventory 1.2.3 from /connectors/inventory.wasm
    ✓ inventory  sha256  6f3c… (pinned)
    ✓ inventory  contract  semilayer:connector 0.1.0
    ✓ inventory  asks for  {host}:{port}
    ✗ tape  loads  /connectors/tape.wasm: it is a core module [2J and no component
        → build it for wasm32-wasip2
    1 check failed.
    ");
    assert_eq!(report.verdict(), Verdict::Source);
    let json = runner_doctor::json::to_json(&report);
    assert_eq!(
        (json["checks"][0]["area"].as_str(), json["checks"][0]["connector"].as_str()),
        (Some("connector"), Some("inventory"))
    );
    assert_eq!(examined(vec![loads()]).await.verdict(), Verdict::Healthy);
}
