//! Metrics of every actor.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// The time from sending a message to handling it, by `actor` and `message`.
pub const MAILBOX_WAIT: &str = "instrument_registry_actor_mailbox_wait_seconds";
/// The time spent handling a message, by `actor` and `message`.
pub const HANDLE_DURATION: &str = "instrument_registry_actor_handle_duration_seconds";

/// Describes the metrics of mailboxes and restarts. Each handle initializes those of its actor.
pub(crate) fn register() {
    describe_gauge!("instrument_registry_actor_mailbox_depth", "Number of messages waiting in the mailbox, by actor");
    describe_counter!(
        "instrument_registry_actor_mailbox_overloaded_total",
        "Number of calls rejected because the mailbox was at capacity, by actor"
    );
    describe_histogram!(
        MAILBOX_WAIT,
        Unit::Seconds,
        "Time from sending a message to handling it, by actor and message"
    );
    describe_histogram!(HANDLE_DURATION, Unit::Seconds, "Time spent handling a message, by actor and message");
    describe_counter!(
        "instrument_registry_actor_restarts_total",
        "Number of restarts after an unexpected stop, by actor"
    );
}
