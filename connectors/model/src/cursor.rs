//! Where the next page begins.
//!
//! A page that was read in the order of a single integer, UUID or text key is resumed by the key's plain text, as
//! the published bridges issue it. Everything else is an opaque text: `v1.` and base64url of a small JSON document
//! that names the target and the order it belongs to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What every opaque cursor begins with; a plain key that begins so is issued in the opaque form.
const OPAQUE: &str = "v1.";

/// A cursor longer than this is refused before it is decoded.
const MAX_BYTES: usize = 64 * 1024;

/// How a page's end is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CursorKind {
    /// By the last row's key: no row is lost or repeated while keys do not change.
    Keyset,
    /// By counting rows: rows that come or go between pages shift the next one.
    Offset,
    /// By a place in the server's own order, such as that of Redis' SCAN: rows that stay are not lost, and may come
    /// twice.
    Scan,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// After the row with these values of the ordered columns; `None` is NULL.
    After(Vec<Option<String>>),
    /// After this many rows.
    Offset(u64),
}

/// What a cursor belongs to: it is refused anywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The target's canonical name.
    pub target: &'a str,
    /// The ordered columns with their directions, as text: `name desc, id asc`.
    pub order: &'a str,
    /// Whether the order is one integer, UUID or text key, whose plain text is the cursor.
    pub plain: bool,
}

#[derive(Serialize, Deserialize)]
struct Document {
    t: String,
    o: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<Vec<Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
}

impl Scope<'_> {
    /// The text of a position.
    pub fn issue(&self, position: &Position) -> String {
        if let (true, Position::After(parts)) = (self.plain, position)
            && let [Some(key)] = parts.as_slice()
            && !key.starts_with(OPAQUE)
        {
            return key.clone();
        }
        let (k, n) = match position {
            Position::After(parts) => (Some(parts.clone()), None),
            Position::Offset(rows) => (None, Some(*rows)),
        };
        let document = Document { t: self.target.to_owned(), o: self.order.to_owned(), k, n };
        // Strings, numbers and lists of them always serialise.
        let json = serde_json::to_vec(&document).unwrap_or_default();
        format!("{OPAQUE}{}", URL_SAFE_NO_PAD.encode(json))
    }

    /// The position of a text that this scope issued; `columns` ordered columns are expected in a keyset.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `cursor` when it was not issued for this target and order.
    pub fn read(&self, cursor: &str, columns: usize) -> Result<Position> {
        if cursor.len() > MAX_BYTES {
            return Err(Error::option("cursor", format_args!("is longer than {MAX_BYTES} bytes")));
        }
        let Some(encoded) = cursor.strip_prefix(OPAQUE) else {
            return if self.plain {
                Ok(Position::After(vec![Some(cursor.to_owned())]))
            } else {
                Err(Error::option(
                    "cursor",
                    "is not one that this request issued; leave it out to start over",
                ))
            };
        };
        let document: Document = URL_SAFE_NO_PAD
            .decode(encoded)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(|| Error::option("cursor", "cannot be read; pass `nextCursor` on unchanged"))?;
        if document.t != self.target {
            return Err(Error::option("cursor", format_args!("belongs to target \"{}\"", document.t)));
        }
        if document.o != self.order {
            return Err(Error::option("cursor", "belongs to another order; keep `orderBy` while paging"));
        }
        match (document.k, document.n) {
            (Some(parts), None) if parts.len() == columns => Ok(Position::After(parts)),
            (None, Some(rows)) => Ok(Position::Offset(rows)),
            _ => Err(Error::option("cursor", "cannot be read; pass `nextCursor` on unchanged")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Scope<'_> = Scope { target: "public.t", order: "id asc", plain: true };
    const PAIR: Scope<'_> = Scope { target: "public.t", order: "a asc, b desc", plain: false };

    #[test]
    fn a_single_key_is_its_own_cursor_unless_it_looks_opaque() {
        assert_eq!(PLAIN.issue(&Position::After(vec![Some("42".into())])), "42");
        let odd = Position::After(vec![Some("v1.x".into())]);
        let issued = PLAIN.issue(&odd);
        assert!(issued.starts_with("v1.") && issued != "v1.x");
        assert_eq!(PLAIN.read(&issued, 1).unwrap(), odd);
    }

    #[test]
    fn a_cursor_of_another_target_order_or_shape_is_refused() {
        let issued = PAIR.issue(&Position::After(vec![Some("1".into()), None]));
        for scope in [Scope { target: "public.u", ..PAIR }, Scope { order: "a asc", ..PAIR }] {
            assert!(scope.read(&issued, 2).unwrap_err().message().contains("`cursor`"));
        }
        assert!(PAIR.read(&issued, 3).is_err());
        assert!(PAIR.read("42", 2).is_err());
        assert!(PAIR.read("v1.%%%", 2).is_err());
    }

    proptest! {
        #[test]
        fn what_was_issued_reads_back(parts in proptest::collection::vec(proptest::option::of(".*"), 2)) {
            let position = Position::After(parts);
            prop_assert_eq!(PAIR.read(&PAIR.issue(&position), 2).unwrap(), position);
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text in ".*") {
            let _ = PAIR.read(&text, 2);
            let _ = PLAIN.read(&text, 1);
        }
    }
}
