//! Lines as they arrive in the log.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span;

use super::*;

/// Remembers every event as `LEVEL name=value …`.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

struct Row(String);

impl Visit for Row {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl tracing::Subscriber for Seen {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "semilayer::connector"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut row = Row(event.metadata().level().to_string());
        event.record(&mut row);
        self.0.lock().unwrap().push(row.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn seen(write: impl FnOnce(&Log)) -> Vec<String> {
    let seen = Seen::default();
    tracing::subscriber::with_default(seen.clone(), || {
        write(&Log::new(Voice::new("acme"), Secrets::default()))
    });
    seen.0.lock().unwrap().clone()
}

#[test]
fn a_line_has_its_level_its_connector_and_its_fields() {
    let fields = [("a".to_owned(), "1".to_owned()), ("b\n".to_owned(), "\u{1b}[2J".to_owned())];
    let rows = seen(|log| {
        log.emit(Level::Debug, "one", &[]);
        log.emit(Level::Error, "two\nINFO forged", &fields);
    });
    assert_eq!(rows[0], "DEBUG message=one connector=\"acme\"");
    assert_eq!(
        rows[1],
        "ERROR message=two\\nINFO forged connector=\"acme\" fields=\"a=1 b\\\\n=\\\\u{1b}[2J\""
    );
}

#[test]
fn a_flood_is_cut_and_the_rest_is_counted_at_the_end() {
    let rows = seen(|log| (0..1_000).for_each(|n| log.emit(Level::Info, &n.to_string(), &[])));
    assert_eq!(rows.len(), 21);
    assert!(rows[20].starts_with("WARN ") && rows[20].contains("left_out=980"), "{}", rows[20]);
}

#[tokio::test(start_paused = true)]
async fn instances_of_a_module_share_what_it_may_say() {
    let seen = Seen::default();
    tracing::subscriber::with_default(seen.clone(), || {
        let voice = Voice::new("acme");
        for _ in 0..50 {
            // One after the other, as sessions that are opened again and again.
            let log = Log::new(voice.clone(), Secrets::default());
            (0..40).for_each(|n| log.emit(Level::Info, &n.to_string(), &[]));
        }
    });
    let rows = seen.0.lock().unwrap();
    // Twenty lines, the first count of those left out, and at the end of the module the last.
    assert_eq!(rows.len(), 22, "{rows:?}");
    let counts = rows.iter().filter_map(|row| row.split_once("left_out=")).map(|(_, count)| count);
    let counted: u64 = counts.map(|count| count.split(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(counted, 50 * 40 - 20);
}

#[test]
fn a_secret_in_an_endless_line_is_shown_in_no_part() {
    let seen = Seen::default();
    let log = Log::new(Voice::new("acme"), Secrets::these(&["hunter2"]));
    tracing::subscriber::with_default(seen.clone(), || {
        let err = log.stderr();
        for before in 8 * 1024 - 8..8 * 1024 + 2 {
            err.take("x".repeat(before).as_bytes());
            err.take(b"hun");
            err.take(b"ter2 and more");
        }
        err.take(b"\n");
    });
    let rows = seen.0.lock().unwrap().join("\n");
    assert!(!rows.contains('h') && !rows.contains("ter2"), "{rows}");
}

#[test]
fn long_lines_and_many_fields_are_cut() {
    let fields: Vec<(String, String)> = (0..100).map(|n| (n.to_string(), "v".repeat(10_000))).collect();
    let rows = seen(|log| log.emit(Level::Info, &"x".repeat(1_000_000), &fields));
    assert!(rows[0].len() < 12_000, "{}", rows[0].len());
    assert!(rows[0].contains("15=v") && !rows[0].contains("16=v"));
}

#[test]
fn standard_output_is_lines_of_the_log() {
    let rows = seen(|log| {
        let (out, err) = (log.stdout(), log.stderr());
        out.take(b"one\n\ntw");
        err.take(b"bad\n");
        // Another handle continues the same line.
        let again = out.clone();
        again.take(b"o\nunend");
        out.take(b"ed");
    });
    assert_eq!(
        rows,
        [
            "INFO message=one connector=\"acme\"",
            "WARN message=bad connector=\"acme\"",
            "INFO message=two connector=\"acme\"",
            "INFO message=unended connector=\"acme\"",
        ]
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let seen = Seen::default();
    let log = Log::new(Voice::new("acme"), Secrets::these(&["hunter2"]));
    tracing::subscriber::with_default(seen.clone(), || {
        log.emit(Level::Info, "PASS hunter2", &[("hunter2".to_owned(), "is hunter2".to_owned())]);
        log.stderr().take(b"panicked: hunter2\n");
    });
    let rows = seen.0.lock().unwrap().join("\n");
    assert!(!rows.contains("hunter2") && rows.matches("***").count() == 4, "{rows}");
    assert_eq!(log.last_words().unwrap(), "panicked: ***");
    assert_eq!(log.shown("hunter2\u{1b}", 99), "***\\u{1b}");
    // What is cut off does not uncover the rest.
    let long = "x".repeat(1_998) + "hunter2";
    assert_eq!(log.shown(&long, 2_000), "x".repeat(1_998) + "**…");
    assert!(log.shown(&"é".repeat(1_000_000), 2_000).chars().count() == 2_001);
}

#[test]
fn a_panic_is_remembered() {
    let log = Log::new(Voice::new("acme"), Secrets::default());
    assert_eq!(log.last_words(), None);
    let err = log.stderr();
    (0..50).for_each(|n| err.take(format!("noise {n}\n").as_bytes()));
    err.take(
        b"\nthread '<unnamed>' panicked at src/lib.rs:10:5:\nboom \x1b[31m\n\
          note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
    );
    assert_eq!(
        log.last_words().unwrap(),
        "noise 48; noise 49; thread '<unnamed>' panicked at src/lib.rs:10:5:; boom \\u{1b}[31m"
    );
}
