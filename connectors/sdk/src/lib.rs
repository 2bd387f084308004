//! Write a connector for your database as a sandboxed WASM component.
//!
//! - `connector`, `rows`, `row_writer`: what a connector implements, and what it writes rows with
//! - `config`: its settings
//! - `error`: errors by name
//! - `net`, `http`, `url`: connections, requests, and where they go
//! - `testing`: a connector in a test, without a runner
//! - `log`: lines in the runner's log
//! - `component` (for `wasm32` only): the exports

extern crate self as semilayer_connector;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod component;
pub mod config;
pub mod connector;
pub mod error;
pub mod http;
pub mod log;
pub mod net;
pub mod row_writer;
pub mod rows;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[doc(hidden)]
pub mod text;
pub mod url;

pub use connector_model as model;
pub use connector_model::filter;
pub use connector_model::request;
pub use semilayer_connector_macros::connector;

pub use config::Config;
pub use connector::{Connector, Described, Session};
pub use row_writer::RowWriter;
pub use rows::{Fill, Rows};

/// Everything that a connector usually names.
pub mod prelude {
    pub use connector_model::cursor::CursorKind;
    pub use connector_model::filter::Filter;
    pub use connector_model::request::{Aggregate, ChangedSince, Count, Order, Query, Read};
    pub use connector_model::target::{Column, LogicalType, Target, TargetColumn, TargetSchema};
    pub use semilayer_connector_macros::{Config, connector};

    pub use crate::config::{Config, Secret};
    pub use crate::connector::{BoxedRows, Call, Connector, Counted, Described, ServerInfo, Session};
    pub use crate::error::{Error, ErrorCode, Result};
    pub use crate::row_writer::{Row, RowWriter};
    pub use crate::rows::{End, Fill, Rows};
}
