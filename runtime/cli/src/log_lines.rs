//! Lines on their way to standard output.
//!
//! A job logs two of them, and a write each would cost it more than its database call. So lines are gathered for a few
//! milliseconds and written by a thread of their own. Warnings and errors do not wait. A reader of standard output that
//! is stuck stops nothing: beyond a bound lines are counted instead of kept.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others.
const GATHER: Duration = Duration::from_millis(10);
/// How much waits at most for a slow reader.
const WAITING_BYTES: usize = 4 * 1024 * 1024;
/// How long the last lines may take when the program ends.
const LAST_LINES: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lost: u64,
    urgent: bool,
    closed: bool,
    finished: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes lines.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

/// Writes what waits when it is dropped.
#[must_use = "lines are written until this is dropped"]
pub struct LinesGuard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread that writes to `out`.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn lines(out: impl Write + Send + 'static) -> io::Result<(Lines, LinesGuard)> {
    let shared = Arc::new(Shared::default());
    let writing = Arc::clone(&shared);
    let thread =
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&writing, out))?;
    Ok((Lines(Arc::clone(&shared)), LinesGuard { shared, thread: Some(thread) }))
}

fn write_all(shared: &Shared, mut out: impl Write) {
    let mut batch = Vec::new();
    loop {
        let lost;
        {
            let idle = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.closed;
            let waiting =
                shared.changed.wait_while(shared.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            let gathering = |waiting: &mut Waiting| !waiting.urgent && !waiting.closed;
            let gathered = shared.changed.wait_timeout_while(waiting, GATHER, gathering);
            let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            if waiting.bytes.is_empty() && waiting.closed {
                waiting.finished = true;
                shared.changed.notify_all();
                return;
            }
            mem::swap(&mut waiting.bytes, &mut batch);
            lost = mem::take(&mut waiting.lost);
            waiting.urgent = false;
        }
        // With standard output gone there is nobody left to tell.
        let _told = out.write_all(&batch);
        if lost > 0 {
            metrics::counter!("semilayer_log_lines_lost_total").increment(lost);
            let _told = writeln!(out, "{lost} log lines were lost: their reader was too slow");
        }
        let _told = out.flush();
        batch.clear();
    }
}

impl Drop for LinesGuard {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let unfinished = |waiting: &mut Waiting| !waiting.finished;
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), LAST_LINES, unfinished);
        let finished = waited.is_ok_and(|(waiting, _)| waiting.finished);
        // A thread that is stuck in a write is left behind with the process.
        if let (true, Some(thread)) = (finished, self.thread.take()) {
            let _ended = thread.join();
        }
    }
}

/// Takes one line.
pub(crate) struct Line<'l> {
    shared: &'l Shared,
    urgent: bool,
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { shared: &self.0, urgent: false }
    }

    fn make_writer_for(&'l self, meta: &Metadata<'_>) -> Line<'l> {
        Line { shared: &self.0, urgent: *meta.level() <= Level::WARN }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.shared.lock();
        if waiting.bytes.len() + line.len() > WAITING_BYTES {
            waiting.lost += 1;
            return Ok(line.len());
        }
        // The thread sleeps while nothing waits; later lines find it awake.
        let wake = waiting.bytes.is_empty() || (self.urgent && !waiting.urgent);
        waiting.bytes.extend_from_slice(line);
        waiting.urgent |= self.urgent;
        drop(waiting);
        if wake {
            self.shared.changed.notify_all();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Passes each write on, and then waits to be let on.
    struct Pipe(mpsc::Sender<Vec<u8>>, mpsc::Receiver<()>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            let _ = self.1.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_gathered_in_order_and_the_last_are_written_at_the_end() {
        let (sent, written) = mpsc::channel();
        let (go, gate) = mpsc::channel();
        let (lines, guard) = lines(Pipe(sent, gate)).unwrap();
        for n in 0..1_000 {
            lines.make_writer().write_all(format!("{n}\n").as_bytes()).unwrap();
        }
        (0..1_000).for_each(|_| go.send(()).unwrap());
        drop(guard);
        let all: Vec<Vec<u8>> = written.try_iter().collect();
        assert!(all.len() < 100, "{} writes", all.len());
        let expected: String = (0..1_000).map(|n| format!("{n}\n")).collect();
        assert_eq!(String::from_utf8(all.concat()).unwrap(), expected);
    }

    #[test]
    fn a_stuck_reader_stops_nobody_and_what_was_lost_is_said() {
        let (sent, written) = mpsc::channel();
        let (go, gate) = mpsc::channel();
        let (lines, guard) = lines(Pipe(sent, gate)).unwrap();
        let mebibyte = vec![b'x'; 1024 * 1024];
        for _ in 0..20 {
            lines.make_writer().write_all(&mebibyte).unwrap();
        }
        (0..1_000).for_each(|_| go.send(()).unwrap());
        drop(guard);
        let all = String::from_utf8(written.try_iter().collect::<Vec<_>>().concat()).unwrap();
        assert!(all.contains("log lines were lost"), "{} bytes", all.len());
    }
}
