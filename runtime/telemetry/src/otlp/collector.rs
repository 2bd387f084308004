//! Where the collector is and how it is spoken to.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::encoding::Encoding;
use super::endpoint::Endpoint;
use super::pairs::PairsError;

/// Where the collector is and how it is spoken to. `Debug` shows no header's value.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Where spans go, if they are sent.
    pub traces: Option<Endpoint>,
    /// Where metrics go, if they are sent.
    pub metrics: Option<Endpoint>,
    /// How messages are written.
    pub encoding: Encoding,
    /// Headers of every request, marked as secret.
    pub headers: HeaderMap,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long a span waits for others.
    pub span_delay: Duration,
    /// How often metrics are sent.
    pub metric_interval: Duration,
    /// What the sender says of itself, `service.name` among it.
    pub attributes: Vec<(String, String)>,
}

impl Collector {
    /// Takes the headers of every request.
    ///
    /// # Errors
    /// A name or value that no header can have.
    pub fn headers(pairs: Vec<(String, String)>) -> Result<HeaderMap, PairsError> {
        let mut headers = HeaderMap::new();
        for (at, (name, value)) in pairs.into_iter().enumerate() {
            let entry = at + 1;
            let name = HeaderName::try_from(name).map_err(|_| PairsError::Name { entry })?;
            let mut value = HeaderValue::try_from(value).map_err(|_| PairsError::Value { entry })?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(headers)
    }
}
