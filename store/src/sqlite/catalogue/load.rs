//! Accepts a load as the last one of its broker.
//!
//! SQLite has one lock for all writers, so most of the work is done without it: the rows are merged, compared with the
//! tables, and staged in temporary tables. Only rows that differ are copied under the lock.

use registry_planning::vocabulary::hex;
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection, SqliteConnection};

use super::super::super::documents::json;
use super::super::super::error::StoreError;
use super::super::super::loads::{ARCHIVES_KEPT, LoadRecord, first_of, stored};
use super::{fault, staging};

/// Maximum number of times that a load is staged because a load of another broker was accepted meanwhile.
const ATTEMPTS: usize = 3;

/// Reads the last accepted load of each broker.
const LAST_VERSIONS: &str = "select max(version) from catalogue_loads group by broker_id order by 1";

pub(super) async fn accept(pool: &SqlitePool, record: &LoadRecord) -> Result<i64, StoreError> {
    let mut connection = pool.acquire().await.map_err(fault)?;
    let accepted = attempt(&mut connection, record).await;
    // Neither the rows nor the long statements are needed until the next load.
    let cleared = staging::clear(&mut connection).await;
    let version = accepted?;
    cleared?;
    Ok(version)
}

async fn attempt(connection: &mut SqliteConnection, record: &LoadRecord) -> Result<i64, StoreError> {
    let load = LoadRow::of(record)?;
    for _ in 0..ATTEMPTS {
        let merged = staging::stage(connection, record).await?;
        // It takes the lock at once: a transaction that begins as a reader fails without waiting if another writer is
        // active.
        let mut transaction = connection.begin_with("begin immediate").await.map_err(fault)?;
        // The staged rows are valid only if the accepted loads are still the same.
        let versions = last_versions(&mut transaction).await?;
        if versions != merged {
            transaction.rollback().await.map_err(fault)?;
            continue;
        }
        staging::apply(&mut transaction, record).await?;
        let version = load.insert(&mut transaction, record).await?;
        drop_old_archives(&mut transaction, record.offer.broker.as_str()).await?;
        transaction.commit().await.map_err(fault)?;
        return Ok(version);
    }
    Err(StoreError::Overtaken)
}

pub(super) async fn last_versions(connection: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar(LAST_VERSIONS).fetch_all(connection).await.map_err(fault)
}

/// The text columns of a load.
struct LoadRow {
    rejected: String,
    diff_counts: String,
    overruled: String,
    quarantine: String,
    skipped: String,
    warnings: String,
}

impl LoadRow {
    fn of(record: &LoadRecord) -> Result<Self, StoreError> {
        let load = &record.offer.load;
        Ok(LoadRow {
            rejected: json(&load.rejected)?,
            diff_counts: json(&record.diff_counts)?,
            overruled: json(&stored(&record.overruled))?,
            quarantine: json(&first_of(&load.quarantine))?,
            skipped: json(&load.skipped)?,
            warnings: json(&stored(&record.warnings))?,
        })
    }

    async fn insert(&self, connection: &mut SqliteConnection, record: &LoadRecord) -> Result<i64, StoreError> {
        let offer = &record.offer;
        sqlx::query_scalar(
            "insert into catalogue_loads (broker_id, source, file_date, content_hash, rows_read, rows_kept, rejected, \
             loaded_at, archive, diff, diff_counts, overruled, quarantine, skipped, duplicates, warnings) \
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning version",
        )
        .bind(offer.broker.as_str())
        .bind(&offer.source)
        .bind(offer.file_date.map(|date| date.to_string()))
        .bind(hex(&offer.load.content_hash))
        .bind(i64::try_from(offer.load.rows_read).unwrap_or(i64::MAX))
        .bind(i64::try_from(offer.load.rows.len()).unwrap_or(i64::MAX))
        .bind(&self.rejected)
        .bind(offer.loaded_at.timestamp_millis())
        .bind(&record.archive[..])
        .bind(&record.diff)
        .bind(&self.diff_counts)
        .bind(&self.overruled)
        .bind(&self.quarantine)
        .bind(&self.skipped)
        .bind(i64::try_from(offer.load.duplicates).unwrap_or(i64::MAX))
        .bind(&self.warnings)
        .fetch_one(connection)
        .await
        .map_err(fault)
    }
}

async fn drop_old_archives(connection: &mut SqliteConnection, broker: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update catalogue_loads set archive = null where broker_id = ?1 and archive is not null and version not in \
         (select version from catalogue_loads where broker_id = ?1 order by version desc limit ?2)",
    )
    .bind(broker)
    .bind(ARCHIVES_KEPT)
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}
