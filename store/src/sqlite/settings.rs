//! The table `settings_last_good`.

use async_trait::async_trait;

use super::super::documents::json;
use super::super::error::StoreError;
use super::super::settings::{LastGoodSettings, SettingsStore};
use super::SqliteStore;
use super::fault;
use crate::sql::settings::{READ, last_good, save_statement};

/// SQLite needs the condition to distinguish the conflict clause from a join.
const SAVE: &str = save_statement!("select value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true");

#[async_trait]
impl SettingsStore for SqliteStore {
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError> {
        last_good(&sqlx::query(READ).fetch_all(&self.readers).await.map_err(fault)?)
    }

    async fn save_last_good(&self, settings: &LastGoodSettings) -> Result<(), StoreError> {
        // There is one writer, which should not wait for nothing.
        if settings.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> =
            settings.iter().map(|(key, setting)| (key, &setting.value, setting.said_at.timestamp_millis())).collect();
        sqlx::query(SAVE).bind(json(&rows)?).execute(&self.writer).await.map_err(fault)?;
        Ok(())
    }
}
