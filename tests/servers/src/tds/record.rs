//! What the double has seen, for tests to look at.

use std::sync::Mutex;

/// A connection that logged in, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SqlServerSession {
    /// The session's number (`@@SPID`).
    pub spid: u16,
    /// The user's name as sent.
    pub user: String,
    /// The application's name as sent.
    pub application: String,
    /// The client's own name as sent.
    pub host: String,
    /// The database asked for; empty for the user's default.
    pub database: String,
    /// Whether a read-only replica was asked for.
    pub read_only_intent: bool,
    /// Whether the login was encrypted.
    pub login_encrypted: bool,
    /// Whether what came after the login was.
    pub encrypted: bool,
    /// The number of the error that refused the login.
    pub refused: Option<u32>,
    /// Whether the connection has ended.
    pub ended: bool,
}

/// How a statement came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlServerRequest {
    /// As a batch.
    Batch,
    /// By `sp_executesql`.
    Procedure,
    /// As a request to the transaction manager; its text is what it asks for.
    Transaction,
}

/// A batch or a call that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlServerStatement {
    /// The session's number.
    pub spid: u16,
    /// How it came.
    pub request: SqlServerRequest,
    /// Its text.
    pub text: String,
    /// The parameters' names and declared types.
    pub parameters: Vec<(String, String)>,
    /// How many packets it came in.
    pub packets: usize,
    /// How many rows were sent.
    pub rows: u64,
    /// Whether the client called it off.
    pub called_off: bool,
    /// The number of the error that ended it.
    pub error: Option<u32>,
}

/// The records of a server.
#[derive(Debug, Default)]
pub(super) struct Records {
    sessions: Mutex<Vec<SqlServerSession>>,
    statements: Mutex<Vec<SqlServerStatement>>,
}

impl Records {
    pub(super) fn sessions(&self) -> Vec<SqlServerSession> {
        lock(&self.sessions).clone()
    }

    pub(super) fn statements(&self) -> Vec<SqlServerStatement> {
        lock(&self.statements).clone()
    }

    pub(super) fn clear_statements(&self) {
        lock(&self.statements).clear();
    }

    pub(super) fn add_session(&self, session: SqlServerSession) {
        lock(&self.sessions).push(session);
    }

    pub(super) fn session(&self, spid: u16, change: impl FnOnce(&mut SqlServerSession)) {
        if let Some(session) = lock(&self.sessions).iter_mut().find(|session| session.spid == spid) {
            change(session);
        }
    }

    pub(super) fn add_statement(&self, statement: SqlServerStatement) {
        lock(&self.statements).push(statement);
    }

    /// Changes the session's latest statement.
    pub(super) fn statement(&self, spid: u16, change: impl FnOnce(&mut SqlServerStatement)) {
        if let Some(statement) =
            lock(&self.statements).iter_mut().rev().find(|statement| statement.spid == spid)
        {
            change(statement);
        }
    }
}

/// What a panicking thread left behind is still a record.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
