//! The dashboard and the alerts against docs/metrics.md, and against Prometheus' own tool.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/metrics.md");
const DASHBOARD: &str = include_str!("../../../deploy/grafana/semilayer-runner.json");
const ALERTS: &str = include_str!("../../../deploy/prometheus/alerts.yaml");

/// The series that a text names; a histogram's three names are its one.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let series = words.filter(|word| word.starts_with("semilayer_") || word.starts_with("process_"));
    series.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

fn listed() -> BTreeSet<String> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(name, _)| name.to_owned()).collect()
}

/// The expressions of the dashboard's panels.
fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus")
}

/// Runs Prometheus' tool, which must be content.
fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(folder()).output();
    let output =
        output.unwrap_or_else(|error| panic!("promtool cannot be run ({error}): apt-get install prometheus"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "promtool {arguments:?}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn dashboard_and_alerts_name_only_series_that_the_page_lists() {
    let listed = listed();
    assert!(listed.len() > 30, "{listed:?}");
    let mut all = named(ALERTS);
    for expression in expressions() {
        all.extend(named(&expression));
    }
    assert!(all.len() > 20, "{all:?}");
    let unknown: Vec<&String> = all.difference(&listed).collect();
    assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
}

#[test]
fn alerts_fire_when_they_should_and_the_scrape_is_one() {
    promtool(&["check", "rules", "alerts.yaml"]);
    promtool(&["test", "rules", "alerts.test.yaml"]);
    promtool(&["check", "config", "scrape.yaml"]);
}

#[test]
fn every_alert_says_what_to_do_and_has_a_test() {
    let tests = fs::read_to_string(folder().join("alerts.test.yaml")).unwrap();
    let names: Vec<&str> = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(ALERTS.matches(" action: ").count(), names.len());
    for name in names {
        assert!(tests.contains(name), "{name} has no test in alerts.test.yaml");
    }
}

#[test]
fn the_dashboards_expressions_are_promql() {
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (at, expression) in expressions().iter().enumerate() {
        // What Grafana puts in.
        let expression =
            expression.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$source", ".*");
        assert!(!expression.contains('$'), "{expression}");
        let quoted = expression.replace('\'', "''");
        write!(rules, "      - record: panel:{at}\n        expr: '{quoted}'\n").unwrap();
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard-rules.yaml");
    fs::write(&path, rules).unwrap();
    promtool(&["check", "rules", path.to_str().unwrap()]);
}
