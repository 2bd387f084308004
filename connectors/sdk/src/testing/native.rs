//! A connector's traits, asked as the runner asks them.

use std::marker::PhantomData;
use std::time::Duration;

use connector_model::config::Origin;
use connector_model::module::{ModuleManifest, Operation};
use connector_model::request::{self, Kind, Request};
use connector_model::target::{Target, TargetSchema};
use serde_json::Value;

use crate::config::Config as _;
use crate::connector::{BoxedRows, Call, Counted, Described, ServerInfo, Session as _};
use crate::error::{Error, Result, internal, unsupported};
use crate::pull::{Pull, Step};

/// How long an open or a call may take, as far as a connector looks at it.
const DEADLINE: Duration = Duration::from_secs(30);

/// Batches are kept small, so that a result of a few rows has several.
const BATCH_BYTES: usize = 256;

/// Opens a session of the connector `C` in this process, under the settings in `config`: an object as in a source's
/// configuration, with nested keys or dotted ones. Unknown settings are refused as the runner refuses them.
///
/// # Errors
/// `SOURCE_NOT_CONFIGURED` naming the setting; what [`Connector::open`](crate::Connector::open) returns.
pub fn native<C: Described>(config: &Value) -> Result<Harness<C>> {
    let manifest: ModuleManifest = serde_json::from_str(C::MANIFEST)
        .map_err(|failed| internal(format!("the manifest cannot be read: {failed}")))?;
    let settings = connector_model::Config::from_json(&manifest.manifest, Origin::Local, config)?;
    let session = C::open(C::Config::from_json(&settings.to_json())?, DEADLINE)?;
    Ok(Harness { session, manifest, calls: 0, connector: PhantomData })
}

/// An open session.
///
/// What it is asked goes through the same parser as a job's options do, what the manifest leaves out of `operations` is
/// not asked at all, and every batch is checked as the runner checks it.
pub struct Harness<C: Described> {
    session: C::Session,
    manifest: ModuleManifest,
    calls: u32,
    connector: PhantomData<C>,
}

/// The rows of one result.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// Each an object.
    pub rows: Vec<Value>,
    /// Where the next page begins, if the limit cut the result.
    pub next_cursor: Option<String>,
}

impl<C: Described> Harness<C> {
    /// The session itself.
    pub fn session(&mut self) -> &mut C::Session {
        &mut self.session
    }

    /// What the connector says of itself.
    pub fn manifest(&self) -> &ModuleManifest {
        &self.manifest
    }

    /// As [`Session::ping`](crate::Session::ping).
    ///
    /// # Errors
    /// What the session returns.
    pub fn ping(&mut self) -> Result<ServerInfo> {
        self.session.ping()
    }

    /// As [`Session::list_targets`](crate::Session::list_targets).
    ///
    /// # Errors
    /// What the session returns.
    pub fn list(&mut self) -> Result<Vec<Target>> {
        self.declared(Operation::ListTargets)?;
        self.session.list_targets()
    }

