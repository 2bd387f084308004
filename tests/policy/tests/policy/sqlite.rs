//! SQLite.

use std::sync::Arc;

use connector_sqlite::Sqlite;
use policy_tests::Runner;

use crate::{Subject, TABLES, answers, attempts, policy};

#[tokio::test]
async fn nothing_gets_round_the_policy_and_the_rest_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(TABLES).unwrap();
    let settings = [("PATH", path.to_str().unwrap())];
    let runner = Runner::new(Arc::new(Sqlite::new()), &settings, &policy("main")).unwrap();
    let subject = Subject { runner, schema: "main" };
    attempts::all(&subject).await;
    answers::all(&subject).await;
}
