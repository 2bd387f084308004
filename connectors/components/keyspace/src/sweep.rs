//! Every key, some at a time, in the server's own order.

use semilayer_connector::error;
use semilayer_connector::prelude::Result;

use crate::commands::{Command, Commands};
use crate::name::Prefix;
use crate::refused::unexpected;
use crate::reply::Reply;

/// How many keys the server looks at in one step: some 100 µs of its one thread.
pub const STEP_KEYS: u32 = 1_000;

/// Steps that bring less are not worth their way there and back.
const LEAST_STEP_KEYS: u32 = 10;

/// What a sweep begins with, and what the server answers at its end.
const EDGE: &str = "0";

/// How many digits a place has at most: it is a number of 64 bits.
const PLACE_BYTES: usize = 20;

/// A place in `SCAN`'s order.
#[derive(Debug, Clone)]
pub struct Sweep {
    prefix: Option<Prefix>,
    pattern: Option<String>,
    cursor: String,
    ended: bool,
    /// Keys looked at, and keys that came of it.
    asked: u64,
    came: u64,
}

impl Sweep {
    /// From the beginning, over the keys of one prefix or over all.
    pub fn new(prefix: Option<&Prefix>) -> Sweep {
        Sweep {
            prefix: prefix.cloned(),
            pattern: prefix.map(Prefix::pattern),
            cursor: EDGE.to_owned(),
            ended: false,
            asked: 0,
            came: 0,
        }
    }

    /// From a place that [`Sweep::place`] gave; `None` is the end.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `cursor`: a place is a number.
    pub fn resumed(prefix: &Prefix, place: Option<&str>) -> Result<Sweep> {
        let Some(place) = place else { return Ok(Sweep { ended: true, ..Sweep::new(Some(prefix)) }) };
        if place.is_empty() || place.len() > PLACE_BYTES || !place.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error::invalid_request("cursor", "cannot be read; pass `nextCursor` on unchanged"));
        }
        Ok(Sweep { cursor: place.to_owned(), ..Sweep::new(Some(prefix)) })
    }

    /// Where the next step begins; `None` at the end.
    pub fn place(&self) -> Option<&str> {
        (!self.ended).then_some(self.cursor.as_str())
    }

    /// Whether every key has been looked at.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// About how many keys of the database were looked at.
    pub fn looked_at(&self) -> u64 {
        self.asked
    }

    /// Takes one step: hands on the keys that it brings, which may be none. Keys that are no UTF-8 cannot be named by a
    /// row, and are passed over.
    ///
    /// # Errors
    /// What the server refused, or the network broke.
    pub fn step(
        &mut self,
        commands: &mut impl Commands,
        count: u32,
        each: &mut dyn FnMut(Box<str>),
    ) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        let command = Command::Scan { cursor: &self.cursor, pattern: self.pattern.as_deref(), count };
        commands.send(&[command])?;
        let reply = commands.reply()?;
        let wrong = |reply: &Reply| unexpected("SCAN", reply);
        let Reply::List(parts) = reply else { return Err(wrong(&reply)) };
        let (cursor, keys) = match <[Reply; 2]>::try_from(parts) {
            Ok([cursor, Reply::List(keys)]) => (cursor.into_bytes(), keys),
            Ok([_, other]) => return Err(wrong(&other)),
            Err(parts) => return Err(wrong(&Reply::List(parts))),
        };
        let cursor = cursor.and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(cursor) = cursor.filter(|cursor| cursor.bytes().all(|byte| byte.is_ascii_digit())) else {
            return Err(wrong(&Reply::Nil));
        };
        self.ended = cursor == EDGE;
        self.cursor = cursor;
        self.asked += u64::from(count);
        for key in keys {
            let Some(key) = key.into_bytes().and_then(|bytes| String::from_utf8(bytes).ok()) else {
                continue;
            };
            if self.prefix.as_ref().is_none_or(|prefix| prefix.has(&key)) {
                self.came += 1;
                each(key.into_boxed_str());
            }
        }
        Ok(())
    }

    /// How many keys to look at so that about `wanted` come, as far as the steps so far tell.
    pub fn count_for(&self, wanted: u64) -> u32 {
        let wanted = wanted.saturating_add(1);
        // Before anything is known, as many as are wanted.
        let count = match self.came {
            0 if self.asked == 0 => wanted,
            0 => u64::from(STEP_KEYS),
            came => wanted.saturating_mul(self.asked) / came,
        };
        u32::try_from(count).unwrap_or(STEP_KEYS).clamp(LEAST_STEP_KEYS, STEP_KEYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Shelf;
    use semilayer_connector::prelude::ErrorCode;

    #[test]
    fn every_key_of_the_prefix_comes() {
        let mut shelf = Shelf::default();
        for n in 0..100 {
            shelf.text(&format!("a:{n}"), "1");
            shelf.text(&format!("b:{n}"), "1");
        }
        let mut sweep = Sweep::new(Some(&Prefix::of("a").unwrap()));
        let mut keys = Vec::new();
        while !sweep.ended() {
            sweep.step(&mut shelf, 7, &mut |key| keys.push(key)).unwrap();
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 100);
        assert!(keys.iter().all(|key| key.starts_with("a:")));
        assert_eq!(sweep.place(), None);
    }

    #[test]
    fn a_step_is_as_large_as_what_is_wanted_of_it() {
        let mut sweep = Sweep::new(None);
        assert_eq!(sweep.count_for(1), LEAST_STEP_KEYS);
        assert_eq!(sweep.count_for(u64::MAX), STEP_KEYS);
        (sweep.asked, sweep.came) = (1_000, 10);
        assert_eq!(sweep.count_for(4), 500);
        sweep.came = 0;
        assert_eq!(sweep.count_for(1), STEP_KEYS);
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        let prefix = Prefix::of("a").unwrap();
        for place in ["", "x", "-1", "111111111111111111111"] {
            let error = Sweep::resumed(&prefix, Some(place)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidJob, "{place}");
        }
        assert_eq!(Sweep::resumed(&prefix, Some("17")).unwrap().place(), Some("17"));
        assert!(Sweep::resumed(&prefix, None).unwrap().ended());
    }

    #[test]
    fn an_answer_that_is_none_of_scan_is_an_error() {
        let text = |text: &str| Reply::Text(text.into());
        for reply in [
            Reply::Nil,
            Reply::List(vec![]),
            Reply::List(vec![text("0")]),
            Reply::List(vec![text("x"), Reply::List(vec![])]),
            Reply::List(vec![text("0"), text("a")]),
        ] {
            let mut shelf = Shelf::default();
            shelf.answer_next(reply.clone());
            let failed = Sweep::new(None).step(&mut shelf, 10, &mut |_| {});
            assert_eq!(failed.unwrap_err().code(), ErrorCode::SourceQueryFailed, "{reply:?}");
        }
    }
}
