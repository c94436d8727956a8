//! Brokers' files on their way into a store, and what is kept of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::{Broker, Row};
use registry_planning::instrument::Exchange;
use registry_planning::load::archive::{Followed, Kept, Said};
use registry_planning::load::diff::{Change, ChangeKind};
use registry_planning::load::gate::{GateFault, LastLoad, Verdict};
use registry_planning::load::{DocumentError, FileLoad, QuarantinedRow};
use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// A broker's loads whose archives are kept: enough to look back a week of trading days. What changed is kept of all.
pub const ARCHIVES_KEPT: i64 = 5;
/// Refusals that are kept of a broker.
pub(super) const REFUSALS_KEPT: i64 = 100;
/// Refusals that are read at most, of all brokers.
pub(super) const REFUSALS_MAX: i64 = 100;
/// Rows left out that are stored of a file, and characters of each.
const QUARANTINE_MAX: (usize, usize) = (100, 200);

/// A broker's file that was read.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whose file it is.
    pub broker: Broker,
    /// Where it came from, for people.
    pub source: String,
    /// Its trading date, where known.
    pub file_date: Option<NaiveDate>,
    /// When it was read.
    pub loaded_at: DateTime<Utc>,
    /// What was read.
    pub load: FileLoad,
}

/// A broker's last accepted load.
#[derive(Clone, Debug)]
pub struct LastAccepted {
    /// Its version.
    pub version: i64,
    /// Its trading date, where known.
    pub file_date: Option<NaiveDate>,
    /// What the broker's files said up to it.
    pub said: Said,
}

impl LastAccepted {
    /// What the gates compare with, beside the rows of the next file, sorted by exchange and symbol. Takes a tenth of a
    /// second and more for a whole file, as everything that goes through one.
    ///
    /// # Errors
    /// [`StoreError::Data`] where what is stored cannot be read.
    pub fn file<'a>(&self, next: &'a [Row]) -> Result<LastLoad<Kept<'a>>, StoreError> {
        let rows = self.said.last_file(next).map_err(|fault| unreadable(&fault))?;
        Ok(LastLoad { rows, file_date: self.file_date })
    }
}

/// A file that was judged, on its way into the store.
#[derive(Clone, Debug)]
pub struct LoadRecord {
    /// The file.
    pub offer: Offer,
    /// The broker's load that it was judged beside; `None`: there was none.
    pub after: Option<i64>,
    /// The gates that it did not pass, and an operator overruled.
    pub overruled: Vec<GateFault>,
    /// How many changes there are of each kind.
    pub diff_counts: BTreeMap<&'static str, usize>,
    pub(super) diff: Vec<u8>,
    pub(super) archive: Arc<[u8]>,
    /// What the load before had and this one lacks, sorted.
    pub(super) left: Arc<[(Exchange, String)]>,
}

impl LoadRecord {
    /// Takes a few hundred milliseconds for a whole file: not for a thread that serves requests.
    ///
    /// # Errors
    /// [`StoreError::Data`] where what is stored of the last load cannot be read.
    pub fn new(offer: Offer, last: Option<&LastAccepted>, verdict: Verdict) -> Result<Self, StoreError> {
        let Verdict { faults, diff } = verdict;
        let (diff_counts, document) = (diff.counts(), diff.write());
        // A first file's difference is as long as the file.
        drop(diff);
        let nothing = Said::nothing();
        let before = last.map_or(&nothing, |last| &last.said);
        let Followed { archive, left } = before.followed_by(&offer.load.rows).map_err(|fault| unreadable(&fault))?;
        Ok(LoadRecord {
            after: last.map(|last| last.version),
            overruled: faults,
            diff_counts: diff_counts.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
            diff: document,
            archive: archive.into(),
            left: left.into(),
            offer,
        })
    }
}

/// What is told of an archive that cannot be read.
pub(super) fn unreadable(fault: &DocumentError) -> StoreError {
    StoreError::Data(format!("invalid column `archive`: {fault}"))
}

/// The stored catalogue and the version it has.
#[derive(Debug)]
pub struct StoredCatalogue {
    /// Number of the newest accepted load.
    pub version: i64,
    /// The catalogue of all brokers' last accepted loads.
    pub catalogue: Catalogue,
}

