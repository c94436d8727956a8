//! The schema, and bringing it up to date.

use std::time::Duration;

use sqlx::migrate::Migrate;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use super::super::store::StoreError;
use super::connections::Connections;

/// The schema that everything lives in.
pub(super) const NAME: &str = "instrument_registry";

/// What a migration of a large table may take, and waiting for another replica that is at it.
const MIGRATE_WITHIN: Duration = Duration::from_secs(600);

pub(super) async fn prepare(connections: &Connections) -> Result<(), StoreError> {
    let patient = [("statement_timeout", MIGRATE_WITHIN.as_millis().to_string())];
    let mut connection = connections.connect_apart(|options| options.options(patient)).await?;
    let result = match timeout(MIGRATE_WITHIN, migrate(&mut connection)).await {
        Ok(result) => result.map_err(|e| StoreError::Unavailable(format!("failed to migrate: {e}"))),
        Err(_) => Err(StoreError::Unavailable("failed to migrate: the server does not answer".to_owned())),
    };
    // Also gives up sqlx's lock, which after a failure is still held.
    let _ = timeout(Duration::from_secs(1), connection.close()).await;
    result
}

async fn migrate(connection: &mut PgConnection) -> Result<(), sqlx::migrate::MigrateError> {
    // The migrator takes this lock too, but only once there is a schema to put its own table into. It counts.
    connection.lock().await?;
    // A role that may only use the schema must not even try: `if not exists` checks its rights first.
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
        let why = format!("the session is in schema {current:?}, its start-up options were dropped on the way");
        return Err(sqlx::Error::Configuration(why.into()).into());
    }
    let mut migrations = sqlx::migrate!("../migrations/postgres");
    // A release before this one may start again while a newer one has migrated already.
    migrations.set_ignore_missing(true);
    migrations.run_direct(None, connection, false).await
}
