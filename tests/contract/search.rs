//! Search.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn search_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let path = format!("{REGISTRY}/search");
    let small = format!("{path}?page_size=2");

    recorder.record("search_found", post(&small, &json!({"query": "tata"}))).await;
    recorder.record("search_symbol", post(&small, &json!({"query": "TCS"}))).await;
    recorder.record("search_fuzzy", post(&small, &json!({"query": "relaince"}))).await;
    let plain = json!({"query": "relaince", "fuzzy_search": false, "include_metadata": false});
    recorder.record("search_nothing", post(&small, &plain)).await;
    recorder.record("search_page", post(format!("{path}?page=2&page_size=3"), &json!({"sort_by": "symbol"}))).await;
    for sort_by in ["relevance", "name", "expiry", "strike", "lot_size"] {
        let body = json!({"query": "nifty", "sort_by": sort_by, "sort_order": "desc"});
        recorder.record(&format!("search_by_{sort_by}"), post(&small, &body)).await;
    }
    let filters = json!({
        "exchanges": ["NSE"], "instrument_types": ["EQ"], "is_active": true, "has_options": false, "min_lot_size": 1,
        "max_lot_size": 10, "asset_classes": ["equity"],
    });
    recorder.record("search_filtered", post(&small, &json!({"filters": filters}))).await;
    recorder.record("search_without_body", post_nothing(format!("{path}?page_size=1"))).await;
    for kind in ["index", "equity_derivative", "fund", "debt", "currency", "commodity"] {
        let body = json!({"filters": {"asset_classes": [kind]}});
        recorder.record(&format!("search_{kind}"), post(format!("{path}?page_size=1"), &body)).await;
    }
    let wrong = json!({
        "query": 1, "sort_by": "x", "sort_order": "x", "fuzzy_search": 1, "include_metadata": "x", "x": 1,
        "filters": {"exchanges": ["X"], "instrument_types": "EQ", "is_active": 1, "min_lot_size": -1, "x": 1},
    });
    recorder.record("search_every_fault", post(format!("{path}?page=0&page_size=501&x=1"), &wrong)).await;
}
