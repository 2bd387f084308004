//! Tables as JSON rows in no order, and a session that knows nothing but them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector_api::{CallContext, Counted, Page, RowSink, ServerInfo, Session};
use connector_conformance::{Range, StoredType, Subject, SubjectError};
use connector_evaluate::{Answer, Evaluator};
use connector_memory::{Database, Nulls, Profile, Table};
use connector_model::error::Result;
use connector_model::request::{Count, Query, Read};
use connector_model::target::{LogicalType, Target, TargetSchema};
use connector_model::{Capabilities, Conventions, json};

/// What has a JSON form for each of its values.
const TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Boolean, "boolean", Range::Full),
    StoredType::new(LogicalType::Integer, "integer", Range::Bits(32)),
    StoredType::new(LogicalType::Integer, "bigint", Range::Full),
    StoredType::new(LogicalType::Float, "double", Range::Full),
    StoredType::new(LogicalType::Float, "real", Range::Single),
    StoredType::new(LogicalType::Decimal, "numeric", Range::Full),
    StoredType::new(LogicalType::Text, "text", Range::Full),
    StoredType::new(LogicalType::Text, "word", Range::Words),
    StoredType::new(LogicalType::Bytes, "bytea", Range::Full),
    StoredType::new(LogicalType::Date, "date", Range::Full),
    StoredType::new(LogicalType::Time, "time", Range::Full),
    StoredType::new(LogicalType::Timestamp, "timestamp", Range::Full),
    StoredType::new(LogicalType::TimestampTz, "timestamptz", Range::Full),
    StoredType::new(LogicalType::Uuid, "uuid", Range::Full),
    StoredType::new(LogicalType::Json, "json", Range::Full),
];

/// So many bytes of rows are handed over at once.
const PIECE_BYTES: usize = 1_000;

pub(crate) struct PlainRows {
    profile: Profile,
    database: Mutex<Option<Arc<Database>>>,
}

impl PlainRows {
    pub(crate) fn new(profile: Profile) -> PlainRows {
        PlainRows { profile, database: Mutex::default() }
    }
}

#[async_trait]
impl Subject for PlainRows {
    fn name(&self) -> &str {
        "@semilayer/bridge-plain"
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::relational()
    }

    fn types(&self) -> &'static [StoredType] {
        TYPES
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        *self.database.lock().unwrap() = Some(Arc::new(Database::new(tables.to_vec(), self.profile)?));
        Ok(())
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let loaded = self.database.lock().unwrap().clone();
        let database = loaded.map_or_else(|| Database::new(Vec::new(), self.profile).map(Arc::new), Ok)?;
        Ok(Box::new(PlainSession { database, profile: self.profile }))
    }
}

pub(crate) struct PlainSession {
    database: Arc<Database>,
    profile: Profile,
}

impl PlainSession {
    fn table(&self, target: &str) -> Result<connector_evaluate::Table> {
        Ok(connector_evaluate::Table::new(&self.database.table(target)?.schema(), &self.conventions()))
    }

    /// All rows of a table, backwards, in pieces.
    fn scan(&self, target: &str) -> Result<Vec<Vec<u8>>> {
        let table = self.database.table(target)?;
        let mut pieces = vec![Vec::new()];
        for row in table.rows.iter().rev() {
            if pieces.last().is_some_and(|piece| piece.len() > PIECE_BYTES) {
                pieces.push(Vec::new());
            }
            let piece = pieces.last_mut().unwrap();
            piece.push(if piece.is_empty() { b'{' } else { b',' });
            if piece.len() > 1 {
                piece.push(b'{');
            }
            for (at, (column, value)) in table.columns.iter().zip(row).enumerate() {
                if at > 0 {
                    piece.push(b',');
                }
                json::text(piece, &column.name);
                piece.push(b':');
                self.profile.write(piece, column, value);
            }
            piece.push(b'}');
        }
        Ok(pieces)
    }

    async fn send(&self, target: &str, mut answer: Answer, out: &mut RowSink<'_>) -> Result<Page> {
        let columns = answer.columns().to_vec();
        out.columns(&columns);
        for piece in self.scan(target)? {
            answer.add(&piece, |cells| crate::answer::write(out, cells))?;
            out.flush_if_full().await?;
        }
        let mut page = answer.finish();
        while page.next(|cells| crate::answer::write(out, cells))? {
            out.flush_if_full().await?;
        }
        out.flush().await?;
        let (next_cursor, cursor_kind) = page.next_cursor().cloned().unzip();
        Ok(Page { next_cursor, cursor_kind, total: None })
    }

    fn matching(&self, request: &Count) -> Result<u64> {
        let schema = self.database.table(&request.target)?.schema();
        let evaluator = Evaluator::new(&request.filter, &schema, &self.conventions())?;
        self.scan(&request.target)?.iter().map(|piece| evaluator.count(piece)).sum()
    }
}

#[async_trait]
impl Session for PlainSession {
    fn reusable(&self) -> bool {
        true
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        cx.check()?;
        Ok(ServerInfo::default())
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        cx.check()?;
        let answer = Answer::read(&self.table(&request.target)?, request)?;
        let page = self.send(&request.target, answer, out).await?;
        let total = match request {
            Read { cursor: None, changed_since: None, .. } => {
                Some(self.database.table(&request.target)?.rows.len() as u64)
            }
            Read { cursor: None, .. } => {
                // The suite wants a total of what changed: the rows of a read without a limit.
                let all = Read { limit: u64::from(u32::MAX), ..request.clone() };
                Some(crate::answer::rows(self.table(&request.target)?, &all, &self.scan(&request.target)?)?)
            }
            _ => None,
        };
        Ok(Page { total, ..page })
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        cx.check()?;
        let answer = Answer::query(&self.table(&request.target)?, request)?;
        let page = self.send(&request.target, answer, out).await?;
        let count = || Count { target: request.target.clone(), filter: request.filter.clone() };
        let counts = request.include_total && request.cursor.is_none();
        Ok(Page { total: counts.then(|| self.matching(&count())).transpose()?, ..page })
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        cx.check()?;
        Ok(Counted { total: self.matching(request)?, approximate: false })
    }

    fn conventions(&self) -> Conventions {
        Conventions {
            nulls_last: self.profile.nulls == Nulls::Largest,
            moments_in_text: self.profile.moments_in_text,
            folds_beyond_ascii: false,
            single_precision: vec!["real".into()],
        }
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
