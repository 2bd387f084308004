//! Rows that changed after a moment.

use connector_model::error::{Error, Result};
use connector_model::request::ChangedSince;
use connector_model::target::LogicalType;
use connector_model::time::parse_moment;

use crate::condition::Place;
use crate::cut::cell;
use crate::table::Table;
use crate::value::Value;
use crate::value::decimal::Decimal;

/// Only rows that changed after a moment.
#[derive(Debug)]
pub(crate) struct Since {
    place: Place,
    micros: i64,
}

impl Since {
    /// The check of a request.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `changeTrackingColumn`: one that is not there, or holds no moments.
    pub(crate) fn new(table: &Table, since: &ChangedSince) -> Result<Since> {
        const OPTION: &str = "changeTrackingColumn";
        let place = table.place(OPTION, &since.column)?;
        match place.kind {
            LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz | LogicalType::Integer => {}
            LogicalType::Text if table.conventions().moments_in_text => {}
            _ => {
                let problem = format_args!("column \"{}\" holds no moments", since.column);
                return Err(Error::option(OPTION, problem).with("column", since.column.as_str()));
            }
        }
        Ok(Since { place, micros: since.micros })
    }

    /// Whether a row is later.
    pub(crate) fn passes(&self, cells: &[&[u8]]) -> bool {
        match self.place.read(cell(cells, self.place.at)) {
            Value::Moment(changed) => changed > self.micros,
            // A whole number is milliseconds since 1970.
            Value::Number(millis) if self.place.kind == LogicalType::Integer => {
                millis > Decimal::whole(self.micros.div_euclid(1_000).into())
            }
            // A text that is no moment is no later one.
            Value::Text(text) => parse_moment(&text).is_some_and(|changed| changed > self.micros),
            _ => false,
        }
    }
}
