//! What the process takes of the machine's memory.

/// Resident memory in MiB, rounded up; `None` where the system does not say (proc(5), `VmRSS`).
pub(super) fn resident_mib() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_in_mib() {
        assert_eq!(parse("Name:\tx\nVmRSS:\t   10241 kB\nThreads:\t1\n"), Some(11));
        assert_eq!(parse("Name:\tx\n"), None);
    }
}
