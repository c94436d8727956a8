//! The tables `catalogue_loads`, `catalogue_refusals`, `instruments` and `broker_tokens`.

mod history;
mod load;
mod staging;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use registry_planning::ingest::archive::{BrokerState, StoredInstruments};
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::vocabulary::Broker;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;

use self::history::{diff, reject, rejected_files, versions};
use self::load::accept;
use super::{SqliteStore, fault};
use crate::background::Priority;
use crate::error::StoreError;
use crate::loads::{
    CatalogueStore, LastAccepted, LoadDiff, LoadRecord, LoadSummary, RejectedFile, RejectedFileRecord, StoredCatalogue,
};
use crate::merging::{self, StoredLoad};
use crate::sql::catalogue as sql;

#[async_trait]
impl CatalogueStore for SqliteStore {
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar(sql::LAST_VERSION).fetch_one(&self.readers).await.map_err(fault)
    }

    async fn catalogue(&self, priority: Priority) -> Result<Option<StoredCatalogue>, StoreError> {
        merging::catalogue(last_loads(&self.readers, None).await?, priority).await
    }

    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
        Ok(merging::last(last_loads(&self.readers, Some(broker)).await?.pop()))
    }

    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError> {
        accept(&self.loader, record).await
    }

    async fn reject_load(&self, record: &RejectedFileRecord) -> Result<(), StoreError> {
        reject(&self.loader, record).await
    }

    async fn rejected_files(&self) -> Result<Vec<RejectedFile>, StoreError> {
        rejected_files(&self.readers).await
    }

    async fn dismiss_rejected_files(&self, broker: Broker) -> Result<u64, StoreError> {
        let deleted = sqlx::query(sql::DISMISS).bind(broker.as_str()).execute(&self.writer).await.map_err(fault)?;
        Ok(deleted.rows_affected())
    }

    async fn last_summaries(&self) -> Result<Vec<LoadSummary>, StoreError> {
        let loads = sqlx::query(sql::LAST_SUMMARIES).fetch_all(&self.readers).await.map_err(fault)?;
        loads.iter().map(sql::summary).collect()
    }

    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError> {
        versions(&self.readers, before, limit).await
    }

    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError> {
        diff(&self.readers, version, kind, limit).await
    }
}

/// Reads in one transaction, so that archives and tables have the same version.
async fn last_loads(pool: &SqlitePool, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let mut transaction = pool.begin().await.map_err(fault)?;
    let loads = loads(&mut transaction, broker).await?;
    transaction.commit().await.map_err(fault)?;
    Ok(loads)
}

async fn loads(connection: &mut SqliteConnection, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let query = sqlx::query(sql::LOADS).bind(broker.map(Broker::as_str));
    let rows = query.fetch_all(&mut *connection).await.map_err(fault)?;
    let mut loads = Vec::with_capacity(rows.len());
    for row in &rows {
        let instruments = match sql::archive(row)? {
            Some(archive) => archive,
            None => StoredInstruments::State(state(connection, sql::broker(row)?).await?),
        };
        loads.push(sql::load(row, instruments)?);
    }
    Ok(loads)
}

async fn state(connection: &mut SqliteConnection, broker: Broker) -> Result<BrokerState, StoreError> {
    let mut rows = sqlx::query(sql::STATE).bind(broker.as_str()).fetch(connection);
    let mut state = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        state.push(sql::archived(&row)?);
    }
    Ok(BrokerState::new(state))
}
