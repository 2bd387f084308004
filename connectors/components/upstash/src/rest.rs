//! Commands as requests: many in one, over the REST interface's `/pipeline`
//! (<https://upstash.com/docs/redis/features/restapi>).

use std::collections::VecDeque;

use keyspace::refused::refused;
use keyspace::{Command, Commands, Refusal, Reply};
use semilayer_connector::error;
use semilayer_connector::http::{Client, Response};
use semilayer_connector::model::json::MAX_ROW_BYTES;
use semilayer_connector::prelude::{Error, ErrorCode, Result, ServerInfo};
use semilayer_connector::url::Url;

use crate::answer::Answer;
use crate::settings::Settings;

/// How many commands one request carries at most. The service counts every command and bounds what a request and a
/// response may have.
const COMMANDS_AT_ONCE: usize = 500;

/// The largest response that is taken, in bytes: a value as large as a row may be, in base64, with room for what is around
/// it.
const RESPONSE_BYTES: u64 = (MAX_ROW_BYTES / 3 * 4) as u64 + 1024 * 1024;

/// How much of an unexpected response an error shows.
const SHOWN_BYTES: u64 = 300;

/// A database behind the REST interface.
#[derive(Debug)]
pub struct Rest {
    client: Client,
    host: String,
    /// Whether texts come in base64: the service does so when it is asked to, others that speak its language may not.
    encoded: bool,
    commands_at_once: usize,
    /// Commands as JSON that are not sent yet.
    waiting: VecDeque<Vec<u8>>,
    replies: VecDeque<Reply>,
}

impl Rest {
    /// Asks for a sign of life with the token.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE`, `SOURCE_AUTH_FAILED`, `SOURCE_NOT_CONFIGURED`.
    pub fn open(settings: &Settings) -> Result<Rest> {
        let url = Url::read("url", &settings.url, &["https", "http"])?;
        let client = Client::to(&url)?.bearer(settings.token.expose().trim())?;
        let client =
            client.header("upstash-encoding", "base64")?.header("content-type", "application/json")?;
        let mut rest = Rest {
            client,
            host: url.host,
            encoded: false,
            commands_at_once: COMMANDS_AT_ONCE,
            waiting: VecDeque::new(),
            replies: VecDeque::new(),
        };
        match rest.run(&[&["PING"]])?.first() {
            Some(Reply::Text(pong)) if pong == b"UE9ORw==" => rest.encoded = true,
            Some(Reply::Text(pong)) if pong == b"PONG" => {}
            Some(Reply::Refused(refusal)) => return Err(rest.refused(refusal)),
            _ => return Err(rest.strange("something other than PONG")),
        }
        Ok(rest)
    }

    /// Commands of these words, in one request.
    fn run(&mut self, commands: &[&[&str]]) -> Result<Vec<Reply>> {
        let bodies =
            commands.iter().map(|words| encoded(|each| words.iter().for_each(|word| each(word.as_bytes()))));
        let bodies: Vec<Vec<u8>> = bodies.collect();
        self.exchange(bodies.iter().map(Vec::as_slice))
    }

