//! Starts programs, waits for them and stops them.
//!
//! Every child leads its own process group. A signal of the terminal does not reach it, and its own child processes are
//! killed with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{self, Command};
use tokio::time::{sleep, timeout};

const POLL_EVERY: Duration = Duration::from_millis(10);

/// The timeout of a graceful shutdown.
const END_TIMEOUT: Duration = Duration::from_secs(15);

/// Maximum length of the standard error output in a message, in bytes.
const COMPLAINT_BYTES: usize = 2000;

/// A running program with its own child processes. Dropping it kills all of them.
pub(crate) struct Child {
    name: String,
    process: process::Child,
    folder: PathBuf,
}

impl Child {
    /// Starts a program that writes its output to `folder`, which no other program uses.
    pub(crate) fn start(command: std::process::Command, folder: &Path) -> anyhow::Result<Self> {
        let name = Path::new(command.get_program()).display().to_string();
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
        let file = |name| File::create(folder.join(name)).with_context(|| format!("failed to create {name}"));
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?);
        let process = command.process_group(0).kill_on_drop(true).spawn();
        let process = process.with_context(|| format!("failed to start {name}"))?;
        Ok(Self { name, process, folder: folder.to_owned() })
    }

    /// Returns the process id, or 0 after the exit.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().unwrap_or_default()
    }

    pub(crate) fn output(&self) -> anyhow::Result<String> {
        let bytes = fs::read(self.folder.join("stdout")).context("failed to read the output of a program")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns the end of the standard error output so far.
    pub(crate) fn error_output(&self) -> String {
        let bytes = fs::read(self.folder.join("stderr")).unwrap_or_default();
        let tail = &bytes[bytes.len().saturating_sub(COMPLAINT_BYTES)..];
        String::from_utf8_lossy(tail).trim().to_owned()
    }

    pub(crate) async fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let ended = timeout(limit, self.process.wait()).await;
        let ended = ended.with_context(|| format!("timeout: {} did not exit within {limit:?}", self.name))?;
        ended.context("failed to wait for a program")
    }

    /// Calls `poll` repeatedly until it returns a value.
    pub(crate) async fn until<T>(
        &mut self,
        limit: Duration,
        what: &str,
        mut poll: impl AsyncFnMut(&Self) -> Option<T>,
    ) -> anyhow::Result<T> {
        let polling = async {
            loop {
                if let Some(answer) = poll(self).await {
                    return Ok(answer);
                }
                if let Some(status) = self.process.try_wait().context("failed to wait for a program")? {
                    anyhow::bail!("{} exited ({status}) before it was {what}: {}", self.name, self.error_output());
                }
                sleep(POLL_EVERY).await;
            }
        };
        let answer = timeout(limit, polling).await;
        answer.with_context(|| {
            format!("timeout: {} was not {what} within {limit:?}: {}", self.name, self.error_output())
        })?
    }

    /// Stops the program gracefully, or kills it after a timeout.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        // If this fails, `drop` kills the program.
        let _ = self.wait(END_TIMEOUT).await;
    }

    /// Sends a signal to the process group. Its id cannot be reused before the exit of its leader is noticed.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(120);

    fn shell(script: &str, folder: &Path) -> Child {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script]);
        Child::start(command, folder).unwrap()
    }

    #[tokio::test]
    async fn output_and_exit_status_of_a_program_are_read() {
        let folder = tempfile::tempdir().unwrap();

        let mut child = shell("echo here; echo there >&2; exit 3", folder.path());

        assert_eq!(child.wait(SOON).await.unwrap().code(), Some(3));
        assert_eq!(child.output().unwrap(), "here\n");
        assert_eq!(child.error_output(), "there");
    }

    #[tokio::test]
    async fn an_early_exit_is_reported_with_the_standard_error_output() {
        let folder = tempfile::tempdir().unwrap();

        let mut child = shell("echo no >&2", folder.path());
        let error = child.until(SOON, "ready", async |_| None::<()>).await.unwrap_err();

        assert_eq!(error.to_string(), "sh exited (exit status: 0) before it was ready: no");
    }

    #[tokio::test]
    async fn dropping_a_program_kills_its_child_processes() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = shell("sleep 300 & echo $!; wait", folder.path());
        let started = async |child: &Child| child.output().unwrap().trim().parse::<u32>().ok();
        let started = child.until(SOON, "there", started).await.unwrap();

        drop(child);

        // A killed process that is not reaped yet still exists as a zombie.
        let is_over = || {
            let stat = fs::read_to_string(format!("/proc/{started}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let ended = async {
            while !is_over() {
                sleep(POLL_EVERY).await;
            }
        };
        timeout(SOON, ended).await.unwrap();
    }
}
