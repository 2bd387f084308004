//! T-SQL: every statement is also read by a parser of it.

use std::fmt::Write as _;

use connector_model::filter::Typed;
use connector_model::request::{Kind, Request, parse};
use connector_model::target::LogicalType as L;
use connector_sql::{Reading, Select, SqlServer, Table, TableColumn, Value as Bound};
use serde_json::{Value, json};
use sqlparser::dialect::MsSqlDialect;

use super::shown::{is_one_select, statements};
use super::tables::{column, keyless, quoted, table};

/// A column of every type that is said in its own way.
fn everything() -> Table {
    let read = |reading, column: TableColumn| TableColumn { reading, ..column };
    let columns = vec![
        column("id", L::Integer, "int", false),
        column("bit", L::Boolean, "bit", true),
        column("bigint", L::Integer, "bigint", true),
        column("float", L::Float, "float", true),
        column("real", L::Float, "real", true),
        column("decimal", L::Decimal, "decimal(18,4)", true),
        column("money", L::Decimal, "money", true),
        column("varchar", L::Text, "varchar(50) COLLATE Latin1_General_BIN2", true),
        read(
            Reading::AsText,
            column("utf8", L::Text, "varchar(50) COLLATE Latin1_General_100_CI_AS_SC_UTF8", true),
        ),
        column("nvarchar", L::Text, "nvarchar(max)", true),
        read(Reading::AsText, column("ntext", L::Text, "ntext", true)),
        column("varbinary", L::Bytes, "varbinary(max)", true),
        read(Reading::AsText, column("image", L::Bytes, "image", true)),
        column("date", L::Date, "date", true),
        column("time", L::Time, "time(7)", true),
        column("datetime", L::Timestamp, "datetime", true),
        column("smalldatetime", L::Timestamp, "smalldatetime", true),
        column("datetime2", L::Timestamp, "datetime2(7)", true),
        column("datetimeoffset", L::TimestampTz, "datetimeoffset(7)", true),
        column("uniqueidentifier", L::Uuid, "uniqueidentifier", true),
        read(Reading::Native, column("xml", L::Unknown, "xml", true)),
        read(Reading::Native, column("sql_variant", L::Unknown, "sql_variant", true)),
        column("hierarchyid", L::Unknown, "hierarchyid", true),
        read(Reading::AsWkb, column("geography", L::Geometry, "geography", true)),
        read(Reading::AsText, column("json", L::Json, "json", true)),
        column("vector", L::Unknown, "vector", true),
    ];
    table("everything", columns, &[0])
}

fn shown(table: &Table, kind: Kind, options: &Value) -> String {
    let mut shown = format!("{} {options}\n", kind.as_str());
    match statements(&SqlServer, table, kind, options) {
        Ok(statements) => {
            for (what, statement) in statements {
                is_one_select(&statement.text, &MsSqlDialect {});
                writeln!(shown, "  {what}: {}", statement.text).unwrap();
                for (position, param) in statement.params.iter().enumerate() {
                    writeln!(shown, "    @P{} {:?} {:?}", position + 1, param.kind, param.value).unwrap();
                }
            }
        }
        Err(error) => writeln!(shown, "  {error}").unwrap(),
    }
    shown
}

fn all(table: &Table, kind: Kind, jobs: &[Value]) -> String {
    jobs.iter().map(|options| shown(table, kind, options)).collect::<Vec<_>>().join("\n")
}

fn conditions(filters: &[Value]) -> String {
    let jobs: Vec<Value> = filters.iter().map(|filter| json!({"where": filter})).collect();
    all(&everything(), Kind::Count, &jobs)
}

#[test]
fn every_type_is_fetched_and_ordered_in_its_own_way() {
    let order: Vec<_> = everything().columns.iter().map(|column| json!({"field": column.name})).collect();
    insta::assert_snapshot!(all(&everything(), Kind::BatchRead, &[json!({"orderBy": order})]));
}

