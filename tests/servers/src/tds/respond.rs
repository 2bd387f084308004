//! A batch's response: row by row, as fast as the client reads.

use anyhow::{Result, bail};
use tokio::io::AsyncWriteExt;

use super::connect::of_fault;
use super::encode;
use super::options::SqlServerFault;
use super::session::Connection;
use super::tokens::{self, Done, change};
use crate::tsql::{Batch, Outcome, Rows, SqlError};

/// DONE's code of a SELECT.
const SELECT: u16 = 0xc1;
/// From this severity on an error ends the connection.
const FATAL: u8 = 20;
/// So many rows are made before the client's wishes are looked at.
const ROWS_AT_ONCE: usize = 64;

/// How a statement ended.
enum Ended {
    Well,
    CalledOff,
    Badly(SqlError),
}

impl Connection {
    /// Runs a batch and writes what comes of it.
    pub(super) async fn respond(
        &mut self,
        text: &str,
        batch: std::result::Result<Batch, SqlError>,
        kind: Done,
    ) -> Result<()> {
        let ended = match batch {
            Ok(batch) => self.run(text, batch, kind).await?,
            Err(error) => Ended::Badly(error),
        };
        match ended {
            Ended::Well => {
                if kind == Done::Procedure {
                    tokens::return_status(self.writer.buffer(), 0);
                    tokens::done(self.writer.buffer(), Done::Procedure, 0, 0, 0);
                }
                self.writer.finish(&mut self.stream).await
            }
            Ended::CalledOff => {
                self.shared.records.statement(self.spid, |statement| statement.called_off = true);
                self.answer_attention(Done::Batch).await
            }
            Ended::Badly(error) => {
                self.shared.records.statement(self.spid, |statement| statement.error = Some(error.number));
                tokens::error(self.writer.buffer(), &error);
                tokens::done(self.writer.buffer(), kind, tokens::ERROR, 0, 0);
                self.writer.finish(&mut self.stream).await?;
                if error.class >= FATAL {
                    self.stream.shutdown().await?;
                    bail!("error {} is fatal", error.number);
                }
                Ok(())
            }
        }
    }

    async fn run(&mut self, text: &str, mut batch: Batch, kind: Done) -> Result<Ended> {
        let fault = self.shared.find_fault(|fault| concerns(fault, text).then(|| fault.clone()));
        match &fault {
            Some(SqlServerFault::HangUntilAttention { .. }) => {
                self.signals.wait(self.answered).await;
                return Ok(Ended::CalledOff);
            }
            Some(SqlServerFault::HangForever { .. }) => {
                self.shared.over(self.epoch).await;
                bail!("stopped");
            }
            Some(SqlServerFault::FailStatement { error, .. }) => return Ok(Ended::Badly(of_fault(error))),
            _ => {}
        }
        // A batch's statements end with DONE each, a procedure's with DONEINPROC.
        let each = if kind == Done::Procedure { Done::InProcedure } else { Done::Batch };
        loop {
            let (signals, answered) = (self.signals.clone(), self.answered);
            let (shared, epoch) = (self.shared.clone(), self.epoch);
            // Nor does a statement outlive its server.
            let stop = move || signals.stop(answered) || shared.is_over(epoch);
            let step = tokio::task::block_in_place(|| self.session.step(&mut batch, Box::new(stop)));
            let more = if kind == Done::Procedure || !batch.is_done() { tokens::MORE } else { 0 };
            match step {
                Err(error) if error.is_cancelled() => return Ok(Ended::CalledOff),
                Err(error) => return Ok(Ended::Badly(error)),
                Ok(None) => {
                    // A batch without any statement that says DONE still has to end.
                    if kind == Done::Batch && !batch.said_done() {
                        tokens::done(self.writer.buffer(), Done::Batch, 0, 0, 0);
                    }
                    if matches!(&fault, Some(SqlServerFault::HoldAnswer { .. })) {
                        self.signals.wait(self.answered).await;
                        return Ok(Ended::CalledOff);
                    }
                    return Ok(Ended::Well);
                }
                Ok(Some(Outcome::Nothing)) => continue,
                Ok(Some(Outcome::Done)) => tokens::done(self.writer.buffer(), each, more, 0, 0),
                Ok(Some(Outcome::Count(count))) => {
                    tokens::done(self.writer.buffer(), each, more | tokens::COUNT, 0, count);
                }
                Ok(Some(Outcome::Message(message))) => {
                    tokens::error(self.writer.buffer(), &message);
                    tokens::done(self.writer.buffer(), each, more, 0, 0);
                }
                Ok(Some(Outcome::Transaction(transaction))) => {
                    self.transaction_changed(transaction);
                    tokens::done(self.writer.buffer(), each, more, 0, 0);
                }
                Ok(Some(Outcome::Database { old, new })) => {
                    tokens::environment(self.writer.buffer(), change::DATABASE, &new, &old);
                    tokens::done(self.writer.buffer(), each, more, 0, 0);
                }
                Ok(Some(Outcome::Wait(duration))) => {
                    tokio::select! {
                        () = tokio::time::sleep(duration) => {}
                        () = self.signals.wait(self.answered) => return Ok(Ended::CalledOff),
                    }
                    tokens::done(self.writer.buffer(), each, more, 0, 0);
                }
                Ok(Some(Outcome::Rows(rows))) => match self.rows(rows, fault.as_ref()).await? {
                    (Ended::Well, count) => {
                        let counted = if batch.counts() { tokens::COUNT } else { 0 };
                        tokens::done(self.writer.buffer(), each, more | counted, SELECT, count);
                    }
                    (ended, _) => return Ok(ended),
                },
            }
        }
    }

