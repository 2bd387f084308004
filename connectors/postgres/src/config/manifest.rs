//! What the PostgreSQL driver says of itself.

use connector_model::Capabilities;
use connector_model::manifest::{Field, FieldKind, Manifest, pool_fields};

/// The manifest of `@semilayer/bridge-postgres`.
pub(crate) fn manifest() -> Manifest {
    use FieldKind::{Boolean, Number, Password, String};
    let mut fields = vec![
        Field::new("url", "Connection URL", Password)
            .aliases(&["connectionString"])
            .placeholder("postgres://user:password@host:5432/database")
            .hint("One URL instead of the fields below; a field that is set as well wins."),
        Field::new("host", "Host", String).hint("A name, an address, several with commas, or a folder of sockets."),
        Field::new("port", "Port", Number).default("5432"),
        Field::new("database", "Database", String).aliases(&["db"]),
        Field::new("user", "User", String).aliases(&["username"]),
        Field::new("password", "Password", Password),
        Field::new("ssl", "Require verified TLS", Boolean).hint("True checks the certificate and the name in it."),
        Field::new("sslmode", "TLS mode", String)
            .default("prefer")
            .hint("disable, prefer, require, verify-ca or verify-full.")
            .advanced(),
        Field::new("sslrootcert", "CA certificate", String).hint("PEM text, or the path of a PEM file.").advanced(),
        Field::new("sslcert", "Client certificate", String).hint("PEM text, or the path of a PEM file.").advanced(),
        Field::new("sslkey", "Client key", Password).hint("PEM text, or the path of a PEM file.").advanced(),
        Field::new("ipFamily", "IP family", Number).hint("4 or 6; both when absent.").advanced(),
        Field::new("connectionTimeoutMillis", "Connect timeout (ms)", Number).default("10000").advanced(),
        Field::new("targetSessionAttrs", "Server role", String)
            .default("any")
            .hint("any, read-write, read-only, primary, standby or prefer-standby.")
            .advanced(),
        Field::new("prepare", "Prepared statements", Boolean)
            .hint("False forces what is safe behind transaction poolers, which is otherwise chosen by what is seen.")
            .advanced(),
        Field::new("binary", "Bytes as", String).default("base64").hint("base64 or buffer.").advanced(),
    ];
    fields.extend(pool_fields());
    Manifest {
        package_name: "@semilayer/bridge-postgres",
        display_name: "PostgreSQL",
        icon: "postgres",
        supports_url: true,
        url_placeholder: Some("postgres://user:password@host:5432/database"),
        url_schemes: &["postgres", "postgresql"],
        fields,
        capabilities: Capabilities::relational(),
        version: env!("CARGO_PKG_VERSION"),
    }
}
