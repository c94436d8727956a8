//! The paced requests of a plan for historical data.

use super::schedule::{Batch, BatchAction, Schedule};
use crate::basis::Basis;
use crate::plan::Plan;

/// Whether a plan is for historical data at a broker, so that it has requests instead of subscriptions.
pub fn has_requests(plan: &Plan) -> bool {
    requests_per_second(plan).is_some()
}

fn requests_per_second(plan: &Plan) -> Option<u32> {
    let part = plan.metadata.broker_part.as_deref()?;
    part.allocation.requests_per_second.filter(|_| part.subscriptions.is_none())
}

/// Returns the paced requests of a plan for historical data. `None` if the plan has subscriptions or names no broker.
pub fn request_schedule<'a>(plan: &'a Plan, basis: Basis<'_>) -> Option<Schedule<'a>> {
    let per_second = requests_per_second(plan)?;
    let request = |(number, key): (u64, &'a str)| Batch {
        at_ms: basis.brokers.history_ms(number, per_second),
        connection: None,
        account: None,
        endpoint: None,
        action: BatchAction::Request,
        mode: None,
        instruments: vec![key],
        tokens: Vec::new(),
        segments: Vec::new(),
    };
    let batches: Vec<Batch<'a>> = (1u64..).zip(plan.instruments.iter()).map(request).collect();
    let time_to_ready_ms = batches.last().map_or(0, |batch| batch.at_ms);
    Some(Schedule { batches, time_to_ready_ms, ready: Vec::new(), warnings: Vec::new() })
}
