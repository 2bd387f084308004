//! How often an address may be refused before it is only told to wait.
//!
//! Good credentials are never held back: an address is often a whole company behind one router. What is limited is the
//! work and the audit entries that refusing costs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Refusals that one address gets in a window before it is told to wait.
const ALLOWED: u32 = 30;
/// The window.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are counted. Past it, those whose window is over are forgotten, or else all.
const MOST: usize = 16_384;

/// Refusals by address.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<IpAddr, Window>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    count: u32,
}

impl Refusals {
    /// Counts a refusal. The error says how long the address has to wait before it is told anything else.
    pub(crate) fn note(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MOST && !windows.contains_key(&address) {
            windows.retain(|_, window| now - window.since < WINDOW);
            if windows.len() >= MOST {
                windows.clear();
            }
        }
        let window = windows.entry(address).or_insert(Window { since: now, count: 0 });
        if now - window.since >= WINDOW {
            *window = Window { since: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        if window.count > ALLOWED { Err(WINDOW.saturating_sub(now - window.since)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_is_refused_too_often_waits_for_its_window_and_no_other_does() {
        let refusals = Refusals::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..ALLOWED {
            assert_eq!(refusals.note(one), Ok(()));
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(refusals.note(one), Err(Duration::from_secs(40)));
        assert_eq!(refusals.note(other), Ok(()));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(refusals.note(one), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_of_addresses_is_bounded() {
        let refusals = Refusals::default();
        for number in 0..40_000_u32 {
            refusals.note(IpAddr::from(number.to_be_bytes())).expect("a first refusal");
        }
        assert!(refusals.0.lock().expect("the table").len() <= MOST);
    }
}
