//! The table `settings_last_good`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::error::StoreError;
use super::super::settings::{LastGoodSettings, SettingsStore};
use super::PostgresStore;
use crate::sql::settings::{READ, last_good, save_statement};

/// Replicas that save at the same time lock rows in the order of their keys.
const SAVE: &str = save_statement!("select * from unnest($1::text[], $2::text[], $3::timestamptz[])");

#[async_trait]
impl SettingsStore for PostgresStore {
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError> {
        let read = || async |connection: &mut PgConnection| sqlx::query(READ).fetch_all(connection).await;
        last_good(&self.connections.read(read).await?)
    }

    async fn save_last_good(&self, settings: &LastGoodSettings) -> Result<(), StoreError> {
        let keys: Vec<&str> = settings.keys().map(String::as_str).collect();
        let values: Vec<Option<&str>> = settings.values().map(|setting| setting.value.as_deref()).collect();
        let times: Vec<DateTime<Utc>> = settings.values().map(|setting| setting.said_at).collect();
        let save = || {
            async |connection: &mut PgConnection| {
                sqlx::query(SAVE).bind(&keys).bind(&values).bind(&times).execute(connection).await
            }
        };
        self.connections.write_idempotent(save).await?;
        Ok(())
    }
}
