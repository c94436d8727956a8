//! The way from one plan at a broker to the next: what differs between them, and the messages that lead from one to the other
//! without exceeding a limit.

mod diff;
mod legs;
mod messages;
mod open;
mod schedule;

pub use self::diff::{ActionCounts, ActionKind, PlanAction, PlanDiff, PlannedStream, diff};
pub use self::messages::write_messages;
pub(crate) use self::schedule::pause_ms;
pub use self::schedule::{Batch, BatchAction, ReadyTime, Schedule, ScheduleOptions, request_schedule, schedule};
use crate::vocabulary::Broker;

/// The reason why two plans cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// The plan has no subscriptions.
    #[error("the plan has no subscriptions")]
    WithoutSubscriptions,
    /// The earlier plan has no subscriptions.
    #[error("the earlier plan has no subscriptions")]
    EarlierWithoutSubscriptions,
    /// The plans are at different brokers.
    #[error("the plan is at {to}, and the earlier plan is at {from}")]
    OtherBroker {
        /// The broker of the earlier plan.
        from: Broker,
        /// The broker of the plan.
        to: Broker,
    },
}

#[cfg(test)]
mod tests;
