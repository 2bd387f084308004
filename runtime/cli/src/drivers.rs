//! The drivers in this program: the one place in the runner that names them.

use std::sync::Arc;

use connector_api::Connector;
use connector_postgres::Postgres;
use connector_sqlite::Sqlite;
use runner_engine::Served;

/// Every driver, ready to be served.
pub fn served() -> Vec<Served> {
    let drivers: [Arc<dyn Connector>; 2] = [Arc::new(Postgres::new()), Arc::new(Sqlite::new())];
    drivers.into_iter().map(Served::from).collect()
}
