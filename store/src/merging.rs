//! Merges what is stored of several brokers, whichever the database.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::{Broker, Row};
use registry_planning::instrument::Exchange;
use registry_planning::load::DocumentError;
use registry_planning::load::archive::{Archive, Said};
use registry_planning::load::gate::credible_date;
use registry_planning::merge::{self, Merge, Part};
use registry_planning::plan::describe::trading_date;
use tokio::sync::mpsc;
use tracing::warn;

use super::error::StoreError;
use super::loads::{LastAccepted, LoadRecord, StoredCatalogue, unreadable};
use crate::background::{self, Ended};

/// A broker's last accepted load, as it is stored.
pub(super) struct StoredLoad {
    pub(super) version: i64,
    pub(super) broker: Broker,
    pub(super) file_date: Option<NaiveDate>,
    pub(super) loaded_at: DateTime<Utc>,
    pub(super) said: Said,
}

/// Whether an archive is of a form that this release does not know, as after a newer one was given up again.
pub(super) fn is_foreign(archive: &[u8]) -> bool {
    matches!(Archive::new(archive), Err(DocumentError::Form { .. }))
}

impl StoredLoad {
    /// A load as it is stored. Earlier releases took files of any date: one that was in the future when its file was loaded
    /// is ignored.
    pub(super) fn new(
        version: i64,
        broker: Broker,
        file_date: Option<NaiveDate>,
        loaded_at: DateTime<Utc>,
        said: Said,
    ) -> Self {
        let known = credible_date(file_date, trading_date(loaded_at));
        if let (Some(file_date), None) = (file_date, known) {
            warn!(broker = broker.as_str(), version, %file_date, "ignored file date: later than the day after its load");
        }
        StoredLoad { version, broker, file_date: known, loaded_at, said }
    }

    fn part(&self) -> Result<Part<'_>, DocumentError> {
        let (file_date, loaded_at) = (self.file_date, Some(self.loaded_at));
        Ok(Part { broker: self.broker, file_date, loaded_at, rows: self.said.rows()? })
    }
}

/// Runs work that takes long: not on a thread that serves requests.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DocumentError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = background::run(work).await;
    let done = done.map_err(|e| StoreError::Data(format!("failed to merge the files of the brokers: {e}")))?;
    done.map_err(|fault| unreadable(&fault))
}

/// Builds the catalogue; `None` where there is no load.
pub(super) async fn catalogue(loads: Vec<StoredLoad>) -> Result<Option<StoredCatalogue>, StoreError> {
    let Some(version) = loads.iter().map(|load| load.version).max() else { return Ok(None) };
    let build = move || -> Result<Catalogue, DocumentError> {
        let parts = loads.iter().map(StoredLoad::part).collect::<Result<_, _>>()?;
        merge::catalogue(parts, version.to_string())
    };
    Ok(Some(StoredCatalogue { version, catalogue: apart(build).await? }))
}

/// A broker's last accepted load.
pub(super) fn last(load: Option<StoredLoad>) -> Option<LastAccepted> {
    load.map(|StoredLoad { version, file_date, said, .. }| LastAccepted { version, file_date, said })
}

/// An instrument as the tables have it, and whether any broker's last file has it.
pub(super) type Instrument = (Row, bool);

/// What the table `instruments` is to say once a load is accepted, part by part: of those that its file has or has ceased
/// to have.
pub(super) struct Instruments {
    chunks: mpsc::Receiver<Vec<Instrument>>,
    merging: BoxFuture<'static, Result<Result<(), DocumentError>, Ended>>,
}

/// Begins to merge. `others` are the other brokers' loads; a part has so many rows.
pub(super) fn instruments(mut others: Vec<StoredLoad>, record: &LoadRecord, chunk: usize) -> Instruments {
    let broker = record.offer.broker;
    let (file_date, loaded_at) = (record.offer.file_date, record.offer.loaded_at);
    others.push(StoredLoad::new(0, broker, file_date, loaded_at, Said::Archive(Arc::clone(&record.archive))));
    let left = Arc::clone(&record.left);
    // One part waits while one is written.
    let (tx, chunks) = mpsc::channel(1);
    let merging = background::run(move || {
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
                    // Nobody writes them any more.
                    return Ok(());
                }
            }
        }
        // That the receiver is gone changes nothing now.
        let _ = tx.blocking_send(rows);
        Ok(())
    });
    Instruments { chunks, merging: merging.boxed() }
}

fn is_among(left: &[(Exchange, String)], row: &Row) -> bool {
    left.binary_search_by(|(exchange, symbol)| (*exchange, symbol).cmp(&(row.exchange, &row.symbol))).is_ok()
}

impl Instruments {
    /// The next part; `None` after the last.
    ///
    /// # Errors
    /// [`StoreError::Data`] where a load cannot be read. What was handed over before is not to be used then.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Instrument>>, StoreError> {
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
    use registry_planning::load::archive::BrokerState;
    use registry_planning::load::diff::Diff;

    use super::*;

    #[test]
    fn only_what_has_another_title_is_foreign() {
        assert!(is_foreign(&Diff::default().write()));
        assert!(!is_foreign(&BrokerState::default().write()));
        assert!(!is_foreign(b"damaged"));
    }
}
