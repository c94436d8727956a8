//! Metrics and labels that several components share. Each component registers its own metrics.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};

/// Every call of a dependency, by dependency, operation and outcome.
const REQUEST_DURATION: &str = "instrument_registry_dependency_request_duration_seconds";
/// The calls of a dependency without success, by dependency and outcome.
const REQUEST_FAILURES: &str = "instrument_registry_dependency_request_failures_total";
/// The outcome of a call that succeeded.
const SUCCESS: &str = "success";

/// Describes the metrics of dependencies and their circuit breakers.
pub(crate) fn register() {
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time spent in one call of a dependency, by dependency, operation and outcome"
    );
    describe_counter!(
        REQUEST_FAILURES,
        "Number of calls of a dependency with another outcome than success, by dependency and outcome"
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
    for (from, to) in [
        ("closed", "open"),
        ("open", "half_open"),
        ("half_open", "closed"),
        ("half_open", "open"),
        // If an operator forces a state.
        ("open", "closed"),
    ] {
        counter!("instrument_registry_breaker_transitions_total", "dependency" => dependency, "from" => from, "to" => to)
            .absolute(0);
    }
}

/// Sets the number of calls of a dependency with each outcome but success to 0, so that an alert sees the first one.
/// The histogram of an operation and outcome starts with the first such call: there are a hundred and more of them.
pub(crate) fn register_failures(dependency: &'static str, outcomes: &[&'static str]) {
    for outcome in outcomes.iter().filter(|outcome| **outcome != SUCCESS) {
        counter!(REQUEST_FAILURES, "dependency" => dependency, "outcome" => *outcome).absolute(0);
    }
}

/// Records one call of a dependency.
pub(crate) fn record_request(dependency: &'static str, operation: &'static str, outcome: &'static str, took: Duration) {
    histogram!(REQUEST_DURATION, "dependency" => dependency, "operation" => operation, "outcome" => outcome)
        .record(took);
    if outcome != SUCCESS {
        counter!(REQUEST_FAILURES, "dependency" => dependency, "outcome" => outcome).increment(1);
    }
}
