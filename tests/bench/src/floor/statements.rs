//! The runner's own statements, as the server saw them.

use anyhow::{Context, Result, ensure};
use tokio_postgres::Client;

use crate::gateway::{Query, small};
use crate::world::{REFERENCE, Route, Runner, World};

/// What the runner asks the database, so that the floors ask the very same.
#[derive(Debug, Clone)]
pub(crate) struct Statements {
    /// The whole reference table.
    pub(crate) everything: String,
    /// One row by its key, `$1`.
    pub(crate) by_key: String,
}

impl Statements {
    /// Lets a runner run both and reads them from the server.
    ///
    /// # Errors
    /// When one of them cannot be seen there.
    pub(crate) async fn observe(world: &World) -> Result<Statements> {
        let admin = world.postgres.admin().await?;
        let mut runner = Runner::start(world).await?;
        let small = small::options(1);
        let small = Query { kind: "query", source: Route::Direct.into(), target: REFERENCE, options: &small };
        let job = runner.session.job(small).await?;
        runner.session.done(job).await?;
        let by_key = last(&admin).await?;
        ensure!(by_key.contains("$1"), "the runner's statement for one key has no parameter: {by_key}");
        crate::gateway::stream::query(&mut runner.session, Query::everything(Route::Direct)).await?;
        let everything = last(&admin).await?;
        ensure!(everything != by_key, "the runner's statement for the whole table was not seen");
        Ok(Statements { everything, by_key })
    }
}

/// The last statement of the runner's one session.
async fn last(admin: &Client) -> Result<String> {
    let seen = admin
        .query_opt(
            "SELECT query FROM pg_stat_activity WHERE application_name LIKE 'semilayer-runner/%' AND query LIKE 'SELECT %'",
            &[],
        )
        .await?;
    Ok(seen.context("the runner's statement cannot be seen in pg_stat_activity")?.try_get(0)?)
}
