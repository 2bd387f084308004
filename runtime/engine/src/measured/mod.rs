//! What is measured of jobs and pools.
//!
//! Where nobody keeps metrics all of it does nothing. Labels are bounded: kinds and codes are closed sets, and a source has
//! a name of its own only once it was assigned, so that a job cannot make a series.
//!
//! - `source`: the series of one source
//! - `tally`: what one job adds to them

mod source;
mod tally;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

pub(crate) use source::SourceMeasures;
pub(crate) use tally::Tally;
pub use tally::{EndedJob, JobObserver};

use crate::assignment::Assignment;
use crate::lock::lock;

/// Sources that have series of their own in the life of a process. A series is never forgotten, and a gateway that assigns ever new
/// names must not fill the memory.
const MOST_SOURCES: usize = 256;
/// What the others are called together; no source of the gateway's has such a name.
const OTHER: &str = "(other)";

/// The measures of an engine. A clone is the same.
#[derive(Clone)]
pub(crate) struct Measures(Arc<Inner>);

struct Inner {
    sources: Mutex<HashMap<String, Arc<SourceMeasures>>>,
    other: Arc<SourceMeasures>,
    observer: OnceLock<Arc<dyn JobObserver>>,
}

impl Default for Measures {
    fn default() -> Self {
        let other = Arc::new(SourceMeasures::new(OTHER));
        Measures(Arc::new(Inner { sources: Mutex::default(), other, observer: OnceLock::new() }))
    }
}

impl Measures {
    /// These have series of their own from now on.
    pub(crate) fn assign(&self, assignments: &[Assignment]) {
        let mut sources = lock(&self.0.sources);
        for assignment in assignments {
            if sources.len() >= MOST_SOURCES {
                return;
            }
            if !sources.contains_key(&assignment.name) {
                let measures = Arc::new(SourceMeasures::new(&assignment.name));
                sources.insert(assignment.name.clone(), measures);
            }
        }
    }

    /// The series of a source.
    pub(crate) fn source(&self, name: &str) -> Arc<SourceMeasures> {
        lock(&self.0.sources).get(name).unwrap_or(&self.0.other).clone()
    }

    /// Who is told of every job that has ended; the first one stays.
    pub(crate) fn observe(&self, observer: Arc<dyn JobObserver>) {
        let _first = self.0.observer.set(observer);
    }

    fn observer(&self) -> Option<&dyn JobObserver> {
        self.0.observer.get().map(|observer| &**observer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignment::Credentials;

    #[test]
    fn a_source_that_was_never_assigned_and_one_too_many_share_a_name() {
        let measures = Measures::default();
        let named = |name: String| Assignment {
            id: name.clone(),
            name,
            bridge: "fake".into(),
            credentials: Credentials::RunnerLocal,
        };
        assert_eq!(measures.source("guessed").name(), OTHER);
        for n in 0..MOST_SOURCES + 10 {
            measures.assign(&[named(n.to_string())]);
        }
        assert_eq!(measures.source("0").name(), "0");
        assert_eq!(measures.source("255").name(), "255");
        assert_eq!(measures.source("256").name(), OTHER);
        assert_eq!(lock(&measures.0.sources).len(), MOST_SOURCES);
    }
}
