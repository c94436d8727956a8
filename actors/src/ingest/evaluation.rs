//! Evaluates a broker's file against the gates, and accepts or rejects it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use registry_planning::calendar::Calendar;
use registry_planning::dump::Row;
use registry_planning::ingest::archive::{ArchivedRow, StoredInstruments};
use registry_planning::ingest::gate::{
    GateFault, GateSettings, Units, judge, judge_date, judge_part, units_may_differ,
};
use registry_planning::ingest::selection::{Completed, Mode, Selection};
use registry_planning::ingest::{DocumentError, FileContent};
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, Segment, counted, hex};
use registry_store::background::{self, Priority};
use registry_store::{LastAccepted, LoadRecord, Offer, RejectedFileRecord, Store, StoreError};
use tracing::{info, warn};

/// Maximum number of evaluations of a file. It is evaluated again if another file of its broker was accepted meanwhile.
const ATTEMPTS: usize = 3;
/// Maximum number of expiry dates that warnings list.
const CONTRADICTIONS_LISTED_MAX: usize = 10;

/// The result of evaluating a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateResult {
    /// The new version of the catalog; `None` if the file was rejected.
    pub version: Option<i64>,
    /// The gates that the file failed. For an accepted file: the gates that were overruled.
    pub faults: Vec<GateFault>,
    /// Unusual properties of the file that did not reject it.
    pub warnings: Vec<GateFault>,
    /// The segments of a rejected file that seems to contain a part of the instruments only. Empty otherwise.
    pub part: Vec<Segment>,
    /// The number of changes of each kind since the broker's last file.
    pub diff_counts: BTreeMap<&'static str, usize>,
    /// The number of instruments that are in both files and differ.
    pub updated: usize,
}

/// A broker's file that was read, and the rules for its evaluation.
#[derive(Clone, Debug)]
pub struct Offering {
    /// The file as it was read.
    pub offer: Offer,
    /// The instruments of the broker that the file covers.
    pub selection: Selection,
    /// The gates that the file must pass.
    pub gates: GateSettings,
    /// Whether the gates may be overruled.
    pub force: Force,
}

/// Whether the gates may be overruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// A file that fails a gate is rejected.
    No,
    /// An operator overrules the gates. The file must still contain a row, and its date must not be later than
    /// tomorrow.
    Yes,
}

/// Compares a file with the broker's last one, accepts or rejects it, and stores the result. Returns `None` if
/// `is_canceled` returned `true` before anything was stored.
///
/// # Cancel safety
/// Not cancel safe: run it in its own task.
///
/// # Errors
/// [`StoreError`]. The file was not accepted, unless the outcome is unknown.
pub async fn offer(
    store: &dyn Store,
    offering: Offering,
    is_canceled: &(dyn Fn() -> bool + Sync),
) -> Result<Option<GateResult>, StoreError> {
    let Offering { mut offer, selection, gates, force } = offering;
    // The merged rows of a partial file depend on the previous load, which may have changed by the next attempt.
    let mut file = (!selection.is_everything()).then(|| offer.load.clone());
    for _ in 0..ATTEMPTS {
        let last = store.last_load(offer.broker).await?;
        let others = others(store, &offer).await?;
        let calendar = calendar(store).await;
        if is_canceled() {
            return Ok(None);
        }
        // Comparing and packing take hundreds of milliseconds, so they do not run on a thread that serves requests. No
        // transaction is open.
        let evaluation = Evaluation { offer, selection: selection.clone(), file, last, others, calendar, gates };
        let evaluated = background::run(Priority::Low, move || evaluation.run(force));
        let EvaluatedFile { record, is_accepted, updated, part, file: unchanged } =
            evaluated.await.map_err(|e| StoreError::Data(format!("failed to check the file: {e}")))??;
        file = unchanged;
        if is_canceled() {
            return Ok(None);
        }
        let result = |version| GateResult {
            version,
            faults: record.overruled.clone(),
            warnings: record.warnings.clone(),
            part,
            diff_counts: record.diff_counts.clone(),
            updated,
        };
        if !is_accepted {
            // The catalogue actor of every service on the database reads the rejected file and raises the alarm.
            store_rejected_file(store, &rejected_file_record(&record)).await?;
            return Ok(Some(result(None)));
        }
        match store.accept_load(&record).await {
            Ok(version) => {
                log_accepted(version, &record);
                return Ok(Some(result(Some(version))));
            }
            Err(StoreError::Overtaken) => offer = record.offer,
            Err(fault) => return Err(fault),
        }
    }
    Err(StoreError::Overtaken)
}

