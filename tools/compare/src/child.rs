//! Programs that are started, waited for and ended.

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

/// How long a service that is asked to end may take.
const END_WITHIN: Duration = Duration::from_secs(15);

/// How much of what a program complained about is told.
const COMPLAINT_BYTES: usize = 2000;

/// A program that runs, with all that it starts. Dropping it ends it at once.
pub(crate) struct Child {
    name: String,
    process: process::Child,
    interruption: Interruption,
    output: PathBuf,
    errors: PathBuf,
    has_ended: bool,
}

impl Child {
    /// Starts a program that writes what it says into `folder`, which must be its own.
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

    /// What it has said so far.
    pub(crate) fn output(&self) -> anyhow::Result<String> {
        match fs::read_to_string(&self.output) {
            Err(error) if error.kind() != ErrorKind::InvalidData => {
                Err(error).with_context(|| format!("failed to read {}", self.output.display()))
            }
            text => Ok(text.unwrap_or_default()),
        }
    }

    /// The end of what it has complained about so far.
    pub(crate) fn complaint(&self) -> String {
        let bytes = fs::read(&self.errors).unwrap_or_default();
        let tail = &bytes[bytes.len().saturating_sub(COMPLAINT_BYTES)..];
        String::from_utf8_lossy(tail).trim().to_owned()
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When it takes longer than `limit`, and after a signal.
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

    /// Asks again and again until there is an answer.
    ///
    /// # Errors
    /// When the program ends before, when it takes longer than `limit`, and after a signal.
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

    /// Asks it to end, and ends it when it does not.
    pub(crate) fn stop(mut self) {
        interruption::ask_to_end(self.pid());
        // What fails here is made up for by dropping it.
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

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str, folder: &Path) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Child::start(command, folder, &Interruption::default()).unwrap()
    }

    #[test]
    fn what_a_program_says_and_how_it_ends_is_known() {
        let folder = tempfile::tempdir().unwrap();

        let mut child = shell("echo here; echo there >&2; exit 3", folder.path());

        assert_eq!(child.wait(SOON).unwrap().code(), Some(3));
        assert_eq!(child.output().unwrap(), "here\n");
        assert_eq!(child.complaint(), "there");
    }

    #[test]
    fn a_program_that_ends_too_early_is_told_with_its_complaint() {
        let folder = tempfile::tempdir().unwrap();

        let error = shell("echo no >&2", folder.path()).until(SOON, "ready", |_| Ok(None::<()>)).unwrap_err();

        assert_eq!(error.to_string(), "sh exited (exit status: 0) before it was ready: no");
    }

    #[test]
    fn dropping_a_program_ends_what_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = shell("sleep 300 & echo $!; wait", folder.path());
        let started = child.until(SOON, "there", |child| Ok(child.output()?.trim().parse::<u32>().ok())).unwrap();

        drop(child);

        // A process that nobody has reaped yet is there, but does nothing any more.
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
