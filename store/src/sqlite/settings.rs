//! The table `settings_last_good`.

use async_trait::async_trait;
use sqlx::QueryBuilder;
use sqlx::sqlite::Sqlite;

use super::super::error::StoreError;
use super::super::settings::{LAST_GOOD_MAX, LastGoodSettings, SettingsStore};
use super::SqliteStore;
use super::fault;
use crate::sql::settings::{READ, last_good};

#[async_trait]
impl SettingsStore for SqliteStore {
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError> {
        let query = sqlx::query(READ).bind(LAST_GOOD_MAX);
        last_good(&query.fetch_all(&self.readers).await.map_err(fault)?)
    }

    async fn save_last_good(&self, settings: &LastGoodSettings) -> Result<(), StoreError> {
        if settings.is_empty() {
            return Ok(());
        }
        let mut query =
            QueryBuilder::<Sqlite>::new("insert into settings_last_good (setting_key, setting_value, said_at) ");
        query.push_values(settings, |mut row, (key, setting)| {
            row.push_bind(key).push_bind(setting.value.as_deref()).push_bind(setting.said_at.timestamp_millis());
        });
        query.push(
            " on conflict (setting_key) do update set setting_value = excluded.setting_value, \
             said_at = excluded.said_at where settings_last_good.said_at < excluded.said_at",
        );
        query.build().execute(&self.writer).await.map_err(fault)?;
        Ok(())
    }
}
