//! A query's whole way: caller, gateway, runner, database and back; and what happens when a part of it breaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aggregate;
mod breaking;
mod identity;
mod refusing;
mod rolling;
mod streaming;

use e2e_tests::{Caller, Gateway, GatewayOptions, Identity, Runner, RunnerOptions};
use test_servers::{PgBouncer, PgBouncerOptions, Postgres, PostgresOptions, ServerCertificate};
use tokio_postgres::Client;

/// A database, a gateway, a runner and a caller. The source `direct` is the server itself, `pooled` goes through
/// PgBouncer in transaction mode; both over verified TLS.
struct Stack {
    postgres: Postgres,
    bouncer: PgBouncer,
    admin: Client,
    gateway: Gateway,
    identity: Identity,
    options: RunnerOptions,
    runner: Runner,
    caller: Caller,
}

impl Stack {
    async fn start() -> Stack {
        let postgres = Postgres::start(PostgresOptions::with_tls()).await.unwrap();
        let admin = postgres.admin().await.unwrap();
        admin
            .batch_execute(
                "CREATE TABLE small (id int PRIMARY KEY, v text);
                 INSERT INTO small SELECT i, 'v' || i FROM generate_series(1, 100) i;
                 CREATE VIEW asleep AS SELECT 1 AS i FROM pg_sleep(60);
                 CREATE VIEW million AS SELECT i AS id, i::bigint * 4294967296 AS big, 'a text of some length ' || i AS v,
                   i / 7.0::float8 AS f, i / 100.0 AS n, '2024-01-01'::timestamptz + i * interval '1 second' AS at,
                   i % 2 = 0 AS even, md5(i::text)::uuid AS u FROM generate_series(1, 1000000) i;
                 GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
            )
            .await
            .unwrap();
        let encrypted =
            PgBouncerOptions { tls: Some(ServerCertificate::Good), ..PgBouncerOptions::default() };
        let bouncer = PgBouncer::start(&postgres, &encrypted).await.unwrap();
        let gateway = Gateway::start(GatewayOptions::default()).await.unwrap();
        let identity = gateway.runner("first").await.unwrap();
        gateway.source("direct", "postgres", &identity).await.unwrap();
        gateway.source("pooled", "postgres", &identity).await.unwrap();
        let authority = postgres.authority_file().display().to_string();
        let verified = postgres.url_with(&[("sslmode", "verify-full"), ("sslrootcert", &authority)]);
        let authority = bouncer.authority_file().display().to_string();
        let pooled = bouncer.url_with(&[("sslmode", "verify-full"), ("sslrootcert", &authority)]);
        let options = RunnerOptions::default()
            .set("SEMILAYER_SOURCE_DIRECT_URL", verified)
            .set("SEMILAYER_SOURCE_POOLED_URL", pooled);
        let runner = Runner::start(&gateway, &identity, &options).await.unwrap();
        let caller = gateway.caller().await.unwrap();
        gateway.serving(&caller, "direct").await.unwrap();
        Stack { postgres, bouncer, admin, gateway, identity, options, runner, caller }
    }

    /// How many statements of the runner the database is working on.
    async fn busy(&self) -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'";
        self.admin.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn until_busy(&self, busy: bool) {
        let wait = async {
            while (self.busy().await > 0) != busy {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(e2e_tests::LIMIT, wait).await.expect("the database's state did not change");
    }
}
