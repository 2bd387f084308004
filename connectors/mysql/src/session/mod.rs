//! One connection: jobs in, rows out.

mod aggregate;
mod counting;
mod exchange;
mod pump;
mod quiet;
mod settings;
mod statements;
mod work;

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{CallContext, Counted, Page, RowSink, ServerInfo, Session};
use connector_model::Conventions;
use connector_model::capability::AggregateCapabilities;
use connector_model::error::Result;
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Location, Target, TargetColumn, TargetSchema};
use connector_sql::{MySql as Dialect, Select};

pub(crate) use exchange::{PlainRow, fetch, run};
pub(crate) use statements::Statements;
pub(crate) use work::MySession;

use crate::catalog;

#[async_trait]
impl Session for MySession {
    fn reusable(&self) -> bool {
        self.is_clean()
    }

    fn conventions(&self) -> Conventions {
        Conventions {
            folds_beyond_ascii: true,
            single_precision: vec!["float".into()],
            ..Conventions::default()
        }
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        self.alive(cx).await
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        // The total is told once, with the first page.
        let first = request.cursor.is_none();
        self.rows(
            cx,
            (&request.target, &[]),
            |table, _| Select::read(&Dialect, table, request),
            first.then_some(&|table| Select::read_total(&Dialect, table, request)),
            out,
        )
        .await
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        // A page that a cursor leads to shows only what is left; the total was told with the first.
        let total = request.include_total && request.cursor.is_none() && request.joins.is_empty();
        self.rows(
            cx,
            (&request.target, &request.joins),
            |table, joined| Select::joined(&Dialect, table, joined, request),
            total.then_some(&|table| connector_sql::count(&Dialect, table, &request.filter)),
            out,
        )
        .await
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        let statement = |table: &_| connector_sql::count(&Dialect, table, &request.filter);
        let total = self.total(cx, &request.target, statement).await?;
        Ok(Counted { total, approximate: false })
    }

    fn aggregates(&self) -> AggregateCapabilities {
        aggregate::capabilities(&self.probe)
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        self.groups(cx, request, out).await
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        self.answered(cx).await?;
        let MySession { wire, statements, probe, .. } = self;
        let listed = catalog::list(wire, statements, probe, cx).await;
        self.settled(listed).await
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        // A person is looking: what they see is read now.
        self.forget(target);
        let described: Arc<catalog::Described> = self.described(cx, target).await?;
        let name = |position: &usize| described.table.column(*position).map(|column| column.name.clone());
        let primary_key = described.primary_key.iter().map(name).collect::<Result<Vec<_>>>()?;
        let key = described.table.key.iter().map(name).collect::<Result<Vec<_>>>()?;
        let columns = described.table.columns.iter().map(|column| TargetColumn {
            name: column.name.clone(),
            native_type: column.native_type.clone(),
            logical_type: column.logical_type,
            nullable: column.nullable,
            primary_key: primary_key.contains(&column.name),
        });
        Ok(TargetSchema {
            name: described.table.name.clone(),
            kind: described.kind.to_owned(),
            columns: columns.collect(),
            row_count: described.estimated_rows,
            primary_key,
            key,
        })
    }

    async fn locate(&mut self, cx: &CallContext, target: &str) -> Result<Option<Location>> {
        Ok(self.described(cx, target).await?.table.location())
    }
}
