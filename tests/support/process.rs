//! The service and its commands as separate processes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Client, KEY, SOON, eventually};

/// The running service. It is killed when dropped.
pub(crate) struct Process {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    /// The text that the service prints when it is ready.
    pub(crate) greeting: String,
    child: Child,
    log: PathBuf,
    _log_folder: TempDir,
}

impl Process {
    /// Starts the service with the key of the tests, and waits until it is ready to create plans.
    pub(crate) async fn start(data_dir: &Path, variables: &[(&str, &str)]) -> Self {
        let mut all = vec![("INTERNAL_API_KEY", KEY)];
        all.extend(variables);
        Self::start_with_only(data_dir, &all).await
    }

    /// Starts the service with only these environment variables.
    pub(crate) async fn start_with_only(data_dir: &Path, variables: &[(&str, &str)]) -> Self {
        Self::spawn(command(&["serve"], data_dir, variables), variables).await
    }

    /// Starts the service with a limit of the size of its files, which has the effect of a full disk.
    pub(crate) async fn start_with_small_files(data_dir: &Path, mebibytes: u32) -> Self {
        // `ulimit` counts blocks of 512 bytes, or of 1024 in some shells. An untrapped XFSZ would end the process.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", mebibytes * 1024);
        let mut limited = Command::new("/bin/sh");
        limited.args(["-c", &script, env!("CARGO_BIN_EXE_instrument-registry"), "serve"]).env_clear();
        limited.env("DATA_DIR", data_dir).env("INTERNAL_API_KEY", KEY).stdin(Stdio::null());
        Self::spawn(limited, &[]).await
    }

    /// Starts the service with a limit of file descriptors, given by the arguments of `ulimit`.
    pub(crate) async fn start_with_descriptors(data_dir: &Path, limit: &str, variables: &[(&str, &str)]) -> Self {
        let mut all = vec![("INTERNAL_API_KEY", KEY)];
        all.extend(variables);
        Self::spawn(with_descriptors(limit, data_dir, &all), &all).await
    }

    async fn spawn(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let log_folder = tempfile::tempdir().expect("a folder can be made");
        let log = log_folder.path().join("log");
        if !variables.iter().any(|(name, _)| *name == "PORT") {
            command.env("PORT", "0");
        }
        command.stdout(Stdio::piped()).stderr(File::create(&log).expect("the log can be made"));
        let mut child = command.spawn().expect("the service can be started");
        let mut lines = lines_of(&mut child);

        let mut greeting = String::new();
        let is_whole = timeout(SOON, async {
            while let Some(line) = lines.recv().await {
                greeting += &line;
                greeting.push('\n');
                if line.trim_start().starts_with("curl ") {
                    return true;
                }
            }
            false
        });
        let is_whole = is_whole.await.unwrap_or(false);
        let address = greeting.lines().find_map(address_in);
        let (true, Some(address)) = (is_whole, address) else {
            let _ = child.kill();
            panic!("no greeting: {greeting}\n{}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        Process { client: Client::new(address), address, greeting, child, log, _log_folder: log_folder }
    }

    /// Returns the curl command of the greeting, which a reader pastes into a shell.
    pub(crate) fn curl_line(&self) -> &str {
        self.greeting.lines().map(str::trim).find(|line| line.starts_with("curl ")).expect("the greeting has the line")
    }

    /// Returns the address of the probe port, which is in the greeting.
    pub(crate) fn probe_address(&self) -> SocketAddr {
        let address = self.greeting.lines().find_map(|line| line.strip_prefix("probes and metrics: http://"));
        address.expect("the greeting has the line").parse().expect("the value is an address")
    }

    /// Sends SIGTERM, which starts a graceful shutdown.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("the command `kill` is there");
        assert!(status.success());
    }

    /// Kills the process without a graceful shutdown.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is running");
        self.child.wait().expect("it was not waited for before");
    }

    /// Waits until the process has ended.
    pub(crate) async fn end(&mut self, within: Duration) -> ExitStatus {
        let child = &mut self.child;
        eventually("the process ends", within, async || child.try_wait().expect("it can be waited for")).await
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log can be read")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the lines of the output. A thread reads them, so that the process never blocks on a full pipe.
fn lines_of(child: &mut Child) -> mpsc::UnboundedReceiver<String> {
    let output = child.stdout.take().expect("the output is piped");
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    lines
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.split_once(" listens on http://")?.1.trim().parse().ok()
}

/// Returns a command of the binary, with these variables and `DATA_DIR` as its only environment.
pub(crate) fn command(arguments: &[&str], data_dir: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_instrument-registry"));
    command.args(arguments).env_clear().env("DATA_DIR", data_dir).envs(variables.iter().copied());
    command.stdin(Stdio::null());
    command
}

/// Returns the command `serve` with a limit of file descriptors, given by the arguments of `ulimit`.
fn with_descriptors(limit: &str, data_dir: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]);
    command.args([env!("CARGO_BIN_EXE_instrument-registry"), "serve"]).env_clear().stdin(Stdio::null());
    command.env("DATA_DIR", data_dir).envs(variables.iter().copied());
    command
}

/// Clears the environment of a command except `PATH`.
pub(crate) fn with_path_only(command: &mut Command) -> &mut Command {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default())
}

/// Runs a command of the binary until it ends. Panics after `RUN_TIMEOUT`, so that a command that serves by mistake
/// fails its test.
pub(crate) fn run(arguments: &[&str], data_dir: &Path, variables: &[(&str, &str)]) -> CommandResult {
    finish(command(arguments, data_dir, variables))
}

/// Runs the service with a limit of file descriptors until it ends, for a limit that prevents the start.
pub(crate) fn run_with_descriptors(limit: &str, data_dir: &Path) -> CommandResult {
    finish(with_descriptors(limit, data_dir, &[("INTERNAL_API_KEY", KEY), ("PORT", "0")]))
}

fn finish(mut command: Command) -> CommandResult {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary can be run");
    let id = child.id();
    let (ended, is_ended) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let has_ended = is_ended.recv_timeout(RUN_TIMEOUT) != Err(RecvTimeoutError::Timeout);
        if !has_ended {
            let _ = Command::new("kill").args(["-s", "KILL", &id.to_string()]).status();
        }
        has_ended
    });
    let output = child.wait_with_output().expect("it can be waited for");
    drop(ended);
    assert!(watch.join().expect("the task does not panic"), "{command:?} did not end within {RUN_TIMEOUT:?}");
    CommandResult::from(output)
}

/// The timeout of a command. The slowest one ingests a complete file of a broker.
const RUN_TIMEOUT: Duration = Duration::from_secs(600);

/// The exit code and the output of a command.
#[derive(Debug)]
pub(crate) struct CommandResult {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) stderr: String,
}

impl From<Output> for CommandResult {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
        CommandResult { code: output.status.code(), output: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl CommandResult {
    /// Returns the cells of the first table row that begins with this cell, without the empty ones.
    pub(crate) fn row(&self, first: &str) -> Option<Vec<&str>> {
        let cells = |line| -> Vec<&str> {
            let line: &str = line;
            line.trim_matches('|').split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
        };
        self.output.lines().map(cells).find(|cells| cells.first() == Some(&first))
    }
}
