//! SQLite itself behind the protocol, as libSQL's server has it: what Turso's cloud runs is a fork of SQLite, and no
//! registry carries the server.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, params_from_iter};
use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::exchange::{Message, read, write};

/// The listener with its database; both end when it is dropped.
#[derive(Debug)]
pub(super) struct SqliteServer {
    pub(super) port: u16,
    accepting: JoinHandle<()>,
}

impl SqliteServer {
    pub(super) async fn start(file: &Path) -> Result<Self> {
        let connection = Arc::new(Mutex::new(Connection::open(file).context("opening a SQLite database")?));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listening on loopback")?;
        let port = listener.local_addr()?.port();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever asked sees the end of the connection.
                let _ended = serve(stream, Arc::clone(&connection)).await;
            }
        });
        Ok(Self { port, accepting })
    }

    /// Ends its connections; nothing listens any more.
    pub(super) fn stop(&self) {
        self.accepting.abort();
    }
}

impl Drop for SqliteServer {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(mut stream: TcpStream, connection: Arc<Mutex<Connection>>) -> Result<()> {
    let request = read(&mut stream).await?;
    let body: Json = serde_json::from_slice(&request.body)?;
    let answer = tokio::task::spawn_blocking(move || {
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = body.get("requests").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let results: Vec<Json> = requests.iter().map(|request| outcome(&connection, request)).collect();
        json!({"baton": null, "base_url": null, "results": results}).to_string()
    });
    write(&mut stream, &Message::response(200, answer.await?.into_bytes())).await
}

fn outcome(connection: &Connection, request: &Json) -> Json {
    match execute(connection, request) {
        Ok(rows) => {
            json!({"type": "ok", "response": {"type": "execute", "result": {"cols": [], "rows": rows}}})
        }
        Err(error) => {
            json!({"type": "error", "error": {"message": error.to_string(), "code": code(&error)}})
        }
    }
}

fn execute(connection: &Connection, request: &Json) -> rusqlite::Result<Vec<Vec<Json>>> {
    let sql = request.pointer("/stmt/sql").and_then(Json::as_str).unwrap_or_default();
    let args = request.pointer("/stmt/args").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let mut statement = connection.prepare(sql)?;
    let width = statement.column_count();
    let mut rows = statement.query(params_from_iter(args.iter().map(argument)))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((0..width).map(|at| Ok(cell(row.get_ref(at)?))).collect::<rusqlite::Result<_>>()?);
    }
    Ok(all)
}

fn argument(argument: &Json) -> Value {
    let text = |key: &str| argument.get(key).and_then(Json::as_str).unwrap_or_default();
    match argument.get("type").and_then(Json::as_str) {
        Some("integer") => text("value").parse().map_or(Value::Null, Value::Integer),
        Some("float") => argument.get("value").and_then(Json::as_f64).map_or(Value::Null, Value::Real),
        Some("text") => Value::Text(text("value").to_owned()),
        Some("blob") => {
            let digits = text("base64").trim_end_matches('=');
            STANDARD_NO_PAD.decode(digits).map_or(Value::Null, Value::Blob)
        }
        _ => Value::Null,
    }
}

fn cell(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => json!({"type": "null"}),
        ValueRef::Integer(whole) => json!({"type": "integer", "value": whole.to_string()}),
        ValueRef::Real(number) => json!({"type": "float", "value": number}),
        ValueRef::Text(text) => json!({"type": "text", "value": String::from_utf8_lossy(text)}),
        ValueRef::Blob(bytes) => json!({"type": "blob", "base64": STANDARD_NO_PAD.encode(bytes)}),
    }
}

/// The codes of libSQL's server (libsql-server/src/hrana/stmt.rs).
fn code(error: &rusqlite::Error) -> &'static str {
    match error {
        rusqlite::Error::SqlInputError { .. } => "SQL_INPUT_ERROR",
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::SchemaChanged => "SQLITE_SCHEMA",
            ErrorCode::DatabaseBusy => "SQLITE_BUSY",
            ErrorCode::TooBig => "SQLITE_TOOBIG",
            ErrorCode::ConstraintViolation => "SQLITE_CONSTRAINT",
            _ => "SQLITE_UNKNOWN",
        },
        _ => "INTERNAL",
    }
}
