//! A rejected request reports all of its faults at once.

use reqwest::Method;
use serde_json::json;

use super::{get, post};
use crate::support::{Answer, REGISTRY, Service};

#[tokio::test(flavor = "multi_thread")]
async fn every_path_requires_the_key() {
    let service = Service::start().await;

    for (method, path) in [
        (Method::GET, "instruments"),
        (Method::GET, "instruments/resolve?symbol=TCS"),
        (Method::GET, "instruments/NSE:TCS"),
        (Method::POST, "instruments:batchResolve"),
        (Method::POST, "search"),
        (Method::GET, "catalog/summary"),
        (Method::GET, "brokers"),
        (Method::GET, "brokers/kite/tokens/NSE:TCS"),
    ] {
        let request = service.client.request_without_key(method, &format!("{REGISTRY}/{path}"));
        Answer::to(request).await.problem(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_out_of_range_parameters_are_reported() {
    let service = Service::start().await;

    for (path, pointers) in [
        (
            "instruments?limit=0&offset=-1&exchange=LSE&is_active=yes&q=1",
            &["exchange", "is_active", "limit", "offset", "q"][..],
        ),
        ("instruments?limit=1001", &["limit"]),
        ("instruments?instrument_type=EQUITY", &["instrument_type"]),
        ("instruments/resolve", &["symbol"]),
        ("instruments/resolve?symbol=&isin=ine467b01029", &["isin", "symbol"]),
        ("instruments/resolve?symbol=A&symbol=B", &["symbol"]),
        ("instruments/NSE:TCS?verbose=1", &["verbose"]),
        ("catalog/summary?include_stats=1", &["include_stats"]),
        ("brokers?limit=1", &["limit"]),
        ("brokers/kite/tokens/NSE:TCS?x=1", &["x"]),
    ] {
        let expected: Vec<String> = pointers.iter().map(|name| format!("/query/{name}")).collect();
        assert_eq!(get(&service.client, path).await.pointers(), expected, "{path}");
    }
    let limit = get(&service.client, "instruments?limit=1001").await.faults();
    assert_eq!(limit["/query/limit"], "expected an integer from 1 to 1000, got `1001`");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_search_are_reported_with_pointers() {
    let service = Service::start().await;
    let body = json!({
        "query": 7, "sort_by": "price", "sort_order": "up", "fuzzy_search": "yes", "include_metadata": 1, "limit": 5,
        "filters": {"exchanges": ["NSE", "LSE", 3], "instrument_types": "EQ", "asset_classes": ["crypto"],
            "is_active": null, "has_options": "no", "min_lot_size": 5, "max_lot_size": 2, "colour": "red"},
    });

    let faults = post(&service.client, "search?page=0&page_size=501&sort=x", &body).await.faults();

    let pointers: Vec<&str> = faults.keys().map(String::as_str).collect();
    assert_eq!(
        pointers,
        [
            "/filters/asset_classes/0",
            "/filters/colour",
            "/filters/exchanges/1",
            "/filters/exchanges/2",
            "/filters/has_options",
            "/filters/instrument_types",
            "/filters/min_lot_size",
            "/fuzzy_search",
            "/include_metadata",
            "/limit",
            "/query",
            "/query/page",
            "/query/page_size",
            "/query/sort",
            "/sort_by",
            "/sort_order"
        ]
    );
    assert_eq!(
        faults["/filters/exchanges/1"],
        "expected one of BCD, BFO, BSE, CDS, GLOBAL, MCX, NCO, NFO, NSE, NSEIX, got `LSE`"
    );
    assert_eq!(faults["/query/page_size"], "expected an integer from 1 to 500, got `501`");
    let long = post(&service.client, "search", &json!({"query": "x".repeat(101), "filters": []})).await.faults();
    assert_eq!(long["/query"], "expected 0 to 100 characters, got 101");
    assert_eq!(long["/filters"], "expected an object, got an array");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_batch_are_reported_with_pointers() {
    let service = Service::start().await;

    for (body, pointers) in [
        (json!({}), &["/instruments"][..]),
        (json!({"instruments": []}), &["/instruments"]),
        (
            json!({"instruments": ["", 5, "NSE:TCS"], "as_of": "2026-11-24"}),
            &["/as_of", "/instruments/0", "/instruments/1"],
        ),
    ] {
        assert_eq!(post(&service.client, "instruments:batchResolve", &body).await.pointers(), pointers, "{body}");
    }
    let answer = service.client.post_text(&format!("{REGISTRY}/instruments:batchResolve"), "{").await;
    answer.problem(400, "invalid_json");
}
