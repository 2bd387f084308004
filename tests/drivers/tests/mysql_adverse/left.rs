//! What a session leaves behind.

use std::time::Duration;

use connector_api::CallContext;
use connector_model::error::ErrorCode;
use driver_tests::LIMIT;
use serde_json::json;

use crate::killed::slow_server;
use crate::{query, read};

#[tokio::test]
async fn no_transaction_stays_open_behind_a_page() {
    let server = slow_server().await;
    let mut session = server.session().await;
    for options in [json!({"limit": 1}), json!({"limit": 1, "offset": 500}), json!({"limit": 0})] {
        query(&mut *session, "small", options).await.unwrap();
        read(&mut *session, "small", json!({"limit": 1})).await.unwrap();
        let alter = server.run("ALTER TABLE small ADD COLUMN w int; ALTER TABLE small DROP COLUMN w");
        tokio::time::timeout(Duration::from_secs(5), alter)
            .await
            .expect("the table is held by a transaction");
    }
}

#[tokio::test]
async fn few_statements_are_kept_whatever_is_asked() {
    let server = slow_server().await;
    let mut session = server.session().await;
    for turn in 0..120 {
        let mut filter = json!({"v": "v1"});
        for n in 0..turn % 40 {
            filter = json!({"$or": [filter, {"id": n}]});
        }
        query(&mut *session, "small", json!({"where": filter})).await.unwrap();
    }
    let (_, kept): (String, i64) = server.row("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'").await;
    assert!(kept <= 40, "{kept} statements are kept");
    drop(session);
    let gone = async {
        while server.row::<(String, i64)>("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'").await.1 > 0 {}
    };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .expect("a session that is over keeps statements");
}

#[tokio::test]
async fn a_column_that_is_gone_is_named() {
    let server = slow_server().await;
    let mut session = server.session().await;
    let by_v = json!({"select": ["v"], "limit": 1});
    query(&mut *session, "small", by_v.clone()).await.unwrap();
    server.run("ALTER TABLE small DROP COLUMN v").await;
    let error = query(&mut *session, "small", by_v).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
    assert!(error.message().contains("\"v\""), "{error}");
    let rows =
        query(&mut *session, "small", json!({"limit": 1, "orderBy": {"id": "asc"}})).await.unwrap().rows;
    assert_eq!(rows, [json!({"id": 1})]);
}

#[tokio::test]
async fn a_ping_tells_product_and_version() {
    let server = slow_server().await;
    let info = server.session().await.ping(&CallContext::within(LIMIT)).await.unwrap();
    let version: String = server.row("SELECT VERSION()").await;
    assert_eq!((info.product.as_str(), info.version), ("MariaDB", version));
}
