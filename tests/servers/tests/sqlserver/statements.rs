use super::{Connection, config, connect, number, query, started};

/// The rows as texts; NULL is `-`.
async fn shown(client: &mut Connection, sql: &str) -> Vec<String> {
    let rows = match query(client, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    };
    let cell = |cell: tiberius::ColumnData<'static>| {
        let text = format!("{cell:?}");
        let inner =
            text.split_once('(').map_or("", |(_, rest)| rest.strip_suffix(')').unwrap_or(rest)).to_owned();
        match inner.strip_prefix("Some(") {
            Some(value) => value.strip_suffix(')').unwrap_or(value).to_owned(),
            None => "-".to_owned(),
        }
    };
    rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<_>>().join("|")).collect()
}

async fn loaded() -> (test_servers::SqlServer, Connection) {
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
