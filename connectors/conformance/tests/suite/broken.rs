//! Connectors with one fault each. The suite has to fail every one of them: a judge that lets one pass is none.

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{CallContext, Counted, Page, RowSink, ServerInfo, Session};
use connector_conformance::run::{Part, run_part};
use connector_conformance::{Report, RunOptions, Subject};
use connector_memory::{Database, MemorySession, Table, answer};
use connector_model::Capabilities;
use connector_model::capability::AggregateCapabilities;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::filter::{Filter, Operand, Test};
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Target, TargetSchema};

use crate::subjects::{Memory, Wrap};

/// What is wrong with a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// `$ne` also passes rows whose column is NULL.
    NullsPassNotEqual,
    /// `$not` also passes rows about which nothing is known.
    NullsPassNot,
    /// Returns one row less than the limit.
    LimitOffByOne,
    /// Sorts ascending, always.
    ForgetsDescending,
    /// The next page begins with the last row of the one before.
    RepeatsAtThePageBoundary,
    /// The next page leaves its first row out.
    SkipsAtThePageBoundary,
    /// The total is the number of rows on the page.
    TotalOfThePage,
    /// The total of a `read` is one too many.
    TotalOffByOne,
    /// A `read` counts on every page.
    TotalOnEveryPage,
    /// `batchRead` counts although nobody asked.
    CountsUnasked,
    /// Returns every column whatever is selected.
    IgnoresSelect,
    /// Says that there is a next page when there is none.
    CursorAfterTheEnd,
    /// `changedSince` includes the moment itself.
    ChangedSinceIncludes,
    /// `$contains` takes `%` and `_` for wildcards.
    ContainsTakesWildcards,
    /// `$in` with one value of the wrong type matches nothing.
    OneStrangerEmptiesIn,
    /// A typo in a column is an error of the database.
    TypoIsAQueryFailure,
    /// Any cursor will do.
    TakesForeignCursors,
    /// Says that counts are estimates.
    CountsApproximately,
    /// A primary key is not shown.
    HidesTheKey,
}

pub(crate) const FAULTS: [(Fault, Wrap); 19] = [
    (Fault::NullsPassNotEqual, |s, d| broken(Fault::NullsPassNotEqual, s, d)),
    (Fault::NullsPassNot, |s, d| broken(Fault::NullsPassNot, s, d)),
    (Fault::LimitOffByOne, |s, d| broken(Fault::LimitOffByOne, s, d)),
    (Fault::ForgetsDescending, |s, d| broken(Fault::ForgetsDescending, s, d)),
    (Fault::RepeatsAtThePageBoundary, |s, d| broken(Fault::RepeatsAtThePageBoundary, s, d)),
    (Fault::SkipsAtThePageBoundary, |s, d| broken(Fault::SkipsAtThePageBoundary, s, d)),
    (Fault::TotalOfThePage, |s, d| broken(Fault::TotalOfThePage, s, d)),
    (Fault::TotalOffByOne, |s, d| broken(Fault::TotalOffByOne, s, d)),
    (Fault::TotalOnEveryPage, |s, d| broken(Fault::TotalOnEveryPage, s, d)),
    (Fault::CountsUnasked, |s, d| broken(Fault::CountsUnasked, s, d)),
    (Fault::IgnoresSelect, |s, d| broken(Fault::IgnoresSelect, s, d)),
    (Fault::CursorAfterTheEnd, |s, d| broken(Fault::CursorAfterTheEnd, s, d)),
    (Fault::ChangedSinceIncludes, |s, d| broken(Fault::ChangedSinceIncludes, s, d)),
    (Fault::ContainsTakesWildcards, |s, d| broken(Fault::ContainsTakesWildcards, s, d)),
    (Fault::OneStrangerEmptiesIn, |s, d| broken(Fault::OneStrangerEmptiesIn, s, d)),
    (Fault::TypoIsAQueryFailure, |s, d| broken(Fault::TypoIsAQueryFailure, s, d)),
    (Fault::TakesForeignCursors, |s, d| broken(Fault::TakesForeignCursors, s, d)),
    (Fault::CountsApproximately, |s, d| broken(Fault::CountsApproximately, s, d)),
    (Fault::HidesTheKey, |s, d| broken(Fault::HidesTheKey, s, d)),
];

pub(crate) fn broken(fault: Fault, session: MemorySession, database: Arc<Database>) -> Box<dyn Session> {
    Box::new(Broken { fault, session, database })
}

struct Broken {
    fault: Fault,
    session: MemorySession,
    database: Arc<Database>,
}

impl Broken {
    fn table(&self, name: &str) -> Option<&Table> {
        self.database.tables().iter().find(|table| table.name == name)
    }

