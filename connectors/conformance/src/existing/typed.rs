//! Rows as they came, as a table of typed values.

use connector_memory::{Booleans, ColumnDef, Int64, Nulls, Profile, Table, Uuids, Value};
use connector_model::Conventions;
use connector_model::filter::{Cast, Operand, Typed, cast};
use connector_model::request::Kind;
use connector_model::target::{LogicalType, TargetColumn};
use serde_json::{Map, Value as Json};

use super::choose::Chosen;
use super::report::{Difference, ExistingReport};
use crate::job::Job;

/// What the oracle is made of.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The rows as typed values. A column whose values mean nothing outside its database has type array: it can be
    /// returned and asked for NULL, and is neither compared nor ordered by.
    pub(super) table: Table,
    /// The rows as they came, in the table's sequence.
    pub(super) rows: Vec<Json>,
    pub(super) profile: Profile,
    /// Whether a test that ignores case ignores it beyond ASCII too.
    pub(super) folds_beyond_ascii: bool,
}

/// Makes a table of the rows; what introspection says of them and is not so goes into the report.
pub(super) fn load(chosen: Chosen, conventions: &Conventions, report: &mut ExistingReport) -> Loaded {
    let Chosen { schema, rows } = chosen;
    let mut finder = Finder { target: &schema.name, report };
    finder.shape(&schema.columns, &rows);
    let mut columns = Vec::new();
    let mut cells: Vec<Vec<Value>> = Vec::new();
    for column in &schema.columns {
        let (def, values) = finder.column(column, &rows, conventions);
        columns.push(def);
        cells.push(values);
    }
    let mut cells: Vec<_> = cells.into_iter().map(Vec::into_iter).collect();
    let typed =
        rows.iter().map(|_| cells.iter_mut().map(|column| column.next().unwrap_or(Value::Null)).collect());
    let table = Table {
        rows: typed.collect(),
        primary_key: Vec::new(),
        unique_index: Vec::new(),
        name: schema.name.clone(),
        kind: schema.kind.clone(),
        columns,
    };
    finder.key(&schema.key, &schema.primary_key, &rows);
    let profile = profile(&table, &rows, conventions);
    Loaded { table, rows, profile, folds_beyond_ascii: conventions.folds_beyond_ascii }
}

/// Finds what does not agree with what introspection says.
struct Finder<'f> {
    target: &'f str,
    report: &'f mut ExistingReport,
}

impl Finder<'_> {
    fn found(&mut self, outcome: Result<(), String>) {
        let job = Job::new(Kind::Query, self.target, Json::Object(Map::new()));
        let outcome = outcome.map_err(|problem| {
            Difference::new("rows against introspection", &job, problem, String::new(), String::new())
        });
        self.report.judged(Kind::IntrospectTarget, outcome);
    }

    /// Whether every row has the columns of the target and no others.
    fn shape(&mut self, columns: &[TargetColumn], rows: &[Json]) {
        let strange = rows.iter().enumerate().find_map(|(at, row)| {
            let Some(row) = row.as_object() else { return Some(format!("row {at} is no object")) };
            let missing = columns.iter().find(|column| !row.contains_key(&column.name));
            let unknown = row.keys().find(|name| !columns.iter().any(|column| column.name == **name));
            match (missing, unknown) {
                (Some(column), _) => Some(format!("row {at} has no column \"{}\"", column.name)),
                (_, Some(name)) => {
                    Some(format!("row {at} has a column \"{name}\" that introspection does not show"))
                }
                (None, None) => None,
            }
        });
        self.found(strange.map_or(Ok(()), Err));
    }

    /// The values of a column, typed.
    fn column(
        &mut self,
        column: &TargetColumn,
        rows: &[Json],
        conventions: &Conventions,
    ) -> (ColumnDef, Vec<Value>) {
        let single = conventions.is_single(&column.native_type);
        let cells = rows.iter().map(|row| row.get(&column.name).unwrap_or(&Json::Null));
        let comparable = column.logical_type.orderable();
        let typed: Result<Vec<Value>, Misfit> = match comparable {
            true => cells.clone().map(|cell| value(cell, column.logical_type, single)).collect(),
            false => Err(Misfit::Opaque),
        };
        let has_null = cells.clone().any(Json::is_null);
        let never_null = if has_null && !column.nullable {
            Err(format!("column \"{}\" is never null by introspection, and a row has null", column.name))
        } else {
            Ok(())
        };
        self.found(never_null);
        let (logical_type, values) = match typed {
            Ok(values) => (column.logical_type, values),
            Err(misfit) => {
                let name = &column.name;
                match misfit {
                    Misfit::Kind(json) => self.found(Err(format!(
                        "column \"{name}\" is {:?} by introspection, and a row has {json} in it",
                        column.logical_type
                    ))),
                    Misfit::Unreadable => self.report.note(format!(
                        "column \"{name}\" ({}) has values that are no {:?} to the oracle: it is returned, and not compared",
                        column.native_type, column.logical_type
                    )),
                    Misfit::Opaque => self.report.note(format!(
                        "column \"{name}\" ({}) is returned, and not compared: its text is the database's own",
                        column.native_type
                    )),
                }
                let opaque = |cell: &Json| match cell {
                    Json::Null => Value::Null,
                    other => Value::Json(other.to_string()),
                };
                (LogicalType::Array, cells.map(opaque).collect())
            }
        };
        let (name, native_type) = (column.name.clone(), column.native_type.clone());
        (ColumnDef { name, logical_type, native_type, nullable: true }, values)
    }

    /// Whether the key tells rows apart.
    fn key(&mut self, key: &[String], primary: &[String], rows: &[Json]) {
        let names = if key.is_empty() { primary } else { key };
        if names.is_empty() {
            return;
        }
        let mut keys: Vec<String> = rows
            .iter()
            .map(|row| {
                names.iter().map(|name| row.get(name).unwrap_or(&Json::Null).to_string()).collect::<Vec<_>>()
            })
            .map(|parts| parts.join(","))
            .collect();
        keys.sort_unstable();
        let twice = keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
        self.found(if twice {
            Err(format!("the key ({}) is that of two rows", names.join(", ")))
        } else {
            Ok(())
        });
    }
}

