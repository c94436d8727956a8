//! Compares two plans at a broker, and schedules the messages that lead from one to the other without exceeding a
//! limit.

mod diff;
mod legs;
mod messages;
mod open;
mod requests;
mod schedule;

pub use self::diff::{ActionCounts, ActionKind, PlanAction, PlanDiff, PlannedStream, diff};
use self::legs::Side;
pub use self::messages::write_batches;
pub use self::requests::{has_requests, request_schedule};
pub(crate) use self::schedule::pause_ms;
pub use self::schedule::{Batch, BatchAction, ReadyTime, Schedule, ScheduleOptions, schedule};
use crate::plan::Plan;
use crate::vocabulary::Broker;

/// The reason why two plans cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// The later plan has no subscriptions: it names no broker, or is for historical data.
    #[error("the plan has no subscriptions")]
    WithoutSubscriptions,
    /// The earlier plan has no subscriptions: it names no broker, or is for historical data.
    #[error("the earlier plan has no subscriptions")]
    EarlierWithoutSubscriptions,
    /// The plans are at different brokers, so that no message leads from one to the other.
    #[error("the plan is at {to}, and the earlier plan is at {from}")]
    OtherBroker {
        /// The broker of the earlier plan.
        from: Broker,
        /// The broker of the later plan.
        to: Broker,
    },
}

/// Checks whether a plan can be compared with an earlier one, or with an empty plan.
///
/// # Errors
/// [`NotComparable`] if one of the plans has no subscriptions, or if their brokers differ.
pub fn check_comparable(from: Option<&Plan>, to: &Plan) -> Result<(), NotComparable> {
    Side::pair(from, to).map(|_| ())
}

#[cfg(test)]
mod tests;