    /// As [`Session::introspect`](crate::Session::introspect).
    ///
    /// # Errors
    /// What the session returns.
    pub fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        self.declared(Operation::Introspect)?;
        self.session.introspect(target)
    }

    /// The rows of a `query` with these options: `where`, `orderBy`, `limit`, `offset`, `select`, `cursor`.
    ///
    /// # Errors
    /// What the session returns; `CONNECTOR_FAILED` for a batch that the runner would refuse.
    pub fn query(&mut self, target: &str, options: &Value) -> Result<Vec<Value>> {
        self.page(Kind::Query, target, options).map(|answered| answered.rows)
    }

    /// The rows of a `read` with these options: `limit`, `cursor`, `fields`, `changedSince`, `changeTrackingColumn`.
    ///
    /// # Errors
    /// As [`Harness::query`].
    pub fn read(&mut self, target: &str, options: &Value) -> Result<Vec<Value>> {
        self.page(Kind::Read, target, options).map(|answered| answered.rows)
    }

    /// The groups of an `aggregate` with these options.
    ///
    /// # Errors
    /// As [`Harness::query`].
    pub fn aggregate(&mut self, target: &str, options: &Value) -> Result<Vec<Value>> {
        self.page(Kind::Aggregate, target, options).map(|answered| answered.rows)
    }

    /// How many rows a `count` with this option finds: `where`.
    ///
    /// # Errors
    /// What the session returns.
    pub fn count(&mut self, target: &str, options: &Value) -> Result<Counted> {
        let call = self.call();
        match self.request(Kind::Count, target, options)? {
            Request::Count(request) => self.session.count(&call, &request),
            _ => Err(internal("a count was parsed as something else")),
        }
    }

    /// One page of a `read`, `query` or `aggregate`, with its cursor.
    ///
    /// # Errors
    /// As [`Harness::query`].
    pub fn page(&mut self, kind: Kind, target: &str, options: &Value) -> Result<Answered> {
        let call = self.call();
        let rows = match self.request(kind, target, options)? {
            Request::Read(request) => self.session.read(&call, &request)?,
            Request::Query(request) => self.session.query(&call, &request)?,
            Request::Aggregate(request) => self.session.aggregate(&call, &request)?,
            _ => return Err(internal(format!("a {} has no rows", kind.as_str()))),
        };
        self.pulled(rows, kind != Kind::Aggregate)
    }

    /// The rows of a `read` or a `query`, page by page of `limit` rows until there is no further one.
    ///
    /// # Errors
    /// As [`Harness::query`]; `CONNECTOR_FAILED` for a page that another follows and that holds no rows.
    pub fn walk(&mut self, kind: Kind, target: &str, options: &Value, limit: u64) -> Result<Vec<Value>> {
        let (mut options, mut all) = (options.clone(), Vec::new());
        loop {
            if let Value::Object(options) = &mut options {
                options.insert("limit".to_owned(), limit.into());
            }
            let Answered { rows, next_cursor } = self.page(kind, target, &options)?;
            let Some(cursor) = next_cursor else {
                all.extend(rows);
                return Ok(all);
            };
            if rows.is_empty() {
                return Err(internal("a page without rows has a cursor: reading on would never end"));
            }
            all.extend(rows);
            if let Value::Object(options) = &mut options {
                options.remove("offset");
                options.insert("cursor".to_owned(), cursor.into());
            }
        }
    }

    fn call(&mut self) -> Call {
        self.calls += 1;
        Call { deadline: DEADLINE, token: format!("test-{}", self.calls) }
    }

    fn request(&self, kind: Kind, target: &str, options: &Value) -> Result<Request> {
        self.declared(match kind {
            Kind::Read => Operation::Read,
            Kind::Count => Operation::Count,
            Kind::Aggregate => Operation::Aggregate,
            _ => Operation::Query,
        })?;
        let mut request = request::parse(kind, Some(target), Some(&options.to_string()), C::BRIDGE)?;
        if let Request::Query(query) = &mut request {
            // Totals are asked for by `count`.
            query.include_total = false;
        }
        Ok(request)
    }

    fn declared(&self, operation: Operation) -> Result<()> {
        if self.manifest.operations.contains(&operation) {
            return Ok(());
        }
        Err(unsupported(format!("{operation:?}: it is not among the attribute's `operations`")))
    }

    fn pulled(&mut self, rows: BoxedRows<C::Session>, are_rows: bool) -> Result<Answered> {
        let mut pull = Pull::new(rows);
        let columns = pull.rows().columns();
        let is_column = |key: &String| !are_rows || columns.iter().any(|column| column.name == *key);
        let mut all: Vec<Value> = Vec::new();
        loop {
            match pull.next(&mut self.session, BATCH_BYTES)? {
                Step::Batch(rows, payload) => {
                    let rows = checked(rows, payload)?;
                    let mut keys = rows.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys);
                    if let Some(unknown) = keys.find(|key| !is_column(key)) {
                        return Err(internal(format!(
                            "a row has \"{unknown}\", which is no column of the result"
                        )));
                    }
                    all.extend(rows);
                }
                Step::End(end) => {
                    return Ok(Answered { rows: all, next_cursor: end.next_cursor.map(|(text, _)| text) });
                }
            }
        }
    }
}

/// A batch's rows, if it is one: so many objects, a comma between two, no byte below 0x20.
fn checked(rows: u32, payload: Vec<u8>) -> Result<Vec<Value>> {
    let refused =
        |problem: String| -> Error { internal(format!("the runner would refuse a batch: {problem}")) };
    if payload.iter().any(|byte| *byte < 0x20) {
        return Err(refused("it has a byte below 0x20 in it".to_owned()));
    }
    let text = String::from_utf8(payload).map_err(|_| refused("it is no UTF-8".to_owned()))?;
    let objects: Vec<Value> =
        serde_json::from_str(&format!("[{text}]")).map_err(|failed| refused(failed.to_string()))?;
    if objects.iter().any(|object| !object.is_object()) {
        return Err(refused("one of its rows is no object".to_owned()));
    }
    if objects.len() != rows as usize {
        return Err(refused(format!("it says {rows} rows and holds {}", objects.len())));
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_the_runner_would_refuse_is_refused_here() {
        assert_eq!(checked(2, b"{\"a\":1},{}".to_vec()).unwrap().len(), 2);
        assert!(checked(0, Vec::new()).unwrap().is_empty());
        for (rows, payload, part) in [
            (2, &b"{}"[..], "says 2 rows"),
            (1, b"1", "no object"),
            (1, b"{\"a\":\n1}", "below 0x20"),
            (1, b"{\"a\":\"\xff\"}", "UTF-8"),
            (1, b"{\"a\":1", "expected"),
        ] {
            let error = checked(rows, payload.to_vec()).unwrap_err();
            assert!(error.message().contains(part), "{error}");
        }
    }
}
