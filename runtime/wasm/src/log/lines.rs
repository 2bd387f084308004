//! Bytes in pieces to lines.

/// The longest line, in bytes; a longer one becomes several.
const MAX_BYTES: usize = 8 * 1024;

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
            let mut rest = content;
            while let Some((fits, more)) = rest.split_at_checked(MAX_BYTES - self.partial.len())
                && !more.is_empty()
            {
                self.partial.extend_from_slice(fits);
                rest = more;
                self.end(&mut line);
            }
            self.partial.extend_from_slice(rest);
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
        fn nothing_is_lost_and_no_line_is_too_long(
            pieces in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab\n".to_vec()), 0..20_000), 0..4),
        ) {
            let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let found = lines(&slices);
            prop_assert!(found.iter().all(|line| line.len() <= MAX_BYTES));
            let text: Vec<u8> = pieces.concat().into_iter().filter(|byte| *byte != b'\n').collect();
            prop_assert_eq!(found.concat().into_bytes(), text);
        }
    }
}
