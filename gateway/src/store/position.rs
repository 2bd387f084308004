//! Where a page of a list ends.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::Moment;

/// The place of an entry in a list: when it was made, and its id among those of the same millisecond.
///
/// As text it is the cursor of the next page, `<milliseconds>.<id>`. It holds all that a page needs, so that a walk
/// goes on where its last entry has been deleted meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Position {
    /// When the entry was made.
    pub at: Moment,
    /// Its id.
    pub id: Uuid,
}

/// A cursor that no page gave out.
#[derive(Debug, thiserror::Error)]
#[error("not the nextCursor of a page before")]
pub struct NoPosition;

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.at.0, self.id)
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (at, id) = text.split_once('.').ok_or(NoPosition)?;
        let at = Moment(at.parse().map_err(|_| NoPosition)?);
        Ok(Self { at, id: Uuid::try_parse(id).map_err(|_| NoPosition)? })
    }
}

impl TryFrom<String> for Position {
    type Error = NoPosition;

    fn try_from(text: String) -> Result<Self, NoPosition> {
        text.parse()
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let position = Position { at: Moment(1_700_000_000_007), id: Uuid::new_v4() };
        assert_eq!(position.to_string().parse::<Position>().expect("a cursor"), position);
        for bad in ["", ".", "7", "x.3f2a9c1e-0000-4000-8000-000000000000", "7.3f2a9c1e"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}
