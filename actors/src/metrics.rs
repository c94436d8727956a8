//! Every metric of the engine: its name, labels and unit, described once and present from the start.

mod profiles;
mod settings;

use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use registry_planning::dump::Broker;
use registry_planning::load::gate;
use registry_planning::plan::Plan;
use registry_planning::request::{FilteringStrictness, OptimizationLevel, SubscriptionType};
use registry_store::ConnectionCounts;
use strum::VariantArray;

pub(crate) use self::profiles::profile_changed;
use crate::catalogue::{CATALOGUE_REFUSALS, OTHER_GATE};
use crate::persistence::{self, BATCH_RETRIES, Op};
use crate::planner::{PLANNER_PANICS, QUARANTINE_REFUSALS};

/// Every call of a dependency, by dependency, operation and outcome.
pub(crate) const REQUEST_DURATION: &str = "instrument_registry_dependency_request_duration_seconds";
const PLANS_CREATED: &str = "instrument_registry_subscription_plans_created_total";
const PLAN_CACHE_OPERATIONS: &str = "instrument_registry_subscription_plan_cache_operations_total";

/// Plans made, by what became of them: `success` once it is stored, `error` where it could not be.
pub(crate) fn plan_created(plan: &Plan, status: &'static str) -> Counter {
    created(plan.optimization_level, plan.filtering_strictness, status)
}

fn created(level: OptimizationLevel, strictness: FilteringStrictness, status: &'static str) -> Counter {
    counter!(
        PLANS_CREATED,
        "optimization_level" => level.as_str(),
        "filtering_strictness" => strictness.as_str(),
        "status" => status
    )
}

/// Look-ups in L1 (`fingerprint`, `get` and `get_by_id`: `hit` or `miss`) and what is put there (`set`: `success`).
/// A hit of `fingerprint` is one of `get` too, so that `get` counts every request for a plan once.
pub(crate) fn plan_cache_operation(operation: &'static str, status: &'static str) -> Counter {
    counter!(PLAN_CACHE_OPERATIONS, "operation" => operation, "status" => status)
}

