//! Time, memory, stack, handles, log lines: as much as there is.

use std::time::Duration;

use crate::semilayer::connector::log::{Level, emit};
use crate::wasi::clocks::monotonic_clock::subscribe_duration;
use crate::wasi::random::random::get_random_bytes;

/// How many lines a flood has.
const LINES: usize = 200_000;

/// How many handles are kept open.
const HANDLES: usize = 1_000_000;

/// Computes until somebody stops it.
pub fn spin() {
    let mut state = 1_u64;
    while std::hint::black_box(state) != 0 {
        state = state.wrapping_mul(6_364_136_223_846_793_005) | 1;
    }
}

/// Waits for far longer than any job may take.
pub fn sleep() {
    std::thread::sleep(Duration::from_secs(24 * 3600));
}

/// Calls itself until the stack ends that is in its memory: it has arrays on it.
pub fn deep(level: u64) -> u64 {
    let frame = std::hint::black_box([level; 32]);
    if level == u64::MAX { 0 } else { deep(level + 1) + frame[(level % 32) as usize] }
}

/// Calls itself until the stack of its calls ends: there is nothing else on it.
#[inline(never)]
pub fn deep_calls(level: u64, step: u64) -> u64 {
    if level == u64::MAX { 0 } else { deep_calls(level.wrapping_add(step), step).wrapping_mul(31) ^ level }
}

/// Asks for memory until there is none, and uses it.
pub fn grow() -> usize {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1; 1 << 20]));
        if kept.len() > 1 << 20 {
            return kept.len();
        }
    }
}

/// Opens handles of the host and keeps them.
pub fn handles() -> (&'static str, String) {
    let kept: Vec<_> = (0..HANDLES).map(|_| subscribe_duration(3_600_000_000_000)).collect();
    ("kept", kept.len().to_string())
}

/// Asks for more random bytes than it could ever hold.
pub fn randomness() -> (&'static str, String) {
    ("random", get_random_bytes(u64::from(u32::MAX)).len().to_string())
}

/// Writes log lines that pretend to be others.
pub fn logs() -> (&'static str, String) {
    let field = ("na\nme".to_owned(), "va\r\nlue\u{1b}[0m".to_owned());
    let fields: Vec<_> = (0..64).map(|_| field.clone()).collect();
    for at in 0..LINES {
        emit(
            Level::Error,
            &format!("{at}\r\n\u{1b}[2J2026-01-01T00:00:00Z INFO forged by a module"),
            &fields,
        );
    }
    ("logged", LINES.to_string())
}

/// The same over standard output and error, with a line that does not end among them.
pub fn prints() -> (&'static str, String) {
    let endless = "x".repeat(1 << 20);
    for at in 0..LINES {
        println!("{at}\r\u{1b}[2J forged by a module");
        if at % 1_000 == 0 {
            eprint!("{endless}");
        }
    }
    ("printed", LINES.to_string())
}
