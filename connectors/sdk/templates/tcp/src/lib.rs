//! A connector to a server with a protocol of its own: one line for a command, lines for an answer.
//!
//! It works as it is, against the server that `cargo run --example serve` starts. What is marked with `Yours:` is what
//! makes it a connector to your server.

use std::io::{self, BufRead, Read as _, Write};
use std::time::Duration;

use semilayer_connector::error::{internal, not_found, query_failed, too_large, unauthenticated};
use semilayer_connector::evaluate::Table;
use semilayer_connector::model::time::parse_moment;
use semilayer_connector::net::{TcpStream, unreachable};
use semilayer_connector::prelude::*;
use semilayer_connector::schema;

/// What a source is configured with.
#[derive(Debug, Config)]
pub struct Settings {
    #[config(label = "Host", placeholder = "db.example.com")]
    host: String,
    #[config(label = "Port", default = 7000)]
    port: u16,
    #[config(label = "Token", hint = "What the server knows this runner by.")]
    token: Option<Secret>,
    #[config(label = "TLS", default = false, hint = "Whether the connection is encrypted.")]
    tls: bool,
}

/// The connector. Yours: the bridge's name, by which sources ask for it.
pub struct NewConnector;

#[connector(
    bridge = "@acme/bridge-new-connector",
    display_name = "New connector",
    operations = [list_targets, introspect, read, query, count],
    capabilities(
        batch_read,
        where_pushdown,
        order_by_pushdown,
        limit_pushdown,
        select_projection,
        cursor,
        changed_since,
        exact_count,
        where_logical_ops = ["$and", "$or", "$not"],
        where_string_ops = ["$like", "$ilike", "$contains", "$startsWith", "$endsWith"],
    ),
    egress = ["{host}:{port}"],
)]
impl Connector for NewConnector {
    type Config = Settings;
    type Session = Connection;

    fn open(config: Settings, _deadline: Duration) -> Result<Connection> {
        let Settings { host, port, token, tls } = config;
        let dialled = if tls { TcpStream::connect_tls(&host, port) } else { TcpStream::connect(&host, port) };
        let stream = dialled.map_err(|failed| unreachable(&host, port, &failed))?;
        let mut connection =
            Connection { stream, host, port, version: String::new(), line: Vec::new(), unread: false };
        // Yours: how a client signs in.
        let token = token.as_ref().map(Secret::expose).unwrap_or("-");
        connection.command(&format!("HELLO {token}"))?;
        connection.version = match connection.line()?.split_once(' ') {
            Some(("OK", version)) => version.to_owned(),
            _ => {
                return Err(unauthenticated(
                    "the server does not accept the token; check the setting `token`",
                ));
            }
        };
        Ok(connection)
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    host: String,
    port: u16,
    version: String,
    /// The line that was read last.
    line: Vec<u8>,
    /// Whether lines of an answer may be left that nobody wanted.
    unread: bool,
}

/// Longer lines are refused: a server that never ends one would fill the memory.
const LINE_BYTES: u64 = 1024 * 1024;

/// What ends an answer of many lines.
const END: &str = ".";

/// What an answer begins with that is none.
const REFUSED: &str = "ERR ";

impl Connection {
    fn command(&mut self, command: &str) -> Result<()> {
        // Somebody may have stopped reading the answer before.
        while self.unread {
            let line = self.line()?;
            self.unread = line != END && !line.starts_with(REFUSED);
        }
        let sent = self.stream.write_all(format!("{command}\n").as_bytes());
        sent.map_err(|failed| self.lost(&failed))
    }

    fn line(&mut self) -> Result<&str> {
        self.line.clear();
        let read = (&mut self.stream).take(LINE_BYTES).read_until(b'\n', &mut self.line);
        read.map_err(|failed| self.lost(&failed))?;
        if self.line.pop() != Some(b'\n') {
            return Err(if self.line.len() as u64 + 1 < LINE_BYTES {
                self.lost(&io::ErrorKind::UnexpectedEof.into())
            } else {
                too_large(format!("a line is longer than {LINE_BYTES} bytes"))
            });
        }
        std::str::from_utf8(&self.line).map_err(|_| internal("the server sent a line that is no UTF-8"))
    }

