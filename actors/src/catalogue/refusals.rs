//! The refused files after which no file of their broker was accepted, as the running service knows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use metrics::{counter, gauge};
use registry_planning::ingest::gate;
use registry_planning::vocabulary::{Broker, format_time};
use registry_store::Refusal;
use tracing::error;

/// Failed gates of refused files, by broker and gate.
pub(crate) const CATALOGUE_REFUSALS: &str = "instrument_registry_catalogue_refusals_total";
/// Rejected files since the last accepted one, by broker.
pub(crate) const REFUSALS_IN_EFFECT: &str = "instrument_registry_catalogue_refusals_in_effect";
/// The label of a gate that this release does not know.
pub(crate) const OTHER_GATE: &str = "other";

/// The refusals in effect. Outlives the catalogue actor.
#[derive(Default)]
pub(super) struct Refusals {
    in_effect: ArcSwap<Vec<Refusal>>,
    /// The id of the newest refusal that was logged.
    newest_logged: AtomicI64,
}

impl Refusals {
    /// Returns the refusals in effect, newest first.
    pub(super) fn in_effect(&self) -> Arc<Vec<Refusal>> {
        self.in_effect.load_full()
    }

    /// Stores the refusals of the database, and raises an alarm for new ones. Those in effect at the start of the service
    /// are new to it: it was not there to raise the alarm.
    pub(super) fn follow(&self, in_effect: Vec<Refusal>) {
        let logged = self.newest_logged.load(Ordering::Relaxed);
        for refusal in in_effect.iter().filter(|refusal| refusal.refusal_id > logged) {
            alarm(refusal);
        }
        let newest = in_effect.iter().map(|refusal| refusal.refusal_id).max().unwrap_or_default();
        self.newest_logged.fetch_max(newest, Ordering::Relaxed);
        if *self.in_effect.load_full() != in_effect {
            count_in_effect(&in_effect);
            self.in_effect.store(Arc::new(in_effect));
        }
    }
}

/// Sets the number of refusals in effect of each broker.
#[allow(clippy::cast_precision_loss)]
pub(super) fn count_in_effect(in_effect: &[Refusal]) {
    for broker in Broker::WITH_FILES {
        let count = in_effect.iter().filter(|refusal| refusal.broker == broker).count();
        gauge!(REFUSALS_IN_EFFECT, "broker_id" => broker.as_str()).set(count as f64);
    }
}

fn alarm(refusal: &Refusal) {
    for fault in &refusal.faults {
        let gate = gate::NAMES.into_iter().find(|name| *name == fault.gate).unwrap_or(OTHER_GATE);
        counter!(CATALOGUE_REFUSALS, "broker_id" => refusal.broker.as_str(), "gate" => gate).increment(1);
        error!(
            broker = refusal.broker.as_str(),
            source = refusal.source,
            gate = fault.gate,
            detail = fault.detail,
            rejected_at = format_time(refusal.refused_at),
            "file rejected: catalog unchanged"
        );
    }
}
