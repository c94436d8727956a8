//! Creation, reads and reuse of plans over HTTP.

mod describe;
mod encoding;
mod explain;
mod fast_path;
mod items;
mod listing;
mod options;
mod placement;
mod planner;
mod repeats;
mod reuse;
mod subscriptions;

use chrono::{DateTime, TimeDelta};
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Service, body, fields, today, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_response_has_exactly_the_documented_fields() {
    let service = Service::start().await;

    let answer = service.client.plan("u", &body(&["NSE:RELIANCE", "NSE:TCS"])).await;

    assert_eq!(
        fields(&answer),
        [
            "api_version",
            "cache_hit",
            "config_driven",
            "correlation_id",
            "duration_ms",
            "plan_data",
            "plan_id",
            "response_time_ms",
            "status"
        ]
    );
    let plan = &answer["plan_data"];
    assert_eq!(
        fields(plan),
        [
            "cache_key",
            "created_at",
            "description",
            "estimated_cost",
            "expires_at",
            "filtering_strictness",
            "instruments",
            "metadata",
            "optimization_level",
            "performance_metrics",
            "plan_id",
            "plan_name",
            "rejected",
            "status",
            "subscription_type",
            "user_id",
            "validation_results"
        ]
    );
    assert_eq!(
        fields(&plan["performance_metrics"]),
        [
            "estimated_latency_ms",
            "filtering_strictness",
            "instrument_count",
            "memory_usage_mb",
            "optimization_level",
            "removed_instruments"
        ]
    );
    assert_eq!(
        fields(&plan["validation_results"]),
        ["invalid_instruments", "optimization_applied", "valid_instruments", "within_limits"]
    );
    assert_eq!(
        fields(&plan["metadata"]["optimization_result"]),
        [
            "deduplication_count",
            "optimization_strategy",
            "optimized_instruments",
            "performance_impact",
            "removed_count"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_request_creates_the_documented_plan() {
    let service = Service::start().await;
    let request = json!({
        "plan_name": "Test Plan", "subscription_type": "live_feed", "instruments": ["NSE:RELIANCE", "NSE:TCS"],
        "description": null, "optimization_level": null, "filtering_strictness": null, "max_instruments": null,
    });

    let answer = service.client.plan("U", &request).await;

    assert_eq!(answer["plan_id"], answer["plan_data"]["plan_id"]);
    insta::assert_json_snapshot!("documented_answer", answer, {
        ".plan_id" => "[id]",
        ".plan_data.plan_id" => "[id]",
        ".**.cache_key" => "[hash]",
        ".**.content_hash" => "[hash]",
        ".**.created_at" => "[time]",
        ".**.expires_at" => "[time]",
        ".**.as_of" => "[date]",
        ".correlation_id" => "[id]",
        ".duration_ms" => "[measured]",
        ".response_time_ms" => "[measured]",
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_times_and_hashes_have_their_documented_format() {
    let service = Service::start().await;

    let answer = service.client.plan("u", &body(&["NSE:TCS"])).await;

    let plan = &answer["plan_data"];
    let text = |field: &str| plan[field].as_str().unwrap();
    let digits = text("plan_id").strip_prefix("plan_").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{digits}");
    assert_eq!(uuid::Uuid::parse_str(digits).unwrap().get_version_num(), 7);
    let cache_key = text("cache_key");
    assert!(cache_key.len() == 64 && cache_key.bytes().all(|b| b.is_ascii_hexdigit()), "{cache_key}");
    let (created_at, expires_at) = (text("created_at"), text("expires_at"));
    assert_eq!(created_at.len(), "2026-08-17T09:15:00.000Z".len());
    assert_eq!(&created_at[19..20], ".");
    assert_eq!(&created_at[23..], "Z");
    let time = |text: &str| DateTime::parse_from_rfc3339(text).unwrap();
    assert_eq!(time(expires_at) - time(created_at), TimeDelta::seconds(300));
    assert!((chrono::Utc::now() - time(created_at).to_utc()).abs() < TimeDelta::minutes(1), "{created_at}");
    assert!(answer["duration_ms"].is_u64() && answer["response_time_ms"].is_u64(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_demonstration_catalog() {
    let service = Service::start().await;

    let plan = service.client.plan("u", &body(&["NSE:TCS"])).await;

    let metadata = &plan["plan_data"]["metadata"];
    assert_eq!(metadata["catalogue"]["version"], "demo");
    assert_eq!(metadata["catalogue"]["demonstration"], true);
    assert_eq!(metadata["catalogue"]["file_date"], json!(null));
    assert_eq!(metadata["as_of"], today().to_string());
    assert!(metadata["warnings"][0].as_str().unwrap().contains("demonstration catalog:"), "{metadata}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_request_is_kept() {
    let service = Service::start().await;

    for description in ["for the desk", "", "für die Händler — 行情"] {
        let request = with(with(body(&["NSE:TCS"]), "description", description), "subscription_type", "alerts");
        let answer = service.client.plan(&format!("u{}", description.len()), &request).await;

        assert_eq!(answer["plan_data"]["description"], description);
        assert_eq!(answer["plan_data"]["subscription_type"], "alerts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_read_by_id_equals_the_created_one() {
    let service = Service::start().await;
    let answer = service.client.plan("u", &body(&["NSE:TCS", "NSE:NOPE", "NSE:TCS", "nse:tcs"])).await;

    let read = service.client.read(&format!("plans/{}", answer["plan_id"].as_str().unwrap())).await;

    assert_eq!(fields(&read), ["correlation_id", "plan", "response_time_ms"]);
    assert_eq!(read["plan"], answer["plan_data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matching_etag_returns_304_without_the_plan() {
    let service = Service::start().await;
    let answer = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let path = format!("plans/{}", answer["plan_id"].as_str().unwrap());
    let etag = service.client.get(&path).await.header("ETag").to_owned();
    let ask =
        async |known: &str| Answer::to(service.client.request(Method::GET, &path).header("If-None-Match", known)).await;

    let (same, listed, other) = (ask(&etag).await, ask(&format!("\"other\", {etag}")).await, ask("\"other\"").await);

    assert!(etag.starts_with("W/\"") && etag.len() > 10, "{etag}");
    assert_eq!(same.status, 304);
    assert_eq!(same.text.as_str(), "");
    assert_eq!(same.header("ETag"), etag.as_str());
    assert_eq!(listed.status, 304);
    assert_eq!(other.status, 200);
    assert_eq!(other.header("ETag"), etag.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn different_plans_have_different_etags() {
    let service = Service::start().await;
    let mut etags = Vec::new();
    for instruments in [&["NSE:TCS"][..], &["NSE:INFY"]] {
        let answer = service.client.plan("u", &body(instruments)).await;
        let read = service.client.get(&format!("plans/{}", answer["plan_id"].as_str().unwrap())).await;
        etags.push(read.header("ETag").to_owned());
    }

    assert_ne!(etags[0], etags[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_255_multibyte_characters_are_accepted() {
    let service = Service::start().await;
    let name = "行".repeat(255);

    let answer = service.client.plan("u", &with(body(&["NSE:TCS"]), "plan_name", name.as_str())).await;

    assert_eq!(answer["plan_data"]["plan_name"], name);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_5000_keys_of_100_characters_are_accepted() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "5000")]).await;
    let keys: Vec<String> = (0..5000).map(|n| format!("NSE:{n:ä>96}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();

    let answer = service.client.plan("u", &with(body(&keys), "filtering_strictness", "lenient")).await;

    assert_eq!(answer["plan_data"]["validation_results"]["valid_instruments"], 5000);
    assert_eq!(answer["plan_data"]["rejected"], json!([]));
    assert_eq!(answer["plan_data"]["estimated_cost"], json!(250.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_allowed_character_of_a_user_id_is_accepted() {
    let service = Service::start().await;
    for user_id in ["a", "A.b_c@d:e-9", &"u".repeat(64)] {
        let answer = service.client.plan(user_id, &body(&["NSE:TCS"])).await;

        assert_eq!(answer["plan_data"]["user_id"], user_id);
    }
}
