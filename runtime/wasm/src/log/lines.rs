//! Bytes in pieces to lines.

use super::secrets::MAX_SEARCHED;

/// The longest line, in bytes; of a longer one this much is taken and the rest left out. It is more than is searched for
/// secrets, so that one that is cut here counts as cut there.
const MAX_BYTES: usize = MAX_SEARCHED + 4;

/// The line that has no end yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes a piece and gives every line that it ends. Bytes that are no UTF-8 are replaced.
    pub(super) fn feed(&mut self, piece: &[u8], mut line: impl FnMut(&str)) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let (content, ended) = match part.strip_suffix(b"\n") {
                Some(content) => (content, true),
                None => (part, false),
            };
            let room = MAX_BYTES - self.partial.len();
            self.partial.extend_from_slice(content.get(..room).unwrap_or(content));
            if ended {
                self.end(&mut line);
            }
        }
    }

    /// Gives the line that has no end, if there is one.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.partial.is_empty() {
            self.end(&mut line);
        }
    }

    fn end(&mut self, line: &mut impl FnMut(&str)) {
        let content = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        line(&String::from_utf8_lossy(content));
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            lines.feed(piece, |line| found.push(line.to_owned()));
        }
        lines.finish(|line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn pieces_become_lines() {
        assert_eq!(lines(&[b"a\nb", b"c\r\n", b"\n", b"d"]), ["a", "bc", "", "d"]);
        assert_eq!(lines(&[b"\xff\n"]), ["\u{fffd}"]);
        assert!(lines(&[b""]).is_empty());
    }

    proptest! {
        #[test]
        fn every_line_comes_and_of_a_long_one_its_beginning(
            lengths in prop::collection::vec(0..MAX_BYTES * 2, 0..6),
            piece in 1..100_000_usize,
        ) {
            let text: Vec<u8> = lengths.iter().flat_map(|length| [&vec![b'a'; *length][..], b"\n"].concat()).collect();
            let found: Vec<usize> = lines(&text.chunks(piece).collect::<Vec<_>>()).iter().map(String::len).collect();
            let expected: Vec<usize> = lengths.iter().map(|length| *length.min(&MAX_BYTES)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
