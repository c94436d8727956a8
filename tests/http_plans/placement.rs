//! Plans that keep the placement of a previous plan, and rebalancing.

use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::http_profiles::{PROFILES, create, delete, id, profile, put};
use crate::support::Client;

fn at_kite(keys: &[&str]) -> Value {
    with(with(body(keys), "broker", "kite"), "connections", 2)
}

fn after(request: Value, previous: &Value) -> Value {
    with(request, "previous_plan_id", previous["plan_id"].clone())
}

fn unchanged(plan: &Value) -> &Value {
    &plan["plan_data"]["allocation"]["unchanged_placement"]
}

/// Returns the connection of each instrument of a plan, as `NSE:TCS 1`.
async fn places(client: &Client, plan: &Value) -> Vec<String> {
    let path = format!("plans/{}/subscriptions", plan["plan_id"].as_str().expect("a plan has an id"));
    let subscriptions = client.read(&path).await["subscriptions"].clone();
    let place = |of: &Value| format!("{} {}", of["instrument"].as_str().expect("a key"), of["connection"]);
    let mut places: Vec<String> = subscriptions.as_array().expect("a list").iter().map(place).collect();
    places.sort();
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_keeps_the_placement_of_the_previous_one() {
    let service = Service::start().await;
    let client = &service.client;
    let first = client.plan("u", &at_kite(&["NSE:TCS", "NSE:INFY", "NSE:SBIN"])).await;

    let request = after(at_kite(&["NSE:HDFCBANK", "NSE:TCS", "NSE:SBIN"]), &first);
    let second = client.plan("u", &request).await;
    let repeat = client.plan("u", &request).await;
    let equivalent = client.plan("u", &after(request, &second)).await;

    assert_eq!(places(client, &first).await, ["NSE:INFY 1", "NSE:SBIN 2", "NSE:TCS 1"]);
    assert_eq!(places(client, &second).await, ["NSE:HDFCBANK 1", "NSE:SBIN 2", "NSE:TCS 1"]);
    assert_eq!(*unchanged(&second), 2);
    assert_eq!(repeat["plan_id"], second["plan_id"]);
    assert_eq!(*unchanged(&equivalent), 3);
    assert_eq!(places(client, &equivalent).await, places(client, &second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn keyed_requests_and_dry_runs_keep_a_placement() {
    let service = Service::start().await;
    let client = &service.client;
    let first = client.plan("u", &at_kite(&["NSE:TCS", "NSE:INFY"])).await;
    let request = after(at_kite(&["NSE:TCS", "NSE:INFY", "NSE:SBIN"]), &first);

    let dry = client.plan("u", &with(request.clone(), "dry_run", true)).await;
    let keyed = client.request(Method::POST, "plan?user_id=u").header("Idempotency-Key", "k").json(&request);
    let keyed = Answer::to(keyed).await.json();

    assert_eq!(unchanged(&dry), &json!(2));
    assert_eq!(unchanged(&keyed), &json!(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_previous_plan_must_match_the_request() {
    let service = Service::start().await;
    let client = &service.client;
    let keys = ["NSE:TCS"];
    let at_kite = client.plan("u", &at_kite(&keys)).await;
    let without_broker = client.plan("u", &body(&keys)).await;
    let historical = with(with(body(&keys), "broker", "kite"), "subscription_type", "historical");
    let historical = client.plan("u", &historical).await;
    let request = |previous: &Value| after(with(body(&keys), "broker", "kite"), previous);
    let unknown = json!({"plan_id": format!("plan_{}", "0".repeat(32))});

    client.ask("u", &request(&unknown)).await.problem(404, "not_found");
    client.ask("other", &request(&at_kite)).await.problem(404, "not_found");
    let at_upstox = with(request(&at_kite), "broker", "upstox");
    let problem = client.ask("u", &at_upstox).await.problem(409, "plan_at_other_broker");
    assert_eq!(
        problem["detail"],
        "the previous plan names broker `kite`, the request broker `upstox`; use a `previous_plan_id` of the same broker"
    );
    client.ask("u", &request(&without_broker)).await.problem(409, "plan_at_other_broker");
    client.ask("u", &request(&historical)).await.problem(409, "plan_without_subscriptions");
    let no_broker = with(after(body(&keys), &at_kite), "placement", "spread");
    assert_eq!(client.ask("u", &no_broker).await.pointers(), ["/placement", "/previous_plan_id"]);
    let malformed = with(with(request(&at_kite), "previous_plan_id", "plan_1"), "placement", "even");
    assert_eq!(client.ask("u", &malformed).await.pointers(), ["/placement", "/previous_plan_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replan_keeps_the_placement_of_the_replaced_plan() {
    let service = Service::start().await;
    let client = &service.client;
    let draft = profile("u", "Desk", &["NSE:TCS", "NSE:INFY", "NSE:SBIN"]);
    let preferences = json!({"broker": "kite", "connections": 2, "placement": "spread"});
    let made = create(client, &with(draft, "preferences", preferences)).await;
    let replan = async || client.post(&format!("{PROFILES}/{}/replan", id(&made)), &json!({})).await.json();
    let first = replan().await;
    put(client, id(&made), &json!({"instruments": ["NSE:HDFCBANK", "NSE:TCS", "NSE:SBIN"]})).await.json();

    let second = replan().await;
    let third = replan().await;

    assert_eq!(*unchanged(&first), Value::Null);
    assert_eq!(second["status"], "created");
    assert_eq!(unchanged(&second), &json!(2));
    assert_eq!(third["status"], "cached");
    assert_eq!(third["plan_id"], second["plan_id"]);
    assert_eq!(third["diff"]["unchanged_count"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalanced_plan_has_equal_connections() {
    let service = Service::start().await;
    let client = &service.client;
    let first = client.plan("u", &at_kite(&["NSE:TCS", "NSE:INFY", "NSE:SBIN", "NSE:ITC"])).await;
    let left = with(body(&["NSE:TCS", "NSE:INFY", "NSE:SBIN"]), "broker", "kite");
    let second = client.plan("u", &after(left, &first)).await;
    let path = format!("plans/{}/rebalance", second["plan_id"].as_str().unwrap());

    let balanced = client.post(&path, &json!({})).await.json();
    let again = client.post(&path, &json!({})).await.json();

    assert_eq!(places(client, &second).await, ["NSE:INFY 1", "NSE:SBIN 1", "NSE:TCS 2"]);
    assert_eq!(places(client, &balanced).await, ["NSE:INFY 1", "NSE:SBIN 1", "NSE:TCS 1"]);
    let connection = |number: u32| json!({"connection": number, "account": "default", "endpoint": "market"});
    let moved = json!([{"instrument": "NSE:TCS", "from": connection(2), "to": connection(1)}]);
    assert_eq!(balanced["moves"], moved);
    assert_eq!(balanced["status"], "created");
    assert_eq!(balanced["previous_plan_id"], second["plan_id"]);
    assert_eq!(again["status"], "cached");
    assert_eq!(again["plan_id"], balanced["plan_id"]);
    assert_eq!(*unchanged(&balanced), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_plan_with_subscriptions_is_rebalanced() {
    let service = Service::start().await;
    let client = &service.client;
    let rebalance = async |plan_id: &str, body: Value| client.post(&format!("plans/{plan_id}/rebalance"), &body).await;
    let without_broker = client.plan("u", &body(&["NSE:TCS"])).await;
    let historical = with(with(body(&["NSE:TCS"]), "broker", "kite"), "subscription_type", "historical");
    let historical = client.plan("u", &historical).await;

    rebalance(&format!("plan_{}", "0".repeat(32)), json!({})).await.problem(404, "not_found");
    let plan_id = |plan: &Value| plan["plan_id"].as_str().unwrap().to_owned();
    rebalance(&plan_id(&without_broker), json!({})).await.problem(409, "plan_without_broker");
    rebalance(&plan_id(&historical), json!({})).await.problem(409, "plan_without_subscriptions");
    let fault = rebalance(&plan_id(&historical), json!({"placement": "spread"})).await;
    assert_eq!(fault.pointers(), ["/placement"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalanced_plan_keeps_its_date() {
    let service = Service::start().await;
    let client = &service.client;
    let past = client.plan("u", &with(at_kite(&["NSE:TCS", "NSE:INFY"]), "as_of", "2020-01-01")).await;
    let path = format!("plans/{}/rebalance", past["plan_id"].as_str().unwrap());

    let balanced = client.post(&path, &json!({})).await.json();

    assert_eq!(balanced["plan_data"]["metadata"]["as_of"], "2020-01-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_an_inactive_profile_is_not_rebalanced() {
    let service = Service::start().await;
    let client = &service.client;
    let draft = profile("u", "Desk", &["NSE:TCS", "NSE:INFY"]);
    let made = create(client, &with(draft, "preferences", json!({"broker": "kite", "connections": 2}))).await;
    let plan = client.post(&format!("{PROFILES}/{}/replan", id(&made)), &json!({})).await.json();
    let path = format!("plans/{}/rebalance", plan["plan_id"].as_str().unwrap());
    client.post(&path, &json!({})).await.json();
    delete(client, id(&made)).await.json();

    client.post(&path, &json!({})).await.problem(409, "profile_inactive");
}
