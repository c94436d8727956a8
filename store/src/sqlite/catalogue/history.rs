//! Accepted loads with their changes, and rejected files.

use std::collections::BTreeMap;

use registry_planning::dump::Broker;
use registry_planning::load::diff::{ChangeKind, read_changes};
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use super::super::super::documents::{corrupt, json};
use super::super::super::error::StoreError;
use super::super::super::loads::{
    LoadDiff, LoadSummary, REFUSALS_KEPT, REFUSALS_MAX, Refusal, RefusalRecord, StoredFault, first_of, stored,
};
use super::super::{fault, milliseconds};
use super::{date, word};

pub(super) async fn versions(
    pool: &SqlitePool,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<LoadSummary>, StoreError> {
    let rows = sqlx::query(
        "select version, broker_id, source, file_date, content_hash, loaded_at, rows_kept, diff_counts, overruled \
         from catalogue_loads where ?1 is null or version < ?1 order by version desc limit ?2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter().map(summary_of).collect()
}

pub(super) async fn diff(
    pool: &SqlitePool,
    version: i64,
    kind: Option<ChangeKind>,
    limit: u32,
) -> Result<Option<LoadDiff>, StoreError> {
    let row = sqlx::query(
        "select version, broker_id, source, file_date, content_hash, loaded_at, rows_kept, diff_counts, overruled, diff \
         from catalogue_loads where version = ?",
    )
    .bind(version)
    .fetch_optional(pool)
    .await
    .map_err(fault)?;
    let Some(row) = row else { return Ok(None) };
    let document: Option<&[u8]> = row.try_get("diff").map_err(fault)?;
    let changes = document.map(|document| read_changes(document, kind, limit as usize)).transpose();
    let changes = changes.map_err(|fault| StoreError::Data(format!("invalid column `diff`: {fault}")))?;
    Ok(Some(LoadDiff { load: summary_of(&row)?, changes }))
}

pub(super) async fn refuse(pool: &SqlitePool, record: &RefusalRecord) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("begin immediate").await.map_err(fault)?;
    sqlx::query(
        "insert into catalogue_refusals (broker_id, source, refused_at, after_version, faults, quarantine) \
         select ?1, ?2, ?3, coalesce(max(version), 0), ?4, ?5 from catalogue_loads where broker_id = ?1",
    )
    .bind(record.broker.as_str())
    .bind(&record.source)
    .bind(record.refused_at.timestamp_millis())
    .bind(json(&stored(&record.faults))?)
    .bind(json(&first_of(&record.quarantine))?)
    .execute(&mut *transaction)
    .await
    .map_err(fault)?;
    sqlx::query(
        "delete from catalogue_refusals where broker_id = ?1 and refusal_id not in \
         (select refusal_id from catalogue_refusals where broker_id = ?1 order by refusal_id desc limit ?2)",
    )
    .bind(record.broker.as_str())
    .bind(REFUSALS_KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(fault)?;
    transaction.commit().await.map_err(fault)
}

pub(super) async fn refusals(pool: &SqlitePool) -> Result<Vec<Refusal>, StoreError> {
    let rows = sqlx::query(
        "select refusal_id, broker_id, source, refused_at, faults from catalogue_refusals r \
         where not exists (select 1 from catalogue_loads l where l.broker_id = r.broker_id \
         and l.version > r.after_version) order by refusal_id desc limit ?",
    )
    .bind(REFUSALS_MAX)
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    let refusal_of = |row: &SqliteRow| {
        Ok(Refusal {
            refusal_id: row.try_get("refusal_id").map_err(fault)?,
            broker: word(row, "broker_id", Broker::parse)?,
            source: row.try_get("source").map_err(fault)?,
            refused_at: milliseconds("refused_at", row.try_get("refused_at").map_err(fault)?)?,
            faults: document(row, "faults")?.unwrap_or_default(),
        })
    };
    rows.iter().map(refusal_of).collect()
}

fn summary_of(row: &SqliteRow) -> Result<LoadSummary, StoreError> {
    let instruments: i64 = row.try_get("rows_kept").map_err(fault)?;
    Ok(LoadSummary {
        version: row.try_get("version").map_err(fault)?,
        broker: word(row, "broker_id", Broker::parse)?,
        source: row.try_get("source").map_err(fault)?,
        file_date: date(row, "file_date")?,
        content_hash: row.try_get("content_hash").map_err(fault)?,
        loaded_at: milliseconds("loaded_at", row.try_get("loaded_at").map_err(fault)?)?,
        instruments: u64::try_from(instruments).map_err(|_| corrupt("rows_kept", &instruments.to_string()))?,
        diff_counts: document::<BTreeMap<String, u64>>(row, "diff_counts")?,
        overruled: document::<Vec<StoredFault>>(row, "overruled")?.unwrap_or_default(),
    })
}

/// Reads a JSON column that may be null.
fn document<T: DeserializeOwned>(row: &SqliteRow, name: &str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(name).map_err(fault)?;
    let read = text.map(serde_json::from_str).transpose();
    read.map_err(|e| StoreError::Data(format!("invalid column `{name}`: {e}")))
}
