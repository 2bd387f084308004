//! The databases that speak PostgreSQL's protocol, and all that differs between them.

use connector_model::capability::{AggregateCapabilities, Answers};
use connector_sql::{AggregateDialect, Cockroach, Postgres};

use crate::catalog::Queries;
use crate::config::{Endpoint, SslMode};

/// One member of the family. Everything that is not here is the same for all of them.
pub(crate) struct Family {
    pub(crate) package_name: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) url_placeholder: &'static str,
    /// Schemes by which a source of it is recognised when nobody named its driver. Only one member may claim each.
    pub(crate) own_schemes: &'static [&'static str],
    /// The port when none is named, and as a form shows it.
    pub(crate) port: u16,
    pub(crate) port_text: &'static str,
    /// `sslmode` when none is named.
    pub(crate) ssl: SslMode,
    /// Where a transaction pooler is known to stand; everywhere else it is seen.
    pub(crate) pooler: Pooler,
    /// Whether the published connector of this name took a project's URL and an API key.
    pub(crate) had_rest_form: bool,
    /// What is asked of its catalogue.
    pub(crate) queries: Queries,
    /// Its SQL.
    pub(crate) dialect: &'static dyn AggregateDialect,
}

/// Where a transaction pooler stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooler {
    Unknown,
    /// At hosts whose first label ends so.
    Label(&'static str),
    /// At this port.
    Port(u16),
}

/// Schemes that every member takes in a URL.
pub(crate) const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// PostgreSQL itself, and whatever behaves as it does.
pub(crate) static POSTGRES: Family = Family {
    package_name: "@semilayer/bridge-postgres",
    display_name: "PostgreSQL",
    icon: "postgres",
    url_placeholder: "postgres://user:password@host:5432/database",
    own_schemes: &SCHEMES,
    port: 5432,
    port_text: "5432",
    ssl: SslMode::Prefer,
    pooler: Pooler::Unknown,
    had_rest_form: false,
    queries: Queries::POSTGRES,
    dialect: &Postgres,
};

/// CockroachDB: its own order of NULLs, and a catalogue that holds part of PostgreSQL's.
pub(crate) static COCKROACHDB: Family = Family {
    package_name: "@semilayer/bridge-cockroachdb",
    display_name: "CockroachDB",
    icon: "cockroachdb",
    url_placeholder: "postgresql://user:password@host:26257/database?sslmode=verify-full",
    own_schemes: &["cockroachdb", "cockroach"],
    port: 26257,
    port_text: "26257",
    queries: Queries::COCKROACH,
    dialect: &Cockroach,
    ..POSTGRES_LIKE
};

/// Neon: encrypted only, with certificates of a public authority; `-pooler` hosts are PgBouncer by transaction
/// (Neon documentation, "Connection pooling" and "Connect to Neon securely").
pub(crate) static NEON: Family = Family {
    package_name: "@semilayer/bridge-neon",
    display_name: "Neon",
    icon: "neon",
    url_placeholder: "postgresql://user:password@ep-name-123456.region.aws.neon.tech/database?sslmode=verify-full",
    ssl: SslMode::VerifyFull,
    pooler: Pooler::Label("-pooler"),
    ..POSTGRES_LIKE
};

/// Supabase: encrypted by default here, its authority is its own; port 6543 is its pooler by transaction (Supabase
/// documentation, "Connect to your database").
pub(crate) static SUPABASE: Family = Family {
    package_name: "@semilayer/bridge-supabase",
    display_name: "Supabase",
    icon: "supabase",
    url_placeholder: "postgresql://postgres.project:password@aws-0-region.pooler.supabase.com:6543/postgres",
    ssl: SslMode::Require,
    pooler: Pooler::Port(6543),
    had_rest_form: true,
    ..POSTGRES_LIKE
};

/// What the relatives share with PostgreSQL; its URL schemes stay its own.
const POSTGRES_LIKE: Family = Family {
    package_name: "",
    display_name: "",
    icon: "",
    url_placeholder: "",
    own_schemes: &[],
    port: 5432,
    port_text: "5432",
    ssl: SslMode::Prefer,
    pooler: Pooler::Unknown,
    had_rest_form: false,
    queries: Queries::POSTGRES,
    dialect: &Postgres,
};

impl Family {
    /// What its servers compute of an aggregate.
    pub(crate) fn aggregates(&self) -> AggregateCapabilities {
        AggregateCapabilities { percentile: Answers::Exact, ..AggregateCapabilities::RELATIONAL }
    }

    /// Whether a URL of it may begin with this scheme.
    pub(crate) fn takes(&self, scheme: &str) -> bool {
        SCHEMES.iter().chain(self.own_schemes).any(|known| *known == scheme)
    }

    /// Whether a transaction pooler is known to stand at this place.
    pub(crate) fn pools(&self, endpoint: &Endpoint) -> bool {
        match (self.pooler, endpoint) {
            (Pooler::Label(end), Endpoint::Tcp { host, .. }) => {
                host.split('.').next().is_some_and(|label| label.ends_with(end))
            }
            (Pooler::Port(known), Endpoint::Tcp { port, .. }) => *port == known,
            (Pooler::Unknown, _) | (_, Endpoint::Unix { .. }) => false,
        }
    }
}
