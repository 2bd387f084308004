//! Rows go in, groups come out.

use std::cmp::Ordering;
use std::collections::HashMap;

use connector_model::Conventions;
use connector_model::error::Result;
use connector_model::json;
use connector_model::request::Aggregate;
use connector_model::request::aggregate::SortKey;
use connector_model::target::LogicalType;

use crate::budget::{Budget, ENTRY_BYTES};
use crate::hash::hash;
use crate::measure::top::shorter;
use crate::measure::{Outcome, State};
use crate::memory::Memory;
use crate::plan::Plan;
use crate::scan::Scan;
use connector_evaluate::condition::Place;
use connector_evaluate::cut::Cutter;
use connector_evaluate::value::{NULL, Value, identity};

/// What stands between the dimensions of a group: no JSON has it.
const SEPARATOR: u8 = 0;

/// Computes an aggregate of rows that a connector's query wrote.
#[derive(Debug)]
pub struct Aggregator {
    plan: Plan,
    rows: Cutter,
    groups: HashMap<Box<[u8]>, Group>,
    budget: Budget,
    /// The group that a row belongs to, and what it shows: kept, so that a row costs no allocation.
    same: Vec<u8>,
    shown: Vec<u8>,
}

#[derive(Debug)]
struct Group {
    /// What its dimensions show, where that is another than what tells the group apart.
    shown: Option<Box<[u8]>>,
    count: u64,
    states: Box<[State]>,
}

impl Aggregator {
    /// An aggregator for the rows of the request's scan, in a database of these conventions. It holds at most `limit`
    /// bytes of state ([`STATE_BYTES`](crate::STATE_BYTES)), out of `memory`.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option and the column: one that is not there, or holds what this cannot be computed
    /// of.
    pub fn new(
        request: &Aggregate,
        scan: &Scan,
        conventions: Conventions,
        limit: usize,
        memory: &Memory,
    ) -> Result<Aggregator> {
        let mut aggregator = Aggregator {
            plan: Plan::new(request, scan, conventions)?,
            rows: Cutter::new(scan.columns.iter().map(|field| field.name.as_str())),
            groups: HashMap::new(),
            budget: Budget::new(limit, memory),
            same: Vec::new(),
            shown: Vec::new(),
        };
        if request.dimensions.is_empty() {
            // All rows are one group, which is there without any.
            let group = aggregator.plan.begin(None, &[], &mut aggregator.budget)?;
            aggregator.groups.insert(Box::default(), group);
        }
        Ok(aggregator)
    }

    /// Adds rows: JSON objects, separated by commas.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when the groups need more memory than there is, `RUNNER_BUSY` when other aggregates hold it;
    /// `INVALID_JOB` for a number that no range can hold; `INTERNAL` for what are no such objects.
    pub fn rows(&mut self, objects: &[u8]) -> Result<()> {
        let Aggregator { plan, rows, groups, budget, same, shown } = self;
        rows.each(objects, |cells| {
            if !plan.samples(cells) {
                return Ok(());
            }
            same.clear();
            shown.clear();
            for (at, dimension) in plan.dimensions.iter().enumerate() {
                if at > 0 {
                    same.push(SEPARATOR);
                    shown.push(SEPARATOR);
                }
                let json = cells.get(dimension.place.at).copied().unwrap_or(NULL);
                if !dimension.group(json, same, shown)? {
                    return Ok(());
                }
            }
            let group = match groups.get_mut(same.as_slice()) {
                Some(group) => {
                    group.show(same, shown, budget)?;
                    group
                }
                None => {
                    let group = plan.begin((same != shown).then_some(shown), same, budget)?;
                    groups.entry(same.as_slice().into()).or_insert(group)
                }
            };
            group.count += 1;
            for ((measuring, filter), state) in plan.measures.iter().zip(&mut group.states) {
                if filter.passes(cells) {
                    measuring.add(state, cells, budget)?;
                }
            }
            Ok(())
        })
    }

    /// The groups that `having` lets through, sorted and cut. They hold the aggregator's memory until they are dropped.
    ///
    /// # Errors
    /// `RUNNER_BUSY` when other aggregates hold the memory for them.
    pub fn finish(self) -> Result<Groups> {
        let Aggregator { plan, groups, mut budget, .. } = self;
        budget.take_for_answer(groups.len() * size_of::<Finished>())?;
        let mut finished: Vec<Finished> = Vec::with_capacity(groups.len());
        for (same, group) in groups {
            let group = plan.finish(same, group);
            if plan.has(&group) {
                budget.take_for_answer(group.measured_bytes())?;
                finished.push(group);
            }
        }
        // Where it stands among its equals makes no difference, and sorting in place takes no memory.
        finished.sort_unstable_by(|left, right| plan.order(left, right));
        if let Some(limit) = plan.limit {
            finished.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(Groups { plan, groups: finished.into_iter(), _budget: budget })
    }
}

impl Group {
    /// Of the forms of equal values the shortest is shown, whichever row came first.
    fn show(&mut self, same: &[u8], shown: &[u8], budget: &mut Budget) -> Result<()> {
        let before = self.shown.as_deref().unwrap_or(same);
        if before != shown && shorter(shown, before) {
            budget.change(self.shown.as_ref().map_or(0, |shown| shown.len()), shown.len())?;
            self.shown = Some(shown.into());
        }
        Ok(())
    }
}

impl Plan {
    fn begin(&self, shown: Option<&mut Vec<u8>>, same: &[u8], budget: &mut Budget) -> Result<Group> {
        let states: Box<[State]> = self.measures.iter().map(|(measuring, _)| measuring.state()).collect();
        let shown: Option<Box<[u8]>> = shown.map(|shown| shown.as_slice().into());
        let held: usize = states.iter().map(|state| size_of::<State>() + state.held_bytes()).sum();
        let names = same.len() + shown.as_ref().map_or(0, |shown| shown.len());
        budget.take(held + names + size_of::<(Box<[u8]>, Group)>() + ENTRY_BYTES)?;
        Ok(Group { shown, count: 0, states })
    }

