//! A sample of the rows.

use connector_memory::Table;
use connector_model::request::Kind;
use serde_json::json;

use crate::bench::Bench;
use crate::job::{Job, Outcome};
use crate::report::Report;

/// A sample is a part of the rows, of about the size asked for, and the same part each time.
pub(super) async fn sampled(bench: &mut Bench<'_>, many: &Table, report: &mut Report) {
    if !bench.aggregates().sampling {
        return;
    }
    for share in [0.5, 0.1] {
        let options = json!({"sample": share, "measures": {"sum": {"agg": "sum", "column": "id"}}});
        let job = Job::new(Kind::Aggregate, &many.name, options);
        let (one, other) = (bench.ask(&job).await, bench.ask(&job).await);
        let counted =
            |outcome: &Outcome| outcome.rows().and_then(|(rows, _)| rows.first()?.get("count")?.as_f64());
        #[allow(clippy::cast_precision_loss, reason = "some thousand rows")]
        let rows = many.rows.len() as f64;
        // Six standard deviations of a binomial distribution.
        let error = 6.0 * (rows * share * (1.0 - share)).sqrt();
        let fits = counted(&one).is_some_and(|count| (count - rows * share).abs() <= error);
        let same = one.rows().map(|(rows, _)| rows) == other.rows().map(|(rows, _)| rows);
        report.judged(if fits && same {
            Ok(())
        } else {
            let problem = "the sample has another size, or is another one each time".to_owned();
            Err(bench.failure(
                "sampling",
                &job,
                problem,
                &format!("about {share} of {rows} rows"),
                &format!("{one}\n  and {other}"),
            ))
        });
    }
}
