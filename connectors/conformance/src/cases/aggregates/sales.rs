//! Tables to be aggregated: sales with everything that is measured, and the countries they were made in.

use connector_memory::{ColumnDef, Table, Value};
use connector_model::time::parse_moment;
use serde_json::{Value as Json, json};

use crate::cases::tables::{Types, column, table, text};
use crate::report::Failure;
use crate::subject::Subject;

/// The positions of the tables.
pub(super) const SALES: usize = 0;
pub(super) const COUNTRIES: usize = 1;
/// The sales, as a view shows them: without a key.
pub(super) const SHOWN: usize = 2;

/// The tables, and what can be asked of them.
pub(super) struct Sales {
    pub(super) tables: Vec<Table>,
    /// Every function on every column it suits.
    pub(super) measures: Vec<Json>,
    pub(super) has_moments: bool,
    pub(super) has_json: bool,
    pub(super) moments_in_text: bool,
}

/// Country, price in quarters, name, and when: at the turns of years and weeks, twice at the same moment.
type Sale = (i64, Option<i64>, Option<i64>, Option<&'static str>, Option<&'static str>);

const SOLD: [Sale; 12] = [
    (1, Some(56), Some(1), Some("alpha"), Some("2020-12-31T23:59:59.999Z")),
    (2, Some(56), Some(2), Some("beta"), Some("2021-01-03T00:00:00Z")),
    (3, Some(49), Some(-6), Some("alpha"), Some("2021-01-04T00:00:00Z")),
    (4, Some(49), Some(2), None, Some("2021-01-04T00:00:00Z")),
    (5, Some(49), None, Some("Alpha"), Some("2024-02-29T12:34:56.789Z")),
    (6, None, Some(11), Some("gamma"), None),
    (7, Some(7), Some(11), Some(""), Some("2024-12-30T23:00:00Z")),
    (8, Some(7), Some(0), Some("beta"), Some("2024-03-31T01:00:00Z")),
    (9, Some(-3), Some(-6), Some("beta"), Some("2024-03-31T00:59:59Z")),
    (10, Some(1_000), Some(2), None, Some("1969-12-31T23:59:59Z")),
    (11, Some(49), Some(1), Some("日本語"), Some("2021-03-31T23:59:59Z")),
    (12, Some(56), Some(4), Some("beta"), None),
];

impl Sales {
    /// The tables in the types that the subject has.
    ///
    /// # Errors
    /// It lacks a type that every engine has.
    pub(super) fn of(subject: &dyn Subject) -> Result<Sales, Failure> {
        let types = Types::of(subject)?;
        let (number, word) = (types.number, types.text);
        let (price, moment, document) = (types.price(), types.moment(), types.document());
        let mut columns = vec![
            column("id", number, false),
            column("country", number, true),
            column("name", word, true),
            column("price", price, true),
            column("huge", number, true),
        ];
        columns.extend(moment.map(|stored| column("at", stored, true)));
        columns.extend(document.map(|stored| column("document", stored, true)));
        let row = |(id, country, quarters, name, at): &Sale| {
            let mut row = cells([
                Some(Value::Integer(*id)),
                country.map(Value::Integer),
                name.map(text),
                quarters.map(|quarters| types.quarters(quarters)),
                (id % 3 != 0).then_some(Value::Integer(if id % 2 == 0 { i64::MAX } else { i64::MAX - id })),
            ]);
            let at = at.and_then(parse_moment).map_or(Value::Null, |micros| types.at(micros));
            row.extend(moment.map(|_| at));
            row.extend(document.map(|_| Value::Json(format!("{{\"id\": {id}}}"))));
            row
        };
        let rows = SOLD.iter().map(row).collect();
        // Two of a name, one that nothing was sold in, and one whose number nobody knows.
        let countries = [
            (Some(56), "Chile"),
            (Some(56), "chile"),
            (Some(49), "Germany"),
            (Some(1), "Nowhere"),
            (None, "Lost"),
        ];
        let countries = countries.map(|(id, name)| cells([id.map(Value::Integer), Some(text(name))]));
        let rows: Vec<Vec<Value>> = rows;
        let nullable = columns.iter().map(|column| ColumnDef { nullable: true, ..column.clone() }).collect();
        let shown = table("shown sales", nullable, Vec::new(), rows.clone());
        let tables = vec![
            table("sales", columns, vec![0], rows),
            table(
                "countries",
                vec![column("id", number, true), column("name", word, false)],
                Vec::new(),
                countries.to_vec(),
            ),
            Table { kind: "view".to_owned(), ..shown },
        ];
        Ok(Sales {
            measures: measures(moment.is_some()),
            has_moments: moment.is_some(),
            has_json: document.is_some(),
            moments_in_text: subject.profile().moments_in_text,
            tables,
        })
    }
}

fn measures(has_moments: bool) -> Vec<Json> {
    let mut all = vec![json!({"agg": "count"})];
    for column in ["id", "country", "price", "huge"] {
        all.extend(["sum", "rate", "avg"].map(|agg| json!({"agg": agg, "column": column})));
        all.extend([0.5, 0.1, 0.99].map(|share| json!({"agg": "percentile", "column": column, "p": share})));
    }
    let moments: &[&str] = if has_moments { &["at"] } else { &[] };
    for column in ["id", "country", "price", "huge", "name"].iter().chain(moments) {
        let functions = ["count", "count_distinct", "min", "max", "first", "last"];
        all.extend(functions.map(|agg| json!({"agg": agg, "column": column})));
        all.extend([1, 2, 100].map(|k| json!({"agg": "top_k", "column": column, "k": k})));
    }
    all
}

/// A row is what it is: the cells of one.
fn cells(cells: impl IntoIterator<Item = Option<Value>>) -> Vec<Value> {
    cells.into_iter().map(|cell| cell.unwrap_or(Value::Null)).collect()
}
