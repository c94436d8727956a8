//! The state of a database, read without changing it.

use chrono::{DateTime, Utc};
use sqlx::migrate::Migrator;

/// The state of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseReport {
    /// The name and the version of the server or library.
    pub server: String,
    /// Number of migrations of this release.
    pub migrations: usize,
    /// Number of them that are not applied.
    pub pending: usize,
    /// Number of applied migrations of a later release.
    pub unknown: usize,
    /// The time of the database.
    pub now: DateTime<Utc>,
}

impl DatabaseReport {
    /// Compares the applied migrations with those of this release.
    pub(super) fn new(server: String, migrations: &Migrator, applied: &[i64], now: DateTime<Utc>) -> Self {
        let known: Vec<i64> = migrations.iter().map(|migration| migration.version).collect();
        DatabaseReport {
            server,
            migrations: known.len(),
            pending: known.iter().filter(|version| !applied.contains(version)).count(),
            unknown: applied.iter().filter(|version| !known.contains(version)).count(),
            now,
        }
    }
}
