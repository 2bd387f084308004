//! The gateway: the other end of a runner's socket, and the HTTP API that reads through it.
//!
//! - [`Settings`]: what a gateway is told, read once from an [`Environment`];
//! - [`start`] and [`Running`]: a gateway in this process, for the program itself and for those that embed it;
//! - [`Administration`]: every change a person can make, whoever asks for it;
//! - [`store`]: what is remembered, behind a trait;
//! - [`Command`] and [`run`]: the program's arguments and what each does.
//!
//! Inside: `sessions` keeps runners' sockets, `dispatch` brings a job to one of them and back, `directory` answers from
//! memory who may do what, `http` is the API, `serve` the listener.

mod admin;
mod administration;
mod app;
mod bridge;
mod command;
mod directory;
mod dispatch;
mod environment;
mod http;
mod refusals;
mod serve;
mod sessions;
mod settings;
mod start;
pub mod store;
mod tokens;

pub use administration::{
    Actor, Administration, ChangeError, CreatedKey, CreatedRunner, KeyRequest, RunnerOverview, RunnerState,
    SourceReport, SourceRequest,
};
pub use command::{Command, Exit, run};
pub use environment::{Environment, EnvironmentError};
pub use settings::{Database, Settings, SettingsError, Timings, TlsFiles};
pub use start::{Running, StartError, start};
pub use tokens::{NewToken, TokenHash, TokenKind};
