//! Suggestions for rejected keys, in plans and for single instruments.

use serde_json::{Value, json};

use super::get;
use crate::support::{Service, body, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_suggests_instruments_for_rejected_keys() {
    let service = Service::start().await;
    let keys = ["NSE:RELAINCE", "BSE:NIFTY 50", "NSE:TCS-EQ", "NFO:NIFTTY99DECFUT", "NSE:QQQQQQQ"];

    let plan = service.client.plan("u", &with(body(&keys), "optimization_level", "low")).await;

    let rejected = plan["plan_data"]["rejected"].as_array().unwrap();
    let told: Vec<(&Value, &Value)> =
        rejected.iter().map(|rejection| (&rejection["detail"], &rejection["suggestions"])).collect();
    let expected = [
        (json!("instrument not in the catalog; nearest: `NSE:RELIANCE`"), json!(["NSE:RELIANCE"])),
        (json!("`NIFTY 50` is listed only on NSE"), json!(["NSE:NIFTY 50"])),
        (json!("instrument not in the catalog; `NSE:TCS` is listed without a series suffix"), json!(["NSE:TCS"])),
    ];
    for (told, (detail, suggestions)) in told.iter().zip(&expected) {
        assert_eq!(*told, (detail, suggestions));
    }
    assert_eq!(told[3].0, "NFO has no contracts of `NIFTTY`; nearest: `NIFTY`");
    assert!(told[3].1[0].as_str().unwrap().starts_with("NFO:NIFTY"), "{}", told[3].1);
    assert_eq!(told[4], (&json!("instrument not in the catalog"), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_plan_suggests_the_next_contract_after_expiry() {
    let service = Service::start().await;
    let futures = get(&service.client, "instruments?exchange=NFO&instrument_type=FUT&limit=1000").await.json();
    let of_tcs: Vec<&Value> = futures["instruments"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|future| future["underlying_symbol"] == "TCS")
        .collect();
    let mut by_expiry = of_tcs.clone();
    by_expiry.sort_by_key(|future| future["expiry"].as_str().unwrap());
    let (first, second) = (by_expiry[0], by_expiry[1]);
    let key = first["instrument_key"].as_str().unwrap();
    let request = with(with(body(&[key]), "filtering_strictness", "strict"), "as_of", second["expiry"].clone());

    let plan = service.client.plan("u", &request).await;

    let (expired, next) = (first["expiry"].as_str().unwrap(), second["expiry"].as_str().unwrap());
    assert_eq!(
        plan["plan_data"]["rejected"],
        json!([{"instrument": key, "reason": "expired", "detail": format!("expired on {expired}; the next expiry is {next}"),
            "suggestions": [second["instrument_key"]]}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_instrument_gets_suggestions() {
    let service = Service::start().await;

    for (key, part) in [
        ("NSE:RELAINCE", "instrument not in the catalog; nearest: `NSE:RELIANCE`"),
        ("BSE:NIFTY%2050", "`NIFTY 50` is listed only on NSE; suggestions: `NSE:NIFTY 50`"),
        (
            "tcs",
            "missing colon; expected `EXCHANGE:SYMBOL`; `TCS` is listed on NSE and BSE; suggestions: `NSE:TCS`, `BSE:TCS`",
        ),
    ] {
        let problem = get(&service.client, &format!("instruments/{key}")).await.problem(404, "not_found");

        assert_eq!(problem["detail"], part);
    }
}
