//! What doctor says of a module's source that does not open: the stage, the code's cause, and what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod secrets;

use std::sync::Arc;

use component_tests::{Opening, component};
use connector_api::PathRules;
use connector_host::load::LoadedModule;
use connector_model::config::{Config, Origin};
use dial::AddressFilter;
use runner_doctor::text::Text;
use runner_doctor::{Openable, SourceSubject, Subject, Verdict, examine};
use test_servers::{
    APP_PASSWORD, ClickHouse, ClickHouseOptions, Redis, RedisOptions, Turso, TursoOptions, free_port,
};

/// The token that the Turso server knows.
const TOKEN: &str = "eyJ.good.one";

/// The three databases with their modules.
struct Databases {
    redis: Redis,
    clickhouse: ClickHouse,
    turso: Turso,
    modules: [Arc<LoadedModule>; 3],
}

impl Databases {
    async fn start() -> Databases {
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let options =
            TursoOptions { token: Some(TOKEN.into()), keeps_streams: true, ..TursoOptions::default() };
        Databases {
            redis: Redis::start(RedisOptions::default()).await.unwrap(),
            clickhouse: ClickHouse::start(ClickHouseOptions::default()).await.unwrap(),
            turso: Turso::start(options).await.unwrap(),
            modules: [
                component("redis").await.unwrap(),
                component("clickhouse").await.unwrap(),
                component("turso").await.unwrap(),
            ],
        }
    }

    /// The settings of each, its password and token as they should be.
    fn settings(&self) -> [Vec<(&'static str, String)>; 3] {
        [
            vec![("url", self.redis.url())],
            vec![("url", self.clickhouse.url())],
            vec![("url", self.turso.url()), ("authToken", TOKEN.to_owned())],
        ]
    }

    /// What doctor prints about a source of each module under these settings.
    async fn examined(&self, settings: &[Vec<(&'static str, String)>; 3], origin: Origin) -> Vec<String> {
        let mut texts = Vec::new();
        for (module, settings) in self.modules.iter().zip(settings) {
            texts.push(line_of(module, settings, origin).await);
        }
        texts
    }
}

/// What doctor prints about a source of the module.
async fn line_of(module: &LoadedModule, settings: &[(&'static str, String)], origin: Origin) -> String {
    let manifest = module.connector.manifest();
    let values = settings.iter().map(|(key, value)| (*key, value.as_str()));
    let config = Config::from_texts(manifest, origin, values).unwrap();
    let openable = Openable {
        source: module.connector.source(config).unwrap(),
        origin: "as configured".to_owned(),
        filter: AddressFilter::unrestricted(),
        paths: PathRules::Unrestricted,
    };
    let report = examine(Subject {
        known: Vec::new(),
        gateway: None,
        sources: vec![SourceSubject { name: "shop".to_owned(), openable: Ok(openable) }],
        modules: Vec::new(),
        dialer: Opening::default().context().unwrap().dialer,
        application: Arc::from("semilayer-runner/doctor"),
    })
    .await;
    let text = Text { report: &report, colour: false }.to_string();
    assert!(!text.contains(APP_PASSWORD) && !text.contains(TOKEN), "{text}");
    let healthy = !text.contains('✗');
    assert_eq!(report.verdict() == Verdict::Healthy, healthy, "{text}");
    text
}

fn all_have(texts: &[String], parts: &[&str]) {
    for text in texts {
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
}

#[tokio::test]
async fn every_way_that_a_source_of_a_module_does_not_open_has_its_line_and_its_remedy() {
    let mut databases = Databases::start().await;
    let right = databases.settings();
    let healthy = databases.examined(&right, Origin::Local).await;
    all_have(
        &healthy,
        &["✓ shop  config  as configured", "✓ shop  dns", "✓ shop  tcp", "✓ shop  auth", "✓ shop  query"],
    );
    for (text, product) in healthy.iter().zip(["Redis 7", "ClickHouse 2", ""]) {
        assert!(text.contains(product), "{text}");
    }

    let wrong = right.clone().map(|mut settings| {
        match settings.iter_mut().find(|(key, _)| *key == "authToken") {
            Some((_, token)) => *token = "eyJ.bad.one".to_owned(),
            None => settings.push(("password", "hunter2".to_owned())),
        }
        settings
    });
    let refused = databases.examined(&wrong, Origin::Local).await;
    all_have(&refused, &["✓ shop  tcp", "✗ shop  auth", "→ "]);
    for (text, advice) in refused.iter().zip(["password", "password", "`authToken`"]) {
        assert!(text.contains(advice) && !text.contains("hunter2") && !text.contains("bad.one"), "{text}");
    }

    // The gateway configured it: this machine's own addresses are not for it to name.
    let denied = databases.examined(&right, Origin::Managed).await;
    all_have(&denied, &["✗ shop  policy", "may not connect to", "the runner's operator adds", "allow_hosts"]);

    databases.redis.kill().await.unwrap();
    databases.clickhouse.kill().await.unwrap();
    databases.turso.kill().await.unwrap();
    let nobody = free_port().unwrap().to_string();
    let mut gone = databases.settings();
    // What stands before Turso's engine still answers: a port where nobody does.
    gone[2][0].1 = format!("http://localhost:{nobody}");
    let dead = databases.examined(&gone, Origin::Local).await;
    all_have(
        &dead,
        &["✗ shop  tcp", "connection refused", "nothing accepts connections there: check the port"],
    );
}
