//! Lookups of plans by id. Waiting lookups are read together, as plans are written together.

use std::collections::HashMap;

use registry_planning::plan::Plan;

use super::waiting::WaitingQueue;
use super::{Finding, PersistenceError, Store, StoreError, contained};
use crate::runtime::breaker::CallOutcome;
use crate::runtime::mailbox::Reply;

/// Maximum number of reads in flight: one can be processed by the database while another is on its way.
pub(super) const READS_IN_FLIGHT_MAX: usize = 2;
/// Maximum number of plans in one read. A plan of 100 instruments has a few kilobytes, and one of 5,000 up to a
/// megabyte: two reads of only the largest plans use about 60 MB for a moment.
pub(super) const PLANS_MAX: usize = 32;

/// A caller that waits for a plan.
pub(super) struct Lookup {
    pub(super) plan_id: String,
    pub(super) reply: Reply<Result<Option<Plan>, PersistenceError>>,
}

/// Takes the lookups of the next read, without those whose callers no longer wait.
pub(super) fn take(waiting: &mut WaitingQueue<Lookup>) -> Vec<Lookup> {
    let mut batch = Vec::new();
    while batch.len() < PLANS_MAX
        && let Some(lookup) = waiting.pop()
    {
        if !lookup.reply.is_abandoned() {
            batch.push(lookup);
        }
    }
    batch
}

/// Reads plans, replies to their callers, and returns the finding.
pub(super) async fn read_plans(store: &dyn Store, batch: Vec<Lookup>) -> Finding {
    let ids: Vec<String> = batch.iter().map(|lookup| lookup.plan_id.clone()).collect();
    let result = contained(store.plans_by_id(&ids)).await;
    let finding = Finding::of(&result);
    match result {
        Ok(plans) => {
            let mut plans: HashMap<String, Plan> = plans.into_iter().map(|plan| (plan.plan_id.clone(), plan)).collect();
            let mut left = batch.len();
            for Lookup { plan_id, reply } in batch {
                left -= 1;
                // The last caller gets the plan itself, the others get a copy.
                let is_wanted_again = ids[ids.len() - left..].contains(&plan_id);
                let plan = if is_wanted_again { plans.get(&plan_id).cloned() } else { plans.remove(&plan_id) };
                reply.send(Ok(plan));
            }
            finding
        }
        // A row that cannot be read does not affect the others.
        Err(StoreError::Data(_)) if batch.len() > 1 => one_by_one(store, batch).await,
        Err(fault) => {
            batch.into_iter().for_each(|lookup| lookup.reply.send(Err(fault.clone().into())));
            finding
        }
    }
}

/// Reads each plan alone. If the database does not respond, the rest is not tried.
async fn one_by_one(store: &dyn Store, batch: Vec<Lookup>) -> Finding {
    let mut batch = batch.into_iter();
    for Lookup { plan_id, reply } in batch.by_ref() {
        let result = contained(store.plan(&plan_id)).await;
        let finding = Finding::of(&result);
        reply.send(result.map_err(PersistenceError::from));
        if finding.outcome == CallOutcome::Failure {
            let untried = StoreError::Unavailable("an earlier read of the batch failed".to_owned());
            batch.for_each(|lookup| lookup.reply.send(Err(untried.clone().into())));
            return finding;
        }
    }
    Finding::SUCCESS
}
