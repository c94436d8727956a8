//! The embedded store: one SQLite file, written through one connection, loaded through another and read through a few.
//!
//! `journal_mode=WAL` lets readers go on while a batch is written; `synchronous=FULL` makes a committed batch survive a
//! power cut.

mod catalogue;
mod jobs;
mod keys;
mod plans;
mod profiles;
mod settings;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::documents::corrupt;
use super::error::StoreError;
use super::store::{ConnectionCounts, Store};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// Each connection is a thread; reads are short, so that a few serve many callers.
const READERS: u32 = 3;
/// How long a writer waits for another process, as `ingest` beside the running service.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a load waits for the one before it, which takes some seconds.
const LOADER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the loader's connection stays open after a load: there are a few a day.
const LOADER_IDLE: Duration = Duration::from_secs(60);

/// See the [module](self).
pub struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    /// For whole files. While one is written, batches of plans wait for SQLite's lock and not for the writer's connection,
    /// which nobody holds for long.
    loader: SqlitePool,
    readers: SqlitePool,
    /// Milliseconds since 1970. The file is one service's alone, so that a job that was alive before is nobody's now.
    opened_at: i64,
}

impl SqliteStore {
    /// A store in the file at `path`, which is made where it is missing. Nothing is opened before
    /// [`Store::prepare`].
    pub fn new(path: &Path) -> Self {
        Self::with_busy_timeout(path, BUSY_TIMEOUT)
    }

    /// A store that waits so long for another process.
    pub(super) fn with_busy_timeout(path: &Path, busy_timeout: Duration) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(busy_timeout)
            .optimize_on_close(true, None);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        SqliteStore {
            path: path.to_owned(),
            writer: pool(1).connect_lazy_with(options.clone()),
            loader: pool(1)
                .acquire_timeout(LOADER_TIMEOUT)
                .idle_timeout(LOADER_IDLE)
                .connect_lazy_with(options.clone().create_if_missing(false)),
            readers: pool(READERS).connect_lazy_with(options.create_if_missing(false)),
            opened_at: Utc::now().timestamp_millis(),
        }
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn backend(&self) -> &'static str {
        "sqlite"
    }

    /// SQLite has one writer.
    fn batches_in_flight_max(&self) -> usize {
        1
    }

    /// As many as there are connections to read with.
    fn jobs_in_flight_max(&self) -> usize {
        READERS as usize
    }

    fn connections(&self) -> ConnectionCounts {
        let pools = [&self.writer, &self.loader, &self.readers];
        let idle = pools.iter().map(|pool| pool.num_idle()).sum();
        let all: u32 = pools.iter().map(|pool| pool.size()).sum();
        ConnectionCounts { busy: (all as usize).saturating_sub(idle), idle }
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        let unopened = |path: &Path, why: &dyn std::error::Error| {
            StoreError::Unavailable(format!("failed to open {} (DATA_DIR): {why}", path.display()))
        };
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| unopened(folder, &e))?;
        }
        MIGRATIONS.run(&self.writer).await.map_err(|e| unopened(&self.path, &e))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.writer).await.map_err(fault)?;
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        self.loader.close().await;
        self.writer.close().await;
    }
}

/// Sorts a database error by what the caller can do about it.
#[allow(clippy::needless_pass_by_value)] // So that it can be given to `map_err` by its name.
fn fault(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) => {
            // The low byte is SQLite's primary result code: 19 constraint, 20 mismatch, 18 too big, 25 out of range.
            let primary = database.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
            match primary {
                Some(18 | 19 | 20 | 25) => StoreError::Data(error.to_string()),
                _ => StoreError::Unavailable(error.to_string()),
            }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
            StoreError::Data(error.to_string())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn milliseconds(column: &str, value: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(value).ok_or_else(|| corrupt(column, &value.to_string()))
}