/// Reads the archives of the last loads of the other brokers, which take a few megabytes each. A load of an earlier
/// release, whose units may be wrong, is left out.
async fn others(store: &dyn Store, offer: &Offer) -> Result<Vec<(Broker, StoredInstruments)>, StoreError> {
    let mut others = Vec::new();
    if offer.load.rows.iter().all(|row| row.expiry.is_none()) {
        return Ok(others);
    }
    for broker in Broker::WITH_FILES.into_iter().filter(|broker| *broker != offer.broker) {
        let last = store.last_load(broker).await?.map(|last| last.instruments);
        others.extend(last.filter(|last| last.has_current_units()).map(|last| (broker, last)));
    }
    Ok(others)
}

/// Reads the trading calendar in effect. Returns an empty one if no calendar is stored or the database fails: the
/// calendar only adds warnings, so a failure must not reject a file.
async fn calendar(store: &dyn Store) -> Calendar {
    let stored = store.calendar_after(0).await.ok().flatten();
    stored.map(|stored| stored.record.calendar).unwrap_or_default()
}

/// Returns the warnings about expiries on days on which their exchange does not trade. The calendar may be wrong as
/// well, so they do not reject the file.
fn expiry_warnings<'a>(calendar: &Calendar, rows: impl Iterator<Item = &'a Row>) -> Vec<GateFault> {
    let contradictions = calendar.contradicted_by_rows(rows);
    let mut details: Vec<String> =
        contradictions.iter().take(CONTRADICTIONS_LISTED_MAX).map(ToString::to_string).collect();
    if contradictions.len() > CONTRADICTIONS_LISTED_MAX {
        let others = contradictions.len() - CONTRADICTIONS_LISTED_MAX;
        details.push(format!("{} more on which the exchange does not trade", counted(others, "expiry date")));
    }
    details.into_iter().map(|detail| GateFault { gate: "expiries", detail }).collect()
}

struct Evaluation {
    offer: Offer,
    selection: Selection,
    /// The file as it was read, if it covers a part of the instruments.
    file: Option<FileContent>,
    last: Option<LastAccepted>,
    /// The last loads of the other brokers.
    others: Vec<(Broker, StoredInstruments)>,
    calendar: Calendar,
    gates: GateSettings,
}

struct EvaluatedFile {
    record: LoadRecord,
    is_accepted: bool,
    updated: usize,
    part: Vec<Segment>,
    file: Option<FileContent>,
}

impl Evaluation {
    fn run(self, force: Force) -> Result<EvaluatedFile, StoreError> {
        let Evaluation { mut offer, selection, file, last, others, calendar, gates } = self;
        let (mut faults, mut is_empty) = (Vec::new(), offer.load.rows.is_empty());
        if let Some(file) = &file {
            let nothing = StoredInstruments::none();
            let before = last.as_ref().map_or(&nothing, |last| &last.instruments).rows().map_err(unreadable)?;
            let active = before.filter_map(|row| row.map(|row| row.is_active.then_some(row.row)).transpose());
            let Completed { load, before, after } = selection.complete(file.clone(), active).map_err(unreadable)?;
            offer.load = load;
            is_empty |= after == 0;
            if selection.mode != Mode::Incremental {
                faults = judge_part(&gates, before, after);
            }
        }
        let before = last.as_ref().map(|last| last.file(&offer.load.rows)).transpose()?;
        let mut result = judge(&gates, before.as_ref(), &offer.load, offer.file_date);
        if file.is_some() {
            // `judge_part` compares the number of rows with that of the same part, which may be new to the broker.
            result.faults.retain(|fault| fault.gate != "rows");
        }
        result.faults.extend(faults);
        // Instruments that a partial file does not cover are not compared: they are not its fault.
        let rows = file.as_ref().map_or(&offer.load.rows, |file| &file.rows);
        let selected = || rows.iter().filter(|row| selection.filters.selects(row));
        if !others.is_empty() && units_may_differ(selected(), before.as_ref()) {
            let mut units = Units::new(selected(), before.as_ref());
            for (broker, instruments) in others {
                let active = |row: &Result<ArchivedRow, _>| row.as_ref().map_or(true, |row| row.is_active);
                let rows = instruments.rows().map_err(unreadable)?.filter(active).map(|row| row.map(|row| row.row));
                units.compare(broker, rows).map_err(unreadable)?;
            }
            result.faults.extend(units.faults(&mut result.warnings));
        }
        result.warnings.extend(expiry_warnings(&calendar, selected()));
        drop(before);
        result.faults.extend(judge_date(offer.file_date, trading_date(offer.loaded_at)));
        if is_empty {
            result.faults.insert(0, no_rows_fault(&offer, file.is_some()));
        }
        let is_overruled = force == Force::Yes && result.faults.iter().all(GateFault::can_be_overruled);
        let is_accepted = result.faults.is_empty() || is_overruled;
        let updated = result.diff.updated();
        let part = std::mem::take(&mut result.part);
        Ok(EvaluatedFile { record: LoadRecord::new(offer, last.as_ref(), result)?, is_accepted, updated, part, file })
    }
}

