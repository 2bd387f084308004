//! Result rows to groups.

use connector_model::filter::Typed;
use connector_model::request::{Kind, Request, parse};
use connector_model::target::LogicalType as L;
use connector_model::{ErrorCode, Result, json};
use connector_sql::{AggregateSelect, Groups, Postgres, ResultRow, TableColumn};
use serde_json::{Value, json};

use super::tables::{column, table};

/// A row as a driver might have it: JSON is the text of a value.
struct Fake(Vec<Option<Typed>>);

impl ResultRow for Fake {
    fn json(&self, position: usize, column: &TableColumn, out: &mut Vec<u8>) -> Result<()> {
        match &self.0[position] {
            None => json::null(out),
            Some(value) => json::text(out, &format!("{} {value:?}", column.name)),
        }
        Ok(())
    }

    fn typed(&self, position: usize) -> Result<Option<Typed>> {
        Ok(self.0[position].clone())
    }
}

fn select(options: &Value) -> AggregateSelect {
    let columns = vec![
        column("id", L::Integer, "bigint", false),
        column("kind", L::Text, "text", true),
        column("amount", L::Decimal, "numeric", true),
        column("at", L::TimestampTz, "timestamptz", true),
    ];
    let base = table("t", columns, &[0]);
    match parse(Kind::Aggregate, Some("t"), Some(&options.to_string()), "@semilayer/bridge-x").unwrap() {
        Request::Aggregate(request) => AggregateSelect::new(&Postgres, &base, &[], &request).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn folded_within(options: &Value, max_bytes: usize, rows: Vec<Vec<Option<Typed>>>) -> Result<Vec<Value>> {
    let select = select(options);
    let mut groups = Groups::new(&select, max_bytes);
    let mut found = Vec::new();
    for row in rows {
        if let Some(group) = groups.row(&Fake(row))? {
            found.push(serde_json::from_slice(group).unwrap());
        }
    }
    if let Some(group) = groups.end()? {
        found.push(serde_json::from_slice(group).unwrap());
    }
    assert_eq!(groups.end()?, None);
    Ok(found)
}

fn folded(options: &Value, rows: Vec<Vec<Option<Typed>>>) -> Result<Vec<Value>> {
    folded_within(options, 10_000, rows)
}

fn whole(number: i128) -> Option<Typed> {
    Some(Typed::Integer(number))
}

fn text(text: &str) -> Option<Typed> {
    Some(Typed::Text(text.into()))
}

fn decimal(digits: &str) -> Option<Typed> {
    Some(Typed::Decimal(digits.into()))
}

#[test]
fn each_row_is_a_group_with_its_keys_in_the_order_of_the_job() {
    let options = json!({
        "dimensions": [{"field": "kind", "as": "k\"ind"}, {"field": "id"}],
        "measures": {"sum": {"agg": "sum", "column": "amount"}, "avg": {"agg": "avg", "column": "id"},
                     "min": {"agg": "min", "column": "at"}, "n": {"agg": "count"}},
    });
    let select = select(&options);
    let mut groups = Groups::new(&select, 10_000);
    let row =
        Fake(vec![text("a"), whole(1), whole(3), decimal("1.10"), decimal("2.50"), None, whole(1 << 60)]);
    let group = groups.row(&row).unwrap().unwrap();
    assert_eq!(
        String::from_utf8_lossy(group),
        r#"{"dims":{"k\"ind":"kind Text(\"a\")","id":"id Integer(1)"},"measures":{"sum":1.1,"avg":2.5,"min":null,"n":"1152921504606846976"},"count":3}"#
    );
    assert_eq!(groups.end().unwrap(), None);
}

#[test]
fn sums_are_numbers_while_a_double_shows_all_their_digits() {
    let options = json!({"measures": {"s": {"agg": "sum", "column": "amount"}}});
    for (sum, expected) in [
        (None, json!(null)),
        (whole(7), json!(7)),
        (whole(9_007_199_254_740_993), json!("9007199254740993")),
        (decimal("0.30"), json!(0.3)),
        (decimal("12345678901234567.25"), json!("12345678901234567.25")),
        (text("18446744073709551614"), json!("18446744073709551614")),
        (Some(Typed::Float(0.1)), json!(0.1)),
        (Some(Typed::Float(f64::NAN)), json!(null)),
    ] {
        let found = folded(&options, vec![vec![whole(1), sum]]).unwrap();
        assert_eq!(found[0]["measures"]["s"], expected);
    }
}

#[test]
fn rows_of_one_group_are_one_list() {
    let options = json!({
        "dimensions": [{"field": "id"}],
        "measures": {"a": {"agg": "top_k", "column": "kind", "k": 2}, "n": {"agg": "count"},
                     "b": {"agg": "top_k", "column": "amount", "k": 3}},
    });
    // Dimension, count, n, rank, then of each list a value and its count.
    let row = |id, rank: Option<Typed>, a: Option<&str>, b: Option<&str>| {
        let (a, a_count) = (a.and_then(text), a.and(whole(5)));
        let (b, b_count) = (b.and_then(decimal), b.and(whole(6)));
        vec![whole(id), whole(9), whole(8), rank, a, a_count, b, b_count]
    };
    let found = folded(
        &options,
        vec![
            row(1, whole(1), Some("x"), Some("1")),
            row(1, whole(2), None, Some("2")),
            row(2, None, None, None),
            row(3, whole(1), None, Some("3")),
            row(4, whole(1), Some("y"), None),
        ],
    )
    .unwrap();
    let a = |name: &str| json!({"key": format!("kind Text(\"{name}\")"), "count": 5});
    let b = |digits: &str| json!({"key": format!("amount Decimal(\"{digits}\")"), "count": 6});
    let measures: Vec<Value> = found.iter().map(|group| group["measures"].clone()).collect();
    assert_eq!(
        measures,
        [
            json!({"a": [a("x")], "n": 8, "b": [b("1"), b("2")]}),
            json!({"a": [], "n": 8, "b": []}),
            json!({"a": [], "n": 8, "b": [b("3")]}),
            json!({"a": [a("y")], "n": 8, "b": []}),
        ]
    );
    assert_eq!(folded(&options, Vec::new()).unwrap(), Vec::<Value>::new());
}

#[test]
fn whatever_says_a_moment_has_its_label() {
    let options = json!({"dimensions": [{"field": "at", "bucket": "week", "as": "w"}]});
    for moment in [
        Typed::Date(18_624),
        Typed::Timestamp(18_624 * 86_400_000_000),
        Typed::TimestampTz(18_624 * 86_400_000_000),
        Typed::Integer(18_624 * 86_400),
    ] {
        let found = folded(&options, vec![vec![Some(moment), whole(1)]]).unwrap();
        assert_eq!(found[0]["dims"]["w"], "2020-W53");
    }
}

#[test]
fn a_range_is_labelled_from_any_kind_of_number_that_is_whole() {
    let options = json!({"dimensions": [{"field": "id", "bucket": {"type": "numeric", "step": 0.5}}]});
    for index in [whole(-3), decimal("-3"), Some(Typed::Float(-3.0))] {
        let found = folded(&options, vec![vec![index, whole(1)]]).unwrap();
        assert_eq!(found[0]["dims"]["id"], "-1.5..-1");
    }
    for index in [whole(1 << 70), decimal("99999999999999999999"), Some(Typed::Float(1e19))] {
        let error = folded(&options, vec![vec![index, whole(1)]]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
    }
}

#[test]
fn a_group_beyond_the_limit_ends_the_job() {
    let options = json!({"measures": {"a": {"agg": "top_k", "column": "kind", "k": 9}}});
    let row = |rank| vec![whole(9), whole(rank), text(&"x".repeat(300)), whole(1)];
    assert_eq!(folded_within(&options, 1_000, vec![row(1), row(2)]).unwrap().len(), 1);
    let error = folded_within(&options, 1_000, (1..9).map(row).collect()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge);
}

#[test]
fn a_value_of_another_type_than_asked_for_is_a_bug_and_no_panic() {
    let options =
        json!({"dimensions": [{"field": "at", "bucket": "day"}], "measures": {"n": {"agg": "count"}}});
    for row in [
        vec![text("today"), whole(1), whole(1)],
        vec![Some(Typed::Date(0)), None, whole(1)],
        vec![Some(Typed::Date(0)), whole(1), whole(-1)],
        vec![Some(Typed::Date(i64::MAX)), whole(1), whole(1)],
        vec![whole(i128::MAX), whole(1), whole(1)],
    ] {
        assert_eq!(folded(&options, vec![row]).unwrap_err().code(), ErrorCode::Internal);
    }
}

#[test]
fn the_columns_behind_the_values_are_known_by_position() {
    let select = select(&json!({
        "dimensions": [{"field": "kind"}, {"field": "at", "bucket": "day"}],
        "measures": {"n": {"agg": "count"}, "a": {"agg": "top_k", "column": "amount", "k": 2},
                     "m": {"agg": "max", "column": "at"}, "b": {"agg": "top_k", "column": "id", "k": 2}},
    }));
    let names: Vec<_> = (0..10).map(|at| select.column(at).map(|column| column.name.as_str())).collect();
    // kind, day, count, n, m, rank, a's value and count, b's value and count.
    let expected = [Some("kind"), None, None, None, Some("at"), None, Some("amount"), None, Some("id"), None];
    assert_eq!(names, expected);
}
