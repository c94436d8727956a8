//! Resolution of a batch of keys.

use serde_json::{Value, json};

use super::{INSTRUMENT, post};
use crate::support::{Service, fields};

#[tokio::test(flavor = "multi_thread")]
async fn every_key_has_a_result_in_the_order_of_the_request() {
    let service = Service::start().await;
    let keys = ["NSE:TCS", "NSE:NIFTY", "NSE:RELAINCE", "nse:tcs", "NSE:TCS"];

    let answer = post(&service.client, "instruments:batchResolve", &json!({"instruments": keys})).await.json();

    assert_eq!(fields(&answer), ["correlation_id", "count", "resolved", "response_time_ms", "results", "unresolved"]);
    assert_eq!(answer["count"], 5);
    assert_eq!(answer["resolved"], 3);
    assert_eq!(answer["unresolved"], 2);
    let results = answer["results"].as_array().unwrap();
    let requested: Vec<&Value> = results.iter().map(|result| &result["requested"]).collect();
    assert_eq!(requested, keys);
    assert_eq!(fields(&results[0]), ["instrument", "requested"]);
    assert_eq!(fields(&results[0]["instrument"]), INSTRUMENT);
    assert_eq!(results[1]["instrument"]["instrument_key"], "NSE:NIFTY 50");
    assert_eq!(
        results[2],
        json!({"requested": "NSE:RELAINCE", "reason": "unknown",
            "detail": "instrument not in the catalog; nearest: `NSE:RELIANCE`",
            "suggestions": ["NSE:RELIANCE"]})
    );
    assert_eq!(results[3]["reason"], "malformed");
    assert_eq!(results[3]["suggestions"], json!(["NSE:TCS"]));
    assert_eq!(results[4], results[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_at_most_5000_keys() {
    let service = Service::start().await;
    let body = |count: usize| json!({"instruments": (0..count).map(|n| format!("NSE:NONE{n}")).collect::<Vec<_>>()});

    let answer = post(&service.client, "instruments:batchResolve", &body(5000)).await.json();
    let faults = post(&service.client, "instruments:batchResolve", &body(5001)).await.faults();

    assert_eq!(answer["unresolved"], 5000);
    assert!(answer["results"].as_array().unwrap().iter().all(|result| result["reason"] == "unknown"));
    assert_eq!(faults["/instruments"], "expected 1 to 5000 items, got 5001");
}
