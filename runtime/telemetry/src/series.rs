//! Every series there is. docs/metrics.md is held against this list by a test, and so is what a runner shows that has done
//! work of every sort.

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows, from the start of the process.
    Counter,
    /// A value as it is now.
    Gauge,
    /// Counts by fixed bounds; `_bucket`, `_sum` and `_count` are shown.
    Histogram,
}

/// A series.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels, the way they are shown.
    pub labels: &'static [&'static str],
    /// What it says, as it stands beside it.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Series {
    Series { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Series {
    Series { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Series {
    Series { name, kind: Kind::Histogram, labels, help }
}

/// Bounds of durations in seconds: a fast query is a millisecond, and a caller's usual patience is 30 s.
pub const SECONDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Every series.
pub const ALL: &[Series] = &[
    counter(
        "semilayer_jobs_total",
        &["kind", "source", "outcome"],
        "Jobs that ended, refused ones included.",
    ),
    histogram("semilayer_job_duration_seconds", &["kind", "source"], "From a job's arrival to its end."),
    histogram("semilayer_job_queue_wait_seconds", &["source"], "From a job's arrival to its admission."),
    counter("semilayer_job_rows_total", &["source"], "Rows sent, also by jobs that failed later."),
    counter("semilayer_job_bytes_total", &["source"], "Bytes of the chunks sent, envelopes included."),
    gauge("semilayer_jobs_in_flight", &[], "Jobs that were admitted and have not ended."),
    gauge("semilayer_jobs_queued", &[], "Jobs that wait for admission."),
    gauge("semilayer_jobs_limit", &[], "Jobs that may be in flight at once."),
    gauge("semilayer_source_up", &["source"], "Whether the source answered its last job: 1, or 0."),
    gauge("semilayer_pool_sessions", &["source", "state"], "Open sessions, by whether a job has them."),
    gauge("semilayer_pool_sessions_limit", &["source"], "Sessions that may be open at once."),
    gauge("semilayer_pool_waiting", &["source"], "Jobs that wait for a session."),
    gauge("semilayer_pool_breaker_open", &["source"], "Whether the server is taken for down: 1, or 0."),
    histogram(
        "semilayer_pool_wait_seconds",
        &["source"],
        "How long a job waited for its session, opening included.",
    ),
    counter("semilayer_sessions_opened_total", &["source"], "Sessions opened."),
    counter("semilayer_session_failures_total", &["source", "code"], "Sessions that could not be opened."),
    gauge("semilayer_gateway_connected", &[], "Whether the gateway has acknowledged a session: 1, or 0."),
    gauge("semilayer_gateway_session_age_seconds", &[], "How long ago it did; 0 while there is none."),
    counter("semilayer_gateway_reconnects_total", &[], "Sessions acknowledged after one was lost."),
    counter("semilayer_gateway_disconnects_total", &["reason"], "Sessions lost, and attempts that failed."),
    gauge("semilayer_draining", &[], "Whether the runner is stopping: 1, or 0."),
    gauge("semilayer_connector_modules", &["state"], "Connector modules in the folder."),
    gauge(
        "semilayer_connector_parked",
        &["connector"],
        "Whether a module is left alone after failures: 1, or 0.",
    ),
    counter("semilayer_connector_parked_total", &["connector"], "How often a module was left alone."),
    gauge("semilayer_connector_instances", &["connector"], "Instances of a module."),
    gauge("semilayer_connector_memory_bytes", &["connector"], "Memory of a module's instances."),
    counter("semilayer_connector_running_ms_total", &["connector"], "Milliseconds that a module's code ran."),
    counter("semilayer_connector_traps_total", &["connector", "kind"], "Instances lost."),
    counter(
        "semilayer_log_lines_lost_total",
        &[],
        "Log lines that the reader of standard output was too slow for.",
    ),
    counter("semilayer_otlp_exported_total", &["signal"], "Spans and metric points that the collector took."),
    counter("semilayer_otlp_dropped_total", &["signal"], "Spans and metric points that it never got."),
    gauge("semilayer_build_info", &["version", "commit", "target"], "Always 1."),
    counter("process_cpu_seconds_total", &[], "Processor time, user and system."),
    gauge("process_resident_memory_bytes", &[], "Resident memory."),
    gauge("process_threads", &[], "Threads."),
    gauge("process_open_fds", &[], "Open file descriptors."),
    gauge("process_max_fds", &[], "File descriptors that may be open."),
    gauge("process_start_time_seconds", &[], "When the process began, in seconds since 1970."),
];

/// The series that a line of the text belongs to: a histogram shows three names.
pub fn find(name: &str) -> Option<&'static Series> {
    let exactly = |name: &str| ALL.iter().find(|series| series.name == name);
    exactly(name).or_else(|| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix))?;
        exactly(base).filter(|series| series.kind == Kind::Histogram)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const PAGE: &str = include_str!("../../../docs/metrics.md");

    /// The rows of the page's tables: name, kind, labels.
    fn page() -> BTreeMap<String, (String, Vec<String>)> {
        let row = |line: &'static str| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, kind, labels, _, _] = cells.as_slice() else { panic!("not five cells: {line}") };
            let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (name.trim_matches('`').to_owned(), ((*kind).to_owned(), labels))
        };
        let is_series = |line: &&str| line.starts_with("| `semilayer_") || line.starts_with("| `process_");
        PAGE.lines().filter(is_series).map(row).collect()
    }

    #[test]
    fn the_page_lists_every_series_with_its_kind_and_labels_and_no_other() {
        let listed = page();
        for series in ALL {
            let (kind, labels) = listed
                .get(series.name)
                .unwrap_or_else(|| panic!("{} is not in docs/metrics.md", series.name));
            assert_eq!(kind, &format!("{:?}", series.kind).to_lowercase(), "{}", series.name);
            assert_eq!(labels, series.labels, "{}", series.name);
        }
        let unknown: Vec<&String> = listed.keys().filter(|name| find(name).is_none()).collect();
        assert!(unknown.is_empty(), "docs/metrics.md lists series that are not there: {unknown:?}");
        let bounds = SECONDS.map(|bound| bound.to_string()).join(", ");
        assert!(PAGE.contains(&bounds), "docs/metrics.md states the bounds of durations: {bounds}");
    }

    #[test]
    fn names_say_what_they_are() {
        for series in ALL {
            assert!(series.name.starts_with("semilayer_") || series.name.starts_with("process_"));
            assert_eq!(series.name.ends_with("_total"), series.kind == Kind::Counter, "{}", series.name);
        }
        assert_eq!(
            find("semilayer_job_duration_seconds_bucket").unwrap().name,
            "semilayer_job_duration_seconds"
        );
        assert!(find("semilayer_jobs_limit_sum").is_none());
    }
}
