//! The table `settings_last_good`.

use std::collections::BTreeMap;

use chrono::Utc;

use super::super::store::{LAST_GOOD_MAX, LastGoodChange, StoreError};
use super::columns::column;
use super::connections::Connections;

/// One statement, and so all of it or nothing. Replicas that save at the same time lock rows in the order of their keys.
const SAVE: &str = "
    with gone as (
        delete from settings_last_good
        where setting_key = any ($1))
    insert into settings_last_good (setting_key, setting_value, saved_at)
    select *, $4
    from unnest($2::text[], $3::text[])
    on conflict (setting_key) do update set
        setting_value = excluded.setting_value,
        saved_at = excluded.saved_at";

pub(super) async fn read(connections: &Connections) -> Result<BTreeMap<String, String>, StoreError> {
    let query = sqlx::query("select setting_key, setting_value from settings_last_good order by setting_key limit $1")
        .bind(LAST_GOOD_MAX);
    let mut lease = connections.lease().await?;
    let rows = lease.attempt(async |connection| query.fetch_all(connection).await).await;
    let rows = lease.release(rows)?;
    rows.iter().map(|row| Ok((column(row, "setting_key")?, column(row, "setting_value")?))).collect()
}

/// A release that knows other keys leaves those alone.
pub(super) async fn save(connections: &Connections, changes: &LastGoodChange) -> Result<(), StoreError> {
    let gone: Vec<&str> = changes.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| *key).collect();
    let (keys, values): (Vec<&str>, Vec<&str>) =
        changes.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))).unzip();
    let query = sqlx::query(SAVE).bind(gone).bind(keys).bind(values).bind(Utc::now());
    let mut lease = connections.lease().await?;
    let saved = lease.commit(async |connection| query.execute(connection).await).await;
    lease.release(saved)?;
    Ok(())
}
