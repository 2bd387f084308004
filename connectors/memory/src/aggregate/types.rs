//! What may be measured of which type, and the type of what comes out.

use connector_model::error::{Error, Result};
use connector_model::request::aggregate::{Bucket, Dimension, Function, Measure};
use connector_model::target::LogicalType;

use crate::profile::Profile;
use crate::table::{ColumnDef, Table};

/// Whether a type is of numbers.
pub(super) fn is_number(logical: LogicalType) -> bool {
    matches!(logical, LogicalType::Integer | LogicalType::Float | LogicalType::Decimal)
}

/// Whether values of a type can be told apart and put in an order: as text, where the type has no order of its own.
pub(super) fn has_order(logical: LogicalType) -> bool {
    logical.orderable() || logical == LogicalType::Unknown
}

/// The column of a dimension.
///
/// # Errors
/// `INVALID_JOB` naming `dimensions` and the column: it does not exist, or cannot be grouped so.
pub(super) fn dimension(table: &Table, profile: &Profile, dimension: &Dimension) -> Result<usize> {
    const OPTION: &str = "dimensions";
    let at = table.position(OPTION, &dimension.column)?;
    let Some(column) = table.columns.get(at) else { return Ok(at) };
    let logical = column.logical_type;
    let (fits, wanted) = match dimension.bucket {
        None => (has_order(logical), "values that equal each other"),
        Some(Bucket::Time(_)) => {
            let moment =
                matches!(logical, LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz);
            (moment || (logical == LogicalType::Text && profile.moments_in_text), "moments")
        }
        Some(Bucket::Step(_) | Bucket::Breaks(_)) => (is_number(logical), "numbers"),
    };
    if fits { Ok(at) } else { Err(mistyped(OPTION, column, wanted)) }
}

/// The column that a measure looks at, if it looks at one, and what its result is like.
///
/// # Errors
/// `INVALID_JOB` naming `measures` and the column: it does not exist, or cannot be measured so.
pub(super) fn measure(table: &Table, measure: &Measure) -> Result<(Option<usize>, ColumnDef)> {
    const OPTION: &str = "measures";
    let at = measure.function.column().map(|name| table.position(OPTION, name)).transpose()?;
    let column = at.and_then(|at| table.columns.get(at));
    let needs = |fits: fn(LogicalType) -> bool, wanted: &str| match column {
        Some(column) if !fits(column.logical_type) => Err(mistyped(OPTION, column, wanted)),
        _ => Ok(()),
    };
    match &measure.function {
        Function::Count(_) | Function::First(_) | Function::Last(_) => {}
        Function::CountDistinct(..) | Function::Min(_) | Function::Max(_) | Function::TopK(..) => {
            needs(has_order, "values that have an order")?;
        }
        Function::Sum(_) | Function::Avg(_) | Function::Percentile(..) => needs(is_number, "numbers")?,
    }
    let result = |logical_type| ColumnDef {
        name: measure.name.clone(),
        logical_type,
        native_type: "number".to_owned(),
        nullable: true,
    };
    let of_column = || column.map(|column| ColumnDef { name: measure.name.clone(), ..column.clone() });
    let is_float = column.is_some_and(|column| column.logical_type == LogicalType::Float);
    let column = match measure.function {
        Function::Count(_) | Function::CountDistinct(..) => result(LogicalType::Integer),
        Function::Sum(_) | Function::Avg(_) if is_float => result(LogicalType::Float),
        // A sum of whole numbers may need more than 64 bits.
        Function::Sum(_) | Function::Avg(_) => result(LogicalType::Decimal),
        Function::Percentile(..) => result(LogicalType::Float),
        Function::TopK(..) => result(LogicalType::Unknown),
        Function::Min(_) | Function::Max(_) | Function::First(_) | Function::Last(_) => {
            of_column().unwrap_or_else(|| result(LogicalType::Unknown))
        }
    };
    Ok((at, column))
}

/// The column that `first` and `last` order rows by.
///
/// # Errors
/// `INVALID_JOB` naming the option and the column: it does not exist, or has no order.
pub(super) fn change_column(table: &Table, name: Option<&str>) -> Result<Option<usize>> {
    const OPTION: &str = "changeTrackingColumn";
    let Some(name) = name else { return Ok(None) };
    let at = table.position(OPTION, name)?;
    match table.columns.get(at) {
        Some(column) if !has_order(column.logical_type) => {
            Err(mistyped(OPTION, column, "values that have an order"))
        }
        _ => Ok(Some(at)),
    }
}

/// `INVALID_JOB` about a column that does not hold what is wanted of it.
pub(super) fn mistyped(option: &str, column: &ColumnDef, wanted: &str) -> Error {
    let problem =
        format_args!("column \"{}\" of type {} does not hold {wanted}", column.name, column.native_type);
    Error::option(option, problem).with("column", column.name.as_str())
}
