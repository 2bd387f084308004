//! What a SQLite source is configured with.

use std::path::PathBuf;

use connector_model::capability::AggregateCapabilities;
use connector_model::manifest::{Field, FieldKind, Manifest, pool_fields, texts};
use connector_model::{Capabilities, Config, Error, Result};
use connector_sql::sqlite::Binary;

use crate::location;

/// A validated configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) binary: Binary,
}

impl Settings {
    /// Validates.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting.
    pub(crate) fn new(config: &Config) -> Result<Settings> {
        let named = config.text("path").ok_or_else(|| Error::config("path", "is required and not set"))?;
        let path = location::parse(named).map_err(|problem| Error::config("path", problem))?;
        let binary = Binary::named(config.text("binary"))?;
        Ok(Settings { path, binary })
    }
}

/// The manifest.
pub(crate) fn manifest() -> Manifest {
    use FieldKind::String;
    let own = [
        Field::new("path", "Database file", String)
            .aliases(&["url", "file"])
            .placeholder("/var/lib/app/app.db")
            .hint("A file on the runner's machine; it is opened read-only and never created.")
            .required(),
        Field::new("binary", "Blobs as", String)
            .default("base64")
            .hint("\"base64\" for texts, \"buffer\" for objects as Node writes a Buffer.")
            .advanced(),
    ];
    Manifest {
        package_name: "@semilayer/bridge-sqlite".into(),
        display_name: "SQLite".into(),
        icon: "sqlite".into(),
        supports_url: true,
        url_placeholder: Some("sqlite:///var/lib/app/app.db".into()),
        url_schemes: texts(&["sqlite", "file"]),
        fields: own.into_iter().chain(pool_fields()).collect(),
        capabilities: Capabilities {
            aggregates: Some(AggregateCapabilities::RELATIONAL),
            ..Capabilities::relational()
        },
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::config::Origin;

    fn settings(texts: &[(&str, &str)]) -> Result<Settings> {
        Settings::new(&Config::from_texts(&manifest(), Origin::Local, texts.iter().copied())?)
    }

    #[test]
    fn the_file_has_three_names_and_blobs_two_forms() {
        for key in ["path", "url", "file"] {
            let found = settings(&[(key, "/data/a.db")]).unwrap();
            assert_eq!(found, Settings { path: "/data/a.db".into(), binary: Binary::Base64 });
        }
        let found = settings(&[("path", "/data/a.db"), ("binary", "buffer"), ("pool.max", "2")]).unwrap();
        assert_eq!(found.binary, Binary::Buffer);
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (texts, setting) in [
            (&[][..], "path"),
            (&[("path", ":memory:")][..], "path"),
            (&[("path", "/a.db"), ("binary", "hex")][..], "binary"),
            (&[("path", "/a.db"), ("url", "/b.db")][..], "url"),
        ] {
            let error = settings(texts).unwrap_err();
            assert_eq!(error.code(), connector_model::ErrorCode::SourceNotConfigured);
            assert_eq!(error.detail()["setting"], setting);
        }
    }
}
