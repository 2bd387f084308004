//! Close codes, and what a runner does after each.

/// Texts that a gateway puts beside a close code.
pub mod reasons {
    /// 4401: the token is not one of the gateway's.
    pub const BAD_TOKEN: &str = "bad token";
    /// 4401: the token is good, but not for this runner id.
    pub const UNKNOWN_RUNNER: &str = "unknown runner";
    /// 4401: the token, or the runner, has been revoked.
    pub const REVOKED: &str = "revoked";
    /// 4400: what the text begins with.
    pub const PROTOCOL_ERROR: &str = "protocol error";
    /// 4408: no sign of life for too long.
    pub const HEARTBEAT_TIMEOUT: &str = "heartbeat timeout";
    /// 4409: the two sides share no version.
    pub const UNSUPPORTED_VERSION: &str = "unsupported version";
    /// 4503: the gateway is going away.
    pub const DRAINING: &str = "draining";
}

/// Why a WebSocket was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 4401: bad token, unknown runner, or revoked.
    Unauthorized,
    /// 4400: protocol error.
    ProtocolError,
    /// 4408: heartbeat timeout.
    HeartbeatTimeout,
    /// 4409: unsupported version.
    UnsupportedVersion,
    /// 4503: the gateway is draining.
    Draining,
    /// 1009: a message was too big (RFC 6455 section 7.4.1).
    TooBig,
    /// 1006: no close frame was seen (RFC 6455 section 7.4.1; never sent).
    Abnormal,
    /// Any other.
    Other(u16),
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// Exponential backoff from half a second to 30 s.
    Normal,
    /// Exponential backoff from 5 s to 5 min, with a limited number of attempts: the credentials were
    /// refused, and only a person can change that.
    Credentials,
    /// Once without waiting, then [`Schedule::Normal`].
    AtOnce,
}

/// What a runner does after a session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Connect again.
    Reconnect(Schedule),
    /// Stop: the gateway speaks another version, and trying again cannot change that.
    GiveUp,
}

impl CloseCode {
    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Unauthorized => 4401,
            Self::ProtocolError => 4400,
            Self::HeartbeatTimeout => 4408,
            Self::UnsupportedVersion => 4409,
            Self::Draining => 4503,
            Self::TooBig => 1009,
            Self::Abnormal => 1006,
            Self::Other(code) => code,
        }
    }

    /// What a runner does after being closed with this code.
    #[must_use]
    pub fn reaction(self) -> Reaction {
        match self {
            Self::Unauthorized => Reaction::Reconnect(Schedule::Credentials),
            Self::UnsupportedVersion => Reaction::GiveUp,
            Self::Draining => Reaction::Reconnect(Schedule::AtOnce),
            Self::ProtocolError | Self::HeartbeatTimeout | Self::TooBig | Self::Abnormal | Self::Other(_) => {
                Reaction::Reconnect(Schedule::Normal)
            }
        }
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        match code {
            4401 => Self::Unauthorized,
            4400 => Self::ProtocolError,
            4408 => Self::HeartbeatTimeout,
            4409 => Self::UnsupportedVersion,
            4503 => Self::Draining,
            1009 => Self::TooBig,
            1006 => Self::Abnormal,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_way_there_and_back() {
        for code in 0..=u16::MAX {
            assert_eq!(CloseCode::from(code).code(), code);
        }
    }

    #[test]
    fn only_a_version_that_is_not_spoken_ends_the_runner() {
        for code in 0..=u16::MAX {
            let gives_up = CloseCode::from(code).reaction() == Reaction::GiveUp;
            assert_eq!(gives_up, code == 4409, "{code}");
        }
        assert_eq!(CloseCode::from(4401).reaction(), Reaction::Reconnect(Schedule::Credentials));
        assert_eq!(CloseCode::from(4503).reaction(), Reaction::Reconnect(Schedule::AtOnce));
        assert_eq!(CloseCode::from(1006).reaction(), Reaction::Reconnect(Schedule::Normal));
    }
}
