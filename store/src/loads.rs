//! Brokers' files before and after they are stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::Row;
use registry_planning::ingest::archive::{Kept, MergedArchive, StoredInstruments};
use registry_planning::ingest::diff::{Change, ChangeKind};
use registry_planning::ingest::gate::{GateFault, GateResult, LastFile};
use registry_planning::ingest::{DocumentError, FileContent, QuarantinedRow};
use registry_planning::vocabulary::{Broker, Exchange};
use serde::{Deserialize, Serialize};

use super::background::Priority;
use super::error::StoreError;

/// Number of loads per broker whose archives are kept: a week of trading days. Differences are kept for all loads.
pub const ARCHIVES_KEPT: i64 = 5;
/// Number of rejected files that are kept per broker.
pub(super) const REJECTED_FILES_KEPT: i64 = 100;
/// Maximum number of rejected files that are read, of all brokers.
pub(super) const REJECTED_FILES_MAX: i64 = 100;
/// Maximum number of quarantined rows that are stored per file, and of characters of each.
const QUARANTINE_MAX: (usize, usize) = (100, 200);

/// A broker's file after it was read.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The broker that published the file.
    pub broker: Broker,
    /// The path, the URL without its query, or the name of the file, for messages.
    pub source: String,
    /// The trading date that the request or the name of the file contains; `None` if neither does.
    pub file_date: Option<NaiveDate>,
    /// The time at which the file was read.
    pub loaded_at: DateTime<Utc>,
    /// The accepted rows, the quarantined ones, and the numbers of rows of each kind.
    pub load: FileContent,
}

/// The last accepted load of a broker.
#[derive(Clone, Debug)]
pub struct LastAccepted {
    /// The version of the catalog that the load created. Loads of all brokers share one sequence.
    pub version: i64,
    /// The trading date of the file; `None` if it is unknown, or later than the day after the load.
    pub file_date: Option<NaiveDate>,
    /// The instruments of the broker up to this load.
    pub instruments: StoredInstruments,
}

impl LastAccepted {
    /// Returns the rows with which the gates compare the next file, whose rows are sorted by exchange and symbol. Takes
    /// 100 ms or more for a whole file.
    ///
    /// # Errors
    /// [`StoreError::Data`] if the stored load cannot be read.
    pub fn file<'a>(&self, next: &'a [Row]) -> Result<LastFile<Kept<'a>>, StoreError> {
        let rows = self.instruments.last_file(next).map_err(|fault| unreadable(&fault))?;
        Ok(LastFile { rows, file_date: self.file_date })
    }
}

/// A file that was checked, before it is stored.
#[derive(Clone, Debug)]
pub struct LoadRecord {
    /// The file. If it covers a part of the instruments, the other ones were added from the previous load.
    pub offer: Offer,
    /// The load of the broker with which it was compared; `None` if there was no load.
    pub after: Option<i64>,
    /// The gates that it failed and that an operator overruled.
    pub overruled: Vec<GateFault>,
    /// Unusual properties of the file that did not reject it.
    pub warnings: Vec<GateFault>,
    /// Number of changes of each kind.
    pub diff_counts: BTreeMap<&'static str, usize>,
    pub(super) diff: Vec<u8>,
    pub(super) archive: Arc<[u8]>,
    /// The instruments of the previous load that are missing from this one, sorted.
    pub(super) left: Arc<[(Exchange, String)]>,
}

impl LoadRecord {
    /// Compares and compresses the file. Takes a few hundred milliseconds for a whole file, so it must not run on a
    /// thread that serves requests.
    ///
    /// # Errors
    /// [`StoreError::Data`] if the stored last load cannot be read.
    pub fn new(offer: Offer, last: Option<&LastAccepted>, gate_result: GateResult) -> Result<Self, StoreError> {
        let GateResult { faults, warnings, part: _, diff } = gate_result;
        let (diff_counts, document) = (diff.counts(), diff.write());
        // The difference of a first file is as long as the file.
        let key_changes = diff.key_changes;
        drop(diff.changes);
        let nothing = StoredInstruments::none();
        let before = last.map_or(&nothing, |last| &last.instruments);
        let followed = before.followed_with(&offer.load.rows, &key_changes);
        let MergedArchive { archive, left } = followed.map_err(|fault| unreadable(&fault))?;
        Ok(LoadRecord {
            after: last.map(|last| last.version),
            overruled: faults,
            warnings,
            diff_counts: diff_counts.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
            diff: document,
            archive: archive.into(),
            left: left.into(),
            offer,
        })
    }
}

/// Returns the error for an archive that cannot be read.
pub(super) fn unreadable(fault: &DocumentError) -> StoreError {
    StoreError::Data(format!("invalid column `archive`: {fault}"))
}

/// The stored catalog and its version.
#[derive(Debug)]
pub struct StoredCatalogue {
    /// The version of the newest accepted load.
    pub version: i64,
    /// The catalog of the last accepted loads of all brokers.
    pub catalogue: Catalogue,
}

