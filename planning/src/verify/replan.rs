//! Creates the plan that would replace a stored one.

use chrono::NaiveDate;

use crate::basis::Basis;
use crate::plan::Plan;
use crate::request::Resolved;
use crate::{Stamp, create_plan};

/// Creates the plan that the stored request of a plan at a broker gives with the current catalog and settings, and that
/// follows the stored plan: the difference of the two is the effect of a change of plans. It has the id and the times
/// of the plan. `None` if the plan has no subscriptions, or if its pinned instruments do not fit into the limits any
/// more.
pub fn replan(plan: &Plan, basis: Basis<'_>, max_instruments: u32, today: NaiveDate) -> Option<Plan> {
    let part = plan.metadata.broker_part.as_deref().filter(|part| part.subscriptions.is_some())?;
    let mut request = part.request.request().repeated(basis.brokers.capacity(), max_instruments, today);
    // Instruments keep their connections, as with `previous_plan_id`.
    request.feed.previous = plan.as_previous();
    // The cache key is not used.
    let resolved = Resolved::new(&request, basis, &[0; 32]);
    let stamp = Stamp { plan_id: plan.plan_id.clone(), created_at: plan.created_at, expires_at: plan.expires_at };
    create_plan(&request, &resolved, basis, stamp).ok()
}
