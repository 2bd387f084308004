//! Transactions, and what SET sets.

use std::sync::Arc;

use super::catalog::Catalog;
use super::error::{Result, SqlError};
use super::session::{Outcome, Session, Transaction};

/// The number of snapshot isolation among the levels.
pub(super) const SNAPSHOT: i16 = 5;

/// What `SET TEXTSIZE -1` stands for, and what ODBC and the like ask for.
pub(super) const UNLIMITED_TEXT: usize = 2_147_483_647;
/// What `SET TEXTSIZE 0` stands for.
const LEAST_TEXT: usize = 4_096;

/// Options that are taken and change nothing.
const KNOWN: [&str; 19] = [
    "QUOTED_IDENTIFIER",
    "ANSI_NULLS",
    "ANSI_WARNINGS",
    "ANSI_PADDING",
    "ANSI_NULL_DFLT_ON",
    "ARITHABORT",
    "CONCAT_NULL_YIELDS_NULL",
    "NUMERIC_ROUNDABORT",
    "XACT_ABORT",
    "LOCK_TIMEOUT",
    "DEADLOCK_PRIORITY",
    "DATEFORMAT",
    "DATEFIRST",
    "LANGUAGE",
    "IMPLICIT_TRANSACTIONS",
    "CURSOR_CLOSE_ON_COMMIT",
    "ROWCOUNT",
    "NO_BROWSETABLE",
    "QUERY_GOVERNOR_COST_LIMIT",
];

impl Session {
    /// What statements see: within a transaction of snapshot isolation the data of its begin.
    pub(super) fn catalog(&self) -> Arc<Catalog> {
        match &self.transaction {
            Some(begun) if self.isolation == SNAPSHOT && !self.changed => begun.clone(),
            _ => self.engine.catalog(),
        }
    }

    pub(super) fn set(&mut self, option: &str, value: &str) -> Result<Outcome> {
        let on = value.eq_ignore_ascii_case("ON");
        match option {
            "NOCOUNT" => self.no_count = on,
            "TEXTSIZE" => {
                self.text_size = match value {
                    "-1" => UNLIMITED_TEXT,
                    "0" => LEAST_TEXT,
                    size => size.parse().map_err(|_| SqlError::unsupported("this TEXTSIZE"))?,
                };
            }
            "TRANSACTION ISOLATION LEVEL" => {
                self.isolation = match value {
                    "READ UNCOMMITTED" => 1,
                    "REPEATABLE READ" => 3,
                    "SERIALIZABLE" => 4,
                    "SNAPSHOT" => SNAPSHOT,
                    _ => 2,
                };
            }
            // The double behaves as under these settings' usual values, and waits for no locks.
            "QUOTED_IDENTIFIER"
            | "ANSI_NULLS"
            | "ANSI_WARNINGS"
            | "ANSI_PADDING"
            | "ARITHABORT"
            | "CONCAT_NULL_YIELDS_NULL"
                if !on =>
            {
                return Err(SqlError::unsupported(&format!("SET {option} OFF")));
            }
            option if option.split(',').all(|option| KNOWN.contains(&option)) => {}
            option => {
                let message = format!("'{option}' is not a recognized SET option.");
                return Err(SqlError { class: 15, ..SqlError::new(195, message) });
            }
        }
        Ok(Outcome::Done)
    }

    /// Begins or ends a transaction.
    pub(crate) fn transact(&mut self, transaction: Transaction) -> Result<()> {
        match transaction {
            Transaction::Begin => {
                self.depth += 1;
                if self.depth == 1 {
                    self.transaction = Some(self.engine.catalog());
                }
            }
            Transaction::Commit if self.depth == 0 => {
                let message = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.";
                return Err(SqlError::new(3902, message));
            }
            Transaction::Commit => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.transaction = None;
                    self.changed = false;
                }
            }
            Transaction::Rollback => {
                let Some(earlier) = self.transaction.take() else {
                    let message = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.";
                    return Err(SqlError::new(3903, message));
                };
                self.depth = 0;
                // A transaction that only read takes nobody else's changes back.
                if std::mem::take(&mut self.changed) {
                    self.engine.restore(earlier);
                }
            }
        }
        Ok(())
    }

    /// Inner transactions are counted, and nothing else happens to them.
    pub(super) const fn transaction_outcome(&self, transaction: Transaction) -> Outcome {
        match transaction {
            Transaction::Begin if self.depth > 1 => Outcome::Done,
            Transaction::Commit if self.depth > 0 => Outcome::Done,
            transaction => Outcome::Transaction(transaction),
        }
    }
}
