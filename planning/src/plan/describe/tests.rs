//! What a description says.

use super::*;
use crate::request::{OptimizationLevel, Resolved};
use crate::testing::{demo_catalogue, request, stamp};

fn describe_keys(keys: &[&str], level: DescriptionLevel) -> Description {
    let catalogue = demo_catalogue();
    let request = request(keys);
    let resolved = Resolved::new(&request, &catalogue, &[0; 32]);
    let plan = crate::plan(&request, &resolved, &catalogue, stamp());
    describe(&plan, &catalogue, level, request.options.as_of)
}

const KEYS: [&str; 5] = ["NSE:TCS", "BSE:TCS", "NSE:INFY", "NSE:NIFTY 50", "NSE:NOPE"];

#[test]
fn basic_counts_and_prices() {
    let description = describe_keys(&KEYS, DescriptionLevel::Basic);

    assert_eq!(description.instrument_analysis.total_instruments, 4);
    assert_eq!(description.instrument_analysis.exchanges, [("BSE".into(), 1), ("NSE".into(), 3)].into());
    assert_eq!(description.instrument_analysis.instrument_types, [("EQ".into(), 3), ("INDEX".into(), 1)].into());
    assert_eq!(description.cost_breakdown.base_cost.to_string(), "0.2");
    assert_eq!(description.instrument_analysis.top_exchanges, None);
    assert_eq!(description.cost_breakdown.monthly_estimate, None);
}

#[test]
fn detailed_adds_shares_and_costs_that_sum_up() {
    let description = describe_keys(&KEYS, DescriptionLevel::Detailed);

    let analysis = description.instrument_analysis;
    assert_eq!(analysis.top_exchanges, Some(vec![("NSE".to_owned(), 3), ("BSE".to_owned(), 1)]));
    assert_eq!(analysis.diversity_score.unwrap().to_string(), "0.375");
    assert_eq!(analysis.optimization_efficiency.unwrap().to_string(), "0.8");
    let costs = description.cost_breakdown.exchange_costs.unwrap();
    let sum: i64 = costs.values().map(|cost| cost.ten_thousandths()).sum();
    assert_eq!(sum, description.cost_breakdown.base_cost.ten_thousandths());
    assert_eq!(description.cost_breakdown.monthly_estimate.unwrap().to_string(), "4.2");
    assert_eq!(description.risk_analysis.detailed_risks, None);
}

#[test]
fn comprehensive_adds_scalability_and_risks() {
    let description = describe_keys(&KEYS, DescriptionLevel::Comprehensive);

    let scalability = description.performance_analysis.scalability_assessment.unwrap();
    assert_eq!(scalability.recommended_max, 1000);
    assert_eq!(scalability.current_load.to_string(), "0.004");
    assert_eq!(scalability.performance_grade, "A");
    assert_eq!(description.risk_analysis.detailed_risks.unwrap().len(), 3);
    assert_eq!(description.risk_analysis.data_staleness_risk, Grade::High);
}

#[test]
fn recommendations_name_what_was_found() {
    let kinds = |keys: &[&str]| -> Vec<String> {
        let description = describe_keys(keys, DescriptionLevel::Basic);
        description.recommendations.into_iter().map(|recommendation| recommendation.kind).collect()
    };

    assert_eq!(kinds(&KEYS), ["validation", "cost"]);
    assert_eq!(kinds(&["NSE:TCS", "NSE:TCS"]), ["deduplication"]);
    assert_eq!(kinds(&["NSE:TCS"]), Vec::<String>::new());
}

#[test]
fn a_changed_catalogue_makes_a_plan_stale() {
    let catalogue = demo_catalogue();
    let mut request = request(&["NSE:TCS"]);
    request.options.optimization_level = OptimizationLevel::Aggressive;
    let resolved = Resolved::new(&request, &catalogue, &[0; 32]);
    let plan = crate::plan(&request, &resolved, &catalogue, stamp());
    let other = crate::catalogue::Builder::new().build("2".into(), vec![]);

    let description = describe(&plan, &other, DescriptionLevel::Basic, request.options.as_of);

    assert_eq!(description.recommendations[0].kind, "staleness");
    assert_eq!(description.instrument_analysis.instrument_types, [("UNKNOWN".into(), 1)].into());
}

#[test]
fn an_empty_plan_is_described_without_dividing_by_nothing() {
    let description = describe_keys(&["NSE:NOPE"], DescriptionLevel::Comprehensive);

    assert_eq!(description.instrument_analysis.diversity_score, Some(Amount::ZERO));
    assert_eq!(description.instrument_analysis.optimization_efficiency, Some(Amount::ZERO));
}

#[test]
fn the_trading_date_changes_at_midnight_in_kolkata() {
    assert_eq!(trading_date("2026-11-24T18:29:59Z".parse().unwrap()).to_string(), "2026-11-24");
    assert_eq!(trading_date("2026-11-24T18:30:00Z".parse().unwrap()).to_string(), "2026-11-25");
}
