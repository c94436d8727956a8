//! The schema and its migrations.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection};
use tokio::time::{sleep, timeout};
use tracing::info;

use super::super::error::StoreError;
use super::super::report::DatabaseReport;
use super::super::store::DEPENDENCY;
use super::connections::Connections;

/// The schema of all tables.
pub(super) const NAME: &str = "instrument_registry";

/// Maximum duration of a migration of a large table.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);
/// Maximum duration of every other step: a hanging server or a broken network must not delay the start for as long as a
/// migration may.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two attempts to acquire the lock.
const RETRY_EVERY: Duration = Duration::from_millis(200);
/// The lock that lets one replica at a time migrate. Locks belong to a database, so any number is possible.
const LOCK: i64 = i64::from_be_bytes(*b"registry");

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../migrations/postgres");
    // An older release may start again after a newer one has migrated.
    migrations.set_ignore_missing(true);
    migrations
});

pub(super) async fn prepare(connections: &Connections) -> Result<(), StoreError> {
    let patient = [("statement_timeout", MIGRATION_TIMEOUT.as_millis().to_string())];
    let mut connection = connections.connect_apart(|options| options.options(patient)).await?;
    let result = migrate(&mut connection).await;
    // Closing also releases the lock, which is still held after a failure.
    let _ = timeout(Duration::from_secs(1), connection.close()).await;
    result.map_err(|e| StoreError::Unavailable(format!("failed to migrate the database: {e}")))
}

async fn migrate(connection: &mut PgConnection) -> Result<(), MigrateError> {
    take_turn(connection).await?;
    within(STEP_TIMEOUT, make_schema(connection)).await?;
    let is_current = within(STEP_TIMEOUT, is_current(connection)).await?;
    if !is_current {
        within(MIGRATION_TIMEOUT, drop_invalid_indexes(connection)).await?;
    }
    let limit = if is_current { STEP_TIMEOUT } else { MIGRATION_TIMEOUT };
    within(limit, MIGRATIONS.run_direct(None, connection, false)).await
}

/// Drops the indexes that an interrupted migration left invalid, so that the migration can create them again. An index
/// that is being built concurrently is invalid too, but this replica has the lock.
async fn drop_invalid_indexes(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let names: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_index join pg_class on pg_class.oid = indexrelid \
         where not indisvalid and relnamespace = to_regnamespace($1)",
    )
    .bind(NAME)
    .fetch_all(&mut *connection)
    .await?;
    for name in names {
        let quoted = name.replace('"', "\"\"");
        let drop = format!("drop index if exists {NAME}.\"{quoted}\"");
        sqlx::query(sqlx::AssertSqlSafe(drop)).execute(&mut *connection).await?;
        info!(dependency = DEPENDENCY, index = name, "dropped an index that an interrupted migration left incomplete");
    }
    Ok(())
}

async fn within<T>(limit: Duration, step: impl Future<Output = Result<T, MigrateError>>) -> Result<T, MigrateError> {
    let why = format!("timeout: no response within {limit:?}");
    let timed_out = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, why));
    timeout(limit, step).await.unwrap_or_else(|_| Err(timed_out().into()))
}

/// Waits until no other replica migrates. It polls, because every response shows that the server is alive.
async fn take_turn(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let mut is_logged = false;
    loop {
        let is_ours: bool = within(STEP_TIMEOUT, async {
            let asked = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK);
            Ok(asked.fetch_one(&mut *connection).await?)
        })
        .await?;
        if is_ours {
            return Ok(());
        }
        if !std::mem::replace(&mut is_logged, true) {
            info!(dependency = DEPENDENCY, "waiting for another replica to finish migrations");
        }
        sleep(RETRY_EVERY).await;
    }
}

async fn make_schema(connection: &mut PgConnection) -> Result<(), MigrateError> {
    // A role with rights in the schema only must not try to create it: `if not exists` checks the rights first.
    let exists: bool = sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)")
        .bind(NAME)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        sqlx::query("create schema instrument_registry").execute(&mut *connection).await?;
    }
    let current: Option<String> =
        sqlx::query_scalar("select current_schema()::text").fetch_one(&mut *connection).await?;
    if current.as_deref() != Some(NAME) {
        let why =
            format!("expected schema {NAME:?}, got {current:?}: a proxy dropped the startup options of the session");
        return Err(sqlx::Error::Configuration(why.into()).into());
    }
    Ok(())
}

/// Reads the version of the server, its time, and the applied migrations.
pub(super) async fn examine(connection: &mut PgConnection) -> Result<DatabaseReport, sqlx::Error> {
    let (version, now): (String, DateTime<Utc>) =
        sqlx::query_as("select current_setting('server_version'), clock_timestamp()")
            .fetch_one(&mut *connection)
            .await?;
    let applied = applied_migrations(connection).await?;
    Ok(DatabaseReport::new(format!("PostgreSQL {version}"), &MIGRATIONS, &applied, now))
}

/// Returns whether every migration was applied, so that only their checksums remain to be checked.
async fn is_current(connection: &mut PgConnection) -> Result<bool, MigrateError> {
    let applied = applied_migrations(connection).await?;
    Ok(MIGRATIONS.iter().all(|migration| applied.contains(&migration.version)))
}

async fn applied_migrations(connection: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    let has_table: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(&mut *connection).await?;
    if !has_table {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(&mut *connection).await
}
