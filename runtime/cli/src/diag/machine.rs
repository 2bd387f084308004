//! Which program this is, and what it runs on.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::version;

/// Longer than any line that is looked for.
const MAX_BYTES: u64 = 16 * 1024;

/// Versions, times in UTC, and the machine; nothing that names it or its users.
pub(super) fn about(runner_id: Option<&str>, began: Timestamp) -> Value {
    json!({
        "runnerId": runner_id,
        "version": version::LONG,
        "protocolVersion": runner_protocol::PROTOCOL_VERSION,
        "begunAt": began.to_string(),
        "writtenAt": Timestamp::now().to_string(),
        "system": named("/etc/os-release", "PRETTY_NAME"),
        "kernel": line("/proc/sys/kernel/osrelease"),
        "processors": std::thread::available_parallelism().map(usize::from).ok(),
        "memoryLimit": line("/sys/fs/cgroup/memory.max"),
        "memory": named("/proc/meminfo", "MemTotal"),
        "uptimeSeconds": line("/proc/uptime").and_then(|text| text.split('.').next().map(str::to_owned)),
    })
}

fn read(path: &str) -> Option<String> {
    crate::settings::layers::read_bounded(path.as_ref(), MAX_BYTES).ok().map(|text| text.to_string())
}

fn line(path: &str) -> Option<String> {
    read(path)?.lines().next().map(str::to_owned)
}

/// What stands behind `NAME=` or `NAME:` in a file.
fn named(path: &str, name: &str) -> Option<String> {
    let text = read(path)?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(['=', ':']))?;
    Some(rest.trim().trim_matches('"').to_owned())
}
