//! Rows as a connector wrote them, cut into cells.

use connector_model::error::{Error, Result};
use connector_model::json;

use crate::value::NULL;

/// Cuts JSON objects into the JSON of their columns. What it cuts came from a connector: it is trusted to be JSON, and
/// anything else is an error and never a panic.
#[derive(Debug)]
pub struct Cutter {
    /// The columns' names in quotes, as they stand in a row.
    keys: Vec<Box<[u8]>>,
}

impl Cutter {
    /// A cutter for the columns of these names.
    pub fn new<'n>(names: impl Iterator<Item = &'n str>) -> Cutter {
        let keys = names.map(|name| {
            let mut key = Vec::new();
            json::text(&mut key, name);
            key.into_boxed_slice()
        });
        Cutter { keys: keys.collect() }
    }

    /// Calls `visit` with the cells of each object in `objects` (separated by commas), in the order of the columns.
    ///
    /// # Errors
    /// `INTERNAL` for what are no such objects; the first error that `visit` returns.
    pub fn each<'j>(
        &self,
        objects: &'j [u8],
        mut visit: impl FnMut(&[&'j [u8]]) -> Result<()>,
    ) -> Result<()> {
        let mut cells: Vec<&'j [u8]> = Vec::with_capacity(self.keys.len());
        let mut scanner = Scanner { rest: objects };
        if scanner.peek().is_none() {
            return Ok(());
        }
        loop {
            cells.clear();
            self.row(&mut scanner, &mut cells).ok_or_else(broken)?;
            visit(&cells)?;
            match scanner.next() {
                None => return Ok(()),
                Some(b',') => {}
                Some(_) => return Err(broken()),
            }
        }
    }

    fn row<'j>(&self, scanner: &mut Scanner<'j>, cells: &mut Vec<&'j [u8]>) -> Option<()> {
        (scanner.next()? == b'{').then_some(())?;
        if scanner.peek()? == b'}' {
            scanner.next();
            cells.resize(self.keys.len(), NULL);
            return Some(());
        }
        // Connectors write columns in the order asked for; one that does not is understood all the same.
        let mut keys = self.keys.iter();
        let mut in_order = true;
        loop {
            let key = scanner.string()?;
            (scanner.next()? == b':').then_some(())?;
            let value = scanner.value()?;
            if in_order && keys.next().is_some_and(|expected| **expected == *key) {
                cells.push(value);
            } else {
                in_order = false;
                cells.resize(self.keys.len(), NULL);
                if let Some(cell) =
                    self.keys.iter().position(|known| **known == *key).and_then(|at| cells.get_mut(at))
                {
                    *cell = value;
                }
            }
            match scanner.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        cells.resize(self.keys.len(), NULL);
        Some(())
    }
}

/// The cell of a column; NULL beyond the last.
pub(crate) fn cell<'c>(cells: &[&'c [u8]], at: usize) -> &'c [u8] {
    cells.get(at).copied().unwrap_or(NULL)
}

#[cold]
fn broken() -> Error {
    Error::internal("the connector's rows are no JSON objects")
}

struct Scanner<'j> {
    rest: &'j [u8],
}

impl<'j> Scanner<'j> {
    /// The next byte that is no white space, left where it is.
    fn peek(&mut self) -> Option<u8> {
        while let Some((b' ' | b'\n' | b'\r' | b'\t', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        self.rest.first().copied()
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.rest = self.rest.get(1..)?;
        Some(byte)
    }

    /// A string, its quotes included.
    fn string(&mut self) -> Option<&'j [u8]> {
        (self.peek()? == b'"').then_some(())?;
        let end = string_end(self.rest)?;
        self.take(end)
    }

    /// Any value.
    fn value(&mut self) -> Option<&'j [u8]> {
        let end = match self.peek()? {
            b'"' => string_end(self.rest)?,
            b'{' | b'[' => self.nested()?,
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                self.rest.iter().position(ends)?
            }
        };
        self.take(end)
    }

    /// The length of an object or an array.
    fn nested(&self) -> Option<usize> {
        let (mut at, mut depth) = (0_usize, 0_usize);
        loop {
            match self.rest.get(at)? {
                b'"' => {
                    at += string_end(self.rest.get(at..)?)?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<&'j [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        (!taken.is_empty()).then_some(taken)
    }
}

/// The length of a string that begins with a quote.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(found)? {
            b'"' => return Some(found + 1),
            // Whatever is escaped is no end.
            _ => at = found + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(names: &[&str], objects: &str) -> Result<Vec<Vec<String>>> {
        let mut rows = Vec::new();
        Cutter::new(names.iter().copied()).each(objects.as_bytes(), |cells| {
            rows.push(cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect());
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn cells_are_cut_where_they_end() {
        let objects = r#"{"a":1,"b \"c\"":"}\",{"},{"a":{"x":[1,"]}"]},"b \"c\"":null}"#;
        assert_eq!(
            cells(&["a", "b \"c\""], objects).unwrap(),
            [["1", r#""}\",{""#], [r#"{"x":[1,"]}"]}"#, "null"]]
        );
        assert_eq!(cells(&["a"], "").unwrap(), Vec::<Vec<String>>::new());
        assert_eq!(cells(&[], "{},{}").unwrap().len(), 2);
    }

    #[test]
    fn another_order_and_white_space_are_understood() {
        let objects = "{ \"b\" : 2 , \"x\": [ ] , \"a\" : 1 }\n,\n{\"a\":3}";
        assert_eq!(cells(&["a", "b"], objects).unwrap(), [["1", "2"], ["3", "null"]]);
    }

    #[test]
    fn what_is_no_row_is_an_error() {
        for objects in
            ["{", "1", "{\"a\"}", "{\"a\":}", "{\"a\":1}{", "{\"a\":\"x}", "{\"a\":1},", "{\"a\":[}"]
        {
            assert!(cells(&["a"], objects).is_err(), "{objects}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(text in "[{}\\[\\]\",:\\\\a1 ]{0,40}") {
            let _ = cells(&["a"], &text);
        }
    }
}
