//! The whole system in one process on loopback: a gateway, a runner, and an SQLite shop to read from.
//!
//! Nothing is kept: the databases are made in a temporary folder and go with it.

mod data;
mod system;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use system::{Environment, System};

fn main() -> ExitCode {
    let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // The one place where the environment is read.
    #[allow(clippy::disallowed_methods, reason = "a program's main")]
    let environment = Environment { log: std::env::var("SEMILAYER_LOG").ok() };
    match tokio::runtime::Runtime::new()
        .context("the runtime cannot start")
        .and_then(|runtime| runtime.block_on(demonstrate(&environment)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _told = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate(environment: &Environment) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "Making a shop of 100,000 rows …")?;
    let system = System::start(environment).await?;
    write!(out, "{}", welcome(&system))?;
    out.flush()?;
    tokio::signal::ctrl_c().await.context("Ctrl-C cannot be caught")?;
    writeln!(out, "\nStopping …")?;
    system.stop().await;
    Ok(())
}

/// What a person needs to go on.
fn welcome(system: &System) -> String {
    let (url, key, admin) = (&system.url, &system.key, &system.admin_token);
    let tables: Vec<String> = data::TABLES.iter().map(|(name, rows)| format!("{name} ({rows})")).collect();
    format!(
        "
The runner is connected, and serves the source \"shop\": {tables}, and the view revenue_by_country.

Ask it for the five newest orders:

  curl -s {url}/v1/sources/shop/query \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{\"target\":\"orders\",\"options\":{{\"orderBy\":{{\"placed_at\":\"desc\"}},\"limit\":5}}}}'

All order lines, a row a line:

  curl -sN {url}/v1/sources/shop/query \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -H 'Accept: application/x-ndjson' \\
    -d '{{\"target\":\"order_items\"}}'

The runners' state:  {url}/  (any user name, password {admin})

Ctrl-C ends it.
",
        tables = tables.join(", ")
    )
}
