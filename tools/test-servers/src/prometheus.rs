//! A Prometheus server, and `promtool`, which checks rules and metrics.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{SOON, free_port, missing};

/// A running Prometheus.
pub struct PrometheusServer {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl PrometheusServer {
    /// Starts a server with this configuration. Returns `None` and prints a line if `prometheus` is not installed.
    pub fn start(configuration: &str) -> Option<Self> {
        if Command::new("prometheus").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            missing("`prometheus` is not in the PATH; the Prometheus test did not run");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, configuration).unwrap();
        let port = free_port();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started_at = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "Prometheus stopped; its configuration may be invalid");
            assert!(started_at.elapsed() < SOON, "timeout: Prometheus does not accept connections");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(PrometheusServer { child, port, _folder: folder })
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for PrometheusServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `promtool` in a folder with this input. Returns `None` and prints a line if it is not installed.
pub fn promtool(folder: &Path, arguments: &[&str], input: &str) -> Option<Output> {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(folder);
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = spawned else {
        missing("`promtool` is not in the PATH; the Prometheus test did not run");
        return None;
    };
    // `promtool` reads all of its input before it prints, so the write does not block.
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}
