//! From an open connection to one that answers commands.

use keyspace::refused::refused;
use keyspace::{Refusal, Reply};
use semilayer_connector::error;
use semilayer_connector::prelude::{Error, Result, Secret};

use crate::connection::{Wire, broken};
use crate::resp::Broken;
use crate::settings::Place;

/// What connections are called in `CLIENT LIST`.
const NAME: &[u8] = b"semilayer-runner";

/// What a server said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The product.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Whether it follows another server.
    pub is_replica: bool,
    mode: String,
}

/// Logs in: in the third version of the protocol, or in the second where the server knows no other.
///
/// # Errors
/// As [`Connection::open`](crate::connection::Connection::open).
pub fn login(wire: &mut Wire, place: &Place) -> Result<About> {
    let about = match hello(wire, place)? {
        Ok(about) => about,
        Err(refusal) => older(wire, place, &refusal)?,
    };
    check_mode(wire, place, &about)?;
    Ok(about)
}

/// Who logs in, if anybody: users came with the sixth version, before there was one without a name.
fn credentials(place: &Place) -> Option<(&str, &Secret)> {
    let password = place.password.as_ref()?;
    Some((place.username.as_deref().unwrap_or("default"), password))
}

/// Commands that follow the login, with what is said of this client: that is welcome and not needed.
fn behind(db: &str) -> Vec<Vec<&[u8]>> {
    let mut commands: Vec<Vec<&[u8]>> = Vec::new();
    if db != "0" {
        commands.push(vec![b"SELECT", db.as_bytes()]);
    }
    commands.push(vec![b"CLIENT", b"SETNAME", NAME]);
    commands.push(vec![b"CLIENT", b"SETINFO", b"LIB-NAME", NAME]);
    commands
}

/// Everything in one way there and back. The inner error is a refusal of a server that does not know the command.
fn hello(wire: &mut Wire, place: &Place) -> Result<Result<About, Refusal>> {
    let db = place.db.to_string();
    let mut first: Vec<&[u8]> = vec![b"HELLO", b"3"];
    if let Some((user, password)) = credentials(place) {
        first.extend([b"AUTH".as_slice(), user.as_bytes(), password.expose().as_bytes()]);
    }
    let mut commands = vec![first];
    commands.extend(behind(&db));
    let mut out = Vec::new();
    commands.iter().for_each(|command| crate::resp::words(&mut out, command));
    let failed = |failed: Broken| broken(place, &failed);
    wire.send(&out).map_err(failed)?;
    let reply = wire.reply().map_err(failed)?;
    // A server that is full, or takes nobody from elsewhere, says so by itself and closes.
    if let Reply::Refused(refusal) = &reply
        && refusal.code == "DENIED"
    {
        return Err(error::forbidden(
            "the server is in protected mode and takes connections of its own machine only; give it a password",
        ));
    }
    let mut rest = Vec::new();
    for _ in commands.iter().skip(1) {
        match (wire.reply(), &reply) {
            (Ok(reply), _) => rest.push(reply),
            (Err(_), Reply::Refused(refusal)) => {
                return Err(refused("HELLO", refusal).with_retryable(true));
            }
            (Err(error), _) => return Err(failed(error)),
        }
    }
    match reply {
        Reply::Refused(refusal) if matches!(refusal.code.as_str(), "WRONGPASS" | "NOAUTH" | "NOPERM") => {
            Err(refused("HELLO", &refusal))
        }
        Reply::Refused(refusal) => Ok(Err(refusal)),
        reply => {
            if place.db != 0 {
                selected(rest.first())?;
            }
            Ok(Ok(About::of(reply)))
        }
    }
}

/// The login of servers before the sixth version, and of proxies that know no other.
fn older(wire: &mut Wire, place: &Place, first: &Refusal) -> Result<About> {
    let db = place.db.to_string();
    let mut commands: Vec<Vec<&[u8]>> = Vec::new();
    let credentials = credentials(place);
    if let Some((_, password)) = credentials {
        let password = password.expose().as_bytes();
        commands.push(match &place.username {
            Some(user) => vec![b"AUTH", user.as_bytes(), password],
            None => vec![b"AUTH", password],
        });
    }
    commands.push(vec![b"PING"]);
    let select = commands.len();
    commands.extend(behind(&db));
    commands.push(vec![b"INFO", b"server"]);
    let replies = wire.ask(&commands).map_err(|failed| match failed {
        // What it said before it closed says more.
        Broken::Io(_) => refused("HELLO", first).with_retryable(true),
        failed => broken(place, &failed),
    })?;
    if let (Some(_), Some(Reply::Refused(refusal))) = (credentials, replies.first()) {
        return Err(error::unauthenticated(format!("the server refused the login: {}", refusal.message)));
    }
    match replies.get(select.saturating_sub(1)) {
        Some(Reply::Refused(refusal)) if refusal.code != "NOPERM" => return Err(refused("PING", refusal)),
        _ => {}
    }
    if place.db != 0 {
        selected(replies.get(select))?;
    }
    let info = replies.last().and_then(Reply::as_text).unwrap_or_default();
    let line = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
    };
    Ok(About {
        product: "Redis".to_owned(),
        version: line("redis_version").to_owned(),
        is_replica: false,
        mode: line("redis_mode").to_owned(),
    })
}

/// Whether the database could be selected.
fn selected(reply: Option<&Reply>) -> Result<()> {
    match reply {
        Some(Reply::Refused(refusal)) if refusal.code == "ERR" => {
            Err(error::misconfigured("db", "the server has no database of this number"))
        }
        Some(Reply::Refused(refusal)) => Err(refused("SELECT", refusal)),
        _ => Ok(()),
    }
}

/// A server that holds a part of the keys, or none, would answer as if there were no others.
fn check_mode(wire: &mut Wire, place: &Place, about: &About) -> Result<()> {
    let misconfigured = |problem: String| Err::<(), Error>(error::misconfigured("host", problem));
    match about.mode.as_str() {
        "sentinel" => {
            misconfigured("names a Sentinel, which has no data; name the server that it watches".to_owned())
        }
        "cluster" => {
            let replies = wire.ask(&[vec![b"CLUSTER", b"INFO"]]).map_err(|failed| broken(place, &failed))?;
            let info = replies.first().and_then(Reply::as_text).unwrap_or_default();
            let size = info.lines().find_map(|line| line.strip_prefix("cluster_size:")).unwrap_or("several");
            match size.trim() {
                "0" | "1" => Ok(()),
                size => misconfigured(format!(
                    "names one node of a cluster of {size}, which holds a part of the keys; the connector reads \
                     servers that hold all of them"
                )),
            }
        }
        _ => Ok(()),
    }
}

impl About {
    /// Of the answer to `HELLO`.
    fn of(reply: Reply) -> About {
        let mut about = About::default();
        for (name, value) in reply.into_pairs().unwrap_or_default() {
            let Some(value) = value.as_text() else { continue };
            match name.as_text() {
                Some("server") => about.product = capitalised(value),
                Some("version") => value.clone_into(&mut about.version),
                Some("mode") => value.clone_into(&mut about.mode),
                Some("role") => about.is_replica = matches!(value, "replica" | "slave"),
                _ => {}
            }
        }
        about
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}
