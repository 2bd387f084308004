//! A result whose rows are pulled, batch by batch.

use connector_model::cursor::CursorKind;
use connector_model::error::Result;
use connector_model::target::Column;

use crate::row_writer::RowWriter;

/// The rows of one result. The session that answered is handed in again at every step, so a result needs to keep no
/// more than its place.
pub trait Rows<S> {
    /// The columns, in the order of their keys in a row.
    fn columns(&self) -> Vec<Column>;

    /// Writes the next rows, as many as are at hand until `out` is full, and says whether there are more.
    ///
    /// # Errors
    /// What broke the result off.
    fn fill(&mut self, session: &mut S, out: &mut RowWriter) -> Result<Fill>;
}

/// What a step of a result came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fill {
    /// There may be more, and the next step need not wait for the database.
    More,
    /// The next rows have to be waited for: what was written is sent meanwhile.
    Wait,
    /// That was all.
    End(End),
}

/// How a result ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// Where the next page begins, if the limit cut the result.
    pub next_cursor: Option<(String, CursorKind)>,
}

impl Fill {
    /// The end of a result that no limit cut.
    pub const END: Fill = Fill::End(End { next_cursor: None });

    /// The end of a page that another follows.
    pub fn page(cursor: impl Into<String>, kind: CursorKind) -> Fill {
        Fill::End(End { next_cursor: Some((cursor.into(), kind)) })
    }
}
