//! Files, environment, arguments: what of the runner's machine shows in here.

use std::fs;

/// Places that say something about a machine, its user or its secrets.
const PLACES: [&str; 9] =
    ["/", ".", "/etc/passwd", "/proc/self/environ", "/run/secrets", "/connectors", "..", "/tmp", "/dev/null"];

/// Whatever can be read, written or listed.
pub fn files() -> (&'static str, String) {
    let mut seen = Vec::new();
    for place in PLACES {
        if fs::read_dir(place).is_ok() {
            seen.push(format!("listed {place}"));
        }
        if fs::read(place).is_ok() {
            seen.push(format!("read {place}"));
        }
        if fs::metadata(place).is_ok() {
            seen.push(format!("found {place}"));
        }
    }
    if fs::write("/tmp/from-a-module", "x").is_ok() || fs::write("from-a-module", "x").is_ok() {
        seen.push("wrote".to_owned());
    }
    if fs::create_dir("from-a-module").is_ok() {
        seen.push("made a folder".to_owned());
    }
    outcome(seen)
}

/// Variables, arguments, the working directory, standard input.
pub fn environment() -> (&'static str, String) {
    let mut seen: Vec<String> = std::env::vars().map(|(name, _)| format!("variable {name}")).collect();
    seen.extend(std::env::args().map(|argument| format!("argument {argument}")));
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line).is_ok_and(|read| read > 0) {
        seen.push("standard input".to_owned());
    }
    outcome(seen)
}

fn outcome(seen: Vec<String>) -> (&'static str, String) {
    if seen.is_empty() { ("nothing", String::new()) } else { ("saw", seen.join("; ")) }
}
