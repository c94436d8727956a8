//! Real PostgreSQL and Redis servers for tests, and a proxy to disturb the way to them.
//!
//! Every server is private: on a free port, in a folder of its own, ended with the test that started it, also where the
//! test fails. What cannot be had on a machine is skipped aloud.
#![allow(clippy::unwrap_used, reason = "a test whose server cannot be had as expected has failed")]

mod database;
mod postgres;
mod proxy;
mod redis;

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

pub use self::database::{Admin, TestDatabase};
pub use self::postgres::PostgresServer;
pub use self::proxy::Proxy;
pub use self::redis::RedisServer;

/// Says once what is not tried, and why. Not with `eprintln!`, whose output a passing test keeps to itself.
fn skipped(what: &'static str) {
    static TOLD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
        let _ = writeln!(std::io::stderr(), "\nskipped: {what}");
    }
}

/// A port that nobody listens on; the system hands them out in turn, so that it stays free for a while.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Sends a signal to processes of our own. One that has ended meanwhile, as its parent did, needs none.
fn signal(name: &str, ids: &[u32]) {
    for id in ids {
        Command::new("kill").args(["-s", name, &id.to_string()]).stderr(Stdio::null()).status().unwrap();
    }
}
