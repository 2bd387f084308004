//! What the program was told, and by whom.
//!
//! A value comes from a flag, else a variable, else the configuration file, else it is the default; empty counts as
//! unset everywhere.
//!
//! - [`layers`]: those three, and looking a value up in them
//! - [`known`]: every setting, as a table
//! - [`origin`]: where a value is from
//! - [`mod@file`]: the configuration file
//! - [`connection`]: who this runner is and how it reaches its gateway
//! - [`serving`]: how much it does at once, how it stops, where it is asked for its health
//! - [`sources`]: what sources are configured with
//! - [`mod@connectors`]: where connector modules are, and what the operator says of them
//! - [`logging`]: what is logged, and how
//! - [`error`]: what can be wrong with all that

pub mod connection;
pub mod connectors;
pub mod error;
pub mod file;
pub mod known;
pub mod layers;
pub mod logging;
pub mod origin;
pub mod serving;
pub mod sources;

pub use connection::Connection;
pub use connectors::ModuleSettings;
pub use error::ConfigError;
pub use known::Unread;
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
    /// Variables that look like ours and that nothing reads.
    pub unread: Vec<Unread>,
}

impl Settings {
    /// Takes everything from the layers.
    ///
    /// # Errors
    /// The first thing that is missing or wrong, named by flag and variable.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        Ok(Settings {
            connection: Connection::read(layers)?,
            serving: Serving::read(layers)?,
            sources: SourceSettings::read(layers)?,
            modules: ModuleSettings::read(layers)?,
            unread: known::unread(&layers.variables),
        })
    }
}
