//! A caller that waits for a plan.

use std::sync::Arc;

use super::{PlanError, Planned};
use crate::runtime::mailbox::Reply;
use crate::trace::{Interval, RequestTrace};

/// The caller of a plan: its reply, and the trace of its request, to which the stages of the plan are added.
pub(super) struct Waiter {
    pub(super) reply: Reply<Result<Planned, PlanError>>,
    pub(super) trace: Option<Arc<RequestTrace>>,
}

impl Waiter {
    pub(super) fn send(self, answer: Result<Planned, PlanError>) {
        self.reply.send(answer);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_abandoned()
    }

    /// Adds an interval to the trace. Of an interval that began before the caller joined, its trace counts the rest.
    pub(super) fn record(&self, interval: Interval) {
        if let Some(trace) = &self.trace {
            trace.record(interval.stage, interval.started_at, interval.ended_at);
        }
    }
}
