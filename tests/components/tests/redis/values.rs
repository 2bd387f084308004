//! What is at keys, as rows.

use async_trait::async_trait;
use component_tests::job;
use component_tests::job::job_into;
use connector_api::{CallContext, Chunks};
use connector_model::error::Result;
use connector_model::json::Envelope;
use connector_model::request::Kind;
use serde_json::{Value, json};

use crate::{Fixture, run};

async fn rows(fixture: &Fixture, kind: Kind, target: &str, options: Value) -> Vec<Value> {
    let mut session = fixture.session().await;
    job(&mut *session, kind, target, &options).await.unwrap().rows
}

#[tokio::test]
async fn every_kind_of_value_is_a_row_or_none() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    run(&mut admin, &[
        "SET v:json {\"a\":1,\"big\":9007199254740993,\"f\":1.50,\"o\":{\"x\":[1.10]},\"_key\":\"hidden\"}",
        "SET v:text plain",
        "SET v:number 42",
        "SET v:list [1,2]",
        "HSET v:hash a 1 b two",
        "RPUSH v:queue x",
        "SADD v:set x",
        "SET other:1 x",
        "SET alone x",
    ])
    .await;
    admin.run(&[b"SET", b"v:bytes", &[0, 255]]).await.unwrap();
    admin.run(&[b"SET", b"v:half", br#"{"a":"\ud800"}"#]).await.unwrap();
    admin.run(&[b"SET", b"v:lines", b"{\n\t\"a\":\r\n [1,\n2]}"]).await.unwrap();
    admin.run(&[b"SET", &[b'v', b':', 0xff], b"{}"]).await.unwrap();
    let full = |row: Value| {
        let mut all =
            json!({"_key": null, "a": null, "big": null, "f": null, "o": null, "value": null, "b": null});
        row.as_object().unwrap().iter().for_each(|(name, value)| all[name] = value.clone());
        all
    };
    let right = [
        json!({"_key": "v:bytes", "value": "AP8="}),
        json!({"_key": "v:half", "a": "\u{fffd}"}),
        json!({"_key": "v:hash", "a": "1", "b": "two"}),
        json!({"_key": "v:json", "a": 1, "big": "9007199254740993", "f": 1.5, "o": {"x": [1.10]}}),
        json!({"_key": "v:lines", "a": [1, 2]}),
        json!({"_key": "v:list", "value": [1, 2]}),
        json!({"_key": "v:number", "value": 42}),
        json!({"_key": "v:text", "value": "plain"}),
    ]
    .map(full);
    assert_eq!(rows(&fixture, Kind::Read, "v", json!({})).await, right);
    let mut all = rows(&fixture, Kind::Query, "v", json!({})).await;
    all.sort_by_key(|row| row["_key"].as_str().map(str::to_owned));
    assert_eq!(all, right);
    let mut session = fixture.session().await;
    let counted = job(&mut *session, Kind::Count, "v", &json!({})).await.unwrap();
    assert_eq!(counted.page.total, Some(8));
    let cx = CallContext::within(component_tests::open::LIMIT);
    let targets = session.list_targets(&cx).await.unwrap();
    let targets: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(targets, ["other", "v"]);
}

#[tokio::test]
async fn fields_whose_names_are_shown_alike_are_one_member() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    admin.run(&[b"HSET", b"h:1", b"x\xfe", b"1", b"n", b"0", b"x\xff", b"2"]).await.unwrap();
    let mut session = fixture.session().await;
    let mut raw = Raw::default();
    let cx = CallContext::within(component_tests::open::LIMIT);
    job_into(&mut *session, Kind::Read, "h", &json!({}), &cx, &mut raw).await.unwrap();
    let name = "\"x\u{fffd}\":";
    assert_eq!(raw.0.matches(name).count(), 1, "{}", raw.0);
}

/// Rows as they are sent.
#[derive(Default)]
struct Raw(String);

#[async_trait]
impl Chunks for Raw {
    fn envelope(&self) -> Envelope {
        Envelope::default()
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.0 += &String::from_utf8_lossy(&chunk);
        Ok(())
    }
}

