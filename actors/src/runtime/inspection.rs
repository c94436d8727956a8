//! The state of an actor and of its mailbox for `/ready`.

use serde::Serialize;

use super::breaker::BreakerReport;

/// The state of an actor for `/ready`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// State of the breaker that it owns: `closed`, `open` or `half_open`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<&'static str>,
    /// The counts and times of the breaker; `None` if the actor owns none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit: Option<BreakerReport>,
    /// Whether its dependency has been reached at least once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
    /// Number of requests in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<usize>,
    /// The work that it drops now, because a queue in front of its dependency is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<&'static str>,
    /// The cause of a failed TLS handshake with its dependency, if its last call failed for that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_fault: Option<String>,
    /// The fault that made its dependency unavailable, with the address of the dependency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<String>,
    /// The load of its mailbox, which the mailbox itself reports.
    pub mailbox: MailboxLoad,
}

/// Describes a fault of a dependency with its address, if it has one.
pub(crate) fn located(fault: &str, address: Option<&str>) -> String {
    match address {
        Some(address) => format!("{fault}, at {address}"),
        None => fault.to_owned(),
    }
}

/// The load of a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MailboxLoad {
    /// Number of messages that wait.
    pub waiting: usize,
    /// Number of calls that have no reply yet.
    pub in_flight: usize,
    /// Maximum number of calls that have no reply yet.
    pub permits: usize,
}

impl MailboxLoad {
    /// Whether the next call is rejected.
    pub fn is_full(&self) -> bool {
        self.in_flight >= self.permits
    }
}
