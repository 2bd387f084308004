//! Names and values that try to get out of their place.

use serde_json::json;

use crate::{Server, query};

const NAMES: [&str; 5] = ["] ; DROP TABLE t --", "a]]b", "select", "x' OR '1'='1", "日本 ? @P1"];

#[tokio::test]
async fn names_and_values_stay_what_they_are() {
    let server = Server::start().await;
    let quoted = |name: &str| format!("[{}]", name.replace(']', "]]"));
    server.run("CREATE TABLE t (id int PRIMARY KEY)").await;
    for name in NAMES {
        server
            .run(&format!(
                "CREATE TABLE {} (id int PRIMARY KEY, {} nvarchar(99))",
                quoted(name),
                quoted(name)
            ))
            .await;
        for (id, value) in NAMES.iter().enumerate() {
            let value = value.replace('\'', "''");
            server.run(&format!("INSERT INTO {} VALUES ({id}, N'{value}')", quoted(name))).await;
        }
    }
    let mut session = server.session().await;
    for name in NAMES {
        for value in NAMES {
            for test in [
                json!(value),
                json!({"$contains": value}),
                json!({"$like": value.replace('[', "\\[")}),
                json!([value]),
            ] {
                let options = json!({"where": {name: test}, "orderBy": {name: "desc"}, "limit": 10});
                let answer = query(&mut *session, name, options.clone()).await;
                let answer = answer.unwrap_or_else(|error| panic!("{options}: {error}"));
                assert_eq!(answer.rows.len(), 1, "{options}");
                assert_eq!(answer.rows[0][name], value);
            }
        }
    }
    query(&mut *session, "t", json!({})).await.unwrap();
    let texts = server.mssql.statements();
    assert!(texts.iter().all(|statement| !statement.text.contains("N'日本")));
}

#[tokio::test]
async fn fifty_thousand_ids_and_more_conditions_than_parameters() {
    let server = Server::start().await;
    server.run("CREATE TABLE t (id int PRIMARY KEY, s varchar(9))").await;
    server.run("INSERT INTO t VALUES (1, 'a'), (49999, 'b'), (50001, 'c'), (7, NULL)").await;
    let mut session = server.session().await;
    let ids: Vec<u32> = (0..50_000).collect();
    let found = query(&mut *session, "t", json!({"where": {"id": ids}})).await.unwrap();
    assert_eq!(found.rows.len(), 3);
    let sent = server.mssql.statements();
    let sent = sent.iter().rev().find(|statement| statement.text.contains("OPENJSON")).unwrap();
    assert!(sent.packets > 10 && sent.parameters.len() == 1, "{sent:?}");
    let texts: Vec<String> =
        (0..5_000).map(|n| if n == 4_999 { "b".to_owned() } else { format!("x{n}") }).collect();
    assert_eq!(query(&mut *session, "t", json!({"where": {"s": texts}})).await.unwrap().rows.len(), 1);
    let none = query(&mut *session, "t", json!({"where": {"s": {"$nin": texts}}})).await.unwrap();
    assert_eq!(none.rows.len(), 2, "NULL is not known to differ");
    let conditions: Vec<_> = (0..2_500).map(|n| json!({"id": n})).collect();
    let error = query(&mut *session, "t", json!({"where": {"$or": conditions}})).await.unwrap_err();
    assert_eq!(error.detail()["option"], json!("where"), "{error}");
    assert!(error.message().contains("$in") && session.reusable());
}