/// Why a cell is no typed value.
enum Misfit {
    /// It is not even the kind of JSON that its type is written as; what kind it is.
    Kind(&'static str),
    /// It is a text or a number that the oracle cannot read.
    Unreadable,
    /// Values of this type are each database's own.
    Opaque,
}

fn value(cell: &Json, logical: LogicalType, single: bool) -> Result<Value, Misfit> {
    use LogicalType::{
        Boolean, Bytes, Date, Decimal, Float, Integer, Text, Time, Timestamp, TimestampTz, Uuid,
    };
    let operand = match (logical, cell) {
        (_, Json::Null) => return Ok(Value::Null),
        (Text, Json::String(text)) => return Ok(Value::Text(text.clone())),
        (Decimal, Json::Number(number)) => return Ok(Value::Decimal(number.to_string())),
        (Decimal, Json::String(digits)) => {
            let value = Value::Decimal(digits.clone());
            return if value.fits(Decimal) { Ok(value) } else { Err(Misfit::Unreadable) };
        }
        (Boolean, Json::Bool(flag)) => Operand::Boolean(*flag),
        (Bytes | Date | Time | Timestamp | TimestampTz | Uuid | Integer | Float, Json::String(text)) => {
            Operand::Text(text.clone())
        }
        (Boolean | Integer | Float, Json::Number(number)) => match number.as_i128() {
            Some(whole) => Operand::Integer(whole),
            None => Operand::Float(number.as_f64().ok_or(Misfit::Unreadable)?),
        },
        (_, other) => return Err(Misfit::Kind(kind_of(other))),
    };
    let Cast::Value(typed) = cast(&operand, logical) else { return Err(Misfit::Unreadable) };
    of_type(typed, single).ok_or(Misfit::Unreadable)
}

fn of_type(typed: Typed, single: bool) -> Option<Value> {
    Some(match typed {
        Typed::Boolean(flag) => Value::Boolean(flag),
        Typed::Integer(whole) => match i64::try_from(whole) {
            Ok(whole) => Value::Integer(whole),
            Err(_) => Value::Unsigned(u64::try_from(whole).ok()?),
        },
        #[allow(clippy::cast_possible_truncation, reason = "the column holds no more")]
        Typed::Float(number) if single => Value::Real(number as f32),
        Typed::Float(number) => Value::Float(number),
        Typed::Bytes(bytes) => Value::Bytes(bytes),
        Typed::Date(days) => Value::Date(days),
        Typed::Time(micros) => Value::Time(micros),
        Typed::Timestamp(micros) => Value::Timestamp(micros),
        Typed::TimestampTz(micros) => Value::TimestampTz(micros),
        Typed::Uuid(bytes) => Value::Uuid(bytes),
        // A whole number that is written as a decimal is none of an integer column.
        Typed::Decimal(_) | Typed::Text(_) => return None,
    })
}

fn kind_of(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// The database's ways, as its rows show them.
fn profile(table: &Table, rows: &[Json], conventions: &Conventions) -> Profile {
    let any = |logical: LogicalType, is: fn(&Json) -> bool| {
        let mut columns = table.columns.iter().filter(|column| column.logical_type == logical);
        columns.any(|column| rows.iter().filter_map(|row| row.get(&column.name)).any(is))
    };
    Profile {
        nulls: if conventions.nulls_last { Nulls::Largest } else { Nulls::Smallest },
        int64: match any(LogicalType::Integer, Json::is_number) {
            true => Int64::NumberWhileExact,
            false => Int64::Text,
        },
        short_integers: &[],
        booleans: match any(LogicalType::Boolean, Json::is_number) {
            true => Booleans::Digits,
            false => Booleans::Words,
        },
        moments_in_text: conventions.moments_in_text,
        uuids: match any(LogicalType::Uuid, |json| {
            json.as_str().is_some_and(|text| text.contains(|c: char| c.is_ascii_uppercase()))
        }) {
            true => Uuids::LastGroupFirst,
            false => Uuids::Bytes,
        },
    }
}
