//! Cutting a list of rows into rows without parsing a value.
//!
//! Only strings and brackets are looked at, so a gateway can pass a result on at the speed of a copy.

use memchr::{memchr2, memchr2_iter};
use thiserror::Error;

/// The text is not a list of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a list of rows (at byte {at})")]
pub struct RowsError {
    /// Offset of the fault in the list's text.
    pub at: usize,
}

/// The rows of a list, as text.
///
/// `raw` is the text of a JSON array, brackets included, such as [`Chunk::rows`](crate::Chunk). The scan
/// trusts what is inside an element beyond its strings and brackets (decoding has already proved it valid
/// JSON); a fault in the list itself, an open string or an unbalanced bracket yields one error, then ends.
#[must_use]
pub fn row_slices(raw: &[u8]) -> RowSlices<'_> {
    RowSlices { raw, at: 0, state: State::Start }
}

/// Appends each row of `raw` and a newline to `out`, and gives the number of rows.
///
/// A line break inside a row can only be insignificant whitespace (JSON strings escape theirs), and is
/// written as a space, so that one row stays one line.
///
/// # Errors
/// As [`row_slices`]; rows before the fault have then been appended.
pub fn write_ndjson(raw: &[u8], out: &mut Vec<u8>) -> Result<usize, RowsError> {
    let mut count = 0;
    for row in row_slices(raw) {
        let row = row?;
        let begin = out.len();
        out.extend_from_slice(row);
        for line_break in memchr2_iter(b'\n', b'\r', row) {
            if let Some(byte) = out.get_mut(begin + line_break) {
                *byte = b' ';
            }
        }
        out.push(b'\n');
        count += 1;
    }
    Ok(count)
}

/// Iterator over the rows of a list; see [`row_slices`].
#[derive(Debug, Clone)]
pub struct RowSlices<'a> {
    raw: &'a [u8],
    at: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Inside,
    Ended,
}

impl<'a> RowSlices<'a> {
    fn peek(&self) -> Option<u8> {
        self.raw.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn fault<T>(&mut self) -> Result<T, RowsError> {
        self.state = State::Ended;
        Err(RowsError { at: self.at })
    }

    /// Steps over the list's opening bracket; true when there is an element to read.
    fn open(&mut self) -> Result<bool, RowsError> {
        self.skip_whitespace();
        if self.peek() != Some(b'[') {
            return self.fault();
        }
        self.at += 1;
        self.skip_whitespace();
        if self.peek() == Some(b']') {
            return self.close().map(|()| false);
        }
        self.state = State::Inside;
        Ok(true)
    }

    /// Steps over the list's closing bracket, after which only whitespace may come.
    fn close(&mut self) -> Result<(), RowsError> {
        self.at += 1;
        self.skip_whitespace();
        if self.at != self.raw.len() {
            return self.fault();
        }
        self.state = State::Ended;
        Ok(())
    }

    /// Steps over a string, from its opening quote.
    fn skip_string(&mut self) -> Result<(), RowsError> {
        self.at += 1;
        loop {
            let rest = self.raw.get(self.at..).unwrap_or_default();
            match memchr2(b'"', b'\\', rest) {
                Some(offset) if rest.get(offset) == Some(&b'"') => {
                    self.at += offset + 1;
                    return Ok(());
                }
                // A backslash and whatever it escapes.
                Some(offset) => self.at += offset + 2,
                None => {
                    self.at = self.raw.len();
                    return self.fault();
                }
            }
        }
    }

    fn element(&mut self) -> Result<&'a [u8], RowsError> {
        self.skip_whitespace();
        let begin = self.at;
        let mut depth = 0_usize;
        let end = loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}') if depth == 0 => return self.fault(),
                Some(b']' | b',') if depth == 0 => break self.at,
                Some(b'}' | b']') => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(_) => self.at += 1,
                None => return self.fault(),
            }
        };
        let row = self.raw.get(begin..end).unwrap_or_default().trim_ascii_end();
        if row.is_empty() {
            return self.fault();
        }
        match self.peek() {
            Some(b',') => self.at += 1,
            _ => self.close()?,
        }
        Ok(row)
    }
}

impl<'a> Iterator for RowSlices<'a> {
    type Item = Result<&'a [u8], RowsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.state {
            State::Ended => None,
            State::Inside => Some(self.element()),
            State::Start => match self.open() {
                Ok(true) => Some(self.element()),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Result<Vec<&str>, RowsError> {
        row_slices(text.as_bytes()).map(|row| row.map(|row| std::str::from_utf8(row).unwrap())).collect()
    }

    #[test]
    fn brackets_and_quotes_inside_strings_do_not_cut_a_row() {
        let text = r#" [ {"a":"],[\"}\\"} ,{"b":[1,{"c":"{"}]}, 7 , "x,y" ] "#;
        assert_eq!(rows(text).unwrap(), [r#"{"a":"],[\"}\\"}"#, r#"{"b":[1,{"c":"{"}]}"#, "7", r#""x,y""#]);
        assert_eq!(rows("[]").unwrap(), [""; 0]);
        assert_eq!(rows("[ \n ]").unwrap(), [""; 0]);
    }

    #[test]
    fn a_broken_list_is_one_error_and_then_the_end() {
        for bad in
            ["", "{}", "[", "[1", "[1,", "[1,]", "[,1]", r#"["a"#, "[{]", "[}]", "[1]]", r#"["\"#, "[1] 2"]
        {
            let mut scan = row_slices(bad.as_bytes());
            let error = scan.by_ref().find_map(Result::err);
            assert!(error.is_some(), "{bad}");
            assert!(scan.next().is_none(), "{bad}");
        }
    }

    #[test]
    fn one_row_is_one_line() {
        let mut out = b"before\n".to_vec();
        assert_eq!(write_ndjson(b"[{\n \"a\": \"x\\ny\"\r\n}, {\"b\":2}]", &mut out), Ok(2));
        assert_eq!(out, b"before\n{  \"a\": \"x\\ny\"  }\n{\"b\":2}\n");
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = format!("[{}1{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(rows(&deep).unwrap().len(), 1);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i64>().prop_map(Into::into),
            any::<bool>().prop_map(Into::into),
            ".{0,12}".prop_map(Into::into),
            "[\\[\\]{},\"\\\\]{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_list_is_cut_where_a_parser_would_cut_it(list in prop::collection::vec(json(), 0..6), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) };
            let text = text.unwrap();
            let cut: Vec<serde_json::Value> =
                rows(&text).unwrap().into_iter().map(|row| serde_json::from_str(row).unwrap()).collect();
            prop_assert_eq!(&cut, &list);

            let mut lines = Vec::new();
            prop_assert_eq!(write_ndjson(text.as_bytes(), &mut lines), Ok(list.len()));
            let parsed: Vec<serde_json::Value> = std::str::from_utf8(&lines).unwrap()
                .split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(parsed, list);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            // At most a row a byte, and one fault.
            prop_assert!(row_slices(&bytes).count() <= bytes.len() + 1);
        }
    }
}
