//! Metrics and labels that several components share. Each component registers its own metrics.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};

/// Every call of a dependency, by dependency, operation and outcome.
pub(crate) const REQUEST_DURATION: &str = "instrument_registry_dependency_request_duration_seconds";

/// Describes the metrics of dependencies and their circuit breakers.
pub(crate) fn register() {
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time spent in one call of a dependency, by dependency, operation and outcome"
    );
    describe_gauge!(
        "instrument_registry_breaker_state",
        "State of the circuit breaker, by dependency: 0 closed, 1 open, 2 half-open"
    );
    describe_counter!(
        "instrument_registry_breaker_transitions_total",
        "Number of state changes of the circuit breaker, by dependency, old state (from) and new state (to)"
    );
}

/// Sets the number of each possible state change of a circuit breaker to 0.
pub(crate) fn register_transitions(dependency: &'static str) {
    for (from, to) in [("closed", "open"), ("open", "half_open"), ("half_open", "closed"), ("half_open", "open")] {
        counter!("instrument_registry_breaker_transitions_total", "dependency" => dependency, "from" => from, "to" => to)
            .absolute(0);
    }
}

/// Adds the empty histogram of every operation and outcome of a dependency.
pub(crate) fn register_requests(dependency: &'static str, operations: &[&'static str], outcomes: &[&'static str]) {
    for operation in operations {
        for outcome in outcomes {
            // A histogram is exported, empty, as soon as it is looked up.
            let _ = histogram!(
                REQUEST_DURATION, "dependency" => dependency, "operation" => *operation, "outcome" => *outcome
            );
        }
    }
}
