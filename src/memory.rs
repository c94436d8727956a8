//! The memory that the process may use: that of the machine, or less in a control group.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::warn;

const GROUPS: &str = "/sys/fs/cgroup";
const OWN_GROUPS: &str = "/proc/self/cgroup";
const MACHINE: &str = "/proc/meminfo";

/// Returns the maximum memory of the process, in bytes: the lowest limit of its control groups, at most the memory of
/// the machine. `None` if the system reports neither. A change since the last call is logged, because nothing else
/// reports it.
pub(crate) fn limit() -> Option<u64> {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let bytes = lowest(machine_bytes(&read(MACHINE)), &read(OWN_GROUPS), |path| {
        fs::read_to_string(Path::new(GROUPS).join(path)).ok()
    })?;
    let previous_bytes = LAST.swap(bytes, Ordering::Relaxed);
    if previous_bytes != 0 && previous_bytes != bytes {
        warn!(bytes, previous_bytes, "memory limit changed");
    }
    Some(bytes)
}

/// Returns the limit at the first call, which is at the start of the service.
pub(crate) fn limit_at_start() -> Option<u64> {
    static FIRST: OnceLock<Option<u64>> = OnceLock::new();
    *FIRST.get_or_init(limit)
}

/// Returns the lowest of the machine's memory and the limits of the groups, each read by its path below [`GROUPS`].
fn lowest(machine: Option<u64>, own_groups: &str, read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let groups = limit_files(own_groups).into_iter().filter_map(|path| read(&path)?.trim().parse().ok());
    groups.chain(machine).min()
}

/// Returns the files with the limits of the groups and of all groups above. A container without a namespace of its own
/// sees the path of its group on the machine, but only its own group in the folder, so that the folder itself counts
/// too.
fn limit_files(own_groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in own_groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (folder, file) = match controllers {
            "" => ("", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => ("memory/", "memory.limit_in_bytes"),
            _ => continue,
        };
        for group in Path::new(path.trim_matches('/')).ancestors() {
            files.push(format!("{folder}{}", group.join(file).display()));
        }
    }
    files
}

fn machine_bytes(text: &str) -> Option<u64> {
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIBIBYTE: u64 = 1 << 30;

    #[test]
    fn the_lowest_limit_of_all_groups_above_applies() {
        let limits = [("a/b/memory.max", "max\n"), ("a/memory.max", "402653184\n"), ("memory.max", "805306368\n")];
        let read = |path: &str| Some(limits.iter().find(|(name, _)| *name == path)?.1.to_owned());

        assert_eq!(lowest(Some(GIBIBYTE), "0::/a/b\n", read), Some(402_653_184));
        assert_eq!(lowest(Some(GIBIBYTE), "0::/\n", read), Some(805_306_368));
    }

    #[test]
    fn groups_of_version_1_have_a_folder_for_memory() {
        let groups = "5:cpu,cpuacct:/docker/c1\n3:memory:/docker/c1\n0::/\n";
        let read = |path: &str| (path == "memory/memory.limit_in_bytes").then(|| "402653184\n".to_owned());

        assert_eq!(lowest(Some(GIBIBYTE), groups, read), Some(402_653_184));
    }

    #[test]
    fn without_a_limit_the_memory_of_the_machine_counts() {
        let unlimited = |_: &str| Some("9223372036854771712\n".to_owned());
        let machine = machine_bytes("MemFree:  1 kB\nMemTotal:    1048576 kB\n");

        assert_eq!(machine, Some(GIBIBYTE));
        assert_eq!(lowest(machine, "3:memory:/\n", unlimited), machine);
        assert_eq!(lowest(machine, "", |_| None), machine);
        assert_eq!(lowest(None, "", |_| None), None);
    }

    #[test]
    fn this_machine_reports_a_limit() {
        assert!(limit().is_some_and(|bytes| bytes > 1 << 20));
    }
}
