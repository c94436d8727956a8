//! Real PostgreSQL, Redis and Prometheus servers for tests, a proxy that interrupts or delays the connections to them,
//! and one that adds TLS, with certificates that are created while the tests run.
//!
//! Every server is private: it has a free port and its own folder, and stops with the test that started it, even if the
//! test fails. If a server is not available, its tests print that they are skipped, or fail if `REGISTRY_TEST_STRICT`
//! is set.
#![allow(clippy::unwrap_used, reason = "a test fails if its server does not start")]

mod certificates;
mod database;
mod postgres;
mod prometheus;
mod proxy;
mod redis;
mod tls;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use self::certificates::{Authority, Certificate, Lifetime};
pub use self::database::{Admin, TestDatabase};
pub use self::postgres::PostgresServer;
pub use self::prometheus::{PrometheusServer, promtool};
pub use self::proxy::Proxy;
pub use self::redis::RedisServer;
pub use self::tls::TlsFront;

/// Maximum time for something that happens soon. It matters only if a test fails, so that it fits a busy machine.
const SOON: Duration = Duration::from_secs(120);

/// Prints, once per text, that a test is skipped and why. Does not use `eprintln!`, because its output is hidden for a
/// test that passes.
pub fn skipped(what: &'static str) {
    static TOLD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
        let _ = writeln!(std::io::stderr(), "\nskipped: {what}");
    }
}

/// Skips a test because its server is missing, or fails it if `REGISTRY_TEST_STRICT` is set.
fn missing(what: &'static str) {
    let strict = std::env::var("REGISTRY_TEST_STRICT").unwrap_or_default();
    assert!(matches!(strict.as_str(), "" | "0"), "{what}; REGISTRY_TEST_STRICT does not allow skipped tests");
    skipped(what);
}

/// Returns a free port outside the range that the system uses for outgoing connections, because such a connection could
/// occupy the port while its server is stopped.
pub fn free_port() -> u16 {
    let at_random = || 10_000 + (RandomState::new().hash_one(()) % 20_000) as u16;
    std::iter::repeat_with(at_random).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Sends a signal to processes that the tests started. Ignores processes that have already stopped, for example with
/// their parent.
fn signal(name: &str, ids: &[u32]) {
    for id in ids {
        Command::new("kill").args(["-s", name, &id.to_string()]).stderr(Stdio::null()).status().unwrap();
    }
}
