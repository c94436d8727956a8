//! Metrics of planning.

use metrics::{Counter, Unit, counter, describe_counter, describe_histogram, histogram};
use registry_planning::plan::Plan;
use registry_planning::vocabulary::{FilteringStrictness, OptimizationLevel};

/// The time spent creating one plan, by `optimization_level`.
pub const PLANNING_DURATION: &str = "instrument_registry_subscription_plan_optimization_duration_seconds";
const PLANS_CREATED: &str = "instrument_registry_subscription_plans_created_total";
/// Requests that panicked at a planner, by `outcome`: `answered` if the planner lives, `quarantined` if it ended.
pub(super) const PLANNER_PANICS: &str = "instrument_registry_planner_panics_total";
/// Requests rejected because their cache key is quarantined.
pub(super) const QUARANTINE_REFUSALS: &str = "instrument_registry_planner_quarantine_refusals_total";

/// Returns the counter of plans that were created: `success` if the plan was stored, else `error`.
pub(super) fn plan_created(plan: &Plan, status: &'static str) -> Counter {
    created(plan.optimization_level, plan.filtering_strictness, status)
}

fn created(level: OptimizationLevel, strictness: FilteringStrictness, status: &'static str) -> Counter {
    counter!(
        PLANS_CREATED,
        "optimization_level" => level.as_str(),
        "filtering_strictness" => strictness.as_str(),
        "status" => status
    )
}

/// Describes the metrics of planning and sets those with a closed list of labels to 0.
pub(crate) fn register() {
    describe_counter!(
        "instrument_registry_abandoned_requests_total",
        "Number of requests dropped before planning because no caller was waiting"
    );
    describe_counter!(
        PLANNER_PANICS,
        "Number of requests whose planning panicked, by outcome: answered (with an error), or quarantined because the \
         planner stopped"
    );
    describe_counter!(QUARANTINE_REFUSALS, "Number of requests rejected because their cache key is quarantined");
    describe_histogram!(PLANNING_DURATION, Unit::Seconds, "Time spent creating one plan, by optimization level");
    describe_counter!(
        PLANS_CREATED,
        "Number of plans created, by optimization level, strictness and status: success if it was stored, else error"
    );

    for status in ["success", "error"] {
        for level in OptimizationLevel::ALL {
            for strictness in FilteringStrictness::ALL {
                created(level, strictness, status).absolute(0);
            }
        }
    }
    for level in OptimizationLevel::ALL {
        // A histogram is exported, empty, as soon as it is looked up.
        let _ = histogram!(PLANNING_DURATION, "optimization_level" => level.as_str());
    }
    counter!("instrument_registry_abandoned_requests_total").absolute(0);
    for outcome in ["answered", "quarantined"] {
        counter!(PLANNER_PANICS, "outcome" => outcome).absolute(0);
    }
    counter!(QUARANTINE_REFUSALS).absolute(0);
}
