//! What the SQL Server driver says of itself.

use connector_model::Capabilities;
use connector_model::manifest::{Field, FieldKind, Manifest, pool_fields, texts};

use crate::session::AGGREGATES;

/// The manifest of `@semilayer/bridge-mssql`.
pub(crate) fn manifest() -> Manifest {
    use FieldKind::{Boolean, Number, Password, String};
    let mut fields = vec![
        Field::new("url", "Connection URL", Password)
            .aliases(&["connectionString"])
            .placeholder("mssql://user:password@host:1433/database")
            .hint("One URL instead of the fields below; a field that is set as well wins."),
        Field::new("server", "Server", String)
            .aliases(&["host"])
            .hint("A name or an address; host\\instance and host,port are understood too."),
        Field::new("port", "Port", Number).default("1433"),
        Field::new("database", "Database", String).aliases(&["db"]),
        Field::new("user", "User", String)
            .aliases(&["username"])
            .hint("A SQL Server login, not a Windows account."),
        Field::new("password", "Password", Password),
        Field::new("encrypt", "Encrypt", Boolean)
            .default("true")
            .hint("True encrypts everything and checks the certificate and the name in it."),
        Field::new("trustServerCertificate", "Trust any certificate", Boolean)
            .default("false")
            .hint("True encrypts without knowing to whom; better give the authority in sslrootcert.")
            .advanced(),
        Field::new("sslrootcert", "CA certificate", String)
            .hint("PEM text, or the path of a PEM file.")
            .advanced(),
        Field::new("hostNameInCertificate", "Name in the certificate", String)
            .hint("The name to check the certificate for, where it is not the server's.")
            .advanced(),
        Field::new("applicationIntent", "Application intent", String)
            .default("readWrite")
            .hint(
                "readWrite reads the primary, whose data are current; readOnly lets an availability group send the \
                 session to a replica, which may lag behind. Nothing is ever written with either.",
            )
            .advanced(),
        Field::new("instanceName", "Instance", String)
            .hint("A named instance; its port is asked of the SQL Server Browser (UDP 1434).")
            .advanced(),
        Field::new("ipFamily", "IP family", Number).hint("4 or 6; both when absent.").advanced(),
        Field::new("connectionTimeoutMillis", "Connect timeout (ms)", Number).default("10000").advanced(),
        Field::new("binary", "Bytes as", String).default("base64").hint("base64 or buffer.").advanced(),
    ];
    fields.extend(pool_fields());
    Manifest {
        package_name: "@semilayer/bridge-mssql".into(),
        display_name: "SQL Server".into(),
        icon: "mssql".into(),
        supports_url: true,
        url_placeholder: Some("mssql://user:password@host:1433/database".into()),
        url_schemes: texts(&["mssql", "sqlserver"]),
        fields,
        capabilities: Capabilities { aggregates: Some(AGGREGATES), ..Capabilities::relational() },
        version: env!("CARGO_PKG_VERSION").into(),
    }
}
