//! A row as a JSON object.

use std::collections::HashMap;

use semilayer_connector::model::json;
use semilayer_connector::prelude::{Column, Result};

use crate::cell::{Cell, Rank};
use crate::document::{Fetched, KEY, Members};

/// From how many members on they are looked up by a table instead of one by one.
const MANY: usize = 24;

/// A row taken apart.
pub struct Row<'a> {
    /// Its key.
    pub key: &'a str,
    members: Members<'a>,
    /// Where each member is, when there are many.
    places: Option<HashMap<String, usize>>,
}

impl<'a> Row<'a> {
    /// Takes a row apart.
    pub fn of(fetched: &'a Fetched) -> Row<'a> {
        let members = fetched.stored.members();
        let place = |(at, (name, _)): (usize, &(std::borrow::Cow<'_, str>, Cell<'_>))| (name.to_string(), at);
        let places = (members.len() > MANY).then(|| members.iter().enumerate().map(place).collect());
        Row { key: &fetched.key, members, places }
    }

    /// Where a member is. Rows mostly have the members of the row before in the same places, so `hint` is looked at
    /// first.
    fn place(&self, name: &str, hint: usize) -> Option<usize> {
        if self.members.get(hint).is_some_and(|(known, _)| known == name) {
            return Some(hint);
        }
        match &self.places {
            Some(places) => places.get(name).copied(),
            None => self.members.iter().position(|(known, _)| known == name),
        }
    }

    /// The value of a column that is not the key; `None` where the row has none.
    pub fn cell(&self, column: &str) -> Option<&Cell<'a>> {
        self.place(column, 0).and_then(|at| self.members.get(at)).map(|(_, cell)| cell)
    }

    /// What a column sorts the row by.
    pub fn rank(&self, column: &str) -> Rank {
        if column == KEY {
            return Rank::Text(self.key.to_owned());
        }
        self.cell(column).map_or(Rank::Null, Cell::rank)
    }

    /// Appends the row as an object with these columns. With `all`, members that are none of them follow: a sample of
    /// the rows need not have shown every column.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when it is more than a row may be; it is not written to its end then.
    pub fn write(&self, out: &mut Vec<u8>, columns: &[Column], all: bool) -> Result<()> {
        let begin = out.len();
        let put = |out: &mut Vec<u8>, cell: &Cell<'_>| {
            if out.len() - begin + cell.written_bytes() > json::MAX_ROW_BYTES {
                return Err(json::row_too_large());
            }
            cell.write(out);
            Ok(())
        };
        let mut lead = b'{';
        let mut name = |out: &mut Vec<u8>, name: &str| {
            out.push(lead);
            lead = b',';
            json::text(out, name);
            out.push(b':');
        };
        let mut next = 0;
        let mut written = vec![false; if all { self.members.len() } else { 0 }];
        for column in columns {
            name(out, &column.name);
            if column.name == KEY {
                json::text(out, self.key);
                continue;
            }
            let Some(at) = self.place(&column.name, next) else {
                json::null(out);
                continue;
            };
            next = at + 1;
            if let Some((_, cell)) = self.members.get(at) {
                put(out, cell)?;
            }
            if let Some(written) = written.get_mut(at) {
                *written = true;
            }
        }
        for ((member, cell), _) in self.members.iter().zip(written).filter(|(_, written)| !written) {
            name(out, member);
            put(out, cell)?;
        }
        if lead == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Stored;
    use semilayer_connector::prelude::LogicalType;

    fn written(text: &str, columns: &[&str], all: bool) -> String {
        let fetched = Fetched { key: "t:\"1".into(), stored: Stored::Text(text.as_bytes().to_vec()) };
        let columns: Vec<Column> = columns
            .iter()
            .map(|name| Column { name: (*name).to_owned(), logical_type: LogicalType::Unknown })
            .collect();
        let mut out = Vec::new();
        Row::of(&fetched).write(&mut out, &columns, all).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_written_in_their_order() {
        let text = r#"{"a": 1, "b": [2], "c": "x"}"#;
        assert_eq!(written(text, &["_key", "a", "b"], false), r#"{"_key":"t:\"1","a":1,"b":[2]}"#);
        assert_eq!(written(text, &["c", "gone", "a"], false), r#"{"c":"x","gone":null,"a":1}"#);
        assert_eq!(written(text, &["c", "_key"], true), r#"{"c":"x","_key":"t:\"1","a":1,"b":[2]}"#);
        assert_eq!(written(text, &[], false), "{}");
        assert_eq!(written("plain", &["_key", "value"], true), r#"{"_key":"t:\"1","value":"plain"}"#);
    }

    #[test]
    fn a_value_that_grows_beyond_a_row_is_refused_before_it_is_written() {
        let text = "\u{1}".repeat(json::MAX_ROW_BYTES / 5);
        let fetched = Fetched { key: "t:1".into(), stored: Stored::Text(text.into_bytes()) };
        let column = |name: &str| Column { name: name.to_owned(), logical_type: LogicalType::Unknown };
        let mut out = Vec::new();
        let error = Row::of(&fetched).write(&mut out, &[column("value")], false).unwrap_err();
        assert_eq!(error.code(), semilayer_connector::prelude::ErrorCode::ResultTooLarge);
        assert!(out.len() < 100, "{} bytes were written", out.len());
        out.clear();
        Row::of(&fetched).write(&mut out, &[column("_key")], false).unwrap();
        assert_eq!(out, br#"{"_key":"t:1"}"#);
    }

    #[test]
    fn many_members_are_found_too() {
        let members: Vec<String> = (0..100).map(|n| format!("\"m{n}\":{n}")).collect();
        let text = format!("{{{}}}", members.join(","));
        assert_eq!(
            written(&text, &["m99", "m0", "m50", "none"], false),
            r#"{"m99":99,"m0":0,"m50":50,"none":null}"#
        );
    }
}
