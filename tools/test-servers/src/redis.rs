//! A Redis server that a test can kill and freeze.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::{Client, FromRedisValue};
use tempfile::TempDir;

use super::certificates::Certificate;
use super::{SOON, free_port, missing, signal};

/// A running Redis server.
pub struct RedisServer {
    child: Child,
    folder: TempDir,
    port: u16,
    /// Number of connections that the methods of this type made, which are not counted.
    own_connections: AtomicUsize,
}

impl RedisServer {
    /// Starts a server. Returns `None` and prints a line if `redis-server` is not installed.
    pub fn start() -> Option<Self> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            missing("`redis-server` is not in the PATH; the Redis test did not run");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = spawn(&folder, port);
        Some(RedisServer { child, folder, port, own_connections: AtomicUsize::new(1) })
    }

    /// Starts a server that accepts connections with TLS only. The methods of this type that send commands fail.
    pub fn start_with_tls(certificate: &Certificate) -> Option<Self> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            missing("`redis-server` is not in the PATH; the Redis test did not run");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = command(&folder);
        command.args(["--port", "0", "--tls-auth-clients", "no", "--tls-port", &port.to_string(), "--tls-cert-file"]);
        command.arg(&certificate.certificate).arg("--tls-key-file").arg(&certificate.key);
        // The server requires a file of CAs, but uses it only for certificates of clients.
        command.arg("--tls-ca-cert-file").arg(&certificate.certificate);
        let mut child = command.spawn().unwrap();
        let started_at = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "redis-server stopped; it may be built without TLS");
            assert!(started_at.elapsed() < SOON, "timeout: redis-server does not respond");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(RedisServer { child, folder, port, own_connections: AtomicUsize::new(0) })
    }

    /// The URL of database 0 for connections with TLS: the host name is `localhost`.
    pub fn tls_url(&self) -> String {
        format!("rediss://localhost:{}/0", self.port)
    }

    /// The URL of database 0.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Suspends the server: connections stay open, and no request gets a response.
    pub fn freeze(&self) {
        signal("STOP", &[self.child.id()]);
    }

    /// Resumes the server.
    pub fn thaw(&self) {
        signal("CONT", &[self.child.id()]);
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts an empty server on the same port.
    pub fn restart(&mut self) {
        self.child = spawn(&self.folder, self.port);
        self.own_connections = AtomicUsize::new(1);
    }

    /// Number of connections that were made since the start.
    pub fn connections_made(&self) -> usize {
        let info: String = self.execute(&["INFO", "stats"]);
        let made = info.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
        made.parse::<usize>().unwrap() - self.own_connections.load(Ordering::Relaxed)
    }

    /// Number of open connections.
    pub fn connections_now(&self) -> usize {
        self.execute::<String>(&["CLIENT", "LIST"]).lines().count() - 1
    }

    /// Closes all connections except the one that sends this command.
    pub fn close_connections(&self) {
        let _: usize = self.execute(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    }

    /// Lowers the memory limit, so that new keys are rejected.
    pub fn fill(&self) {
        let _: String = self.execute(&["CONFIG", "SET", "maxmemory", "1"]);
    }

    /// Requires a password. The methods of this type that send commands fail afterwards.
    pub fn require_password(&self, password: &str) {
        let _: String = self.execute(&["CONFIG", "SET", "requirepass", password]);
    }

    fn execute<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.own_connections.fetch_add(1, Ordering::Relaxed);
        let mut connection = Client::open(self.url()).unwrap().get_connection().unwrap();
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection).unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command of a server without a port.
fn command(folder: &TempDir) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]).arg(folder.path());
    command.stdout(Stdio::null());
    command
}

/// Starts a server and waits until it responds.
fn spawn(folder: &TempDir, port: u16) -> Child {
    let mut child = command(folder).args(["--port", &port.to_string()]).spawn().unwrap();
    let started_at = Instant::now();
    while process_at(port) != Ok(child.id()) {
        assert_eq!(child.try_wait().unwrap(), None, "redis-server stopped; port {port} may be in use");
        assert!(started_at.elapsed() < SOON, "timeout: redis-server does not respond");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// The process id of the Redis server that responds on the port.
fn process_at(port: u16) -> redis::RedisResult<u32> {
    let mut connection = Client::open(("127.0.0.1", port))?.get_connection_with_timeout(SOON)?;
    let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
    Ok(info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().parse().unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_fails_if_another_server_has_the_port() {
        let Some(server) = RedisServer::start() else { return };

        let spawned = std::panic::catch_unwind(|| spawn(&server.folder, server.port));

        assert!(spawned.is_err());
    }
}
