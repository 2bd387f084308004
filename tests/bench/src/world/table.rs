//! The tables.

use anyhow::Result;
use tokio_postgres::Client;

use crate::plan::Plan;

/// The table that figures are about: eight columns of eight types, about 190 bytes a row as JSON.
pub(crate) const REFERENCE: &str = "reference";
/// A view of rows just below a mebibyte, made while they are read.
pub(crate) const WIDE: &str = "wide";
/// A view whose one row takes ten minutes.
pub(crate) const NAPPING: &str = "napping";

/// Makes and fills them, and leaves them as a long quiet server would have them.
pub(super) async fn fill(client: &Client, plan: Plan) -> Result<()> {
    client
        .batch_execute(&format!(
            "CREATE TABLE {REFERENCE} (
                 id integer PRIMARY KEY,
                 big bigint NOT NULL,
                 name text NOT NULL,
                 ratio double precision NOT NULL,
                 price numeric(12, 2) NOT NULL,
                 at timestamptz NOT NULL,
                 ok boolean NOT NULL,
                 key uuid NOT NULL
             );
             INSERT INTO {REFERENCE}
                 SELECT n, n * 10000019::bigint, 'reference ' || lpad(n::text, 8, '0'), n / 7.0::float8,
                        n % 1000000 / 100.0, timestamptz '2024-01-01Z' + n * interval '1.000123 seconds',
                        n % 2 = 0, md5(n::text)::uuid
                 FROM generate_series(1, {rows}) AS n;
             CREATE VIEW {WIDE} AS
                 SELECT n AS id, repeat(md5(n::text), 32700) AS body FROM generate_series(1, {wide}) AS n;
             CREATE VIEW {NAPPING} AS SELECT 1 AS id, pg_sleep(600)::text AS nap;",
            rows = plan.rows,
            wide = plan.wide_rows,
        ))
        .await?;
    client.batch_execute(&format!("VACUUM (ANALYZE, FREEZE) {REFERENCE}")).await?;
    client.batch_execute("CHECKPOINT").await.or_else(|error| match error.code() {
        // Before PostgreSQL 15 only a superuser may; then the first rounds merely warm up longer.
        Some(code) if *code == tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE => Ok(()),
        _ => Err(error),
    })?;
    Ok(())
}
