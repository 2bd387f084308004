//! What Linux tells about a process (proc(5)).

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Pid;

/// The value of a `Vm…` line of `/proc/PID/status`, in bytes.
pub(crate) fn memory(pid: Pid, field: &str) -> Result<u64> {
    let path = format!("/proc/{}/status", pid.as_raw_nonzero());
    let status = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let kibibytes: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|value| value.trim().strip_suffix("kB"))
        .with_context(|| format!("{path} has no {field}"))?
        .trim()
        .parse()?;
    Ok(kibibytes * 1024)
}

/// The processor time used so far, in user and kernel mode together.
pub(crate) fn cpu_time(pid: Pid) -> Result<Duration> {
    const USER: usize = 11;
    let fields = stat(pid).context("the process is gone")?;
    let ticks: u64 =
        fields.iter().skip(USER).take(2).map(|field| field.parse::<u64>()).sum::<Result<u64, _>>()?;
    // A tick is 1/CLK_TCK s, and CLK_TCK divides a second (it is 100 everywhere but in theory).
    let nanoseconds_a_tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
    Ok(Duration::from_nanos(ticks * nanoseconds_a_tick))
}

/// The number of open file descriptors.
pub(crate) fn open_files(pid: Pid) -> Result<usize> {
    let path = format!("/proc/{}/fd", pid.as_raw_nonzero());
    Ok(std::fs::read_dir(&path).with_context(|| format!("reading {path}"))?.count())
}

/// Every process below this one, children before grandchildren.
pub(crate) fn descendants(root: Pid) -> Vec<Pid> {
    let processes: Vec<(Pid, Pid)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut found = Vec::new();
    let mut parents = vec![root];
    while !parents.is_empty() {
        parents =
            processes.iter().filter(|(_, parent)| parents.contains(parent)).map(|(pid, _)| *pid).collect();
        found.extend(&parents);
    }
    found
}

/// Whether the process runs: one that has ended and waits to be reaped does not.
pub(crate) fn is_running(pid: Pid) -> bool {
    stat(pid).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z" && state != "X"))
}

fn parent(pid: Pid) -> Option<Pid> {
    stat(pid)?.get(1)?.parse().ok().and_then(Pid::from_raw)
}

/// The fields of `/proc/PID/stat` from the state on; the name before it may hold blanks and parentheses.
fn stat(pid: Pid) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(ToOwned::to_owned).collect())
}
