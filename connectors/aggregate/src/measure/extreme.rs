//! The least and the greatest value, and the value of the first and the last row.

use std::cmp::Ordering;

use connector_model::error::Result;

use crate::budget::Budget;
use connector_evaluate::value::Value;

/// The JSON of the row that is in front so far, and what it is in front by.
#[derive(Debug)]
pub(crate) struct Leader {
    pub(crate) json: Box<[u8]>,
    /// What rows are compared by, the first value first.
    by: Box<[Value<'static>]>,
}

impl Leader {
    /// Lets a row compete: `ahead` says whether the first of `by` wins over the leader's; among equals the other
    /// values of `by` decide, the smaller first, and at last the JSON.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE`.
    pub(crate) fn compete<'v>(
        leader: &mut Option<Box<Leader>>,
        json: &[u8],
        ahead: Ordering,
        by: impl Iterator<Item = Value<'v>> + Clone,
        budget: &mut Budget,
    ) -> Result<()> {
        let before = leader.as_ref().map_or(0, |leader| leader.held_bytes());
        if let Some(leader) = leader {
            let mut order = Ordering::Equal;
            for (place, (value, known)) in by.clone().zip(&leader.by).enumerate() {
                let compared = value.order(known);
                order = if place == 0 && ahead == Ordering::Greater { compared.reverse() } else { compared };
                if order.is_ne() {
                    break;
                }
            }
            let order =
                order.then_with(|| json.len().cmp(&leader.json.len())).then_with(|| json.cmp(&leader.json));
            if order != Ordering::Less {
                return Ok(());
            }
        }
        let winner = Leader { json: json.into(), by: by.map(Value::into_owned).collect() };
        budget.change(before, winner.held_bytes())?;
        *leader = Some(Box::new(winner));
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        let values: usize = self.by.iter().map(|value| size_of::<Value<'_>>() + value.held_bytes()).sum();
        size_of::<Leader>() + self.json.len() + values
    }
}
