//! Connectors with one fault in their aggregates each; the suite has to fail every one of them.

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{CallContext, Counted, Page, RowSink, ServerInfo, Session};
use connector_conformance::report::MAX_WRONG;
use connector_conformance::run::{Part, run_part};
use connector_conformance::{Report, RunOptions, Subject};
use connector_memory::{Database, MemorySession, aggregate};
use connector_model::Capabilities;
use connector_model::capability::{AggregateCapabilities, Answers};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::filter::{Filter, Test};
use connector_model::request::aggregate::{Bucket, Function, TimeUnit};
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Target, TargetSchema};
use serde_json::{Value as Json, json};

use crate::subjects::{Memory, Wrap};

/// What is wrong with a session's aggregates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// The mean of whole numbers is one.
    AverageTruncates,
    /// Rows without a value are a group.
    KeepsNullDimensions,
    /// A week belongs to the year that its last day is in.
    WeeksOfTheCalendarYear,
    /// `top_k` gives all values.
    TopKNotCut,
    /// Of equally frequent values the greater comes first.
    TopKTiesBackwards,
    /// Every group passes `having`.
    IgnoresHaving,
    /// `count` of a column counts its NULLs.
    CountsNulls,
    /// Sums go through a double.
    SumsInDoubles,
    /// The median is the mean.
    MedianIsTheMean,
    /// `first` and `last` look at the value instead of when it changed.
    ForgetsTheChangeColumn,
    /// The limit cuts before `having` chooses.
    LimitBeforeHaving,
    /// A measure's own condition is ignored.
    IgnoresMeasureWhere,
    /// Rows without a match are dropped.
    JoinsInner,
    /// Without rows there is no group.
    NoEmptyGroup,
    /// Groups are sorted ascending, always.
    SortForgetsDescending,
    /// `ids` are ignored.
    IgnoresIds,
    /// Ranges of negative numbers are rounded towards zero.
    StepsTowardsZero,
    /// Breaks include their upper end's group.
    BreaksAreOpen,
    /// A group that came is sent again.
    RepeatsAGroup,
    /// Declares samples.
    DeclaresSamples,
    /// Declares no percentiles, and computes them.
    HidesPercentiles,
    /// Declares no buckets of time, and has them.
    HidesTimeBuckets,
    /// Declares no joins, and joins.
    HidesJoins,
    /// No fault: it has no aggregates, and says so.
    HasNone,
}

const FAULTS: [(Fault, Wrap); 23] = [
    (Fault::AverageTruncates, |s, d| broken(Fault::AverageTruncates, s, d)),
    (Fault::KeepsNullDimensions, |s, d| broken(Fault::KeepsNullDimensions, s, d)),
    (Fault::WeeksOfTheCalendarYear, |s, d| broken(Fault::WeeksOfTheCalendarYear, s, d)),
    (Fault::TopKNotCut, |s, d| broken(Fault::TopKNotCut, s, d)),
    (Fault::TopKTiesBackwards, |s, d| broken(Fault::TopKTiesBackwards, s, d)),
    (Fault::IgnoresHaving, |s, d| broken(Fault::IgnoresHaving, s, d)),
    (Fault::CountsNulls, |s, d| broken(Fault::CountsNulls, s, d)),
    (Fault::SumsInDoubles, |s, d| broken(Fault::SumsInDoubles, s, d)),
    (Fault::MedianIsTheMean, |s, d| broken(Fault::MedianIsTheMean, s, d)),
    (Fault::ForgetsTheChangeColumn, |s, d| broken(Fault::ForgetsTheChangeColumn, s, d)),
    (Fault::LimitBeforeHaving, |s, d| broken(Fault::LimitBeforeHaving, s, d)),
    (Fault::IgnoresMeasureWhere, |s, d| broken(Fault::IgnoresMeasureWhere, s, d)),
    (Fault::JoinsInner, |s, d| broken(Fault::JoinsInner, s, d)),
    (Fault::NoEmptyGroup, |s, d| broken(Fault::NoEmptyGroup, s, d)),
    (Fault::SortForgetsDescending, |s, d| broken(Fault::SortForgetsDescending, s, d)),
    (Fault::IgnoresIds, |s, d| broken(Fault::IgnoresIds, s, d)),
    (Fault::StepsTowardsZero, |s, d| broken(Fault::StepsTowardsZero, s, d)),
    (Fault::BreaksAreOpen, |s, d| broken(Fault::BreaksAreOpen, s, d)),
    (Fault::RepeatsAGroup, |s, d| broken(Fault::RepeatsAGroup, s, d)),
    (Fault::DeclaresSamples, |s, d| broken(Fault::DeclaresSamples, s, d)),
    (Fault::HidesPercentiles, |s, d| broken(Fault::HidesPercentiles, s, d)),
    (Fault::HidesTimeBuckets, |s, d| broken(Fault::HidesTimeBuckets, s, d)),
    (Fault::HidesJoins, |s, d| broken(Fault::HidesJoins, s, d)),
];

