//! Metrics of the persistence actor.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use registry_planning::vocabulary::SubscriptionType;
use registry_store::{ConnectionCounts, DEPENDENCY};

use super::batch::BATCH_RETRIES;
use super::{OUTCOMES, profiles};
use crate::metrics::{register_failures, register_transitions};

/// Describes the metrics of batches, the database and profiles, and sets those with a closed list of labels to 0.
pub(crate) fn register() {
    profiles::register_metrics();
    describe_histogram!(
        "instrument_registry_persistence_batch_rows",
        "Number of plans, or of responses with idempotency keys, in a batch"
    );
    describe_histogram!(
        "instrument_registry_persistence_batch_duration_seconds",
        Unit::Seconds,
        "Time spent writing one batch durably"
    );
    describe_counter!(
        "instrument_registry_persistence_batches_total",
        "Number of batches by outcome: written, failed, or split because the database rejected a row"
    );
    describe_counter!(
        BATCH_RETRIES,
        "Number of batches retried on a new connection because the outcome of the first attempt was unknown"
    );
    describe_gauge!(
        "instrument_registry_database_connections",
        "Number of connections to the database by state: busy or idle"
    );
    describe_counter!(
        "instrument_registry_abandoned_writes_total",
        "Number of plans dropped before they were written because no caller was waiting"
    );
    describe_gauge!(
        "instrument_registry_subscription_plans_active",
        "Number of plans that have not expired, by subscription type"
    );

    // A histogram is exported, empty, as soon as it is looked up.
    let _ = histogram!("instrument_registry_persistence_batch_rows");
    let _ = histogram!("instrument_registry_persistence_batch_duration_seconds");
    for outcome in ["written", "failed", "split"] {
        counter!("instrument_registry_persistence_batches_total", "outcome" => outcome).absolute(0);
    }
    counter!(BATCH_RETRIES).absolute(0);
    counter!("instrument_registry_abandoned_writes_total").absolute(0);
    for kind in SubscriptionType::ALL {
        gauge!("instrument_registry_subscription_plans_active", "subscription_type" => kind.as_str()).set(0);
    }
    register_transitions(DEPENDENCY);
    register_failures(DEPENDENCY, &OUTCOMES);
    database_connections(ConnectionCounts::default());
}

/// Sets the number of connections to the database.
pub(crate) fn database_connections(counts: ConnectionCounts) {
    for (state, count) in [("busy", counts.busy), ("idle", counts.idle)] {
        #[allow(clippy::cast_precision_loss)]
        gauge!("instrument_registry_database_connections", "state" => state).set(count as f64);
    }
}
