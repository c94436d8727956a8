//! Accepted loads with their changes, and rejected files.

use registry_planning::ingest::diff::ChangeKind;
use registry_planning::vocabulary::Broker;
use sqlx::PgConnection;

use super::super::connections::Connections;
use super::load::storable;
use crate::documents::json;
use crate::error::StoreError;
use crate::loads::{
    LoadDiff, LoadSummary, REJECTED_FILES_KEPT, REJECTED_FILES_MAX, RejectedFile, RejectedFileRecord, first_of, stored,
};
use crate::sql::catalogue as sql;

/// One statement, so that it happens completely or not at all. The deletion does not see the inserted row, so it keeps
/// one row less.
const REJECT: &str = "
    with gone as (
        delete from catalogue_refusals
        where broker_id = $1
            and refusal_id not in (
                select refusal_id from catalogue_refusals where broker_id = $1 order by refusal_id desc limit $6))
    insert into catalogue_refusals (broker_id, source, refused_at, after_version, faults, quarantine)
    select $1, $2, $3, coalesce(max(version), 0), $4::json, $5::json
    from catalogue_loads
    where broker_id = $1";

pub(super) async fn versions(
    connections: &Connections,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<LoadSummary>, StoreError> {
    let read = || {
        async |connection: &mut PgConnection| {
            sqlx::query(sql::VERSIONS).bind(before).bind(i64::from(limit)).fetch_all(connection).await
        }
    };
    connections.list(read).await?.iter().map(sql::summary).collect()
}

pub(super) async fn diff(
    connections: &Connections,
    version: i64,
    kind: Option<ChangeKind>,
    limit: u32,
) -> Result<Option<LoadDiff>, StoreError> {
    let read =
        || async |connection: &mut PgConnection| sqlx::query(sql::DIFF).bind(version).fetch_optional(connection).await;
    match connections.list(read).await? {
        Some(row) => sql::diff(row, kind, limit).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn reject(connections: &Connections, record: &RejectedFileRecord) -> Result<(), StoreError> {
    let query = sqlx::query(REJECT)
        .bind(record.broker.as_str())
        .bind(storable(&record.source))
        .bind(record.rejected_at)
        .bind(json(&stored(&record.faults))?)
        .bind(json(&first_of(&record.quarantine))?)
        .bind(REJECTED_FILES_KEPT - 1);
    // Not retried: a second attempt would store the rejection twice.
    connections.write(async |connection| query.execute(connection).await).await?;
    Ok(())
}

pub(super) async fn rejected_files(connections: &Connections) -> Result<Vec<RejectedFile>, StoreError> {
    let read = || {
        async |connection: &mut PgConnection| {
            sqlx::query(sql::REJECTED_FILES).bind(REJECTED_FILES_MAX).fetch_all(connection).await
        }
    };
    connections.read(read).await?.iter().map(sql::rejected_file).collect()
}

pub(super) async fn dismiss(connections: &Connections, broker: Broker) -> Result<u64, StoreError> {
    let delete = || {
        async |connection: &mut PgConnection| sqlx::query(sql::DISMISS).bind(broker.as_str()).execute(connection).await
    };
    Ok(connections.write_idempotent(delete).await?.rows_affected())
}

pub(super) async fn last_summaries(connections: &Connections) -> Result<Vec<LoadSummary>, StoreError> {
    let read = || async |connection: &mut PgConnection| sqlx::query(sql::LAST_SUMMARIES).fetch_all(connection).await;
    connections.read(read).await?.iter().map(sql::summary).collect()
}
