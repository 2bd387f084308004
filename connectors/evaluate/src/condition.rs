//! Filters over rows of JSON, in SQL's three-valued logic.

use std::cmp::Ordering;

use connector_model::error::{Error, Result};
use connector_model::filter::{self, Cast, Comparison, Filter, Operand, Test, cast};
use connector_model::target::LogicalType;

use crate::pattern::{Folding, Pattern};
use crate::value::{NULL, Value, text};

/// What a condition says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// The row passes.
    True,
    /// It does not.
    False,
    /// NULL had a part in it: the row does not pass, and neither does it under a `$not`.
    Unknown,
}

impl Truth {
    fn of(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }

    fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    fn or(self, other: Truth) -> Truth {
        self.not().and(other.not()).not()
    }

    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

/// A column that a condition may look at.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its place in a row.
    pub at: usize,
    /// What its values are.
    pub kind: LogicalType,
    /// Whether they are floating-point numbers of single precision.
    pub single: bool,
    /// How text tests that ignore case ignore it.
    pub folding: Folding,
}

impl Place {
    /// A place of values that are computed here.
    pub fn new(at: usize, kind: LogicalType) -> Place {
        Place { at, kind, single: false, folding: Folding::Ascii }
    }

    /// The value of a cell in this place.
    pub fn read(self, json: &[u8]) -> Value<'_> {
        let value = Value::read(json, self.kind);
        match (self.single, &value) {
            // The digits that tell it from its neighbours in single precision are not its value in double precision.
            (true, Value::Float(_)) => {
                match std::str::from_utf8(json).ok().and_then(|text| text.parse::<f32>().ok()) {
                    Some(number) => Value::Float(f64::from(number)),
                    None => value,
                }
            }
            _ => value,
        }
    }

    /// The operand of a filter as a value of this place.
    fn typed(self, operand: &Operand) -> Typed {
        match cast(operand, self.kind) {
            Cast::Null => Typed::Null,
            Cast::Impossible => Typed::Impossible,
            #[allow(
                clippy::cast_possible_truncation,
                reason = "it is compared with numbers of single precision"
            )]
            Cast::Value(filter::Typed::Float(number)) if self.single => {
                Typed::Value(Value::Float(f64::from(number as f32)))
            }
            Cast::Value(value) => Value::operand(&value).map_or(Typed::Impossible, Typed::Value),
        }
    }
}

/// A filter whose columns are places in a row and whose operands are values of their types.
#[derive(Debug)]
pub enum Condition {
    /// Every one holds.
    And(Vec<Condition>),
    /// At least one holds.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// The value in a place passes a test.
    Column(Place, Check),
}

