//! A report for machines: the same content as the text.

use serde_json::{Value, json};

use crate::check::{Area, Check};
use crate::report::Report;

/// One object: `healthy`, `failures`, `exitCode`, and `checks` in the order of the text.
pub fn to_json(report: &Report) -> Value {
    let verdict = report.verdict();
    let checks: Vec<Value> = report.checks.iter().map(check).collect();
    json!({
        "healthy": report.failures() == 0,
        "failures": report.failures(),
        "exitCode": verdict.exit_code(),
        "checks": checks,
    })
}

/// One finding.
pub fn check(check: &Check) -> Value {
    let (area, source) = match &check.area {
        Area::Config => ("config", None),
        Area::Gateway => ("gateway", None),
        Area::Source(name) => ("source", Some(name)),
        Area::Connector(_) => ("connector", None),
    };
    let connector = match &check.area {
        Area::Connector(name) => Some(name),
        _ => None,
    };
    json!({
        "area": area,
        "source": source,
        "connector": connector,
        "name": check.name,
        "status": check.status.name(),
        "text": check.text,
        "details": check.details,
        "remedy": check.remedy,
        "elapsedMs": check.elapsed.map(|elapsed| (elapsed.as_secs_f64() * 100_000.0).round() / 100.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use std::time::Duration;

    #[test]
    fn a_report_as_machines_see_it() {
        let failed = Check::new(Area::Source("main".into()), "tcp", Status::Failed, "refused")
            .with_remedy(Some("check the port"))
            .with_elapsed(Duration::from_micros(1_500));
        let report = Report { checks: vec![failed] };
        let expected = json!({
            "healthy": false, "failures": 1, "exitCode": 3,
            "checks": [{
                "area": "source", "source": "main", "connector": null, "name": "tcp", "status": "failed", "text": "refused",
                "details": [], "remedy": "check the port", "elapsedMs": 1.5,
            }],
        });
        assert_eq!(to_json(&report), expected);
    }
}
