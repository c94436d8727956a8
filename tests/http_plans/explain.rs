//! The explanation of decisions about the instruments of a plan.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::support::{Client, Process, SOON};

/// Writes a file that limits the instruments per connection of Kite, and returns its path.
fn limits(folder: &TempDir, instruments_per_connection: u32) -> String {
    let path = folder.path().join("limits.toml");
    let figure = format!("{{ value = {instruments_per_connection}, source = \"test\", seen = \"2026-08-17\" }}");
    fs::write(&path, format!("[brokers.kite]\ninstruments_per_connection = {figure}\n"))
        .expect("the folder is writable");
    path.to_str().expect("the path is UTF-8").to_owned()
}

fn id_of(plan: &Value) -> &str {
    plan["plan_id"].as_str().expect("a plan has an id")
}

async fn explained(client: &Client, plan_id: &str, key: &str) -> Value {
    let key = key.replace('&', "%26").replace(' ', "%20");
    let mut explanation = client.read(&format!("plans/{plan_id}/explain?instrument={key}")).await;
    for measured in ["correlation_id", "duration_ms", "response_time_ms"] {
        explanation.as_object_mut().expect("an explanation is an object").remove(measured);
    }
    explanation
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_beyond_all_connections_is_explained() {
    let folder = TempDir::new().unwrap();
    let limits = limits(&folder, 1000);
    let variables =
        [("INSTRUMENT_REGISTRY_BROKER_LIMITS", &*limits), ("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "10000")];
    let service = Service::with(&variables).await;
    let client = &service.client;
    let all = json!({
        "plan_name": "All", "subscription_type": "live_feed", "selectors": [{"exchanges": ["NFO"]}, {"exchanges": ["BFO"]}],
    });
    let keys = client.plan("u", &all).await["plan_data"]["instruments"].as_array().unwrap().clone();
    assert!(keys.len() > 3000, "{}", keys.len());
    let item = |(number, key): (usize, &Value)| match number {
        0..200 => json!({"instrument": key, "mode": "full", "pinned": true}),
        _ => json!({"instrument": key}),
    };
    let items: Vec<Value> = keys.iter().enumerate().map(item).collect();
    let request = json!({
        "plan_name": "Full", "subscription_type": "live_feed", "broker": "kite", "mode": "quote", "items": items,
    });

    let plan = client.plan("u", &request).await;

    let (plan_id, data) = (id_of(&plan), &plan["plan_data"]);
    let connections = data["allocation"]["connections"].as_array().unwrap();
    let counts: Vec<u64> = connections.iter().map(|of| of["instruments"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1000; 3]);
    assert_eq!(connections.iter().map(|of| of["modes"]["full"].as_u64().unwrap()).sum::<u64>(), 200);
    let rejected = data["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), keys.len() - 3000);
    assert_eq!(data["allocation"]["needed"]["limit"], "connections");
    let second = client.read(&format!("plans/{plan_id}/subscriptions?connection=2")).await;
    assert_eq!(second["subscriptions"].as_array().unwrap().len(), 1000);

    let left_out = explained(client, plan_id, rejected[0]["instrument"].as_str().unwrap()).await;
    assert_eq!(left_out["decision"], "left_out");
    assert_eq!(left_out["reason"], "over_capacity");
    assert_eq!(left_out["limit"]["limit"], "connections");
    assert_eq!(left_out["limit"]["used"], 3);
    assert_eq!(left_out["limit"]["allowed"], 3);
    let displaced = &left_out["would_displace"];
    assert_eq!(displaced["pinned"], false);
    assert_eq!(displaced["mode"], "quote");
    assert_eq!(displaced["instrument"], keys[2999], "the last one that is kept");
    let pinned = explained(client, plan_id, keys[0].as_str().unwrap()).await;
    assert_eq!(pinned["decision"], "kept");
    assert_eq!(pinned["pinned"], true);
    assert_eq!(pinned["mode"]["planned"], "full");
}

#[tokio::test(flavor = "multi_thread")]
async fn explanations_are_equal_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let limits = limits(&folder, 1);
    let variables = [("INSTRUMENT_REGISTRY_BROKER_LIMITS", &*limits)];
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:ITC", "NSE:SBIN"];
    let request = with(body(&keys), "broker", "kite");
    let mut service = Process::start(folder.path(), &variables).await;
    let plan = service.client.plan("u", &request).await;
    let before = explained(&service.client, id_of(&plan), "NSE:SBIN").await;
    service.terminate();
    service.end(SOON).await;

    let service = Process::start(folder.path(), &variables).await;
    let after = explained(&service.client, id_of(&plan), "NSE:SBIN").await;

    assert_eq!(before["reason"], "over_capacity");
    assert_eq!(before["basis"], "recomputed");
    assert_eq!(before["would_displace"]["instrument"], "NSE:ITC");
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_not_requested_is_not_in_the_plan() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &with(body(&["NSE:NIFTY 50"]), "broker", "kite")).await;

    let other_name = service.client.get(&format!("plans/{}/explain?instrument=NSE:NIFTY", id_of(&plan))).await;

    let problem = other_name.problem(404, "not_in_plan");
    assert_eq!(problem["detail"], "the request of the plan does not contain `NSE:NIFTY`; it contains `NSE:NIFTY 50`");
}
