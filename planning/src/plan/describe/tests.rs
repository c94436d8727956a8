//! Tests of the description of a plan.

use super::*;
use crate::request::Resolved;
use crate::testing::{basis, demo_catalogue, request, stamp};
use crate::vocabulary::{OptimizationLevel, SubscriptionType};

fn describe_keys(keys: &[&str], level: DescriptionLevel) -> Description {
    let catalogue = demo_catalogue();
    let request = request(keys);
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let plan = crate::create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap();
    describe(&plan, level, Present { basis: basis(&catalogue), today: request.options.as_of, daily_budget: None })
}

const KEYS: [&str; 5] = ["NSE:TCS", "BSE:TCS", "NSE:INFY", "NSE:NIFTY 50", "NSE:NOPE"];

#[test]
fn basic_counts_and_prices() {
    let description = describe_keys(&KEYS, DescriptionLevel::Basic);

    insta::assert_json_snapshot!("basic", description);
}

#[test]
fn detailed_adds_shares_and_costs_with_equal_sums() {
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
    assert_eq!(scalability.recommended_max, 9000);
    assert_eq!(scalability.current_load.to_string(), "0.0004");
    assert_eq!(scalability.performance_grade, "A");
    assert_eq!(description.risk_analysis.detailed_risks.unwrap().len(), 3);
    assert_eq!(description.risk_analysis.data_staleness_risk, RiskLevel::High);
}

/// Describes a plan of the first `count` instruments of the catalog that fills its own maximum.
fn describe_full_plan(count: usize, kind: SubscriptionType, daily_budget: Option<&str>) -> Description {
    let catalogue = demo_catalogue();
    let keys: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).take(count).collect();
    let mut request = request(&keys);
    request.subscription_type = kind;
    request.options.max_instruments = u32::try_from(count).unwrap();
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let plan = crate::create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap();
    assert_eq!(plan.instruments.len(), count);
    let daily_budget = daily_budget.map(|budget| Amount::parse(budget).unwrap());
    let present = Present { basis: basis(&catalogue), today: request.options.as_of, daily_budget };
    describe(&plan, DescriptionLevel::Comprehensive, present)
}

fn risk(description: &Description, name: &str) -> DetailedRisk {
    let risks = description.risk_analysis.detailed_risks.as_ref().unwrap();
    risks.iter().find(|risk| risk.risk == name).unwrap().clone()
}

#[test]
fn a_small_plan_that_fills_its_maximum_is_not_a_risk() {
    let description = describe_full_plan(3, SubscriptionType::LiveFeed, None);

    assert_eq!(description.risk_analysis.performance_risk, RiskLevel::Low);
    assert_eq!(
        risk(&description, "performance").detail,
        "3 of the 9000 instruments that Zerodha Kite Connect can stream to one account"
    );
    assert_eq!(description.performance_analysis.scalability_assessment.unwrap().performance_grade, "A");
}

#[test]
fn the_cost_risk_depends_on_the_daily_budget() {
    let cost = |budget| risk(&describe_full_plan(3, SubscriptionType::LiveFeed, budget), "cost");

    // Three instruments at 0.05 USD.
    assert_eq!(cost(Some("0.31")).level, RiskLevel::Low);
    assert_eq!(cost(Some("0.3")).level, RiskLevel::Medium);
    assert_eq!(cost(Some("0.1667")).level, RiskLevel::Medium);
    assert_eq!(cost(Some("0.1666")).level, RiskLevel::High);
    assert_eq!(cost(Some("0.3")).detail, "0.15 USD of the daily budget of 0.3 USD per user");
    assert_eq!(cost(None).level, RiskLevel::Unknown);
    assert_eq!(cost(None).detail, "0.15 USD per day; no daily budget is configured");
}

#[test]
fn the_risk_of_history_depends_on_the_rate_limit() {
    let description = describe_full_plan(301, SubscriptionType::Historical, None);

    // The connection takes 100 ms, and 300 requests follow the first one, three per second.
    assert_eq!(
        risk(&description, "performance").detail,
        "loading the history takes 100100 ms of the 900000 ms window, at 3 requests per second (Zerodha Kite Connect)"
    );
    assert_eq!(description.risk_analysis.performance_risk, RiskLevel::Low);
    let scalability = description.performance_analysis.scalability_assessment.unwrap();
    assert_eq!(scalability.current_load.to_string(), "0.1112");
    assert_eq!(scalability.recommended_max, 2700);
}

