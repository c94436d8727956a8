//! A share of the machine: a control group with a limit of processor time, and of memory where asked for.
//!
//! Needs root and Linux, with control groups of the first version under `/sys/fs/cgroup/{cpu,memory}` or of the second under
//! `/sys/fs/cgroup`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

use anyhow::Context;

const ROOT: &str = "/sys/fs/cgroup";

/// How much of the machine there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    /// Of one processor.
    pub(crate) processors: f64,
    /// What processor time is dealt out over, in µs. Who has used up its part stands still for the rest.
    pub(crate) period_us: u32,
    pub(crate) memory_mb: Option<u64>,
}

/// The kernel's own, and Docker's.
pub(crate) const USUAL_PERIOD_US: u32 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Version {
    First,
    Second,
}

/// Dropping it takes it away, for which nothing may run in it any more.
pub(crate) struct Group {
    folders: Vec<PathBuf>,
}

/// A file of a control group and what is written into it.
type Setting = (PathBuf, String);

impl Group {
    /// # Errors
    /// Where there are no control groups or they may not be made.
    pub(crate) fn make(share: Share) -> anyhow::Result<Self> {
        let root = Path::new(ROOT);
        let version = if root.join("cgroup.controllers").exists() { Version::Second } else { Version::First };
        if version == Version::Second {
            // Where they are on already this is refused, and where they cannot be the limits below say so.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu +memory");
        }
        let (folders, settings) = layout(root, &format!("registry-compare-{}", process::id()), version, share);
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

    /// The command as one that has entered the group before it begins: what it asks about its processors at its start is
    /// answered with the group's.
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
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The last process may be on its way out.
            for _ in 0..100 {
                if fs::remove_dir(folder).is_ok() {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// The folders of a group and what is written below them.
fn layout(root: &Path, name: &str, version: Version, share: Share) -> (Vec<PathBuf>, Vec<Setting>) {
    let period_us = share.period_us;
    let quota_us = (share.processors * f64::from(period_us)).round();
    let memory_bytes = share.memory_mb.map(|megabytes| (megabytes << 20).to_string());
    match version {
        Version::First => {
            let cpu = root.join("cpu").join(name);
            let mut folders = vec![cpu.clone()];
            let mut settings = vec![
                (cpu.join("cpu.cfs_period_us"), period_us.to_string()),
                (cpu.join("cpu.cfs_quota_us"), quota_us.to_string()),
            ];
            if let Some(bytes) = memory_bytes {
                let memory = root.join("memory").join(name);
                settings.push((memory.join("memory.limit_in_bytes"), bytes));
                folders.push(memory);
            }
            (folders, settings)
        }
        Version::Second => {
            let folder = root.join(name);
            let mut settings = vec![(folder.join("cpu.max"), format!("{quota_us} {period_us}"))];
            settings.extend(memory_bytes.map(|bytes| (folder.join("memory.max"), bytes)));
            (vec![folder], settings)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Share = Share { processors: 0.75, period_us: USUAL_PERIOD_US, memory_mb: Some(384) };

    fn shown(version: Version, share: Share) -> (Vec<String>, Vec<String>) {
        let (folders, settings) = layout(Path::new("/c"), "x", version, share);
        let settings = settings.iter().map(|(file, value)| format!("{} {value}", file.display())).collect();
        (folders.iter().map(|folder| folder.display().to_string()).collect(), settings)
    }

    #[test]
    fn the_first_version_has_a_folder_for_each_controller() {
        let (folders, settings) = shown(Version::First, BOX);

        assert_eq!(folders, ["/c/cpu/x", "/c/memory/x"]);
        assert_eq!(
            settings,
            [
                "/c/cpu/x/cpu.cfs_period_us 100000",
                "/c/cpu/x/cpu.cfs_quota_us 75000",
                "/c/memory/x/memory.limit_in_bytes 402653184"
            ]
        );
        assert_eq!(shown(Version::First, Share { memory_mb: None, ..BOX }).0, ["/c/cpu/x"]);
    }

    #[test]
    fn the_second_version_has_one_folder() {
        let (folders, settings) = shown(Version::Second, BOX);

        assert_eq!(folders, ["/c/x"]);
        assert_eq!(settings, ["/c/x/cpu.max 75000 100000", "/c/x/memory.max 402653184"]);
        let finer = Share { period_us: 10_000, memory_mb: None, ..BOX };
        assert_eq!(shown(Version::Second, finer).1, ["/c/x/cpu.max 7500 10000"]);
    }

    #[test]
    fn a_command_keeps_its_arguments_and_its_environment_in_a_group() {
        let group = Group { folders: vec![PathBuf::from("/none/x")] };
        let mut command = Command::new("serve");
        command.arg("--now").env("PORT", "0");

        let inside = group.enter(&command);

        let arguments: Vec<_> = inside.get_args().skip(2).map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(arguments, ["sh", "/none/x", "--", "serve", "--now"]);
        assert!(inside.get_envs().any(|(name, value)| name == "PORT" && value.is_some_and(|value| value == "0")));
    }
}
