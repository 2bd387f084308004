//! Rows over requests.

use component_tests::job;
use connector_api::CallContext;
use connector_model::request::Kind;
use serde_json::{Value, json};
use test_servers::{ServerCertificate, UpstashOptions};

use crate::{Fixture, run};

async fn rows(fixture: &Fixture, kind: Kind, options: Value) -> Vec<Value> {
    let mut session = fixture.session().await;
    job(&mut *session, kind, "t", &options).await.unwrap().rows
}

#[tokio::test]
async fn strings_and_hashes_are_rows_whether_texts_come_encoded_or_not() {
    for options in [
        UpstashOptions::default(),
        UpstashOptions { encodes: false, ..UpstashOptions::default() },
        UpstashOptions { tls: Some(ServerCertificate::Good), ..UpstashOptions::default() },
    ] {
        let encodes = options.encodes;
        let fixture = Fixture::start(options).await;
        let mut admin = fixture.admin().await;
        run(&mut admin, &["SET t:1 {\"a\":\"日本\"}", "HSET t:2 a x", "SET t:3 OK", "RPUSH t:4 x"]).await;
        admin.run(&[b"SET", b"t:5", &[0xff, 0]]).await.unwrap();
        let found = rows(&fixture, Kind::Read, json!({})).await;
        let bytes = if encodes { "/wA=" } else { "\u{fffd}\u{0}" };
        assert_eq!(
            found,
            [
                json!({"_key": "t:1", "a": "日本", "value": null}),
                json!({"_key": "t:2", "a": "x", "value": null}),
                json!({"_key": "t:3", "a": null, "value": "OK"}),
                json!({"_key": "t:5", "a": null, "value": bytes}),
            ]
        );
        let mut session = fixture.session().await;
        let info = session.ping(&CallContext::within(component_tests::open::LIMIT)).await.unwrap();
        assert_eq!(info.product, "Upstash");
        assert!(!info.version.is_empty());
    }
}

#[tokio::test]
async fn fifty_thousand_keys_are_one_batch_read() {
    let fixture = Fixture::start(UpstashOptions::default()).await;
    let mut admin = fixture.admin().await;
    let key = |n: u32| format!("t:{n:05}");
    let set = |n: u32| vec![b"SET".to_vec(), key(n).into_bytes(), format!("{{\"n\":{n}}}").into_bytes()];
    admin.ask_all(&(0..5_000).map(set).collect::<Vec<_>>()).await.unwrap();
    let ids: Vec<String> = (0..50_000).map(key).collect();
    let found = rows(&fixture, Kind::BatchRead, json!({"where": {"_key": ids}})).await;
    assert_eq!(found.len(), 5_000);
}
