//! A control group with a limit of CPU time and, if requested, of memory.
//!
//! Requires root and Linux, with control groups v1 in `/sys/fs/cgroup/{cpu,memory}` or v2 in `/sys/fs/cgroup`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

use anyhow::Context;

const ROOT: &str = "/sys/fs/cgroup";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    /// Number of processors; it can be a fraction.
    pub(crate) processors: f64,
    /// Length of the period of the CPU quota, in µs. A group that has used up its quota is suspended for the rest of
    /// the period.
    pub(crate) period_us: u32,
    pub(crate) memory_mb: Option<u64>,
}

/// The default of the kernel and of Docker.
pub(crate) const USUAL_PERIOD_US: u32 = 100_000;

/// A control group, which is removed when dropped. No process may run in it then.
pub(crate) struct Group {
    folders: Vec<PathBuf>,
}

type Setting = (PathBuf, String);

impl Group {
    pub(crate) fn make(share: Share) -> anyhow::Result<Self> {
        let root = Path::new(ROOT);
        let is_v2 = root.join("cgroup.controllers").exists();
        if is_v2 {
            // The kernel may reject this if the controllers are enabled already. If they are not available, writing the
            // limits fails.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu +memory");
        }
        let (folders, settings) = layout(root, &format!("registry-compare-{}", process::id()), is_v2, share);
        let mut group = Self { folders: Vec::new() };
        for folder in folders {
            fs::create_dir(&folder)
                .with_context(|| format!("failed to create the control group {}", folder.display()))?;
            group.folders.push(folder);
        }
        for (file, value) in settings {
            fs::write(&file, &value).with_context(|| format!("failed to write {value} to {}", file.display()))?;
        }
        Ok(group)
    }

    /// Returns a command that enters the group before it runs the given command, so that the program detects the
    /// group's number of processors at its start.
    pub(crate) fn enter(&self, command: &Command) -> Command {
        const SCRIPT: &str =
            r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@""#;
        let mut inside = Command::new("sh");
        inside.args(["-c", SCRIPT, "sh"]).args(&self.folders).arg("--");
        inside.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Returns the number of processes that the kernel killed because the group had no memory left.
    pub(crate) fn oom_kills(&self) -> anyhow::Result<u64> {
        let text = self.read(["memory.events", "memory.oom_control"])?;
        parse_oom_kills(&text).context("the control group does not count killed processes")
    }

    /// Returns the peak of all memory of the group in MB of 2^20 bytes. It includes the page cache of files that were
    /// read and written, which the kernel reclaims when the limit is reached.
    pub(crate) fn memory_mb_max(&self) -> anyhow::Result<f64> {
        let text = self.read(["memory.peak", "memory.max_usage_in_bytes"])?;
        let bytes: f64 = text.trim().parse().context("failed to parse the peak memory of the control group")?;
        Ok(bytes / f64::from(1 << 20))
    }

    /// Reads a file of the group. It has another name in each version of control groups.
    fn read(&self, names: [&str; 2]) -> anyhow::Result<String> {
        let mut files = self.folders.iter().flat_map(|folder| names.map(|name| folder.join(name)));
        let file =
            files.find(|file| file.exists()).with_context(|| format!("{} does not exist", names.join(" or ")))?;
        fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))
    }
}

fn parse_oom_kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The last process may still be exiting.
            for _ in 0..100 {
                if fs::remove_dir(folder).is_ok() {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Returns the folders of a group and the settings of its files. Version 1 has a folder for each controller.
fn layout(root: &Path, name: &str, is_v2: bool, share: Share) -> (Vec<PathBuf>, Vec<Setting>) {
    let Share { processors, period_us, memory_mb } = share;
    let quota_us = (processors * f64::from(period_us)).round();
    let [cpu, memory] =
        ["cpu", "memory"].map(|controller| if is_v2 { root.join(name) } else { root.join(controller).join(name) });
    let mut settings = if is_v2 {
        vec![(cpu.join("cpu.max"), format!("{quota_us} {period_us}"))]
    } else {
        let quota = (cpu.join("cpu.cfs_quota_us"), quota_us.to_string());
        vec![(cpu.join("cpu.cfs_period_us"), period_us.to_string()), quota]
    };
    let mut folders = vec![cpu];
    if let Some(megabytes) = memory_mb {
        let file = memory.join(if is_v2 { "memory.max" } else { "memory.limit_in_bytes" });
        settings.push((file, (megabytes << 20).to_string()));
        folders.push(memory);
        folders.dedup();
    }
    (folders, settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Share = Share { processors: 0.75, period_us: USUAL_PERIOD_US, memory_mb: Some(384) };

    fn shown(is_v2: bool, share: Share) -> (Vec<String>, Vec<String>) {
        let (folders, settings) = layout(Path::new("/c"), "x", is_v2, share);
        let settings = settings.iter().map(|(file, value)| format!("{} {value}", file.display())).collect();
        (folders.iter().map(|folder| folder.display().to_string()).collect(), settings)
    }

    #[test]
    fn the_first_version_has_a_folder_for_each_controller() {
        let (folders, settings) = shown(false, BOX);

        assert_eq!(folders, ["/c/cpu/x", "/c/memory/x"]);
        assert_eq!(
            settings,
            [
                "/c/cpu/x/cpu.cfs_period_us 100000",
                "/c/cpu/x/cpu.cfs_quota_us 75000",
                "/c/memory/x/memory.limit_in_bytes 402653184"
            ]
        );
        assert_eq!(shown(false, Share { memory_mb: None, ..BOX }).0, ["/c/cpu/x"]);
    }

    #[test]
    fn the_second_version_has_one_folder() {
        let (folders, settings) = shown(true, BOX);

        assert_eq!(folders, ["/c/x"]);
        assert_eq!(settings, ["/c/x/cpu.max 75000 100000", "/c/x/memory.max 402653184"]);
        let finer = Share { period_us: 10_000, memory_mb: None, ..BOX };
        assert_eq!(shown(true, finer).1, ["/c/x/cpu.max 7500 10000"]);
    }

    #[test]
    fn killed_processes_are_counted_in_both_versions() {
        assert_eq!(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), Some(2));
        assert_eq!(parse_oom_kills("low 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(parse_oom_kills("oom_kill_disable 0\n"), None);
    }

    #[test]
    fn a_command_in_a_group_keeps_arguments_and_environment() {
        let group = Group { folders: vec![PathBuf::from("/none/x")] };
        let mut command = Command::new("serve");
        command.arg("--now").env("PORT", "0");

        let inside = group.enter(&command);

        let arguments: Vec<_> = inside.get_args().skip(2).map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(arguments, ["sh", "/none/x", "--", "serve", "--now"]);
        assert!(inside.get_envs().any(|(name, value)| name == "PORT" && value.is_some_and(|value| value == "0")));
    }
}
