//! One connection of a module: the calls of a session, each over its instance.

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{CallContext, Counted, OpenContext, Page, RowSink, ServerInfo, Session};
use connector_model::capability::AggregateCapabilities;
use connector_model::conventions::Conventions;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::module::Operation;
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Target, TargetSchema};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::ResourceAny;

use crate::call::Call;
use crate::hosted::Configured;
use crate::instance::{Instance, Outcome};
use crate::pull::{Pulled, pull};
use crate::total::Total;
use crate::{answered, asked, interrupt};

/// One open session.
pub(crate) struct HostedSession {
    source: Arc<Configured>,
    /// What an interrupt is opened with.
    context: OpenContext,
    /// Gone once a call did not come back.
    instance: Option<Instance>,
    session: ResourceAny,
    _slot: OwnedSemaphorePermit,
}

impl HostedSession {
    pub(crate) fn new(
        source: Arc<Configured>,
        context: OpenContext,
        instance: Instance,
        session: ResourceAny,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        HostedSession { source, context, instance: Some(instance), session, _slot: slot }
    }

    /// Refuses what the module does not implement, without asking it.
    fn admits(&self, operation: Operation, name: &str) -> Result<()> {
        if self.implements(operation) {
            return Ok(());
        }
        let message = format!("the connector {} has no operation \"{name}\"", self.source.hosted.name);
        Err(Error::new(ErrorCode::UnsupportedJob, message))
    }

    fn implements(&self, operation: Operation) -> bool {
        self.source.hosted.module.manifest.operations.contains(&operation)
    }

    /// A call that begins nothing in the database.
    fn ask(&mut self, cx: &CallContext) -> Result<Call<'_>> {
        Call::begin(&self.source, &self.context, &mut self.instance, cx, None)
    }

    /// A call that the database has to be told of when it is given up.
    fn work(&mut self, cx: &CallContext) -> Result<Call<'_>> {
        Call::begin(&self.source, &self.context, &mut self.instance, cx, Some(interrupt::token()))
    }
}

#[async_trait]
impl Session for HostedSession {
    fn reusable(&self) -> bool {
        self.instance.is_some()
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        let session = self.session;
        let mut call = self.ask(cx)?;
        let asking = async { call.instance()?.ping(session).await };
        let outcome = cx.run(asking).await;
        let info = call.end(outcome).await?;
        let secrets = self.source.grant.secrets();
        Ok(ServerInfo {
            product: secrets.shown(&info.product, answered::MAX_SERVER),
            version: secrets.shown(&info.version, answered::MAX_SERVER),
            can_write: info.can_write,
        })
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        self.admits(Operation::Read, "read")?;
        let asked = asked::read(request)?;
        let total = Total::of_read(request, &self.source.hosted.module.manifest)?;
        let session = self.session;
        let mut call = self.work(cx)?;
        let bounds = call.bounds(cx);
        let reading = async {
            let instance = call.instance()?;
            let rows = instance.read(session, &bounds, &asked).await?;
            let pulled = pull(instance, rows, out).await?;
            page(instance, session, &bounds, pulled, &total, out).await
        };
        let outcome = cx.run(reading).await;
        call.end(outcome).await
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        self.admits(Operation::Query, "query")?;
        let asked = asked::query(request)?;
        let total = Total::of_query(request, &self.source.hosted.module.manifest);
        let session = self.session;
        let mut call = self.work(cx)?;
        let bounds = call.bounds(cx);
        let querying = async {
            let instance = call.instance()?;
            let rows = instance.query(session, &bounds, &asked).await?;
            let pulled = pull(instance, rows, out).await?;
            page(instance, session, &bounds, pulled, &total, out).await
        };
        let outcome = cx.run(querying).await;
        call.end(outcome).await
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        self.admits(Operation::Count, "count")?;
        let filter = asked::count(request);
        let session = self.session;
        let mut call = self.work(cx)?;
        let bounds = call.bounds(cx);
        let counting =
            async { call.instance()?.count(session, &bounds, &request.target, filter.as_ref()).await };
        let outcome = cx.run(counting).await;
        let counted = call.end(outcome).await?;
        Ok(Counted { total: counted.value, approximate: !counted.exact })
    }

    fn conventions(&self) -> Conventions {
        self.source.hosted.module.manifest.conventions.clone()
    }

    fn aggregates(&self) -> AggregateCapabilities {
        match self.implements(Operation::Aggregate) {
            true => self.source.hosted.module.manifest.manifest.capabilities.aggregates.unwrap_or_default(),
            false => AggregateCapabilities::default(),
        }
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        self.admits(Operation::Aggregate, "aggregate")?;
        let asked = asked::aggregate(request);
        let session = self.session;
        let mut call = self.work(cx)?;
        let bounds = call.bounds(cx);
        let aggregating = async {
            let instance = call.instance()?;
            let rows = instance.aggregate(session, &bounds, &request.target, &asked).await?;
            pull(instance, rows, out).await
        };
        let outcome = cx.run(aggregating).await;
        call.end(outcome).await.map(drop)
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        self.admits(Operation::ListTargets, "listTargets")?;
        let session = self.session;
        let mut call = self.ask(cx)?;
        let asking = async { call.instance()?.list_targets(session).await };
        let outcome = cx.run(asking).await;
        let targets = call.end(outcome).await?;
        Ok(targets.into_iter().map(answered::target).collect())
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        self.admits(Operation::Introspect, "introspectTarget")?;
        let session = self.session;
        let mut call = self.ask(cx)?;
        let asking = async { call.instance()?.introspect(session, target).await };
        let outcome = cx.run(asking).await;
        call.end(outcome).await.map(answered::schema)
    }
}

/// How a result ended, and how many rows there are in all where that was asked for.
async fn page(
    instance: &mut Instance,
    session: ResourceAny,
    bounds: &crate::bindings::exports::semilayer::connector::source::Call,
    pulled: Pulled,
    total: &Total,
    out: &mut RowSink<'_>,
) -> Outcome<Page> {
    let total = total.settle(instance, session, bounds, &pulled, out).await?;
    let (next_cursor, cursor_kind) = pulled.next.unzip();
    Ok(Page { next_cursor, cursor_kind, total })
}
