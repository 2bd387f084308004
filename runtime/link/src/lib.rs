//! One supervised WebSocket to the gateway.
//!
//! [`Link::run`] connects, says hello, serves jobs, and connects again when the socket is lost, until it is
//! asked to stop or the gateway refuses for good. What a job does is not known here: it is handed to a
//! [`JobHandler`] together with a [`JobReply`], which is how its result gets back.
//!
//! - settings: [`Settings`], [`GatewayUrl`], [`TokenIn`];
//! - getting a stream: [`Connect`], and [`DialConnect`] over the runner's dialer;
//! - one session: the upgrade, then one task that reads and one that writes, joined by a fair queue. The
//!   reading side never waits for a send;
//! - between sessions: [`Disconnect`] says why one ended, [`Backoff`] how long to wait;
//! - [`probe`]: asks whether this runner would be accepted, without ever being given a job.
//!
//! Time is tokio's clock only, so that tests can pause it.

mod backoff;
mod connect;
mod control;
mod dial_connect;
mod disconnect;
mod fair_queue;
mod farewell;
mod frame_log;
mod gateway_url;
mod handler;
mod link;
mod observer;
mod probe;
mod reconnect;
mod reply;
mod send_queue;
mod session;
mod settings;
mod silence;
mod upgrade;
mod watched;
mod window;
mod writer;

pub use backoff::Backoff;
pub use connect::{Connect, ConnectError};
pub use dial_connect::{DialConnect, Opened};
pub use disconnect::{Disconnect, Reason};
pub use gateway_url::{GatewayUrl, UrlError};
pub use handler::{HelloParts, JobHandler};
pub use link::{Link, Outcome, Signals};
pub use observer::{LinkState, Observer};
pub use probe::{Probe, ProbeError, Verdict, probe};
pub use reply::{Gone, JobReply};
pub use settings::{DEFAULT_AUTH_ATTEMPTS, Settings, SettingsError, TokenIn};
pub use upgrade::UpgradeError;
