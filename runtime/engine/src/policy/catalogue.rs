//! What was seen of a source's targets a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::seen::Seen;
use crate::lock::lock;

/// How long a target is taken to be as it was seen: a busy source is asked once in a while, and a table that became a view
/// is noticed soon.
const LIFE: Duration = Duration::from_secs(10);
/// The most targets remembered.
const KEPT: usize = 1_000;
/// Names longer than this are not remembered: the gateway chooses them.
const KEPT_NAME_BYTES: usize = 512;

/// The targets of one configured source, by the names that jobs gave them.
#[derive(Default)]
pub(crate) struct Catalogue {
    known: Mutex<HashMap<String, (Instant, Arc<Seen>)>>,
}

impl Catalogue {
    pub(super) fn get(&self, target: &str) -> Option<Arc<Seen>> {
        let known = lock(&self.known);
        known.get(target).filter(|(at, _)| at.elapsed() < LIFE).map(|(_, seen)| seen.clone())
    }

    pub(super) fn put(&self, target: &str, seen: Arc<Seen>) {
        if target.len() > KEPT_NAME_BYTES {
            return;
        }
        let mut known = lock(&self.known);
        if known.len() >= KEPT {
            known.retain(|_, (at, _)| at.elapsed() < LIFE);
        }
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(target.to_owned(), (Instant::now(), seen));
    }
}
