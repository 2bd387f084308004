//! The columns of rows, by name and type.

use connector_model::Conventions;
use connector_model::error::Error;
use connector_model::nearest::suggestion;
use connector_model::target::{LogicalType, TargetColumn};

use crate::condition::Place;
use crate::pattern::Folding;

/// One column of the rows that are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name: the key in every row object.
    pub name: String,
    /// What kind of value it holds.
    pub logical_type: LogicalType,
    /// Whether its values are floating-point numbers of single precision.
    pub single_precision: bool,
    /// Whether text tests that ignore case ignore it for letters beyond ASCII too.
    pub folds_beyond_ascii: bool,
}

impl Field {
    /// A column of a target under a name of its own, in a database of these conventions.
    pub fn new(name: String, column: &TargetColumn, conventions: &Conventions) -> Field {
        Field {
            name,
            logical_type: column.logical_type,
            single_precision: conventions.is_single(&column.native_type),
            folds_beyond_ascii: conventions.folds_beyond_ascii,
        }
    }

    /// The place of the column in a row.
    pub fn at(&self, at: usize) -> Place {
        let folding = if self.folds_beyond_ascii { Folding::Unicode } else { Folding::Ascii };
        Place { at, kind: self.logical_type, single: self.single_precision, folding }
    }
}

/// `INVALID_JOB` for an option that names a column which is not there, with the nearest names.
pub fn unknown_column<'n>(
    option: &str,
    target: &str,
    column: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Error {
    let hint = suggestion(column, known);
    Error::option(option, format!("target \"{target}\" has no column \"{column}\"{hint}"))
        .with("column", column)
}
