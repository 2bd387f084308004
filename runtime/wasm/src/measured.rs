//! What is measured of a module.

use metrics::{Counter, Gauge, counter, gauge};

use crate::meter::Meter;

/// The measures of one module.
pub(crate) struct Measures {
    connector: String,
    instances: Gauge,
    memory: Gauge,
    running: Counter,
}

impl Measures {
    /// The measures of the connector of that name.
    pub(crate) fn new(connector: &str) -> Self {
        let connector = connector.to_owned();
        Measures {
            instances: gauge!("semilayer_connector_instances", "connector" => connector.clone()),
            memory: gauge!("semilayer_connector_memory_bytes", "connector" => connector.clone()),
            running: counter!("semilayer_connector_running_ms_total", "connector" => connector.clone()),
            connector,
        }
    }

    /// An instance was lost; `why` is one of a closed set of words.
    pub(crate) fn lost(&self, why: &'static str) {
        let connector = self.connector.clone();
        counter!("semilayer_connector_traps_total", "connector" => connector, "kind" => why).increment(1);
    }
}

/// The part that one instance has in the measures of its module; given back when it is dropped.
pub(crate) struct Share {
    instances: Gauge,
    memory: Gauge,
    running: Counter,
    bytes: usize,
    /// Running time that makes no whole millisecond yet.
    rest_us: u64,
}

impl Share {
    pub(crate) fn new(measures: &Measures) -> Self {
        measures.instances.increment(1);
        Share {
            instances: measures.instances.clone(),
            memory: measures.memory.clone(),
            running: measures.running.clone(),
            bytes: 0,
            rest_us: 0,
        }
    }

    /// A call is over.
    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and 2⁵³ bytes are far away")]
    pub(crate) fn settle(&mut self, bytes: usize, meter: &Meter) {
        if bytes > self.bytes {
            self.memory.increment((bytes - self.bytes) as f64);
            self.bytes = bytes;
        }
        let spent = u64::try_from(meter.spent().as_micros()).unwrap_or(u64::MAX);
        let spent = self.rest_us.saturating_add(spent);
        self.running.increment(spent / 1_000);
        self.rest_us = spent % 1_000;
    }
}

impl Drop for Share {
    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and 2⁵³ bytes are far away")]
    fn drop(&mut self) {
        self.instances.decrement(1);
        self.memory.decrement(self.bytes as f64);
    }
}
