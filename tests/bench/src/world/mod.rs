//! The servers, tables and programs that everything is measured on.

mod modules;
mod others;
mod programs;
mod runner;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use test_servers::{APP_PASSWORD, APP_USER, PgBouncer, PgBouncerOptions, Postgres, PostgresOptions};
use tokio_postgres::{Client, Config, NoTls};

use crate::plan::Plan;
pub(crate) use modules::{Keys, Mounted, SHIPPED};
pub(crate) use others::Others;
pub(crate) use programs::Programs;
pub(crate) use runner::Runner;
pub(crate) use table::{NAPPING, REFERENCE, WIDE};

/// Sessions of a runner's pool when nobody says, and so the size of the raw pool beside it.
pub(crate) const POOL: usize = 10;

/// How PostgreSQL is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Straight to the server.
    Direct,
    /// Through a pooler that lends a server connection for a transaction.
    Pooled,
}

impl Route {
    /// Both.
    pub(crate) const ALL: [Route; 2] = [Route::Direct, Route::Pooled];
}

/// Which database a job goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// PostgreSQL, on one of two ways.
    Postgres(Route),
    /// MariaDB.
    MariaDb,
    /// An SQLite file.
    Sqlite,
}

impl From<Route> for Source {
    fn from(route: Route) -> Self {
        Source::Postgres(route)
    }
}

impl Source {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Source::Postgres(Route::Direct) => "direct",
            Source::Postgres(Route::Pooled) => "pooled",
            Source::MariaDb => "mariadb",
            Source::Sqlite => "sqlite",
        }
    }

    /// Its bridge.
    pub(crate) fn bridge(self) -> &'static str {
        match self {
            Source::Postgres(_) => "@semilayer/bridge-postgres",
            Source::MariaDb => "@semilayer/bridge-mariadb",
            Source::Sqlite => "@semilayer/bridge-sqlite",
        }
    }
}

/// Everything that is measured on.
pub(crate) struct World {
    /// How much is measured.
    pub(crate) plan: Plan,
    /// What is measured.
    pub(crate) programs: Programs,
    /// The server.
    pub(crate) postgres: Postgres,
    pooler: PgBouncer,
}

impl World {
    /// Builds the programs, starts the servers, fills the tables.
    ///
    /// # Errors
    /// Whatever of it does not work.
    pub(crate) async fn start(plan: Plan, runner: Option<&Path>) -> Result<World> {
        let programs = Programs::find(runner)?;
        // The whole table stays in memory, and nobody tidies up meanwhile.
        let options =
            PostgresOptions::default().setting("shared_buffers", "512MB").setting("autovacuum", "off");
        let postgres = Postgres::start(options).await?;
        let pool_size = u32::try_from(POOL)?;
        let pooler =
            PgBouncer::start(&postgres, &PgBouncerOptions { pool_size, ..PgBouncerOptions::default() })
                .await?;
        let world = World { plan, programs, postgres, pooler };
        table::fill(&world.client(Route::Direct).await?, plan).await?;
        Ok(world)
    }

    /// How a raw connection without TLS, as the runner's are, is made.
    pub(crate) fn server(&self, route: Route) -> Config {
        let port = match route {
            Route::Direct => self.postgres.port(),
            Route::Pooled => self.pooler.port(),
        };
        let mut config = Config::new();
        config.host("127.0.0.1").port(port).user(APP_USER).password(APP_PASSWORD).dbname(APP_USER);
        config
    }

    /// A raw connection.
    ///
    /// # Errors
    /// When the server does not let us in.
    pub(crate) async fn client(&self, route: Route) -> Result<Client> {
        connect(&self.server(route)).await
    }

    /// The URL of a source.
    pub(crate) fn url(&self, route: Route) -> String {
        let parameters = [("sslmode", "disable")];
        match route {
            Route::Direct => self.postgres.url_with(&parameters),
            Route::Pooled => self.pooler.url_with(&parameters),
        }
    }

    /// Where the report goes.
    pub(crate) fn report_directory(&self) -> PathBuf {
        self.programs.target.join("bench")
    }
}

/// A raw connection that the calling task's runtime serves.
///
/// # Errors
/// When the server does not let us in.
pub(crate) async fn connect(server: &Config) -> Result<Client> {
    let (client, connection) = server.connect(NoTls).await.context("a raw connection")?;
    // It ends with its client, and what broke it off the client's next call reports.
    tokio::spawn(connection);
    Ok(client)
}
