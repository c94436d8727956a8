//! The embedded store: one SQLite file with one connection for writes, one for loads, and a few for reads.
//!
//! With `journal_mode=WAL` readers continue while a batch is written. With `synchronous=FULL` a committed batch
//! survives a power failure.

mod calendar;
mod catalogue;
mod columns;
mod jobs;
mod keys;
mod lists;
mod plans;
mod profiles;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::documents::WRITES_DOCUMENTS;
use super::error::StoreError;
use super::lanes::{Lane, Permits};
use super::report::DatabaseReport;
use super::store::{ConnectionCounts, Store};

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../migrations/sqlite");
    // An older release may start again after a newer one has migrated.
    migrations.set_ignore_missing(true);
    migrations
});

/// Reads by id are short, so a few connections serve many callers.
const PERMITS: Permits = Permits { point: 3, change: 2, keyed: 2, list: 2, upkeep: 2 };
/// One connection for each call that may read. Each connection is a thread, which starts at its first use.
const READERS: usize = PERMITS.point + PERMITS.list + PERMITS.upkeep;
/// Maximum time that a writer waits for another process, such as `ingest` while the service runs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time that a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum time that a load waits for the previous one, which takes some seconds.
const LOADER_TIMEOUT: Duration = Duration::from_secs(60);
/// Idle time after which the connection for loads is closed: there are a few loads per day.
const LOADER_IDLE: Duration = Duration::from_secs(60);

/// Maximum time that [`SqliteStore::examine`] waits for another process.
const EXAMINE_TIMEOUT: Duration = Duration::from_secs(1);

/// A store in an SQLite file; see the [module](self).
pub struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    /// For loads. During a load, batches of plans wait for SQLite's lock and not for the connection of the writer,
    /// which is never held for long.
    loader: SqlitePool,
    readers: SqlitePool,
    /// Milliseconds since 1970. Only one service uses the file, so jobs that were alive before this time are orphaned.
    opened_at: i64,
    writes_documents: bool,
}

impl SqliteStore {
    /// Creates a store in the file at `path`, which is created if it is missing. Nothing is opened before
    /// [`Store::prepare`].
    pub fn new(path: &Path) -> Self {
        Self::with_busy_timeout(path, BUSY_TIMEOUT)
    }

    /// Creates a store that waits for another process for this time.
    pub(super) fn with_busy_timeout(path: &Path, busy_timeout: Duration) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(busy_timeout)
            .optimize_on_close(true, None);
        let pool = |connections: u32| {
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
            readers: pool(u32::try_from(READERS).unwrap_or(u32::MAX))
                .connect_lazy_with(options.create_if_missing(false)),
            opened_at: Utc::now().timestamp_millis(),
            writes_documents: WRITES_DOCUMENTS,
        }
    }

    /// Writes plans as the next release does.
    #[cfg(test)]
    pub(super) fn writing_documents(self) -> Self {
        SqliteStore { writes_documents: true, ..self }
    }

    /// Reads the state of the file at `path` without creating or migrating it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the file is missing or is not a database.
    pub async fn examine(path: &Path) -> Result<DatabaseReport, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(EXAMINE_TIMEOUT);
        let mut connection = options.connect().await.map_err(fault)?;
        let read = async {
            let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(&mut connection).await?;
            let table = "select count(*) from sqlite_master where name = '_sqlx_migrations'";
            let has_table: i64 = sqlx::query_scalar(table).fetch_one(&mut connection).await?;
            let applied: Vec<i64> = match has_table {
                0 => Vec::new(),
                _ => {
                    let versions = "select version from _sqlx_migrations where success";
                    sqlx::query_scalar(versions).fetch_all(&mut connection).await?
                }
            };
            Ok(DatabaseReport::new(format!("SQLite {version}"), &MIGRATIONS, &applied, Utc::now()))
        };
        let report = read.await.map_err(fault);
        // A failure to close what was only read changes nothing.
        let _ = connection.close().await;
        report
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn backend(&self) -> &'static str {
        "sqlite"
    }

    /// Returns 1, because SQLite has one writer.
    fn batches_in_flight_max(&self) -> usize {
        1
    }

    fn permits(&self, lane: Lane) -> usize {
        PERMITS.of(lane)
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

/// Classifies a database error by what the caller can do about it.
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
