//! The oracle itself as a subject, whole or with a fault in its sessions.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector_api::Session;
use connector_conformance::job::{Job, Outcome};
use connector_conformance::{Change, Executor, OfSession, StoredType, Subject, SubjectError, ddl};
use connector_memory::{Database, MemorySession, Profile, Table};
use connector_model::Capabilities;
use connector_model::capability::AggregateCapabilities;

/// What a session of the subject is wrapped in.
pub(crate) type Wrap = fn(MemorySession, Arc<Database>) -> Box<dyn Session>;

/// The oracle as a subject.
pub(crate) struct Memory {
    profile: Profile,
    types: &'static [StoredType],
    database: Arc<Mutex<Option<Arc<Database>>>>,
    wrap: Wrap,
    capabilities: Capabilities,
}

impl Memory {
    /// One that answers as PostgreSQL would, with sessions in a wrapper.
    pub(crate) fn postgres(wrap: Wrap) -> Self {
        Self::new(Profile::POSTGRES, ddl::POSTGRES_TYPES, wrap)
    }

    /// One that answers as SQLite would.
    pub(crate) fn sqlite(wrap: Wrap) -> Self {
        Self::new(Profile::SQLITE, ddl::SQLITE_TYPES, wrap)
    }

    fn new(profile: Profile, types: &'static [StoredType], wrap: Wrap) -> Self {
        let aggregates = Some(MemorySession::AGGREGATES);
        let capabilities = Capabilities { aggregates, ..Capabilities::relational() };
        Memory { profile, types, database: Arc::default(), wrap, capabilities }
    }

    /// The same, declaring something else.
    pub(crate) fn declaring(self, capabilities: Capabilities) -> Self {
        Memory { capabilities, ..self }
    }
}

#[async_trait]
impl Subject for Memory {
    fn name(&self) -> &str {
        "@semilayer/bridge-memory"
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        self.types
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        let database = Arc::new(Database::new(tables.to_vec(), self.profile)?);
        *self.database.lock().map_err(|_| "the lock is poisoned")? = Some(database);
        Ok(())
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let mut loaded = self.database.lock().map_err(|_| "the lock is poisoned")?;
        let mut tables = loaded.as_ref().ok_or("nothing was loaded")?.tables().to_vec();
        for known in tables.iter_mut().filter(|known| known.name == table.name) {
            known.rows.retain(|row| !change.gone.contains(row));
            known.rows.extend(change.come.iter().cloned());
        }
        *loaded = Some(Arc::new(Database::new(tables, self.profile)?));
        Ok(true)
    }

    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        let empty = Arc::new(Database::new(Vec::new(), self.profile)?);
        Ok(Box::new(Current { database: Arc::clone(&self.database), empty, wrap: self.wrap }))
    }
}

/// Asks a new session each time: one that is open does not see what changes.
struct Current {
    database: Arc<Mutex<Option<Arc<Database>>>>,
    /// What there is before anything was loaded.
    empty: Arc<Database>,
    wrap: Wrap,
}

impl Current {
    fn session(&self) -> Option<OfSession> {
        let loaded = self.database.lock().ok()?.clone();
        let database = loaded.unwrap_or_else(|| Arc::clone(&self.empty));
        Some(OfSession((self.wrap)(MemorySession::new(Arc::clone(&database)), database)))
    }
}

#[async_trait]
impl Executor for Current {
    fn reusable(&self) -> bool {
        true
    }

    fn aggregates(&self) -> AggregateCapabilities {
        self.session().map(|session| session.aggregates()).unwrap_or_default()
    }

    async fn execute(&mut self, job: &Job, target: &str, bridge: &str) -> Outcome {
        match self.session() {
            Some(mut session) => session.execute(job, target, bridge).await,
            None => Outcome::Garbled("the lock is poisoned".to_owned()),
        }
    }
}
