//! Every metric of the engine: its name, labels and unit, described once and present from the start.

mod settings;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use registry_planning::dump::Broker;
use registry_planning::request::{OptimizationLevel, SubscriptionType};

/// Describes the engine's metrics and sets those with a closed list of labels to 0.
pub(crate) fn register() {
    settings::register();
    describe_gauge!("instrument_registry_actor_mailbox_depth", "messages that wait, by actor");
    describe_counter!(
        "instrument_registry_actor_mailbox_overloaded_total",
        "calls refused for want of a permit, by actor"
    );
    describe_histogram!(
        "instrument_registry_actor_mailbox_wait_seconds",
        Unit::Seconds,
        "time from sending to handling, by actor and message"
    );
    describe_histogram!(
        "instrument_registry_actor_handle_duration_seconds",
        Unit::Seconds,
        "time in the handler, by actor and message"
    );
    describe_counter!(
        "instrument_registry_actor_restarts_total",
        "restarts after an end that was not asked for, by actor"
    );
    describe_gauge!("instrument_registry_breaker_state", "0 closed, 1 open, 2 half open, by dependency");
    describe_counter!("instrument_registry_breaker_transitions_total", "changes of state, by dependency, from and to");
    describe_histogram!("instrument_registry_persistence_batch_rows", "plans in one batch");
    describe_histogram!(
        "instrument_registry_persistence_batch_duration_seconds",
        Unit::Seconds,
        "time to write one batch, durably"
    );
    describe_counter!(
        "instrument_registry_persistence_batches_total",
        "batches by outcome: written, failed, or split because the database refused a row"
    );
    describe_histogram!(
        "instrument_registry_database_operation_duration_seconds",
        Unit::Seconds,
        "time of one database call other than a batch, by operation"
    );
    describe_counter!(
        "instrument_registry_abandoned_requests_total",
        "requests dropped unplanned: nobody waited any more"
    );
    describe_counter!("instrument_registry_abandoned_writes_total", "plans dropped unwritten: nobody waited any more");
    describe_gauge!("instrument_registry_cache_entries", "plans in the cache, by tier");
    describe_gauge!("instrument_registry_cache_bytes", Unit::Bytes, "bytes in the cache, by tier");
    describe_counter!("instrument_registry_cache_operations_total", "cache upkeep by operation and status");
    describe_gauge!("instrument_registry_subscription_plans_active", "unexpired plans by subscription type");
    describe_gauge!("instrument_registry_catalogue_instruments", "instruments in the served catalogue");
    describe_gauge!(
        "instrument_registry_catalogue_loaded_timestamp_seconds",
        Unit::Seconds,
        "when the served catalogue was published"
    );
    describe_gauge!("instrument_registry_broker_tokens_active", "tokens of active instruments, by broker");
    describe_histogram!(
        "instrument_registry_subscription_plan_optimization_duration_seconds",
        Unit::Seconds,
        "time to make one plan, by level"
    );

    for level in OptimizationLevel::ALL {
        // Asking for a histogram is enough to have it shown, empty.
        let _ = histogram!(
            "instrument_registry_subscription_plan_optimization_duration_seconds",
            "optimization_level" => level.as_str()
        );
    }
    let _ = histogram!("instrument_registry_persistence_batch_rows");
    let _ = histogram!("instrument_registry_persistence_batch_duration_seconds");
    for kind in SubscriptionType::ALL {
        gauge!("instrument_registry_subscription_plans_active", "subscription_type" => kind.as_str()).set(0);
    }
    for broker in Broker::ALL {
        gauge!("instrument_registry_broker_tokens_active", "broker_id" => broker.as_str()).set(0);
    }
    for outcome in ["written", "failed", "split"] {
        counter!("instrument_registry_persistence_batches_total", "outcome" => outcome).absolute(0);
    }
    for operation in ["evict", "expire"] {
        counter!("instrument_registry_cache_operations_total", "operation" => operation, "status" => "success")
            .absolute(0);
    }
    zero_transitions("database");
    counter!("instrument_registry_abandoned_requests_total").absolute(0);
    counter!("instrument_registry_abandoned_writes_total").absolute(0);
    gauge!("instrument_registry_catalogue_instruments").set(0);
    gauge!("instrument_registry_cache_entries", "tier" => "l1").set(0);
    gauge!("instrument_registry_cache_bytes", "tier" => "l1").set(0);
}

/// The changes that a breaker can make.
fn zero_transitions(dependency: &'static str) {
    for (from, to) in [("closed", "open"), ("open", "half_open"), ("half_open", "closed"), ("half_open", "open")] {
        counter!("instrument_registry_breaker_transitions_total", "dependency" => dependency, "from" => from, "to" => to)
            .absolute(0);
    }
}
