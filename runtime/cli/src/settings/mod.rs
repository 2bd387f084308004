//! What the program was told, and by whom.
//!
//! A value comes from a flag, else a variable, else the configuration file, else it is the default; empty counts as
//! unset everywhere.
//!
//! - [`layers`]: those three, and looking a value up in them
//! - [`origin`]: where a value is from
//! - [`mod@file`]: the configuration file
//! - [`connection`]: who this runner is and how it reaches its gateway
//! - [`route`]: whether a proxy leads there
//! - [`serving`]: how much it does at once, how it stops, where it is asked for its health
//! - [`sources`]: what sources are configured with
//! - [`mod@policy`]: what the operator allows, whatever the gateway asks for
//! - [`mod@connectors`]: where connector modules are, and what the operator says of them
//! - [`logging`]: what is logged, and how
//! - [`mod@telemetry`]: which collector gets spans and metrics
//! - [`error`]: what can be wrong with all that

pub mod connection;
pub mod connectors;
pub mod error;
pub mod file;
pub mod layers;
pub mod logging;
pub mod origin;
pub mod policy;
pub mod route;
pub mod serving;
pub mod sources;
pub mod telemetry;

pub use connection::Connection;
pub use connectors::ModuleSettings;
pub use error::ConfigError;
pub use layers::Layers;
pub use logging::{LogFormat, Logging};
pub use origin::{Origin, Setting};
pub use serving::Serving;
pub use sources::SourceSettings;

/// Everything that `start` needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who this runner is and how it reaches its gateway.
    pub connection: Connection,
    /// How much it does at once, how it stops, where it is asked for its health.
    pub serving: Serving,
    /// What its sources are configured with.
    pub sources: SourceSettings,
    /// Where connector modules are, and what the operator says of them.
    pub modules: ModuleSettings,
    /// Which collector gets spans and metrics, if one does.
    pub collector: Option<runner_telemetry::otlp::Collector>,
}

impl Settings {
    /// Takes everything from the layers.
    ///
    /// # Errors
    /// The first thing that is missing or wrong, named by flag and variable.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let connection = Connection::read(layers)?;
        let collector = telemetry::collector(layers, &connection)?;
        Ok(Settings {
            connection,
            collector,
            serving: Serving::read(layers)?,
            sources: SourceSettings::read(layers)?,
            modules: ModuleSettings::read(layers)?,
        })
    }
}
