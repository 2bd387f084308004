//! What a connector implements, and what it is handed.
//!
//! A [`Connector`] is one kind of database, a [`Source`] one configured database, a [`Session`] one connection that
//! does one thing at a time. A session pushes rows into a [`RowSink`], straight from what the database sent.
//!
//! - [`connector`]: the three traits
//! - [`context`]: what a call is bounded by (deadline, cancel), and what an open dials with
//! - [`deadline`]: the time that the stages of an open share
//! - [`mask_key`]: the key of the policy's hashes
//! - [`paths`]: which files a source may open
//! - [`pem`]: certificates and keys that a configuration gives
//! - [`stage`]: the steps of opening a session, for whoever wants to watch them
//! - [`sink`]: the row sink and the chunks it sends
//! - [`mod@unreachable`]: a failed dial as a connector's error

pub mod connector;
pub mod context;
pub mod deadline;
pub mod mask_key;
pub mod paths;
pub mod pem;
pub mod sink;
pub mod stage;
pub mod unreachable;

pub use connector::{Connector, Counted, Page, ServerInfo, Session, Source};
pub use context::{CallContext, OpenContext, Stopped};
pub use deadline::ConnectDeadline;
pub use mask_key::MaskKey;
pub use paths::PathRules;
pub use pem::read_pem;
pub use sink::{Chunks, RowSink, SinkLimits};
pub use stage::{Stage, StageObserver, StageReport};
