//! The files that were refused and after which none of their broker was accepted, as the running service sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use metrics::counter;
use registry_planning::load::gate;
use registry_planning::plan::format_time;
use registry_store::Refusal;
use tracing::error;

/// Files refused, by broker and gate.
pub(crate) const CATALOGUE_REFUSALS: &str = "instrument_registry_catalogue_refusals_total";
/// The label of a gate that this release does not know.
pub(crate) const OTHER_GATE: &str = "other";

/// What stands. Outlives the actor that follows it.
#[derive(Default)]
pub(super) struct Refusals {
    standing: ArcSwap<Vec<Refusal>>,
    /// The newest one that was told.
    newest_told: AtomicI64,
}

impl Refusals {
    /// Newest first.
    pub(super) fn standing(&self) -> Arc<Vec<Refusal>> {
        self.standing.load_full()
    }

    /// Takes over what the database says, and alarms for what is new in it. What stands when the service starts is new to
    /// it: nobody was there to tell.
    pub(super) fn follow(&self, standing: Vec<Refusal>) {
        let told = self.newest_told.load(Ordering::Relaxed);
        for refusal in standing.iter().filter(|refusal| refusal.refusal_id > told) {
            alarm(refusal);
        }
        let newest = standing.iter().map(|refusal| refusal.refusal_id).max().unwrap_or_default();
        self.newest_told.fetch_max(newest, Ordering::Relaxed);
        if *self.standing.load_full() != standing {
            self.standing.store(Arc::new(standing));
        }
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
