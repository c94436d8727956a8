//! A Redis server that a test may kill and freeze.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::{Client, FromRedisValue};
use tempfile::TempDir;

use super::{free_port, missing, signal};

/// A running Redis.
pub struct RedisServer {
    child: Child,
    folder: TempDir,
    port: u16,
    /// Connections that these methods made, and not what is tested.
    own_connections: AtomicUsize,
}

impl RedisServer {
    /// Starts one; `None`, and loudly, where there is no `redis-server`.
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

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Stops it where it stands: connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        signal("STOP", &[self.child.id()]);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        signal("CONT", &[self.child.id()]);
    }

    /// Ends it without a farewell.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it anew on the same port, empty.
    pub fn restart(&mut self) {
        self.child = spawn(&self.folder, self.port);
        self.own_connections = AtomicUsize::new(1);
    }

    /// How many connections were made since it started.
    pub fn connections_made(&self) -> usize {
        let info: String = self.ask(&["INFO", "stats"]);
        let made = info.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
        made.parse::<usize>().unwrap() - self.own_connections.load(Ordering::Relaxed)
    }

    /// How many connections are open.
    pub fn connections_now(&self) -> usize {
        self.ask::<String>(&["CLIENT", "LIST"]).lines().count() - 1
    }

    /// Breaks all connections but its own.
    pub fn close_connections(&self) {
        let _: usize = self.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    }

    /// From now on there is no room for anything new.
    pub fn fill(&self) {
        let _: String = self.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    }

    /// From now on these methods do not work any more.
    pub fn require_password(&self, password: &str) {
        let _: String = self.ask(&["CONFIG", "SET", "requirepass", password]);
    }

    fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
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

/// Starts a server and waits until it answers.
fn spawn(folder: &TempDir, port: u16) -> Child {
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()])
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started_at = Instant::now();
    while process_at(port) != Ok(child.id()) {
        assert_eq!(child.try_wait().unwrap(), None, "redis-server stopped; port {port} may be in use");
        assert!(started_at.elapsed() < Duration::from_secs(10), "timeout: redis-server does not respond");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// The process of the Redis that answers there.
fn process_at(port: u16) -> redis::RedisResult<u32> {
    let mut connection = Client::open(("127.0.0.1", port))?.get_connection_with_timeout(Duration::from_secs(10))?;
    let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
    Ok(info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().parse().unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_server_at_the_same_port_is_not_taken_for_ours() {
        let Some(server) = RedisServer::start() else { return };

        let spawned = std::panic::catch_unwind(|| spawn(&server.folder, server.port));

        assert!(spawned.is_err());
    }
}
