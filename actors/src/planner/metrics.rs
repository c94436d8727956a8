//! Metrics of planning.

use metrics::{Counter, Unit, counter, describe_counter, describe_histogram, histogram};
use registry_planning::plan::Plan;
use registry_planning::vocabulary::{Broker, FilteringStrictness, OptimizationLevel};

/// The time spent creating one plan, by `optimization_level`.
pub const PLANNING_DURATION: &str = "instrument_registry_subscription_plan_optimization_duration_seconds";
const PLANS_CREATED: &str = "instrument_registry_subscription_plans_created_total";
/// Plans that were created and stored, by `broker`.
pub const PLANS_BY_BROKER: &str = "instrument_registry_plans_created_by_broker_total";
/// The value of the label `broker` of a plan without a broker.
const NO_BROKER: &str = "none";
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

/// Returns the counter of stored plans of the plan's broker.
pub(super) fn plan_of_broker(plan: &Plan) -> Counter {
    let broker = plan.metadata.feed.as_ref().and_then(|feed| feed.broker);
    counter!(PLANS_BY_BROKER, "broker" => broker.map_or(NO_BROKER, Broker::as_str))
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
    describe_counter!(
        PLANS_BY_BROKER,
        "Number of plans created and stored, by broker; none if the plan names no broker"
    );
    for broker in Broker::ALL.iter().map(|broker| broker.as_str()).chain([NO_BROKER]) {
        counter!(PLANS_BY_BROKER, "broker" => broker).absolute(0);
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
