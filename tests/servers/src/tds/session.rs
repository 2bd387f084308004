//! A connection's requests, one after the other (MS-TDS 3.3.5).

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;

use super::attention::{Signals, listen};
use super::connect::{LoggedIn, greet};
use super::input::{Input, utf16};
use super::packet::{Kind, Message, Writer};
use super::record::{SqlServerRequest, SqlServerStatement};
use super::rpc::Call;
use super::secure::Stream;
use super::server::Shared;
use super::tokens::{self, Done, change};
use crate::tsql::{Batch, Login, Session, SqlError, SqlType, Transaction, Value};

/// The most parameters of a call, the statement's text and its declarations among them.
const MAX_PARAMETERS: usize = 2_100;

/// A logged-in connection.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) spid: u16,
    /// When that changes, the connection is to end.
    pub(super) epoch: u64,
    pub(super) stream: WriteHalf<Stream>,
    pub(super) writer: Writer,
    pub(super) signals: Arc<Signals>,
    /// How many attention signals were answered.
    pub(super) answered: u64,
    pub(super) session: Session,
}

/// Serves one client until it leaves.
pub(super) async fn serve(shared: &Arc<Shared>, tcp: TcpStream, spid: u16, epoch: u64) -> Result<()> {
    let Some(logged_in) = greet(shared, tcp, (spid, epoch)).await? else { return Ok(()) };
    let LoggedIn { stream, writer, database, application } = logged_in;
    let (reader, stream) = tokio::io::split(stream);
    let (signals, mut messages, listening) = listen(reader);
    let _ended = AbortOnDrop(listening);
    let session = Session::new(shared.engine.clone(), Login { spid, database, application });
    let mut connection =
        Connection { shared: shared.clone(), spid, epoch, stream, writer, signals, answered: 0, session };
    let mut seen = 0;
    while let Some(message) = messages.recv().await {
        if shared.is_over(epoch) {
            break;
        }
        if message.kind == Kind::Attention {
            seen += 1;
            if seen > connection.answered {
                connection.answer_attention(Done::Batch).await?;
            }
        } else {
            connection.request(message).await?;
        }
    }
    connection.stream.shutdown().await.context("ending a connection")
}

/// The reading task holds half of the stream; it must not outlive the other half.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Ends the response, and with it the statement, as the client wished.
    pub(super) async fn answer_attention(&mut self, kind: Done) -> Result<()> {
        self.answered += 1;
        tokens::done(self.writer.buffer(), kind, tokens::ATTENTION, 0, 0);
        self.writer.finish(&mut self.stream).await
    }

    async fn request(&mut self, message: Message) -> Result<()> {
        match message.kind {
            Kind::Batch => {
                let mut input = Input::new(&message.payload);
                input.skip_headers()?;
                let text = utf16(input.rest())?;
                self.record(SqlServerRequest::Batch, &text, Vec::new(), message.packets);
                let batch = Batch::parse(&text, Vec::new());
                self.respond(&text, batch, Done::Batch).await
            }
            Kind::Rpc => self.call(&message).await,
            Kind::TransactionManager => self.transaction_request(&message).await,
            other => anyhow::bail!("{other:?} after the login"),
        }
    }

    fn record(
        &self,
        request: SqlServerRequest,
        text: &str,
        parameters: Vec<(String, String)>,
        packets: usize,
    ) {
        self.shared.records.add_statement(SqlServerStatement {
            spid: self.spid,
            request,
            text: text.to_owned(),
            parameters,
            packets,
            rows: 0,
            called_off: false,
            error: None,
        });
    }

    async fn call(&mut self, message: &Message) -> Result<()> {
        let call = Call::parse(&message.payload)?;
        let message_packets = message.packets;
        if call.procedure != "sp_executesql" {
            self.record(SqlServerRequest::Procedure, &call.procedure, Vec::new(), message.packets);
            let error = SqlError::new(2812, format!("Could not find stored procedure '{}'.", call.procedure));
            return self.respond(&call.procedure, Err(error), Done::Procedure).await;
        }
        if call.parameters.len() > MAX_PARAMETERS {
            let message = format!(
                "The incoming request has too many parameters. The server supports a maximum of {MAX_PARAMETERS} parameters. Reduce the number of parameters and resend the request."
            );
            self.record(SqlServerRequest::Procedure, "", Vec::new(), message_packets);
            return self.respond("", Err(SqlError::new(8003, message)), Done::Procedure).await;
        }
        let mut parameters = call.parameters.into_iter();
        let text = parameters.next().map_or(Value::Null, |parameter| parameter.value);
        let text = if let Value::Text(text) = text { text.to_string() } else { String::new() };
        let declared = parameters.next().map_or(Value::Null, |parameter| parameter.value);
        let given: Vec<(String, SqlType, Value)> =
            parameters.map(|parameter| (parameter.name, parameter.ty, parameter.value)).collect();
        let bound = Batch::bind(&declared, given);
        let shown = |bound: &[(String, SqlType, Value)]| {
            bound.iter().map(|(name, ty, _)| (name.clone(), ty.to_string())).collect()
        };
        let names = bound.as_deref().map(shown).unwrap_or_default();
        self.record(SqlServerRequest::Procedure, &text, names, message.packets);
        let batch = bound.and_then(|bound| Batch::parse(&text, bound));
        self.respond(&text, batch, Done::Procedure).await
    }

    /// BEGIN, COMMIT and ROLLBACK that did not come as T-SQL (MS-TDS 2.2.6.9).
    async fn transaction_request(&mut self, message: &Message) -> Result<()> {
        let mut input = Input::new(&message.payload);
        input.skip_headers()?;
        let (text, transaction) = match input.u16()? {
            5 => ("BEGIN TRANSACTION", Transaction::Begin),
            7 => ("COMMIT", Transaction::Commit),
            8 => ("ROLLBACK", Transaction::Rollback),
            other => anyhow::bail!("a request {other} to the transaction manager"),
        };
        self.record(SqlServerRequest::Transaction, text, Vec::new(), message.packets);
        match self.session.transact(transaction) {
            Ok(()) => {
                self.transaction_changed(transaction);
                tokens::done(self.writer.buffer(), Done::Batch, 0, 0, 0);
            }
            Err(error) => {
                tokens::error(self.writer.buffer(), &error);
                tokens::done(self.writer.buffer(), Done::Batch, tokens::ERROR, 0, 0);
            }
        }
        self.writer.finish(&mut self.stream).await
    }

    /// ENVCHANGE for a transaction that began or ended.
    pub(super) fn transaction_changed(&mut self, transaction: Transaction) {
        let descriptor = u64::from(self.spid).to_le_bytes();
        let out = self.writer.buffer();
        match transaction {
            Transaction::Begin => tokens::environment_bytes(out, change::BEGIN, &descriptor, &[]),
            Transaction::Commit => tokens::environment_bytes(out, change::COMMIT, &[], &descriptor),
            Transaction::Rollback => tokens::environment_bytes(out, change::ROLLBACK, &[], &descriptor),
        }
    }
}
