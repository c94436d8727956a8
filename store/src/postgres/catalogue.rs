//! The tables `catalogue_loads`, `catalogue_refusals`, `instruments` and `broker_tokens`.

mod history;
mod load;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use registry_planning::ingest::archive::{ArchivedRow, BrokerState, StoredInstruments};
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::vocabulary::Broker;
use sqlx::PgConnection;

use self::history::{diff, dismiss, last_summaries, reject, rejected_files, versions};
use self::load::accept;
use super::PostgresStore;
use super::connections::{Bound, Connections, Lease};
use crate::background::Priority;
use crate::error::StoreError;
use crate::loads::{
    CatalogueStore, LastAccepted, LoadDiff, LoadRecord, LoadSummary, RejectedFile, RejectedFileRecord, StoredCatalogue,
};
use crate::merging::{self, StoredLoad};
use crate::sql::catalogue as sql;

/// One snapshot for all reads, so that archives and tables have the same version.
const BEGIN: &str = "begin isolation level repeatable read, read only";

#[async_trait]
impl CatalogueStore for PostgresStore {
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError> {
        let version =
            || async |connection: &mut PgConnection| sqlx::query_scalar(sql::LAST_VERSION).fetch_one(connection).await;
        self.connections.read(version).await
    }

    async fn catalogue(&self, priority: Priority) -> Result<Option<StoredCatalogue>, StoreError> {
        merging::catalogue(last_loads(&self.connections, None).await?, priority).await
    }

    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
        Ok(merging::last(last_loads(&self.connections, Some(broker)).await?.pop()))
    }

    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError> {
        accept(&self.connections, record).await
    }

    async fn reject_load(&self, record: &RejectedFileRecord) -> Result<(), StoreError> {
        reject(&self.connections, record).await
    }

    async fn rejected_files(&self) -> Result<Vec<RejectedFile>, StoreError> {
        rejected_files(&self.connections).await
    }

    async fn dismiss_rejected_files(&self, broker: Broker) -> Result<u64, StoreError> {
        dismiss(&self.connections, broker).await
    }

    async fn last_summaries(&self) -> Result<Vec<LoadSummary>, StoreError> {
        last_summaries(&self.connections).await
    }

    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError> {
        versions(&self.connections, before, limit).await
    }

    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError> {
        diff(&self.connections, version, kind, limit).await
    }
}

async fn last_loads(connections: &Connections, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let mut lease = connections.begin(BEGIN, Bound::Bulk).await?;
    let loads = loads(&mut lease, broker).await?;
    let ended = lease.attempt(async |connection| sqlx::query("commit").execute(connection).await).await;
    lease.release(ended)?;
    Ok(loads)
}

async fn loads(lease: &mut Lease<'_>, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let query = sqlx::query(sql::LOADS).bind(broker.map(Broker::as_str));
    let rows = lease.attempt(async |connection| query.fetch_all(connection).await).await?;
    let mut loads = Vec::with_capacity(rows.len());
    for row in &rows {
        let instruments = match sql::archive(row)? {
            Some(archive) => archive,
            None => {
                let broker = sql::broker(row)?;
                StoredInstruments::State(lease.attempt(async |connection| state(connection, broker).await).await??)
            }
        };
        loads.push(sql::load(row, instruments)?);
    }
    Ok(loads)
}

/// Reads the instruments row by row: all rows of a catalog at once would need several times their own memory.
async fn state(connection: &mut PgConnection, broker: Broker) -> Result<Result<BrokerState, StoreError>, sqlx::Error> {
    let mut rows = sqlx::query(sql::STATE).bind(broker.as_str()).fetch(connection);
    let mut state = Ok(Vec::new());
    while let Some(row) = rows.try_next().await? {
        state = state.and_then(|mut state: Vec<ArchivedRow>| {
            state.push(sql::archived(&row)?);
            Ok(state)
        });
    }
    Ok(state.map(BrokerState::new))
}
