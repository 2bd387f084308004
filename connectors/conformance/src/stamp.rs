//! The suite as tests of one connector.

use crate::report::{Failure, Report};
use crate::run::{Part, RunOptions, run_part};
use crate::subject::Subject;

/// Runs one part of the suite to its end, on a runtime of its own.
pub fn part(subject: impl Future<Output = impl Subject>, part: Part, options: RunOptions) -> Report {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            let subject = subject.await;
            let mut report = Report::new(subject.name(), options.seed);
            run_part(&subject, part, options, &mut report).await;
            report
        }),
        Err(error) => {
            let mut report = Report::new("", options.seed);
            report.judged(Err(Failure::of("runtime", error.to_string())));
            report
        }
    }
}

/// Stamps the suite as a module of tests for one connector.
///
/// `conformance_tests!(postgres, start_postgres().await)` makes the module `postgres`, with one test for each part of
/// the suite. The second argument is an expression for a [`Subject`]; it may await, and is evaluated once a test.
/// A third one sets the [`RunOptions`].
#[macro_export]
macro_rules! conformance_tests {
    ($name:ident, $subject:expr) => {
        $crate::conformance_tests!($name, $subject, $crate::RunOptions::default());
    };
    ($name:ident, $subject:expr, $options:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the subject may be named by a path")]
            use super::*;

            $crate::conformance_tests!(@test generated_jobs_are_answered_as_the_oracle_does, Generated, $subject, $options);
            $crate::conformance_tests!(@test groups_and_measures_are_what_the_oracle_gets, Aggregates, $subject, $options);
            $crate::conformance_tests!(@test generated_aggregates_are_answered_as_the_oracle_does, GeneratedAggregates, $subject, $options);
            $crate::conformance_tests!(@test the_where_language_means_what_the_contract_says, Filters, $subject, $options);
            $crate::conformance_tests!(@test pages_lose_and_repeat_nothing, Paging, $subject, $options);
            $crate::conformance_tests!(@test wrong_options_and_unknown_names_are_named, Options, $subject, $options);
            $crate::conformance_tests!(@test sql_in_a_name_or_a_value_stays_text, Injection, $subject, $options);
            $crate::conformance_tests!(@test targets_are_listed_and_described, Catalogue, $subject, $options);
            $crate::conformance_tests!(@test what_is_not_declared_is_refused, Capabilities, $subject, $options);
        }
    };
    (@test $test:ident, $part:ident, $subject:expr, $options:expr) => {
        #[test]
        fn $test() {
            let report = $crate::stamp::part(async { $subject }, $crate::run::Part::$part, $options);
            assert!(report.passed(), "{report}");
        }
    };
}
