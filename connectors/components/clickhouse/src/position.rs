//! Where a page begins, and its text in a cursor.

use semilayer_connector::model::cursor::{Position as Place, Scope};
use semilayer_connector::model::filter::{Cast, Operand, cast};
use semilayer_connector::prelude::*;

use crate::plan::Ordered;

/// What stands before the number of rows that are passed over, in a cursor's last part: behind rows that are equal in all
/// that is ordered by, and behind the rows before them.
const EQUAL: char = '=';
const BEHIND: char = '>';

/// Where a page begins: behind a row, at the rows that are equal to it, or at the first; some rows further on.
///
/// Nothing tells two rows of a table apart for sure. As long as no page ends between two rows that are equal in what is
/// ordered by, each begins behind a value, and rows that come and go elsewhere move nothing. One that does begins at its
/// last row's equals, so many of them further on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// The values of what is ordered by, `None` for NULL.
    pub(crate) from: Option<Vec<Option<String>>>,
    /// Whether the rows that have these values are passed over too.
    pub(crate) behind: bool,
    /// How many rows are passed over from there on.
    pub(crate) skip: u64,
}

impl Position {
    /// So many rows behind the first.
    pub(crate) fn rows(skip: u64) -> Position {
        Position { from: None, behind: true, skip }
    }

    /// Whether it stays where it is while other rows come and go.
    pub(crate) fn is_fixed(&self) -> bool {
        self.from.is_some() && self.behind && self.skip == 0
    }

    /// The cursor.
    pub(crate) fn issue(&self, scope: &Scope<'_>) -> String {
        let Some(parts) = &self.from else { return scope.issue(&Place::Offset(self.skip)) };
        let mut parts = parts.clone();
        if !self.is_fixed() {
            let mark = if self.behind { BEHIND } else { EQUAL };
            parts.push(Some(format!("{mark}{}", self.skip)));
            let scope = Scope { plain: false, ..scope.clone() };
            return scope.issue(&Place::After(parts));
        }
        scope.issue(&Place::After(parts))
    }

    /// The position of a cursor, whose values are those of `ordered`.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `cursor`.
    pub(crate) fn read(cursor: &str, scope: &Scope<'_>, ordered: &[Ordered]) -> Result<Position> {
        let place = match scope.read(cursor, ordered.len()) {
            Ok(place) => place,
            Err(problem) => scope.read(cursor, ordered.len() + 1).map_err(|_| problem)?,
        };
        let mut parts = match place {
            Place::Offset(rows) => return Ok(Position::rows(rows)),
            Place::After(parts) => parts,
        };
        let mut position = Position { from: None, behind: true, skip: 0 };
        if parts.len() > ordered.len() {
            let last = parts.pop().flatten().unwrap_or_default();
            let (behind, skip) = match last.strip_prefix(EQUAL) {
                Some(skip) => (false, skip),
                None => (true, last.strip_prefix(BEHIND).unwrap_or_default()),
            };
            (position.behind, position.skip) = (behind, skip.parse().map_err(|_| unreadable())?);
        }
        for (part, of) in parts.iter().zip(ordered) {
            let Some(text) = part else { continue };
            if !matches!(cast(&Operand::Text(text.clone()), of.logical_type), Cast::Value(_)) {
                let problem =
                    format!("does not hold a value of column \"{}\" ({})", of.column, of.native_type);
                return Err(Error::option("cursor", problem));
            }
        }
        position.from = Some(parts);
        Ok(position)
    }
}

#[cold]
fn unreadable() -> Error {
    Error::option("cursor", "cannot be read; pass `nextCursor` on unchanged")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(logical_type: LogicalType) -> Ordered {
        Ordered {
            column: "id".into(),
            native_type: "Int64".into(),
            logical_type,
            descending: false,
            nullable: false,
        }
    }

    fn scope(plain: bool) -> Scope<'static> {
        Scope { target: "t", order: "id asc", plain }
    }

    #[test]
    fn every_position_reads_back() {
        let of = [ordered(LogicalType::Integer)];
        let value = |text: &str| Some(vec![Some(text.to_owned())]);
        for (position, text) in [
            (Position::rows(7), None),
            (Position { from: value("5"), behind: true, skip: 0 }, Some("5")),
            (Position { from: value("5"), behind: true, skip: 2 }, None),
            (Position { from: value("-5"), behind: false, skip: 2 }, None),
            (Position { from: Some(vec![None]), behind: true, skip: 0 }, None),
        ] {
            let cursor = position.issue(&scope(true));
            assert_eq!(Position::read(&cursor, &scope(true), &of).unwrap(), position, "{cursor}");
            assert!(text.is_none_or(|text| text == cursor), "{cursor}");
        }
    }

    #[test]
    fn what_is_no_value_of_the_column_is_no_cursor() {
        let of = [ordered(LogicalType::Integer)];
        for cursor in ["x", "", "v1.x"] {
            let error = Position::read(cursor, &scope(true), &of).unwrap_err();
            assert!(error.message().contains("`cursor`"), "{error}");
        }
        let foreign = Position::rows(7).issue(&Scope { target: "u", ..scope(true) });
        assert!(Position::read(&foreign, &scope(true), &of).unwrap_err().message().contains("\"u\""));
    }
}
