//! The row sink: rows go in one by one, chunks come out by size and by time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use connector_model::column_rules::ColumnRules;
use connector_model::error::Result;
use connector_model::json::{Envelope, MAX_ROW_BYTES, RowBuffer, RowWriter};
use connector_model::target::Column;
use tokio::time::Instant;

/// Where chunks go. What a chunk looks like around its rows is the receiver's business.
#[async_trait]
pub trait Chunks: Send {
    /// The bytes before and after the rows of every chunk.
    fn envelope(&self) -> Envelope;

    /// Sends one chunk, envelope included; waits until the receiver has room for it.
    ///
    /// # Errors
    /// `CANCELLED` or `QUERY_TIMEOUT` when the wait ended without it.
    async fn send(&mut self, chunk: Vec<u8>) -> Result<()>;

    /// Sends one chunk of so many rows: for a receiver that counts them.
    ///
    /// # Errors
    /// As [`Chunks::send`].
    async fn send_rows(&mut self, chunk: Vec<u8>, rows: u32) -> Result<()> {
        let _ = rows;
        self.send(chunk).await
    }
}

/// When a chunk is sent, and how large a row may be.
#[derive(Debug, Clone, Copy)]
pub struct SinkLimits {
    /// A chunk is sent when it has this many bytes.
    pub chunk_bytes: usize,
    /// A chunk is sent when its first row is this old.
    pub chunk_age: Duration,
    /// A row with more bytes of JSON than this fails its job.
    pub row_bytes: usize,
}

impl Default for SinkLimits {
    /// 64 KiB, 20 ms, and rows of up to [`MAX_ROW_BYTES`].
    fn default() -> Self {
        SinkLimits { chunk_bytes: 64 * 1024, chunk_age: Duration::from_millis(20), row_bytes: MAX_ROW_BYTES }
    }
}

/// Takes a job's rows. A driver calls [`RowSink::columns`] once, then [`RowSink::row`] and [`RowSink::flush_if_full`]
/// for each row, and waits for more rows only through [`RowSink::wait`].
pub struct RowSink<'a> {
    chunks: &'a mut dyn Chunks,
    buffer: RowBuffer,
    limits: SinkLimits,
    /// When the first row of the unsent chunk has to be on its way.
    due: Option<Instant>,
    rows: u64,
    bytes: u64,
}

impl<'a> RowSink<'a> {
    /// A sink that sends to `chunks`.
    pub fn new(chunks: &'a mut dyn Chunks, limits: SinkLimits) -> Self {
        let buffer = RowBuffer::new(chunks.envelope(), limits.chunk_bytes, limits.row_bytes);
        RowSink { chunks, buffer, limits, due: None, rows: 0, bytes: 0 }
    }

    /// Lets these rules act on every row, written or spliced. Set before the first row; for sinks that take rows only:
    /// the groups of an aggregate and the entries of a catalogue are objects of another kind, whose keys are no columns.
    #[must_use]
    pub fn with_rules(mut self, rules: Arc<ColumnRules>) -> Self {
        self.buffer.rules(rules);
        self
    }