/// What a list shows of an accepted load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadSummary {
    /// Its version.
    pub version: i64,
    /// Whose file it was.
    pub broker: Broker,
    /// Where it came from, for people.
    pub source: String,
    /// Its trading date, where known.
    pub file_date: Option<NaiveDate>,
    /// 64 hexadecimal digits: SHA-256 of the rows kept.
    pub content_hash: String,
    /// When it was read.
    pub loaded_at: DateTime<Utc>,
    /// How many instruments it has.
    pub instruments: u64,
    /// How many changes there are of each kind; `None` of a load that is older than differences are kept.
    pub diff_counts: Option<BTreeMap<String, u64>>,
    /// The gates that it did not pass, and an operator overruled.
    pub overruled: Vec<StoredFault>,
}

/// The changes that one load made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadDiff {
    /// The load.
    pub load: LoadSummary,
    /// The first changes; `None` of a load that is older than differences are kept.
    pub changes: Option<Vec<Change>>,
}

/// A gate that a file did not pass, as it is stored. Another release may have gates of other names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFault {
    /// The gate's name.
    pub gate: String,
    /// What was found, and what is allowed.
    pub detail: String,
}

impl From<&GateFault> for StoredFault {
    fn from(fault: &GateFault) -> Self {
        StoredFault { gate: fault.gate.to_owned(), detail: fault.detail.clone() }
    }
}

impl std::fmt::Display for StoredFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.gate, self.detail)
    }
}

/// A file that was not accepted, on its way into the store.
#[derive(Clone, Debug)]
pub struct RefusalRecord {
    /// Whose file it is.
    pub broker: Broker,
    /// Where it came from, for people.
    pub source: String,
    /// When.
    pub refused_at: DateTime<Utc>,
    /// The gates that it did not pass.
    pub faults: Vec<GateFault>,
    /// Rows that were left out.
    pub quarantine: Vec<QuarantinedRow>,
}

/// A file that was not accepted, and after which none of its broker was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Grows with every refusal.
    pub refusal_id: i64,
    /// Whose file it is.
    pub broker: Broker,
    /// Where it came from, for people.
    pub source: String,
    /// When.
    pub refused_at: DateTime<Utc>,
    /// The gates that it did not pass.
    pub faults: Vec<StoredFault>,
}

/// Faults as a JSON array.
pub(super) fn stored(faults: &[GateFault]) -> Vec<StoredFault> {
    faults.iter().map(StoredFault::from).collect()
}

/// A row that was left out, as it is stored.
#[derive(Serialize)]
pub(super) struct StoredRow {
    line: u64,
    reason: &'static str,
    text: String,
}

/// The tables of loads, instruments and tokens, and of rejected files.
#[async_trait]
pub trait CatalogueStore: Send + Sync + 'static {
    /// Reads the version of the catalog; `None` if no load was ever accepted.
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError>;

    /// Reads and builds the catalog; `None` if no load was ever accepted.
    async fn catalogue(&self) -> Result<Option<StoredCatalogue>, StoreError>;

    /// Reads the last accepted load of a broker; `None` if it has none.
    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError>;

    /// Accepts a load as the last one of its broker, completely or not at all, and returns the new version of the catalog.
    /// Instruments that are missing from the file become inactive.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] if the last load of the broker is not the one with which the record was compared: the file
    /// must be checked again.
    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError>;

    /// Stores the rejection of a file.
    async fn refuse_load(&self, record: &RefusalRecord) -> Result<(), StoreError>;

    /// Reads up to a hundred rejections after which no load of their broker was accepted, newest first.
    async fn refusals(&self) -> Result<Vec<Refusal>, StoreError>;

    /// Lists up to `limit` accepted loads, newest first; only those before the version `before`, if given.
    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError>;

    /// Reads the first `limit` changes of a load, of one kind if given; `None` if there is no such load.
    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError>;
}

/// The first rows that were left out, as a JSON array.
pub(super) fn first_of(quarantine: &[QuarantinedRow]) -> Vec<StoredRow> {
    let (rows, characters) = QUARANTINE_MAX;
    let stored = |row: &QuarantinedRow| StoredRow {
        line: row.line,
        reason: row.reason,
        text: row.text.chars().take(characters).collect(),
    };
    quarantine.iter().take(rows).map(stored).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_rows_left_out_are_stored_of_two_hundred_characters_each() {
        let row = |line| QuarantinedRow { line, reason: "fault injected by a test", text: "₹".repeat(1000) };
        let rows: Vec<_> = (2..152).map(row).collect();

        let stored = first_of(&rows);

        assert_eq!((stored.len(), stored[99].line), (100, 101));
        assert!(stored.iter().all(|row| row.text == "₹".repeat(200)));
    }
}