/// Describes a plan at a broker with a small capacity: one connection with three instruments, at most one in `full`.
fn describe_at_kite(request: &crate::request::PlanRequest, level: DescriptionLevel) -> Description {
    let figure = |value: u32| format!(r#"{{ value = {value}, source = "test", seen = "2026-11-24" }}"#);
    let (one, three) = (figure(1), figure(3));
    let limits = format!(
        "[brokers.kite]\nconnections = {one}\ninstruments_per_connection = {three}\n[brokers.kite.modes.full]\nalone = {one}\nmixed = {one}"
    );
    let brokers = BrokerModels::embedded().with_capacity(crate::capacity::Capacity::with(Some(&limits), None).unwrap());
    let catalogue = demo_catalogue();
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let mut request = request.clone();
    request.feed.broker = Some(Broker::Kite);
    let resolved = Resolved::new(&request, basis, &[0; 32]);
    let plan = crate::create_plan(&request, &resolved, basis, stamp()).unwrap();
    describe(&plan, level, Present { basis, today: request.options.as_of, daily_budget: None })
}

#[test]
fn a_broker_plan_shows_the_use_of_its_limits() {
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:SBIN", "NSE:RELIANCE"];
    let description = describe_at_kite(&request(&keys), DescriptionLevel::Comprehensive);

    let analysis = description.broker_analysis.unwrap();
    let limits: Vec<String> =
        analysis.limits.iter().map(|of| format!("{} {} {}", of.limit, of.scope, of.utilization)).collect();
    assert_eq!(
        limits,
        ["connections account default 1", "instruments_per_connection connection 1 1", "max_instruments plan 0.003"]
    );
    assert_eq!(analysis.messages_per_second.to_string(), "3");
    assert_eq!(analysis.bytes_per_second, 132);
    assert_eq!(analysis.time_to_ready_ms, description.performance_analysis.estimated_latency_ms);
    let scalability = description.performance_analysis.scalability_assessment.unwrap();
    assert_eq!(scalability.recommended_max, 3);
    assert_eq!(scalability.current_load.to_string(), "1");
    let capacity = &description.recommendations[0];
    assert_eq!(capacity.kind, "capacity");
    assert_eq!(capacity.message, "1 instrument left out: the limits of kite are reached");
    assert_eq!(capacity.suggested_action, "1 more connection admits 1 more instrument");
    assert_eq!(capacity.instruments, ["NSE:RELIANCE"]);
    let detail = "3 of the 3 instruments that Zerodha Kite Connect can stream to one account";
    assert!(description.risk_analysis.detailed_risks.unwrap().iter().any(|risk| risk.detail == detail));
}

#[test]
fn a_broker_plan_shows_concentration_and_costs() {
    let catalogue = demo_catalogue();
    let underlying = |instrument: &crate::catalogue::Instrument<'_>| instrument.underlying() == Some("NIFTY");
    let options = catalogue.instruments().filter(underlying).take(2).map(|of| of.key().to_owned());
    let keys: Vec<String> = options.chain(["NSE:TCS".to_owned()]).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut request = request(&keys);
    request.feed.mode = Some(crate::vocabulary::Mode::Full);

    let description = describe_at_kite(&request, DescriptionLevel::Detailed);

    let analysis = description.broker_analysis.unwrap();
    let underlyings = analysis.underlyings.unwrap();
    assert_eq!(underlyings[0].underlying.as_str(), "NIFTY");
    assert_eq!(underlyings[0].instruments, 2);
    assert_eq!(underlyings[0].share.to_string(), "0.6666");
    let expiries = analysis.expiries.unwrap();
    assert_eq!(expiries.iter().map(|of| of.instruments).sum::<u64>(), 2);
    assert!(expiries.iter().all(|of| of.days_left == (of.expiry - request.options.as_of).num_days()));
    let costs = analysis.costs.unwrap();
    assert_eq!(costs.iter().map(|of| of.cost.ten_thousandths()).sum::<i64>(), 1500);
    let full: u64 =
        costs.iter().filter(|of| of.mode == Some(crate::vocabulary::Mode::Full)).map(|of| of.instruments).sum();
    assert_eq!(full, 1);
    let mode = description.recommendations.iter().find(|of| of.kind == "mode").unwrap();
    assert_eq!(mode.message, "2 instruments have a lower mode than requested, because of the limit `modes.full.alone`");
    assert_eq!(mode.instruments.len(), 2);
}

#[test]
fn a_plan_without_a_broker_names_no_instruments() {
    let description = describe_keys(&KEYS, DescriptionLevel::Comprehensive);

    assert_eq!(description.broker_analysis, None);
    assert!(description.recommendations.iter().all(|recommendation| recommendation.instruments.is_empty()));
}

#[test]
fn performance_is_unknown_without_figures_of_the_broker() {
    let catalogue = demo_catalogue();
    let mut request = request(&["NSE:TCS"]);
    request.feed.broker = Some(Broker::Groww);
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let mut plan = crate::create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap();
    let present = Present { basis: basis(&catalogue), today: request.options.as_of, daily_budget: None };

    let known = describe(&plan, DescriptionLevel::Comprehensive, present);
    // A plan of an earlier release has no allocation.
    plan.metadata.broker_part = None;
    let unknown = describe(&plan, DescriptionLevel::Comprehensive, present);

    assert_eq!(known.risk_analysis.performance_risk, RiskLevel::Low);
    assert_eq!(risk(&unknown, "performance").level, RiskLevel::Unknown);
    assert_eq!(risk(&unknown, "performance").detail, "the capacity of groww is unknown");
}

#[test]
fn half_and_nine_tenths_of_the_capacity_raise_the_risk() {
    let level = |share| by_share(Amount::from_ten_thousandths(share));

    assert_eq!(level(4_999), RiskLevel::Low);
    assert_eq!(level(5_000), RiskLevel::Medium);
    assert_eq!(level(8_999), RiskLevel::Medium);
    assert_eq!(level(9_000), RiskLevel::High);
    assert_eq!(level(20_000), RiskLevel::High);
}

#[test]
fn recommendations_name_the_findings() {
    let kinds = |keys: &[&str]| -> Vec<String> {
        let description = describe_keys(keys, DescriptionLevel::Basic);
        description.recommendations.into_iter().map(|recommendation| recommendation.kind).collect()
    };

    let messages = |keys: &[&str], max: Option<u32>| -> Vec<String> {
        let catalogue = demo_catalogue();
        let mut request = request(keys);
        request.options.max_instruments = max.unwrap_or(request.options.max_instruments);
        let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
        let plan = crate::create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap();
        let present = Present { basis: basis(&catalogue), today: request.options.as_of, daily_budget: None };
        let description = describe(&plan, DescriptionLevel::Basic, present);
        description.recommendations.into_iter().map(|recommendation| recommendation.message).collect()
    };

    assert_eq!(
        messages(&KEYS, None),
        [
            "1 of 5 keys is malformed, unknown, inactive or expired",
            "1 slot holds another listing or name of a planned instrument"
        ]
    );
    assert_eq!(messages(&["NSE:NOPE"], None), ["1 of 1 key is malformed, unknown, inactive or expired"]);
    assert_eq!(messages(&["NSE:TCS", "NSE:TCS"], None), ["1 key of the request is a duplicate"]);
    assert_eq!(messages(&["NSE:TCS", "NSE:TCS", "NSE:TCS"], None), ["2 keys of the request are duplicates"]);
    assert_eq!(messages(&["NSE:TCS", "NSE:INFY"], Some(1)), ["1 instrument left out: the plan is at its maximum of 1"]);
    assert_eq!(
        messages(&["NSE:TCS", "NSE:INFY", "NSE:SBIN"], Some(1)),
        ["2 instruments left out: the plan is at its maximum of 1"]
    );
    assert_eq!(kinds(&KEYS), ["validation", "cost"]);
    assert_eq!(kinds(&["NSE:TCS", "NSE:TCS"]), ["deduplication"]);
    assert_eq!(kinds(&["NSE:TCS"]), Vec::<String>::new());
}

#[test]
fn a_changed_catalogue_makes_a_plan_stale() {
    let catalogue = demo_catalogue();
    let mut request = request(&["NSE:TCS"]);
    request.options.optimization_level = OptimizationLevel::Aggressive;
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let plan = crate::create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap();
    let other = crate::catalogue::Builder::new().build("2".into(), vec![]);

    let present = Present { basis: basis(&other), today: request.options.as_of, daily_budget: None };
    let description = describe(&plan, DescriptionLevel::Basic, present);

    assert_eq!(description.recommendations[0].kind, "staleness");
    assert_eq!(description.instrument_analysis.instrument_types, [("UNKNOWN".into(), 1)].into());
}

#[test]
fn an_empty_plan_is_described_without_dividing_by_zero() {
    let description = describe_keys(&["NSE:NOPE"], DescriptionLevel::Comprehensive);

    assert_eq!(description.instrument_analysis.diversity_score, Some(Amount::ZERO));
    assert_eq!(description.instrument_analysis.optimization_efficiency, Some(Amount::ZERO));
}

#[test]
fn the_trading_date_changes_at_midnight_in_kolkata() {
    assert_eq!(trading_date("2026-11-24T18:29:59Z".parse().unwrap()).to_string(), "2026-11-24");
    assert_eq!(trading_date("2026-11-24T18:30:00Z".parse().unwrap()).to_string(), "2026-11-25");
}

#[test]
fn a_file_dated_in_the_future_has_no_known_age() {
    let catalogue = demo_catalogue();
    let request = request(&["NSE:TCS"]);
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let mut plan = crate::create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap();
    plan.metadata.catalogue.demonstration = false;
    let today = request.options.as_of;
    let mut staleness = |file_date| {
        plan.metadata.catalogue.file_date = file_date;
        let present = Present { basis: basis(&catalogue), today, daily_budget: None };
        describe(&plan, DescriptionLevel::Basic, present).risk_analysis.data_staleness_risk
    };

    let unknown = staleness(None);
    let tomorrow = today.succ_opt().unwrap();

    assert_eq!(unknown, RiskLevel::Medium);
    assert_eq!(staleness(Some(tomorrow)), RiskLevel::Low);
    assert_eq!(staleness(tomorrow.succ_opt()), unknown);
    assert_eq!(staleness(Some("9999-12-31".parse().unwrap())), unknown);
}
