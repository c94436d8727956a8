//! Real PostgreSQL and Redis servers for tests, and a proxy to disturb the way to them.
//!
//! Every server is private: on a free port, in a folder of its own, ended with the test that started it, also where the
//! test fails. What cannot be had on a machine is skipped aloud, and fails its test where `REGISTRY_TEST_STRICT` is set.
#![allow(clippy::unwrap_used, reason = "a test fails if its server does not start")]

mod database;
mod postgres;
mod proxy;
mod redis;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

pub use self::database::{Admin, TestDatabase};
pub use self::postgres::PostgresServer;
pub use self::proxy::Proxy;
pub use self::redis::RedisServer;

/// Says once what is not tried, and why. Not with `eprintln!`, whose output a passing test keeps to itself.
pub fn skipped(what: &'static str) {
    static TOLD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
        let _ = writeln!(std::io::stderr(), "\nskipped: {what}");
    }
}

/// Skips what needs a server that cannot be had. Where servers were brought along for the tests, that is a failure.
fn missing(what: &'static str) {
    let strict = std::env::var("REGISTRY_TEST_STRICT").unwrap_or_default();
    assert!(matches!(strict.as_str(), "" | "0"), "{what}; REGISTRY_TEST_STRICT does not allow skipped tests");
    skipped(what);
}

/// A port that nobody listens on. It is none of those that the system gives to outgoing connections: one of these could
/// take it while its server is down.
pub fn free_port() -> u16 {
    let at_random = || 10_000 + (RandomState::new().hash_one(()) % 20_000) as u16;
    std::iter::repeat_with(at_random).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Sends a signal to processes of our own. One that has ended meanwhile, as its parent did, needs none.
fn signal(name: &str, ids: &[u32]) {
    for id in ids {
        Command::new("kill").args(["-s", name, &id.to_string()]).stderr(Stdio::null()).status().unwrap();
    }
}