/// Faults that hide in single answers of ordinary requests, where the generator has to find them by itself.
const COMMON: [Fault; 11] = [
    Fault::AverageTruncates,
    Fault::KeepsNullDimensions,
    Fault::TopKNotCut,
    Fault::IgnoresHaving,
    Fault::CountsNulls,
    Fault::SumsInDoubles,
    Fault::MedianIsTheMean,
    Fault::IgnoresMeasureWhere,
    Fault::JoinsInner,
    Fault::SortForgetsDescending,
    Fault::RepeatsAGroup,
];

fn broken(fault: Fault, session: MemorySession, database: Arc<Database>) -> Box<dyn Session> {
    Box::new(Broken { fault, session, database })
}

struct Broken {
    fault: Fault,
    session: MemorySession,
    database: Arc<Database>,
}

impl Broken {
    /// The request that is answered instead.
    fn mistaken(&self, request: &Aggregate) -> Aggregate {
        let mut request = request.clone();
        for measure in &mut request.measures {
            measure.function = match (self.fault, measure.function.clone()) {
                (Fault::TopKNotCut, Function::TopK(column, _, accuracy)) => {
                    Function::TopK(column, 10_000, accuracy)
                }
                (Fault::CountsNulls, Function::Count(Some(_))) => Function::Count(None),
                (Fault::MedianIsTheMean, Function::Percentile(column, 0.5, _)) => Function::Avg(column),
                (_, function) => function,
            };
            if self.fault == Fault::IgnoresMeasureWhere {
                measure.filter = Filter::TRUE;
            }
        }
        match self.fault {
            Fault::IgnoresHaving | Fault::LimitBeforeHaving => request.having = Filter::TRUE,
            Fault::ForgetsTheChangeColumn => request.change_column = None,
            Fault::JoinsInner => {
                let matched = request.joins.iter().map(|join| {
                    Filter::Column(format!("{}.{}", join.alias, join.foreign), Test::Exists(true))
                });
                let all = matched.chain([request.filter.clone()]).collect();
                request.filter = Filter::And(all);
            }
            Fault::SortForgetsDescending => request.sort.iter_mut().for_each(|sort| sort.descending = false),
            Fault::IgnoresIds => request.ids = None,
            _ => {}
        }
        request
    }

    /// The groups, with what is wrong about them.
    fn groups(&self, request: &Aggregate) -> Result<Vec<Json>> {
        let json = |request: &Aggregate| -> Result<Vec<Json>> {
            let groups = aggregate::groups(&self.database, request)?;
            let json = groups.iter().map(|group| {
                let mut out = Vec::new();
                group.write(&mut out, request);
                serde_json::from_slice(&out).unwrap()
            });
            Ok(json.collect())
        };
        let right = json(request)?;
        let limit = request.limit.map_or(usize::MAX, |limit| limit as usize);
        let mut groups = json(&self.mistaken(request))?;
        groups.truncate(limit);
        match self.fault {
            Fault::LimitBeforeHaving => groups.retain(|group| right.contains(group)),
            Fault::NoEmptyGroup => groups.retain(|group| group["count"] != 0),
            Fault::KeepsNullDimensions => groups.extend(self.group_of_null(request)),
            Fault::RepeatsAGroup if groups.len() > 1 => groups[1] = groups[0].clone(),
            _ => {}
        }
        for group in &mut groups {
            for dimension in &request.dimensions {
                let label = &mut group["dims"][&dimension.name];
                let text = label.as_str().unwrap_or_default().to_owned();
                match (self.fault, &dimension.bucket) {
                    (Fault::WeeksOfTheCalendarYear, Some(Bucket::Time(TimeUnit::Week)))
                        if text.ends_with("W53") =>
                    {
                        *label = json!(format!("{}-W53", text[..4].parse::<i64>().unwrap() + 1));
                    }
                    (Fault::StepsTowardsZero, Some(Bucket::Step(step))) if text.starts_with('-') => {
                        *label = json!(step.label(0));
                    }
                    (Fault::BreaksAreOpen, Some(Bucket::Breaks(_))) => *label = json!(format!("{text}]")),
                    _ => {}
                }
            }
            for measure in &request.measures {
                let value = &mut group["measures"][&measure.name];
                match (self.fault, &measure.function) {
                    (Fault::AverageTruncates, Function::Avg(_)) => {
                        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
                        *value = json!(number.map(f64::trunc));
                    }
                    (Fault::SumsInDoubles, Function::Sum(_)) => {
                        if let Some(digits) = value.as_str() {
                            *value = json!(digits.parse::<f64>().unwrap());
                        }
                    }
                    (Fault::TopKTiesBackwards, Function::TopK(..)) => {
                        value.as_array_mut().unwrap().sort_by(|left, right| {
                            let count = |entry: &Json| entry["count"].as_u64().unwrap();
                            let key = |entry: &Json| entry["key"].to_string();
                            count(right).cmp(&count(left)).then_with(|| key(right).cmp(&key(left)))
                        });
                    }
                    _ => {}
                }
            }
        }
        Ok(groups)
    }

