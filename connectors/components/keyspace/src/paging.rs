//! Where a page ended, in each of the three orders that pages come in.

use semilayer_connector::error;
use semilayer_connector::model::cursor::{Position, Scope};
use semilayer_connector::prelude::{Order, Result};

use crate::cell::Rank;
use crate::document::KEY;

/// What the order of the server's own table is called in a cursor.
const SCAN: &str = "scan";

/// How long a cursor may get that carries keys along. A longer one is refused when it comes back.
const CURSOR_BYTES: usize = 60 * 1024;

/// The order of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    target: String,
    /// The ordered columns, the key last; the server's own order when empty.
    columns: Vec<Order>,
}

/// A place in the server's own order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPlace {
    /// Where the sweep goes on; `None` when only carried keys are left.
    pub place: Option<String>,
    /// Keys that came already and are on no page yet.
    pub carried: Vec<Box<str>>,
}

impl Paging {
    /// Pages in the order of these columns, ties broken by the key.
    pub fn by(target: &str, orders: &[Order]) -> Paging {
        let mut columns: Vec<Order> = Vec::with_capacity(orders.len() + 1);
        for order in orders {
            // Ordering by a column again changes nothing, nor does anything behind the key.
            let settled = columns.iter().any(|known| known.column == order.column || known.column == KEY);
            if !settled {
                columns.push(order.clone());
            }
        }
        if !columns.iter().any(|order| order.column == KEY) {
            columns.push(Order { column: KEY.to_owned(), descending: false });
        }
        Paging { target: target.to_owned(), columns }
    }

    /// Pages in the server's own order.
    pub fn by_scan(target: &str) -> Paging {
        Paging { target: target.to_owned(), columns: Vec::new() }
    }

    /// The ordered columns; the key is the last of them.
    pub fn columns(&self) -> &[Order] {
        &self.columns
    }

    /// Whether rows come in the ascending order of their keys.
    pub fn is_by_key(&self) -> bool {
        matches!(self.columns.as_slice(), [Order { column, descending: false }] if column == KEY)
    }

    fn text(&self) -> String {
        if self.columns.is_empty() {
            return SCAN.to_owned();
        }
        let part =
            |order: &Order| format!("{} {}", order.column, if order.descending { "desc" } else { "asc" });
        self.columns.iter().map(part).collect::<Vec<_>>().join(", ")
    }

    fn issue(&self, parts: Vec<Option<String>>) -> String {
        let scope = Scope { target: &self.target, order: &self.text(), plain: self.is_by_key() };
        scope.issue(&Position::After(parts))
    }

    fn read(&self, cursor: &str, parts: usize) -> Result<Vec<Option<String>>> {
        let scope = Scope { target: &self.target, order: &self.text(), plain: self.is_by_key() };
        match scope.read(cursor, parts)? {
            Position::After(parts) => Ok(parts),
            Position::Offset(_) => Err(unreadable()),
        }
    }

    /// The cursor behind a key.
    pub fn after_key(&self, key: &str) -> String {
        self.issue(vec![Some(key.to_owned())])
    }

    /// The key that a cursor stands behind.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `cursor` when it is none of this order.
    pub fn key(&self, cursor: &str) -> Result<String> {
        let mut parts = self.read(cursor, 1)?;
        parts.pop().flatten().ok_or_else(unreadable)
    }

    /// The cursor behind a row with these values of the ordered columns.
    pub fn after_ranks(&self, ranks: &[Rank]) -> String {
        self.issue(ranks.iter().map(Rank::to_part).collect())
    }

    /// The values that a cursor stands behind.
    ///
    /// # Errors
    /// As [`Paging::key`].
    pub fn ranks(&self, cursor: &str) -> Result<Vec<Rank>> {
        let parts = self.read(cursor, self.columns.len())?;
        let ranks: Option<Vec<Rank>> = parts.iter().map(|part| Rank::from_part(part.as_deref())).collect();
        ranks.ok_or_else(unreadable)
    }

