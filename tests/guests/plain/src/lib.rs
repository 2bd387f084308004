//! A guest written against the WIT alone, without the SDK: a table of numbers, and a few targets that try the host's
//! patience.

mod numbers;

wit_bindgen::generate!({ path: "../../../wit/since_v0.1.0", world: "connector", generate_all });

use std::time::Duration;

use exports::semilayer::connector::source::{
    Call, Column, Counted, Error, Guest, GuestRows, GuestSession, Json, QueryRequest, ReadRequest, Rows,
    ServerInfo, Session, Step, Target, TargetSchema,
};
use semilayer::connector::types::{ErrorKind, LogicalType, TargetColumn};

use crate::numbers::{NUMBERS, Numbers};

struct Plain;

const MANIFEST: &str = include_str!("manifest.json");

#[unsafe(link_section = "semilayer:manifest")]
#[used]
static SECTION: [u8; MANIFEST.len()] = *include_bytes!("manifest.json");

impl Guest for Plain {
    type Session = Table;
    type Rows = Numbers;

    fn manifest() -> Json {
        MANIFEST.to_owned()
    }

    fn interrupt(_config: Json, token: String) {
        eprintln!("interrupted {token}");
    }
}

/// The one table's session.
struct Table {
    rows: u64,
}

impl GuestSession for Table {
    fn open(config: Json, _deadline_ms: u32) -> Result<Session, Error> {
        if config.contains(r#""password":"wrong""#) {
            return Err(error(ErrorKind::Unauthenticated, "BADPASS", "the password is wrong"));
        }
        let rows = config.split_once(r#""rows":"#).map_or("", |(_, rest)| rest);
        let digits = rows.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        Ok(Session::new(Table { rows: digits.parse().unwrap_or(1000) }))
    }

    fn ping(&self) -> Result<ServerInfo, Error> {
        Ok(ServerInfo {
            product: "Plain".into(),
            version: "1.0".into(),
            can_write: Some(true),
            warnings: vec!["this login could write".into()],
        })
    }

    fn list_targets(&self) -> Result<Vec<Target>, Error> {
        Ok(vec![Target {
            name: NUMBERS.into(),
            schema: None,
            kind: "table".into(),
            estimated_rows: Some(self.rows),
        }])
    }

    fn introspect(&self, target: String) -> Result<TargetSchema, Error> {
        known(&target)?;
        let column = |name: &str, logical_type, primary_key| TargetColumn {
            name: name.into(),
            native_type: "number".into(),
            logical_type,
            nullable: false,
            primary_key,
        };
        Ok(TargetSchema {
            name: target,
            kind: "table".into(),
            columns: vec![
                column("id", LogicalType::Integer, true),
                column("label", LogicalType::Text, false),
            ],
            primary_key: vec!["id".into()],
            key: vec!["id".into()],
            row_count: None,
        })
    }

    fn read(&self, _call: Call, request: ReadRequest) -> Result<Rows, Error> {
        known(&request.target)?;
        let first = cursor(request.cursor.as_deref())?;
        Ok(Rows::new(Numbers::new(first, self.rows, request.limit)))
    }

    fn query(&self, _call: Call, request: QueryRequest) -> Result<Rows, Error> {
        match request.target.as_str() {
            "endless" => spin(),
            "panics" => panic!("the shelf of row 4711 is empty"),
            "sleeps" => std::thread::sleep(Duration::from_secs(3600)),
            "recurses" => return Err(error(ErrorKind::Internal, "", &deep(1).to_string())),
            "grows" => return Err(error(ErrorKind::Internal, "", &grow().to_string())),
            "slow" => return Ok(Rows::new(Numbers::slow(self.rows))),
            "refuses" => {
                return Err(error(ErrorKind::QueryFailed, "42601", r#"syntax error near "secret-value""#));
            }
            _ => {}
        }
        known(&request.target)?;
        if request.filter.is_some() {
            return Err(error(ErrorKind::Unsupported, "unsupported_operator", "no filter is known here"));
        }
        let first = cursor(request.cursor.as_deref())? + request.offset.unwrap_or(0);
        Ok(Rows::new(Numbers::new(first, self.rows, request.limit)))
    }

    fn count(&self, _call: Call, target: String, _filter: Option<Json>) -> Result<Counted, Error> {
        known(&target)?;
        Ok(Counted { value: self.rows, exact: true })
    }

    fn aggregate(&self, _call: Call, _target: String, _request: Json) -> Result<Rows, Error> {
        Err(error(ErrorKind::Unsupported, "", "no aggregates"))
    }
}

impl GuestRows for Numbers {
    fn columns(&self) -> Vec<Column> {
        let column = |name: &str, logical_type| Column {
            name: name.into(),
            logical_type,
            native_type: "number".into(),
        };
        vec![column("id", LogicalType::Integer), column("label", LogicalType::Text)]
    }

    fn next(&self, max_bytes: u32) -> Result<Step, Error> {
        Ok(self.step(max_bytes))
    }
}

fn known(target: &str) -> Result<(), Error> {
    match target {
        NUMBERS => Ok(()),
        _ => Err(error(ErrorKind::NotFound, "", &format!("there is no target \"{target}\""))),
    }
}

fn cursor(text: Option<&str>) -> Result<u64, Error> {
    let first = text.map_or(Ok(0), str::parse);
    first.map_err(|_| error(ErrorKind::InvalidRequest, "", "option `cursor`: is not one of this target's"))
}

fn error(kind: ErrorKind, code: &str, message: &str) -> Error {
    Error { kind, code: code.into(), message: message.into(), retryable: false, detail: Vec::new() }
}

/// Computes until somebody stops it.
fn spin() {
    let mut state = 1_u64;
    while std::hint::black_box(state) != 0 {
        state = state.wrapping_mul(6_364_136_223_846_793_005) | 1;
    }
}

/// Calls itself until the stack ends: the host's, not the guest's own in its memory, because a frame keeps little there.
fn deep(level: u64) -> u64 {
    if std::hint::black_box(level) == u64::MAX { 0 } else { deep(level + 1).wrapping_mul(3) + level }
}

/// Asks for memory until there is none.
fn grow() -> usize {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1; 16 << 20]));
        if kept.len() > 1 << 20 {
            return kept.len();
        }
    }
}

export!(Plain);
