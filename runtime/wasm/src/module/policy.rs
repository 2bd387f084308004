//! What the operator says of a module.

use std::time::Duration;

use dial::AllowRule;

use super::Module;
use super::digest::Digest;
use super::refused::Refused;
use super::signature::SigningKey;
use crate::places::SESSIONS_OF_A_MODULE;

/// An instance's memory where nobody says.
pub const DEFAULT_MEMORY: u64 = 128 * 1024 * 1024;
/// How long a call may compute where nobody says.
pub const DEFAULT_RUNNING: Duration = Duration::from_secs(10);
/// Sessions at once where nobody says.
pub const DEFAULT_SESSIONS: usize = 16;

/// An instance needs this much to be of any use: a page of a megabyte for its stack, and some for its rows.
const LEAST_MEMORY: u64 = 4 * 1024 * 1024;
/// What 32-bit code can address.
const MOST_MEMORY: u64 = 4 * 1024 * 1024 * 1024;
/// What one module can have of the pool that all share.
const MOST_SESSIONS: u64 = SESSIONS_OF_A_MODULE as u64;
/// One tick of the clock that counts running time.
const LEAST_RUNNING_MS: u64 = 10;
/// As long as a job may last.
const MOST_RUNNING_MS: u64 = 24 * 60 * 60 * 1000;

/// What the operator says of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModulePolicy {
    /// Whether a file may only be loaded that one of the next two names.
    pub require_pin: bool,
    /// The only file that may be loaded.
    pub sha256: Option<Digest>,
    /// The key that must have signed it.
    pub signature: Option<SigningKey>,
    /// Hosts that it may reach besides those that its source's configuration names.
    pub allow_hosts: Vec<AllowRule>,
    /// Bytes of memory for one instance.
    pub memory: u64,
    /// How long one call may compute; waiting for the network does not count.
    pub running: Duration,
    /// Sessions at once.
    pub max_sessions: usize,
}

/// What the operator says of one file.
pub trait PolicyOf {
    /// Of the file itself, whatever is in it.
    fn of_file(&self) -> Option<ModulePolicy>;

    /// Of whichever file wants to serve this bridge.
    fn of_bridge(self, bridge: &str) -> ModulePolicy;
}

/// The same for every file.
impl PolicyOf for ModulePolicy {
    fn of_file(&self) -> Option<ModulePolicy> {
        Some(self.clone())
    }

    fn of_bridge(self, _: &str) -> ModulePolicy {
        self
    }
}

/// A value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

impl Default for ModulePolicy {
    fn default() -> Self {
        ModulePolicy {
            require_pin: false,
            sha256: None,
            signature: None,
            allow_hosts: Vec::new(),
            memory: DEFAULT_MEMORY,
            running: DEFAULT_RUNNING,
            max_sessions: DEFAULT_SESSIONS,
        }
    }
}

impl ModulePolicy {
    /// Sets the bytes of memory from a text such as `128MiB`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn set_memory(&mut self, text: &str) -> Result<(), PolicyError> {
        let wrong = || PolicyError("must be a size from 4MiB to 4GiB, such as \"128MiB\"".to_owned());
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let unit = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1024,
            "MiB" => 1024 * 1024,
            "GiB" => 1024 * 1024 * 1024,
            _ => return Err(wrong()),
        };
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        self.memory = bytes.filter(|bytes| (LEAST_MEMORY..=MOST_MEMORY).contains(bytes)).ok_or_else(wrong)?;
        Ok(())
    }

    /// Sets how long a call may compute, in milliseconds.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn set_running_ms(&mut self, millis: i64) -> Result<(), PolicyError> {
        let millis = within(millis, LEAST_RUNNING_MS, MOST_RUNNING_MS)?;
        self.running = Duration::from_millis(millis);
        Ok(())
    }

    /// Sets how many sessions there may be at once.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn set_max_sessions(&mut self, sessions: i64) -> Result<(), PolicyError> {
        let sessions = within(sessions, 1, MOST_SESSIONS).map_err(|PolicyError(range)| {
            PolicyError(format!(
                "{range}: as many sessions as a runner has for one module; run another runner for more"
            ))
        })?;
        self.max_sessions = usize::try_from(sessions).unwrap_or(DEFAULT_SESSIONS);
        Ok(())
    }

    /// Whether the operator said which file it is, by its digest or by who signs it.
    pub fn is_pinned(&self) -> bool {
        self.sha256.is_some() || self.signature.is_some()
    }

    /// Whether a module that was loaded under another policy may go on: its file is still the one that is asked for, and it
    /// is known to be signed with the key that is.
    pub(crate) fn still_admits(&self, loaded: &Module) -> bool {
        let is_signed = self.signature.is_none() || self.signature == loaded.policy.signature;
        self.admits(loaded.digest).is_ok() && is_signed
    }

    /// Whether a file of this digest may be loaded. Says nothing of its signature.
    pub(crate) fn admits(&self, found: Digest) -> Result<(), Refused> {
        match self.sha256 {
            Some(wanted) if wanted != found => Err(Refused::Digest { wanted, found }),
            None if self.require_pin && !self.is_pinned() => Err(Refused::Unpinned { found }),
            _ => Ok(()),
        }
    }
}

fn within(number: i64, least: u64, most: u64) -> Result<u64, PolicyError> {
    let number = u64::try_from(number).ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| PolicyError(format!("must be a whole number from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_numbers_are_read_within_their_bounds() {
        let mut policy = ModulePolicy::default();
        for (text, bytes) in
            [("128MiB", 128 << 20), ("64 MiB", 64 << 20), ("4GiB", 4 << 30), ("8388608", 8 << 20)]
        {
            policy.set_memory(text).unwrap();
            assert_eq!(policy.memory, bytes, "{text}");
        }
        for wrong in ["", "MiB", "128MB", "1KiB", "5GiB", "-1", "99999999999999999999", "1e9", "ü"] {
            assert!(policy.set_memory(wrong).is_err(), "{wrong}");
        }
        assert!(policy.set_running_ms(5).is_err() && policy.set_running_ms(-1).is_err());
        policy.set_running_ms(250).unwrap();
        assert_eq!(policy.running, Duration::from_millis(250));
        assert!(policy.set_max_sessions(0).is_err() && policy.set_max_sessions(113).is_err());
        let error = policy.set_max_sessions(1_000).unwrap_err().to_string();
        assert!(error.contains("from 1 to 112") && error.contains("another runner"), "{error}");
        policy.set_max_sessions(3).unwrap();
        assert_eq!(policy.max_sessions, 3);
    }
}