#[test]
fn windows_need_an_order_and_names_their_brackets() {
    insta::assert_snapshot!(
        [
            all(
                &everything(),
                Kind::Query,
                &[
                    json!({"select": ["id"]}),
                    json!({"select": ["id"], "limit": 0}),
                    json!({"select": ["id"], "offset": 5}),
                    json!({"select": ["id"], "limit": 9_223_372_036_854_775_807_i64, "offset": 3}),
                    json!({"select": ["id"], "orderBy": {"nvarchar": "desc"}, "limit": 10}),
                ]
            ),
            all(&keyless(), Kind::Read, &[json!({"limit": 1})]),
            all(&table("bare]", vec![column("do]c", L::Json, "json", true)], &[]), Kind::Read, &[json!({})]),
            all(&quoted(), Kind::Query, &[json!({"where": {"sel\"ect": {"$in": [1]}}, "limit": 1})]),
        ]
        .join("\n")
    );
}

#[test]
fn operands_are_typed_as_their_columns() {
    insta::assert_snapshot!(conditions(&[
        json!({"bit": true}),
        json!({"id": {"$in": ["7", 9_223_372_036_854_775_808_u64, "x"]}}),
        json!({"id": {"$gt": 1.5}}),
        json!({"real": 0.1}),
        json!({"decimal": {"$in": ["1e3", "2.50", "-.5"]}}),
        json!({"money": {"$gte": "12.5"}}),
        json!({"varchar": "plain"}),
        json!({"varchar": "größer"}),
        json!({"ntext": "a"}),
        json!({"varbinary": "AP8="}),
        json!({"image": {"$ne": "AP8="}}),
        json!({"date": {"$gte": "2024-02-29"}}),
        json!({"time": "10:00:00.5"}),
        json!({"datetime": "2024-03-01T10:00:00.003Z"}),
        json!({"datetime": {"$gt": "1700-01-01"}}),
        json!({"smalldatetime": {"$lt": "2024-03-01T10:00:29Z"}}),
        json!({"datetime2": {"$lt": "2024-03-01T10:00:00+02:00"}}),
        json!({"datetimeoffset": 0}),
        json!({"uniqueidentifier": "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB"}),
        json!({"xml": "<a/>"}),
        json!({"sql_variant": 5}),
        json!({"hierarchyid": "/1/"}),
        json!({"geography": "POINT (1 2)"}),
        json!({"json": "{}"}),
    ]));
}

#[test]
fn what_no_column_holds_is_above_or_below_all_of_it() {
    insta::assert_snapshot!(conditions(&[
        json!({"float": {"$lt": "1e400"}}),
        json!({"float": {"$gt": "1e400"}}),
        json!({"decimal": {"$gt": "-1e39"}}),
        json!({"decimal": "1e39"}),
        json!({"decimal": {"$ne": "1e39"}}),
        json!({"decimal": {"$in": ["1e39"]}}),
        json!({"decimal": {"$nin": ["1e39", null]}}),
        json!({"decimal": {"$in": ["1e39", 5]}}),
        json!({"decimal": "1e-39"}),
        json!({"datetime2": {"$lt": 999_999_999_999_999_i64}}),
    ]));
}

#[test]
fn text_is_searched_exactly_or_without_case_whatever_the_collation() {
    insta::assert_snapshot!(conditions(&[
        json!({"nvarchar": {"$like": "A%_\\%[x]\\["}}),
        json!({"nvarchar": {"$ilike": "a%\\"}}),
        json!({"varchar": {"$contains": "50%_[\\x"}}),
        json!({"ntext": {"$startsWith": "a"}}),
        json!({"bit": {"$endsWith": "e"}}),
        json!({"float": {"$contains": "1"}}),
        json!({"money": {"$contains": "1"}}),
        json!({"uniqueidentifier": {"$startsWith": "AB"}}),
        json!({"datetime2": {"$startsWith": "2024"}}),
        json!({"varbinary": {"$startsWith": "00"}}),
        json!({"xml": {"$contains": "a"}}),
    ]));
}

/// Long enough to go as one parameter.
fn twenty(member: impl Fn(usize) -> Value) -> Value {
    (0..20).map(member).collect()
}

