//! What is logged, and how.

use tracing_subscriber::EnvFilter;

use super::error::ConfigError;
use super::layers::{Layers, Names};
use super::origin::Setting;

const FORMAT: Names = Names { flag: "--log-format", variable: "SEMILAYER_LOG_FORMAT", key: "log_format" };
const FILTER: Names = Names { flag: "--log-level", variable: "SEMILAYER_LOG", key: "log" };

/// What is logged when nobody says.
const DEFAULT_FILTER: &str = "info";

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Time, level, message, fields.
    #[default]
    Text,
    /// A JSON object.
    Json,
}

/// What is logged, and how.
#[derive(Debug)]
pub struct Logging {
    /// How a line looks.
    pub format: LogFormat,
    /// Which events are logged.
    pub filter: EnvFilter,
}

impl Logging {
    /// Takes it from the layers.
    ///
    /// # Errors
    /// A format or filter that does not exist.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let format = match layers.text(layers.flags.log_format.as_deref(), FORMAT)? {
            None => LogFormat::Text,
            Some(Setting { value, origin }) => match value.as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err(ConfigError::Invalid { origin, problem: "must be text or json".to_owned() }),
            },
        };
        let chosen = layers.text(layers.flags.log_level.as_deref(), FILTER)?;
        let Setting { value, origin } = chosen.unwrap_or_else(|| Setting::default(DEFAULT_FILTER.to_owned()));
        let filter = EnvFilter::try_new(&value).map_err(|error| ConfigError::Invalid {
            origin,
            problem: format!(
                "is no level and no filter ({error}); write info, debug or info,runner_link=debug"
            ),
        })?;
        Ok(Logging { format, filter })
    }
}
