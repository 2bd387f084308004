//! The arguments of `admin`.

use clap::{Args, Subcommand};

/// Change or list things of a running gateway.
#[derive(Debug, Args)]
pub(crate) struct AdminCommand {
    /// Print the gateway's own JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) action: Action,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Runners and their tokens
    Runners {
        #[command(subcommand)]
        action: RunnerAction,
    },
    /// Sources
    Sources {
        #[command(subcommand)]
        action: SourceAction,
    },
    /// Service and admin keys
    Keys {
        #[command(subcommand)]
        action: KeyAction,
    },
    /// What was asked and how it ended, newest first
    Jobs {
        /// Only those of this runner, by id or name
        #[arg(long)]
        runner: Option<String>,
        /// Only those of this source, by id or name
        #[arg(long)]
        source: Option<String>,
        /// Only those that stand so: dispatched, done, failed, cancelled, expired
        #[arg(long)]
        status: Option<String>,
        /// How far back: 15m, 2h, 7d, or a time in RFC 3339
        #[arg(long)]
        since: Option<String>,
        /// At most so many, up to 1000
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Who changed what and who was refused, newest first
    Audit {
        /// Only what is about this runner, by id or name
        #[arg(long)]
        runner: Option<String>,
        /// How far back: 15m, 2h, 7d, or a time in RFC 3339
        #[arg(long)]
        since: Option<String>,
        /// At most so many, up to 1000
        #[arg(long)]
        limit: Option<u32>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RunnerAction {
    /// Create a runner and print the variables to start it with, once
    Create {
        /// Its name
        name: String,
    },
    /// List runners and how they stand
    List,
    /// Replace a runner's token: the old one is refused at once
    Rotate {
        /// Its id or name
        runner: String,
    },
    /// Revoke a runner for good: its sockets are closed at once
    Revoke {
        /// Its id or name
        runner: String,
    },
    /// Let a runner serve a source
    Assign {
        /// The runner's id or name
        runner: String,
        /// The source's id or name
        source: String,
    },
    /// Take a source from a runner
    Unassign {
        /// The runner's id or name
        runner: String,
        /// The source's id or name
        source: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SourceAction {
    /// Connect a source whose credentials stay with its runner
    Connect {
        /// Its name, which callers and the runner's variables use
        name: String,
        /// The bridge that speaks to it: postgres, sqlite, @semilayer/bridge-postgres …
        #[arg(long)]
        bridge: String,
        /// The deadline of its jobs unless the caller names one, in milliseconds
        #[arg(long)]
        timeout_ms: Option<u32>,
    },
    /// List sources
    List,
    /// Delete a source and its assignments
    Delete {
        /// Its id or name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyAction {
    /// Make a key and print it, once
    Create {
        /// sk runs jobs, admin changes and reads everything
        #[arg(long, default_value = "sk", value_parser = ["sk", "admin"])]
        kind: String,
        /// A label, for telling keys apart
        #[arg(long)]
        name: Option<String>,
    },
    /// List keys, without their text
    List,
    /// Revoke a key: it is refused at once
    Revoke {
        /// Its id
        id: String,
    },
}
