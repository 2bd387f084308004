//! How many bytes one job may send before the far side must say that it has room.

use runner_protocol::limits::INITIAL_WINDOW_BYTES;

/// One job's send window, in frame bytes.
///
/// A chunk may start while the window is open and may take it below zero: otherwise a row larger than the
/// window could never be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window(i64);

impl Default for Window {
    fn default() -> Self {
        Self(clamp(INITIAL_WINDOW_BYTES))
    }
}

impl Window {
    pub(crate) fn is_open(&self) -> bool {
        self.0 > 0
    }

    pub(crate) fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        self.0 = self.0.saturating_add(clamp(bytes));
    }
}

fn clamp(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_may_overdraw_and_the_debt_is_paid_first() {
        let mut window = Window::default();
        window.take(1024 * 1024 - 1);
        assert!(window.is_open());
        window.take(8 * 1024 * 1024);
        assert!(!window.is_open());
        window.add(8 * 1024 * 1024 - 1);
        assert!(!window.is_open());
        window.add(1);
        assert!(window.is_open());
    }

    #[test]
    fn a_hostile_credit_does_not_overflow() {
        let mut window = Window::default();
        window.add(u64::MAX);
        window.add(u64::MAX);
        assert!(window.is_open());
        window.take(usize::MAX);
        window.take(usize::MAX);
        window.take(usize::MAX);
        assert!(!window.is_open());
    }
}