#[test]
fn long_lists_are_one_parameter_of_the_columns_type() {
    insta::assert_snapshot!(conditions(&[
        json!({"id": twenty(|n| json!(n))}),
        json!({"id": {"$nin": twenty(|n| json!(9_223_372_036_854_775_807_u64 + n as u64))}}),
        json!({"decimal": twenty(|n| json!(format!("{n}.{n}")))}),
        json!({"decimal": twenty(|n| json!(if n == 0 { "9".repeat(37) } else { format!("{n}.125") }))}),
        json!({"bit": twenty(|n| json!(n % 2 == 0))}),
        json!({"real": twenty(|n| json!(n as f64 / 8.0))}),
        json!({"varchar": twenty(|n| json!(format!("a{n}")))}),
        json!({"varchar": twenty(|n| json!(format!("ä{n}")))}),
        json!({"nvarchar": twenty(|n| json!("x".repeat(n * 300)))}),
        json!({"varbinary": twenty(|_| json!("AP8="))}),
        json!({"date": twenty(|n| json!(format!("2024-01-{:02}", n + 1)))}),
        json!({"time": twenty(|n| json!(format!("10:00:{n:02}.5")))}),
        json!({"datetime": twenty(|n| json!(if n == 0 { "0001-01-01" } else { "2024-01-01" }))}),
        json!({"datetime2": twenty(|n| json!(n))}),
        json!({"datetimeoffset": twenty(|n| json!(n))}),
        json!({"uniqueidentifier": twenty(|_| json!("ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB"))}),
        json!({"sql_variant": twenty(|n| json!(n))}),
    ]));
}

#[test]
fn fifty_thousand_ids_are_one_parameter() {
    let ids: Vec<u32> = (0..50_000).collect();
    let options = json!({"where": {"id": ids}});
    let statement = &statements(&SqlServer, &everything(), Kind::Count, &options).unwrap()[0].1;
    assert_eq!(statement.params.len(), 1);
    assert!(statement.text.len() < 200, "{}", statement.text);
}

#[test]
fn changed_since_in_every_type() {
    let columns = ["date", "datetime", "smalldatetime", "datetime2", "datetimeoffset", "bigint", "decimal"];
    let jobs = columns.map(|column| {
        json!({"fields": ["id"], "changedSince": "2024-03-01T12:00:00.000001+02:00", "changeTrackingColumn": column})
    });
    insta::assert_snapshot!(all(&everything(), Kind::Read, &jobs));
}

/// The second page of an order by these columns.
fn second_page(order: &Value, key: &[Option<Typed>]) -> String {
    let options = json!({"select": ["id"], "limit": 2, "orderBy": order});
    let Request::Query(query) =
        parse(Kind::Query, Some("everything"), Some(&options.to_string()), "x").unwrap()
    else {
        panic!("a query")
    };
    let first = Select::query(&SqlServer, &everything(), &query).unwrap();
    let (cursor, _) = first.next_cursor(key.to_vec(), 2).unwrap();
    let mut options = options;
    options["cursor"] = cursor.into();
    shown(&everything(), Kind::Query, &options)
}

#[test]
fn a_page_begins_behind_the_very_row_to_100_nanoseconds() {
    let id = Some(Typed::Integer(7));
    // 2024-02-29T12:14:15.1234567, in ticks.
    let ticks = 17_092_088_551_234_567;
    insta::assert_snapshot!(
        [
            second_page(&json!({"datetime2": "asc"}), &[Some(Typed::Timestamp(ticks)), id.clone()]),
            second_page(&json!({"datetime2": "desc"}), &[None, id.clone()]),
            second_page(&json!({"datetimeoffset": "desc"}), &[Some(Typed::TimestampTz(ticks)), id.clone()]),
            second_page(
                &json!({"datetime": "asc"}),
                &[Some(Typed::Timestamp(17_092_088_551_230_000)), id.clone()]
            ),
            second_page(&json!({"time": "asc"}), &[Some(Typed::Time(1)), id.clone()]),
            second_page(&json!({"ntext": "asc"}), &[Some(Typed::Text("ä".into())), id.clone()]),
            second_page(&json!({"varchar": "asc"}), &[Some(Typed::Text("a".into())), id.clone()]),
            second_page(&json!({"money": "asc"}), &[Some(Typed::Decimal("1.5000".into())), id]),
        ]
        .join("\n")
    );
}

#[test]
fn no_list_is_bound_as_one() {
    let options = json!({"where": {"id": [1, 2], "varchar": twenty(|n| json!(n))}});
    for (_, statement) in statements(&SqlServer, &everything(), Kind::Count, &options).unwrap() {
        assert!(statement.params.iter().all(|param| matches!(param.value, Bound::One(_))));
    }
}
