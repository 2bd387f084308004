//! What the PostgreSQL driver says of itself.

use connector_model::Capabilities;
use connector_model::manifest::{Field, FieldKind, Manifest, pool_fields, texts};

use crate::family::Family;

/// The manifest of a member of the family.
pub(crate) fn manifest(family: &Family) -> Manifest {
    use FieldKind::{Boolean, Number, Password, String};
    let port = family.port_text;
    let mut fields = vec![
        Field::new("url", "Connection URL", Password)
            .aliases(&["connectionString"])
            .placeholder(family.url_placeholder)
            .hint("One URL instead of the fields below; a field that is set as well wins."),
        Field::new("host", "Host", String).hint("A name, an address, several with commas, or a folder of sockets."),
        Field::new("port", "Port", Number).default(port),
        Field::new("database", "Database", String).aliases(&["db"]),
        Field::new("user", "User", String).aliases(&["username"]),
        Field::new("password", "Password", Password),
        Field::new("ssl", "Require verified TLS", Boolean).hint("True checks the certificate and the name in it."),
        Field::new("sslmode", "TLS mode", String)
            .default(family.ssl.name())
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
    if family.had_rest_form {
        fields.push(
            Field::new("key", "API key", Password)
                .hint("Not taken: the runner speaks to the database, not to the project's REST interface.")
                .advanced(),
        );
    }
    fields.extend(pool_fields());
    Manifest {
        package_name: family.package_name.into(),
        display_name: family.display_name.into(),
        icon: family.icon.into(),
        supports_url: true,
        url_placeholder: Some(family.url_placeholder.into()),
        url_schemes: texts(family.own_schemes),
        fields,
        capabilities: Capabilities { aggregates: Some(family.aggregates()), ..Capabilities::relational() },
        version: env!("CARGO_PKG_VERSION").into(),
    }
}
