//! One connection: its commands, its answers, and what becomes of it when it breaks.

use std::io::Write as _;

use keyspace::refused::{refused, unexpected};
use keyspace::{Command, Commands, Reply};
use semilayer_connector::error;
use semilayer_connector::net::{self, TcpStream};
use semilayer_connector::prelude::{Error, Result, ServerInfo};

use crate::login::{About, login};
use crate::resp::{self, Broken, Reader};
use crate::rights;
use crate::settings::Place;

/// A connection to one server.
///
/// One that broke is opened anew by the next command: everything that is sent only reads.
#[derive(Debug)]
pub struct Connection {
    place: Place,
    about: About,
    wire: Option<Wire>,
    /// Answers that have not come yet.
    outstanding: usize,
    /// What goes out next.
    out: Vec<u8>,
}

/// A stream with its reader.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    reader: Reader,
}

impl Wire {
    fn open(place: &Place) -> Result<Wire> {
        let dialled = match place.tls {
            true => TcpStream::connect_tls(&place.host, place.port),
            false => TcpStream::connect(&place.host, place.port),
        };
        let stream = dialled.map_err(|failed| net::unreachable(&place.host, place.port, &failed))?;
        Ok(Wire { stream, reader: Reader::default() })
    }

    /// Sends what is written in the protocol already.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next answer.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn reply(&mut self) -> Result<Reply, Broken> {
        self.reader.reply(&mut self.stream)
    }

    /// Sends commands of these words, and takes their answers.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn ask(&mut self, commands: &[Vec<&[u8]>]) -> Result<Vec<Reply>, Broken> {
        let mut out = Vec::new();
        commands.iter().for_each(|command| resp::words(&mut out, command));
        self.send(&out)?;
        commands.iter().map(|_| self.reply()).collect()
    }
}

/// What a broken connection means to whoever sent the job.
pub fn broken(place: &Place, broken: &Broken) -> Error {
    let Place { host, port, tls, .. } = place;
    match broken {
        Broken::Io(failed) => net::unreachable(host, *port, failed),
        Broken::TooLarge(_) => error::too_large(format!(
            "{broken}; leave the keys with such values out of what is read, or store them in parts"
        )),
        Broken::Garbled(_) => {
            let hint = if *tls { "" } else { ", or does it want TLS (`tls`)" };
            error::query_failed(
                "PROTOCOL",
                format!("{host}:{port} does not answer as Redis does: {broken}; is it another port{hint}?"),
            )
        }
    }
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE`, `SOURCE_AUTH_FAILED`; `SOURCE_NOT_CONFIGURED` for a database that the server does not have
    /// and for a server that holds a part of the keys only.
    pub fn open(place: Place) -> Result<Connection> {
        let mut wire = Wire::open(&place)?;
        let about = login(&mut wire, &place)?;
        Ok(Connection { place, about, wire: Some(wire), outstanding: 0, out: Vec::new() })
    }

    /// The wire, opened anew when it broke.
    fn wire(&mut self) -> Result<&mut Wire> {
        if self.wire.is_none() {
            let mut wire = Wire::open(&self.place)?;
            self.about = login(&mut wire, &self.place)?;
            self.outstanding = 0;
            self.wire = Some(wire);
        }
        self.wire.as_mut().ok_or_else(|| error::internal("a connection that was opened is not there"))
    }

    /// The outcome of a step; after a broken one the connection is given up.
    fn settled<T>(&mut self, outcome: Result<T, Broken>) -> Result<T> {
        outcome.map_err(|failed| {
            self.wire = None;
            self.outstanding = 0;
            broken(&self.place, &failed)
        })
    }

    fn ask(&mut self, commands: &[Vec<&[u8]>]) -> Result<Vec<Reply>> {
        self.drain()?;
        let outcome = self.wire()?.ask(commands);
        self.settled(outcome)
    }

    /// Takes the answers that nobody waits for any more.
    fn drain(&mut self) -> Result<()> {
        while self.outstanding > 0 && self.wire.is_some() {
            self.reply()?;
        }
        Ok(())
    }

    /// Whether this login could write; `None` when the server does not say.
    fn can_write(&mut self) -> Result<Option<bool>> {
        if self.about.is_replica {
            return Ok(Some(false));
        }
        let who = self.ask(&[vec![b"ACL", b"WHOAMI"]])?;
        let Some(user) = who.first().and_then(Reply::as_text).map(str::to_owned) else { return Ok(None) };
        let user = user.as_bytes();
        let allowed = rights::allowed(&self.ask(&rights::questions(user, rights::ANY_KEY))?);
        if allowed != Some(false) {
            return Ok(allowed);
        }
        // It may write to other keys: to which, only its rules tell.
        let rules = self.ask(&[vec![b"ACL", b"GETUSER", user]])?.into_iter().next();
        let Some(keys) = rules.and_then(rights::writable_keys) else { return Ok(None) };
        for key in keys {
            match rights::allowed(&self.ask(&rights::questions(user, &key))?) {
                Some(false) => {}
                known => return Ok(known),
            }
        }
        Ok(Some(false))
    }
}

impl Commands for Connection {
    fn server(&mut self) -> Result<ServerInfo> {
        let pong = self.ask(&[vec![b"PING"]])?;
        match pong.first() {
            Some(Reply::Text(_)) => {}
            // Whoever may not do this much has still been heard.
            Some(Reply::Refused(refusal)) if refusal.code == "NOPERM" => {}
            Some(Reply::Refused(refusal)) => return Err(refused("PING", refusal)),
            Some(other) => return Err(unexpected("PING", other)),
            None => return Err(unexpected("PING", &Reply::Nil)),
        }
        let can_write = self.can_write()?;
        let About { product, version, .. } = &self.about;
        Ok(ServerInfo {
            product: product.clone(),
            version: version.clone(),
            can_write,
            ..ServerInfo::default()
        })
    }

    fn send(&mut self, commands: &[Command<'_>]) -> Result<()> {
        self.drain()?;
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        commands.iter().for_each(|command| resp::command(&mut out, command));
        let outcome = self.wire()?.send(&out);
        self.out = out;
        self.settled(outcome)?;
        self.outstanding = commands.len();
        Ok(())
    }

    fn reply(&mut self) -> Result<Reply> {
        if self.outstanding == 0 {
            return Err(error::internal("an answer was asked for without a command"));
        }
        self.outstanding -= 1;
        let outcome = self.wire()?.reply();
        self.settled(outcome)
    }
}
