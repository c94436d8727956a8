//! What sets two plans apart.

use std::collections::HashSet;

use serde::Serialize;

use super::Plan;
use crate::broker::Mode;
use crate::dump::Broker;
use crate::instrument::Amount;

/// What has to be done to go from one plan to another, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanDiff {
    /// Instruments of the new plan that the old one lacks, in the order of the new one.
    pub added: Vec<String>,
    /// Instruments of the old plan that the new one lacks, in the order of the old one.
    pub removed: Vec<String>,
    /// Instruments that both hold, in whatever mode.
    pub unchanged_count: u64,
    /// Those of them that change their mode, in the order of the new plan; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mode_changes: Vec<ModeChange>,
    /// That all of them change their broker; absent where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub broker_change: Option<BrokerChange>,
    /// What the new plan costs more than the old one, USD; below zero where it costs less.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub estimated_cost_change: Amount,
}

/// An instrument that is streamed in another mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModeChange {
    /// The instrument.
    pub instrument: String,
    /// Its mode in the old plan; null for historical data.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub from: Option<Mode>,
    /// Its mode in the new one; null for historical data.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub to: Option<Mode>,
}

/// Another broker is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BrokerChange {
    /// The old plan's broker; null where it asked for none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub from: Option<Broker>,
    /// The new one's; null where it asks for none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub to: Option<Broker>,
}

/// Compares two plans key by key: an alias is another key than its instrument.
pub fn diff(old: &Plan, new: &Plan) -> PlanDiff {
    let added = lacking(new, old);
    // Invariant: a plan holds an instrument once.
    let unchanged_count = (new.instruments.len() - added.len()) as u64;
    let change = new.estimated_cost.ten_thousandths().saturating_sub(old.estimated_cost.ten_thousandths());
    PlanDiff {
        added,
        removed: lacking(old, new),
        unchanged_count,
        mode_changes: mode_changes(old, new),
        broker_change: {
            let [from, to] = [old, new].map(|plan| plan.metadata.feed.as_ref().and_then(|feed| feed.broker));
            (from != to).then_some(BrokerChange { from, to })
        },
        estimated_cost_change: Amount::from_ten_thousandths(change),
    }
}

fn mode_changes(old: &Plan, new: &Plan) -> Vec<ModeChange> {
    if old.subscription_type == new.subscription_type && old.metadata.feed == new.metadata.feed {
        return Vec::new();
    }
    let olds: HashSet<&str> = old.instruments.iter().collect();
    let changed = |key: &str| {
        let (from, to) = (old.mode_of(key), new.mode_of(key));
        (from != to).then(|| ModeChange { instrument: key.to_owned(), from, to })
    };
    new.instruments.iter().filter(|key| olds.contains(key)).filter_map(changed).collect()
}

/// Instruments of a plan that the other one lacks.
fn lacking(plan: &Plan, other: &Plan) -> Vec<String> {
    let others: HashSet<&str> = other.instruments.iter().collect();
    plan.instruments.iter().filter(|key| !others.contains(key)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::{OptimizationLevel, PlanRequest, Resolved};
    use crate::testing::{demo_catalogue, request, stamp};

    /// In the order of the keys.
    fn plan_of(keys: &[&str], cost: i64) -> Plan {
        let mut request: PlanRequest = request(keys);
        request.options.optimization_level = OptimizationLevel::Low;
        request.options.cost_per_instrument = Amount::from_ten_thousandths(cost);
        let catalogue = demo_catalogue();
        crate::plan(&request, &Resolved::new(&request, &catalogue, &[0; 32]), &catalogue, stamp())
    }

    #[test]
    fn what_is_added_and_removed_stands_in_the_order_of_its_plan() {
        let old = plan_of(&["NSE:TCS", "NSE:RELIANCE", "BSE:TCS", "NSE:INFY"], 500);
        let new = plan_of(&["NSE:SBIN", "NSE:TCS", "NSE:ITC"], 500);

        let difference = diff(&old, &new);

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
        assert_eq!(diff(&old, &new), expected);
    }

    #[test]
    fn an_instrument_that_changes_its_mode_is_told() {
        let catalogue = demo_catalogue();
        let plan_in = |keys: &[&str], change: fn(&mut PlanRequest)| {
            let mut request: PlanRequest = request(keys);
            change(&mut request);
            crate::plan(&request, &Resolved::new(&request, &catalogue, &[0; 32]), &catalogue, stamp())
        };
        let usual = plan_in(&["NSE:TCS", "NSE:INFY"], |_| {});
        let full = plan_in(&["NSE:TCS", "NSE:ITC"], |request| request.feed.mode = Some(Mode::Full));

        let change = |from, to| ModeChange { instrument: "NSE:TCS".to_owned(), from: Some(from), to: Some(to) };
        assert_eq!(diff(&usual, &full).mode_changes, [change(Mode::Quote, Mode::Full)]);
        assert_eq!(diff(&full, &usual).mode_changes, [change(Mode::Full, Mode::Quote)]);
        let kite = plan_in(&["NSE:TCS"], |request| request.feed.broker = Some(Broker::Kite));
        let to_kite = BrokerChange { from: None, to: Some(Broker::Kite) };
        assert_eq!((diff(&usual, &kite).broker_change, diff(&kite, &kite).broker_change), (Some(to_kite), None));
        let quote = plan_in(&["NSE:TCS", "NSE:INFY"], |request| request.feed.mode = Some(Mode::Quote));
        assert_eq!(diff(&usual, &quote).mode_changes, []);
    }

    #[test]
    fn a_difference_reads_as_numbers_and_keys() {
        let nothing = plan_of(&[], 500);
        let one = plan_of(&["NSE:TCS"], 500);

        assert_eq!(
            serde_json::to_value(diff(&one, &nothing)).unwrap(),
            json!({"added": [], "removed": ["NSE:TCS"], "unchanged_count": 0, "estimated_cost_change": -0.05})
        );
        assert_eq!(diff(&nothing, &one).added, ["NSE:TCS"]);
    }
}
