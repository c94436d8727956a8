//! Metrics of L1 and L2.

use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::sharing::DEPENDENCY;
use crate::metrics::{register_failures, register_transitions};

const PLAN_CACHE_OPERATIONS: &str = "instrument_registry_subscription_plan_cache_operations_total";

/// Returns the counter of lookups in L1 (`fingerprint`, `get` and `get_by_id`: `hit` or `miss`) and of insertions
/// (`set`: `success`). A hit of `fingerprint` also counts as one of `get`, so that `get` counts every request for a
/// plan once.
pub(super) fn plan_cache_operation(operation: &'static str, status: &'static str) -> Counter {
    counter!(PLAN_CACHE_OPERATIONS, "operation" => operation, "status" => status)
}

/// Describes the metrics of both caches and sets those with a closed list of labels to 0.
pub(crate) fn register() {
    describe_gauge!("instrument_registry_cache_entries", "Number of plans in the cache, by tier");
    describe_gauge!("instrument_registry_cache_bytes", Unit::Bytes, "Size of the cache in bytes, by tier");
    describe_counter!(
        "instrument_registry_cache_operations_total",
        "Number of evicted and expired cache entries, and of plans looked up in and put into the shared cache, by \
         operation and status"
    );
    describe_histogram!(
        "instrument_registry_shared_cache_pipeline_keys",
        "Number of keys in one call of the shared cache, by operation"
    );
    describe_counter!(
        PLAN_CACHE_OPERATIONS,
        "Number of operations on the in-process plan cache (L1), by operation (fingerprint, get, get_by_id, set) and \
         status; a fingerprint hit also counts as a get hit"
    );

    for operation in ["fingerprint", "get", "get_by_id"] {
        for status in ["hit", "miss"] {
            plan_cache_operation(operation, status).absolute(0);
        }
    }
    plan_cache_operation("set", "success").absolute(0);
    for operation in ["evict", "expire"] {
        counter!("instrument_registry_cache_operations_total", "operation" => operation, "status" => "success")
            .absolute(0);
    }
    gauge!("instrument_registry_cache_entries", "tier" => "l1").set(0);
    gauge!("instrument_registry_cache_bytes", "tier" => "l1").set(0);
    register_shared_cache();
}

fn register_shared_cache() {
    for (operation, statuses) in [
        // Skipped: the circuit breaker was not closed, or no caller was waiting. Failed: Redis did not respond.
        ("shared_look_up", ["hit", "miss", "failed", "skipped"]),
        // Taken: another replica was first. Dropped: the circuit breaker was not closed, or the queue was full.
        ("shared_put", ["stored", "taken", "failed", "dropped"]),
    ] {
        for status in statuses {
            counter!("instrument_registry_cache_operations_total", "operation" => operation, "status" => status)
                .absolute(0);
        }
    }
    register_transitions(DEPENDENCY);
    register_failures(DEPENDENCY, &["timed_out", "unreachable", "refused"]);
    for operation in ["get", "put"] {
        let _ = histogram!("instrument_registry_shared_cache_pipeline_keys", "operation" => operation);
    }
}
