//! The table `settings_last_good`.

use async_trait::async_trait;
use chrono::DateTime;
use sqlx::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqlitePool};

use super::super::documents::corrupt;
use super::super::error::StoreError;
use super::super::settings::{LAST_GOOD_MAX, LastGoodSettings, LastSaid, SettingsStore};
use super::SqliteStore;
use super::fault;

#[async_trait]
impl SettingsStore for SqliteStore {
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError> {
        read(&self.readers).await
    }

    async fn save_last_good(&self, said: &LastGoodSettings) -> Result<(), StoreError> {
        save(&self.writer, said).await
    }
}

async fn read(pool: &SqlitePool) -> Result<LastGoodSettings, StoreError> {
    let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(
        "select setting_key, setting_value, said_at from settings_last_good order by setting_key limit ?",
    )
    .bind(LAST_GOOD_MAX)
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    let said = |(key, value, said_at): (String, Option<String>, i64)| {
        let time = DateTime::from_timestamp_millis(said_at);
        let said_at = time.ok_or_else(|| corrupt("said_at", &said_at.to_string()))?;
        Ok((key, LastSaid { value, said_at }))
    };
    rows.into_iter().map(said).collect()
}

async fn save(pool: &SqlitePool, said: &LastGoodSettings) -> Result<(), StoreError> {
    if said.is_empty() {
        return Ok(());
    }
    let mut query =
        QueryBuilder::<Sqlite>::new("insert into settings_last_good (setting_key, setting_value, said_at) ");
    query.push_values(said, |mut row, (key, said)| {
        row.push_bind(key).push_bind(said.value.as_deref()).push_bind(said.said_at.timestamp_millis());
    });
    query.push(
        " on conflict (setting_key) do update set setting_value = excluded.setting_value, \
         said_at = excluded.said_at where settings_last_good.said_at < excluded.said_at",
    );
    query.build().execute(pool).await.map_err(fault)?;
    Ok(())
}
