//! Level, strictness, maximum and date of a plan, and its counts.

use chrono::NaiveDate;
use registry_planning::demo;
use registry_planning::vocabulary::{Exchange, InstrumentType};
use serde_json::{Value, json};

use crate::support::{Service, body, fields, texts, today, with};

#[tokio::test(flavor = "multi_thread")]
async fn level_low_keeps_the_order_of_the_request() {
    let service = Service::start().await;
    let request = with(body(&["NSE:TCS", "BSE:ITC", "NSE:INFY", "NSE:TCS"]), "optimization_level", "low");

    let plan = &service.client.plan("u", &request).await["plan_data"];

    assert_eq!(texts(&plan["instruments"]), ["NSE:TCS", "BSE:ITC", "NSE:INFY"]);
    let result = &plan["metadata"]["optimization_result"];
    assert_eq!(result["optimization_strategy"], "simple_truncation");
    assert_eq!(result["performance_impact"], "minimal");
    assert_eq!(plan["validation_results"]["optimization_applied"], "simple_truncation");
}

#[tokio::test(flavor = "multi_thread")]
async fn level_moderate_sorts_by_exchange_then_symbol() {
    let service = Service::start().await;

    let plan = &service.client.plan("u", &body(&["NSE:TCS", "NSE:INFY", "BSE:TCS", "NSE:NIFTY 50"])).await["plan_data"];

    assert_eq!(texts(&plan["instruments"]), ["BSE:TCS", "NSE:INFY", "NSE:NIFTY 50", "NSE:TCS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn level_aggressive_merges_listings_and_reports_it() {
    let service = Service::start().await;
    let keys = ["BSE:TCS", "NSE:NIFTY", "NSE:TCS", "NSE:NIFTY 50", "BSE:SENSEX"];
    let request = with(body(&keys), "optimization_level", "aggressive");

    let plan = &service.client.plan("u", &request).await["plan_data"];

    assert_eq!(texts(&plan["instruments"]), ["BSE:SENSEX", "NSE:NIFTY 50", "NSE:TCS"]);
    let result = &plan["metadata"]["optimization_result"];
    assert_eq!(
        fields(result),
        [
            "deduplication_count",
            "exchange_distribution",
            "optimization_strategy",
            "optimization_time_ms",
            "optimized_instruments",
            "performance_impact",
            "removed_count"
        ]
    );
    assert_eq!(result["exchange_distribution"], json!({"BSE": 1, "NSE": 2}));
    assert!(result["optimization_time_ms"].as_f64().is_some_and(|ms| (0.0..10_000.0).contains(&ms)), "{result}");
    assert_eq!(result["removed_count"], 2);
    assert_eq!(result["deduplication_count"], 2);
    assert_eq!(result["optimization_strategy"], "advanced_exchange_prioritization");
    assert_eq!(result["performance_impact"], "significant");
    let aliases: Vec<_> =
        plan["rejected"].as_array().unwrap().iter().map(|r| (&r["instrument"], &r["reason"])).collect();
    assert_eq!(aliases, [(&json!("BSE:TCS"), &json!("alias")), (&json!("NSE:NIFTY"), &json!("alias"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strictness_decides_which_keys_are_kept() {
    let service = Service::start().await;
    let kept = async |strictness: &str| {
        let request = with(body(&["NSE:TCS", "NSE:NOPE", "XYZ:THING", "nse:tcs"]), "filtering_strictness", strictness);
        service.client.plan("u", &request).await["plan_data"].clone()
    };

    let (lenient, moderate, strict) = (kept("lenient").await, kept("moderate").await, kept("strict").await);

    assert_eq!(texts(&lenient["instruments"]), ["NSE:NOPE", "NSE:TCS", "XYZ:THING"]);
    assert_eq!(texts(&lenient["validation_results"]["unknown_instruments"]), ["NSE:NOPE", "XYZ:THING"]);
    assert_eq!(lenient["validation_results"]["valid_instruments"], 3);
    for plan in [&moderate, &strict] {
        assert_eq!(texts(&plan["instruments"]), ["NSE:TCS"]);
        assert!(plan["validation_results"].get("unknown_instruments").is_none(), "{plan}");
    }
    assert_eq!(lenient["filtering_strictness"], "lenient");
    assert_eq!(strict["filtering_strictness"], "strict");
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_rejects_contracts_expired_on_the_date_of_the_plan() {
    let service = Service::start().await;
    let future = demo::rows(today())
        .into_iter()
        .find(|row| row.exchange == Exchange::Nfo && row.class == InstrumentType::Future);
    let future = future.unwrap();
    let (key, expiry) = (format!("NFO:{}", future.symbol), future.expiry.unwrap());
    let plan_on = async |date: NaiveDate, strictness: &str| {
        let request = with(with(body(&[&key]), "as_of", date.to_string()), "filtering_strictness", strictness);
        service.client.plan("u", &request).await["plan_data"].clone()
    };

    let last_day = plan_on(expiry, "strict").await;
    let next_day = plan_on(expiry.succ_opt().unwrap(), "strict").await;
    let moderate = plan_on(expiry.succ_opt().unwrap(), "moderate").await;

    assert_eq!(texts(&last_day["instruments"]), [key.as_str()]);
    assert_eq!(next_day["instruments"], json!([]));
    assert_eq!(next_day["rejected"][0]["reason"], "expired");
    let detail = next_day["rejected"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("expired on {expiry}; the next expiry is ")), "{detail}");
    assert_eq!(next_day["validation_results"]["invalid_instruments"], 1);
    assert_eq!(texts(&moderate["instruments"]), [key.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn max_instruments_never_raises_the_configured_maximum() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "3")]).await;
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:ITC", "NSE:SBIN", "NSE:LT"];
    let plan = async |max: Value| {
        service.client.plan("u", &with(body(&keys), "max_instruments", max)).await["plan_data"].clone()
    };

    let (two, many, none) = (plan(json!(2)).await, plan(json!(4_294_967_295_u32)).await, plan(Value::Null).await);

    assert_eq!(texts(&two["instruments"]), ["NSE:INFY", "NSE:TCS"]);
    assert_eq!(two["metadata"]["max_instruments"], 2);
    assert_eq!(two["metadata"]["optimization_result"]["removed_count"], 3);
    assert_eq!(two["validation_results"]["within_limits"], false);
    assert_eq!(texts(&many["instruments"]), ["NSE:INFY", "NSE:ITC", "NSE:TCS"]);
    assert_eq!(many["metadata"]["max_instruments"], 3);
    assert_eq!(none["plan_id"], many["plan_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_date_of_a_plan_is_today() {
    let service = Service::start().await;
    let plan = async |as_of: Value| service.client.plan("u", &with(body(&["NSE:TCS"]), "as_of", as_of)).await;

    let default = plan(Value::Null).await;
    let named = plan(json!(today().to_string())).await;
    let (other, early) = (plan(json!("2031-02-28")).await, plan(json!("1999-12-31")).await);

    assert_eq!(default["plan_data"]["metadata"]["as_of"], today().to_string());
    assert_eq!(named["plan_id"], default["plan_id"]);
    assert_eq!(named["status"], "cached");
    assert_eq!(other["plan_data"]["metadata"]["as_of"], "2031-02-28");
    assert_eq!(early["plan_data"]["metadata"]["as_of"], "1999-12-31");
    assert_ne!(other["plan_data"]["cache_key"], default["plan_data"]["cache_key"]);
    assert_eq!(other["status"], "created");
    assert_eq!(early["status"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_options_come_from_the_settings() {
    let service = Service::with(&[
        ("INSTRUMENT_REGISTRY_PLANNER_OPTIMIZATION_LEVEL", "low"),
        ("INSTRUMENT_REGISTRY_FILTERING_STRICTNESS", "lenient"),
        ("INSTRUMENT_REGISTRY_COST_PER_INSTRUMENT", "0.0333"),
    ])
    .await;

    let plan = &service.client.plan("u", &body(&["NSE:TCS", "NSE:NOPE", "BSE:TCS"])).await["plan_data"];

    assert_eq!(plan["optimization_level"], "low");
    assert_eq!(plan["filtering_strictness"], "lenient");
    assert_eq!(texts(&plan["instruments"]), ["NSE:TCS", "NSE:NOPE", "BSE:TCS"]);
    assert_eq!(plan["estimated_cost"], json!(0.0999));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rejected_key_is_counted_and_reported() {
    let service = Service::start().await;
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:TCS", "nse:tcs", "NSE:SENSEX", "NSE:TCS", "BSE:TCS", "XYZ:THING"];

    let plan = &service.client.plan("u", &with(body(&keys), "max_instruments", 2)).await["plan_data"];

    assert_eq!(texts(&plan["instruments"]), ["NSE:INFY", "NSE:TCS"]);
    let rejected = plan["rejected"].as_array().unwrap();
    let told: Vec<_> =
        rejected.iter().map(|r| (r["instrument"].as_str().unwrap(), r["reason"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("NSE:TCS", "duplicate"),
            ("nse:tcs", "malformed"),
            ("NSE:SENSEX", "unknown"),
            ("NSE:TCS", "duplicate"),
            ("BSE:TCS", "over_limit"),
            ("XYZ:THING", "unknown"),
        ]
    );
    for rejection in rejected {
        assert_eq!(fields(rejection), ["detail", "instrument", "reason", "suggestions"]);
        assert!(!rejection["detail"].as_str().unwrap().is_empty(), "{rejection}");
    }
    assert_eq!(texts(&rejected[1]["suggestions"]), ["NSE:TCS"]);
    assert_eq!(texts(&rejected[2]["suggestions"]), ["BSE:SENSEX"]);
    let result = &plan["metadata"]["optimization_result"];
    assert_eq!(result["removed_count"], 6);
    assert_eq!(plan["performance_metrics"]["removed_instruments"], 6);
    assert_eq!(result["deduplication_count"], 2);
    assert_eq!(
        plan["validation_results"],
        json!({"valid_instruments": 2, "invalid_instruments": 3, "optimization_applied": "dedup_and_sort",
            "within_limits": false})
    );
    assert_eq!(plan["metadata"]["original_instrument_count"], 8);
    assert_eq!(plan["estimated_cost"], json!(0.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_plan_is_stored_and_cached() {
    let service = Service::start().await;
    let request = body(&["NSE:NOPE", "bad"]);

    let made = service.client.plan("u", &request).await;
    let again = service.client.plan("u", &request).await;
    let read = service.client.read(&format!("plans/{}", made["plan_id"].as_str().unwrap())).await;

    assert_eq!(made["status"], "created");
    assert_eq!(made["plan_data"]["instruments"], json!([]));
    assert_eq!(made["plan_data"]["estimated_cost"], 0.0);
    assert_eq!(made["plan_data"]["validation_results"]["invalid_instruments"], 2);
    assert_eq!(again["status"], "cached");
    assert_eq!(again["plan_id"], made["plan_id"]);
    assert_eq!(read["plan"], made["plan_data"]);
}
