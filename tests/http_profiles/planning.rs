//! Plans that are made from profiles.

use serde_json::json;

use super::{PROFILES, create, delete, id, post, profile, put};
use crate::support::{Service, body, texts, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_uses_the_profile_and_the_request_goes_before_it() {
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
    assert_eq!((&data["plan_name"], &data["subscription_type"]), (&json!("Opening"), &json!("live_feed")));
    assert_eq!((&data["optimization_level"], &data["filtering_strictness"]), (&json!("low"), &json!("strict")));
    assert_eq!(texts(&data["instruments"]), ["NSE:TCS", "NSE:INFY", "NSE:ITC"]);
    assert_eq!(data["metadata"]["profile"], json!({"profile_id": id(&made), "version": 1}));
    assert_eq!((&again["status"], &again["plan_id"]), (&json!("cached"), &plan["plan_id"]));
    let data = &other["plan_data"];
    assert_eq!((&data["plan_name"], &data["optimization_level"]), (&json!("Two"), &json!("moderate")));
    assert_eq!(texts(&data["instruments"]).len(), 2);
    let stored = client.read(&format!("plans/{}", plan["plan_id"].as_str().expect("an id"))).await;
    assert_eq!(stored["plan"]["metadata"]["profile"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_profile_makes_its_live_plans_stale_and_is_planned_anew() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "Opening", &["NSE:TCS", "NSE:INFY"])).await;
    let path = format!("{PROFILES}/{}/plans", id(&made));
    let old = client.plan("desk", &json!({"profile_id": id(&made)})).await;
    // A plan of the same instruments that is not the profile's.
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
    assert_eq!((texts(&new["diff"]["added"]), texts(&new["diff"]["removed"])), (vec!["NSE:ITC"], vec!["NSE:INFY"]));
    assert_eq!((&new["diff"]["unchanged_count"], &new["diff"]["estimated_cost_change"]), (&json!(1), &json!(0.0)));
    assert_eq!((&same["plan_id"], &same["diff"]["added"]), (&new["plan_id"], &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_is_out_of_use_or_anothers_gives_no_plan() {
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
async fn profiles_with_instruments_that_are_gone_ask_for_attention() {
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

    assert_eq!((all["profiles"].as_array().map(Vec::len), &all["looked_at"]), (Some(2), &json!(3)));
    let entry = &of_desk["profiles"][0];
    assert_eq!((&entry["profile_id"], of_desk["profiles"].as_array().map(Vec::len)), (&json!(id(&bad)), Some(1)));
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
