//! The oracle itself as a subject, whole or with a fault in its sessions.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector_api::Session;
use connector_conformance::{StoredType, Subject, SubjectError, ddl};
use connector_memory::{Database, MemorySession, Profile, Table};
use connector_model::Capabilities;

/// What a session of the subject is wrapped in.
pub(crate) type Wrap = fn(MemorySession, Arc<Database>) -> Box<dyn Session>;

/// The oracle as a subject.
pub(crate) struct Memory {
    profile: Profile,
    types: &'static [StoredType],
    database: Mutex<Option<Arc<Database>>>,
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
        let capabilities = Capabilities::relational();
        Memory { profile, types, database: Mutex::new(None), wrap, capabilities }
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

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let database = self.database.lock().map_err(|_| "the lock is poisoned")?.clone();
        let database = database.ok_or("nothing was loaded")?;
        Ok((self.wrap)(MemorySession::new(Arc::clone(&database)), database))
    }
}
