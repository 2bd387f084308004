use test_servers::{SqlServer, SqlServerOptions};

use super::{Connection, config, connect, number, query, shown, started};

async fn loaded() -> (SqlServer, Connection) {
    let server = started().await;
    server
        .execute(
            "CREATE SCHEMA sales;
             CREATE TABLE sales.[or]]ders] (
                 id bigint NOT NULL, region nvarchar(20) NULL, amount decimal(10, 2) NULL,
                 placed datetime2(3) NOT NULL, token uniqueidentifier NULL, note varchar(20) COLLATE Latin1_General_100_CI_AS NULL,
                 CONSTRAINT pk_orders PRIMARY KEY (id));
             INSERT INTO sales.[or]]ders] VALUES
                 (1, N'north', 10.50, '2024-01-01T00:00:00', NULL, 'abc'),
                 (2, N'south', 20.25, '2024-01-15T12:00:00', NULL, 'ABC'),
                 (3, N'north', NULL, '2024-02-29T23:59:59.999', NULL, 'a_c'),
                 (4, NULL, 5.00, '2024-12-30T00:00:00', NULL, NULL);
             CREATE VIEW sales.northern AS SELECT id, amount FROM sales.[or]]ders] WHERE region = N'north';
             CREATE UNIQUE INDEX by_time ON sales.[or]]ders] (placed DESC) INCLUDE (note);",
        )
        .await
        .unwrap();
    let client = connect(config(&server)).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn filters_orders_and_pages() {
    let (_server, mut client) = loaded().await;
    for (sql, expected) in [
        ("SELECT id FROM sales.[or]]ders] WHERE region <> N'north'", vec!["2"]),
        ("SELECT id FROM sales.[or]]ders] WHERE NOT (region = N'north')", vec!["2"]),
        ("SELECT id FROM sales.[or]]ders] ORDER BY region, id DESC", vec!["4", "3", "1", "2"]),
        ("SELECT TOP (2) id FROM sales.[or]]ders] ORDER BY amount DESC", vec!["2", "1"]),
        ("SELECT id FROM sales.[or]]ders] ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", vec!["2", "3"]),
        ("SELECT id FROM sales.[or]]ders] WHERE note = 'abc' ORDER BY id", vec!["1", "2"]),
        ("SELECT id FROM sales.[or]]ders] WHERE note COLLATE Latin1_General_100_BIN2 = 'abc'", vec!["1"]),
        ("SELECT id FROM sales.[or]]ders] WHERE note LIKE N'a\\_c' ESCAPE N'\\'", vec!["3"]),
        ("SELECT id FROM sales.[or]]ders] WHERE region LIKE N'[n-o]o%' ORDER BY id", vec!["1", "3"]),
        ("SELECT id FROM sales.[or]]ders] WHERE id NOT IN (1, NULL)", vec![]),
        (
            "SELECT id FROM sales.[or]]ders] WHERE id IN (SELECT v FROM OPENJSON(N'[4, 1, 9]') WITH (v bigint '$')) ORDER BY id",
            vec!["1", "4"],
        ),
        ("SELECT COUNT_BIG(*) FROM sales.northern", vec!["2"]),
        (
            "SELECT o.id, n.id FROM sales.[or]]ders] o LEFT JOIN sales.northern n ON n.id = o.id ORDER BY o.id",
            vec!["1|1", "2|-", "3|3", "4|-"],
        ),
        (
            "WITH x AS (SELECT id, amount * 2 AS a FROM sales.northern) SELECT id FROM x WHERE a IS NOT NULL",
            vec!["1"],
        ),
        (
            "SELECT id FROM sales.[or]]ders] o WHERE EXISTS (SELECT 1 FROM sales.northern n WHERE n.id = o.id AND n.amount > 10)",
            vec!["1"],
        ),
        (
            "SELECT v.x FROM (VALUES (1), (2)) AS v (x) UNION ALL SELECT 3 ORDER BY x DESC",
            vec!["3", "2", "1"],
        ),
        ("SELECT DISTINCT region FROM sales.[or]]ders] ORDER BY region", vec!["-", "\"north\"", "\"south\""]),
    ] {
        assert_eq!(shown(&mut client, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn groups_windows_and_percentiles() {
    let (_server, mut client) = loaded().await;
    for (sql, expected) in [
        (
            "SELECT region, COUNT(*), SUM(amount), AVG(CAST(id AS float)) FROM sales.[or]]ders] GROUP BY region ORDER BY region",
            vec!["-|1|5.00|4.0", "\"north\"|2|10.50|2.0", "\"south\"|1|20.25|2.0"],
        ),
        ("SELECT SUM(amount), COUNT(amount), MIN(placed) FROM sales.[or]]ders] WHERE id > 99", vec!["-|0|-"]),
        ("SELECT AVG(id), AVG(amount) FROM sales.[or]]ders]", vec!["2|11.916666"]),
        ("SELECT region FROM sales.[or]]ders] GROUP BY region HAVING COUNT(*) > 1", vec!["\"north\""]),
        (
            "SELECT id, ROW_NUMBER() OVER (PARTITION BY region ORDER BY id DESC) FROM sales.[or]]ders] ORDER BY id",
            vec!["1|2", "2|1", "3|1", "4|1"],
        ),
        (
            "SELECT DISTINCT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount) OVER () FROM sales.[or]]ders]",
            vec!["10.5"],
        ),
        (
            "SELECT FIRST_VALUE(id) OVER (ORDER BY placed DESC) FROM sales.northern n JOIN sales.[or]]ders] o ON o.id = n.id ORDER BY o.id",
            vec![],
        ),
        ("SELECT SUM(COUNT(*)) OVER () FROM sales.[or]]ders] GROUP BY region", vec!["4", "4", "4"]),
        (
            "SELECT STRING_AGG(region, N',') WITHIN GROUP (ORDER BY id DESC) FROM sales.[or]]ders]",
            vec!["\"north,south,north\""],
        ),
        (
            "SELECT DATEPART(year, placed), DATEPART(iso_week, placed), FORMAT_ FROM (SELECT placed, DATEDIFF(day, '2024-01-01', placed) AS FORMAT_ FROM sales.[or]]ders]) d ORDER BY placed DESC",
            vec!["2024|1|364", "2024|9|59", "2024|3|14", "2024|1|0"],
        ),
    ] {
        if expected.is_empty() {
            assert_eq!(number(query(&mut client, sql).await), Some(209), "{sql}");
            continue;
        }
        assert_eq!(shown(&mut client, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn the_catalogue_shows_what_was_made() {
    let (_server, mut client) = loaded().await;
    for (sql, expected) in [
        (
            "SELECT s.name, o.name, o.type FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') ORDER BY o.name",
            vec!["\"sales\"|\"northern\"|\"V \"", "\"sales\"|\"or]ders\"|\"U \""],
        ),
        (
            "SELECT c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID(N'sales.[or]]ders]') ORDER BY c.column_id OFFSET 0 ROWS FETCH NEXT 3 ROWS ONLY",
            vec![
                "\"id\"|\"bigint\"|8|19|0|false",
                "\"region\"|\"nvarchar\"|40|0|0|true",
                "\"amount\"|\"decimal\"|9|10|2|true",
            ],
        ),
        (
            "SELECT i.name, i.is_primary_key, i.is_unique, ic.key_ordinal, COL.name FROM sys.indexes i JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id JOIN sys.columns COL ON COL.object_id = ic.object_id AND COL.column_id = ic.column_id WHERE ic.is_included_column = 0 ORDER BY i.index_id",
            vec!["\"pk_orders\"|true|true|1|\"id\"", "\"by_time\"|false|true|1|\"placed\""],
        ),
        (
            "SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = OBJECT_ID('sales.[or]]ders]') AND p.index_id IN (0, 1)",
            vec!["4"],
        ),
    ] {
        assert_eq!(shown(&mut client, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn transactions_are_taken_back_by_batch_and_by_request() {
    let (_server, mut client) = loaded().await;
    query(&mut client, "BEGIN TRAN; DELETE FROM sales.[or]]ders]; ROLLBACK").await.unwrap();
    client.begin_transaction().await.unwrap();
    client.execute("DELETE FROM sales.[or]]ders] WHERE id = @P1", &[&1_i64]).await.unwrap();
    client.rollback_transaction().await.unwrap();
    assert_eq!(shown(&mut client, "SELECT COUNT(*), @@TRANCOUNT FROM sales.[or]]ders]").await, ["4|0"]);
    client.begin_transaction().await.unwrap();
    client.execute("UPDATE sales.[or]]ders] SET region = N'west' WHERE id = @P1", &[&1_i64]).await.unwrap();
    client.commit_transaction().await.unwrap();
    assert_eq!(shown(&mut client, "SELECT id FROM sales.[or]]ders] WHERE region = N'west'").await, ["1"]);
    assert_eq!(number(query(&mut client, "COMMIT").await), Some(3902));
}

#[tokio::test]
async fn a_snapshot_is_not_moved_by_others_and_takes_nothing_of_theirs_back() {
    let options = SqlServerOptions { snapshot_isolation: true, ..SqlServerOptions::default() };
    let server = SqlServer::start(options).await.unwrap();
    server.execute("CREATE TABLE t (id int NOT NULL PRIMARY KEY); INSERT INTO t VALUES (1);").await.unwrap();
    let mut client = connect(config(&server)).await.unwrap();
    query(&mut client, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION").await.unwrap();
    assert_eq!(shown(&mut client, "SELECT COUNT(*) FROM t").await, ["1"]);
    server.execute("INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(shown(&mut client, "SELECT COUNT(*) FROM t").await, ["1"]);
    query(
        &mut client,
        "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    )
    .await
    .unwrap();
    assert_eq!(shown(&mut client, "SELECT COUNT(*) FROM t").await, ["2"]);

    let (_server, mut client) = loaded().await;
    query(&mut client, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION").await.unwrap();
    assert_eq!(number(query(&mut client, "SELECT 1 FROM sales.northern").await), Some(3952));
}

#[tokio::test]
async fn functions_give_what_the_reference_says() {
    let server = started().await;
    let mut client = connect(config(&server)).await.unwrap();
    for (sql, expected) in [
        ("LEN(N'a🦀 '), DATALENGTH(N'a🦀 '), LEN('')", "3|8|0"),
        ("LOWER(N'ÀB'), UPPER(N'ßé'), REVERSE('ab'), TRIM('  x ')", "\"àb\"|\"ßÉ\"|\"ba\"|\"x\""),
        (
            "LEFT('abc', 2), RIGHT('abc', 5), SUBSTRING('abcd', 2, 2), SUBSTRING(0x010203, 2, 9)",
            "\"ab\"|\"abc\"|\"bc\"|[2, 3]",
        ),
        (
            "REPLACE('aXa', 'X', '--'), CHARINDEX('c', 'abc'), PATINDEX('%[0-9]%', 'ab7'), STUFF('abcd', 2, 2, 'x')",
            "\"a--a\"|3|3|\"axd\"",
        ),
        (
            "CONCAT('a', NULL, 1), 'a' + NULL, QUOTENAME('a]b'), REPLICATE('ab', 2)",
            "\"a1\"|-|\"[a]]b]\"|\"abab\"",
        ),
        ("7 / 2, -7 % 3, 7 / 2.0, 1e0 / 4, 5 & 3", "3|-1|3.500000|0.25|1"),
        (
            "ABS(-5), FLOOR(-1.5), CEILING(1.2), ROUND(2.345, 2), ROUND(1250, -2), SIGN(-2.0)",
            "5|-2.0|2.0|2.350|1300|-1.0",
        ),
        ("POWER(2, 10), SQRT(16), ROUND(2.55e0, 1, 1)", "1024|4.0|2.5"),
        (
            "DATEPART(quarter, '2024-05-01'), DATEPART(iso_week, '2021-01-03'), DATEPART(weekday, '2024-03-01')",
            "2|53|6",
        ),
        (
            "DATEADD(month, 1, CAST('2024-01-31' AS date)), DATEDIFF(month, '2023-12-31', '2024-01-01')",
            "Date(738944)|1",
        ),
        (
            "DATETRUNC(quarter, CAST('2024-05-17' AS date)), EOMONTH('2024-02-03'), DATEFROMPARTS(1, 1, 2)",
            "Date(738976)|Date(738944)|Date(1)",
        ),
        (
            "CONVERT(varchar(30), CAST('2024-03-01T12:34:56.789' AS datetime2(3)), 126), CONVERT(varchar(10), CAST('2024-03-01' AS date), 112)",
            "\"2024-03-01T12:34:56.789\"|\"20240301\"",
        ),
        (
            "CONVERT(varchar(40), SWITCHOFFSET(CAST('2024-03-01T12:00:00+02:00' AS datetimeoffset(0)), '+00:00'), 127)",
            "\"2024-03-01T10:00:00Z\"",
        ),
        (
            "CAST(CAST('2024-03-01T12:00:00.005' AS datetime) AS nvarchar(40)), CONVERT(varchar(30), CAST('2024-03-01T12:00:00.005' AS datetime), 121)",
            "\"Mar  1 2024 12:00PM\"|\"2024-03-01 12:00:00.007\"",
        ),
        (
            "CAST(123456789.123e0 AS varchar(30)), CONVERT(varchar(30), 0.1e0, 3), CONVERT(varchar(20), CAST(1234567.891 AS money), 1)",
            "\"1.23457e+008\"|\"1.0000000000000001e-001\"|\"1,234,567.89\"",
        ),
        (
            "TRY_CAST('x' AS int), TRY_CONVERT(date, '2024-02-30'), ISNULL(NULL, 'ab'), COALESCE(NULL, 2, 3), NULLIF(1, 1)",
            "-|-|\"ab\"|2|-",
        ),
        (
            "IIF(1 = 1, 'yes', 'no'), CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END, GREATEST(1, 3, NULL), LEAST(2, 1.5)",
            "\"yes\"|\"b\"|3|1.5",
        ),
        (
            "JSON_VALUE('{\"a\":[1,{\"b\":\"x\"}]}', '$.a[1].b'), ISJSON('[1'), JSON_QUERY('{\"a\":[1]}', '$.a')",
            "\"x\"|0|\"[1]\"",
        ),
        (
            "SERVERPROPERTY('ProductVersion'), SQL_VARIANT_PROPERTY(CAST(1 AS sql_variant), 'BaseType')",
            "\"15.0.2000.5\"|\"int\"",
        ),
        (
            "CASE WHEN 'a' = 'a  ' THEN 1 END, CASE WHEN 0x01 = 0x0100 THEN 1 END, CASE WHEN N'a' = N'A' THEN 1 END",
            "1|1|-",
        ),
        ("CASE WHEN N'a' = N'A' COLLATE Latin1_General_100_CI_AS THEN 1 END", "1"),
        ("CASE WHEN NULL = NULL THEN 1 WHEN NOT (NULL = 1) THEN 2 ELSE 3 END", "3"),
        (
            "(SELECT SUM(v) FROM OPENJSON('[{\"v\": 1.25}, {\"v\": \"2.5\"}, {}]') WITH (v decimal(10, 2)))",
            "3.75",
        ),
        (
            "(SELECT COUNT(*) FROM (VALUES (1), (2)) a (x) CROSS APPLY OPENJSON('[1,2,3]') j WHERE j.value >= a.x)",
            "5",
        ),
    ] {
        assert_eq!(shown(&mut client, &format!("SELECT {sql}")).await, [expected], "{sql}");
    }
}
