//! A subject whose aggregates are all computed of its rows.

use async_trait::async_trait;
use connector_api::{CallContext, Counted, Page, RowSink, ServerInfo, Session};
use connector_conformance::{Change, Range, StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table, Uuids};
use connector_model::capability::{AggregateCapabilities, Answers};
use connector_model::error::Result;
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{LogicalType, Target, TargetSchema};
use connector_model::{Capabilities, Conventions};
use runner_engine::aggregate_by_scan;

/// What the engine computes: all there is.
const EVERYTHING: AggregateCapabilities = AggregateCapabilities {
    count_distinct: Answers::Both,
    percentile: Answers::Both,
    sampling: true,
    ..AggregateCapabilities::RELATIONAL
};

/// The subject, its own aggregates left unused.
pub(crate) struct Streamed<S>(pub(crate) S);

#[async_trait]
impl<S: Subject> Subject for Streamed<S> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn profile(&self) -> Profile {
        self.0.profile()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { aggregates: Some(EVERYTHING), ..self.0.capabilities() }
    }

    /// All but those some of whose values have the JSON form of NULL: what counts values cannot tell them apart. And
    /// but UUIDs where the database has an order of its own for them: of equal groups, the engine cuts by their text.
    fn types(&self) -> &'static [StoredType] {
        let ordered = self.profile().uuids == Uuids::Bytes;
        let kept = |kind: &&StoredType| {
            kind.logical != LogicalType::Json
                && kind.range != Range::NotFinite
                && (ordered || kind.logical != LogicalType::Uuid)
        };
        self.0.types().iter().filter(kept).copied().collect::<Vec<_>>().leak()
    }

    fn fitted(&self, table: Table) -> Table {
        self.0.fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        self.0.load(tables).await
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        self.0.change(table, change).await
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        Ok(Box::new(Streaming(self.0.open().await?)))
    }
}

struct Streaming(Box<dyn Session>);

#[async_trait]
impl Session for Streaming {
    fn reusable(&self) -> bool {
        self.0.reusable()
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        self.0.ping(cx).await
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        self.0.read(cx, request, out).await
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        self.0.query(cx, request, out).await
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        self.0.count(cx, request).await
    }

    fn conventions(&self) -> Conventions {
        self.0.conventions()
    }

    fn aggregates(&self) -> AggregateCapabilities {
        EVERYTHING
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        aggregate_by_scan(self.0.as_mut(), cx, request, out).await
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        self.0.list_targets(cx).await
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        self.0.introspect(cx, target).await
    }
}