    fn lost(&self, failed: &io::Error) -> Error {
        unreachable(&self.host, self.port, failed)
    }

    fn scan(&mut self) -> Result<BoxedRows<Connection>> {
        self.command(&format!("ROWS {ITEMS}"))?;
        self.unread = true;
        Ok(Box::new(Scan))
    }
}

/// Yours: the only target there is. A server with more of them has a shape for each, or describes them itself.
const ITEMS: &str = "items";

fn items() -> TargetSchema {
    schema::table(ITEMS)
        .key("id", LogicalType::Integer, "int")
        .column("name", LogicalType::Text, "text")
        .nullable("price", LogicalType::Decimal, "decimal")
        .column("changed", LogicalType::TimestampTz, "moment")
        .into()
}

impl Session for Connection {
    fn ping(&mut self) -> Result<ServerInfo> {
        self.command("PING")?;
        if self.line()? != "PONG" {
            return Err(internal("the server does not answer PING"));
        }
        let (product, version) = self.version.split_once(' ').unwrap_or((&self.version, ""));
        Ok(ServerInfo { product: product.to_owned(), version: version.to_owned(), ..ServerInfo::default() })
    }

    fn list_targets(&mut self) -> Result<Vec<Target>> {
        let name = ITEMS.to_owned();
        Ok(vec![Target { name, kind: "table".to_owned(), schema: None, estimated_rows: None }])
    }

    fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        if target == ITEMS { Ok(items()) } else { Err(not_found(target, [ITEMS])) }
    }

    // The server filters and sorts nothing, so that all of its rows are asked for and the SDK does the rest.
    fn read(&mut self, _call: &Call, request: &Read) -> Result<BoxedRows<Self>> {
        let schema = self.introspect(&request.target)?;
        let scan = self.scan()?;
        Table::new(&schema).read(request, scan)
    }

    fn query(&mut self, _call: &Call, request: &Query) -> Result<BoxedRows<Self>> {
        let schema = self.introspect(&request.target)?;
        let scan = self.scan()?;
        Table::new(&schema).query(request, scan)
    }

    fn count(&mut self, _call: &Call, request: &Count) -> Result<Counted> {
        let schema = self.introspect(&request.target)?;
        let scan = self.scan()?;
        Table::new(&schema).count(self, request, scan)
    }
}

/// The rows as the server sends them: id, name, price and moment of change, a tab between two.
#[derive(Debug)]
struct Scan;

impl Rows<Connection> for Scan {
    fn columns(&self) -> Vec<Column> {
        schema::columns(&items())
    }

    fn fill(&mut self, connection: &mut Connection, out: &mut RowWriter) -> Result<Fill> {
        while !out.is_full() {
            let line = connection.line()?;
            if line == END {
                connection.unread = false;
                return Ok(Fill::END);
            }
            if let Some(problem) = line.strip_prefix(REFUSED) {
                let failed = query_failed("", problem);
                connection.unread = false;
                return Err(failed);
            }
            row(line, out)?;
            // Nothing is at hand: what there is goes out before the next line is waited for.
            if connection.stream.buffered().is_empty() {
                return Ok(Fill::Wait);
            }
        }
        Ok(Fill::More)
    }
}

/// Yours: what a row looks like on the wire.
fn row(line: &str, out: &mut RowWriter) -> Result<()> {
    let broken = || internal("the server sent a row that is not as expected");
    let mut cells = line.split('\t');
    let mut cell = || cells.next().ok_or_else(broken);
    let (id, name, price, changed) = (cell()?, cell()?, cell()?, cell()?);
    let id = id.parse().map_err(|_| broken())?;
    let changed = parse_moment(changed).ok_or_else(broken)?;
    out.row(|row| {
        row.integer("id", id)?;
        row.text("name", name)?;
        if price != "\\N" {
            row.decimal("price", price)?;
        }
        row.timestamp_tz("changed", changed)
    })
}