/// What a value is held against.
#[derive(Debug)]
pub enum Check {
    /// Always the same, whatever the value.
    Always(Truth),
    /// IS NULL
    Absent,
    /// IS NOT NULL
    Present,
    /// Equal.
    Equal(Value<'static>),
    /// Not equal.
    NotEqual(Value<'static>),
    /// An ordering comparison.
    Compare(Comparison, Value<'static>),
    /// One of these, sorted; whether a NULL among them matches too.
    In(Vec<Value<'static>>, bool),
    /// None of these, sorted; whether NULL is left out for certain, and not only unknown. Of an empty list even NULL is
    /// none.
    NotIn(Vec<Value<'static>>, bool),
    /// Text of a certain form.
    Text(Pattern),
}

impl Condition {
    /// A filter over columns that `place` finds by their names.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `option`: a column that is not there, or an ordering comparison with what is no value of
    /// the column's type.
    pub fn new(filter: &Filter, option: &str, place: &impl Fn(&str) -> Result<Place>) -> Result<Condition> {
        let parts = |parts: &[Filter]| {
            parts.iter().map(|part| Condition::new(part, option, place)).collect::<Result<Vec<_>>>()
        };
        Ok(match filter {
            Filter::And(inner) => Condition::And(parts(inner)?),
            Filter::Or(inner) => Condition::Or(parts(inner)?),
            Filter::Not(inner) => Condition::Not(Box::new(Condition::new(inner, option, place)?)),
            Filter::Column(name, test) => {
                let place = place(name)?;
                Condition::Column(place, check(test, option, name, place)?)
            }
        })
    }

    /// Whether it lets every row pass.
    pub fn is_true(&self) -> bool {
        matches!(self, Condition::And(parts) if parts.iter().all(Condition::is_true))
    }

    /// Whether a row passes.
    pub fn passes(&self, cells: &[&[u8]]) -> bool {
        self.truth(cells) == Truth::True
    }

    fn truth(&self, cells: &[&[u8]]) -> Truth {
        match self {
            Condition::And(parts) => {
                let mut truth = Truth::True;
                for part in parts {
                    truth = truth.and(part.truth(cells));
                    if truth == Truth::False {
                        break;
                    }
                }
                truth
            }
            Condition::Or(parts) => {
                let mut truth = Truth::False;
                for part in parts {
                    truth = truth.or(part.truth(cells));
                    if truth == Truth::True {
                        break;
                    }
                }
                truth
            }
            Condition::Not(part) => part.truth(cells).not(),
            Condition::Column(place, check) => {
                let json = cells.get(place.at).copied().unwrap_or(NULL);
                check.truth(json, *place)
            }
        }
    }
}

fn check(test: &Test, option: &str, name: &str, place: Place) -> Result<Check> {
    Ok(match test {
        Test::Equal(operand) => match place.typed(operand) {
            Typed::Value(value) => Check::Equal(value),
            Typed::Null => Check::Absent,
            Typed::Impossible => Check::Always(Truth::False),
        },
        Test::NotEqual(operand) => match place.typed(operand) {
            Typed::Value(value) => Check::NotEqual(value),
            // Every value differs from what can be none; NULL rows are left out either way.
            Typed::Null | Typed::Impossible => Check::Present,
        },
        Test::Compare(comparison, operand) => match place.typed(operand) {
            Typed::Value(value) => Check::Compare(*comparison, value),
            Typed::Null | Typed::Impossible => {
                return Err(incomparable(option, name, *comparison, place.kind));
            }
        },
        Test::In(operands) => {
            let (values, with_null, _) = list(operands, place);
            Check::In(values, with_null)
        }
        Test::NotIn(operands) => {
            let (values, with_null, with_impossible) = list(operands, place);
            // What no row can hold differs from every value; NULL is no value.
            Check::NotIn(values, with_null || with_impossible)
        }
        Test::Text(test, operand) => Check::Text(Pattern::new(*test, operand, place.folding)),
        Test::Never => Check::Always(Truth::False),
        Test::Exists(true) => Check::Present,
        Test::Exists(false) => Check::Absent,
    })
}

enum Typed {
    Value(Value<'static>),
    Null,
    Impossible,
}

/// The values of a list, sorted; whether there was a NULL, and whether there was one that no row can hold.
fn list(operands: &[Operand], place: Place) -> (Vec<Value<'static>>, bool, bool) {
    let (mut with_null, mut with_impossible) = (false, false);
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        match place.typed(operand) {
            Typed::Value(value) => values.push(value),
            Typed::Null => with_null = true,
            Typed::Impossible => with_impossible = true,
        }
    }
    values.sort_by(Value::order);
    (values, with_null, with_impossible)
}

impl Check {
    fn truth(&self, json: &[u8], place: Place) -> Truth {
        let is_null = json == NULL;
        match self {
            Check::Always(truth) => *truth,
            Check::Absent => Truth::of(is_null),
            Check::Present => Truth::of(!is_null),
            Check::In(_, true) if is_null => Truth::True,
            Check::In(values, _) if is_null && values.is_empty() => Truth::False,
            Check::NotIn(_, true) if is_null => Truth::False,
            Check::NotIn(values, _) if is_null && values.is_empty() => Truth::True,
            _ if is_null => Truth::Unknown,
            Check::Equal(value) => Truth::of(place.read(json).order(value).is_eq()),
            Check::NotEqual(value) => Truth::of(place.read(json).order(value).is_ne()),
            Check::Compare(comparison, value) => {
                let order = place.read(json).order(value);
                Truth::of(match comparison {
                    Comparison::Greater => order == Ordering::Greater,
                    Comparison::GreaterOrEqual => order != Ordering::Less,
                    Comparison::Less => order == Ordering::Less,
                    Comparison::LessOrEqual => order != Ordering::Greater,
                })
            }
            Check::In(values, _) => Truth::of(holds(values, json, place)),
            Check::NotIn(values, _) => Truth::of(!holds(values, json, place)),
            Check::Text(pattern) => Truth::of(pattern.passes(&text(json))),
        }
    }
}

fn holds(sorted: &[Value<'static>], json: &[u8], place: Place) -> bool {
    let value = place.read(json);
    sorted.binary_search_by(|known| known.order(&value)).is_ok()
}

fn incomparable(option: &str, name: &str, comparison: Comparison, kind: LogicalType) -> Error {
    let expected = match kind {
        LogicalType::Boolean => "true or false",
        LogicalType::Integer | LogicalType::Float | LogicalType::Decimal => "a number",
        LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz => {
            "an ISO 8601 date or date and time"
        }
        LogicalType::Time => "a time of day, HH:MM:SS",
        LogicalType::Uuid => "a UUID",
        LogicalType::Bytes => "bytes in base64",
        _ => "a text",
    };
    let problem = format!("\"{name}\": {} takes {expected}", comparison.operator());
    Error::option(option, problem).with("column", name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::filter::{Names, parse};
    use serde_json::{Value as Json, json};

    /// What a filter on the one column `c` says of a cell.
    fn truth(filter: &Json, cell: &str, kind: LogicalType) -> Truth {
        let filter = parse(filter, Names { bridge: "b", target: "t", option: "where" }).unwrap();
        let condition = Condition::new(&filter, "where", &|_| Ok(Place::new(0, kind))).unwrap();
        condition.truth(&[cell.as_bytes()])
    }

    #[test]
    fn null_is_neither_true_nor_false() {
        use Truth::{False, True, Unknown};
        for (filter, of_null, of_one, of_two) in [
            (json!({"c": 1}), Unknown, True, False),
            (json!({"c": {"$ne": 1}}), Unknown, False, True),
            (json!({"c": null}), True, False, False),
            (json!({"c": {"$ne": null}}), False, True, True),
            (json!({"c": "x"}), False, False, False),
            (json!({"c": {"$ne": "x"}}), False, True, True),
            (json!({"c": {"$gte": 2}}), Unknown, False, True),
            (json!({"c": {"$lt": 1.5}}), Unknown, True, False),
            (json!({"c": [1, "x"]}), Unknown, True, False),
            (json!({"c": [1, null]}), True, True, False),
            (json!({"c": []}), False, False, False),
            (json!({"c": ["x"]}), False, False, False),
            (json!({"c": {"$nin": [1]}}), Unknown, False, True),
            (json!({"c": {"$nin": [1, "x"]}}), False, False, True),
            (json!({"c": {"$nin": [1, null]}}), False, False, True),
            (json!({"c": {"$nin": ["x"]}}), False, True, True),
            (json!({"c": {"$nin": []}}), True, True, True),
            (json!({"c": {"$exists": true}}), False, True, True),
            (json!({"c": {"$contains": "1"}}), Unknown, True, False),
            (json!({"c": {"$contains": 1}}), False, False, False),
            (json!({"$not": {"c": 1}}), Unknown, False, True),
            (json!({"$not": {"c": {"$nin": [1, null]}}}), True, True, False),
            (json!({"$or": [{"c": 1}, {"c": null}]}), True, True, False),
            (json!({"c": {"$gt": 0, "$lt": 2}}), Unknown, True, False),
            (json!({"$or": []}), False, False, False),
            (json!({"$not": {}}), False, False, False),
        ] {
            let found = ["null", "1", "2"].map(|cell| truth(&filter, cell, LogicalType::Integer));
            assert_eq!(found, [of_null, of_one, of_two], "{filter}");
        }
    }

    #[test]
    fn operands_are_of_the_columns_type() {
        use LogicalType::{Boolean, Date, Decimal, Text, Time, TimestampTz, Uuid};
        for (filter, cell, kind) in [
            (json!({"c": "1.5"}), "\"1.50\"", Decimal),
            (
                json!({"c": {"$gt": "123456789012345678901234567890.1"}}),
                "\"123456789012345678901234567890.11\"",
                Decimal,
            ),
            (json!({"c": true}), "1", Boolean),
            (json!({"c": "2024-03-01"}), "\"2024-03-01T00:00:00.000Z\"", Date),
            (json!({"c": "2024-03-01T01:00:00+01:00"}), "\"2024-03-01T00:00:00.000Z\"", TimestampTz),
            (json!({"c": {"$lt": "23:00"}}), "\"22:59:59.999999\"", Time),
            (
                json!({"c": "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}"}),
                "\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\"",
                Uuid,
            ),
            (json!({"c": {"$gt": "B"}}), "\"a\"", Text),
            (json!({"c": {"$like": "a\\%_"}}), "\"a%b\"", Text),
        ] {
            assert_eq!(truth(&filter, cell, kind), Truth::True, "{filter} of {cell}");
        }
    }

    #[test]
    fn what_is_not_comparable_is_named() {
        let filter =
            parse(&json!({"c": {"$gt": "x"}}), Names { bridge: "b", target: "t", option: "where" }).unwrap();
        let place = |_: &str| Ok(Place::new(0, LogicalType::Integer));
        let error = Condition::new(&filter, "measures.m.where", &place).unwrap_err();
        assert!(
            error.message().contains("`measures.m.where`") && error.message().contains("$gt takes a number"),
            "{error}"
        );
    }
}
