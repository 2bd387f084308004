//! What is at keys, many of them in one go.

use std::collections::VecDeque;

use semilayer_connector::prelude::Result;

use crate::commands::{Command, Commands};
use crate::document::{Fetched, Stored};
use crate::refused::{refused, unexpected};
use crate::reply::Reply;

/// About how many bytes of values are asked for in one go: the server holds its answers until they are read.
const WANTED_BYTES: usize = 512 * 1024;

/// How many keys are asked for in one go at first, while nothing is known of their values.
const FIRST_KEYS: usize = 32;

/// And at most.
const MOST_KEYS: usize = 1_000;

/// Values beyond so many bytes of one go are given up, and asked for again in the next.
const HELD_BYTES: usize = 8 * 1024 * 1024;

/// Fetches values, as many in one go as their size lets it.
#[derive(Debug)]
pub struct Fetcher {
    keys: usize,
    /// Whether the last value was a hash: the next is asked for as one first.
    hashes: bool,
}

impl Default for Fetcher {
    fn default() -> Self {
        Fetcher { keys: FIRST_KEYS, hashes: false }
    }
}

/// What came of asking for a key in one way.
enum Found {
    Row(Stored),
    /// The key is gone.
    Nothing,
    /// It holds another kind of value.
    Other,
}

impl Fetcher {
    /// A fetcher that expects hashes, or strings.
    pub fn expecting(hashes: bool) -> Fetcher {
        Fetcher { hashes, ..Fetcher::default() }
    }

    /// Takes keys from the front of `waiting` and hands on what is there, in their order. A key that is gone by now, or
    /// holds neither a string nor a hash, has no row.
    ///
    /// # Errors
    /// What the server refused, or the network broke.
    pub fn fetch(
        &mut self,
        commands: &mut impl Commands,
        waiting: &mut VecDeque<Box<str>>,
        rows: &mut VecDeque<Fetched>,
    ) -> Result<()> {
        let mut keys: VecDeque<Box<str>> = waiting.drain(..waiting.len().min(self.keys)).collect();
        let (mut found, bytes) = ask(commands, keys.iter().map(AsRef::as_ref), self.hashes)?;
        // What did not fit is asked for again, behind fewer others.
        let left = keys.split_off(found.len());
        left.into_iter().rev().for_each(|key| waiting.push_front(key));
        let others: Vec<usize> = found
            .iter()
            .enumerate()
            .filter(|(_, found)| matches!(found, Found::Other))
            .map(|(at, _)| at)
            .collect();
        let mut next = 0;
        while let Some(rest) = others.get(next..).filter(|rest| !rest.is_empty()) {
            let names = rest.iter().filter_map(|at| keys.get(*at)).map(AsRef::as_ref);
            let (answers, _) = ask(commands, names, !self.hashes)?;
            next += answers.len();
            for (at, answer) in rest.iter().zip(answers) {
                if let Some(place) = found.get_mut(*at) {
                    *place = answer;
                }
            }
        }
        self.learn(&found, bytes);
        for (key, found) in keys.into_iter().zip(found) {
            if let Found::Row(stored) = found {
                rows.push_back(Fetched { key, stored });
            }
        }
        Ok(())
    }

    fn learn(&mut self, found: &[Found], bytes: usize) {
        if let Some(Found::Row(stored)) = found.iter().rev().find(|found| matches!(found, Found::Row(_))) {
            self.hashes = matches!(stored, Stored::Fields(_));
        }
        let size = (bytes / found.len().max(1)).max(1);
        // Twice as many at most: the next values may be larger.
        self.keys = (WANTED_BYTES / size).clamp(1, MOST_KEYS).min(self.keys * 2);
    }
}

/// Asks for each key as a hash or as a string. Gives what the first of them hold, as many as may be held, and their size.
fn ask<'k>(
    commands: &mut impl Commands,
    keys: impl Iterator<Item = &'k str>,
    hashes: bool,
) -> Result<(Vec<Found>, usize)> {
    let command = |key| if hashes { Command::Fields(key) } else { Command::Get(key) };
    let asked: Vec<Command<'_>> = keys.map(command).collect();
    let mut found = Vec::with_capacity(asked.len());
    let mut bytes = 0;
    commands.send(&asked)?;
    for command in &asked {
        let reply = commands.reply()?;
        if bytes > HELD_BYTES {
            // Taken from the connection, and let go.
            continue;
        }
        let answer = understood(*command, reply)?;
        if let Found::Row(stored) = &answer {
            bytes += stored.len();
        }
        found.push(answer);
    }
    Ok((found, bytes))
}

