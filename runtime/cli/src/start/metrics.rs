//! What `/metrics` shows: what was counted, and what is looked up at that moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_host::load::ModuleReport;
use connector_model::manifest::short_name;
use metrics::{Gauge, counter, gauge};
use runner_engine::{Engine, PoolState, SourceHealth, SourceState};
use runner_telemetry::Exposition;

use super::readiness::{Readiness, State};
use crate::connectors::loading::Loaded;
use crate::version;

/// Sources and modules that are shown by name: names come from outside, and a series is never forgotten.
const MOST_NAMES: usize = 256;

/// Shows the series. A clone shows the same.
#[derive(Clone)]
pub(super) struct Metrics(Arc<Inner>);

struct Inner {
    exposition: Exposition,
    engine: Engine,
    loaded: Loaded,
    readiness: Readiness,
    named: Mutex<Named>,
}

/// What was shown by name before, so that what is gone is not shown as it last was.
#[derive(Default)]
struct Named {
    pools: BTreeMap<String, PoolGauges>,
    up: BTreeMap<String, Gauge>,
    parked: BTreeMap<String, Gauge>,
}

struct PoolGauges {
    idle: Gauge,
    lent: Gauge,
    limit: Gauge,
    waiting: Gauge,
    breaker: Gauge,
}

impl Metrics {
    /// Shows these.
    pub(super) fn new(
        exposition: Exposition,
        engine: Engine,
        loaded: Loaded,
        readiness: Readiness,
        max_jobs: usize,
    ) -> Metrics {
        gauge!("semilayer_build_info", "version" => version::VERSION, "commit" => version::COMMIT, "target" => version::TARGET)
            .set(1);
        gauge!("semilayer_jobs_limit").set(float(max_jobs));
        // There from the start, so that an alert sees the first one as a change.
        counter!("semilayer_log_lines_lost_total").increment(0);
        Metrics(Arc::new(Inner { exposition, engine, loaded, readiness, named: Mutex::default() }))
    }

    /// The series as they are now.
    pub(super) fn text(&self) -> String {
        let Inner { exposition, engine, loaded, readiness, named } = &*self.0;
        let stats = engine.stats();
        gauge!("semilayer_jobs_in_flight").set(float(stats.active_jobs.saturating_sub(stats.queued_jobs)));
        gauge!("semilayer_jobs_queued").set(float(stats.queued_jobs));
        let state = readiness.state();
        gauge!("semilayer_draining").set(flag(state == State::Draining));
        let age = readiness.session_age();
        gauge!("semilayer_gateway_connected").set(flag(age.is_some()));
        gauge!("semilayer_gateway_session_age_seconds")
            .set(age.map_or(0.0, |age: Duration| age.as_secs_f64()));
        let reports = loaded.modules().map(|modules| modules.reports()).unwrap_or_default();
        let mut named = named.lock().unwrap_or_else(PoisonError::into_inner);
        named.pools(engine.pools());
        named.sources(&stats.sources);
        named.modules(&reports);
        drop(named);
        exposition.text()
    }
}

impl Named {
    fn pools(&mut self, states: Vec<PoolState>) {
        let mut sums: BTreeMap<String, PoolState> = BTreeMap::new();
        for state in states {
            match sums.get_mut(&state.source) {
                None => drop(sums.insert(state.source.clone(), state)),
                Some(sum) => {
                    sum.open += state.open;
                    sum.idle += state.idle;
                    sum.waiting += state.waiting;
                    sum.most += state.most;
                    sum.is_broken |= state.is_broken;
                }
            }
        }
        for (source, gauges) in &self.pools {
            if !sums.contains_key(source) {
                gauges.set(0, 0, 0, 0, false);
            }
        }
        for (source, state) in sums {
            let gauges = self.pools.entry(source).or_insert_with_key(|source| PoolGauges::new(source));
            gauges.set(state.idle, state.open - state.idle, state.most, state.waiting, state.is_broken);
        }
    }

    fn sources(&mut self, sources: &[SourceHealth]) {
        // No value at all: a source that is not assigned is neither up nor down.
        self.up.values().for_each(|gauge| gauge.set(f64::NAN));
        for source in sources {
            let value = match source.state {
                SourceState::Ok => 1.0,
                SourceState::Failing => 0.0,
                SourceState::Unknown => continue,
            };
            let make = |name: &str| gauge!("semilayer_source_up", "source" => name.to_owned());
            set(&mut self.up, &source.name, make, value);
        }
    }

    fn modules(&mut self, reports: &[ModuleReport]) {
        let count = |is_loaded, is_refused| {
            let those = |report: &&ModuleReport| {
                report.loaded().is_some() == is_loaded && report.refused().is_some() == is_refused
            };
            float(reports.iter().filter(those).count())
        };
        let states = [
            ("loaded", count(true, false)),
            ("outdated", count(true, true)),
            ("refused", count(false, true)),
        ];
        for (state, value) in states {
            gauge!("semilayer_connector_modules", "state" => state).set(value);
        }
        self.parked.values().for_each(|gauge| gauge.set(0));
        for module in reports.iter().filter_map(ModuleReport::loaded) {
            let make = |name: &str| gauge!("semilayer_connector_parked", "connector" => name.to_owned());
            let is_parked = module.parking.state().parked_for.is_some();
            set(&mut self.parked, short_name(module.module.bridge()), make, flag(is_parked));
        }
    }
}

/// Sets the gauge of that name, made at its first value; of too many names the last ones have none.
fn set(gauges: &mut BTreeMap<String, Gauge>, name: &str, make: impl FnOnce(&str) -> Gauge, value: f64) {
    if let Some(gauge) = gauges.get(name) {
        gauge.set(value);
    } else if gauges.len() < MOST_NAMES {
        let gauge = make(name);
        gauge.set(value);
        gauges.insert(name.to_owned(), gauge);
    }
}

impl PoolGauges {
    fn new(source: &str) -> Self {
        let sessions = |state: &'static str| gauge!("semilayer_pool_sessions", "source" => source.to_owned(), "state" => state);
        PoolGauges {
            idle: sessions("idle"),
            lent: sessions("lent"),
            limit: gauge!("semilayer_pool_sessions_limit", "source" => source.to_owned()),
            waiting: gauge!("semilayer_pool_waiting", "source" => source.to_owned()),
            breaker: gauge!("semilayer_pool_breaker_open", "source" => source.to_owned()),
        }
    }

    fn set(&self, idle: usize, lent: usize, limit: usize, waiting: usize, is_broken: bool) {
        self.idle.set(float(idle));
        self.lent.set(float(lent));
        self.limit.set(float(limit));
        self.waiting.set(float(waiting));
        self.breaker.set(flag(is_broken));
    }
}

fn flag(is_set: bool) -> f64 {
    if is_set { 1.0 } else { 0.0 }
}

#[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and 2⁵³ of anything are far away")]
fn float(number: usize) -> f64 {
    number as f64
}
