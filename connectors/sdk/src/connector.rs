//! The two traits of a connector.

use std::time::Duration;

use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Target, TargetSchema};

use crate::config::Config;
use crate::rows::Rows;

/// One kind of database. The [`connector`](macro@crate::connector) attribute on its `impl` makes a component of it.
pub trait Connector: 'static {
    /// What a source is configured with.
    type Config: Config;
    /// One connection.
    type Session: Session;

    /// Opens a session: connects, and proves the credentials where the database lets it.
    ///
    /// # Errors
    /// What [`error`](mod@crate::error) has a name for; a message says what is wrong and what to do.
    fn open(config: Self::Config, deadline: Duration) -> Result<Self::Session>;

    /// Stops in the database what the call with this token started; runs in an instance of its own. Not needed where
    /// closing the connection stops the work.
    ///
    /// # Errors
    /// Whatever kept it from doing so; the runner logs it.
    fn interrupt(config: Self::Config, token: &str) -> Result<()> {
        let _ = (config, token);
        Ok(())
    }
}

/// What a connector says of itself; the [`connector`](macro@crate::connector) attribute writes it.
pub trait Described: Connector {
    /// The name by which sources ask for it.
    const BRIDGE: &'static str;
    /// The manifest, as in the custom section of the component: JSON.
    const MANIFEST: &'static str;
}

/// What bounds one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is left until the runner gives the call up; worth handing on to a database that takes a time limit.
    pub deadline: Duration,
    /// What [`Connector::interrupt`] is given to stop this call: letters, digits and hyphens.
    pub token: String,
}

/// A result whose rows are pulled.
pub type BoxedRows<S> = Box<dyn Rows<S>>;

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// The product, such as `Redis`.
    pub product: String,
    /// Its version in its own words.
    pub version: String,
    /// Whether this login could write; `None` when the server does not say.
    pub can_write: Option<bool>,
    /// What works and should be mended, a sentence each.
    pub warnings: Vec<String>,
}

/// A number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub total: u64,
    /// Whether the database only estimated it.
    pub approximate: bool,
}

/// One connection. One call at a time: while a result is read, nothing else is asked of its session.
///
/// What is not implemented is answered as not supported; leave it out of the attribute's `operations` too, then the
/// runner does not even ask.
pub trait Session: Sized + 'static {
    /// Asks the server for a sign of life, with the credentials.
    ///
    /// # Errors
    /// Whatever the server or the network answered instead.
    fn ping(&mut self) -> Result<ServerInfo>;

    /// Everything that can be read.
    ///
    /// # Errors
    /// What the database refused.
    fn list_targets(&mut self) -> Result<Vec<Target>> {
        Err(unsupported("listing targets"))
    }

    /// One target's columns and key.
    ///
    /// # Errors
    /// [`not_found`](crate::error::not_found) with the nearest names.
    fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        let _ = target;
        Err(unsupported("introspecting a target"))
    }

    /// Rows in key order, page by page.
    ///
    /// # Errors
    /// [`not_found`](crate::error::not_found), `INVALID_JOB` naming the option, what the database refused.
    fn read(&mut self, call: &Call, request: &Read) -> Result<BoxedRows<Self>> {
        let _ = (call, request);
        Err(unsupported("`read`"))
    }

    /// Filtered, ordered rows. `request.joins` is always empty, `request.include_total` always false: the runner asks
    /// [`Session::count`] when it needs a total.
    ///
    /// # Errors
    /// As [`Session::read`].
    fn query(&mut self, call: &Call, request: &Query) -> Result<BoxedRows<Self>> {
        let _ = (call, request);
        Err(unsupported("`query`"))
    }

    /// How many rows match.
    ///
    /// # Errors
    /// As [`Session::read`].
    fn count(&mut self, call: &Call, request: &Count) -> Result<Counted> {
        let _ = (call, request);
        Err(unsupported("`count`"))
    }

    /// Groups with their measures, each an object `{"dims": {…}, "measures": {…}, "count": n}` in the place of a row.
    /// Only what the manifest's aggregate capabilities name is asked; the rest the runner computes of [`Session::query`].
    ///
    /// # Errors
    /// As [`Session::read`].
    fn aggregate(&mut self, call: &Call, request: &Aggregate) -> Result<BoxedRows<Self>> {
        let _ = (call, request);
        Err(unsupported("`aggregate`"))
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorCode::UnsupportedJob, format!("this connector does not do {what}"))
}