#[tokio::test]
async fn a_count_finds_what_query_finds_and_the_total_of_what_changed_is_right() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    for n in 0..6 {
        // The same moment in other words: as a text it is behind the one that is asked for.
        let at = if n < 3 { "2024-03-01T00:00:00Z".to_owned() } else { format!("2024-04-0{n}T00:00:00Z") };
        run(
            &mut admin,
            &[
                &format!("SET texts:{n} {{\"at\":\"{at}\"}}"),
                &format!("SET clear:{n} {{\"at\":\"2024-0{}-01T12:00:00Z\"}}", n + 1),
                &format!("SET millis:{n} {{\"at\":{}}}", 1_709_251_200_000_u64 + n),
            ],
        )
        .await;
    }
    let mut session = fixture.session().await;
    let moment = "2024-03-01T00:00:00.000000Z";
    for (target, by_text, changed) in [("texts", Some(6), 3), ("clear", Some(4), 4), ("millis", None, 5)] {
        let later = json!({"where": {"at": {"$gt": moment}}});
        let counted = job(&mut *session, Kind::Count, target, &later).await;
        let found = job(&mut *session, Kind::Query, target, &later).await;
        match by_text {
            Some(rows) => {
                let found = found.unwrap().rows.len();
                assert_eq!((found, counted.unwrap().page.total), (rows, Some(rows as u64)), "{target}");
            }
            // A text is no whole number, to either.
            None => assert!(found.is_err() && counted.is_err(), "{target}"),
        }
        let since = json!({"changedSince": moment, "changeTrackingColumn": "at", "limit": 1});
        let page = job(&mut *session, Kind::Read, target, &since).await.unwrap().page;
        assert_eq!(page.total, Some(changed), "{target}");
        let all = json!({"changedSince": moment, "changeTrackingColumn": "at"});
        let rows = job(&mut *session, Kind::Read, target, &all).await.unwrap().rows;
        assert_eq!(rows.len() as u64, changed, "{target}");
    }
}

#[tokio::test]
async fn columns_are_what_a_sample_shows() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    run(
        &mut admin,
        &[
            "SET t:1 {\"n\":1,\"mixed\":1,\"price\":1.5}",
            "SET t:2 {\"mixed\":\"x\",\"late\":true,\"price\":2}",
        ],
    )
    .await;
    let mut session = fixture.session().await;
    let cx = CallContext::within(component_tests::open::LIMIT);
    let schema = session.introspect(&cx, "t").await.unwrap();
    let columns: Vec<(&str, &str, bool, bool)> = schema
        .columns
        .iter()
        .map(|column| {
            (column.name.as_str(), column.native_type.as_str(), column.nullable, column.primary_key)
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("_key", "string", false, true),
            ("n", "integer", true, false),
            ("mixed", "mixed", true, false),
            ("price", "number", true, false),
            ("late", "boolean", true, false),
        ]
    );
    assert_eq!((schema.row_count, schema.primary_key), (Some(2), vec!["_key".to_owned()]));
    // Values of several kinds are held against operands as texts.
    for (operand, key) in [(json!(1), "t:1"), (json!("x"), "t:2")] {
        let found =
            job(&mut *session, Kind::Query, "t", &json!({"where": {"mixed": operand}})).await.unwrap();
        assert_eq!(found.rows[0]["_key"], key);
    }
}

#[tokio::test]
async fn fields_of_hashes_are_filtered_and_sorted_as_texts() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    for n in 0..300 {
        run(&mut admin, &[&format!("HSET user:{n} name name{} age {n}", n % 3)]).await;
    }
    let options = json!({"where": {"name": "name1", "age": {"$startsWith": "9"}}, "orderBy": {"age": "desc"}, "limit": 2});
    let found = rows(&fixture, Kind::Query, "user", options).await;
    assert_eq!(
        found,
        [
            json!({"_key": "user:97", "name": "name1", "age": "97"}),
            json!({"_key": "user:94", "name": "name1", "age": "94"}),
        ]
    );
}

#[tokio::test]
async fn what_changed_since_a_moment_is_told_by_texts_and_by_milliseconds() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    for n in 0..5 {
        run(&mut admin, &[&format!("SET iso:{n} {{\"updated_at\":\"2024-03-0{}T00:00:00Z\"}}", n + 1)]).await;
        run(
            &mut admin,
            &[&format!("SET ms:{n} {{\"updated_at\":{}}}", 1_709_251_200_000_i64 + n * 86_400_000)],
        )
        .await;
    }
    for target in ["iso", "ms"] {
        let mut session = fixture.session().await;
        let options = json!({"changedSince": "2024-03-02T00:00:00Z", "limit": 2});
        let answer = job(&mut *session, Kind::Read, target, &options).await.unwrap();
        assert_eq!((answer.rows.len(), answer.page.total), (2, Some(3)), "{target}");
        assert_eq!(answer.rows[0]["_key"], format!("{target}:2"));
    }
}

#[tokio::test]
async fn fifty_thousand_keys_are_one_batch_read() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    let key = |n: u32| format!("item:{n:05}");
    let set = |n: u32| vec![b"SET".to_vec(), key(n).into_bytes(), format!("{{\"n\":{n}}}").into_bytes()];
    admin.ask_all(&(0..20_000).map(set).collect::<Vec<_>>()).await.unwrap();
    let ids: Vec<String> = (0..50_000).rev().map(key).collect();
    let found = rows(&fixture, Kind::BatchRead, "item", json!({"where": {"_key": ids}})).await;
    assert_eq!(found.len(), 20_000);
    assert_eq!(found[19_999], json!({"_key": "item:19999", "n": 19_999}));
}
