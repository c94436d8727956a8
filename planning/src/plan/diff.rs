//! The difference between two plans.

use std::collections::HashSet;

use serde::Serialize;

use super::Plan;
use crate::broker::BrokerModels;
use crate::instrument::Amount;
use crate::vocabulary::{Broker, Mode};

/// The difference between two plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanDiff {
    /// The instruments that only the new plan contains, in the order of the new plan.
    pub added: Vec<String>,
    /// The instruments that only the old plan contains, in the order of the old plan.
    pub removed: Vec<String>,
    /// The number of instruments that both plans contain, in any mode.
    pub unchanged_count: u64,
    /// The instruments of both plans that change their mode, in the order of the new plan. Absent if no mode changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mode_changes: Vec<ModeChange>,
    /// The change of the broker. Absent if the broker does not change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub broker_change: Option<BrokerChange>,
    /// The cost of the new plan minus the cost of the old plan, in USD.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub estimated_cost_change: Amount,
}

/// A change of the mode of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModeChange {
    /// The key of the instrument.
    pub instrument: String,
    /// The mode in the old plan. Null for historical data.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub from: Option<Mode>,
    /// The mode in the new plan. Null for historical data.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub to: Option<Mode>,
}

/// A change of the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BrokerChange {
    /// The broker of the old plan. Null if no broker was requested.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub from: Option<Broker>,
    /// The broker of the new plan. Null if no broker is requested.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub to: Option<Broker>,
}

/// Compares two plans by key: an alias is a different key from its instrument. `brokers` determine the mode of a plan
/// that does not contain one.
pub fn diff(old: &Plan, new: &Plan, brokers: &BrokerModels) -> PlanDiff {
    let added = lacking(new, old);
    // Invariant: a plan contains an instrument once.
    let unchanged_count = (new.instruments.len() - added.len()) as u64;
    let change = new.estimated_cost.ten_thousandths().saturating_sub(old.estimated_cost.ten_thousandths());
    PlanDiff {
        added,
        removed: lacking(old, new),
        unchanged_count,
        mode_changes: mode_changes(old, new, brokers),
        broker_change: {
            let [from, to] = [old, new].map(|plan| plan.metadata.feed.as_ref().and_then(|feed| feed.broker));
            (from != to).then_some(BrokerChange { from, to })
        },
        estimated_cost_change: Amount::from_ten_thousandths(change),
    }
}

fn mode_changes(old: &Plan, new: &Plan, brokers: &BrokerModels) -> Vec<ModeChange> {
    if old.subscription_type == new.subscription_type && old.metadata.feed == new.metadata.feed {
        return Vec::new();
    }
    let olds: HashSet<&str> = old.instruments.iter().collect();
    let changed = |key: &str| {
        let (from, to) = (old.mode_of(key, brokers), new.mode_of(key, brokers));
        (from != to).then(|| ModeChange { instrument: key.to_owned(), from, to })
    };
    new.instruments.iter().filter(|key| olds.contains(key)).filter_map(changed).collect()
}

/// Returns the instruments of a plan that the other plan does not contain.
fn lacking(plan: &Plan, other: &Plan) -> Vec<String> {
    let others: HashSet<&str> = other.instruments.iter().collect();
    plan.instruments.iter().filter(|key| !others.contains(key)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::{PlanRequest, Resolved};
    use crate::testing::{basis, brokers, demo_catalogue, request, stamp};
    use crate::vocabulary::OptimizationLevel;

    /// Creates a plan in the order of the keys.
    fn plan_of(keys: &[&str], cost: i64) -> Plan {
        let mut request: PlanRequest = request(keys);
        request.options.optimization_level = OptimizationLevel::Low;
        request.options.cost_per_instrument = Amount::from_ten_thousandths(cost);
        let catalogue = demo_catalogue();
        crate::create_plan(&request, &Resolved::new(&request, basis(&catalogue), &[0; 32]), basis(&catalogue), stamp())
            .unwrap()
    }

    #[test]
    fn added_and_removed_keys_have_the_order_of_their_plan() {
        let old = plan_of(&["NSE:TCS", "NSE:RELIANCE", "BSE:TCS", "NSE:INFY"], 500);
        let new = plan_of(&["NSE:SBIN", "NSE:TCS", "NSE:ITC"], 500);

        let difference = diff(&old, &new, brokers());

        assert_eq!(difference.added, ["NSE:SBIN", "NSE:ITC"]);
        assert_eq!(difference.removed, ["NSE:RELIANCE", "BSE:TCS", "NSE:INFY"]);
        assert_eq!(difference.unchanged_count, 1);
        assert_eq!(difference.estimated_cost_change, Amount::from_ten_thousandths(-500));
    }

    #[test]
    fn order_and_price_alone_add_and_remove_nothing() {
        let old = plan_of(&["NSE:TCS", "NSE:INFY"], 500);
        let new = plan_of(&["NSE:INFY", "NSE:TCS"], 600);

        let expected = PlanDiff {
            added: vec![],
            removed: vec![],
            unchanged_count: 2,
            mode_changes: vec![],
            broker_change: None,
            estimated_cost_change: Amount::parse("0.02").unwrap(),
        };
        assert_eq!(diff(&old, &new, brokers()), expected);
    }

    #[test]
    fn a_change_of_mode_is_reported() {
        let catalogue = demo_catalogue();
        let plan_in = |keys: &[&str], change: fn(&mut PlanRequest)| {
            let mut request: PlanRequest = request(keys);
            change(&mut request);
            crate::create_plan(
                &request,
                &Resolved::new(&request, basis(&catalogue), &[0; 32]),
                basis(&catalogue),
                stamp(),
            )
            .unwrap()
        };
        let usual = plan_in(&["NSE:TCS", "NSE:INFY"], |_| {});
        let full = plan_in(&["NSE:TCS", "NSE:ITC"], |request| request.feed.mode = Some(Mode::Full));

        let change = |from, to| ModeChange { instrument: "NSE:TCS".to_owned(), from: Some(from), to: Some(to) };
        assert_eq!(diff(&usual, &full, brokers()).mode_changes, [change(Mode::Quote, Mode::Full)]);
        assert_eq!(diff(&full, &usual, brokers()).mode_changes, [change(Mode::Full, Mode::Quote)]);
        let kite = plan_in(&["NSE:TCS"], |request| request.feed.broker = Some(Broker::Kite));
        let to_kite = BrokerChange { from: None, to: Some(Broker::Kite) };
        assert_eq!(diff(&usual, &kite, brokers()).broker_change, Some(to_kite));
        assert_eq!(diff(&kite, &kite, brokers()).broker_change, None);
        let quote = plan_in(&["NSE:TCS", "NSE:INFY"], |request| request.feed.mode = Some(Mode::Quote));
        assert_eq!(diff(&usual, &quote, brokers()).mode_changes, []);
    }

    #[test]
    fn a_difference_serializes_as_numbers_and_keys() {
        let nothing = plan_of(&[], 500);
        let one = plan_of(&["NSE:TCS"], 500);

        assert_eq!(
            serde_json::to_value(diff(&one, &nothing, brokers())).unwrap(),
            json!({"added": [], "removed": ["NSE:TCS"], "unchanged_count": 0, "estimated_cost_change": -0.05})
        );
        assert_eq!(diff(&nothing, &one, brokers()).added, ["NSE:TCS"]);
    }
}
