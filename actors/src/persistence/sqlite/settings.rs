//! The table `settings_last_good`.

use std::collections::BTreeMap;

use chrono::Utc;
use sqlx::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqlitePool};

use super::super::store::{LAST_GOOD_MAX, LastGoodChange, StoreError};
use super::fault;

pub(super) async fn read(pool: &SqlitePool) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("select setting_key, setting_value from settings_last_good order by setting_key limit ?")
            .bind(LAST_GOOD_MAX)
            .fetch_all(pool)
            .await
            .map_err(fault)?;
    Ok(rows.into_iter().collect())
}

/// Two statements in one transaction. A release that knows other keys leaves those alone.
pub(super) async fn save(pool: &SqlitePool, changes: &LastGoodChange) -> Result<(), StoreError> {
    let now = Utc::now().timestamp_millis();
    let mut transaction = pool.begin_with("begin immediate").await.map_err(fault)?;
    let gone: Vec<&str> = changes.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| *key).collect();
    if !gone.is_empty() {
        let mut query = QueryBuilder::<Sqlite>::new("delete from settings_last_good where setting_key in (");
        let mut keys = query.separated(", ");
        for key in gone {
            keys.push_bind(key);
        }
        query.push(")");
        query.build().execute(&mut *transaction).await.map_err(fault)?;
    }
    let kept: Vec<(&str, &str)> = changes.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))).collect();
    if !kept.is_empty() {
        let mut query =
            QueryBuilder::<Sqlite>::new("insert into settings_last_good (setting_key, setting_value, saved_at) ");
        query.push_values(kept, |mut row, (key, value)| {
            row.push_bind(key).push_bind(value).push_bind(now);
        });
        query.push(
            " on conflict (setting_key) do update set setting_value = excluded.setting_value, \
             saved_at = excluded.saved_at",
        );
        query.build().execute(&mut *transaction).await.map_err(fault)?;
    }
    transaction.commit().await.map_err(fault)
}
