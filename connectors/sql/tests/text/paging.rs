//! Cursors: what the next page begins with.

use connector_model::filter::Typed;
use connector_model::request::{Kind, Query, Read, Request, parse};
use connector_sql::{Dialect, Postgres, Select, Table};
use serde_json::{Value, json};

use super::shown::shown;
use super::tables::{column, composite, everything, keyless, table};

fn select(dialect: &dyn Dialect, table: &Table, kind: Kind, options: &Value) -> Select {
    match parse(kind, Some(&table.name), Some(&options.to_string()), "x").unwrap() {
        Request::Read(read) => Select::read(dialect, table, &read).unwrap(),
        Request::Query(query) => Select::query(dialect, table, &query).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The page after one that ended with this key.
fn next(table: &Table, kind: Kind, options: &Value, key: &[Option<Typed>]) -> String {
    let (cursor, _) = select(&Postgres, table, kind, options).next_cursor(key.to_vec(), 3).unwrap();
    let mut options = options.clone();
    options["cursor"] = cursor.into();
    shown(table, kind, &options)
}

/// The page after a row whose ordered column is NULL.
pub(crate) fn after_null(dialect: &dyn Dialect) -> String {
    let options = json!({"limit": 2, "orderBy": [{"field": "n", "dir": "asc"}]});
    let first = select(dialect, &composite(), Kind::Query, &options);
    let (cursor, _) = first.next_cursor(vec![None, text("b"), whole(7)], 2).unwrap();
    let mut options = options;
    options["cursor"] = cursor.into();
    select(dialect, &composite(), Kind::Query, &options).statement.text
}

fn text(text: &str) -> Option<Typed> {
    Some(Typed::Text(text.into()))
}

fn whole(value: i128) -> Option<Typed> {
    Some(Typed::Integer(value))
}

#[test]
fn after_a_single_key() {
    insta::assert_snapshot!(next(
        &everything(),
        Kind::Read,
        &json!({"limit": 2, "fields": ["text"]}),
        &[whole(7)]
    ));
}

#[test]
fn after_a_composite_key() {
    insta::assert_snapshot!(next(&composite(), Kind::Read, &json!({"limit": 2}), &[text("b"), whole(7)]));
}

#[test]
fn after_every_direction_with_and_without_null() {
    let mut all = Vec::new();
    for (n, m) in [("asc", "asc"), ("desc", "desc"), ("asc", "desc")] {
        for key in [[whole(5), text("m")], [None, text("m")], [whole(5), None], [None, None]] {
            let options =
                json!({"limit": 2, "orderBy": [{"field": "n", "dir": n}, {"field": "m", "dir": m}]});
            let key = [key[0].clone(), key[1].clone(), text("b"), whole(7)];
            all.push(next(&composite(), Kind::Query, &options, &key));
        }
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn after_a_descending_key() {
    let options =
        json!({"limit": 2, "orderBy": [{"field": "b", "dir": "desc"}, {"field": "a", "dir": "desc"}]});
    insta::assert_snapshot!(next(&composite(), Kind::Query, &options, &[text("b"), whole(7)]));
}

#[test]
fn after_rows_that_have_no_key() {
    insta::assert_snapshot!(next(&keyless(), Kind::Read, &json!({"limit": 3}), &[]));
}

#[test]
fn after_a_key_of_every_type() {
    use connector_model::target::LogicalType as L;
    let mut all = Vec::new();
    for (logical, native, value) in [
        (L::Boolean, "boolean", Typed::Boolean(true)),
        (L::Integer, "bigint", Typed::Integer(i128::from(i64::MIN))),
        (L::Float, "double precision", Typed::Float(0.1)),
        (L::Float, "double precision", Typed::Float(f64::INFINITY)),
        (L::Decimal, "numeric", Typed::Decimal("9007199254740993".into())),
        (L::Decimal, "numeric", Typed::Decimal("-0.50".into())),
        (L::Text, "text", Typed::Text("v1.'; --".into())),
        (L::Bytes, "bytea", Typed::Bytes(vec![0, 255])),
        (L::Date, "date", Typed::Date(-719_529)),
        (L::Time, "time without time zone", Typed::Time(1)),
        (L::Timestamp, "timestamp without time zone", Typed::Timestamp(-1)),
        (L::TimestampTz, "timestamp with time zone", Typed::TimestampTz(1)),
        (L::Uuid, "uuid", Typed::Uuid([0xAB; 16])),
    ] {
        let table = table("typed", vec![column("k", logical, native, false)], &[0]);
        all.push(next(&table, Kind::Read, &json!({"limit": 3}), &[Some(value)]));
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_part_of_another_type_is_read_where_columns_mix_types_and_refused_elsewhere() {
    use connector_model::target::LogicalType as L;
    for (logical, value) in [
        (L::Integer, Typed::Text("x".into())),
        (L::Integer, Typed::Float(2.5)),
        (L::Integer, Typed::Bytes(vec![1])),
        (L::Text, Typed::Bytes(vec![255])),
        (L::Text, Typed::Text("a\0b".into())),
        (L::Boolean, Typed::Integer(7)),
        (L::Decimal, Typed::Float(f64::NEG_INFINITY)),
    ] {
        let table = table("mixed", vec![column("k", logical, "", false)], &[0]);
        let options = json!({"limit": 1});
        let (cursor, _) = select(&connector_sql::Sqlite, &table, Kind::Read, &options)
            .next_cursor(vec![Some(value.clone())], 1)
            .unwrap();
        let options = json!({"limit": 1, "cursor": cursor});
        let resumed = select(&connector_sql::Sqlite, &table, Kind::Read, &options);
        assert_eq!(resumed.statement.params[0].value, connector_sql::Value::One(value));
        let Request::Read(read) = parse(Kind::Read, Some("mixed"), Some(&options.to_string()), "x").unwrap()
        else {
            panic!()
        };
        let error = Select::read(&Postgres, &table, &read).unwrap_err();
        assert_eq!(error.detail()["option"], "cursor");
    }
}

#[test]
fn a_cursor_of_another_order_table_or_shape_is_refused() {
    let of = |options: &Value, key: &[Option<Typed>]| {
        select(&Postgres, &composite(), Kind::Query, options).next_cursor(key.to_vec(), 1).unwrap().0
    };
    let by_key = of(&json!({"limit": 1}), &[text("b"), whole(7)]);
    let by_n = of(&json!({"limit": 1, "orderBy": {"n": "asc"}}), &[whole(1), text("b"), whole(7)]);
    let query = |table: &Table, cursor: &str| {
        let query = Query {
            target: table.name.clone(),
            select: None,
            filter: connector_model::filter::Filter::TRUE,
            joins: Vec::new(),
            order_by: Vec::new(),
            limit: Some(1),
            offset: 0,
            cursor: Some(cursor.to_owned()),
            include_total: false,
        };
        Select::query(&Postgres, table, &query)
    };
    query(&composite(), &by_key).unwrap();
    let long = "v1.".to_owned() + &"A".repeat(100_000);
    for (table, cursor) in [
        (composite(), by_n.as_str()),
        (keyless(), by_key.as_str()),
        (everything(), by_key.as_str()),
        (everything(), "seven"),
        (everything(), ""),
        (composite(), "7"),
        (composite(), "v1."),
        (composite(), long.as_str()),
    ] {
        let error = query(&table, cursor).unwrap_err();
        assert_eq!(error.detail()["option"], "cursor", "{error}");
    }
    let read =
        Read { target: "x".into(), fields: None, limit: 1, cursor: Some("8".into()), changed_since: None };
    Select::read(&Postgres, &everything(), &read).unwrap();
}
