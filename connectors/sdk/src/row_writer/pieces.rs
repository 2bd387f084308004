//! Rows that are more than one batch may hold, handed out one batch at a time.

/// A place between two rows where a batch may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Up to here go the rows' bytes.
    pub(crate) end: usize,
    /// And so many rows there are up to here.
    pub(crate) rows: u32,
}

/// Rows with the places where they are cut. Each byte is copied once, into the batch that holds it.
#[derive(Debug)]
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    cuts: std::vec::IntoIter<Cut>,
    /// Where the last piece ended.
    last: Cut,
}

impl Pieces {
    /// The last of the cuts is the end of the rows.
    pub(crate) fn new(bytes: Vec<u8>, cuts: Vec<Cut>) -> Pieces {
        Pieces { bytes, cuts: cuts.into_iter(), last: Cut { end: 0, rows: 0 } }
    }
}

impl Iterator for Pieces {
    type Item = (u32, Vec<u8>);

    fn next(&mut self) -> Option<(u32, Vec<u8>)> {
        let Cut { end, rows } = self.cuts.next()?;
        // A comma stands between the last row of one piece and the first of the next.
        let begin = if self.last.rows == 0 { 0 } else { self.last.end + 1 };
        let piece = self.bytes.get(begin..end)?.to_vec();
        let rows_of_it = rows - self.last.rows;
        self.last = Cut { end, rows };
        Some((rows_of_it, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_pieces_without_the_commas_between_them() {
        let cuts = [(5, 2), (8, 3), (14, 5)].map(|(end, rows)| Cut { end, rows });
        let pieces = Pieces::new(b"{},{},{},{},{}".to_vec(), cuts.to_vec());
        let texts: Vec<(u32, String)> =
            pieces.map(|(rows, bytes)| (rows, String::from_utf8(bytes).unwrap())).collect();
        assert_eq!(texts, [(2, "{},{}".to_owned()), (1, "{}".to_owned()), (2, "{},{}".to_owned())]);
    }
}