    /// The cursor of a place in the server's own order.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when the keys that it has to carry are too long together.
    pub fn at_place(&self, place: &ScanPlace) -> Result<String> {
        // Texts always serialise.
        let carried = serde_json::to_string(&place.carried).unwrap_or_default();
        let cursor = self.issue(vec![place.place.clone(), Some(carried)]);
        if cursor.len() > CURSOR_BYTES {
            return Err(error::too_large(format!(
                "the next page begins with {} keys that are too long for a cursor together; ask for larger pages",
                place.carried.len()
            )));
        }
        Ok(cursor)
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// As [`Paging::key`].
    pub fn place(&self, cursor: &str) -> Result<ScanPlace> {
        match <[Option<String>; 2]>::try_from(self.read(cursor, 2)?) {
            Ok([place, Some(carried)]) => {
                let carried = serde_json::from_str(&carried).map_err(|_| unreadable())?;
                Ok(ScanPlace { place, carried })
            }
            _ => Err(unreadable()),
        }
    }
}

fn unreadable() -> semilayer_connector::prelude::Error {
    error::invalid_request("cursor", "cannot be read; pass `nextCursor` on unchanged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use semilayer_connector::prelude::ErrorCode;

    fn order(column: &str, descending: bool) -> Order {
        Order { column: column.to_owned(), descending }
    }

    #[test]
    fn the_key_breaks_ties_and_ends_an_order() {
        assert!(Paging::by("t", &[]).is_by_key() && Paging::by("t", &[order(KEY, false)]).is_by_key());
        assert!(!Paging::by("t", &[order(KEY, true)]).is_by_key() && !Paging::by_scan("t").is_by_key());
        let paging =
            Paging::by("t", &[order("a", true), order("a", false), order(KEY, false), order("b", true)]);
        assert_eq!(paging.columns(), [order("a", true), order(KEY, false)]);
    }

    #[test]
    fn every_place_survives_its_cursor() {
        let keys = Paging::by("t", &[]);
        assert_eq!(keys.after_key("t:1"), "t:1");
        for key in ["t:1", "v1.", "v1.t:1", "日本:語"] {
            assert_eq!(keys.key(&keys.after_key(key)).unwrap(), key);
        }
        let ranked = Paging::by("t", &[order("a", true), order("b", false)]);
        let ranks = vec![Rank::Null, Rank::Whole(7), Rank::Text("t:1".into())];
        assert_eq!(ranked.ranks(&ranked.after_ranks(&ranks)).unwrap(), ranks);
        let scan = Paging::by_scan("t");
        for place in [
            ScanPlace { place: Some("17".into()), carried: vec!["t:\"1\"".into(), "t:2".into()] },
            ScanPlace { place: None, carried: vec!["t:1".into()] },
        ] {
            assert_eq!(scan.place(&scan.at_place(&place).unwrap()).unwrap(), place);
        }
    }

    #[test]
    fn a_cursor_of_another_order_or_target_is_refused() {
        let (keys, scan) = (Paging::by("t", &[]), Paging::by_scan("t"));
        let ranked = Paging::by("t", &[order("a", true)]);
        let elsewhere = Paging::by_scan("u").at_place(&ScanPlace { place: None, carried: vec![] }).unwrap();
        for failed in [
            keys.key(&ranked.after_ranks(&[Rank::Null, Rank::Null])).err(),
            ranked.ranks("t:1").err(),
            scan.place("t:1").err(),
            scan.place(&elsewhere).err(),
            scan.place("v1.bnVsbA").err(),
        ] {
            assert_eq!(failed.map(|error| error.code()), Some(ErrorCode::InvalidJob));
        }
    }

    #[test]
    fn what_a_cursor_carries_is_bounded() {
        // Every quote is escaped twice.
        let place = ScanPlace { place: None, carried: vec!["\"".repeat(CURSOR_BYTES / 4).into()] };
        assert_eq!(Paging::by_scan("t").at_place(&place).unwrap_err().code(), ErrorCode::ResultTooLarge);
    }
}
