//! The legacy encoding of plans, which a setting turns on.

use serde_json::Value;

use crate::support::{Service, body};

const ENCODED: [&str; 4] = ["instruments", "performance_metrics", "validation_results", "metadata"];

#[tokio::test(flavor = "multi_thread")]
async fn the_legacy_encoding_writes_four_fields_as_text() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", "true")]).await;
    let request = body(&["NSE:TCS", "NSE:NOPE"]);

    let made = service.client.plan("u", &request).await;
    let cached = service.client.plan("u", &request).await;
    let native = service.client.read(&format!("plans/{}", made["plan_id"].as_str().unwrap())).await["plan"].clone();

    assert_eq!(cached["status"], "cached");
    assert_eq!(cached["plan_data"], made["plan_data"]);
    for field in ENCODED {
        let parsed: Value = serde_json::from_str(made["plan_data"][field].as_str().unwrap()).unwrap();
        assert!(!native[field].is_string(), "{field} is native when read");
        assert_eq!(parsed, native[field], "{field}");
    }
    for (field, value) in native.as_object().unwrap() {
        assert!(ENCODED.contains(&field.as_str()) || made["plan_data"][field] == *value, "{field} is native");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_native_json_by_default() {
    let service = Service::start().await;

    let plan = &service.client.plan("u", &body(&["NSE:TCS"])).await["plan_data"];

    assert!(plan["instruments"].is_array());
    assert!(ENCODED[1..].iter().all(|field| plan[field].is_object()), "{plan}");
}
