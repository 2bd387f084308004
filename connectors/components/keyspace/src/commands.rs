//! What is asked of a server. The set is closed, and nothing in it writes.

use semilayer_connector::prelude::{Result, ServerInfo};

use crate::reply::Reply;

/// One command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// Some keys from a place in the server's own order; `KEYS`, which stops the server for all of them, is never sent.
    Scan {
        /// Where to go on: `0` is the beginning.
        cursor: &'a str,
        /// A glob that keys have to match; `None` is all.
        pattern: Option<&'a str>,
        /// About how many keys the server looks at.
        count: u32,
    },
    /// The string at a key.
    Get(&'a str),
    /// The fields of the hash at a key.
    Fields(&'a str),
    /// What kind of value is at a key.
    Type(&'a str),
    /// How many keys the database has.
    Size,
}

impl Command<'_> {
    /// Its name, as access rules call it.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Scan { .. } => "SCAN",
            Command::Get(_) => "GET",
            Command::Fields(_) => "HGETALL",
            Command::Type(_) => "TYPE",
            Command::Size => "DBSIZE",
        }
    }

    /// Calls `each` with its name and its arguments.
    pub fn parts(&self, each: &mut dyn FnMut(&[u8])) {
        each(self.name().as_bytes());
        match self {
            Command::Scan { cursor, pattern, count } => {
                each(cursor.as_bytes());
                if let Some(pattern) = pattern {
                    each(b"MATCH");
                    each(pattern.as_bytes());
                }
                each(b"COUNT");
                each(count.to_string().as_bytes());
            }
            Command::Get(key) | Command::Fields(key) | Command::Type(key) => each(key.as_bytes()),
            Command::Size => {}
        }
    }

    /// How many parts it has.
    pub fn len(&self) -> usize {
        let mut count = 0;
        self.parts(&mut |_| count += 1);
        count
    }

    /// Never: a command has a name.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// A connection that commands are sent over.
pub trait Commands: 'static {
    /// Asks for a sign of life, and what the server is.
    ///
    /// # Errors
    /// What the server or the network answered instead.
    fn server(&mut self) -> Result<ServerInfo>;

    /// Sends commands together. Answers of earlier ones that nobody took are given up.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE` when the connection broke.
    fn send(&mut self, commands: &[Command<'_>]) -> Result<()>;

    /// The next answer, in the order of the commands.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE` when the connection broke; `RESULT_TOO_LARGE` for an answer beyond all bounds. A command
    /// that the server refused is an answer.
    fn reply(&mut self) -> Result<Reply>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_its_parts() {
        let scan = Command::Scan { cursor: "0", pattern: Some("a:*"), count: 10 };
        let mut parts = Vec::new();
        scan.parts(&mut |part| parts.push(String::from_utf8_lossy(part).into_owned()));
        assert_eq!(parts, ["SCAN", "0", "MATCH", "a:*", "COUNT", "10"]);
        assert_eq!((scan.len(), Command::Size.len(), Command::Get("k").len()), (6, 1, 2));
        assert!(!scan.is_empty());
    }
}
