//! A guest that does what no connector should, one thing at a time: which one is the target of a query, or the
//! configuration's `mode` for what happens before there is a query. What it gets away with it reports as an error of the
//! database, whose code is one word.
//!
//! - [`rows`]: batches that are none
//! - [`words`]: answers other than rows, too long or of the wrong bytes
//! - [`takes`]: time, memory, stack, handles, log lines
//! - [`unsent`]: requests that are only made
//! - [`reaches`]: addresses, by every way that there is
//! - [`looks`]: files, environment, arguments

mod looks;
mod reaches;
mod rows;
mod takes;
mod unsent;
mod words;

wit_bindgen::generate!({ path: "../../../wit/since_v0.1.0", world: "connector", generate_all });

use exports::semilayer::connector::source::{
    Call, Column, Counted, Error, Guest, GuestRows, GuestSession, Json, QueryRequest, ReadRequest, Rows,
    ServerInfo, Session, Step, Target, TargetSchema,
};
use semilayer::connector::types::{ErrorKind, LogicalType};

use crate::rows::Batches;

struct Hostile;

const MANIFEST: &str = include_str!("manifest.json");

#[unsafe(link_section = "semilayer:manifest")]
#[used]
static SECTION: [u8; MANIFEST.len()] = *include_bytes!("manifest.json");

impl Guest for Hostile {
    type Session = Malice;
    type Rows = Batches;

    fn manifest() -> Json {
        match switch() {
            b"manifest-panics!" => panic!("a manifest is asked for"),
            b"manifest-endless" => {
                takes::spin();
                String::new()
            }
            b"manifest-another" => "{}".to_owned(),
            b"manifest-too-big" => "{".repeat(32 << 20),
            _ => MANIFEST.to_owned(),
        }
    }

    fn interrupt(config: Json, _token: String) {
        if mode(&config) == "interrupt-endless" {
            takes::spin();
        }
    }
}

/// What happens before there is a configuration. The tests write another word into the built file, where this one stands.
static SWITCH: [u8; 16] = *b"manifest-honest!";

fn switch() -> &'static [u8; 16] {
    // Otherwise the compiler would read it.
    std::hint::black_box(&SWITCH)
}

/// A session with a mode.
struct Malice {
    config: String,
}

/// The configuration's `mode`, as far as it is written without escapes.
fn mode(config: &str) -> &str {
    let rest = config.split_once(r#""mode":""#).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

impl GuestSession for Malice {
    fn open(config: Json, _deadline_ms: u32) -> Result<Session, Error> {
        match mode(&config) {
            "open-endless" => takes::spin(),
            "open-sleeps" => takes::sleep(),
            "open-panics" => panic!("not even a session"),
            "open-fails" => return Err(words::with_secret(&config)),
            _ => {}
        }
        Ok(Session::new(Malice { config }))
    }

    fn ping(&self) -> Result<ServerInfo, Error> {
        let mut info = ServerInfo {
            product: "Hostile".into(),
            version: "1".into(),
            can_write: None,
            warnings: Vec::new(),
        };
        if mode(&self.config) == "ping-tells" {
            info.product = self.config.clone();
            info.version = self.config.clone();
            info.warnings = vec![self.config.clone()];
        }
        if mode(&self.config) == "ping-floods" {
            info.product = "p".repeat(8 << 20);
            info.version = "a version\r\n\u{1b}[2Jof another line".into();
            info.warnings = vec!["w".repeat(1000); 10_000];
        }
        Ok(info)
    }

    fn list_targets(&self) -> Result<Vec<Target>, Error> {
        Ok(match mode(&self.config) {
            "targets-million" => words::million_targets(),
            "targets-aliased" => words::aliased_targets(),
            _ => vec![words::target("nothing")],
        })
    }

    fn introspect(&self, target: String) -> Result<TargetSchema, Error> {
        Ok(words::schema(target))
    }

    fn read(&self, _call: Call, request: ReadRequest) -> Result<Rows, Error> {
        self.work(&request.target)
    }

    fn query(&self, _call: Call, request: QueryRequest) -> Result<Rows, Error> {
        self.work(&request.target)
    }

    fn count(&self, _call: Call, target: String, _filter: Option<Json>) -> Result<Counted, Error> {
        self.work(&target).map(|_| Counted { value: u64::MAX, exact: true })
    }

    fn aggregate(&self, _call: Call, target: String, _request: Json) -> Result<Rows, Error> {
        self.work(&target)
    }
}

impl Malice {
    fn work(&self, target: &str) -> Result<Rows, Error> {
        let (what, at) = target.split_once('>').unwrap_or((target, ""));
        let (code, message) = match what {
            "endless" => {
                takes::spin();
                ("done", String::new())
            }
            "grows" => ("done", takes::grow().to_string()),
            "recurses" => ("done", takes::deep(1).to_string()),
            "recurses-bare" => ("done", takes::deep_calls(0, 2 + at.len() as u64).to_string()),
            "sleeps" => {
                takes::sleep();
                ("done", String::new())
            }
            "panics" => panic!("the shelf of row 4711 is empty"),
            "panics-loudly" => panic!("with {}", self.config),
            "exits" => std::process::exit(0),
            "aborts" => std::process::abort(),
            "waits" => takes::handles(),
            "randomness" => takes::randomness(),
            "logs" => takes::logs(),
            "prints" => takes::prints(),
            "unsent-bodies" => unsent::bodies(number(at)),
            "unsent-names" => unsent::names(number(at)),
            "unsent-fields" => unsent::fields(number(at)),
            "tells" => words::told(&self.config),
            "dial" => reaches::dial(at),
            "dial-tls" => reaches::dial_tls(at),
            "connections" => reaches::connections(at),
            "http" => reaches::follow(at),
            "socket" => reaches::socket(at),
            "resolve" => reaches::resolve(at),
            "datagram" => reaches::datagram(at),
            "listen" => reaches::listen(at),
            "files" => looks::files(),
            "environment" => looks::environment(),
            "long-error" => return Err(words::long()),
            "strange-error" => return Err(words::with_secret(&self.config)),
            "no-string" => return Err(words::no_string()),
            rows => return Ok(Rows::new(Batches::new(rows))),
        };
        Err(error(code, message))
    }
}

/// How many are wanted; far more than there can be where it does not say.
fn number(text: &str) -> usize {
    text.parse().unwrap_or(10_000)
}

impl GuestRows for Batches {
    fn columns(&self) -> Vec<Column> {
        let count = if self.what == "columns-million" { 400_000 } else { 1 };
        let column = |at: usize| Column {
            name: if at == 0 { "id".into() } else { at.to_string() },
            logical_type: LogicalType::Integer,
            native_type: String::new(),
        };
        (0..count).map(column).collect()
    }

    fn next(&self, max_bytes: u32) -> Result<Step, Error> {
        self.step(max_bytes)
    }
}

fn error(code: &str, message: String) -> Error {
    Error { kind: ErrorKind::QueryFailed, code: code.into(), message, retryable: false, detail: Vec::new() }
}

export!(Hostile);
