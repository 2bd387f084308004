//! One source's requests.

use std::rc::Rc;
use std::time::{Duration, Instant};

use connector_sql::sqlite::{Binary, Cells, Described, SCHEMA};
use connector_sql::{LibSql, Table};
use semilayer_connector::error::internal;
use semilayer_connector::model::json::MAX_ROW_BYTES;
use semilayer_connector::prelude::*;

use crate::answer::results;
use crate::catalog::{self, Catalog, is_stale, plain, single};
use crate::error::Fault;
use crate::groups;
use crate::pages::{Job, Pages};
use crate::pipeline::Pipeline;

/// Reads the schema, so that it is the database that answers and not only the server.
const PING: &str = "SELECT sqlite_version() FROM (SELECT count(*) FROM sqlite_schema)";

/// How long an open's own sign of life stands for another one: the runner asks for it at once.
const GREETED: Duration = Duration::from_secs(1);

/// A server, and what is known of its tables.
#[derive(Debug)]
pub struct TursoSession {
    pub(crate) pipeline: Pipeline,
    pub(crate) cells: Cells,
    catalog: Catalog,
    /// What the server said when the session was opened, for the first to ask.
    greeted: Option<(ServerInfo, Instant)>,
    /// Whether the token travels in clear over a network.
    is_exposed: bool,
}

impl TursoSession {
    pub(crate) fn new(pipeline: Pipeline, binary: Binary, is_exposed: bool) -> TursoSession {
        let cells = Cells { binary, max_bytes: MAX_ROW_BYTES };
        TursoSession { pipeline, cells, catalog: Catalog::default(), greeted: None, is_exposed }
    }

    /// The first exchange, which connects and proves the token.
    ///
    /// # Errors
    /// What keeps the server from answering, or it refuses.
    pub(crate) fn greet(&mut self) -> Result<()> {
        self.greeted = Some((self.ping()?, Instant::now()));
        Ok(())
    }

    /// Runs `work` with a target's description, and once more with a fresh one, if it fails as it would with one that is out
    /// of date.
    fn on_target<T>(
        &mut self,
        target: &str,
        mut work: impl FnMut(&mut Self, &Described) -> Result<T, Fault>,
    ) -> Result<T> {
        let mut run = || {
            let (described, fresh) = self.catalog.target(&mut self.pipeline, target)?;
            match work(self, &described) {
                Err(fault) if is_stale(&fault) && !fresh => {
                    self.catalog.forget(target);
                    let (described, _) = self.catalog.target(&mut self.pipeline, target)?;
                    work(self, &described)
                }
                done => done,
            }
        };
        run().map_err(|fault| fault.error)
    }

    /// The descriptions of a job's targets.
    fn targets(&mut self, request: &Aggregate) -> Result<Vec<Rc<Described>>, Fault> {
        let mut described = Vec::with_capacity(request.joins.len() + 1);
        described.push(self.catalog.target(&mut self.pipeline, &request.target)?.0);
        for (at, join) in request.joins.iter().enumerate() {
            let joined = self.catalog.target(&mut self.pipeline, &join.target).map_err(|fault| Fault {
                error: fault.error.with("option", format!("joins[{at}].target")),
                ..fault
            })?;
            described.push(joined.0);
        }
        Ok(described)
    }

    fn groups(&mut self, request: &Aggregate) -> Result<crate::pages::Objects, Fault> {
        let described = self.targets(request)?;
        let tables: Vec<&Table> = described.iter().map(|described| &described.table).collect();
        let (base, joined) = tables.split_first().ok_or_else(|| internal("a job without a target"))?;
        groups::aggregate(self, base, joined, request)
    }
}

impl Session for TursoSession {
    fn ping(&mut self) -> Result<ServerInfo> {
        if let Some((info, at)) = self.greeted.take()
            && at.elapsed() < GREETED
        {
            return Ok(info);
        }
        let mut asked = || -> Result<String, Fault> {
            let body = self.pipeline.run(&[plain(PING)])?;
            Ok(single(&results(&body, 1)?)?.to_text()?)
        };
        let version = asked().map_err(|fault| fault.error)?;
        let warnings = match self.is_exposed {
            true => vec!["The token travels unencrypted: use libsql:// or https://.".to_owned()],
            false => Vec::new(),
        };
        Ok(ServerInfo {
            product: "Turso".to_owned(),
            version: format!("SQLite {version}"),
            can_write: None,
            warnings,
        })
    }

    fn list_targets(&mut self) -> Result<Vec<Target>> {
        let mut listed = || -> Result<_, Fault> {
            let estimates = catalog::estimates(&mut self.pipeline)?;
            let named = catalog::list(&mut self.pipeline)?;
            Ok(named
                .into_iter()
                .map(|named| Target {
                    estimated_rows: estimates.get(&named.name).copied(),
                    name: named.name,
                    kind: named.kind,
                    schema: Some(SCHEMA.to_owned()),
                })
                .collect())
        };
        listed().map_err(|fault| fault.error)
    }

    fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        // Whoever asks wants to see what is there now.
        self.catalog.forget(target);
        self.on_target(target, |session, described| {
            let rows = catalog::estimates(&mut session.pipeline)?.get(&described.table.name).copied();
            Ok(described.schema(rows)?)
        })
    }

    fn read(&mut self, _call: &Call, request: &Read) -> Result<BoxedRows<Self>> {
        let pages = self.on_target(&request.target, |session, described| {
            Pages::open(session, described, Job::Read(request.clone()))
        })?;
        Ok(Box::new(pages))
    }

    fn query(&mut self, _call: &Call, request: &Query) -> Result<BoxedRows<Self>> {
        let pages = self.on_target(&request.target, |session, described| {
            Pages::open(session, described, Job::Query(request.clone()))
        })?;
        Ok(Box::new(pages))
    }

    fn count(&mut self, _call: &Call, request: &Count) -> Result<Counted> {
        self.on_target(&request.target, |session, described| {
            let statement = connector_sql::count(&LibSql, &described.table, &request.filter)?;
            let body = session.pipeline.run(&[statement])?;
            let counted = single(&results(&body, 1)?)?.to_integer()?;
            let total = u64::try_from(counted).map_err(|_| internal("a negative count"))?;
            Ok(Counted { total, approximate: false })
        })
    }

    fn aggregate(&mut self, _call: &Call, request: &Aggregate) -> Result<BoxedRows<Self>> {
        let groups = match self.groups(request) {
            Err(fault) if is_stale(&fault) => {
                let joined = request.joins.iter().map(|join| join.target.as_str());
                for target in joined.chain([request.target.as_str()]) {
                    self.catalog.forget(target);
                }
                self.groups(request)
            }
            done => done,
        };
        Ok(Box::new(groups.map_err(|fault| fault.error)?))
    }
}
