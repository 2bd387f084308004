//! Programs are watched and ended as promised.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::Path;
use std::time::Duration;

use test_servers::{Exit, Launch, Origin, Process, Signal};

const LIMIT: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Launch {
    Launch::new("/bin/sh").args(["-c", script]).env("PATH", "/usr/bin:/bin")
}

#[tokio::test]
async fn lines_of_both_pipes_are_kept_apart_and_found() {
    let process = Process::start(
        &shell("echo one; echo two >&2; echo $GIVEN; env | grep -c HOME").env("GIVEN", "three"),
    )
    .unwrap();
    assert_eq!(process.wait_for_line("hre", LIMIT).await.unwrap(), "three");
    // The environment is what was given and nothing else.
    assert_eq!(process.wait(LIMIT).await.unwrap(), Exit::Code(1));
    assert_eq!(process.text(Origin::Stdout), "one\nthree\n0\n");
    assert_eq!(process.text(Origin::Stderr), "two\n");
}

#[tokio::test]
async fn a_line_that_never_comes_is_an_error_that_shows_what_came() {
    let process = Process::start(&shell("echo something else; exit 3")).unwrap();
    let error = process.wait_for_line("expected", LIMIT).await.unwrap_err().to_string();
    assert!(
        error.contains("ended without printing \"expected\"") && error.contains("| something else"),
        "{error}"
    );
    assert_eq!(process.wait(LIMIT).await.unwrap(), Exit::Code(3));

    let process = Process::start(&shell("echo ready; exec sleep 1000")).unwrap();
    let error = process.wait_for_line("expected", Duration::from_millis(50)).await.unwrap_err().to_string();
    assert!(error.contains("did not print \"expected\" within"), "{error}");
}

#[tokio::test]
async fn signals_arrive() {
    let process =
        Process::start(&shell("trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.01; done"))
            .unwrap();
    process.wait_for_line("ready", LIMIT).await.unwrap();
    process.signal(Signal::TERM).unwrap();
    assert_eq!(process.wait(LIMIT).await.unwrap(), Exit::Code(7));
    assert_eq!(process.text(Origin::Stdout), "ready\nasked\n");
    process.signal(Signal::TERM).unwrap_err();
}

#[tokio::test]
async fn kill9_takes_what_the_program_started_with_it() {
    let process = Process::start(&shell("setsid sleep 1000 & echo child $!; wait")).unwrap();
    let line = process.wait_for_line("child", LIMIT).await.unwrap();
    let child = line.strip_prefix("child ").unwrap().to_owned();
    process.kill9().await.unwrap();
    assert_eq!(process.exit(), Some(Exit::Signal(9)));
    let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[tokio::test]
async fn dropping_ends_the_program() {
    let process = Process::start(&shell("echo ready; exec sleep 1000")).unwrap();
    process.wait_for_line("ready", LIMIT).await.unwrap();
    let path = format!("/proc/{}", process.id());
    assert!(Path::new(&path).exists());
    drop(process);
    assert!(!Path::new(&path).exists());
}

#[tokio::test]
async fn what_a_program_uses_is_measured() {
    let script = "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; echo done; kill -STOP $$";
    let process = Process::start(&shell(script)).unwrap();
    process.wait_for_line("done", LIMIT).await.unwrap();
    assert!(process.cpu_time().unwrap() >= Duration::from_millis(10));
    assert!(process.resident_bytes().unwrap() > 100_000);
    assert!(process.peak_resident_bytes().unwrap() >= process.resident_bytes().unwrap() / 2);
    assert!(process.open_files().unwrap() >= 3);
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_said_to() {
    let process = Process::start(&Launch::new("/nonexistent/program")).unwrap();
    assert_eq!(process.wait(LIMIT).await.unwrap(), Exit::Code(127));
    assert!(process.text(Origin::Stderr).contains("/nonexistent/program"));
}

/// The child of a test run that was killed must not live on. The run is played by a shell whose own
/// parent-death signal is the mechanism under test.
#[tokio::test]
async fn a_server_dies_with_the_process_that_started_it() {
    let script = "setpriv --pdeathsig=KILL sh -c 'echo child $$; exec sleep 1000' & wait";
    let process = Process::start(&shell(script)).unwrap();
    let child = process.wait_for_line("child", LIMIT).await.unwrap();
    let child = child.strip_prefix("child ").unwrap().to_owned();
    process.signal(Signal::KILL).unwrap();
    process.wait(LIMIT).await.unwrap();
    let gone = async {
        loop {
            let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.unwrap();
}
