//! The connector's traits over a database in memory.

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{
    CallContext, Connector, Counted, OpenContext, Page, RowSink, ServerInfo, Session, Source,
};
use connector_model::capability::{AggregateCapabilities, Answers};
use connector_model::config::Config;
use connector_model::error::Result;
use connector_model::manifest::Manifest;
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Target, TargetSchema};
use connector_model::{Capabilities, Conventions, json};

use crate::aggregate;
use crate::answer::{self, Answer};
use crate::database::Database;
use crate::profile::{Nulls, Profile};

/// The connector: every source of it is the same database.
pub struct MemoryConnector {
    manifest: Manifest,
    database: Arc<Database>,
}

impl MemoryConnector {
    /// A connector to `database`.
    pub fn new(database: Arc<Database>) -> Self {
        let manifest = Manifest {
            package_name: "@semilayer/bridge-memory".into(),
            display_name: "Memory".into(),
            icon: "memory".into(),
            supports_url: false,
            url_placeholder: None,
            url_schemes: Vec::new(),
            fields: Vec::new(),
            capabilities: Capabilities {
                aggregates: Some(MemorySession::AGGREGATES),
                ..Capabilities::relational()
            },
            version: env!("CARGO_PKG_VERSION").into(),
        };
        MemoryConnector { manifest, database }
    }
}

impl Connector for MemoryConnector {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn source(&self, _config: Config) -> Result<Box<dyn Source>> {
        Ok(Box::new(MemorySource { database: Arc::clone(&self.database) }))
    }
}

/// A database in memory as a source.
pub struct MemorySource {
    database: Arc<Database>,
}

#[async_trait]
impl Source for MemorySource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        cx.call.check()?;
        Ok(Box::new(MemorySession::new(Arc::clone(&self.database))))
    }
}

/// A session over a database in memory.
pub struct MemorySession {
    database: Arc<Database>,
}

impl MemorySession {
    /// Every aggregate but a sampled one.
    pub const AGGREGATES: AggregateCapabilities =
        AggregateCapabilities { percentile: Answers::Exact, ..AggregateCapabilities::RELATIONAL };

    /// A session over `database`.
    pub fn new(database: Arc<Database>) -> Self {
        MemorySession { database }
    }
}

#[async_trait]
impl Session for MemorySession {
    fn reusable(&self) -> bool {
        true
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        cx.check()?;
        Ok(ServerInfo {
            product: "memory".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            can_write: Some(false),
        })
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        cx.check()?;
        send(self.database.profile(), answer::read(&self.database, request)?, out).await
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        cx.check()?;
        send(self.database.profile(), answer::query(&self.database, request)?, out).await
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        cx.check()?;
        Ok(Counted { total: answer::count(&self.database, request)?, approximate: false })
    }

    fn conventions(&self) -> Conventions {
        let profile = self.database.profile();
        Conventions {
            nulls_last: profile.nulls == Nulls::Largest,
            moments_in_text: profile.moments_in_text,
            folds_beyond_ascii: false,
            single_precision: Vec::new(),
        }
    }

    fn aggregates(&self) -> AggregateCapabilities {
        Self::AGGREGATES
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        cx.check()?;
        let limit = request.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        for group in aggregate::groups(&self.database, request)?.iter().take(limit) {
            let mut json = Vec::new();
            group.write(&mut json, request);
            out.splice(1, &json)?;
            out.flush_if_full().await?;
        }
        out.flush().await
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        cx.check()?;
        Ok(self.database.targets())
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        cx.check()?;
        Ok(self.database.table(target)?.schema())
    }
}

async fn send(profile: &Profile, answer: Answer<'_>, out: &mut RowSink<'_>) -> Result<Page> {
    let Answer { table, selection, rows, page } = answer;
    out.columns(&table.result_columns(&selection));
    for row in rows {
        out.row(|cells| {
            for at in &selection {
                let cell = cells.cell()?;
                match (table.columns.get(*at), row.get(*at)) {
                    (Some(column), Some(value)) => profile.write(cell, column, value),
                    _ => json::null(cell),
                }
            }
            Ok(())
        })?;
        out.flush_if_full().await?;
    }
    out.flush().await?;
    Ok(page)
}
