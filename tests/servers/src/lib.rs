//! Real servers for the tests, and the means to watch and end programs.
//!
//! Every server is a fresh instance in a temporary directory on a free port of loopback, runs without
//! privileges, and ends with the value that stands for it, also when the test run itself is killed. A
//! program that is not installed is an error that says how to install it; no test passes without it.

mod binaries;
mod certificates;
mod clickhouse;
mod components;
mod door;
mod install;
mod launch;
mod mariadb;
mod output;
mod pgbouncer;
mod port;
mod postgres;
mod proc;
mod process;
mod proxy;
mod redis;
mod spawner;
mod tds;
mod tls;
mod tsql;
mod turso;
mod upstash;
mod url;
mod workspace;

pub use binaries::{Binaries, Profile, binaries};
pub use certificates::{Certificates, Credential, ServerCertificate};
pub use clickhouse::{ClickHouse, ClickHouseOptions, OldClickHouse};
pub use components::{component, guest};
pub use door::{TlsDoor, TlsDoorOptions};
pub use launch::Launch;
pub use mariadb::{MariaDb, MariaDbOptions};
pub use output::{Line, Origin};
pub use pgbouncer::{PgBouncer, PgBouncerOptions};
pub use port::free_port;
pub use postgres::{APP_PASSWORD, APP_USER, Postgres, PostgresOptions};
pub use process::{Exit, Process};
pub use proxy::{Proxy, ProxyBehaviour, ProxyOptions, ProxyProtocol, ProxyRequest};
pub use redis::{Redis, RedisClient, RedisOptions, RedisReply};
pub use rustix::process::Signal;
pub use tds::{
    SqlServer, SqlServerBrowser, SqlServerEncryption, SqlServerError, SqlServerFault, SqlServerOptions,
    SqlServerRequest, SqlServerSession, SqlServerStatement,
};
pub use turso::{Turso, TursoEngine, TursoFault, TursoOptions, TursoRequest};
pub use upstash::{Upstash, UpstashFault, UpstashOptions};
pub use workspace::ServerDirectory;
