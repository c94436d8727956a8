//! Merges the stored loads of several brokers, the same for every database.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::Row;
use registry_planning::ingest::DocumentError;
use registry_planning::ingest::archive::{Archive, StoredInstruments};
use registry_planning::ingest::gate::credible_date;
use registry_planning::merge::{self, Merge, Part};
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, Exchange};
use tokio::sync::mpsc;
use tracing::warn;

use super::error::StoreError;
use super::loads::{LastAccepted, LoadRecord, StoredCatalogue, unreadable};
use crate::background::{self, BackgroundError, Priority};

/// The last accepted load of a broker, as it is stored.
pub(super) struct StoredLoad {
    pub(super) version: i64,
    pub(super) broker: Broker,
    pub(super) file_date: Option<NaiveDate>,
    pub(super) loaded_at: DateTime<Utc>,
    pub(super) instruments: StoredInstruments,
}

/// Returns whether this release does not know the format of an archive, for example after a newer release was rolled
/// back.
pub(super) fn is_foreign(archive: &[u8]) -> bool {
    matches!(Archive::new(archive), Err(DocumentError::Form { .. }))
}

impl StoredLoad {
    /// Creates a stored load. Earlier releases accepted files with any date; a date later than the day after the load
    /// is ignored.
    pub(super) fn new(
        version: i64,
        broker: Broker,
        file_date: Option<NaiveDate>,
        loaded_at: DateTime<Utc>,
        instruments: StoredInstruments,
    ) -> Self {
        let known = credible_date(file_date, trading_date(loaded_at));
        if let (Some(file_date), None) = (file_date, known) {
            warn!(broker = broker.as_str(), version, %file_date, "ignored file date: later than the day after its load");
        }
        StoredLoad { version, broker, file_date: known, loaded_at, instruments }
    }

    fn part(&self) -> Result<Part<'_>, DocumentError> {
        let (file_date, loaded_at) = (self.file_date, Some(self.loaded_at));
        Ok(Part { broker: self.broker, file_date, loaded_at, rows: self.instruments.rows()? })
    }
}

async fn run_in_background<T: Send + 'static>(
    priority: Priority,
    work: impl FnOnce() -> Result<T, DocumentError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = background::run(priority, work).await;
    let done = done.map_err(|e| StoreError::Data(format!("failed to merge the files of the brokers: {e}")))?;
    done.map_err(|fault| unreadable(&fault))
}

/// Builds the catalog on a background thread; `None` if there is no load.
pub(super) async fn catalogue(
    loads: Vec<StoredLoad>,
    priority: Priority,
) -> Result<Option<StoredCatalogue>, StoreError> {
    let Some(version) = loads.iter().map(|load| load.version).max() else { return Ok(None) };
    let build = move || -> Result<Catalogue, DocumentError> {
        let parts = loads.iter().map(StoredLoad::part).collect::<Result<_, _>>()?;
        merge::catalogue(parts, version.to_string())
    };
    Ok(Some(StoredCatalogue { version, catalogue: run_in_background(priority, build).await? }))
}

/// Returns the last accepted load of a broker.
pub(super) fn last(load: Option<StoredLoad>) -> Option<LastAccepted> {
    load.map(|StoredLoad { version, file_date, instruments, .. }| LastAccepted { version, file_date, instruments })
}

/// A row of the table `instruments`, and whether the last file of any broker contains it.
pub(super) type MergedRow = (Row, bool);

/// The rows of the table `instruments` after a load is accepted, in chunks: those that its file contains or no longer
/// contains.
pub(super) struct MergedRows {
    chunks: mpsc::Receiver<Vec<MergedRow>>,
    merging: BoxFuture<'static, Result<Result<(), DocumentError>, BackgroundError>>,
}

/// Starts to merge. `others` are the loads of the other brokers; `chunk` is the number of rows of a chunk.
pub(super) fn instruments(mut others: Vec<StoredLoad>, record: &LoadRecord, chunk: usize) -> MergedRows {
    let broker = record.offer.broker;
    let (file_date, loaded_at) = (record.offer.file_date, record.offer.loaded_at);
    others.push(StoredLoad::new(
        0,
        broker,
        file_date,
        loaded_at,
        StoredInstruments::Archive(Arc::clone(&record.archive)),
    ));
    let left = Arc::clone(&record.left);
    // One chunk waits while another one is written.
    let (tx, chunks) = mpsc::channel(1);
    // A transaction waits for the rows.
    let merging = background::run(Priority::Normal, move || {
        let parts = others.iter().map(StoredLoad::part).collect::<Result<_, _>>()?;
        let mut rows = Vec::with_capacity(chunk);
        for merged in Merge::new(parts)? {
            let merged = merged?;
            let has = merged.tokens.iter().any(|(other, ..)| *other == broker);
            if has || is_among(&left, &merged.row) {
                rows.push((merged.row, merged.is_active));
            }
            if rows.len() == chunk {
                let full = std::mem::replace(&mut rows, Vec::with_capacity(chunk));
                if tx.blocking_send(full).is_err() {
                    // The receiver is gone, so nobody writes them.
                    return Ok(());
                }
            }
        }
        // This was the last chunk, so it does not matter whether the receiver is gone.
        let _ = tx.blocking_send(rows);
        Ok(())
    });
    MergedRows { chunks, merging: merging.boxed() }
}

fn is_among(left: &[(Exchange, String)], row: &Row) -> bool {
    left.binary_search_by(|(exchange, symbol)| (*exchange, symbol).cmp(&(row.exchange, &row.symbol))).is_ok()
}

impl MergedRows {
    /// Returns the next chunk; `None` after the last one.
    ///
    /// # Errors
    /// [`StoreError::Data`] if a load cannot be read. Earlier chunks must not be used then.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<MergedRow>>, StoreError> {
        if let Some(rows) = self.chunks.recv().await {
            return Ok(Some(rows));
        }
        let merged = (&mut self.merging).await;
        let merged = merged.map_err(|e| StoreError::Data(format!("failed to merge the files of the brokers: {e}")))?;
        merged.map_err(|fault| unreadable(&fault))?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use registry_planning::ingest::archive::BrokerState;
    use registry_planning::ingest::diff::Diff;

    use super::*;

    #[test]
    fn only_archives_with_another_title_are_foreign() {
        assert!(is_foreign(&Diff::default().write()));
        assert!(!is_foreign(&BrokerState::default().write()));
        assert!(!is_foreign(b"damaged"));
    }
}