#[allow(clippy::needless_pass_by_value)] // So that `map_err` can take it by name.
fn unreadable(fault: DocumentError) -> StoreError {
    StoreError::Data(format!("invalid column `archive`: {fault}"))
}

fn no_rows_fault(offer: &Offer, is_part: bool) -> GateFault {
    let what = if is_part { "no rows match the selected filters" } else { "no valid rows" };
    let rows = offer.load.rows_read;
    let detail = format!("{what} ({rows} {} read)", if rows == 1 { "row" } else { "rows" });
    GateFault { gate: "readable", detail }
}

/// Stores the rejection of a file. If the database rejects a text of the record, the record is stored with plain texts,
/// because it raises the alarm.
///
/// # Errors
/// [`StoreError`].
pub async fn store_rejected_file(store: &dyn Store, record: &RejectedFileRecord) -> Result<(), StoreError> {
    match store.reject_load(record).await {
        Err(StoreError::Data(why)) => {
            warn!(
                broker = record.broker.as_str(),
                why, "database rejected the texts of a rejected file: storing plain ones"
            );
            store.reject_load(&plain(record)).await
        }
        result => result,
    }
}

/// Returns a record whose texts every database can store: printable ASCII.
fn plain(record: &RejectedFileRecord) -> RejectedFileRecord {
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
    };
    let faults = record.faults.iter();
    RejectedFileRecord {
        source: plain(&record.source),
        faults: faults.map(|fault| GateFault { gate: fault.gate, detail: plain(&fault.detail) }).collect(),
        quarantine: Vec::new(),
        ..record.clone()
    }
}

fn rejected_file_record(record: &LoadRecord) -> RejectedFileRecord {
    let offer = &record.offer;
    RejectedFileRecord {
        broker: offer.broker,
        source: offer.source.clone(),
        rejected_at: offer.loaded_at,
        faults: record.overruled.clone(),
        quarantine: offer.load.quarantine.clone(),
    }
}

fn log_accepted(version: i64, record: &LoadRecord) {
    let Offer { source, load, .. } = &record.offer;
    let broker: Broker = record.offer.broker;
    let (instruments, hash) = (load.rows.len(), hex(&load.content_hash));
    info!(
        broker = broker.as_str(),
        source,
        version,
        instruments,
        rejected = load.rejected_total(),
        skipped = load.skipped_total(),
        duplicates = load.duplicates,
        hash = &hash[..12],
        "file accepted"
    );
    for GateFault { gate, detail } in &record.warnings {
        warn!(broker = broker.as_str(), version, gate, detail, "file accepted with a warning");
    }
    for GateFault { gate, detail } in &record.overruled {
        warn!(broker = broker.as_str(), version, gate, detail, "gate overruled");
    }
}

/// Returns the first `YYYY-MM-DD` in the name of a file that is a date.
pub fn date_in(name: &str) -> Option<NaiveDate> {
    (0..name.len()).filter_map(|start| name.get(start..start + 10)).find_map(|part| {
        let has_date_form = part.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        has_date_form.then(|| part.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_found_in_a_files_name() {
        let date = |text: &str| Some(text.parse::<NaiveDate>().unwrap());

        assert_eq!(date_in("kite_nfo_bfo_2026-08-17.csv.gz"), date("2026-08-17"));
        assert_eq!(date_in("9999-99-99_2026-08-17"), date("2026-08-17"));
        assert_eq!(date_in("kite_2026-8-17.csv"), None);
        assert_eq!(date_in("ä.csv"), None);
    }
}
