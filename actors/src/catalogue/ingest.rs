//! Whether a broker's file becomes its last accepted one.

use std::collections::BTreeMap;

use registry_planning::catalogue::hex;
use registry_planning::dump::Broker;
use registry_planning::load::gate::{GateFault, GateSettings, judge};
use tracing::{info, warn};

use crate::persistence::{LoadRecord, Offer, RefusalRecord, Store, StoreError};

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
}

/// Whether the gates may be overruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// A file that does not pass them is refused.
    No,
    /// An operator wants the file whatever they say, as long as there is a row in it.
    Yes,
}

/// Judges a file beside the broker's last one, and accepts or refuses it. Either is stored.
///
/// # Cancel safety
/// Not cancel safe: run it in a task of its own.
///
/// # Errors
/// [`StoreError`]; nothing was accepted then, except where the outcome is unknown.
pub async fn offer(
    store: &dyn Store,
    mut offer: Offer,
    gates: GateSettings,
    force: Force,
) -> Result<Outcome, StoreError> {
    for _ in 0..ATTEMPTS {
        let last = store.last_load(offer.broker).await?;
        // Comparing and packing take hundreds of milliseconds: not on a thread that serves requests.
        let judged = tokio::task::spawn_blocking(move || {
            let file = last.as_ref().map(|last| last.file(&offer.load.rows)).transpose()?;
            let mut verdict = judge(&gates, file.as_ref(), &offer.load, offer.file_date);
            drop(file);
            let is_empty = offer.load.rows.is_empty();
            if is_empty {
                verdict.faults.insert(0, nothing_kept(&offer));
            }
            let is_accepted = !is_empty && (verdict.faults.is_empty() || force == Force::Yes);
            Ok((LoadRecord::new(offer, last.as_ref(), verdict)?, is_accepted))
        });
        let (record, is_accepted) =
            judged.await.map_err(|e| StoreError::Data(format!("judging the file failed: {e}")))??;
        let outcome =
            |version| Outcome { version, faults: record.overruled.clone(), diff_counts: record.diff_counts.clone() };
        if !is_accepted {
            // The catalogue actor of every service on the database sees it, and alarms.
            store.refuse_load(&refusal_of(&record)).await?;
            return Ok(outcome(None));
        }
        match store.accept_load(&record).await {
            Ok(version) => {
                tell_accepted(version, &record);
                return Ok(outcome(Some(version)));
            }
            Err(StoreError::Overtaken) => offer = record.offer,
            Err(fault) => return Err(fault),
        }
    }
    Err(StoreError::Overtaken)
}

fn nothing_kept(offer: &Offer) -> GateFault {
    let detail = format!("none of its {} rows could be kept", offer.load.rows_read);
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
    info!(broker = broker.as_str(), source, version, instruments, hash = &hash[..12], "a broker's file was accepted");
    for GateFault { gate, detail } in &record.overruled {
        warn!(broker = broker.as_str(), version, gate, detail, "a gate was overruled");
    }
}