    fn filter(&self, filter: &Filter) -> Filter {
        let inner = |parts: &[Filter]| parts.iter().map(|part| self.filter(part)).collect();
        match (self.fault, filter) {
            (Fault::NullsPassNotEqual, Filter::Column(name, Test::NotEqual(operand)))
                if *operand != Operand::Null =>
            {
                Filter::Or(vec![filter.clone(), Filter::Column(name.clone(), Test::Exists(false))])
            }
            (Fault::NullsPassNot, Filter::Not(part)) => match part.as_ref() {
                Filter::Column(name, test) if !matches!(test, Test::Exists(_)) => {
                    Filter::Or(vec![filter.clone(), Filter::Column(name.clone(), Test::Exists(false))])
                }
                part => Filter::Not(Box::new(self.filter(part))),
            },
            (Fault::ContainsTakesWildcards, Filter::Column(name, Test::Text(test, operand)))
                if *test == connector_model::filter::TextTest::Contains =>
            {
                let pattern = format!("%{operand}%");
                Filter::Column(name.clone(), Test::Text(connector_model::filter::TextTest::ILike, pattern))
            }
            (Fault::OneStrangerEmptiesIn, Filter::Column(_, Test::In(operands)))
                if operands.contains(&Operand::Text("x".to_owned())) =>
            {
                Filter::FALSE
            }
            (_, Filter::And(parts)) => Filter::And(inner(parts)),
            (_, Filter::Or(parts)) => Filter::Or(inner(parts)),
            (_, Filter::Not(part)) => Filter::Not(Box::new(self.filter(part))),
            (_, column) => column.clone(),
        }
    }

    /// The cursor of the row before, or after, the one that this cursor stands for.
    fn moved(&self, request: &Read, forward: bool) -> Option<String> {
        let cursor = request.cursor.as_ref()?;
        let whole = Read { limit: u64::MAX, cursor: None, fields: None, ..request.clone() };
        let rows = answer::read(&self.database, &whole).ok()?.rows.len() as u64;
        // The page that ends where the cursor stands is the one whose own cursor it is.
        let until =
            |limit| answer::read(&self.database, &Read { limit, ..whole.clone() }).ok()?.page.next_cursor;
        let at = (1..rows).find(|limit| until(*limit).as_deref() == Some(cursor))?;
        until(if forward { at + 1 } else { at.checked_sub(1)? })
    }

    fn mend(&self, mut page: Page, rows: u64) -> Page {
        match self.fault {
            Fault::TotalOfThePage => page.total = page.total.map(|_| rows),
            Fault::TotalOffByOne => page.total = page.total.map(|total| total + 1),
            Fault::CursorAfterTheEnd if rows > 0 && page.next_cursor.is_none() => {
                page.next_cursor = Some("1".to_owned());
                page.cursor_kind = Some(connector_model::cursor::CursorKind::Keyset);
            }
            _ => {}
        }
        page
    }

    fn fail(&self, error: Error) -> Error {
        match self.fault {
            Fault::TypoIsAQueryFailure if error.detail().contains_key("column") => {
                Error::new(ErrorCode::SourceQueryFailed, error.message())
            }
            _ => error,
        }
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
        let mut request = request.clone();
        match self.fault {
            Fault::LimitOffByOne => request.limit = request.limit.saturating_sub(1),
            Fault::IgnoresSelect => request.fields = None,
            Fault::RepeatsAtThePageBoundary => {
                request.cursor = self.moved(&request, false).or(request.cursor)
            }
            Fault::SkipsAtThePageBoundary => request.cursor = self.moved(&request, true).or(request.cursor),
            Fault::ChangedSinceIncludes => {
                if let Some(since) = &mut request.changed_since {
                    since.micros -= 1;
                }
            }
            Fault::TakesForeignCursors => {
                let valid = answer::read(&self.database, &request).is_ok();
                request.cursor = request.cursor.filter(|_| valid);
            }
            _ => {}
        }
        let page = self.session.read(cx, &request, out).await.map_err(|error| self.fail(error))?;
        let mut page = self.mend(page, out.rows());
        if self.fault == Fault::TotalOnEveryPage {
            page.total = self.table(&request.target).map(|table| table.rows.len() as u64);
        }
        Ok(page)
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        let mut request = Query { filter: self.filter(&request.filter), ..request.clone() };
        match self.fault {
            Fault::LimitOffByOne => request.limit = request.limit.map(|limit| limit.saturating_sub(1)),
            Fault::IgnoresSelect => request.select = None,
            Fault::ForgetsDescending => {
                request.order_by.iter_mut().for_each(|order| order.descending = false)
            }
            Fault::CountsUnasked => request.include_total = true,
            _ => {}
        }
        let page = self.session.query(cx, &request, out).await.map_err(|error| self.fail(error))?;
        Ok(self.mend(page, out.rows()))
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        let request = Count { filter: self.filter(&request.filter), ..request.clone() };
        let mut counted = self.session.count(cx, &request).await.map_err(|error| self.fail(error))?;
        counted.approximate = self.fault == Fault::CountsApproximately;
        Ok(counted)
    }

