//! The drivers in this program: the one place in the runner that names them.

use std::sync::Arc;

use connector_api::Connector;
use connector_mssql::SqlServer;
use connector_mysql::MySql;
use connector_postgres::Postgres;
use connector_sqlite::Sqlite;
use runner_engine::Served;

/// Every driver, ready to be served. The first that claims a URL's scheme is the one that it is taken for.
pub fn served() -> Vec<Served> {
    vec![
        driver(Postgres::new(), &["postgresql"]),
        driver(Postgres::cockroachdb(), &["cockroach"]),
        driver(Postgres::neon(), &[]),
        driver(Postgres::supabase(), &[]),
        driver(MySql::new(), &[]),
        driver(MySql::mariadb(), &[]),
        driver(MySql::planetscale(), &[]),
        driver(SqlServer::new(), &["sqlserver"]),
        driver(Sqlite::new(), &[]),
    ]
}

/// A driver with what else people call it.
fn driver(connector: impl Connector + 'static, aliases: &[&str]) -> Served {
    let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
    Served { connector: Arc::new(connector), aliases }
}

#[cfg(test)]
mod tests {
    use connector_model::manifest::short_name;
    use runner_engine::{
        Bridges, Environment, FileSources, ManagedRules, PUBLISHED_BRIDGES, Resolver, find_sources,
    };

    use super::*;

    #[test]
    fn every_published_name_is_served_or_answered_as_not_served_yet() {
        let bridges = Bridges::new(served()).expect("no name is claimed twice");
        let served: Vec<&str> = bridges.names().map(short_name).collect();
        for name in PUBLISHED_BRIDGES {
            for spelling in [name.to_owned(), format!("@semilayer/bridge-{name}")] {
                match bridges.find(&spelling) {
                    Ok(connector) => assert_eq!(connector.manifest().short_name(), name),
                    Err(error) => {
                        assert!(!served.contains(&name), "{error}");
                        assert!(error.message().contains("not served by this runner yet"), "{error}");
                    }
                }
            }
        }
        assert!(served.iter().all(|name| PUBLISHED_BRIDGES.contains(name)), "{served:?}");
    }

    #[test]
    fn a_url_scheme_means_one_driver() {
        let bridges = Bridges::new(served()).expect("no name is claimed twice");
        for (scheme, name) in [
            ("postgres", "postgres"),
            ("postgresql", "postgres"),
            ("PostgreSQL", "postgres"),
            ("cockroachdb", "cockroachdb"),
            ("cockroach", "cockroachdb"),
            ("mysql", "mysql"),
            ("mariadb", "mariadb"),
            ("mssql", "mssql"),
            ("sqlserver", "mssql"),
            ("sqlite", "sqlite"),
            ("file", "sqlite"),
        ] {
            let claimed: Vec<&str> =
                bridges.of_scheme(scheme).map(|connector| connector.manifest().short_name()).collect();
            assert_eq!(claimed, [name], "{scheme}");
        }
        assert_eq!(bridges.of_scheme("https").count(), 0);
    }

    #[test]
    fn a_source_whose_driver_is_named_keeps_it_whatever_its_url_says() {
        let variables = [
            ("SEMILAYER_SOURCE_A_URL", "postgresql://u@h/d"),
            ("SEMILAYER_SOURCE_B_URL", "postgresql://u@h/d"),
            ("SEMILAYER_SOURCE_B_DRIVER", "cockroachdb"),
            ("SEMILAYER_SOURCE_C_URL", "cockroachdb://u@h/d"),
            ("SEMILAYER_SOURCE_D_URL", "postgres://u@h/d"),
            ("SEMILAYER_SOURCE_D_DRIVER", "@semilayer/bridge-neon"),
            ("SEMILAYER_SOURCE_E_URL", "postgres://u@h/d"),
            ("SEMILAYER_SOURCE_E_DRIVER", "postgresql"),
        ];
        let resolver = Resolver {
            bridges: Bridges::new(served()).expect("no name is claimed twice"),
            environment: Arc::new(Environment::new(
                variables.map(|(name, text)| (name.to_owned(), text.to_owned())),
            )),
            managed: ManagedRules::default(),
        };
        let found = find_sources(&resolver, &FileSources::new(), None);
        let drivers: Vec<(String, String)> = found
            .sources
            .into_iter()
            .map(|source| {
                let driver = source.resolved.map(|resolved| short_name(resolved.driver()).to_owned());
                (source.name, driver.unwrap_or_default())
            })
            .collect();
        let expected = ["postgres", "cockroachdb", "cockroachdb", "neon", "postgres"];
        assert_eq!(
            drivers.iter().map(|(_, driver)| driver.as_str()).collect::<Vec<_>>(),
            expected,
            "{drivers:?}"
        );
    }

    #[test]
    fn a_form_of_every_driver_has_what_a_person_needs() {
        for Served { connector, .. } in served() {
            let manifest = connector.manifest();
            let keys: Vec<&str> = manifest.fields.iter().map(|field| field.key.as_ref()).collect();
            let unique: std::collections::BTreeSet<&str> = keys.iter().copied().collect();
            assert_eq!(unique.len(), keys.len(), "{}: {keys:?}", manifest.package_name);
            assert!(
                !manifest.display_name.is_empty() && !manifest.icon.is_empty(),
                "{}",
                manifest.package_name
            );
            assert_eq!(
                manifest.supports_url,
                manifest.url_placeholder.is_some(),
                "{}",
                manifest.package_name
            );
        }
    }
}
