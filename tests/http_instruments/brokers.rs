//! The summary of the catalog, and brokers with their tokens.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use super::get;
use crate::support::{Answer, REGISTRY, Service, fields, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_counts_the_demonstration_catalog() {
    let service = Service::start().await;

    let summary = get(&service.client, "catalog/summary").await.json();

    assert_eq!(
        fields(&summary),
        [
            "active_instruments",
            "correlation_id",
            "data_freshness",
            "detailed_stats",
            "exchanges",
            "inactive_instruments",
            "instrument_types",
            "last_updated",
            "response_time_ms",
            "total_instruments",
            "version"
        ]
    );
    assert_eq!(
        summary["data_freshness"],
        json!({"status": "demonstration", "newest_file_date": null, "age_days": null})
    );
    assert_eq!(summary["instrument_types"]["INDEX"], 29);
    assert_eq!(summary["exchanges"]["BSE"], 103);
    assert_eq!(summary["total_instruments"], summary["active_instruments"]);
    let stats = &summary["detailed_stats"];
    assert_eq!(fields(stats), ["by_exchange", "by_type", "quality_metrics"]);
    assert_eq!(stats["by_exchange"]["BSE"], json!({"total": 103, "active": 103, "inactive": 0}));
    assert_eq!(stats["quality_metrics"]["without_token"], summary["total_instruments"]);
    let without = get(&service.client, "catalog/summary?include_stats=false").await.json();
    assert!(without.get("detailed_stats").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_without_a_file_has_no_tokens() {
    let service = Service::start().await;

    let brokers = get(&service.client, "brokers").await.json();

    assert_eq!(fields(&brokers), ["brokers", "correlation_id", "count", "response_time_ms"]);
    assert_eq!(brokers["count"], brokers["brokers"].as_array().unwrap().len());
    assert_eq!(
        brokers["brokers"][0],
        json!({
            "broker_id": "kite", "is_loaded": false, "file_date": null, "active_tokens": 0,
            "supports": {"files": true, "plans": true}
        })
    );
    for (path, part) in [
        ("brokers/kite/tokens/NSE:TCS", "kite has no token for `NSE:TCS`"),
        ("brokers/nobody/tokens/NSE:TCS", "unknown broker; expected one of kite, upstox"),
        ("brokers/kite/tokens/NSE:RELAINCE", "nearest: `NSE:RELIANCE`"),
    ] {
        let problem = get(&service.client, path).await.problem(404, "not_found");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_found_by_key_and_by_alias() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("instruments_2026-11-24.csv");
    let rows = [
        "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange",
        "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE",
        "2953217,11536,TCS,TATA CONSULTANCY SERV LT,0,,0,0.05,1,EQ,NSE,NSE",
    ];
    std::fs::write(&file, rows.join("\n")).unwrap();
    let ingested = run(&["ingest", file.to_str().unwrap(), "--broker", "kite", "--force"], folder.path(), &[]);
    assert_eq!(ingested.code, Some(0), "{}", ingested.stderr);
    let service = crate::support::Process::start(folder.path(), &[]).await;

    for (key, instrument, token) in [
        ("NSE:TCS", "NSE:TCS", "2953217"),
        ("NSE:NIFTY", "NSE:NIFTY 50", "256265"),
        ("NSE:NIFTY%2050", "NSE:NIFTY 50", "256265"),
    ] {
        let answer = get(&service.client, &format!("brokers/kite/tokens/{key}")).await.json();

        let mapping = &answer["token_mapping"];
        assert_eq!(fields(mapping), ["broker_id", "broker_token", "instrument_key", "is_active", "last_updated"]);
        assert_eq!(mapping["broker_token"], json!(token));
        assert_eq!(mapping["instrument_key"], json!(instrument));
        assert_eq!(mapping["broker_id"], "kite");
        assert_eq!(mapping["is_active"], true);
    }
    let brokers = get(&service.client, "brokers").await.json();
    assert_eq!(brokers["brokers"][0]["is_loaded"], true);
    assert_eq!(brokers["brokers"][0]["active_tokens"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_are_not_utf8_are_not_found() {
    let service = Service::start().await;

    for path in ["instruments/%ff", "brokers/kite/tokens/%ff", "brokers/%ff/tokens/NSE:TCS"] {
        let request = service.client.request(Method::GET, &format!("{REGISTRY}/{path}"));
        Answer::to(request).await.problem(404, "not_found");
    }
}
