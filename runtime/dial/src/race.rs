//! Which address answers first: Happy Eyeballs, RFC 8305.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::destination::CheckedAddress;
use crate::error::Attempt;
use crate::kind::Kind;

/// How long an attempt is alone before the next one joins it: RFC 8305 §8, "Connection Attempt Delay".
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The race's record, which outlives a race that was cut short.
#[derive(Debug, Default)]
pub(crate) struct Scoreboard {
    /// Attempts that failed, in the order of their failures.
    pub(crate) failed: Vec<Attempt>,
    /// The error of the latest of them, to be an error's source.
    pub(crate) last_error: Option<io::Error>,
}

/// Alternates the two families, beginning with that of the first address (RFC 8305 §4).
pub(crate) fn interleave(addresses: &[CheckedAddress]) -> Vec<CheckedAddress> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let preferred_v6 = first.socket_addr().is_ipv6();
    let (mut preferred, mut other): (VecDeque<_>, VecDeque<_>) =
        addresses.iter().copied().partition(|address| address.socket_addr().is_ipv6() == preferred_v6);
    let mut order = Vec::with_capacity(addresses.len());
    while !(preferred.is_empty() && other.is_empty()) {
        order.extend(preferred.pop_front());
        order.extend(other.pop_front());
    }
    order
}

/// Starts an attempt for each address in turn, 250 ms apart or as soon as all under way have failed, and
/// returns the first that succeeds. Dropping the future drops every attempt under way.
///
/// Returns `None` when all have failed; `scoreboard` then holds one entry an address.
pub(crate) async fn race<C, F, T>(
    order: &[CheckedAddress],
    connect: C,
    scoreboard: &mut Scoreboard,
) -> Option<(CheckedAddress, T, Duration)>
where
    C: Fn(CheckedAddress) -> F,
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = order.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let attempt = |address| {
        let connecting = connect(address);
        async move {
            let start = Instant::now();
            let result = connecting.await;
            (address, result, start.elapsed())
        }
    };
    attempts.push(attempt(waiting.next()?));
    let mut next_start = Instant::now() + ATTEMPT_DELAY;
    loop {
        let start_another = tokio::select! {
            biased;
            Some((address, result, elapsed)) = attempts.next() => match result {
                Ok(connection) => return Some((address, connection, elapsed)),
                Err(error) => {
                    let kind = Kind::of_io(&error);
                    scoreboard.failed.push(Attempt { address: address.socket_addr(), kind, elapsed });
                    scoreboard.last_error = Some(error);
                    true
                }
            },
            () = tokio::time::sleep_until(next_start), if waiting.len() > 0 => true,
        };
        if start_another && let Some(address) = waiting.next() {
            attempts.push(attempt(address));
            next_start = Instant::now() + ATTEMPT_DELAY;
        }
        if attempts.is_empty() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<CheckedAddress> {
        texts.iter().map(|text| CheckedAddress::passed(text.parse().unwrap())).collect()
    }

    #[test]
    fn families_alternate_beginning_with_the_resolvers_first() {
        let order = interleave(&addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]));
        assert_eq!(order, addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]));
        let order = interleave(&addresses(&["1.1.1.1:1", "1.1.1.2:1", "[::1]:1"]));
        assert_eq!(order, addresses(&["1.1.1.1:1", "[::1]:1", "1.1.1.2:1"]));
        assert!(interleave(&[]).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_first_address_costs_one_attempt_delay() {
        let order = addresses(&["[::1]:1", "1.1.1.1:1"]);
        let start = Instant::now();
        let connect = |address: CheckedAddress| async move {
            if address.socket_addr().is_ipv6() {
                std::future::pending::<()>().await;
            }
            Ok(())
        };
        let won = race(&order, connect, &mut Scoreboard::default()).await.unwrap();
        assert_eq!(won.0, order[1]);
        assert_eq!(start.elapsed(), ATTEMPT_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_starts_the_next_attempt_at_once() {
        let order = addresses(&["[::1]:1", "1.1.1.1:1"]);
        let start = Instant::now();
        let connect = |address: CheckedAddress| async move {
            if address.socket_addr().is_ipv6() {
                Err(io::ErrorKind::ConnectionRefused.into())
            } else {
                Ok(())
            }
        };
        let mut scoreboard = Scoreboard::default();
        race(&order, connect, &mut scoreboard).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(scoreboard.failed[0].kind, Kind::Refused);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_address_still_wins_when_it_answers_first() {
        let order = addresses(&["[::1]:1", "1.1.1.1:1"]);
        let connect = |address: CheckedAddress| async move {
            let wait = if address.socket_addr().is_ipv6() { 300 } else { 100 };
            tokio::time::sleep(Duration::from_millis(wait)).await;
            Ok(())
        };
        let won = race(&order, connect, &mut Scoreboard::default()).await.unwrap();
        assert_eq!(won.0, order[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_each_failure_is_on_record() {
        let order = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1"]);
        let connect = |_| async { Err::<(), _>(io::ErrorKind::NetworkUnreachable.into()) };
        let mut scoreboard = Scoreboard::default();
        assert!(race(&order, connect, &mut scoreboard).await.is_none());
        assert_eq!(scoreboard.failed.len(), 3);
    }
}
