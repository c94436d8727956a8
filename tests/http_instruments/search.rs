//! Search over HTTP.

use serde_json::{Value, json};

use super::{INSTRUMENT, keys, post};
use crate::support::{Service, fields};

#[tokio::test(flavor = "multi_thread")]
async fn a_search_returns_exactly_the_documented_fields() {
    let service = Service::start().await;

    let answer = post(&service.client, "search", &json!({"query": "tcs"})).await.json();

    assert_eq!(fields(&answer), ["correlation_id", "instruments", "pagination", "response_time_ms", "search_metadata"]);
    let first = &answer["instruments"][0];
    let mut expected = INSTRUMENT.to_vec();
    expected.extend(["highlight", "match"]);
    expected.sort_unstable();
    assert_eq!(fields(first), expected);
    assert_eq!(first["instrument_key"], "NSE:TCS");
    assert_eq!(first["match"], "exact");
    assert_eq!(first["highlight"], json!([{"field": "symbol", "start": 0, "end": 3}]));
    assert_eq!(
        fields(&answer["pagination"]),
        ["has_next", "has_previous", "page", "page_size", "total_count", "total_pages"]
    );
    let metadata = &answer["search_metadata"];
    assert_eq!(
        fields(metadata),
        ["catalogue_version", "fuzzy_search", "matches", "query", "search_time_us", "sort_by", "sort_order"]
    );
    assert_eq!(metadata["query"], "tcs");
    assert_eq!(metadata["catalogue_version"], "demo");
    assert_eq!(metadata["matches"]["exact"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_match_comes_first() {
    let service = Service::start().await;

    for (query, expected) in [
        ("reliance", "NSE:RELIANCE"),
        ("RELAINCE", "NSE:RELIANCE"),
        ("tata consultancy", "NSE:TCS"),
        ("INE467B01029", "NSE:TCS"),
        ("nifty", "NSE:NIFTY 50"),
        ("banknifty", "NSE:NIFTY BANK"),
        ("  sensex ", "BSE:SENSEX"),
        ("BSE:TCS", "BSE:TCS"),
    ] {
        let answer = post(&service.client, "search?page_size=1", &json!({"query": query})).await.json();

        assert_eq!(keys(&answer["instruments"]), [expected], "{query}");
    }
    let strict = post(&service.client, "search", &json!({"query": "RELAINCE", "fuzzy_search": false})).await.json();
    assert_eq!(strict["pagination"]["total_count"], 0);
    assert_eq!(strict["pagination"]["total_pages"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_sort_orders_are_applied() {
    let service = Service::start().await;
    let search = async |body: Value| post(&service.client, "search?page_size=500", &body).await.json();

    let options = search(json!({"query": "INFY", "sort_by": "strike", "sort_order": "desc",
        "filters": {"exchanges": ["NFO"], "instrument_types": ["CE", "PE", "CE"], "is_active": true}}))
    .await;
    let with_options = search(json!({"filters": {"has_options": true, "instrument_types": ["INDEX"]}})).await;
    let lots = search(json!({"filters": {"min_lot_size": 30, "max_lot_size": 30, "instrument_types": ["FUT"]}})).await;
    let funds = search(json!({"filters": {"asset_classes": ["fund", "currency"]}})).await;

    let strikes: Vec<f64> =
        options["instruments"].as_array().unwrap().iter().map(|one| one["strike"].as_f64().unwrap()).collect();
    assert_eq!(strikes.len(), 42);
    assert!(strikes.is_sorted_by(|a, b| a >= b), "{strikes:?}");
    assert_eq!(keys(&with_options["instruments"]), ["NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX"]);
    assert_eq!(lots["pagination"]["total_count"], 6);
    assert_eq!(funds["instruments"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn search_pages_are_contiguous_and_metadata_is_optional() {
    let service = Service::start().await;
    let body = json!({"query": "NIFTY", "include_metadata": false, "filters": {"instrument_types": ["INDEX", "FUT"]}});
    let whole = post(&service.client, "search?page_size=500", &body).await.json();
    let total = whole["pagination"]["total_count"].as_u64().unwrap();

    let mut paged = Vec::new();
    for page in 1..=total.div_ceil(7) {
        let answer = post(&service.client, &format!("search?page={page}&page_size=7"), &body).await.json();
        let pagination = &answer["pagination"];
        assert_eq!(pagination["total_count"], json!(total));
        assert_eq!(pagination["page"], json!(page));
        assert_eq!(pagination["has_previous"], page > 1);
        assert_eq!(pagination["has_next"], page < total.div_ceil(7));
        paged.extend(keys(&answer["instruments"]).into_iter().map(str::to_owned));
    }

    assert_eq!(paged, keys(&whole["instruments"]));
    assert!(whole.get("search_metadata").is_none() && whole["instruments"][0].get("highlight").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body_matches_every_instrument() {
    let service = Service::start().await;

    let answer = service.client.post_text(&format!("{}/search", crate::support::REGISTRY), "").await.json();

    assert_eq!(answer["instruments"].as_array().unwrap().len(), 50);
    assert!(answer["pagination"]["total_count"].as_u64().unwrap() > 3000);
    assert_eq!(answer["instruments"][0]["match"], "all");
}
