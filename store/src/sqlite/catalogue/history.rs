//! Accepted loads with their changes, and rejected files.

use registry_planning::ingest::diff::ChangeKind;
use sqlx::sqlite::SqlitePool;

use super::super::fault;
use crate::documents::json;
use crate::error::StoreError;
use crate::loads::{
    LoadDiff, LoadSummary, REJECTED_FILES_KEPT, REJECTED_FILES_MAX, RejectedFile, RejectedFileRecord, first_of, stored,
};
use crate::sql::catalogue as sql;

pub(super) async fn versions(
    pool: &SqlitePool,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<LoadSummary>, StoreError> {
    let query = sqlx::query(sql::VERSIONS).bind(before).bind(limit);
    query.fetch_all(pool).await.map_err(fault)?.iter().map(sql::summary).collect()
}

pub(super) async fn diff(
    pool: &SqlitePool,
    version: i64,
    kind: Option<ChangeKind>,
    limit: u32,
) -> Result<Option<LoadDiff>, StoreError> {
    let row = sqlx::query(sql::DIFF).bind(version).fetch_optional(pool).await.map_err(fault)?;
    match row {
        Some(row) => sql::diff(row, kind, limit).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn reject(pool: &SqlitePool, record: &RejectedFileRecord) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("begin immediate").await.map_err(fault)?;
    sqlx::query(
        "insert into catalogue_refusals (broker_id, source, refused_at, after_version, faults, quarantine) \
         select ?1, ?2, ?3, coalesce(max(version), 0), ?4, ?5 from catalogue_loads where broker_id = ?1",
    )
    .bind(record.broker.as_str())
    .bind(&record.source)
    .bind(record.rejected_at.timestamp_millis())
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
    .bind(REJECTED_FILES_KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(fault)?;
    transaction.commit().await.map_err(fault)
}

pub(super) async fn rejected_files(pool: &SqlitePool) -> Result<Vec<RejectedFile>, StoreError> {
    let query = sqlx::query(sql::REJECTED_FILES).bind(REJECTED_FILES_MAX);
    query.fetch_all(pool).await.map_err(fault)?.iter().map(sql::rejected_file).collect()
}
