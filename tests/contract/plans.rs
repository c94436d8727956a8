//! Creation, cache hits, reads and rejections of plans.

use super::*;

/// One key for each reason of a rejection that depends only on the key and the catalog.
const MIXED: [&str; 10] = [
    "NSE:TCS",
    "BSE:TCS",
    "NSE:NIFTY 50",
    "NSE:NIFTY",
    "NSE:OLDCO",
    "NSE:RELAINCE",
    "XYZ:THING",
    "nse:tcs",
    "NSE:TCS",
    "NFO:NIFTY3190224350CE",
];

#[tokio::test(flavor = "multi_thread")]
async fn plan_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let request = plan_request(&["NSE:RELIANCE", "NSE:TCS"]);

    let made = recorder.record_with_every_header("plan_created", post("plan?user_id=u", &request)).await.json();
    recorder.record("plan_cached", post("plan?user_id=u", &request)).await;
    let path = format!("plans/{}", text(&made["plan_id"]));
    let read = recorder.record("plan_read", get(&path)).await;
    let known = get(&path).with_header("if-none-match", read.header("etag"));
    recorder.record("plan_read_not_modified", known).await;
    recorder.record("plan_read_without_router", get(&path)).await;
    recorder.record("plan_of_today", post("plan?user_id=u", &body(&["NSE:TCS"]))).await;

    for level in ["low", "moderate", "aggressive"] {
        for strictness in ["lenient", "moderate", "strict"] {
            let request = json!({
                "plan_name": "Mixed", "subscription_type": "live_feed", "instruments": MIXED, "as_of": "2031-09-03",
                "optimization_level": level, "filtering_strictness": strictness,
            });
            let name = format!("plan_{level}_{strictness}");
            recorder.record(&name, post(format!("plan?user_id={level}"), &request)).await;
        }
        let request = with(with(plan_request(&MIXED[..4]), "optimization_level", level), "max_instruments", 2);
        recorder.record(&format!("plan_{level}_over_limit"), post("plan?user_id=u", &request)).await;
    }
    for kind in ["historical", "alerts"] {
        let request = with(with(plan_request(&["NSE:TCS"]), "subscription_type", kind), "description", "for the desk");
        recorder.record(&format!("plan_{kind}"), post("plan?user_id=u", &request)).await;
    }
    let items = json!({
        "plan_name": "Items", "subscription_type": "live_feed", "as_of": AS_OF, "optimization_level": "low",
        "items": [{"instrument": "NSE:TCS", "priority": 7}, {"selector": {"underlying": "INFY"}}],
    });
    recorder.record("plan_items", post("plan?user_id=u", &items)).await;
    recorder.record("plan_dry_run", post("plan?user_id=u", &with(items, "dry_run", true))).await;
    recorder.record("plan_keeps_nothing", post("plan?user_id=u", &plan_request(&["NSE:RELAINCE"]))).await;
    let early = with(body(&["NSE:TCS"]), "as_of", "2025-01-10");
    recorder.record("plan_before_the_file", post("plan?user_id=u", &early)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_answers_for_brokers_and_selectors() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);

    for mode in ["ltp", "quote", "full"] {
        let request = with(with(plan_request(&["NSE:TCS", "NSE:INFY"]), "broker", "kite"), "mode", mode);
        recorder.record(&format!("plan_broker_{mode}"), post("plan?user_id=u", &request)).await;
    }
    let elsewhere = with(plan_request(&["NSE:TCS", "NSE:INFY"]), "broker", "upstox");
    recorder.record("plan_not_at_broker", post("plan?user_id=u", &elsewhere)).await;
    let not_loaded = with(plan_request(&["NSE:TCS"]), "broker", "groww");
    recorder.record("plan_broker_not_loaded", post("plan?user_id=u", &not_loaded)).await;
    let without_mode = with(with(plan_request(&["NSE:TCS"]), "subscription_type", "historical"), "mode", "full");
    recorder.record("plan_mode_without_effect", post("plan?user_id=u", &without_mode)).await;
    let selected = json!({
        "plan_name": "Chain", "subscription_type": "live_feed", "as_of": AS_OF,
        "selectors": [{"underlying": "NIFTY", "instrument_types": ["CE", "PE"], "min_strike": 24000, "limit": 5}],
    });
    recorder.record("plan_selectors", post("plan?user_id=u", &selected)).await;
    let nothing = json!({
        "plan_name": "Chain", "subscription_type": "live_feed", "as_of": AS_OF, "selectors": [{"underlying": "TCS"}],
    });
    recorder.record("plan_selectors_match_nothing", post("plan?user_id=u", &nothing)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_answers_in_the_legacy_encoding() {
    let service = loaded_service(&[("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", "true")]).await;
    let recorder = Recorder::new(&service.client);

    recorder.record("plan_legacy_encoding", post("plan?user_id=u", &plan_request(&["NSE:TCS"]))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_faults() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);

    let wrong = json!({
        "plan_name": 5, "subscription_type": ["live_feed"], "instruments": "NSE:TCS", "description": {},
        "optimization_level": true, "filtering_strictness": 1.5, "max_instruments": "10", "as_of": 20_260_817,
        "broker": "kites", "item": [], "dry_runs": true, "mode": "depth",
    });
    recorder.record("plan_every_fault", post("plan?user=u", &wrong)).await;
    let broker_faults = json!({
        "plan_name": "p", "subscription_type": "live_feed", "mode": "ltp", "min_mode": "quote", "broker": "upstox",
        "tier": "gold", "accounts": 2, "connections": 0, "capacity": "remaining", "dry_run": "yes",
        "items": [
            {"instrument": "NSE:TCS", "priority": 1001, "pinned": 1}, {"instrument": "NSE:INFY", "mode": "all"},
            {"instrument": "NSE:ITC", "min_mode": "full"}, {"priority": 1}, "NSE:SBIN", {"selector": {}},
        ],
    });
    recorder.record("plan_items_faults", post("plan?user_id=u", &broker_faults)).await;
    let without_broker = with(with(plan_request(&["NSE:TCS"]), "tier", "standard"), "min_mode", "ltp");
    recorder.record("plan_requires_broker", post("plan?user_id=u", &without_broker)).await;
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:ITC", "NSE:SBIN", "NSE:RELIANCE", "BSE:TCS"];
    let pin = |key: &str| json!({"instrument": key, "mode": "depth200", "min_mode": "depth200", "pinned": true});
    let pinned = json!({
        "plan_name": "Pins", "subscription_type": "live_feed", "broker": "dhan", "as_of": AS_OF,
        "filtering_strictness": "lenient", "items": keys.map(pin),
    });
    recorder.record("plan_pinned_over_capacity", post("plan?user_id=u", &pinned)).await;
    recorder.record("plan_include_unknown", post("plan?user_id=u&include=all", &plan_request(&["NSE:TCS"]))).await;
    recorder.record("plan_nothing_given", post("plan?user_id=u", &json!({}))).await;
    recorder
        .record("plan_two_sets", post("plan?user_id=u", &with(plan_request(&["NSE:TCS"]), "selectors", json!([]))))
        .await;
    let twice = plan_request(&["NSE:TCS"]).to_string().replacen('{', "{\"plan_name\":\"A\",", 1);
    recorder.record("plan_field_twice", post_nothing("plan?user_id=u").sending("application/json", twice)).await;
    let limits = with(with(plan_request(&[""]), "plan_name", "p".repeat(256)), "max_instruments", 0);
    recorder.record("plan_beyond_limits", post("plan?user_id=u%20v", &limits)).await;
    let keys = vec!["NSE:TCS"; 5001];
    recorder.record("plan_too_many_keys", post("plan?user_id=u", &plan_request(&keys))).await;
    let many = json!({
        "plan_name": "Chain", "subscription_type": "live_feed",
        "selectors": [{"underlying": "", "limit": 0, "min_strike": 2, "max_strike": 1, "expiries": ["soon"], "x": 1}],
    });
    recorder.record("plan_selectors_faults", post("plan?user_id=u", &many)).await;
    recorder.record("plan_read_unknown", get(format!("plans/{}", unknown_id("plan")))).await;
    recorder.record("plan_read_unknown_parameter", get(format!("plans/{}?x=1", unknown_id("plan")))).await;
}
