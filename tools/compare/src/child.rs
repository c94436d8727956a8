//! Starts programs, waits for them and stops them.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::interruption::{self, Interruption};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The timeout of a graceful shutdown.
const END_WITHIN: Duration = Duration::from_secs(15);

/// Maximum length of the standard error output in a message, in bytes.
const COMPLAINT_BYTES: usize = 2000;

/// A running program with its own child processes. Dropping it kills all of them.
pub(crate) struct Child {
    name: String,
    process: process::Child,
    interruption: Interruption,
    output: PathBuf,
    errors: PathBuf,
    has_ended: bool,
}

impl Child {
    /// Starts a program that writes its output to `folder`, which no other program uses.
    pub(crate) fn start(mut command: Command, folder: &Path, interruption: &Interruption) -> anyhow::Result<Self> {
        let name = Path::new(command.get_program()).display().to_string();
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
        let (output, errors) = (folder.join("stdout"), folder.join("stderr"));
        let file = |path: &Path| File::create(path).with_context(|| format!("failed to create {}", path.display()));
        command.stdin(Stdio::null()).stdout(file(&output)?).stderr(file(&errors)?).process_group(0);
        let process = interruption.start(|| {
            let process = command.spawn().with_context(|| format!("failed to start {name}"))?;
            let group = process.id();
            Ok((process, group))
        })?;
        Ok(Self { name, process, interruption: interruption.clone(), output, errors, has_ended: false })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns the standard output so far.
    pub(crate) fn output(&self) -> anyhow::Result<String> {
        match fs::read_to_string(&self.output) {
            Err(error) if error.kind() != ErrorKind::InvalidData => {
                Err(error).with_context(|| format!("failed to read {}", self.output.display()))
            }
            text => Ok(text.unwrap_or_default()),
        }
    }

    /// Returns the end of the standard error output so far.
    pub(crate) fn complaint(&self) -> String {
        let bytes = fs::read(&self.errors).unwrap_or_default();
        let tail = &bytes[bytes.len().saturating_sub(COMPLAINT_BYTES)..];
        String::from_utf8_lossy(tail).trim().to_owned()
    }

    /// Waits until the program exits.
    ///
    /// # Errors
    /// The program runs longer than `limit`, or a signal arrives.
    pub(crate) fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.look()? {
                return Ok(status);
            }
            self.interruption.check()?;
            anyhow::ensure!(
                since.elapsed() < limit,
                "timeout: {} did not exit within {} s",
                self.name,
                limit.as_secs()
            );
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Calls `ask` repeatedly until it returns a value.
    ///
    /// # Errors
    /// The program exits first, `limit` is exceeded, or a signal arrives.
    pub(crate) fn until<T>(
        &mut self,
        limit: Duration,
        what: &str,
        mut ask: impl FnMut(&Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let since = Instant::now();
        loop {
            if let Some(answer) = ask(self)? {
                return Ok(answer);
            }
            if let Some(status) = self.look()? {
                anyhow::bail!("{} exited ({status}) before it was {what}: {}", self.name, self.complaint());
            }
            self.interruption.check()?;
            let (name, seconds) = (&self.name, limit.as_secs());
            anyhow::ensure!(
                since.elapsed() < limit,
                "timeout: {name} was not {what} within {seconds} s: {}",
                self.complaint()
            );
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Stops the program gracefully, or kills it after a timeout.
    pub(crate) fn stop(mut self) {
        interruption::ask_to_end(self.pid());
        // If this fails, `drop` kills the program.
        let _ = self.wait(END_WITHIN);
    }

    fn look(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let process = &mut self.process;
        let status =
            self.interruption.reap(process.id(), || process.try_wait().context("failed to wait for a program"))?;
        self.has_ended |= status.is_some();
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        interruption::end(self.pid());
        while let Ok(None) = self.look() {
            thread::sleep(LOOK_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(120);

    fn shell(script: &str, folder: &Path) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Child::start(command, folder, &Interruption::default()).unwrap()
    }

    #[test]
    fn output_and_exit_status_of_a_program_are_read() {
        let folder = tempfile::tempdir().unwrap();

        let mut child = shell("echo here; echo there >&2; exit 3", folder.path());

        assert_eq!(child.wait(SOON).unwrap().code(), Some(3));
        assert_eq!(child.output().unwrap(), "here\n");
        assert_eq!(child.complaint(), "there");
    }

    #[test]
    fn an_early_exit_is_reported_with_the_standard_error_output() {
        let folder = tempfile::tempdir().unwrap();

        let error = shell("echo no >&2", folder.path()).until(SOON, "ready", |_| Ok(None::<()>)).unwrap_err();

        assert_eq!(error.to_string(), "sh exited (exit status: 0) before it was ready: no");
    }

    #[test]
    fn dropping_a_program_kills_its_child_processes() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = shell("sleep 300 & echo $!; wait", folder.path());
        let started = child.until(SOON, "there", |child| Ok(child.output()?.trim().parse::<u32>().ok())).unwrap();

        drop(child);

        // A killed process that is not reaped yet still exists as a zombie.
        let is_over = || {
            let stat = fs::read_to_string(format!("/proc/{started}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let since = Instant::now();
        while !is_over() && since.elapsed() < SOON {
            thread::sleep(LOOK_EVERY);
        }
        assert!(is_over());
    }
}