    fn group_of_null(&self, request: &Aggregate) -> Option<Json> {
        let [dimension] = request.dimensions.as_slice() else { return None };
        let table = self.database.table(&request.target).ok()?;
        let at = table.columns.iter().position(|column| column.name == dimension.column)?;
        let count = table.rows.iter().filter(|row| row[at] == connector_memory::Value::Null).count();
        (count > 0).then(|| json!({"dims": {&dimension.name: null}, "measures": {}, "count": count}))
    }
}

#[async_trait]
impl Session for Broken {
    fn reusable(&self) -> bool {
        true
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        self.session.ping(cx).await
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        self.session.read(cx, request, out).await
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        self.session.query(cx, request, out).await
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        self.session.count(cx, request).await
    }

    fn aggregates(&self) -> AggregateCapabilities {
        let all = MemorySession::AGGREGATES;
        match self.fault {
            Fault::DeclaresSamples => AggregateCapabilities { sampling: true, ..all },
            Fault::HidesPercentiles => AggregateCapabilities { percentile: Answers::None, ..all },
            Fault::HidesTimeBuckets => AggregateCapabilities { time_bucket: false, ..all },
            Fault::HidesJoins => AggregateCapabilities { joins: false, ..all },
            Fault::HasNone => AggregateCapabilities::default(),
            _ => all,
        }
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        cx.check()?;
        if self.fault == Fault::HasNone {
            return Err(Error::new(ErrorCode::UnsupportedJob, "there are no aggregates"));
        }
        for group in self.groups(request)? {
            out.splice(1, group.to_string().as_bytes())?;
            out.flush_if_full().await?;
        }
        out.flush().await
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        self.session.list_targets(cx).await
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        self.session.introspect(cx, target).await
    }
}

fn judged(subject: &Memory, part: Part) -> Report {
    let options = RunOptions::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // One wrong answer is enough.
    let mut report = Report { wrong: MAX_WRONG - 1, ..Report::new(subject.name(), options.seed) };
    runtime.block_on(run_part(subject, part, options, &mut report));
    report
}

#[test]
fn a_connector_without_aggregates_only_has_to_refuse_them() {
    for part in [Part::Aggregates, Part::GeneratedAggregates, Part::Capabilities] {
        let subject = Memory::postgres(|session, database| broken(Fault::HasNone, session, database));
        let report = judged(&subject.declaring(Capabilities::relational()), part);
        assert!(report.failures.is_empty() && report.judged > 10, "{report}");
    }
}

#[test]
fn every_broken_aggregate_fails_the_suite() {
    let passed: Vec<Fault> = FAULTS
        .iter()
        .filter(|(_, wrap)| judged(&Memory::postgres(*wrap), Part::Aggregates).failures.is_empty())
        .map(|(fault, _)| *fault)
        .collect();
    assert!(passed.is_empty(), "the suite passes {passed:?}");
}

#[test]
fn the_generator_alone_finds_what_hides_in_ordinary_requests() {
    let passed: Vec<Fault> = FAULTS
        .iter()
        .filter(|(fault, _)| COMMON.contains(fault))
        .filter(|(_, wrap)| judged(&Memory::postgres(*wrap), Part::GeneratedAggregates).failures.is_empty())
        .map(|(fault, _)| *fault)
        .collect();
    assert!(passed.is_empty(), "the generator misses {passed:?}");
}