    /// Sends a result; no more of it is kept than a packet and a few rows.
    async fn rows(&mut self, mut rows: Rows, fault: Option<&SqlServerFault>) -> Result<(Ended, u64)> {
        encode::columns(self.writer.buffer(), rows.columns());
        let mut count = 0;
        loop {
            let made = tokio::task::block_in_place(|| {
                (0..ROWS_AT_ONCE).map_while(|_| rows.next_row().transpose()).collect::<Vec<_>>()
            });
            if made.is_empty() {
                return Ok((Ended::Well, count));
            }
            for row in made {
                match fault {
                    Some(SqlServerFault::CloseAfterRows { rows, .. }) if *rows == count => {
                        self.writer.send_part(&mut self.stream).await?;
                        bail!("closed after {rows} rows, as the test wants");
                    }
                    Some(SqlServerFault::HangAfterRows { rows, .. }) if *rows == count => {
                        self.writer.send_part(&mut self.stream).await?;
                        self.signals.wait(self.answered).await;
                        return Ok((Ended::CalledOff, count));
                    }
                    Some(SqlServerFault::FailAfterRows { rows, error, .. }) if *rows == count => {
                        return Ok((Ended::Badly(of_fault(error)), count));
                    }
                    _ => {}
                }
                match row {
                    Ok(row) => encode::row(self.writer.buffer(), rows.columns(), &row, rows.text_size()),
                    Err(error) if error.is_cancelled() => return Ok((Ended::CalledOff, count)),
                    Err(error) => return Ok((Ended::Badly(error), count)),
                }
                count += 1;
            }
            self.shared.records.statement(self.spid, |statement| statement.rows = count);
            if self.signals.stop(self.answered) {
                return Ok((Ended::CalledOff, count));
            }
            self.writer.send_full(&mut self.stream).await?;
        }
    }
}

/// Whether a fault is about this statement.
fn concerns(fault: &SqlServerFault, text: &str) -> bool {
    match fault {
        SqlServerFault::FailStatement { matching, .. }
        | SqlServerFault::FailAfterRows { matching, .. }
        | SqlServerFault::CloseAfterRows { matching, .. }
        | SqlServerFault::HangAfterRows { matching, .. }
        | SqlServerFault::HoldAnswer { matching }
        | SqlServerFault::HangUntilAttention { matching }
        | SqlServerFault::HangForever { matching } => text.contains(matching.as_str()),
        _ => false,
    }
}
