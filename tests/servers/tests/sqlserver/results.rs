use futures_util::TryStreamExt;
use test_servers::{SqlServer, SqlServerError, SqlServerFault, SqlServerRequest};
use tiberius::EncryptionLevel;

use super::{config, connect, number, query, started};

pub(crate) const ROWS: i64 = 100_000;

/// A table with many rows, made by joining a small one with itself.
pub(crate) async fn fill(server: &SqlServer) {
    let digits = (0..10).map(|digit| format!("({digit})")).collect::<Vec<_>>().join(", ");
    server
        .execute(&format!(
            "CREATE TABLE digits (d bigint NOT NULL); INSERT INTO digits VALUES {digits}; \
             CREATE TABLE many (id bigint NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL); \
             INSERT INTO many SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d, N'row of the table' \
             FROM digits a CROSS JOIN digits b CROSS JOIN digits c CROSS JOIN digits e CROSS JOIN digits f;"
        ))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_large_result_comes_in_many_packets_encrypted_or_not() {
    let server = started().await;
    fill(&server).await;
    for level in [EncryptionLevel::NotSupported, EncryptionLevel::Required] {
        let mut config = config(&server);
        config.encryption(level);
        let mut client = connect(config).await.unwrap();
        let mut rows = client.simple_query("SELECT id, name FROM many").await.unwrap().into_row_stream();
        let (mut count, mut sum) = (0, 0);
        while let Some(row) = rows.try_next().await.unwrap() {
            count += 1;
            sum += row.get::<i64, _>(0).unwrap();
        }
        drop(rows);
        assert_eq!((count, sum), (ROWS, ROWS * (ROWS - 1) / 2));
        assert_eq!(
            query(&mut client, "SELECT COUNT_BIG(*) FROM many").await.unwrap()[0].get::<i64, _>(0),
            Some(ROWS)
        );
    }
}

#[tokio::test]
async fn a_procedure_is_called_by_its_name_too() {
    let server = started().await;
    let mut client = connect(config(&server)).await.unwrap();
    let mut command = tiberius::Command::new("sp_executesql");
    command.bind_param("@stmt", "SELECT @b + @a");
    command.bind_param("@params", "@a int, @b int");
    command.bind_param("@b", 40_i32);
    command.bind_param("@a", 2_i32);
    let mut stream = command.exec(&mut client).await.unwrap();
    let mut sum = None;
    while let Some(item) = stream.try_next().await.unwrap() {
        if let tiberius::CommandItem::Row(row) = item {
            sum = row.get::<i32, _>(0);
        }
    }
    drop(stream);
    assert_eq!(sum, Some(42));
    let statement = server.statements().pop().unwrap();
    assert_eq!(statement.request, SqlServerRequest::Procedure);
    assert_eq!(
        statement.parameters,
        [("@a".to_owned(), "int".to_owned()), ("@b".to_owned(), "int".to_owned())]
    );
    let missing = match tiberius::Command::new("dbo.nothing").exec(&mut client).await {
        Ok(stream) => stream.into_command_result().await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert_eq!(number(missing), Some(2812));
}

#[tokio::test]
async fn errors_come_before_rows_and_after_some() {
    let server = started().await;
    server.execute("CREATE TABLE t (id int NOT NULL); INSERT INTO t VALUES (2), (1), (0);").await.unwrap();
    let mut client = connect(config(&server)).await.unwrap();
    for (sql, expected) in [
        ("SELECT nothing FROM t", 207),
        ("SELECT 1 FROM nowhere", 208),
        ("SELEC 1", 102),
        ("SELECT @x", 137),
        ("SELECT FLY(1)", 195),
        ("SELECT 1 / id FROM t", 8134),
        ("SELECT CAST('x' AS int)", 245),
        ("SELECT id, COUNT(*) FROM t", 8120),
        ("SELECT 1 WHERE 1", 4145),
        ("INSERT INTO t VALUES (NULL)", 515),
        ("THROW 50001, 'made up', 3", 50001),
    ] {
        assert_eq!(number(query(&mut client, sql).await), Some(expected), "{sql}");
        // The connection is none the worse.
        assert_eq!(query(&mut client, "SELECT 1").await.unwrap().len(), 1);
    }
    server.set_faults(vec![
        SqlServerFault::FailAfterRows {
            matching: "FROM t".into(),
            rows: 2,
            error: SqlServerError::numbered(1205),
        },
        SqlServerFault::FailStatement { matching: "broken".into(), error: SqlServerError::numbered(1222) },
    ]);
    let mut rows = client.simple_query("SELECT id FROM t").await.unwrap().into_row_stream();
    assert!(rows.try_next().await.unwrap().is_some() && rows.try_next().await.unwrap().is_some());
    assert_eq!(number(rows.try_next().await), Some(1205));
    drop(rows);
    assert_eq!(number(query(&mut client, "SELECT 'broken'").await), Some(1222));
    assert_eq!(server.statements().iter().filter_map(|statement| statement.error).count(), 13);
}

#[tokio::test]
async fn a_connection_may_end_amid_the_rows() {
    let server = started().await;
    fill(&server).await;
    server.set_faults(vec![SqlServerFault::CloseAfterRows { matching: "FROM many".into(), rows: 10 }]);
    let mut client = connect(config(&server)).await.unwrap();
    let mut rows = client.simple_query("SELECT id FROM many").await.unwrap().into_row_stream();
    for expected in 0..10 {
        assert_eq!(rows.try_next().await.unwrap().unwrap().get::<i64, _>(0), Some(expected * 10_000));
    }
    assert!(rows.try_next().await.is_err());
}

#[tokio::test]
async fn statements_of_a_batch_answer_one_by_one() {
    let server = started().await;
    server.execute("CREATE TABLE t (id int NOT NULL PRIMARY KEY);").await.unwrap();
    let mut client = connect(config(&server)).await.unwrap();
    let result = client
        .execute("INSERT INTO t VALUES (@P1), (@P2); DELETE FROM t WHERE id = @P1", &[&1_i32, &2_i32])
        .await
        .unwrap();
    assert_eq!(result.rows_affected(), [2, 1]);
    let results = client
        .simple_query("SET NOCOUNT ON; SELECT 1; DECLARE @x int = 5; SELECT @x + 1, 'two'")
        .await
        .unwrap()
        .into_results()
        .await
        .unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[1][0].get::<i32, _>(0), Some(6));
    assert_eq!(number(client.execute("INSERT INTO t VALUES (2)", &[]).await), Some(2627));
}
