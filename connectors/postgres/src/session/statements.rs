//! Prepared statements of one direct session, the least used dropped first.

use std::collections::HashMap;

use connector_sql::{ParamType, Statement, Value};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use crate::params::declared;

/// The most statements kept prepared; each holds memory in the server process.
const KEPT: usize = 64;

/// A statement is its text with its parameters' types.
type Key = (String, Vec<(ParamType, bool)>);

/// What is prepared.
#[derive(Default)]
pub(super) struct Statements {
    prepared: HashMap<Key, (u64, tokio_postgres::Statement)>,
    uses: u64,
}

impl Statements {
    /// The prepared form of a statement, prepared now if it was not.
    pub(super) async fn get(
        &mut self,
        client: &Client,
        sql: &Statement,
    ) -> Result<tokio_postgres::Statement, Error> {
        self.uses += 1;
        let kinds =
            sql.params.iter().map(|param| (param.kind, matches!(param.value, Value::List(_)))).collect();
        let key = (sql.text.clone(), kinds);
        if let Some((used, statement)) = self.prepared.get_mut(&key) {
            *used = self.uses;
            return Ok(statement.clone());
        }
        let types: Vec<Type> = sql.params.iter().map(declared).collect();
        let statement = client.prepare_typed(&sql.text, &types).await?;
        if self.prepared.len() >= KEPT {
            let oldest = self.prepared.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            oldest.map(|key| self.prepared.remove(&key));
        }
        self.prepared.insert(key, (self.uses, statement.clone()));
        Ok(statement)
    }

    /// Forgets all of them: the catalogue changed.
    pub(super) fn clear(&mut self) {
        self.prepared.clear();
    }
}
