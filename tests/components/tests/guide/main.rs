//! The guide to writing a connector, followed word for word: its files written, its commands run, in the order of the page.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod page;

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use page::Step;
use test_servers::{Profile, binaries, free_port};

const GUIDE: &str = include_str!("../../../../docs/writing-a-connector.md");
/// Where the guide's service listens.
const SERVICE: &str = "127.0.0.1:8080";

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[test]
fn its_files_are_those_of_the_component_that_ships() {
    let mut sources = 0;
    for step in page::steps(GUIDE) {
        let Step::File { path, text } = step else { continue };
        if path.starts_with("src/") {
            let shipped = checkout().join("connectors/components/inventory").join(&path);
            let shipped = std::fs::read_to_string(shipped).unwrap();
            let (shipped, _tests) = shipped.split_once("\n#[cfg(test)]").unwrap_or((&shipped, ""));
            assert_eq!(text.trim_end(), shipped.trim_end(), "{path}");
            sources += 1;
        }
    }
    assert_eq!(sources, 4);
}

#[test]
fn whoever_follows_it_word_for_word_has_a_connector_that_passes_the_suite() {
    // A folder with a checkout in it, as far as the guide wants one.
    let folder = tempfile::TempDir::new().unwrap();
    symlink(checkout().join("connectors"), folder.path().join("connectors")).unwrap();
    let runner = binaries(Profile::Dev).unwrap().runner;
    // What was built for this test before is found again; the guide's own folder is `target`.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../guide");
    std::fs::create_dir_all(&target).unwrap();
    let output = Command::new("bash")
        .arg("-c")
        .arg(script(runner.parent().unwrap(), &target.canonicalize().unwrap()))
        .current_dir(folder.path())
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    // The template's, then both targets of the finished one.
    assert_eq!(out.matches("all as the oracle gives them.").count(), 3, "{out}\n{err}");
    for part in ["@acme/bridge-inventory", "asks for:", "✓ stock  query  Inventory 2.1"] {
        assert!(out.contains(part), "{part:?} is not in\n{out}\n{err}");
    }
}

#[test]
fn what_begins_over_a_socket_is_built_inspected_and_tested_as_it_is() {
    // No longer beneath a checkout, so that the SDK is named.
    let folder = tempfile::TempDir::new().unwrap();
    let sdk = checkout().join("connectors/sdk");
    let runner = binaries(Profile::Dev).unwrap().runner;
    // Not the guide's: its example has the same name.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../guide-tcp");
    std::fs::create_dir_all(&target).unwrap();
    let (host, port) = ("127.0.0.1", free_port().unwrap());
    let script = format!(
        "set -euo pipefail\nexport PATH={programs}:$PATH\nserving=\ntrap '[ -z \"$serving\" ] || kill \"$serving\"' EXIT\n\
         semilayer-runner connectors new line-counter --tcp --sdk {sdk}\n\
         cd line-counter\n\
         ln -s {target} target\n\
         cargo test --quiet\n\
         cargo build --quiet --release --target wasm32-wasip2\n\
         cargo build --quiet --example serve\n\
         target/debug/examples/serve {host}:{port} > /dev/null & serving=$!\n\
         for _ in $(seq 600); do (: < /dev/tcp/{host}/{port}) 2>/dev/null && break; sleep 0.05; done\n\
         module=target/wasm32-wasip2/release/line_counter.wasm\n\
         semilayer-runner connectors inspect $module\n\
         semilayer-runner connectors test $module --config host={host} --config port={port}\n",
        programs = runner.parent().unwrap().display(),
        sdk = sdk.display(),
        target = target.canonicalize().unwrap().display(),
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for part in ["@acme/bridge-line-counter", "asks for:", "{host}:{port}", "all as the oracle gives them."] {
        assert!(out.contains(part), "{part:?} is not in\n{out}\n{err}");
    }
}

/// The guide as a program for bash, with the runner's program in this folder.
fn script(programs: &Path, target: &Path) -> String {
    let service = format!("127.0.0.1:{}", free_port().unwrap());
    let mut script = format!(
        "set -euo pipefail\nexport PATH={}:$PATH\nserving=\ntrap '[ -z \"$serving\" ] || kill \"$serving\"' EXIT\n",
        programs.display()
    );
    for step in page::steps(GUIDE) {
        match step {
            Step::File { path, text } => {
                writeln!(script, "cat > {path} <<'END OF THE FILE'\n{text}END OF THE FILE").unwrap();
            }
            Step::Commands(lines) => {
                lines.iter().for_each(|line| {
                    command(&mut script, &line.replace(SERVICE, &service), &service, target)
                });
            }
        }
    }
    script
}

fn command(script: &mut String, line: &str, service: &str, target: &Path) {
    if line.starts_with("rustup ") || line.starts_with("cargo install ") {
        // The test command has done so.
    } else if line == "cargo run --example serve" {
        // In another terminal, and the service before it stopped.
        let (host, port) = service.split_once(':').unwrap();
        writeln!(
            script,
            "[ -z \"$serving\" ] || kill \"$serving\"\n\
             cargo build --quiet --example serve\n\
             target/debug/examples/serve {service} > /dev/null & serving=$!\n\
             for _ in $(seq 600); do (: < /dev/tcp/{host}/{port}) 2>/dev/null && break; sleep 0.05; done"
        )
        .unwrap();
    } else if line.contains(" doctor ") {
        // There is no identity yet, which the guide says too.
        writeln!(script, "{line} || [ $? -eq 2 ]").unwrap();
    } else {
        writeln!(script, "{line}").unwrap();
        if line.starts_with("cd ") {
            writeln!(script, "ln -s {} target", target.display()).unwrap();
        }
    }
}
