//! Plans from profiles.

use serde_json::json;

use super::{PROFILES, create, delete, id, post, profile, put};
use crate::support::{Service, body, texts, with};

#[tokio::test(flavor = "multi_thread")]
async fn options_of_a_request_override_the_profile() {
    let service = Service::start().await;
    let client = &service.client;
    let draft = with(profile("desk", "Opening", &["NSE:TCS", "NSE:INFY", "NSE:ITC"]), "max_instruments", 3);
    let preferences = json!({"optimization_level": "low", "filtering_strictness": "strict", "colour": "red"});
    let made = create(client, &with(draft, "preferences", preferences)).await;

    let plan = client.plan("desk", &json!({"profile_id": id(&made)})).await;
    let again = client.plan("desk", &json!({"profile_id": id(&made)})).await;
    let other =
        json!({"profile_id": id(&made), "optimization_level": "moderate", "max_instruments": 2, "plan_name": "Two"});
    let other = client.plan("desk", &other).await;

    let data = &plan["plan_data"];
    assert_eq!(data["plan_name"], "Opening");
    assert_eq!(data["subscription_type"], "live_feed");
    assert_eq!(data["optimization_level"], "low");
    assert_eq!(data["filtering_strictness"], "strict");
    assert_eq!(texts(&data["instruments"]), ["NSE:TCS", "NSE:INFY", "NSE:ITC"]);
    assert_eq!(data["metadata"]["profile"], json!({"profile_id": id(&made), "version": 1}));
    assert_eq!(again["status"], "cached");
    assert_eq!(again["plan_id"], plan["plan_id"]);
    let data = &other["plan_data"];
    assert_eq!(data["plan_name"], "Two");
    assert_eq!(data["optimization_level"], "moderate");
    assert_eq!(texts(&data["instruments"]).len(), 2);
    let stored = client.read(&format!("plans/{}", plan["plan_id"].as_str().expect("an id"))).await;
    assert_eq!(stored["plan"]["metadata"]["profile"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_change_makes_plans_stale_until_a_replan() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "Opening", &["NSE:TCS", "NSE:INFY"])).await;
    let path = format!("{PROFILES}/{}/plans", id(&made));
    let old = client.plan("desk", &json!({"profile_id": id(&made)})).await;
    // This plan has the same instruments, but is not of the profile.
    client.plan("desk", &body(&["NSE:TCS", "NSE:INFY"])).await;
    let before = client.read(&path).await;
    put(client, id(&made), &json!({"instruments": ["NSE:ITC", "NSE:TCS"]})).await.json();
    let between = client.read(&path).await;

    let new = post(client, &format!("{}/replan", id(&made))).await.json();
    let after = client.read(&path).await;
    let same = post(client, &format!("{}/replan", id(&made))).await.json();

    let seen = |page: &serde_json::Value| -> Vec<(u64, bool)> {
        let plans = page["plans"].as_array().expect("a list");
        plans
            .iter()
            .map(|plan| (plan["profile_version"].as_u64().unwrap(), plan["is_stale"].as_bool().unwrap()))
            .collect()
    };
    assert_eq!(seen(&before), [(1, false)]);
    assert_eq!(seen(&between), [(1, true)]);
    assert_eq!(seen(&after), [(2, false), (1, true)]);
    assert_eq!(new["previous_plan_id"], old["plan_id"]);
    assert_eq!(texts(&new["diff"]["added"]), vec!["NSE:ITC"]);
    assert_eq!(texts(&new["diff"]["removed"]), vec!["NSE:INFY"]);
    assert_eq!(new["diff"]["unchanged_count"], 1);
    assert_eq!(new["diff"]["estimated_cost_change"], 0.0);
    assert_eq!(same["plan_id"], new["plan_id"]);
    assert_eq!(same["diff"]["added"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn inactive_and_foreign_profiles_cannot_be_planned() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "Opening", &["NSE:TCS"])).await;
    let ask = json!({"profile_id": id(&made)});

    client.ask("other", &ask).await.problem(404, "not_found");
    client.ask("desk", &json!({"profile_id": format!("profile_{}", "0".repeat(32))})).await.problem(404, "not_found");
    let both = with(body(&["NSE:TCS"]), "profile_id", id(&made));
    assert_eq!(client.ask("desk", &both).await.pointers(), ["/profile_id"]);
    assert_eq!(client.ask("desk", &json!({"profile_id": "x"})).await.pointers(), ["/profile_id"]);
    delete(client, id(&made)).await.json();
    client.ask("desk", &ask).await.problem(409, "profile_inactive");
    post(client, &format!("{}/replan", id(&made))).await.problem(409, "profile_inactive");
    put(client, id(&made), &json!({"profile_name": "x"})).await.problem(409, "profile_inactive");
    post(client, &format!("{}/versions/1/restore", id(&made))).await.problem(409, "profile_inactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_with_missing_instruments_need_attention() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT", "false")]).await;
    let client = &service.client;
    create(client, &profile("desk", "Good", &["NSE:TCS"])).await;
    let bad = create(client, &profile("desk", "Bad", &["NSE:TCS", "NSE:GONE", "NSE:RELIANCEE"])).await;
    let off = create(client, &profile("desk", "Off", &["NSE:AWAY"])).await;
    delete(client, id(&off)).await.json();
    create(client, &profile("other", "Bad too", &["NSE:GONE"])).await;

    let all = client.read(&format!("{PROFILES}/attention")).await;
    let of_desk = client.read(&format!("{PROFILES}/attention?user_id=desk")).await;
    let first = client.read(&format!("{PROFILES}/attention?limit=1")).await;
    let cursor = first["next_cursor"].as_str().expect("there is more").to_owned();
    let second = client.read(&format!("{PROFILES}/attention?limit=1&cursor={cursor}")).await;

    assert_eq!(all["profiles"].as_array().map(Vec::len), Some(2));
    assert_eq!(all["looked_at"], 3);
    let entry = &of_desk["profiles"][0];
    assert_eq!(entry["profile_id"], json!(id(&bad)));
    assert_eq!(of_desk["profiles"].as_array().map(Vec::len), Some(1));
    let found: Vec<_> = entry["instruments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["instrument"].as_str().expect("a key"), one["reason"].as_str().expect("a word")))
        .collect();
    assert_eq!(found, [("NSE:GONE", "unknown"), ("NSE:RELIANCEE", "unknown")]);
    assert_eq!(first["profiles"][0]["profile_name"], "Bad too");
    assert_eq!(second["profiles"][0]["profile_id"], json!(id(&bad)));
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_preferences_apply_unless_the_request_sets_them() {
    let service = Service::start().await;
    let client = &service.client;
    let draft = profile("desk", "Feed", &["NSE:TCS", "NSE:INFY", "NSE:ITC"]);
    let preferences = json!({
        "broker": "kite", "mode": "ltp", "modes": {"NSE:INFY": "full"}, "priorities": {"NSE:ITC": 5, "NSE:INFY": 1},
    });
    let made = create(client, &with(draft, "preferences", preferences)).await;
    let ask = json!({"profile_id": id(&made)});

    let whole = client.plan("desk", &ask).await["plan_data"].clone();
    let two = client.plan("desk", &with(ask.clone(), "max_instruments", 2)).await["plan_data"].clone();
    let quoted =
        client.plan("desk", &with(with(ask.clone(), "mode", "quote"), "broker", "upstox")).await["plan_data"].clone();
    let stored = client.read(&format!("plans/{}", whole["plan_id"].as_str().expect("an id"))).await;

    let feed = json!({"broker": "kite", "mode": "ltp", "modes": {"NSE:INFY": "full"}});
    assert_eq!(whole["metadata"]["feed"], feed);
    assert_eq!(stored["plan"]["metadata"]["feed"], feed);
    // The priorities decide: the first two instruments of the profile are TCS and INFY.
    assert_eq!(texts(&two["instruments"]), ["NSE:INFY", "NSE:ITC"]);
    assert_eq!(two["rejected"][0]["instrument"], "NSE:TCS");
    // Upstox has no `quote`: `full` replaces it.
    let full = json!({"NSE:INFY": "full", "NSE:ITC": "full", "NSE:TCS": "full"});
    assert_eq!(quoted["metadata"]["feed"], json!({"broker": "upstox", "mode": "quote", "modes": full}));
    let bandwidth =
        |plan: &serde_json::Value| plan["metadata"]["estimated_bandwidth_bytes_per_second"].as_u64().unwrap();
    // Packets of 8 bytes twice in four seconds, and one of 184 twice a second; else three of 600 twice a second.
    assert_eq!(bandwidth(&whole), 2 * 4 + 2 * 184);
    assert_eq!(bandwidth(&quoted), 3 * 2 * 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_may_name_only_configured_accounts_and_tiers() {
    let service = Service::start().await;
    let draft = profile("desk", "Feed", &["NSE:TCS"]);
    let preferences = json!({"broker": "kite", "tier": "gold", "accounts": ["desk_z"], "connections": 4});

    let problem = service.client.post(PROFILES, &with(draft, "preferences", preferences)).await;
    let problem = problem.problem(422, "validation_failed");

    let pointers: Vec<_> = problem["errors"].as_array().expect("a list").iter().map(|one| &one["pointer"]).collect();
    assert_eq!(pointers, ["/preferences/accounts/0", "/preferences/tier", "/preferences/connections"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_of_profile_pins_point_at_no_request_field() {
    let service = Service::start().await;
    let client = &service.client;
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:ITC", "NSE:SBIN", "NSE:LT"];
    let preferences = json!({"broker": "dhan", "mode": "depth200", "min_mode": "depth200", "pinned": keys});
    let made = create(client, &with(profile("desk", "Pins", &keys), "preferences", preferences)).await;
    let request = json!({"profile_id": id(&made)});

    let replanned = post(client, &format!("{}/replan", id(&made))).await;
    let planned = client.ask("desk", &request).await;
    let dry = client.ask("desk", &with(request, "dry_run", true)).await;

    for answer in [replanned, planned, dry] {
        let problem = answer.problem(409, "pinned_over_capacity");
        let errors = problem["errors"].as_array().expect("the arithmetic");
        assert!(!errors.is_empty() && errors.iter().all(|error| error["pointer"] == ""), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn selectors_of_a_profile_are_resolved_for_each_plan() {
    let service = Service::start().await;
    let client = &service.client;
    let nifty = json!({"underlying": "NIFTY", "instrument_types": ["FUT"], "expiries": 1});
    let nothing = json!({"underlying": "NOSUCH"});
    let draft = profile("desk", "Futures", &["NSE:TCS"]);
    let made = create(client, &with(draft, "preferences", json!({"selectors": [nifty.clone(), nothing]}))).await;

    let plan = client.plan("desk", &json!({"profile_id": id(&made)})).await["plan_data"].clone();
    let replanned = post(client, &format!("{}/replan", id(&made))).await.json();
    let request = json!({"plan_name": "Futures", "subscription_type": "live_feed", "selectors": [nifty]});
    let of_request = client.plan("desk", &request).await["plan_data"].clone();

    let instruments = texts(&plan["instruments"]);
    assert_eq!(instruments.len(), 2);
    assert_eq!(instruments[1], "NSE:TCS");
    assert!(instruments[0].starts_with("NFO:NIFTY") && instruments[0].ends_with("FUT"), "{instruments:?}");
    let warnings = texts(&plan["metadata"]["warnings"]);
    let is_reported =
        warnings.iter().any(|warning| warning.starts_with("selectors/1 matches no active, unexpired instrument on"));
    assert!(is_reported, "{warnings:?}");
    assert_eq!(replanned["plan_id"], plan["plan_id"]);
    assert_eq!(texts(&of_request["instruments"]), instruments[..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replan_reports_mode_changes() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "Opening", &["NSE:TCS", "NSE:INFY"])).await;
    post(client, &format!("{}/replan", id(&made))).await.json();
    put(client, id(&made), &json!({"preferences": {"modes": {"NSE:TCS": "full"}}})).await.json();

    let new = post(client, &format!("{}/replan", id(&made))).await.json();

    assert_eq!(new["diff"]["added"], json!([]));
    assert_eq!(new["diff"]["unchanged_count"], 2);
    assert_eq!(new["diff"]["mode_changes"], json!([{"instrument": "NSE:TCS", "from": "quote", "to": "full"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn instruments_selectors_and_profile_are_exclusive() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "Opening", &["NSE:TCS"])).await;
    let selectors = json!([{"underlying": "NIFTY"}]);

    let with_instruments = with(body(&["NSE:TCS"]), "selectors", selectors.clone());
    let with_profile = json!({"profile_id": id(&made), "selectors": selectors});
    let wrong = with(with_profile.clone(), "selectors", json!([{"underlying": "NIFTY"}, {"limit": 0}]));

    assert_eq!(client.ask("desk", &with_instruments).await.pointers(), ["/selectors"]);
    assert_eq!(client.ask("desk", &with_profile).await.pointers(), ["/selectors"]);
    assert_eq!(client.ask("desk", &wrong).await.pointers(), ["/selectors", "/selectors/1", "/selectors/1/limit"]);
    let profile = with(profile("desk", "Bad", &["NSE:TCS"]), "preferences", json!({"modes": {"NSE:TCS": "all"}}));
    let refused = client.post(PROFILES, &profile).await;
    assert_eq!(refused.pointers(), ["/preferences/modes/NSE:TCS"]);
}
