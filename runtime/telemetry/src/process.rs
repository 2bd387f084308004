//! What the system says of the process, under the names that every Prometheus client uses. Read from proc(5), so it is
//! there on Linux and nowhere else.

use std::fmt::Write;
use std::fs;

use crate::series;

/// What was found; what the system does not say is left out.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<f64>,
    threads: Option<f64>,
    start_time_seconds: Option<f64>,
    open_fds: Option<f64>,
    max_fds: Option<f64>,
}

/// Adds the process's series to the text.
pub fn write(text: &mut String) {
    let facts = read();
    let values = [
        ("process_cpu_seconds_total", facts.cpu_seconds),
        ("process_resident_memory_bytes", facts.resident_bytes),
        ("process_threads", facts.threads),
        ("process_open_fds", facts.open_fds),
        ("process_max_fds", facts.max_fds),
        ("process_start_time_seconds", facts.start_time_seconds),
    ];
    for (name, value) in values {
        let (Some(value), Some(series)) = (value, series::find(name)) else { continue };
        let kind = if series.kind == series::Kind::Counter { "counter" } else { "gauge" };
        // Writing to a text cannot fail.
        let _written =
            write!(text, "# HELP {name} {}\n# TYPE {name} {kind}\n{name} {value}\n\n", series.help);
    }
}

fn read() -> Facts {
    let (Ok(stat), Ok(system)) = (fs::read_to_string("/proc/self/stat"), fs::read_to_string("/proc/stat"))
    else {
        return Facts::default();
    };
    let ticks = rustix::param::clock_ticks_per_second();
    let mut facts = parse(&stat, &system, ticks, rustix::param::page_size());
    facts.open_fds = fs::read_dir("/proc/self/fd").ok().map(|fds| number(fds.count()));
    facts.max_fds = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.map(number);
    facts
}

/// Fields are counted from the end of the command's name, which may hold anything; proc(5) counts them from 1.
fn parse(stat: &str, system: &str, ticks: u64, page: usize) -> Facts {
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace().collect();
    let field = |at: usize| fields.get(at.checked_sub(3)?)?.parse::<u64>().ok();
    let seconds = |ticked: u64| number(ticked) / number(ticks.max(1));
    let booted = system.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<u64>().ok());
    Facts {
        cpu_seconds: field(14).zip(field(15)).map(|(user, system)| seconds(user + system)),
        threads: field(20).map(number),
        start_time_seconds: booted.zip(field(22)).map(|(booted, after)| number(booted) + seconds(after)),
        resident_bytes: field(24).map(|pages| number(pages) * number(page)),
        ..Facts::default()
    }
}

#[allow(clippy::cast_precision_loss, reason = "a value is a float, and 2⁵³ of anything are far away")]
fn number(value: impl TryInto<u64>) -> f64 {
    value.try_into().map_or(f64::NAN, |value| value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_a_bracket_in_its_name_is_read_too() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 9 0 1000 999 300 1844 1";
        let facts = parse(stat, "cpu 1\nbtime 1700000000\n", 100, 4096);
        assert_eq!((facts.cpu_seconds, facts.threads), (Some(2.0), Some(9.0)));
        assert_eq!(
            (facts.start_time_seconds, facts.resident_bytes),
            (Some(1_700_000_010.0), Some(1_228_800.0))
        );
        assert_eq!(parse("nonsense", "", 100, 4096), Facts::default());
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let mut text = String::new();
        write(&mut text);
        let names: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(names.iter().filter(|line| line.starts_with("process_")).count(), 6, "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }
}
