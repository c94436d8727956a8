//! The rejected files in effect: those after which no file of their broker was accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use metrics::{counter, gauge};
use registry_planning::ingest::gate;
use registry_planning::vocabulary::{Broker, format_time};
use registry_store::RejectedFile;
use tracing::error;

/// Failed gates of rejected files, by broker and gate.
pub(crate) const FAILED_GATES: &str = "instrument_registry_catalogue_refusals_total";
/// Rejected files since the last accepted one, by broker.
pub(crate) const REJECTED_FILES_IN_EFFECT: &str = "instrument_registry_catalogue_refusals_in_effect";
/// The label of a gate that this release does not know.
pub(crate) const OTHER_GATE: &str = "other";

/// The rejected files in effect. They outlive the catalogue actor.
#[derive(Default)]
pub(super) struct RejectedFiles {
    in_effect: ArcSwap<Vec<RejectedFile>>,
    /// The id of the newest rejected file that was logged.
    newest_logged: AtomicI64,
}

impl RejectedFiles {
    /// Returns the rejected files in effect, newest first.
    pub(super) fn in_effect(&self) -> Arc<Vec<RejectedFile>> {
        self.in_effect.load_full()
    }

    /// Stores the rejected files of the database, and raises an alarm for new ones. At the start of the
    /// service all files in effect are new, because it has not raised an alarm for any of them.
    pub(super) fn follow(&self, in_effect: Vec<RejectedFile>) {
        let logged = self.newest_logged.load(Ordering::Relaxed);
        for rejected_file in in_effect.iter().filter(|rejected_file| rejected_file.rejection_id > logged) {
            alarm(rejected_file);
        }
        let newest = in_effect.iter().map(|rejected_file| rejected_file.rejection_id).max().unwrap_or_default();
        self.newest_logged.fetch_max(newest, Ordering::Relaxed);
        if *self.in_effect.load_full() != in_effect {
            count_in_effect(&in_effect);
            self.in_effect.store(Arc::new(in_effect));
        }
    }
}

/// Sets the number of rejected files in effect of each broker.
#[allow(clippy::cast_precision_loss)]
pub(super) fn count_in_effect(in_effect: &[RejectedFile]) {
    for broker in Broker::WITH_FILES {
        let count = in_effect.iter().filter(|rejected_file| rejected_file.broker == broker).count();
        gauge!(REJECTED_FILES_IN_EFFECT, "broker_id" => broker.as_str()).set(count as f64);
    }
}

fn alarm(rejected_file: &RejectedFile) {
    for fault in &rejected_file.faults {
        let gate = gate::NAMES.into_iter().find(|name| *name == fault.gate).unwrap_or(OTHER_GATE);
        counter!(FAILED_GATES, "broker_id" => rejected_file.broker.as_str(), "gate" => gate).increment(1);
        error!(
            broker = rejected_file.broker.as_str(),
            source = rejected_file.source,
            gate = fault.gate,
            detail = fault.detail,
            rejected_at = format_time(rejected_file.rejected_at),
            "file rejected: catalog unchanged"
        );
    }
}
