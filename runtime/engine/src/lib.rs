//! A job's life between the frame that asked for it and the one that ends it.
//!
//! The engine knows connectors by their traits only: no driver, no socket, no frame. A job comes in as a
//! [`JobRequest`], its rows leave through a [`Reply`], and it ends exactly once whatever happens in between.
//!
//! 1. `admission`: so many jobs at once, so many for each source, the rest wait in a fair, bounded queue;
//! 2. `source`: the source's name becomes a connector and a configuration, from the gateway, the environment
//!    or the file;
//! 3. `pool`: a session is lent; opening, health, idle close and a breaker for dead servers live there, once
//!    for every connector;
//! 4. `job`: the request runs on the session, bounded by deadline and cancel, and its end is sent;
//! 5. `health`: what that says of the source.
//!
//! [`Engine`] joins them.

mod admission;
mod assignment;
mod bridges;
mod engine;
mod health;
mod job;
mod pool;
mod settings;
mod source;

mod lock;

pub use assignment::{Assignment, Credentials};
pub use bridges::{Bridges, NameTaken, PUBLISHED_BRIDGES, Served};
pub use engine::{Drained, Engine, Submitted};
pub use health::{SourceHealth, SourceState, Stats};
pub use job::{Done, JobRequest, Reply, aggregate_by_scan, events};
pub use pool::PoolSettings;
pub use settings::{EngineSettings, Limits, ManagedRules};
pub use source::{
    Environment, FileReader, FileSource, FileSources, Found, FoundSource, ResolvedSource, Resolver,
    SettingOrigin, SourceWarning, find_sources, shown_path, variable_key, variable_name,
};
