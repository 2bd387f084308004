//! Every type to JSON, and every type as a parameter.

use connector_model::error::ErrorCode;
use serde_json::json;

use crate::{Server, query};

const TABLE: &str = "CREATE TABLE t (
    id int PRIMARY KEY, b bit, t tinyint, i2 smallint, i4 int, i8 bigint, n decimal(38,10), n0 numeric(5),
    m money, sm smallmoney, r real, f float, d date, tm time(7), t0 time(0), dt datetime, sd smalldatetime,
    d2 datetime2(7), d0 datetime2(0), dz datetimeoffset(7), c char(5), v varchar(20), vm varchar(max), nc nchar(5),
    nv nvarchar(20), nm nvarchar(max), tx text, nt ntext, u uniqueidentifier, bi binary(4), vb varbinary(20),
    vx varbinary(max), im image, x xml)";

#[tokio::test]
async fn every_type_has_the_json_that_the_table_promises() {
    let server = Server::start().await;
    server.run(TABLE).await;
    server
        .run(
            "INSERT INTO t VALUES (1, 1, 255, -32768, 2147483647, 9223372036854775807,
               -1234567890123456789012345678.0123456789, 12345, -922337203685477.5808, 214748.3647, 0.1E0, 1E300,
               '2024-02-29', '13:14:15.1234567', '13:14:15', '2024-02-29T13:14:15.997', '2024-02-29T13:14:00',
               '2024-02-29T13:14:15.1234567', '0001-01-01T00:00:00', '2024-02-29T13:14:15.1234567+02:00',
               'ab', 'grün €', 'x', N'日本', N'say \"hi\" \\ 🦀', N'm', 'old', N'older',
               'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 0x00ff, 0x00ff, 0x, 0x01, N'<a>ü</a>')",
        )
        .await;
    server.run("INSERT INTO t (id) VALUES (2)").await;
    let mut session = server.session().await;
    let rows = query(&mut *session, "t", json!({"orderBy": {"id": "asc"}})).await.unwrap().rows;
    let full = json!({
        "id": 1, "b": true, "t": 255, "i2": -32768, "i4": 2_147_483_647, "i8": "9223372036854775807",
        "n": "-1234567890123456789012345678.0123456789", "n0": "12345", "m": "-922337203685477.5808",
        "sm": "214748.3647", "r": 0.1, "f": 1e300, "d": "2024-02-29T00:00:00.000Z", "tm": "13:14:15.123456",
        "t0": "13:14:15", "dt": "2024-02-29T13:14:15.997Z", "sd": "2024-02-29T13:14:00.000Z",
        "d2": "2024-02-29T13:14:15.123456Z", "d0": "0001-01-01T00:00:00.000Z", "dz": "2024-02-29T11:14:15.123456Z",
        "c": "ab   ", "v": "grün €", "vm": "x", "nc": "日本   ", "nv": "say \"hi\" \\ 🦀", "nm": "m", "tx": "old",
        "nt": "older", "u": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "bi": "AP8AAA==", "vb": "AP8=", "vx": "",
        "im": "AQ==", "x": "<a>ü</a>",
    });
    for (name, value) in full.as_object().unwrap() {
        assert_eq!(&rows[0][name], value, "{name}");
        if name != "id" {
            assert!(rows[1][name].is_null(), "{name}: {}", rows[1][name]);
        }
    }
    assert_eq!(rows[0].as_object().unwrap().len(), full.as_object().unwrap().len());
}

