//! The memory, the processor time and the threads of the process.

use std::fs;

/// The unit of processor time in `/proc`, which is the same on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// The resources that the process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) threads: Option<u64>,
    /// Since the start of the process.
    pub(crate) cpu_seconds: Option<f64>,
}

/// Returns the resources that the process uses, as far as the system reports them.
pub(crate) fn usage() -> Usage {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    parse(&read("/proc/self/status"), &read("/proc/self/stat"))
}

fn parse(status: &str, stat: &str) -> Usage {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let kibibytes = field("VmRSS:").and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok());
    // The name of the process, in parentheses, may have spaces. The eleventh field after the state is the user time.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Usage {
        resident_bytes: kibibytes.map(|kibibytes| kibibytes * 1024),
        threads: field("Threads:").and_then(|text| text.parse().ok()),
        cpu_seconds: ticks(11).zip(ticks(12)).map(|(user, system)| (user + system) / TICKS_PER_SECOND),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_the_files_of_the_system() {
        let status = "Name:\tregistry\nVmRSS:\t   2048 kB\nThreads:\t9\n";
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 5 1 1";

        let found = parse(status, stat);

        assert_eq!(found, Usage { resident_bytes: Some(2 << 20), threads: Some(9), cpu_seconds: Some(3.0) });
        assert_eq!(parse("", ""), Usage::default());
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(usage().resident_bytes.is_some_and(|bytes| bytes > 1 << 20));
    }
}