/// Describes the engine's metrics and sets those with a closed list of labels to 0.
pub(crate) fn register() {
    settings::register();
    profiles::register();
    crate::catalogue::jobs::register();
    describe_gauge!("instrument_registry_actor_mailbox_depth", "Number of messages waiting in the mailbox, by actor");
    describe_counter!(
        "instrument_registry_actor_mailbox_overloaded_total",
        "Number of calls rejected because the mailbox was at capacity, by actor"
    );
    describe_histogram!(
        "instrument_registry_actor_mailbox_wait_seconds",
        Unit::Seconds,
        "Time from sending a message to handling it, by actor and message"
    );
    describe_histogram!(
        "instrument_registry_actor_handle_duration_seconds",
        Unit::Seconds,
        "Time spent handling a message, by actor and message"
    );
    describe_counter!(
        "instrument_registry_actor_restarts_total",
        "Number of restarts after an unexpected stop, by actor"
    );
    describe_gauge!(
        "instrument_registry_breaker_state",
        "State of the circuit breaker, by dependency: 0 closed, 1 open, 2 half-open"
    );
    describe_counter!(
        "instrument_registry_breaker_transitions_total",
        "Number of state changes of the circuit breaker, by dependency, old state (from) and new state (to)"
    );
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
        "instrument_registry_abandoned_requests_total",
        "Number of requests dropped before planning because no caller was waiting"
    );
    describe_counter!(
        "instrument_registry_abandoned_writes_total",
        "Number of plans dropped before they were written because no caller was waiting"
    );
    describe_counter!(
        PLANNER_PANICS,
        "Number of requests whose planning panicked, by outcome: answered (with an error), or quarantined because the \
         planner stopped"
    );
    describe_counter!(QUARANTINE_REFUSALS, "Number of requests rejected because their cache key is quarantined");
    describe_gauge!("instrument_registry_cache_entries", "Number of plans in the cache, by tier");
    describe_gauge!("instrument_registry_cache_bytes", Unit::Bytes, "Size of the cache in bytes, by tier");
    describe_counter!(
        "instrument_registry_cache_operations_total",
        "Number of evicted and expired cache entries, and of plans looked up in and put into the shared cache, by \
         operation and status"
    );
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time spent in one call of a dependency, by dependency, operation and outcome"
    );
    describe_histogram!(
        "instrument_registry_shared_cache_pipeline_keys",
        "Number of keys in one call of the shared cache, by operation"
    );
    describe_gauge!(
        "instrument_registry_subscription_plans_active",
        "Number of plans that have not expired, by subscription type"
    );
    describe_gauge!("instrument_registry_catalogue_instruments", "Number of instruments in the served catalog");
    describe_gauge!(
        "instrument_registry_catalogue_loaded_timestamp_seconds",
        Unit::Seconds,
        "Time at which this process started to serve the catalog, as a Unix timestamp"
    );
    describe_counter!(
        CATALOGUE_REFUSALS,
        "Number of failed gates of rejected files, by broker and gate, including rejections in effect at the start"
    );
    describe_gauge!("instrument_registry_broker_tokens_active", "Number of tokens of active instruments, by broker");
    describe_histogram!(
        "instrument_registry_subscription_plan_optimization_duration_seconds",
        Unit::Seconds,
        "Time spent creating one plan, by optimization level"
    );

    describe_counter!(
        PLANS_CREATED,
        "Number of plans created, by optimization level, strictness and status: success if it was stored, else error"
    );
    describe_counter!(
        PLAN_CACHE_OPERATIONS,
        "Number of operations on the in-process plan cache (L1), by operation (fingerprint, get, get_by_id, set) and \
         status; a fingerprint hit also counts as a get hit"
    );
    for status in ["success", "error"] {
        for level in OptimizationLevel::ALL {
            for strictness in FilteringStrictness::ALL {
                created(*level, *strictness, status).absolute(0);
            }
        }
    }
    for operation in ["fingerprint", "get", "get_by_id"] {
        for status in ["hit", "miss"] {
            plan_cache_operation(operation, status).absolute(0);
        }
    }
    plan_cache_operation("set", "success").absolute(0);
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
        for gate in gate::NAMES.into_iter().chain([OTHER_GATE]) {
            counter!(CATALOGUE_REFUSALS, "broker_id" => broker.as_str(), "gate" => gate).absolute(0);
        }
    }
    for outcome in ["written", "failed", "split"] {
        counter!("instrument_registry_persistence_batches_total", "outcome" => outcome).absolute(0);
    }
    counter!(BATCH_RETRIES).absolute(0);
    for outcome in ["answered", "quarantined"] {
        counter!(PLANNER_PANICS, "outcome" => outcome).absolute(0);
    }
    counter!(QUARANTINE_REFUSALS).absolute(0);
    for operation in ["evict", "expire"] {
        counter!("instrument_registry_cache_operations_total", "operation" => operation, "status" => "success")
            .absolute(0);
    }
    zero_transitions(registry_store::DEPENDENCY);
    let operations: Vec<_> = Op::VARIANTS.iter().map(|op| op.as_str()).collect();
    register_requests(registry_store::DEPENDENCY, &operations, &persistence::OUTCOMES);
    database_connections(ConnectionCounts::default());
    zero_transitions("redis");
    register_shared_cache();
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

fn register_requests(dependency: &'static str, operations: &[&'static str], outcomes: &[&'static str]) {
    for operation in operations {
        for outcome in outcomes {
            // Asking for a histogram is enough to have it shown, empty.
            let _ = histogram!(
                REQUEST_DURATION, "dependency" => dependency, "operation" => *operation, "outcome" => *outcome
            );
        }
    }
}

/// Shows the connections to the database.
pub(crate) fn database_connections(counts: ConnectionCounts) {
    for (state, count) in [("busy", counts.busy), ("idle", counts.idle)] {
        #[allow(clippy::cast_precision_loss)]
        gauge!("instrument_registry_database_connections", "state" => state).set(count as f64);
    }
}

fn register_shared_cache() {
    for (operation, statuses) in [
        // Skipped: the breaker was not closed, or nobody waited any more. Failed: there was no answer.
        ("shared_look_up", ["hit", "miss", "failed", "skipped"]),
        // Taken: another replica was first. Dropped: the breaker was not closed, or too much waited.
        ("shared_put", ["stored", "taken", "failed", "dropped"]),
    ] {
        for status in statuses {
            counter!("instrument_registry_cache_operations_total", "operation" => operation, "status" => status)
                .absolute(0);
        }
    }
    register_requests("redis", &["get", "put", "ping"], &["success", "timed_out", "unreachable", "refused"]);
    for operation in ["get", "put"] {
        let _ = histogram!("instrument_registry_shared_cache_pipeline_keys", "operation" => operation);
    }
}
