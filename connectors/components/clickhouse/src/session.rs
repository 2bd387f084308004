//! One source's jobs.

use std::rc::Rc;

use connector_sql::{ClickHouse as Dialect, Table};
use semilayer_connector::error::{internal, misconfigured, unsupported};
use semilayer_connector::prelude::*;
use serde::Deserialize;

use crate::catalog::{Catalog, Described};
use crate::exception::Fault;
use crate::groups::{Aggregated, Grouped};
use crate::location::Location;
use crate::pages::Page;
use crate::plan::{Job, Plan, counted};
use crate::server::{Form, Server, Turn};
use crate::version::{OLDEST, Version};

/// What servers of every age answer: their version, and what a login's profile says of writing.
const HELLO: &str = "SELECT toString(version()) AS version, \
     (SELECT toString(any(value)) FROM system.settings WHERE name = 'readonly') AS readonly";

#[derive(Debug, Deserialize)]
struct Hello {
    version: String,
    readonly: Option<String>,
}

/// A server, and what is known of its tables.
#[derive(Debug)]
pub struct ClickHouseSession {
    server: Server,
    catalog: Catalog,
    location: Location,
}

impl ClickHouseSession {
    /// Logs in, and finds out how old the server is.
    pub(crate) fn open(server: Server, location: Location) -> Result<ClickHouseSession> {
        let catalog = Catalog::new(&location.database);
        let mut session = ClickHouseSession { server, catalog, location };
        let (text, _) = session.hello()?;
        let version = Version::read(&text).ok_or_else(|| {
            internal(format!("the server calls its version \"{text}\", which is none of ClickHouse's"))
        })?;
        if version < OLDEST {
            return Err(unsupported(format!("ClickHouse before {OLDEST}; the server is {text}")));
        }
        session.server.is_of(version);
        Ok(session)
    }

    /// The version, and whether the login's profile is read-only.
    fn hello(&self) -> Result<(String, bool)> {
        let lines = self.server.plain(HELLO).and_then(|lines| lines.all());
        let lines = lines.map_err(|fault| match fault.is_unknown_database() {
            true => misconfigured(
                "database",
                format_args!(
                    "names none of the server's that this login can see ({})",
                    self.location.database
                ),
            ),
            false => fault.error,
        })?;
        let hello: Option<Hello> = lines.first().and_then(|line| serde_json::from_slice(line).ok());
        let Hello { version, readonly } = hello.ok_or_else(|| {
            internal("what answers at ClickHouse's address does not answer as ClickHouse does")
        })?;
        Ok((version, readonly.is_some_and(|readonly| readonly != "0")))
    }

    /// Runs `work` with a target's description, and once more with a fresh one if it fails as it would with one that is out
    /// of date.
    fn on_target<T>(
        &mut self,
        target: &str,
        mut work: impl FnMut(&Server, &Described, Turn) -> Result<T, Fault>,
    ) -> Result<T> {
        let mut run = || {
            let (described, fresh) = self.catalog.target(&self.server, target)?;
            match work(&self.server, &described, Turn::First) {
                Err(fault) if fault.is_stale() && !fresh => {
                    self.catalog.forget(target);
                    let (described, _) = self.catalog.target(&self.server, target)?;
                    work(&self.server, &described, Turn::Second)
                }
                done => done,
            }
        };
        run().map_err(|fault| fault.error)
    }

    fn page(&mut self, call: &Call, job: &Job) -> Result<BoxedRows<Self>> {
        let page = self.on_target(&job.target, |server, described, turn| {
            let plan = Plan::new(described, job)?;
            // A limit of nothing is a question about names only.
            let lines = match plan.limit {
                Some(0) => None,
                _ => Some(server.select(&plan.statement, Form::Objects, Some((call, turn)))?),
            };
            Ok(Page::new(plan, lines))
        })?;
        Ok(Box::new(page))
    }

    /// The descriptions of a job's targets.
    fn targets(&mut self, request: &Aggregate) -> Result<Vec<Rc<Described>>, Fault> {
        let mut described = Vec::with_capacity(request.joins.len() + 1);
        described.push(self.catalog.target(&self.server, &request.target)?.0);
        for (at, join) in request.joins.iter().enumerate() {
            let joined = self.catalog.target(&self.server, &join.target);
            let named = |fault: Fault| fault.about(&format!("joins[{at}].target"));
            described.push(joined.map_err(named)?.0);
        }
        Ok(described)
    }

    fn groups(&mut self, call: &Call, request: &Aggregate, turn: Turn) -> Result<Grouped, Fault> {
        let described = self.targets(request)?;
        let tables: Vec<&Table> = described.iter().map(|described| &described.table).collect();
        let (base, joined) = tables.split_first().ok_or_else(|| internal("a job without a target"))?;
        let aggregated = Aggregated::new(base, joined, request)?;
        let lines = self.server.select(&aggregated.select.statement, Form::Arrays, Some((call, turn)))?;
        Ok(Grouped::new(aggregated, lines))
    }
}

impl Session for ClickHouseSession {
    fn ping(&mut self) -> Result<ServerInfo> {
        let (version, is_read_only) = self.hello()?;
        let warnings = match self.location.is_open_to_others() {
            true => vec!["The password travels unencrypted: set `protocol` to https.".to_owned()],
            false => Vec::new(),
        };
        Ok(ServerInfo {
            product: "ClickHouse".to_owned(),
            version,
            // A profile that forbids it is certain; one that does not says nothing of the rights.
            can_write: is_read_only.then_some(false),
            warnings,
        })
    }

    fn list_targets(&mut self) -> Result<Vec<Target>> {
        self.catalog.list(&self.server).map_err(|fault| fault.error)
    }

    fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        // Whoever asks wants to see what is there now.
        self.catalog.forget(target);
        self.on_target(target, |_, described, _| Ok(described.schema()))
    }

    fn read(&mut self, call: &Call, request: &Read) -> Result<BoxedRows<Self>> {
        self.page(call, &Job::from(request))
    }

    fn query(&mut self, call: &Call, request: &Query) -> Result<BoxedRows<Self>> {
        self.page(call, &Job::from(request))
    }

    fn count(&mut self, call: &Call, request: &Count) -> Result<Counted> {
        self.on_target(&request.target, |server, described, turn| {
            let filter = counted(&described.table, &request.filter);
            let statement = connector_sql::count(&Dialect, &described.table, &filter)?;
            let lines = server.select(&statement, Form::Arrays, Some((call, turn)))?.all()?;
            let row = lines.first().and_then(|line| serde_json::from_slice::<(String,)>(line).ok());
            let total = row.and_then(|(count,)| count.parse().ok());
            let total = total.ok_or_else(|| internal("the server answers a count with no number"))?;
            Ok(Counted { total, approximate: false })
        })
    }

    fn aggregate(&mut self, call: &Call, request: &Aggregate) -> Result<BoxedRows<Self>> {
        let groups = match self.groups(call, request, Turn::First) {
            Err(fault) if fault.is_stale() => {
                let joined = request.joins.iter().map(|join| join.target.as_str());
                joined.chain([request.target.as_str()]).for_each(|target| self.catalog.forget(target));
                self.groups(call, request, Turn::Second)
            }
            done => done,
        };
        Ok(Box::new(groups.map_err(|fault| fault.error)?))
    }
}
