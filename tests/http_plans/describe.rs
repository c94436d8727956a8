//! Descriptions of plans at the three levels.

use serde_json::{Value, json};

use crate::support::{Client, Service, body, fields, with};

async fn describe(client: &Client, plan_id: &Value, level: Option<&str>) -> Value {
    let path = format!("plan/{}/describe", plan_id.as_str().expect("an id is a text"));
    match level {
        Some(level) => client.post(&path, &json!({"description_level": level})).await.json(),
        None => client.post_text(&path, "").await.json(),
    }
}

const TOP: [&str; 11] = [
    "api_version",
    "correlation_id",
    "cost_breakdown",
    "description_level",
    "duration_ms",
    "instrument_analysis",
    "performance_analysis",
    "plan_id",
    "recommendations",
    "response_time_ms",
    "risk_analysis",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_basic_description_has_only_counts_and_cost() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS", "BSE:TCS", "NSE:NIFTY 50"])).await;

    let description = describe(&service.client, &plan["plan_id"], Some("basic")).await;

    assert_eq!(fields(&description), TOP);
    assert_eq!(description["plan_id"], plan["plan_id"]);
    assert_eq!(description["description_level"], "basic");
    assert_eq!(
        description["instrument_analysis"],
        json!({"total_instruments": 3, "exchanges": {"BSE": 1, "NSE": 2}, "instrument_types": {"EQ": 2, "INDEX": 1}})
    );
    assert_eq!(
        description["cost_breakdown"],
        json!({"base_cost": 0.15, "currency": "USD", "cost_per_instrument": 0.05})
    );
    assert!(description["performance_analysis"].get("scalability_assessment").is_none());
    assert_eq!(fields(&description["risk_analysis"]), ["cost_risk", "data_staleness_risk", "performance_risk"]);
    assert_eq!(description["api_version"], "v1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detailed_description_adds_shares_and_costs() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS", "BSE:TCS", "NSE:NIFTY 50", "NSE:NOPE"])).await;

    let description = describe(&service.client, &plan["plan_id"], Some("detailed")).await;

    assert_eq!(fields(&description), TOP);
    let analysis = &description["instrument_analysis"];
    assert_eq!(
        fields(analysis),
        [
            "diversity_score",
            "exchanges",
            "instrument_types",
            "optimization_efficiency",
            "top_exchanges",
            "total_instruments"
        ]
    );
    assert_eq!(analysis["top_exchanges"], json!([["NSE", 2], ["BSE", 1]]));
    // One less the squares of two thirds and one third, 5/9 cut to four decimals.
    assert_eq!(analysis["diversity_score"], 0.4445);
    assert_eq!(analysis["optimization_efficiency"], 0.75);
    let cost = &description["cost_breakdown"];
    assert_eq!(fields(cost), ["base_cost", "cost_per_instrument", "currency", "exchange_costs", "monthly_estimate"]);
    assert_eq!(cost["exchange_costs"], json!({"BSE": 0.05, "NSE": 0.1}));
    assert!(cost["monthly_estimate"].as_f64() > cost["base_cost"].as_f64(), "{cost}");
    assert!(description["performance_analysis"].get("scalability_assessment").is_none());
    assert!(description["risk_analysis"].get("detailed_risks").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comprehensive_description_adds_scalability_and_risks() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &with(body(&["NSE:TCS", "NSE:INFY"]), "max_instruments", 4)).await;

    let description = describe(&service.client, &plan["plan_id"], Some("comprehensive")).await;

    assert_eq!(fields(&description), TOP);
    assert_eq!(
        description["performance_analysis"]["scalability_assessment"],
        json!({"current_load": 0.0002, "recommended_max": 9000, "performance_grade": "A"}),
        "the load is of the broker's capacity, not of the plan's maximum"
    );
    let risks = &description["risk_analysis"];
    assert_eq!(fields(risks), ["cost_risk", "data_staleness_risk", "detailed_risks", "performance_risk"]);
    assert_eq!(risks["data_staleness_risk"], "high", "it was made from the demonstration catalogue");
    assert_eq!(risks["detailed_risks"].as_array().unwrap().len(), 3);
    assert!(description["instrument_analysis"]["diversity_score"].is_number());
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_is_a_risk_only_with_a_budget() {
    let without = Service::start().await;
    let with_budget = Service::with(&[("INSTRUMENT_REGISTRY_DAILY_BUDGET_PER_USER", "0.11")]).await;
    let mut risks = Vec::new();
    for service in [&without, &with_budget] {
        let plan = service.client.plan("u", &with(body(&["NSE:TCS", "NSE:INFY"]), "max_instruments", 2)).await;
        risks.push(describe(&service.client, &plan["plan_id"], Some("basic")).await["risk_analysis"].take());
    }

    assert_eq!(risks[0]["cost_risk"], "unknown");
    assert_eq!(risks[1]["cost_risk"], "high");
    assert_eq!(risks[1]["performance_risk"], "low");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_description_level_is_detailed() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let path = format!("plan/{}/describe", plan["plan_id"].as_str().unwrap());

    let empty = describe(&service.client, &plan["plan_id"], None).await;
    let object = service.client.post(&path, &json!({})).await.json();
    let null = service.client.post(&path, &json!({"description_level": null})).await.json();

    for description in [&empty, &object, &null] {
        assert_eq!(description["description_level"], "detailed");
        assert_eq!(description["instrument_analysis"], empty["instrument_analysis"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recommendations_have_types_and_priorities() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS", "BSE:TCS", "NSE:TCS", "NSE:NOPE"])).await;

    let description = describe(&service.client, &plan["plan_id"], Some("basic")).await;

    let recommendations = description["recommendations"].as_array().unwrap();
    for recommendation in recommendations {
        assert_eq!(fields(recommendation), ["message", "priority", "suggested_action", "type"]);
    }
    let kinds: Vec<_> =
        recommendations.iter().map(|r| (r["type"].as_str().unwrap(), r["priority"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("validation", "high"), ("cost", "medium"), ("deduplication", "low")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_plan_can_be_described() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:NOPE"])).await;

    let description = describe(&service.client, &plan["plan_id"], Some("comprehensive")).await;

    assert_eq!(description["instrument_analysis"]["total_instruments"], 0);
    assert_eq!(description["instrument_analysis"]["diversity_score"], json!(0.0));
    assert_eq!(description["cost_breakdown"]["base_cost"], json!(0.0));
    assert_eq!(description["performance_analysis"]["scalability_assessment"]["current_load"], json!(0.0));
}