    fn exchange<'b>(&self, commands: impl Iterator<Item = &'b [u8]>) -> Result<Vec<Reply>> {
        let mut body = Vec::new();
        let mut asked = 0;
        for command in commands {
            body.push(if asked == 0 { b'[' } else { b',' });
            body.extend_from_slice(command);
            asked += 1;
        }
        body.push(b']');
        let response = self.client.post("/pipeline").body(body).send()?;
        if !response.is_success() {
            return Err(self.failed(response));
        }
        let bytes = response.body.bytes(RESPONSE_BYTES)?;
        let answers: Vec<Answer> = serde_json::from_slice(&bytes)
            .map_err(|_| self.strange("something other than a list of answers"))?;
        if answers.len() != asked {
            return Err(self.strange("another number of answers"));
        }
        let replies: Result<Vec<Reply>, _> =
            answers.into_iter().map(|answer| answer.reply(self.encoded)).collect();
        replies.map_err(|_| self.strange("texts that are not in base64"))
    }

    /// A response that says no.
    fn failed(&self, response: Response) -> Error {
        let (status, host) = (response.status, &self.host);
        let text = response.body.excerpt(SHOWN_BYTES);
        let said = serde_json::from_str::<Answer>(&text).ok();
        match (status, said) {
            (401 | 403, _) => error::unauthenticated(format!(
                "{host} refused the token; copy the REST token of this database from Upstash's console"
            )),
            (400, Some(Answer(Reply::Refused(refusal)))) => self.refused(&refusal),
            (429 | 500.., said) => {
                let message = match said {
                    Some(Answer(Reply::Refused(refusal))) => format!(": {}", refusal.message),
                    _ => String::new(),
                };
                error::query_failed(
                    status.to_string(),
                    format!("{host} answered with status {status}{message}"),
                )
                .with_retryable(true)
            }
            _ => self.strange(&format!("status {status}")),
        }
    }

    fn refused(&self, refusal: &Refusal) -> Error {
        match refusal.code.as_str() {
            "NOPERM" => error::forbidden(
                "the token may not run these commands: a read-only token of Upstash may not SCAN; use the standard one",
            ),
            _ => refused("the request", refusal),
        }
    }

    fn strange(&self, what: &str) -> Error {
        error::query_failed(
            "PROTOCOL",
            format!(
                "{} does not answer as Upstash's REST API does, but with {what}; is `url` the REST URL?",
                self.host
            ),
        )
    }

    /// Sends as many of the waiting commands as go into one request. A response beyond all bounds is asked for in smaller
    /// ones.
    fn next_request(&mut self) -> Result<()> {
        loop {
            let count = self.waiting.len().min(self.commands_at_once);
            let outcome = self.exchange(self.waiting.iter().take(count).map(Vec::as_slice));
            match outcome {
                Err(failed) if failed.code() == ErrorCode::ResultTooLarge && count > 1 => {
                    self.commands_at_once = count / 2;
                }
                Err(failed) if failed.code() == ErrorCode::ResultTooLarge => return Err(too_large()),
                outcome => {
                    self.replies.extend(outcome?);
                    self.waiting.drain(..count);
                    return Ok(());
                }
            }
        }
    }
}

/// One answer is larger than a row may be.
fn too_large() -> Error {
    error::too_large(format!(
        "a value is more than a row may have, {MAX_ROW_BYTES} bytes; leave the keys with such values out of what is read, or \
         store them in parts"
    ))
    .with("limitBytes", MAX_ROW_BYTES as u64)
}

/// A command as a JSON array of its words.
fn encoded(visit: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Vec<u8> {
    let mut out = vec![b'['];
    visit(&mut |word| {
        if out.len() > 1 {
            out.push(b',');
        }
        semilayer_connector::model::json::text_lossy(&mut out, word);
    });
    out.push(b']');
    out
}

impl Commands for Rest {
    fn server(&mut self) -> Result<ServerInfo> {
        let replies = self.run(&[&["PING"], &["INFO"]])?;
        if let Some(Reply::Refused(refusal)) = replies.first() {
            return Err(self.refused(refusal));
        }
        let info = replies.get(1).and_then(Reply::as_text).unwrap_or_default();
        let line = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let version = line("upstash_version").or_else(|| line("redis_version")).unwrap_or_default().trim();
        Ok(ServerInfo { product: "Upstash".to_owned(), version: version.to_owned(), ..ServerInfo::default() })
    }

    fn send(&mut self, commands: &[Command<'_>]) -> Result<()> {
        self.replies.clear();
        self.waiting.clear();
        self.waiting.extend(commands.iter().map(|command| encoded(|each| command.parts(each))));
        Ok(())
    }

    fn reply(&mut self) -> Result<Reply> {
        if self.replies.is_empty() && !self.waiting.is_empty() {
            self.next_request()?;
        }
        match self.replies.pop_front() {
            Some(Reply::Refused(refusal)) if refusal.code == "NOPERM" => Err(self.refused(&refusal)),
            Some(reply) => Ok(reply),
            None => Err(error::internal("an answer was asked for without a command")),
        }
    }
}

#[cfg(test)]
mod tests;
