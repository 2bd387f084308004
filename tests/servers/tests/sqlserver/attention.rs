use futures_util::TryStreamExt;
use test_servers::SqlServerFault;

use super::results::fill;
use super::{config, connect, query, started};

#[tokio::test]
async fn a_result_is_called_off_midway_and_the_connection_lives() {
    let server = started().await;
    fill(&server).await;
    let mut client = connect(config(&server)).await.unwrap();
    let mut rows = client.simple_query("SELECT id, name FROM many").await.unwrap().into_row_stream();
    for _ in 0..100 {
        rows.try_next().await.unwrap().unwrap();
    }
    drop(rows);
    client.cancel_query().await.unwrap();
    let statement = server.statements().pop().unwrap();
    assert!(statement.called_off);
    // The rest was neither sent nor kept: what the network holds is far less than the table.
    assert!(statement.rows < 90_000, "{}", statement.rows);
    assert_eq!(query(&mut client, "SELECT 7").await.unwrap()[0].get::<i32, _>(0), Some(7));
}

#[tokio::test]
async fn a_statement_that_hangs_is_called_off() {
    let server = started().await;
    server.set_faults(vec![SqlServerFault::HangUntilAttention { matching: "slow".into() }]);
    let mut client = connect(config(&server)).await.unwrap();
    for sql in ["SELECT 'slow'", "WAITFOR DELAY '01:00:00'"] {
        let arrived = async {
            while server.statements().last().is_none_or(|statement| statement.text != sql) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = query(&mut client, sql) => panic!("it answered"),
            () = arrived => {}
        }
        client.cancel_query().await.unwrap();
        assert!(server.statements().last().unwrap().called_off);
        assert_eq!(query(&mut client, "SELECT 7").await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_result_that_stops_midway_is_called_off() {
    let server = started().await;
    fill(&server).await;
    let mut client = connect(config(&server)).await.unwrap();
    server.set_faults(vec![SqlServerFault::HangAfterRows { matching: "FROM many".into(), rows: 5 }]);
    let mut rows = client.simple_query("SELECT id FROM many").await.unwrap().into_row_stream();
    for _ in 0..5 {
        rows.try_next().await.unwrap().unwrap();
    }
    drop(rows);
    client.cancel_query().await.unwrap();
    assert!(server.statements().last().unwrap().called_off);
    assert_eq!(query(&mut client, "SELECT 7").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_long_evaluation_is_called_off() {
    let server = started().await;
    fill(&server).await;
    let mut client = connect(config(&server)).await.unwrap();
    let sql = "SELECT COUNT_BIG(*) FROM many a CROSS JOIN many b";
    let arrived = async {
        while server.statements().last().is_none_or(|statement| statement.text != sql) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = query(&mut client, sql) => panic!("it answered"),
        () = arrived => {}
    }
    client.cancel_query().await.unwrap();
    assert!(server.statements().last().unwrap().called_off);
    // A signal that comes when nothing runs is answered too.
    client.cancel_query().await.unwrap();
    assert_eq!(query(&mut client, "SELECT 7").await.unwrap().len(), 1);
}
