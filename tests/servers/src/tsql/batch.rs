//! A batch that is being run.

use std::collections::{HashMap, VecDeque};

use super::convert::convert;
use super::error::{Result, SqlError};
use super::parse::{self, Located};
use super::types::SqlType;
use super::value::Value;

/// A parameter: name, type, value.
pub(crate) type Bound = (String, SqlType, Value);

/// Statements that are still to be run, and the batch's variables.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(super) pending: VecDeque<Located>,
    /// In lower case, with their signs.
    pub(super) variables: HashMap<String, (SqlType, Value)>,
    pub(super) said_done: bool,
    pub(super) counts: bool,
}

impl Batch {
    /// Parses a batch; `parameters` are its first variables.
    pub(crate) fn parse(text: &str, parameters: Vec<Bound>) -> Result<Self> {
        let variables =
            parameters.into_iter().map(|(name, ty, value)| (name.to_lowercase(), (ty, value))).collect();
        Ok(Self { pending: parse::batch(text)?.into(), variables, said_done: false, counts: true })
    }

    /// The parameters of `sp_executesql` with the types that were declared for them.
    pub(crate) fn bind(declared: &Value, given: Vec<Bound>) -> Result<Vec<Bound>> {
        let declared = match declared {
            Value::Text(text) => parse::parameters(text)?,
            _ => Vec::new(),
        };
        if given.len() > declared.len() {
            let message = "Procedure or function has too many arguments specified.";
            return Err(SqlError::new(8144, message));
        }
        let mut bound = Vec::with_capacity(declared.len());
        for (position, (name, ty)) in declared.into_iter().enumerate() {
            let by_name = given.iter().find(|(given, ..)| given.eq_ignore_ascii_case(&name));
            let by_place = given.get(position).filter(|(given, ..)| given.is_empty());
            let Some((_, from, value)) = by_name.or(by_place) else {
                let message = format!(
                    "The parameterized query expects the parameter '{name}', which was not supplied."
                );
                return Err(SqlError::new(8178, message));
            };
            bound.push((name, ty, convert(value.clone(), *from, ty, 0)?));
        }
        Ok(bound)
    }

    /// Whether nothing is left to run.
    pub(crate) fn is_done(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether any statement so far ends with DONE.
    pub(crate) const fn said_done(&self) -> bool {
        self.said_done
    }

    /// Whether rows are counted (`SET NOCOUNT OFF`).
    pub(crate) const fn counts(&self) -> bool {
        self.counts
    }
}
