use tiberius::{ColumnData, ToSql, Uuid};

use super::{config, connect, query, started};

/// Every type with a literal of it, and how the library shows the value.
const VALUES: &[(&str, &str, &str)] = &[
    ("bit", "1", "Bit(Some(true))"),
    ("tinyint", "255", "U8(Some(255))"),
    ("smallint", "-32768", "I16(Some(-32768))"),
    ("int", "-2147483648", "I32(Some(-2147483648))"),
    ("bigint", "-9223372036854775808", "I64(Some(-9223372036854775808))"),
    ("real", "0.1", "F32(Some(0.1))"),
    ("float", "1.7976931348623157e308", "F64(Some(1.7976931348623157e308))"),
    ("decimal(5, 2)", "-12.30", "Numeric(Some(-12.30))"),
    (
        "numeric(38, 10)",
        "1234567890123456789012345678.0123456789",
        "Numeric(Some(1234567890123456789012345678.0123456789))",
    ),
    ("decimal(20, 0)", "-99999999999999999999", "Numeric(Some(-99999999999999999999.0))"),
    ("money", "-922337203685477.5808", "F64(Some(-922337203685477.6))"),
    ("smallmoney", "12.3456", "F64(Some(12.3456))"),
    ("date", "'9999-12-31'", "Date(Some(Date(3652058)))"),
    ("time(3)", "'23:59:59.999'", "Time(Some(Time { increments: 86399999, scale: 3 }))"),
    ("time(7)", "'00:00:00.0000001'", "Time(Some(Time { increments: 1, scale: 7 }))"),
    ("datetime", "'1900-01-02 00:00:01'", "DateTime(Some(DateTime { days: 1, seconds_fragments: 300 }))"),
    (
        "smalldatetime",
        "'1900-01-02 00:01:00'",
        "SmallDateTime(Some(SmallDateTime { days: 1, seconds_fragments: 1 }))",
    ),
    (
        "datetime2(0)",
        "'0001-01-01 00:00:01'",
        "DateTime2(Some(DateTime2 { date: Date(0), time: Time { increments: 1, scale: 0 } }))",
    ),
    (
        "datetime2(7)",
        "'0001-01-02 00:00:00.0000005'",
        "DateTime2(Some(DateTime2 { date: Date(1), time: Time { increments: 5, scale: 7 } }))",
    ),
    (
        "datetimeoffset(0)",
        "'0001-01-02 01:00:00 +01:00'",
        "DateTimeOffset(Some(DateTimeOffset { datetime2: DateTime2 { date: Date(1), time: Time { increments: 0, scale: 0 } }, offset: 60 }))",
    ),
    ("char(4)", "'añ'", "String(Some(\"añ  \"))"),
    ("varchar(10)", "'€'", "String(Some(\"€\"))"),
    ("varchar(max)", "'ab'", "String(Some(\"ab\"))"),
    ("nchar(3)", "N'日'", "String(Some(\"日  \"))"),
    ("nvarchar(10)", "N'🦀'", "String(Some(\"🦀\"))"),
    ("nvarchar(max)", "N'日本'", "String(Some(\"日本\"))"),
    ("text", "'old'", "String(Some(\"old\"))"),
    ("ntext", "N'日'", "String(Some(\"日\"))"),
    ("xml", "N'<a/>'", "Xml(Some(XmlData { data: \"<a/>\", schema: None }))"),
    (
        "uniqueidentifier",
        "'00112233-4455-6677-8899-AABBCCDDEEFF'",
        "Guid(Some(00112233-4455-6677-8899-aabbccddeeff))",
    ),
    ("binary(3)", "0x0102", "Binary(Some([1, 2, 0]))"),
    ("varbinary(5)", "0x", "Binary(Some([]))"),
    ("varbinary(max)", "0xff00", "Binary(Some([255, 0]))"),
    ("image", "0xff", "Binary(Some([255]))"),
    ("sql_variant", "CAST(1.50 AS decimal(5, 2))", "Numeric(Some(1.50))"),
    ("sql_variant", "N'日'", "String(Some(\"日\"))"),
    ("sql_variant", "CAST('2024-03-01' AS date)", "Date(Some(Date(738945)))"),
];

