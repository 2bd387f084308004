//! Prepared statements of one session, the least used dropped first.

use std::collections::HashMap;

use crate::wire::{Event, Failure, Wire};

/// The most statements kept prepared; each holds memory in the server, which counts them over all its sessions.
const KEPT: usize = 32;
/// A longer text hardly comes again.
const KEPT_TEXT_BYTES: usize = 4 * 1024;

/// What is prepared.
#[derive(Default)]
pub(crate) struct Statements {
    kept: HashMap<String, (u64, u32)>,
    uses: u64,
    /// The one that is not worth keeping; closed before the next is prepared.
    passing: Option<u32>,
}

impl Statements {
    /// The prepared form of a statement, prepared now if it was not.
    ///
    /// # Errors
    /// What the server or the connection said.
    pub(crate) async fn get(&mut self, wire: &mut Wire, text: &str) -> Result<u32, Failure> {
        self.uses += 1;
        if let Some((used, statement)) = self.kept.get_mut(text) {
            *used = self.uses;
            return Ok(*statement);
        }
        if let Some(passed) = self.passing.take() {
            wire.close(passed);
        }
        wire.prepare(text);
        let statement = match wire.step().await? {
            Event::Prepared(prepared) => prepared.statement,
            Event::Refused(error) => return Err(Failure::Refused(error)),
            _ => return Err(Failure::Garbled("a statement was prepared with another answer")),
        };
        if text.len() > KEPT_TEXT_BYTES {
            self.passing = Some(statement);
            return Ok(statement);
        }
        if self.kept.len() >= KEPT {
            let oldest = self.kept.iter().min_by_key(|(_, (used, _))| *used).map(|(text, _)| text.clone());
            if let Some((_, oldest)) = oldest.and_then(|text| self.kept.remove(&text)) {
                wire.close(oldest);
            }
        }
        self.kept.insert(text.to_owned(), (self.uses, statement));
        Ok(statement)
    }

    /// Forgets all of them: the catalogue changed.
    pub(crate) fn clear(&mut self, wire: &mut Wire) {
        self.kept.drain().for_each(|(_, (_, statement))| wire.close(statement));
    }
}
