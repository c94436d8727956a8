//! A PostgreSQL server that a test can kill and freeze.

use std::ffi::OsStr;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::certificates::Certificate;
use super::{SOON, free_port, missing, signal};

/// A running server with the superuser `postgres`, which has no password.
pub struct PostgresServer {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    child: Child,
}

impl PostgresServer {
    /// Starts a server. Returns `None` and prints a line if PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// Starts a server that rejects TCP connections without TLS.
    pub fn start_with_tls(certificate: &Certificate) -> Option<Self> {
        Self::start_with(Some(certificate))
    }

    fn start_with(certificate: Option<&Certificate>) -> Option<Self> {
        let Some(programs) = find_programs() else {
            missing("PostgreSQL is not installed; the outage test did not run");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = other_user() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let data = folder.path().join("data");
        let made = program(&programs, "initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        if let Some(certificate) = certificate {
            require_tls(&data, certificate);
        }
        let port = free_port();
        let child = spawn(&programs, folder.path(), port);
        Some(PostgresServer { programs, folder, port, child })
    }

    /// The URL of the database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The URL of the database `postgres` for connections with TLS: the host name is `localhost`.
    pub fn tls_url(&self, parameters: &str) -> String {
        format!("postgres://postgres@localhost:{}/postgres?{parameters}", self.port)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the server, as a power failure would. Its shared memory remains until it is restarted or dropped.
    pub fn kill(&mut self) {
        signal("KILL", &self.processes());
        self.child.wait().unwrap();
    }

    /// Starts the server again on the same port with the same data.
    pub fn restart(&mut self) {
        self.child = spawn(&self.programs, self.folder.path(), self.port);
    }

    /// Suspends the server: connections stay open, the system accepts new ones, and no request gets a response.
    pub fn freeze(&self) {
        // The parent is stopped first, so that it does not start another child.
        signal("STOP", &[self.child.id()]);
        signal("STOP", &self.processes());
    }

    /// Resumes the server.
    pub fn thaw(&self) {
        signal("CONT", &self.processes());
    }

    /// The server's process and its child processes.
    fn processes(&self) -> Vec<u32> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        std::iter::once(id).chain(children.split_whitespace().map(|child| child.parse().unwrap())).collect()
    }

    /// Stops the server without a checkpoint, but so that it frees its shared memory.
    fn end(&mut self) {
        self.thaw();
        signal("QUIT", &[self.child.id()]);
        let deadline = Instant::now() + SOON;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                return self.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The shared memory segment of the server, or the one that a killed server left.
    fn segment(&self) -> Option<String> {
        let facts = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).ok()?;
        Some(facts.lines().nth(6)?.split_whitespace().nth(1)?.to_owned())
    }
}

impl Drop for PostgresServer {
    /// Also removes the shared memory segment of a killed server, because a system has a few thousand segments at most.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
        if let Some(segment) = self.segment() {
            let _ = Command::new("ipcrm").args(["-m", &segment]).stderr(Stdio::null()).status();
        }
    }
}

/// Configures TLS, and rejects TCP connections without it.
fn require_tls(data: &Path, certificate: &Certificate) {
    for (from, name) in [(&certificate.certificate, "server.crt"), (&certificate.key, "server.key")] {
        let path = data.join(name);
        std::fs::copy(from, &path).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = other_user() {
            chown(&path, Some(user), Some(group)).unwrap();
        }
    }
    std::fs::write(data.join("pg_hba.conf"), "local all all trust\nhostssl all all all trust\n").unwrap();
    let mut settings = OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
    writeln!(settings, "ssl = on").unwrap();
}

/// Starts a server and waits until it accepts connections.
fn spawn(programs: &Path, folder: &Path, port: u16) -> Child {
    let mut child = program(programs, "postgres")
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-k"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started_at = Instant::now();
    let mut is_ready = program(programs, "pg_isready");
    // Through the socket in the server's folder, because another server may use the port. The socket exists only after
    // the server has bound the port.
    is_ready.args(["-q", "-p", &port.to_string(), "-h"]).arg(folder);
    while !is_ready.status().unwrap().success() {
        assert_eq!(child.try_wait().unwrap(), None, "PostgreSQL stopped; port {port} may be in use");
        assert!(started_at.elapsed() < SOON, "timeout: PostgreSQL does not accept connections");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn find_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    debian.chain(on_path).find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
}

/// A command that does not run as root, because PostgreSQL refuses that.
fn program(programs: &Path, name: &str) -> Command {
    let mut command = Command::new(programs.join(name));
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    // Every user can enter this folder, unlike the tests' current folder.
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// The user and group that run the server if the tests run as root.
fn other_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments.iter().map(OsStr::new)).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Option<(PostgresServer, String)> {
        let server = PostgresServer::start()?;
        let segment = server.segment().unwrap();
        assert!(is_there(&segment));
        Some((server, segment))
    }

    fn is_there(segment: &str) -> bool {
        let all = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
        all.lines().any(|line| line.split_whitespace().nth(1) == Some(segment))
    }

    #[test]
    fn a_dropped_server_leaves_no_shared_memory() {
        let Some((server, segment)) = start() else { return };

        drop(server);

        assert!(!is_there(&segment));
    }

    #[test]
    fn a_dropped_frozen_server_leaves_no_shared_memory() {
        let Some((server, segment)) = start() else { return };

        server.freeze();
        drop(server);

        assert!(!is_there(&segment));
    }

    #[test]
    fn a_killed_or_restarted_server_leaves_no_shared_memory() {
        let (Some((mut killed, one)), Some((mut restarted, two))) = (start(), start()) else { return };

        killed.kill();
        drop(killed);
        restarted.kill();
        restarted.restart();
        let three = restarted.segment().unwrap();
        drop(restarted);

        assert!(![one, two, three].iter().any(|segment| is_there(segment)));
    }

    #[test]
    fn start_fails_if_another_server_has_the_port() {
        let (Some(mut here), Some(there)) = (PostgresServer::start(), PostgresServer::start()) else { return };
        here.kill();

        let programs = here.programs.clone();
        let folder = here.folder.path().to_owned();
        let spawned = std::panic::catch_unwind(|| spawn(&programs, &folder, there.port));

        assert!(spawned.is_err());
    }
}