fn understood(command: Command<'_>, reply: Reply) -> Result<Found> {
    let reply = match reply {
        Reply::Nil => return Ok(Found::Nothing),
        Reply::Refused(refusal) if refusal.code == "WRONGTYPE" => return Ok(Found::Other),
        Reply::Refused(refusal) => return Err(refused(command.name(), &refusal)),
        reply => reply,
    };
    match (command, reply) {
        (Command::Get(_), Reply::Text(bytes)) => Ok(Found::Row(Stored::Text(bytes))),
        (Command::Fields(_), reply @ (Reply::Pairs(_) | Reply::List(_))) => fields(command, reply),
        (_, reply) => Err(unexpected(command.name(), &reply)),
    }
}

fn fields(command: Command<'_>, reply: Reply) -> Result<Found> {
    let wrong = || unexpected(command.name(), &Reply::List(Vec::new()));
    let pairs = reply.into_pairs().ok_or_else(wrong)?;
    // No hash is empty: the key is gone.
    if pairs.is_empty() {
        return Ok(Found::Nothing);
    }
    let field = |(name, value): (Reply, Reply)| Some((name.into_bytes()?, value.into_bytes()?));
    let fields: Option<Vec<_>> = pairs.into_iter().map(field).collect();
    fields.map(|fields| Found::Row(Stored::Fields(fields))).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Shelf;
    use semilayer_connector::prelude::ErrorCode;

    fn fetched(shelf: &mut Shelf, keys: &[&str]) -> Vec<String> {
        let mut waiting: VecDeque<Box<str>> = keys.iter().map(|key| (*key).into()).collect();
        let (mut fetcher, mut rows) = (Fetcher::default(), VecDeque::new());
        while !waiting.is_empty() {
            fetcher.fetch(shelf, &mut waiting, &mut rows).unwrap();
        }
        rows.iter().map(|row| row.key.to_string()).collect()
    }

    #[test]
    fn strings_and_hashes_come_in_the_order_of_their_keys() {
        let mut shelf = Shelf::default();
        shelf.text("s1", "1");
        shelf.hash("h1", &[("a", "1")]);
        shelf.text("s2", "2");
        shelf.hash("h2", &[("a", "1")]);
        shelf.other("list");
        let keys = ["s1", "h1", "gone", "list", "h2", "s2"];
        assert_eq!(fetched(&mut shelf, &keys), ["s1", "h1", "h2", "s2"]);
        let many: Vec<String> = (0..5_000).map(|n| format!("k{n}")).collect();
        many.iter().for_each(|key| shelf.text(key, "x"));
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(fetched(&mut shelf, &many), many);
    }

    #[test]
    fn large_values_come_in_few_at_a_time() {
        let mut shelf = Shelf::default();
        let large = "x".repeat(1024 * 1024);
        let keys: Vec<String> = (0..40).map(|n| format!("k{n}")).collect();
        keys.iter().for_each(|key| shelf.text(key, &large));
        let mut waiting: VecDeque<Box<str>> = keys.iter().map(|key| key.as_str().into()).collect();
        let (mut fetcher, mut rows) = (Fetcher::default(), VecDeque::new());
        fetcher.fetch(&mut shelf, &mut waiting, &mut rows).unwrap();
        assert!(rows.len() <= 9 && waiting.len() == 40 - rows.len(), "{} rows at once", rows.len());
        assert_eq!(fetcher.keys, 1);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        assert_eq!(fetched(&mut shelf, &keys), keys);
    }

    #[test]
    fn a_refusal_is_an_error_and_another_answer_too() {
        for (reply, code) in [
            (Reply::Refused(crate::reply::Refusal::of("NOPERM no")), ErrorCode::SourceQueryFailed),
            (Reply::Boolean(true), ErrorCode::SourceQueryFailed),
        ] {
            let mut shelf = Shelf::default();
            shelf.answer_next(reply);
            let mut waiting = VecDeque::from(["k".into()]);
            let failed = Fetcher::default().fetch(&mut shelf, &mut waiting, &mut VecDeque::new());
            assert_eq!(failed.unwrap_err().code(), code);
        }
    }
}