    fn aggregates(&self) -> AggregateCapabilities {
        self.session.aggregates()
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        self.session.aggregate(cx, request, out).await
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        self.session.list_targets(cx).await
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        let mut schema = self.session.introspect(cx, target).await?;
        if self.fault == Fault::HidesTheKey {
            schema.primary_key.clear();
        }
        Ok(schema)
    }
}

/// Every part, the quick ones first.
const PARTS: [Part; 6] =
    [Part::Capabilities, Part::Catalogue, Part::Generated, Part::Options, Part::Paging, Part::Filters];

/// What these parts of the suite say, up to the first that finds something.
fn judged(subject: &Memory, parts: &[Part]) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = RunOptions::default();
    let mut report = Report::new(subject.name(), options.seed);
    runtime.block_on(async {
        for part in parts {
            if report.failures.is_empty() {
                run_part(subject, *part, options, &mut report).await;
            }
        }
    });
    report
}

#[test]
fn every_broken_connector_fails_the_suite() {
    let passed: Vec<Fault> = FAULTS
        .iter()
        .filter(|(_, wrap)| judged(&Memory::postgres(*wrap), &PARTS).failures.is_empty())
        .map(|(fault, _)| *fault)
        .collect();
    assert!(passed.is_empty(), "the suite passes {passed:?}");
}

#[test]
fn a_connector_that_does_what_it_does_not_declare_fails_too() {
    let all = Capabilities { aggregates: Some(MemorySession::AGGREGATES), ..Capabilities::relational() };
    let less = [
        Capabilities { limit_pushdown: false, ..all.clone() },
        Capabilities { aggregates: None, ..all.clone() },
        Capabilities { cursor: false, ..all.clone() },
        Capabilities { changed_since: false, ..all.clone() },
        Capabilities { order_by_pushdown: false, ..all.clone() },
        Capabilities { where_pushdown: false, ..all.clone() },
        Capabilities { select_projection: false, ..all.clone() },
        Capabilities { batch_read: false, ..all.clone() },
        Capabilities { exact_count: false, ..all.clone() },
        Capabilities { where_logical_ops: vec!["$and", "$or"], ..all.clone() },
        Capabilities { where_string_ops: vec!["$like"], ..all },
    ];
    for capabilities in less {
        let subject = Memory::postgres(|session, _| Box::new(session)).declaring(capabilities.clone());
        let report = judged(&subject, &[Part::Capabilities]);
        assert!(!report.passed(), "the suite passes one that declares only {capabilities:?}");
    }
}

#[test]
fn the_generator_alone_finds_what_it_can_reach() {
    // These show in a single answer that no fixed case is needed for.
    let unreached = [
        Fault::OneStrangerEmptiesIn,
        Fault::TypoIsAQueryFailure,
        Fault::TakesForeignCursors,
        Fault::CountsApproximately,
        Fault::HidesTheKey,
    ];
    let passed: Vec<Fault> = FAULTS
        .iter()
        .filter(|(fault, _)| !unreached.contains(fault))
        .filter(|(_, wrap)| judged(&Memory::postgres(*wrap), &[Part::Generated]).failures.is_empty())
        .map(|(fault, _)| *fault)
        .collect();
    assert!(passed.is_empty(), "the generator misses {passed:?}");
}

#[test]
fn a_failure_is_small_and_says_how_to_see_it_again() {
    let (_, wrap) = FAULTS[3];
    let report = judged(&Memory::sqlite(wrap), &[Part::Generated]);
    let failure = report.failures.first().unwrap();
    assert!(failure.job.contains("\"orderBy\"") && failure.job.contains("desc"), "{report}");
    assert!(!failure.job.contains("\"where\""), "the where has no part in it: {report}");
    assert!(failure.table.starts_with("CREATE TABLE") && failure.case.contains("seed"), "{report}");
    assert!(failure.answers.contains("expected:"), "{report}");
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let (_, wrap) = FAULTS[0];
    let jobs = |report: Report| -> Vec<String> {
        // The tables' suffix counts the datasets of this process.
        report
            .failures
            .into_iter()
            .map(|failure| failure.job.split_once(": ").unwrap().1.to_owned())
            .collect()
    };
    let first = jobs(judged(&Memory::postgres(wrap), &[Part::Generated]));
    assert!(!first.is_empty());
    assert_eq!(first, jobs(judged(&Memory::postgres(wrap), &[Part::Generated])));
}

#[test]
fn a_run_that_judged_nothing_has_not_passed() {
    let empty = Report::new("x", 0);
    assert!(!empty.passed());
}
