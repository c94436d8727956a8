//! Metrics of the persistence actor.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use registry_planning::vocabulary::SubscriptionType;
use registry_store::{ConnectionCounts, DEPENDENCY};
use tokio::time::Instant;

use super::batch::BATCH_RETRIES;
use super::load::{LaneLoad, LoadBoard};
use super::{OUTCOMES, profiles};
use crate::metrics::{register_failures, register_transitions};

/// The time that a call waits in a lane, by `lane`.
const LANE_WAIT: &str = "instrument_registry_database_lane_wait_seconds";

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
    describe_lanes();
    lane_loads(LoadBoard::EMPTY);
    for load in LoadBoard::EMPTY {
        let _ = histogram!(LANE_WAIT, "lane" => load.lane);
    }
    database_connections(ConnectionCounts::default());
}

/// Sets the number of connections to the database.
pub(crate) fn database_connections(counts: ConnectionCounts) {
    for (state, count) in [("busy", counts.busy), ("idle", counts.idle)] {
        #[allow(clippy::cast_precision_loss)]
        gauge!("instrument_registry_database_connections", "state" => state).set(count as f64);
    }
}

fn describe_lanes() {
    describe_gauge!(
        "instrument_registry_database_lane_waiting",
        "Number of calls, or of plans in batches, that wait in a lane of the database"
    );
    describe_gauge!("instrument_registry_database_lane_in_flight", "Number of database calls in progress, by lane");
    describe_gauge!(
        "instrument_registry_database_lane_permits",
        "Maximum number of database calls in progress, by lane; 0 before the database was reached"
    );
    describe_gauge!(
        "instrument_registry_database_lane_oldest_wait_seconds",
        Unit::Seconds,
        "Time for which the oldest call in a lane of the database has waited for a permit; 0 if none waits"
    );
    describe_histogram!(
        LANE_WAIT,
        Unit::Seconds,
        "Time from the arrival of a call to its start, by lane of the database; of a batch, that of its oldest row"
    );
}

/// Sets the load of the lanes.
pub(crate) fn lane_loads(loads: impl IntoIterator<Item = LaneLoad>) {
    #[allow(clippy::cast_precision_loss)]
    for load in loads {
        gauge!("instrument_registry_database_lane_waiting", "lane" => load.lane).set(load.waiting as f64);
        gauge!("instrument_registry_database_lane_in_flight", "lane" => load.lane).set(load.in_flight as f64);
        gauge!("instrument_registry_database_lane_permits", "lane" => load.lane).set(load.permits as f64);
        gauge!("instrument_registry_database_lane_oldest_wait_seconds", "lane" => load.lane)
            .set(load.oldest_wait().as_secs_f64());
    }
}

/// Records the wait of a call that starts, or of the oldest row of a batch that starts.
pub(super) fn record_wait(lane: &'static str, since: Option<Instant>) {
    if let Some(since) = since {
        histogram!(LANE_WAIT, "lane" => lane).record(since.elapsed());
    }
}