    /// Whether the row is in the sample: by its key, so that the same rows are in it each time, in whatever order they
    /// come.
    fn samples(&self, cells: &[&[u8]]) -> bool {
        let Some(share) = self.sample else { return true };
        let mut key = Vec::new();
        for place in &self.key {
            identity(&mut key, cells.get(place.at).copied().unwrap_or(NULL), place.kind);
            key.push(SEPARATOR);
        }
        #[allow(clippy::cast_precision_loss, reason = "the 53 bits of a double are enough of a hash")]
        let place = (hash(key) >> 11) as f64 / (1_u64 << 53) as f64;
        place < share
    }

    fn finish(&self, same: Box<[u8]>, group: Group) -> Finished {
        let outcomes = self.measures.iter().zip(group.states);
        Finished {
            dimensions: group.shown.unwrap_or(same),
            measures: outcomes.map(|((measuring, _), state)| measuring.outcome(state)).collect(),
            count: group.count,
        }
    }

    fn has(&self, group: &Finished) -> bool {
        if self.having.is_true() {
            return true;
        }
        let mut count = Vec::new();
        json::unsigned_if_exact(&mut count, group.count);
        let mut cells: Vec<&[u8]> = group.measures.iter().map(|outcome| &*outcome.json).collect();
        cells.push(&count);
        self.having.passes(&cells)
    }

    /// Two groups in the job's order; ties go by the dimensions, ascending.
    fn order(&self, left: &Finished, right: &Finished) -> Ordering {
        for sort in &self.sort {
            let order = match sort.key {
                SortKey::Count => left.count.cmp(&right.count),
                SortKey::Dimension(at) => self.order_of_dimension(at, left, right),
                SortKey::Measure(at) => {
                    let place = match self.measures.get(at) {
                        Some((measuring, _)) => measuring.output(at),
                        None => Place::new(at, LogicalType::Unknown),
                    };
                    let (left, right) = (left.measure(place), right.measure(place));
                    match (&left, &right) {
                        (Value::Null, Value::Null) => Ordering::Equal,
                        (Value::Null, _) | (_, Value::Null) if self.nulls_last => {
                            left.order(&right).reverse()
                        }
                        _ => left.order(&right),
                    }
                }
            };
            if order.is_ne() {
                return if sort.descending { order.reverse() } else { order };
            }
        }
        let dimensions = 0..self.dimensions.len();
        dimensions
            .map(|at| self.order_of_dimension(at, left, right))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    fn order_of_dimension(&self, at: usize, left: &Finished, right: &Finished) -> Ordering {
        match self.dimensions.get(at) {
            Some(dimension) => {
                dimension.order(left.dimension(at)).order(&dimension.order(right.dimension(at)))
            }
            None => Ordering::Equal,
        }
    }
}

#[derive(Debug)]
struct Finished {
    dimensions: Box<[u8]>,
    measures: Box<[Outcome]>,
    count: u64,
}

impl Finished {
    /// Bytes of what came out of its measures; its dimensions are the group's own.
    fn measured_bytes(&self) -> usize {
        self.measures.iter().map(|outcome| size_of::<Outcome>() + outcome.json.len()).sum()
    }

    fn dimension(&self, at: usize) -> &[u8] {
        self.dimensions.split(|byte| *byte == SEPARATOR).nth(at).unwrap_or(NULL)
    }

    fn measure(&self, place: Place) -> Value<'_> {
        self.measures.get(place.at).map_or(Value::Null, |outcome| place.read(&outcome.json))
    }
}

/// The groups of an aggregate, in order.
#[derive(Debug)]
pub struct Groups {
    plan: Plan,
    groups: std::vec::IntoIter<Finished>,
    /// The memory that they hold.
    _budget: Budget,
}

impl Groups {
    /// Appends the next group, `{"dims":{…},"measures":{…},"count":n}`; whether there was one.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(group) = self.groups.next() else { return false };
        let (dimensions, measures) = &self.plan.names;
        out.extend_from_slice(b"{\"dims\":");
        let shown = group.dimensions.split(|byte| *byte == SEPARATOR);
        object(out, dimensions.iter().zip(shown));
        out.extend_from_slice(b",\"measures\":");
        object(out, measures.iter().zip(group.measures.iter().map(|outcome| &*outcome.json)));
        out.extend_from_slice(b",\"count\":");
        json::unsigned_if_exact(out, group.count);
        out.push(b'}');
        true
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.groups.len() == 0
    }
}

fn object<'g>(out: &mut Vec<u8>, entries: impl Iterator<Item = (&'g String, &'g [u8])>) {
    out.push(b'{');
    for (at, (name, json)) in entries.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::text(out, name);
        out.push(b':');
        out.extend_from_slice(json);
    }
    out.push(b'}');
}