#[tokio::test]
async fn a_filter_compares_with_the_columns_own_type() {
    let server = Server::start().await;
    server.run(TABLE).await;
    server
        .run(
            "INSERT INTO t (id, b, t, i2, i8, n, m, r, f, d, tm, dt, sd, d2, dz, c, v, nv, tx, nt, u, vb, im) VALUES
              (1, 1, 200, 7, 9007199254740993, 1.10, 12.5, 0.1E0, 0.1E0, '2024-02-29', '13:14:15.5',
               '2024-02-29T13:14:15.003', '2024-02-29T13:14:00', '2024-02-29T13:14:15.123456',
               '2024-02-29T13:14:15.123456+02:00', 'ab', 'grün', N'日本', 'old', N'older',
               'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 0x00ff, 0x01)",
        )
        .await;
    let mut session = server.session().await;
    for filter in [
        json!({"b": true}),
        json!({"t": {"$gt": 199}}),
        json!({"i2": [7, 100_000, "x", 1.5]}),
        json!({"i2": {"$lt": 1e300}}),
        json!({"i2": {"$contains": "7"}}),
        json!({"i8": "9007199254740993"}),
        json!({"i8": {"$lt": "1e30"}}),
        json!({"n": "1.1"}),
        json!({"n": {"$gte": 1.1}}),
        json!({"m": 12.5}),
        json!({"r": 0.1}),
        json!({"f": 0.1}),
        json!({"f": {"$lt": "1e400"}}),
        json!({"d": "2024-02-29"}),
        json!({"d": {"$lt": 999_999_999_999_999_i64}}),
        json!({"tm": "13:14:15.5"}),
        json!({"dt": "2024-02-29T13:14:15.003Z"}),
        json!({"sd": {"$lte": "2024-02-29T13:14:00Z"}}),
        json!({"d2": "2024-02-29T13:14:15.123456Z"}),
        json!({"dz": "2024-02-29T11:14:15.123456Z"}),
        json!({"dz": {"$gt": "2024-02-29T11:14:15.123455Z", "$lt": 1_709_205_256_000_i64}}),
        json!({"c": "ab"}),
        json!({"v": "grün"}),
        json!({"v": {"$startsWith": "GR"}}),
        json!({"nv": "日本"}),
        json!({"tx": "old"}),
        json!({"nt": {"$endsWith": "DER"}}),
        json!({"u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}),
        json!({"u": {"$startsWith": "a0e"}}),
        json!({"u": {"$ne": "not a uuid"}}),
        json!({"vb": "AP8="}),
        json!({"im": "AQ=="}),
    ] {
        let found = query(&mut *session, "t", json!({"where": filter, "select": ["id"]})).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{filter}: {error}")).rows.len(), 1, "{filter}");
    }
    for filter in [
        json!({"u": "not a uuid"}),
        json!({"i2": 1.5}),
        json!({"i8": "9007199254740992"}),
        json!({"r": 0.100_000_01}),
        json!({"n": "1e300"}),
        json!({"v": "gr?n"}),
        json!({"nv": {"$like": "日_x"}}),
    ] {
        let found = query(&mut *session, "t", json!({"where": filter, "select": ["id"]})).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{filter}: {error}")).rows.len(), 0, "{filter}");
    }
}

#[tokio::test]
async fn bytes_may_be_buffers_and_long_values_come_whole() {
    let server = Server::start().await;
    server.run("CREATE TABLE t (id int PRIMARY KEY, v nvarchar(max), b varbinary(max))").await;
    let text = "日本🦀x".repeat(20_000);
    server.run(&format!("INSERT INTO t VALUES (1, N'{text}', 0x00ff)")).await;
    let settings =
        [("url", server.mssql.url()), ("sslrootcert", server.authority()), ("binary", "buffer".into())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let source = driver_tests::source(&crate::Driver::new(), &settings).unwrap();
    let mut session = source.open(&driver_tests::open_context().unwrap()).await.unwrap();
    let row = &query(&mut *session, "t", json!({"where": {"v": text}})).await.unwrap().rows[0];
    assert_eq!(row["v"], text);
    assert_eq!(row["b"], json!({"type": "Buffer", "data": [0, 255]}));
}

#[tokio::test]
async fn a_variant_has_the_form_of_what_is_in_it() {
    let server = Server::start().await;
    server.run("CREATE TABLE t (id int PRIMARY KEY, v sql_variant)").await;
    let cases = [
        ("CAST(7 AS bigint)", json!("7")),
        ("CAST(7 AS int)", json!(7)),
        ("CAST(1.50 AS decimal(9,2))", json!("1.50")),
        ("CAST(922337203685477.5807 AS money)", json!("922337203685477.5807")),
        ("CAST(1 AS bit)", json!(true)),
        ("N'日本'", json!("日本")),
        ("CAST('2024-02-29' AS date)", json!("2024-02-29T00:00:00.000Z")),
        ("CAST('2024-02-29T01:02:03.1234567' AS datetime2(7))", json!("2024-02-29T01:02:03.123456Z")),
        (
            "CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS uniqueidentifier)",
            json!("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        ),
        ("NULL", json!(null)),
    ];
    for (id, (value, _)) in cases.iter().enumerate() {
        server.run(&format!("INSERT INTO t VALUES ({id}, {value})")).await;
    }
    let mut session = server.session().await;
    let rows = query(&mut *session, "t", json!({"orderBy": {"id": "asc"}})).await.unwrap().rows;
    for (row, (value, expected)) in rows.iter().zip(&cases) {
        assert_eq!(row["v"], *expected, "{value}");
    }
    assert_eq!(query(&mut *session, "t", json!({"where": {"v": "日本"}})).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_value_that_would_fill_the_memory_is_refused_by_its_columns_name_and_never_cut() {
    const MEBI: usize = 1024 * 1024;
    let server = Server::start().await;
    server
        .run("CREATE TABLE long (id int PRIMARY KEY, v varchar(max), n nvarchar(max), b varbinary(max), x xml)")
        .await;
    let repeated = |size: usize| format!("REPLICATE(CAST('x' AS varchar(max)), {size})");
    server.run(&format!("INSERT INTO long (id, n) VALUES (1, {})", repeated(8 * MEBI - 100))).await;
    for (id, column, size) in [(2, "v", 20), (3, "n", 9), (4, "b", 20), (5, "x", 20)] {
        let value = match column {
            "b" => format!("CAST({} AS varbinary(max))", repeated(size * MEBI)),
            "x" => format!("CAST({} AS xml)", repeated(size * MEBI)),
            _ => repeated(size * MEBI),
        };
        server.run(&format!("INSERT INTO long (id, {column}) VALUES ({id}, {value})")).await;
    }
    let mut session = server.session().await;
    let of = |id: usize| json!({"where": {"id": id}, "select": ["n", "v", "b", "x"]});
    let whole = query(&mut *session, "long", of(1)).await.unwrap();
    assert_eq!(whole.rows[0]["n"].as_str().unwrap().len(), 8 * MEBI - 100);
    for (id, column) in [(2, "v"), (3, "n"), (4, "b")] {
        let error = query(&mut *session, "long", of(id)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
        assert_eq!(error.detail()["column"], json!(column));
        assert!(session.reusable(), "{column}");
    }
    // A key that is not shown is not cut either: the next page would begin elsewhere.
    let keys =
        json!({"select": ["id"], "where": {"id": {"$in": [2, 3]}}, "orderBy": {"v": "desc"}, "limit": 1});
    let error = query(&mut *session, "long", keys).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.detail()["column"]),
        (ErrorCode::ResultTooLarge, &json!("v")),
        "{error}"
    );
    // The server cuts no xml: its row is not read to the end, which costs the session.
    let error = query(&mut *session, "long", of(5)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
    assert!(!session.reusable());
}
