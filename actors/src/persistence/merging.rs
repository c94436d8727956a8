//! Merges what is stored of several brokers, whichever the database.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::{Broker, Row};
use registry_planning::instrument::Exchange;
use registry_planning::load::DocumentError;
use registry_planning::load::archive::{Archive, BrokerState};
use registry_planning::merge::{self, Merge, Part, Rows};

use super::loads::{LastAccepted, LoadRecord, StoredCatalogue};
use super::store::StoreError;

/// A broker's last accepted load, as it is stored.
pub(super) struct StoredLoad {
    pub(super) version: i64,
    pub(super) broker: Broker,
    pub(super) file_date: Option<NaiveDate>,
    pub(super) loaded_at: DateTime<Utc>,
    pub(super) state: StoredState,
}

/// What a broker's files said, as it is stored.
pub(super) enum StoredState {
    Archive(Arc<[u8]>),
    /// Read from the tables: the load was made by a release that kept no archive, or one of another form.
    Rows(BrokerState),
}

/// Whether an archive is of a form that this release does not know, as after a newer one was given up again.
pub(super) fn is_foreign(archive: &[u8]) -> bool {
    matches!(Archive::new(archive), Err(DocumentError::Form { .. }))
}

impl StoredLoad {
    fn part(&self) -> Result<Part<'_>, DocumentError> {
        let rows: Rows<'_> = match &self.state {
            StoredState::Archive(bytes) => Box::new(Archive::new(bytes)?),
            StoredState::Rows(state) => Box::new(state.rows().iter().cloned().map(Ok)),
        };
        Ok(Part { broker: self.broker, file_date: self.file_date, loaded_at: Some(self.loaded_at), rows })
    }
}

fn unreadable(fault: &DocumentError) -> StoreError {
    StoreError::Data(format!("column `archive`: {fault}"))
}

/// Runs work that takes long: not on a thread that serves requests.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DocumentError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|e| StoreError::Data(format!("merging the brokers' loads failed: {e}")))?;
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

/// Reads a broker's last accepted load whole.
pub(super) async fn last(load: Option<StoredLoad>) -> Result<Option<LastAccepted>, StoreError> {
    let Some(StoredLoad { version, file_date, state, .. }) = load else { return Ok(None) };
    let state = match state {
        StoredState::Rows(state) => state,
        StoredState::Archive(bytes) => apart(move || BrokerState::read(&bytes)).await?,
    };
    Ok(Some(LastAccepted { version, file_date, state }))
}

/// What the table `instruments` is to say, once `record` is accepted, of those that its file has or has ceased to have.
/// `others` are the other brokers' loads.
pub(super) async fn instruments(
    mut others: Vec<StoredLoad>,
    record: &LoadRecord,
) -> Result<Vec<(Row, bool)>, StoreError> {
    let broker = record.offer.broker;
    others.push(StoredLoad {
        version: 0,
        broker,
        file_date: record.offer.file_date,
        loaded_at: record.offer.loaded_at,
        state: StoredState::Archive(Arc::clone(&record.archive)),
    });
    let left: Arc<HashSet<(Exchange, String)>> = Arc::clone(&record.left);
    apart(move || {
        let parts = others.iter().map(StoredLoad::part).collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for merged in Merge::new(parts) {
            let merged = merged?;
            let has = merged.tokens.iter().any(|(other, ..)| *other == broker);
            if has || (!left.is_empty() && left.contains(&(merged.row.exchange, merged.row.symbol.clone()))) {
                rows.push((merged.row, merged.is_active));
            }
        }
        Ok(rows)
    })
    .await
}

#[cfg(test)]
mod tests {
    use registry_planning::load::diff::Diff;

    use super::*;

    #[test]
    fn only_what_has_another_title_is_foreign() {
        assert!(is_foreign(&Diff::default().write()));
        assert!(!is_foreign(&BrokerState::default().write()));
        assert!(!is_foreign(b"damaged"));
    }
}
