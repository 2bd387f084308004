//! What a source's configuration says about its pool.

use std::time::Duration;

use connector_model::config::Config;
use connector_model::error::{Error, Result};

/// The most sessions one pool may be given; more connections than this slow every database down.
const MOST_SESSIONS: i64 = 1_000;
/// Sessions of a pool that says nothing.
const DEFAULT_SESSIONS: usize = 10;
/// When an unused session is closed, unless the pool says otherwise.
const DEFAULT_IDLE: Duration = Duration::from_secs(5 * 60);
/// How long opening a session may take, unless the source has a setting for it.
const DEFAULT_OPEN: Duration = Duration::from_secs(10);
/// The setting of connectors that have one, in milliseconds.
const OPEN_KEY: &str = "connectionTimeoutMillis";
const A_DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Size and times of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Sessions open at once.
    pub max: usize,
    /// Sessions that stay open while idle.
    pub min: usize,
    /// When an unused session is closed; `None` is never.
    pub idle: Option<Duration>,
    /// How long opening a session may take.
    pub open: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        PoolSettings { max: DEFAULT_SESSIONS, min: 0, idle: Some(DEFAULT_IDLE), open: DEFAULT_OPEN }
    }
}

impl PoolSettings {
    /// Takes the `pool.` settings out of a source's configuration.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting and its range.
    pub fn take(config: &mut Config) -> Result<Self> {
        let pool = config.split_off_prefix("pool.");
        let default = PoolSettings::default();
        let max = pool.number("pool.max", 1..=MOST_SESSIONS)?.map_or(default.max, size);
        let min = pool.number("pool.min", 0..=MOST_SESSIONS)?.map_or(default.min, size);
        if min > max {
            return Err(Error::config(
                "pool.min",
                format_args!("{min} is more than pool.max, which is {max}"),
            ));
        }
        let idle = match pool.number("pool.idleTimeoutMillis", 0..=A_DAY_MS)? {
            Some(0) => None,
            Some(millis) => Some(millis_of(millis)),
            None => default.idle,
        };
        // 0 is "no limit" to clients that have this setting; here it is the default one.
        let open = match config.number(OPEN_KEY, 0..=A_DAY_MS)? {
            Some(0) | None => default.open,
            Some(millis) => millis_of(millis),
        };
        Ok(PoolSettings { max, min, idle, open })
    }
}

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(DEFAULT_SESSIONS)
}

fn millis_of(number: i64) -> Duration {
    Duration::from_millis(number.unsigned_abs())
}
