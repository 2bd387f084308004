//! Keys in an order that no cache foresees, the same in every run.

/// Draws keys of the reference table.
#[derive(Debug)]
pub(crate) struct Keys {
    state: u64,
    rows: u64,
}

impl Keys {
    /// Keys from 1 to `rows`.
    pub(crate) fn new(rows: u32) -> Self {
        Keys { state: 0x9E37_79B9_7F4A_7C15, rows: u64::from(rows.max(1)) }
    }

    /// The next one (xorshift64, Marsaglia 2003).
    pub(crate) fn next(&mut self) -> i32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        i32::try_from(self.state % self.rows + 1).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_table_and_spread() {
        let mut keys = Keys::new(100);
        let drawn: std::collections::BTreeSet<i32> = (0..5_000).map(|_| keys.next()).collect();
        assert_eq!((drawn.first(), drawn.last(), drawn.len()), (Some(&1), Some(&100), 100));
    }
}
