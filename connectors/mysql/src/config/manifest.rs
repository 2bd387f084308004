//! What the driver says of itself, under each of its bridge names.

use connector_model::Capabilities;
use connector_model::capability::AggregateCapabilities;
use connector_model::manifest::{Field, FieldKind, Manifest, Text, pool_fields, texts};

use super::Product;

/// URL schemes of one bridge name.
pub(super) const SCHEMES: [&str; 2] = ["mysql", "mariadb"];

/// The manifest of a product's bridge.
pub(crate) fn manifest(product: Product) -> Manifest {
    let (package_name, display_name, icon, placeholder, url_schemes): (_, _, _, _, &[&str]) = match product {
        Product::MySql => (
            "@semilayer/bridge-mysql",
            "MySQL",
            "mysql",
            "mysql://user:password@host:3306/database",
            &["mysql"],
        ),
        Product::MariaDb => (
            "@semilayer/bridge-mariadb",
            "MariaDB",
            "mariadb",
            "mariadb://user:password@host:3306/database",
            &["mariadb"],
        ),
        Product::PlanetScale => (
            "@semilayer/bridge-planetscale",
            "PlanetScale",
            "planetscale",
            "mysql://user:password@aws.connect.psdb.cloud/database?sslaccept=strict",
            // A URL alone cannot tell it from MySQL.
            &[],
        ),
    };
    // Vitess, which PlanetScale is made of, has them only within one shard.
    let windows = product != Product::PlanetScale;
    Manifest {
        package_name: Text::Borrowed(package_name),
        display_name: Text::Borrowed(display_name),
        icon: Text::Borrowed(icon),
        supports_url: true,
        url_placeholder: Some(placeholder.into()),
        url_schemes: texts(url_schemes),
        fields: fields(product, placeholder),
        capabilities: Capabilities {
            aggregates: Some(AggregateCapabilities {
                top_k: windows,
                first_last: windows,
                ..AggregateCapabilities::RELATIONAL
            }),
            ..Capabilities::relational()
        },
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

fn fields(product: Product, placeholder: &'static str) -> Vec<Field> {
    use FieldKind::{Boolean, Number, Password, String};
    let mode = if product == Product::PlanetScale { "verify-full" } else { "prefer" };
    let mut fields = vec![
        Field::new("url", "Connection URL", Password)
            .aliases(&["connectionString"])
            .placeholder(placeholder)
            .hint("One URL instead of the fields below; a field that is set as well wins."),
        Field::new("host", "Host", String).hint("A name, an address, or the path of the server's socket."),
        Field::new("port", "Port", Number).default("3306"),
        Field::new("database", "Database", String).aliases(&["db"]),
        Field::new("user", "User", String).aliases(&["username"]),
        Field::new("password", "Password", Password).aliases(&["pass"]),
        Field::new("ssl", "Require verified TLS", Boolean)
            .hint("True checks the certificate and the name in it."),
        Field::new("sslmode", "TLS mode", String)
            .default(mode)
            .hint("disable, prefer, require, verify-ca or verify-full.")
            .advanced(),
        Field::new("sslrootcert", "CA certificate", String)
            .aliases(&["sslCa"])
            .hint("PEM text, or the path of a PEM file.")
            .advanced(),
        Field::new("sslcert", "Client certificate", String)
            .hint("PEM text, or the path of a PEM file.")
            .advanced(),
        Field::new("sslkey", "Client key", Password).hint("PEM text, or the path of a PEM file.").advanced(),
        Field::new("ipFamily", "IP family", Number).hint("4 or 6; both when absent.").advanced(),
        Field::new("connectionTimeoutMillis", "Connect timeout (ms)", Number).default("10000").advanced(),
        Field::new("binary", "Bytes as", String).default("base64").hint("base64 or buffer.").advanced(),
    ];
    fields.extend(pool_fields());
    fields
}
