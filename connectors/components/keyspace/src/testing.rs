//! A server in memory for this crate's tests.

use std::collections::{BTreeMap, VecDeque};

use semilayer_connector::prelude::{Result, ServerInfo};

use crate::commands::{Command, Commands};
use crate::reply::{Refusal, Reply};

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Hash(Vec<(String, String)>),
    Other,
}

/// Keys and values. Its `SCAN` goes through them backwards, brings the last key of a step again with the next, and looks
/// at as many as it is told.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    values: BTreeMap<String, Value>,
    replies: VecDeque<Reply>,
    planned: VecDeque<Reply>,
    /// The names of all commands that were sent.
    pub(crate) sent: Vec<&'static str>,
}

impl Shelf {
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.values.insert(key.to_owned(), Value::Text(text.to_owned()));
    }

    pub(crate) fn hash(&mut self, key: &str, fields: &[(&str, &str)]) {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.values.insert(key.to_owned(), Value::Hash(fields.collect()));
    }

    pub(crate) fn other(&mut self, key: &str) {
        self.values.insert(key.to_owned(), Value::Other);
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.values.remove(key);
    }

    /// What the next command is answered with, whatever it is.
    pub(crate) fn answer_next(&mut self, reply: Reply) {
        self.planned.push_back(reply);
    }

    fn answered(&self, command: Command<'_>) -> Reply {
        let text = |text: &str| Reply::Text(text.as_bytes().to_vec());
        let wrong = || Reply::Refused(Refusal::of("WRONGTYPE Operation against a key"));
        match command {
            Command::Size => Reply::Integer(self.values.len() as i64),
            Command::Type(key) => text(match self.values.get(key) {
                None => "none",
                Some(Value::Text(_)) => "string",
                Some(Value::Hash(_)) => "hash",
                Some(Value::Other) => "list",
            }),
            Command::Get(key) => match self.values.get(key) {
                None => Reply::Nil,
                Some(Value::Text(value)) => text(value),
                Some(_) => wrong(),
            },
            Command::Fields(key) => match self.values.get(key) {
                None => Reply::Pairs(Vec::new()),
                Some(Value::Hash(fields)) => {
                    Reply::Pairs(fields.iter().map(|(name, value)| (text(name), text(value))).collect())
                }
                Some(_) => wrong(),
            },
            Command::Scan { cursor, pattern, count } => {
                let start: usize = cursor.parse().unwrap();
                let end = start + count as usize;
                let prefix = pattern.map(|pattern| pattern.trim_end_matches('*').replace('\\', ""));
                let keys = self.values.keys().rev().skip(start.saturating_sub(1)).take(count as usize + 1);
                let matching =
                    keys.filter(|key| prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str())));
                let matching = matching.map(|key| text(key)).collect();
                let next = if end >= self.values.len() { 0 } else { end };
                Reply::List(vec![text(&next.to_string()), Reply::List(matching)])
            }
        }
    }
}

impl Commands for Shelf {
    fn server(&mut self) -> Result<ServerInfo> {
        Ok(ServerInfo { product: "Shelf".to_owned(), version: "1".to_owned(), ..ServerInfo::default() })
    }

    fn send(&mut self, commands: &[Command<'_>]) -> Result<()> {
        self.replies.clear();
        for command in commands {
            self.sent.push(command.name());
            let reply = self.planned.pop_front().unwrap_or_else(|| self.answered(*command));
            self.replies.push_back(reply);
        }
        Ok(())
    }

    fn reply(&mut self) -> Result<Reply> {
        Ok(self.replies.pop_front().unwrap_or(Reply::Nil))
    }
}
