//! Accepted loads with their changes, and rejected files.

use std::collections::BTreeMap;

use registry_planning::dump::Broker;
use registry_planning::load::diff::{ChangeKind, read_changes};
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::super::super::documents::{corrupt, json};
use super::super::super::error::StoreError;
use super::super::super::loads::{
    LoadDiff, LoadSummary, REFUSALS_KEPT, REFUSALS_MAX, Refusal, RefusalRecord, StoredFault, first_of, stored,
};
use super::super::columns::{column, date, document, time, word};
use super::super::connections::Connections;

const VERSIONS: &str = "
    select version, broker_id, source, file_date, content_hash, loaded_at, rows_kept, diff_counts::text, overruled::text
    from catalogue_loads
    where $1::bigint is null or version < $1
    order by version desc
    limit $2";
const DIFF: &str = "
    select version, broker_id, source, file_date, content_hash, loaded_at, rows_kept, diff_counts::text, overruled::text,
        diff
    from catalogue_loads
    where version = $1";

/// One statement, so that it happens completely or not at all. The deletion does not see the inserted row, so it keeps
/// one row less.
const REFUSE: &str = "
    with gone as (
        delete from catalogue_refusals
        where broker_id = $1
            and refusal_id not in (
                select refusal_id from catalogue_refusals where broker_id = $1 order by refusal_id desc limit $6))
    insert into catalogue_refusals (broker_id, source, refused_at, after_version, faults, quarantine)
    select $1, $2, $3, coalesce(max(version), 0), $4::json, $5::json
    from catalogue_loads
    where broker_id = $1";
const REFUSALS: &str = "
    select refusal_id, broker_id, source, refused_at, faults::text
    from catalogue_refusals
    where not exists (
        select
        from catalogue_loads
        where catalogue_loads.broker_id = catalogue_refusals.broker_id and version > after_version)
    order by refusal_id desc
    limit $1";

pub(super) async fn versions(
    connections: &Connections,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<LoadSummary>, StoreError> {
    let read = || {
        async |connection: &mut PgConnection| {
            sqlx::query(VERSIONS).bind(before).bind(i64::from(limit)).fetch_all(connection).await
        }
    };
    connections.list(read).await?.iter().map(summary_of).collect()
}

pub(super) async fn diff(
    connections: &Connections,
    version: i64,
    kind: Option<ChangeKind>,
    limit: u32,
) -> Result<Option<LoadDiff>, StoreError> {
    let read =
        || async |connection: &mut PgConnection| sqlx::query(DIFF).bind(version).fetch_optional(connection).await;
    let Some(row) = connections.list(read).await? else { return Ok(None) };
    let document: Option<&[u8]> = column(&row, "diff")?;
    let changes = document.map(|document| read_changes(document, kind, limit as usize)).transpose();
    let changes = changes.map_err(|fault| StoreError::Data(format!("invalid column `diff`: {fault}")))?;
    Ok(Some(LoadDiff { load: summary_of(&row)?, changes }))
}

pub(super) async fn refuse(connections: &Connections, record: &RefusalRecord) -> Result<(), StoreError> {
    let query = sqlx::query(REFUSE)
        .bind(record.broker.as_str())
        .bind(&record.source)
        .bind(record.refused_at)
        .bind(json(&stored(&record.faults))?)
        .bind(json(&first_of(&record.quarantine))?)
        .bind(REFUSALS_KEPT - 1);
    // Not retried: a second attempt would store the rejection twice.
    connections.write(async |connection| query.execute(connection).await).await?;
    Ok(())
}

pub(super) async fn refusals(connections: &Connections) -> Result<Vec<Refusal>, StoreError> {
    let read =
        || async |connection: &mut PgConnection| sqlx::query(REFUSALS).bind(REFUSALS_MAX).fetch_all(connection).await;
    let refusal_of = |row: &PgRow| {
        Ok(Refusal {
            refusal_id: column(row, "refusal_id")?,
            broker: word(row, "broker_id", Broker::parse)?,
            source: column(row, "source")?,
            refused_at: time(row, "refused_at")?,
            faults: document(row, "faults")?,
        })
    };
    connections.read(read).await?.iter().map(refusal_of).collect()
}

fn summary_of(row: &PgRow) -> Result<LoadSummary, StoreError> {
    let instruments: i64 = column(row, "rows_kept")?;
    Ok(LoadSummary {
        version: column(row, "version")?,
        broker: word(row, "broker_id", Broker::parse)?,
        source: column(row, "source")?,
        file_date: date(row, "file_date")?,
        content_hash: column(row, "content_hash")?,
        loaded_at: time(row, "loaded_at")?,
        instruments: u64::try_from(instruments).map_err(|_| corrupt("rows_kept", &instruments.to_string()))?,
        diff_counts: present::<BTreeMap<String, u64>>(row, "diff_counts")?,
        overruled: present::<Vec<StoredFault>>(row, "overruled")?.unwrap_or_default(),
    })
}

/// Reads a JSON column that was selected as text and may be null.
fn present<T: DeserializeOwned>(row: &PgRow, name: &str) -> Result<Option<T>, StoreError> {
    match column::<Option<&str>>(row, name)? {
        Some(_) => document(row, name).map(Some),
        None => Ok(None),
    }
}
