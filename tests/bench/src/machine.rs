//! What the figures were measured on.

use serde::Serialize;

/// A machine, as far as it explains a figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// The processor's name.
    pub(crate) processor: String,
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// Memory, in MiB.
    pub(crate) memory_mib: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// The database server's version.
    pub(crate) server: String,
}

impl Machine {
    /// Reads it from /proc.
    pub(crate) fn read(server: String) -> Self {
        let field = |file: &str, name: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        let memory = field("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        Machine {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            memory_mib: memory.unwrap_or(0) / 1024,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            server,
        }
    }
}

/// How many processes ran or wanted to in the last minute, on average (proc(5), loadavg). What this program itself
/// starts is part of it.
pub(crate) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

/// The share of all cores' time (0 to 1) that was used by anyone between two readings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Busy {
    used: u64,
    stolen: u64,
    all: u64,
}

impl Busy {
    /// The counters since the machine started (proc(5), stat), in ticks.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|tick| tick.parse().ok()).collect();
        let at = |position: usize| ticks.get(position).copied().unwrap_or(0);
        // user nice system idle iowait irq softirq steal; guest time is in user already.
        let all = (0..8).map(at).sum::<u64>();
        Busy { used: all - at(3) - at(4), stolen: at(7), all }
    }

    /// Time used by anyone, and time that the hypervisor gave to others, as shares.
    pub(crate) fn since(self, before: Busy) -> (f64, f64) {
        let all = (self.all - before.all).max(1) as f64;
        ((self.used - before.used) as f64 / all, (self.stolen - before.stolen) as f64 / all)
    }
}