#[tokio::test]
async fn every_type_comes_out_of_a_table_null_or_not() {
    let server = started().await;
    let columns = |null: &str| {
        let columns = VALUES.iter().enumerate();
        columns.map(|(position, (ty, ..))| format!("c{position} {ty} {null}")).collect::<Vec<_>>().join(", ")
    };
    let values = VALUES.iter().map(|(_, literal, _)| *literal).collect::<Vec<_>>().join(", ");
    let nulls = vec!["NULL"; VALUES.len()].join(", ");
    server
        .execute(&format!(
            "CREATE TABLE fixed ({}); CREATE TABLE nullable ({}); INSERT INTO fixed VALUES ({values}); \
             INSERT INTO nullable VALUES ({values}), ({nulls});",
            columns("NOT NULL"),
            columns("NULL"),
        ))
        .await
        .unwrap();
    let mut client = connect(config(&server)).await.unwrap();
    for (table, rows) in [("fixed", 1), ("nullable", 2)] {
        let results = query(&mut client, &format!("SELECT * FROM {table}")).await.unwrap();
        assert_eq!(results.len(), rows);
        for (position, cell) in results[0].cells().enumerate() {
            let (ty, _, expected) = VALUES[position];
            assert_eq!(format!("{:?}", cell.1), expected, "{ty} in {table}");
        }
        if let Some(nulls) = results.get(1) {
            for (position, (_, cell)) in nulls.cells().enumerate() {
                assert!(format!("{cell:?}").ends_with("(None)"), "{}: {cell:?}", VALUES[position].0);
            }
        }
    }
}

#[tokio::test]
async fn every_parameter_comes_back_as_it_went() {
    let server = started().await;
    let mut client = connect(config(&server)).await.unwrap();
    let uuid = Uuid::from_bytes([0x12; 16]);
    let long = "日".repeat(5_000);
    let bytes = vec![7_u8; 9_000];
    let numeric = tiberius::numeric::Numeric::new_with_scale(-1_234_500, 4);
    let none: Option<i64> = None;
    let values: Vec<&dyn ToSql> = vec![
        &true,
        &7_u8,
        &-7_i16,
        &-7_i32,
        &i64::MIN,
        &0.5_f32,
        &0.1_f64,
        &uuid,
        &"é",
        &long,
        &bytes,
        &numeric,
        &none,
    ];
    let names: Vec<String> = (1..=values.len()).map(|position| format!("@P{position}")).collect();
    let sql = format!("SELECT {}", names.join(", "));
    let row = client.query(sql, &values).await.unwrap().into_row().await.unwrap().unwrap();
    for (position, value) in values.iter().enumerate() {
        let (_, cell) = row.cells().nth(position).unwrap();
        assert_eq!(format!("{cell:?}"), format!("{:?}", value.to_sql()), "parameter {}", position + 1);
    }
    let statement = server.statements().pop().unwrap();
    assert_eq!(statement.parameters[4], ("@P5".to_owned(), "bigint".to_owned()));
    assert_eq!(statement.parameters[8], ("@P9".to_owned(), "nvarchar(4000)".to_owned()));
    assert!(statement.packets > 4, "{}", statement.packets);

    let row = client
        .query("SELECT CAST(@P1 AS datetime2(7)), CAST(@P1 AS datetimeoffset(3)), CAST(@P1 AS date), CAST(@P1 AS time(0))", &[&"2024-03-01T12:34:56.789"])
        .await
        .unwrap()
        .into_row()
        .await
        .unwrap()
        .unwrap();
    let moments: Vec<ColumnData<'static>> = row.into_iter().collect();
    let numbered = (1..=moments.len()).map(|position| format!("@P{position}")).collect::<Vec<_>>().join(", ");
    let parameters: Vec<&dyn ToSql> = moments.iter().map(|moment| moment as &dyn ToSql).collect();
    let back = client
        .query(format!("SELECT {numbered}"), &parameters)
        .await
        .unwrap()
        .into_row()
        .await
        .unwrap()
        .unwrap();
    // `datetime2` and its like are declared without a scale, which means 7.
    let shown: Vec<String> = back.into_iter().map(|cell| format!("{cell:?}")).collect();
    assert!(shown[0].contains("increments: 452967890000, scale: 7"), "{shown:?}");
    assert!(shown[3].contains("increments: 452970000000, scale: 7"), "{shown:?}");
}
