use super::{config, connect, number, query, started};

const TABLE: &str = "CREATE TABLE t (id int NOT NULL PRIMARY KEY, v nvarchar(10) NULL, old text NULL, b bit NULL, \
                     u uniqueidentifier NULL, d date NULL);
                     INSERT INTO t VALUES (1, N'a', 'x', 1, NULL, '2024-01-01'), (2, N'b', 'y', 0, NULL, NULL);
                     CREATE TABLE ci (v nvarchar(10) COLLATE Latin1_General_100_CI_AS NULL);";

#[tokio::test]
async fn what_sql_server_refuses_is_refused_with_its_number() {
    let server = started().await;
    server.execute(TABLE).await.unwrap();
    let mut client = connect(config(&server)).await.unwrap();
    for (sql, expected) in [
        // Names.
        ("SELECT V FROM t", 207),
        ("SELECT x.id FROM t", 4104),
        ("SELECT id FROM t a CROSS JOIN t b", 209),
        ("SELECT 1 FROM t CROSS JOIN t", 1011),
        ("SELECT a.* FROM t", 107),
        ("SELECT select FROM t", 156),
        ("SELECT 'open", 105),
        ("SELECT * FROM (SELECT 1) d", 8155),
        ("SELECT * FROM (SELECT id, id FROM t) d", 8156),
        // Groups and windows.
        ("SELECT v FROM t GROUP BY id", 8120),
        ("SELECT COUNT(*) FROM t GROUP BY 1 + 1", 164),
        ("SELECT COUNT(*) FROM t GROUP BY (SELECT 1)", 144),
        ("SELECT 1 FROM t WHERE COUNT(*) > 1", 147),
        ("SELECT SUM(b) FROM t", 8117),
        ("SELECT MAX(old) FROM t", 8117),
        ("SELECT id FROM t WHERE ROW_NUMBER() OVER (ORDER BY id) = 1", 4108),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY id) FROM t", 4112),
        ("SELECT ROW_NUMBER() OVER (ORDER BY NULL) FROM t", 5309),
        ("SELECT COUNT(DISTINCT id) OVER () FROM t", 10759),
        // Orders.
        ("SELECT * FROM (SELECT id FROM t ORDER BY id) d", 1033),
        ("SELECT id FROM t ORDER BY id, id", 169),
        ("SELECT id FROM t ORDER BY NULL", 408),
        ("SELECT id FROM t ORDER BY 2", 108),
        ("SELECT id FROM t ORDER BY old", 306),
        ("SELECT DISTINCT v FROM t ORDER BY id", 145),
        ("SELECT id FROM t OFFSET 1 ROWS", 102),
        ("SELECT id FROM t ORDER BY id OFFSET 0 ROWS FETCH NEXT 0 ROWS ONLY", 10744),
        ("SELECT id FROM t ORDER BY id OFFSET -1 ROWS", 10742),
        ("SELECT TOP (1) id FROM t ORDER BY id OFFSET 1 ROWS", 10741),
        // Types.
        ("SELECT id FROM t WHERE old = 'x'", 402),
        ("SELECT id FROM t WHERE u = 1", 206),
        ("SELECT id FROM t WHERE d = 1", 206),
        ("SELECT id FROM t WHERE u = 'x'", 8169),
        ("SELECT id FROM t WHERE d = 'x'", 241),
        ("SELECT id FROM t WHERE v = 1", 245),
        ("SELECT 1 FROM t JOIN ci ON t.v = ci.v", 468),
        ("SELECT v COLLATE Klingon_CI_AS FROM t", 448),
        ("SELECT id COLLATE Latin1_General_100_BIN2 FROM t", 447),
        ("SELECT CAST(300 AS tinyint)", 220),
        ("SELECT CAST(3000000000 AS int)", 8115),
        ("SELECT CAST(12.34 AS decimal(3, 2))", 8115),
        ("SELECT 2147483647 + id FROM t", 8115),
        ("SELECT CAST('1600-01-01' AS datetime)", 242),
        ("SELECT CAST(CAST('1600-01-01' AS date) AS datetime)", 242),
        ("SELECT CAST(d AS time) FROM t", 529),
        ("SELECT (SELECT id FROM t)", 512),
        ("SELECT (SELECT id, v FROM t)", 116),
        ("SELECT id FROM t UNION ALL SELECT id, v FROM t", 205),
        ("SELECT id FROM t WHERE v LIKE 'a' ESCAPE 'xx'", 506),
        ("SELECT * FROM OPENJSON('[1') WITH (v int '$')", 13609),
        ("SELECT LEN()", 174),
        // What changes rows.
        ("INSERT INTO t (id) VALUES (1)", 2627),
        ("INSERT INTO t (id, v) VALUES (3, N'12345678901')", 2628),
        ("INSERT INTO t VALUES (3)", 213),
        ("CREATE TABLE t (a int)", 2714),
        ("CREATE TABLE nowhere.t (a int)", 2760),
        ("CREATE TABLE k (a nvarchar(max) PRIMARY KEY)", 1919),
        ("CREATE TABLE k (a int NULL PRIMARY KEY)", 8111),
        ("DROP TABLE nowhere", 3701),
        // What is SQL Server's, but not the double's.
        ("SELECT id FROM t FOR JSON PATH", 156),
        ("MERGE t USING t x ON 1 = 1 WHEN MATCHED THEN DELETE", 102),
        ("SELECT FORMAT(d, 'yyyy') FROM t", 195),
        ("EXEC sp_who", 2812),
    ] {
        let result = query(&mut client, sql).await;
        let found = result.as_ref().map(Vec::len).map_err(ToString::to_string);
        assert_eq!(number(result), Some(expected), "{sql}: {found:?}");
    }
    // Nothing of that changed anything.
    assert_eq!(query(&mut client, "SELECT id FROM t").await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_error_names_its_line_and_the_text_that_it_is_about() {
    let server = started().await;
    let mut client = connect(config(&server)).await.unwrap();
    let error = query(&mut client, "SELECT 1;\nSELECT 2\nFRM t x y").await.err().unwrap();
    let tiberius::error::Error::Server(error) = error else { panic!("{error:?}") };
    assert_eq!((error.code(), error.line(), error.class()), (102, 3, 15));
    assert!(error.message().contains("'t'"), "{}", error.message());
}

#[tokio::test]
async fn a_call_takes_so_many_parameters_and_no_more() {
    let server = started().await;
    let mut client = connect(config(&server)).await.unwrap();
    for (count, refused) in [(2_098, None), (2_099, Some(8003))] {
        let values: Vec<i32> = (0..count).collect();
        let parameters: Vec<&dyn tiberius::ToSql> =
            values.iter().map(|value| value as &dyn tiberius::ToSql).collect();
        let result = client.query("SELECT @P1", &parameters).await;
        let result = match result {
            Ok(stream) => stream.into_results().await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert_eq!(number(result), refused, "{count}");
    }
}