    /// Sets the columns of the rows that follow.
    pub fn columns<'c>(&mut self, columns: impl IntoIterator<Item = &'c Column>) {
        self.buffer.columns(columns.into_iter().map(|column| column.name.as_str()));
    }

    /// Writes one row; see [`RowBuffer::row`].
    ///
    /// # Errors
    /// What `write` returns, `RESULT_TOO_LARGE`, `INTERNAL`.
    pub fn row<R>(&mut self, write: impl FnOnce(&mut RowWriter<'_>) -> Result<R>) -> Result<R> {
        let written = self.buffer.row(write)?;
        self.rows += 1;
        Ok(written)
    }

    /// Adds rows that are JSON objects already, separated by commas; see [`RowBuffer::splice`].
    ///
    /// # Errors
    /// `INTERNAL` when there are rules for columns and the text is not that many objects.
    pub fn splice(&mut self, rows: u32, objects: &[u8]) -> Result<()> {
        self.buffer.splice(rows, objects)?;
        self.rows += u64::from(rows);
        Ok(())
    }

    /// Sends the chunk if it is full, and lets other jobs have their turn; whether it was.
    ///
    /// # Errors
    /// As [`Chunks::send`].
    pub async fn flush_if_full(&mut self) -> Result<bool> {
        let full = self.buffer.is_full();
        if full {
            self.flush().await?;
            tokio::task::consume_budget().await;
        }
        Ok(full)
    }

    /// Sends what waits, if anything does.
    ///
    /// # Errors
    /// As [`Chunks::send`].
    pub async fn flush(&mut self) -> Result<()> {
        self.due = None;
        if self.buffer.rows() == 0 {
            return Ok(());
        }
        let (chunk, rows) = self.buffer.take();
        self.bytes += chunk.len() as u64;
        self.chunks.send_rows(chunk, rows).await
    }

    /// Waits for `future`, typically the next row. If it takes longer than a started chunk may wait, the chunk is
    /// sent meanwhile.
    ///
    /// # Errors
    /// As [`Chunks::send`].
    pub async fn wait<F: Future>(&mut self, future: F) -> Result<F::Output> {
        let mut future = pin!(future);
        // Most rows are there already: no timer for those.
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Ok(output);
        }
        if self.buffer.rows() > 0 {
            let due = *self.due.get_or_insert_with(|| Instant::now() + self.limits.chunk_age);
            tokio::select! {
                biased;
                output = &mut future => return Ok(output),
                () = tokio::time::sleep_until(due) => self.flush().await?,
            }
        }
        Ok(future.await)
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many bytes were sent, envelopes included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::column_rules::ColumnRule;
    use connector_model::error::ErrorCode;
    use connector_model::json;
    use connector_model::target::LogicalType;

    #[derive(Default)]
    struct Sent(Vec<(Duration, String)>);

    struct Recorder {
        start: Instant,
        sent: Sent,
    }

    #[async_trait]
    impl Chunks for Recorder {
        fn envelope(&self) -> Envelope {
            Envelope { prefix: b"<".to_vec(), suffix: b">".to_vec() }
        }

        async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
            self.sent.0.push((self.start.elapsed(), String::from_utf8(chunk).unwrap()));
            Ok(())
        }
    }

    fn put(sink: &mut RowSink<'_>, id: i64) {
        sink.row(|row| {
            json::integer(row.cell()?, id);
            Ok(())
        })
        .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_started_chunk_is_sent_when_it_is_old_and_the_next_row_still_comes() {
        let mut recorder = Recorder { start: Instant::now(), sent: Sent::default() };
        let mut sink = RowSink::new(&mut recorder, SinkLimits::default());
        sink.columns([&Column { name: "id".into(), logical_type: LogicalType::Integer }]);
        put(&mut sink, 1);
        let next = sink.wait(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            2
        });
        let next = next.await.unwrap();
        put(&mut sink, next);
        sink.flush().await.unwrap();
        assert_eq!(sink.rows(), 2);
        let texts: Vec<_> =
            recorder.sent.0.iter().map(|(at, text)| (at.as_millis(), text.as_str())).collect();
        assert_eq!(texts, [(20, "<{\"id\":1}>"), (5_000, "<{\"id\":2}>")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_chunk_is_sent_by_size_and_an_empty_one_never() {
        let mut recorder = Recorder { start: Instant::now(), sent: Sent::default() };
        let limits = SinkLimits { chunk_bytes: 32, ..SinkLimits::default() };
        let mut sink = RowSink::new(&mut recorder, limits);
        sink.columns([&Column { name: "id".into(), logical_type: LogicalType::Integer }]);
        for id in 0..10 {
            put(&mut sink, id);
            sink.flush_if_full().await.unwrap();
        }
        sink.flush().await.unwrap();
        sink.flush().await.unwrap();
        assert_eq!(recorder.sent.0.len(), 3);
        assert!(recorder.sent.0.iter().all(|(_, text)| text.len() < 64));
    }

    #[tokio::test(start_paused = true)]
    async fn rules_act_on_rows_that_are_written_and_on_rows_that_come_whole() {
        let mut recorder = Recorder { start: Instant::now(), sent: Sent::default() };
        let rules = Arc::new(ColumnRules::new([("ID", ColumnRule::Redact)]));
        let mut sink = RowSink::new(&mut recorder, SinkLimits::default()).with_rules(rules);
        sink.columns([&Column { name: "id".into(), logical_type: LogicalType::Integer }]);
        put(&mut sink, 1);
        sink.splice(1, br#"{"id":2,"n":3}"#).unwrap();
        assert_eq!(sink.splice(1, b"[2]").unwrap_err().code(), ErrorCode::Internal);
        sink.flush().await.unwrap();
        assert_eq!(sink.rows(), 2);
        let texts: Vec<_> = recorder.sent.0.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, [r#"<{"id":"***"},{"id":"***","n":3}>"#]);
    }
}
