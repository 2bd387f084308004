//! What aggregates hold: no more than they may, alone and together.

use connector_aggregate::{Aggregator, Memory, Scan};
use connector_model::Conventions;
use connector_model::error::Result;
use serde_json::{Value, json};

use super::{begin, request, schema};

#[test]
fn what_is_held_is_counted() {
    let rows: Vec<String> =
        (0..200_000_i64).map(|id| format!("{{\"id\":{id},\"name\":\"n{id}\",\"whole\":{id}}}")).collect();
    let rows = rows.join(",");
    let limit = 4 * 1024 * 1024;
    for options in [
        json!({"dimensions": [{"field": "name"}]}),
        json!({"dimensions": [{"field": "id"}], "measures": {"m": {"agg": "max", "column": "name"}, "s": {"agg": "sum", "column": "whole"}}}),
        json!({"measures": {"m": {"agg": "count_distinct", "column": "name"}}}),
        json!({"measures": {"m": {"agg": "top_k", "column": "name", "k": 3}}}),
        json!({"measures": {"m": {"agg": "percentile", "column": "whole", "p": 0.5}, "n": {"agg": "percentile", "column": "id", "p": 0.5}, "o": {"agg": "percentile", "column": "id", "p": 0.1}}}),
        json!({"dimensions": [{"field": "id"}], "measures": {"m": {"agg": "percentile", "column": "whole", "p": 0.5, "accuracy": "fast"}}}),
    ] {
        let request = request(&options);
        let mut refused = None;
        let info = allocation_counter::measure(|| {
            let (_, mut aggregator) = begin(&request, Conventions::default(), limit).unwrap();
            refused = aggregator.rows(rows.as_bytes()).err();
        });
        let error = refused.unwrap_or_else(|| panic!("{options}: was not refused"));
        assert_eq!(error.code().as_str(), "RESULT_TOO_LARGE");
        assert_eq!(error.detail()["limitBytes"], json!(limit));
        // A table that grows holds its old and its new places for a moment.
        assert!(info.bytes_max < 2 * limit as u64, "{options}: {} bytes", info.bytes_max);
        assert!(info.bytes_max > limit as u64 / 3, "{options}: refused at {} bytes", info.bytes_max);
    }
}

#[test]
fn aggregates_share_one_memory_and_give_it_back() {
    const KIB: usize = 1024;
    let rows = |count: i64| -> String {
        let rows: Vec<String> = (0..count).map(|id| format!("{{\"id\":{id}}}")).collect();
        rows.join(",")
    };
    let memory = Memory::new(1024 * KIB);
    let request =
        request(&json!({"dimensions": [{"field": "id"}], "measures": {"m": {"agg": "sum", "column": "id"}}}));
    let scan = Scan::new(&request, &schema(), &[], Conventions::default()).unwrap();
    let begun = || Aggregator::new(&request, &scan, Conventions::default(), 768 * KIB, &memory).unwrap();
    let code = |outcome: Result<()>| outcome.unwrap_err().code().as_str();
    let mut first = begun();
    first.rows(rows(1_500).as_bytes()).unwrap();
    let held = memory.held();
    assert!(held > 256 * KIB && held < 768 * KIB, "{held}");
    // Below its own limit, and yet there is nothing left.
    let mut second = begun();
    let error = second.rows(rows(4_000).as_bytes()).unwrap_err();
    assert_eq!((error.code().as_str(), error.retryable()), ("RUNNER_BUSY", true), "{error}");
    drop(second);
    assert_eq!(memory.held(), held);
    // Its own limit is another matter.
    let mut third = begun();
    drop(first);
    assert_eq!(code(third.rows(rows(20_000).as_bytes())), "RESULT_TOO_LARGE");
    drop(third);
    assert_eq!(memory.held(), 0);
    // What comes out is counted, on top of the limit, for as long as it is there.
    let mut last = begun();
    last.rows(rows(1_500).as_bytes()).unwrap();
    let groups = last.finish().unwrap();
    assert!(groups.len() == 1_500 && memory.held() > held, "{} after {held}", memory.held());
    let mut late = begun();
    assert_eq!(code(late.rows(rows(2_500).as_bytes())), "RUNNER_BUSY");
    drop((groups, late));
    assert_eq!(memory.held(), 0);
}

#[test]
fn fast_measures_of_many_values_stay_small() {
    let rows: Vec<String> =
        (0..200_000_i64).map(|id| format!("{{\"id\":{id},\"name\":\"n{id}\"}}")).collect();
    let options = json!({"measures": {
        "distinct": {"agg": "count_distinct", "column": "name", "accuracy": "fast"},
        "middle": {"agg": "percentile", "column": "id", "p": 0.5, "accuracy": "fast"},
        "top": {"agg": "top_k", "column": "name", "k": 3, "accuracy": "fast"},
    }});
    let (_, mut aggregator) = begin(&request(&options), Conventions::default(), 256 * 1024).unwrap();
    aggregator.rows(rows.join(",").as_bytes()).unwrap();
    let mut out = Vec::new();
    assert!(aggregator.finish().unwrap().write_next(&mut out));
    let group: Value = serde_json::from_slice(&out).unwrap();
    let near = |name: &str, expected: f64, share: f64| {
        let found = group["measures"][name].as_f64().unwrap();
        assert!((found - expected).abs() < expected * share, "{name}: {found}");
    };
    near("distinct", 200_000.0, 0.05);
    near("middle", 100_000.0, 0.01);
    assert_eq!(group["measures"]["top"].as_array().unwrap().len(), 3);
}
