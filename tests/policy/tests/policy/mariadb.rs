//! MariaDB.

use std::sync::Arc;

use connector_mysql::MySql;
use mysql_async::prelude::Queryable;
use policy_tests::Runner;
use serde_json::json;
use test_servers::{APP_USER, MariaDb, MariaDbOptions};

use crate::{Subject, TABLES, answers, attempts, policy};

#[tokio::test]
async fn nothing_gets_round_the_policy_and_the_rest_is_answered() {
    let server = MariaDb::start(MariaDbOptions::default()).await.unwrap();
    let mut admin = server.admin().await.unwrap();
    for statement in TABLES.split(';') {
        admin.query_drop(statement).await.unwrap();
    }
    let url = server.url();
    let connector = Arc::new(MySql::mariadb());
    let runner = Runner::new(connector, &[("URL", url.as_str())], &policy(APP_USER)).unwrap();
    let subject = Subject { runner, schema: APP_USER };
    attempts::all(&subject).await;
    answers::all(&subject).await;
    // Another database of the same server is none of those that are allowed.
    let elsewhere = subject.ask("query", "information_schema.columns", json!({})).await;
    assert!(elsewhere.rows.is_empty() && elsewhere.error.is_some(), "{elsewhere:?}");
}
