//! Targets by their names, which may hold dots on either side of the one that separates them.

use connector_model::error::ErrorCode;
use serde_json::json;

use crate::{Fixture, query};

#[tokio::test]
async fn a_name_with_dots_is_a_table_of_its_own_or_split_at_the_first_dot_that_fits() {
    let fixture = Fixture::with(&[
        "CREATE DATABASE o",
        "CREATE DATABASE `o.p`",
        "CREATE TABLE `o.p`.`t.x` ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n",
        "CREATE TABLE o.`p.q` ENGINE = MergeTree ORDER BY n AS SELECT 2 AS n",
        "CREATE TABLE `o.p`.q ENGINE = MergeTree ORDER BY n AS SELECT 3 AS n",
        "CREATE TABLE `o.own` ENGINE = MergeTree ORDER BY n AS SELECT 4 AS n",
        "CREATE TABLE o.own ENGINE = MergeTree ORDER BY n AS SELECT 5 AS n",
        "CREATE TABLE plain ENGINE = MergeTree ORDER BY n AS SELECT 6 AS n",
    ])
    .await;
    let mut session = fixture.session().await;
    for (target, n) in [("o.p.t.x", 1), ("o.p.q", 2), ("o.own", 4), ("plain", 6)] {
        let rows = query(&mut *session, target, json!({})).await.unwrap().rows;
        assert_eq!(rows, [json!({"n": n})], "{target}");
    }
    for target in ["o.p.t.y", ".", "a.", &"a.".repeat(400), &"x".repeat(100_000)] {
        let error = query(&mut *session, target, json!({})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget, "{error}");
    }
}
