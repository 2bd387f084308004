//! A filter over row objects.

use connector_model::Conventions;
use connector_model::error::Result;
use connector_model::filter::Filter;
use connector_model::target::TargetSchema;

use crate::condition::Condition;
use crate::cut::Cutter;
use crate::table::Table;

/// A filter, checked once, for many rows.
#[derive(Debug)]
pub struct Evaluator {
    condition: Condition,
    cutter: Cutter,
}

impl Evaluator {
    /// Checks a `where` against the target's columns.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `where`: an unknown column, with the nearest names; an ordering comparison with what is no
    /// value of the column's type.
    pub fn new(filter: &Filter, schema: &TargetSchema, conventions: &Conventions) -> Result<Evaluator> {
        let table = Table::new(schema, conventions);
        Ok(Evaluator { condition: table.condition("where", filter)?, cutter: table.cutter() })
    }

    /// Whether one row passes, given as its JSON object.
    ///
    /// # Errors
    /// `INTERNAL` for what is no JSON object.
    pub fn passes(&self, object: &[u8]) -> Result<bool> {
        let mut passes = false;
        self.cutter.each(object, |cells| {
            passes = self.condition.passes(cells);
            Ok(())
        })?;
        Ok(passes)
    }

    /// How many of these rows pass: JSON objects, separated by commas.
    ///
    /// # Errors
    /// As [`Evaluator::passes`].
    pub fn count(&self, objects: &[u8]) -> Result<u64> {
        let mut passing = 0;
        self.cutter.each(objects, |cells| {
            passing += u64::from(self.condition.passes(cells));
            Ok(())
        })?;
        Ok(passing)
    }
}
