//! What the log says of jobs: the published tokens, and nothing that a database or a configuration said.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use fake::{engine, job, local, managed, submit};
use runner_engine::Limits;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Lines;

    fn make_writer(&'w self) -> Lines {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_are_logged_with_their_tokens_and_without_data_or_credentials() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let (engine, _) = engine(Limits::default());
    let managed = || managed("held", r#"{"url":"fake://user:hunter2@db"}"#);
    submit(&engine, job("3f2a9c1e-aaaa", managed(), "rows:2")).await.unwrap();
    submit(&engine, job("4f2a9c1e-bbbb", local("main"), "fail")).await.unwrap();
    let incident = submit(&engine, job("5f2a9c1e-cccc", local("main"), "panic")).await.unwrap();

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line = |token: &str| {
        text.lines().find(|line| line.contains(token)).unwrap_or_else(|| panic!("{token}\n{text}"))
    };
    assert!(line("← job 3f2a9c1e").contains("held"));
    let done = line("→ done 3f2a9c1e");
    assert!(["rows=2", "bytes=", "ms=", "kind=\"query\""].iter().all(|field| done.contains(field)), "{done}");
    assert!(line("→ error 4f2a9c1e").contains("SOURCE_QUERY_FAILED"));
    assert!(line("→ error 5f2a9c1e").contains(incident.detail("incident").unwrap()));
    for secret in ["hunter2", "secret value", "aaaa", "a bug in the driver"] {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }
}
