//! Whether a broker's file becomes its last accepted one.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use registry_planning::catalogue::hex;
use registry_planning::dump::Broker;
use registry_planning::load::DocumentError;
use registry_planning::load::archive::Said;
use registry_planning::load::gate::{GateFault, GateSettings, judge, judge_date, judge_part};
use registry_planning::load::selection::{Completed, Mode, Selection};
use registry_planning::plan::describe::trading_date;
use registry_store::background;
use registry_store::{LoadRecord, Offer, RefusalRecord, Store, StoreError};
use tracing::{info, warn};

/// How often a file is judged anew when another one of its broker was accepted meanwhile.
const ATTEMPTS: usize = 3;

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The catalogue's new version; `None`: the file was refused.
    pub version: Option<i64>,
    /// The gates that it did not pass. Of a file that was accepted all the same, those that were overruled.
    pub faults: Vec<GateFault>,
    /// How many changes there are of each kind beside the broker's last file.
    pub diff_counts: BTreeMap<&'static str, usize>,
    /// How many of the instruments that both files have differ.
    pub updated: usize,
}

/// A broker's file that was read, and how it is to be taken.
#[derive(Clone, Debug)]
pub struct Offering {
    /// The file.
    pub offer: Offer,
    /// How much of the broker's instruments it speaks for.
    pub selection: Selection,
    /// What it must fulfil.
    pub gates: GateSettings,
    /// Whether the gates may be overruled.
    pub force: Force,
}

/// Whether the gates may be overruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// A file that does not pass them is refused.
    No,
    /// An operator wants the file whatever they say, as long as there is a row in it and its date is not later than
    /// tomorrow.
    Yes,
}

/// Judges a file beside the broker's last one, and accepts or refuses it. Either is stored. `None`: `is_wanted` said, before
/// anything was stored, that nobody wants it any more.
///
/// # Cancel safety
/// Not cancel safe: run it in a task of its own.
///
/// # Errors
/// [`StoreError`]; nothing was accepted then, except where the outcome is unknown.
pub async fn offer(
    store: &dyn Store,
    offering: Offering,
    is_wanted: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Outcome>, StoreError> {
    let Offering { mut offer, selection, gates, force } = offering;
    // What is added to a part of a catalogue depends on the load before it, which may be another one by then.
    let mut part = (!selection.is_everything()).then(|| (selection, offer.load.clone()));
    for _ in 0..ATTEMPTS {
        let last = store.last_load(offer.broker).await?;
        if !is_wanted() {
            return Ok(None);
        }
        // Comparing and packing take hundreds of milliseconds: not on a thread that serves requests.
        let judged = background::run(move || {
            let (mut faults, mut is_empty) = (Vec::new(), offer.load.rows.is_empty());
            if let Some((selection, file)) = &part {
                let nothing = Said::nothing();
                let before = last.as_ref().map_or(&nothing, |last| &last.said).rows().map_err(unreadable)?;
                let active = before.filter_map(|row| row.map(|row| row.is_active.then_some(row.row)).transpose());
                let Completed { load, before, after } = selection.complete(file.clone(), active).map_err(unreadable)?;
                offer.load = load;
                is_empty |= after == 0;
                if selection.mode != Mode::Incremental {
                    faults = judge_part(&gates, before, after);
                }
            }
            let file = last.as_ref().map(|last| last.file(&offer.load.rows)).transpose()?;
            let mut verdict = judge(&gates, file.as_ref(), &offer.load, offer.file_date);
            drop(file);
            verdict.faults.extend(faults);
            verdict.faults.extend(judge_date(offer.file_date, trading_date(offer.loaded_at)));
            if is_empty {
                verdict.faults.insert(0, nothing_kept(&offer, part.is_some()));
            }
            let is_overruled = force == Force::Yes && verdict.faults.iter().all(GateFault::can_be_overruled);
            let is_accepted = verdict.faults.is_empty() || is_overruled;
            let updated = verdict.diff.updated();
            Ok((LoadRecord::new(offer, last.as_ref(), verdict)?, is_accepted, updated, part))
        });
        let (record, is_accepted, updated, file) =
            judged.await.map_err(|e| StoreError::Data(format!("failed to check the file: {e}")))??;
        part = file;
        if !is_wanted() {
            return Ok(None);
        }
        let outcome = |version| Outcome {
            version,
            faults: record.overruled.clone(),
            diff_counts: record.diff_counts.clone(),
            updated,
        };
        if !is_accepted {
            // The catalogue actor of every service on the database sees it, and alarms.
            store.refuse_load(&refusal_of(&record)).await?;
            return Ok(Some(outcome(None)));
        }
        match store.accept_load(&record).await {
            Ok(version) => {
                tell_accepted(version, &record);
                return Ok(Some(outcome(Some(version))));
            }
            Err(StoreError::Overtaken) => offer = record.offer,
            Err(fault) => return Err(fault),
        }
    }
    Err(StoreError::Overtaken)
}

#[allow(clippy::needless_pass_by_value)] // So that it can be given to `map_err` by its name.
fn unreadable(fault: DocumentError) -> StoreError {
    StoreError::Data(format!("invalid column `archive`: {fault}"))
}

fn nothing_kept(offer: &Offer, is_part: bool) -> GateFault {
    let what = if is_part { "no rows match the selected filters" } else { "no valid rows" };
    let rows = offer.load.rows_read;
    let detail = format!("{what} ({rows} {} read)", if rows == 1 { "row" } else { "rows" });
    GateFault { gate: "readable", detail }
}

fn refusal_of(record: &LoadRecord) -> RefusalRecord {
    let offer = &record.offer;
    RefusalRecord {
        broker: offer.broker,
        source: offer.source.clone(),
        refused_at: offer.loaded_at,
        faults: record.overruled.clone(),
        quarantine: offer.load.quarantine.clone(),
    }
}

fn tell_accepted(version: i64, record: &LoadRecord) {
    let Offer { source, load, .. } = &record.offer;
    let broker: Broker = record.offer.broker;
    let (instruments, hash) = (load.rows.len(), hex(&load.content_hash));
    info!(broker = broker.as_str(), source, version, instruments, hash = &hash[..12], "file accepted");
    for GateFault { gate, detail } in &record.overruled {
        warn!(broker = broker.as_str(), version, gate, detail, "gate overruled");
    }
}

/// The first `YYYY-MM-DD` in a file's name that is a date.
pub fn date_in(name: &str) -> Option<NaiveDate> {
    (0..name.len()).filter_map(|start| name.get(start..start + 10)).find_map(|part| {
        let is_written_out = part.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        is_written_out.then(|| part.parse().ok()).flatten()
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