/// The fields of an accepted load that a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadSummary {
    /// The version of the catalog that the load created.
    pub version: i64,
    /// The broker that published the file.
    pub broker: Broker,
    /// The path, the URL without its query, or the name of the file, for messages.
    pub source: String,
    /// The trading date of the file; `None` if it is unknown.
    pub file_date: Option<NaiveDate>,
    /// SHA-256 of the accepted rows, in 64 hexadecimal digits.
    pub content_hash: String,
    /// The time at which the file was read.
    pub loaded_at: DateTime<Utc>,
    /// Number of instruments of the broker after the load.
    pub instruments: u64,
    /// Number of rows of the file. If it covered a part of the instruments, there may be fewer than `instruments`.
    pub rows_read: u64,
    /// Number of rejected rows, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Number of skipped rows, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Number of rows that are equal to an earlier row.
    pub duplicates: u64,
    /// Number of changes of each kind; `None` if the load is from before differences were stored.
    pub diff_counts: Option<BTreeMap<String, u64>>,
    /// The gates that it failed and that an operator overruled.
    pub overruled: Vec<StoredFault>,
    /// Unusual properties of the file that did not reject it.
    pub warnings: Vec<StoredFault>,
}

/// The changes of one load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadDiff {
    /// The load that made the changes.
    pub load: LoadSummary,
    /// The first changes; `None` if the load is from before differences were stored.
    pub changes: Option<Vec<Change>>,
}

/// A failed gate as it is stored. Other releases may have gates with other names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFault {
    /// The name of the gate, such as `rows`.
    pub gate: String,
    /// The actual figure and the limit.
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

/// A rejected file, before it is stored.
#[derive(Clone, Debug)]
pub struct RejectedFileRecord {
    /// The broker that published the file.
    pub broker: Broker,
    /// The path, the URL without its query, or the name of the file, for messages.
    pub source: String,
    /// The time of the rejection.
    pub rejected_at: DateTime<Utc>,
    /// The gates that it failed.
    pub faults: Vec<GateFault>,
    /// The quarantined rows in the order of the file. Only the first hundred are stored.
    pub quarantine: Vec<QuarantinedRow>,
}

/// A rejected file after which no file of its broker was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedFile {
    /// Ascends with every rejection.
    pub rejection_id: i64,
    /// The broker that published the file.
    pub broker: Broker,
    /// The path, the URL without its query, or the name of the file, for messages.
    pub source: String,
    /// The time of the rejection.
    pub rejected_at: DateTime<Utc>,
    /// The gates that it failed.
    pub faults: Vec<StoredFault>,
}

/// Returns faults for a JSON array.
pub(super) fn stored(faults: &[GateFault]) -> Vec<StoredFault> {
    faults.iter().map(StoredFault::from).collect()
}

/// A quarantined row as it is stored.
#[derive(Serialize)]
pub(super) struct StoredRow {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    reason: &'static str,
    text: String,
}

/// The tables of loads, instruments and tokens, and of rejected files.
#[async_trait]
pub trait CatalogueStore: Send + Sync + 'static {
    /// Reads the version of the catalog; `None` if no load was ever accepted.
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError>;

    /// Reads the catalog, and builds it with this priority; `None` if no load was ever accepted.
    async fn catalogue(&self, priority: Priority) -> Result<Option<StoredCatalogue>, StoreError>;

    /// Reads the last accepted load of a broker; `None` if it has none.
    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError>;

    /// Accepts a load as the last one of its broker, completely or not at all, and returns the new version of the
    /// catalog. Instruments that are missing from the file become inactive.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] if the last load of the broker is not the one with which the record was compared: the
    /// file must be checked again.
    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError>;

    /// Stores a rejected file. Deletes rejected files of the broker beyond the last hundred.
    async fn reject_load(&self, record: &RejectedFileRecord) -> Result<(), StoreError>;

    /// Reads up to a hundred rejected files after which no load of their broker was accepted, newest first.
    async fn rejected_files(&self) -> Result<Vec<RejectedFile>, StoreError>;

    /// Deletes all rejected files of a broker, and returns their number.
    async fn dismiss_rejected_files(&self, broker: Broker) -> Result<u64, StoreError>;

    /// Lists the last accepted load of each broker.
    async fn last_summaries(&self) -> Result<Vec<LoadSummary>, StoreError>;

    /// Lists up to `limit` accepted loads, newest first; only those before the version `before`, if given.
    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError>;

    /// Reads the first `limit` changes of a load, of one kind if given; `None` if there is no such load.
    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError>;
}

/// Returns the first quarantined rows for a JSON array.
pub(super) fn first_of(quarantine: &[QuarantinedRow]) -> Vec<StoredRow> {
    let (rows, characters) = QUARANTINE_MAX;
    let stored = |row: &QuarantinedRow| StoredRow {
        line: row.line,
        member: row.member.clone(),
        reason: row.reason,
        text: row.text.chars().take(characters).collect(),
    };
    quarantine.iter().take(rows).map(stored).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_a_hundred_shortened_rows_are_quarantined() {
        let row =
            |line| QuarantinedRow { line, member: None, reason: "fault injected by a test", text: "₹".repeat(1000) };
        let rows: Vec<_> = (2..152).map(row).collect();

        let stored = first_of(&rows);

        assert_eq!(stored.len(), 100);
        assert_eq!(stored[99].line, 101);
        assert!(stored.iter().all(|row| row.text == "₹".repeat(200)));
    }
}
