//! The subscriptions of a plan at a broker.

use super::*;

const KEYS: [&str; 3] = ["NSE:TCS", "NSE:NIFTY 50", "BSE:RELIANCE"];

/// Creates a plan and returns the path of its subscriptions.
async fn subscriptions_of(service: &Service, request: &Value) -> String {
    let answer = post("plan?user_id=u", request).send(&service.client).await.json();
    format!("plans/{}/subscriptions", text(&answer["plan_id"]))
}

fn request_at(broker: &str) -> Value {
    with(plan_request(&KEYS), "broker", broker)
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let path = subscriptions_of(&service, &with(request_at("kite"), "mode", "full")).await;

    let list = recorder.record("subscriptions_list", get(&path)).await;
    let known = get(&path).with_header("if-none-match", list.header("etag"));
    recorder.record("subscriptions_not_modified", known).await;
    recorder.record("subscriptions_kite", get(format!("{path}?connection=1&format=kite"))).await;

    let at_upstox = subscriptions_of(&service, &request_at("upstox")).await;
    recorder.record("subscriptions_upstox", get(format!("{at_upstox}?format=upstox"))).await;
    let not_loaded = subscriptions_of(&service, &request_at("groww")).await;
    recorder.record("subscriptions_without_tokens_list", get(&not_loaded)).await;
    recorder.record("subscriptions_without_tokens", get(format!("{not_loaded}?format=groww"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_faults() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let path = subscriptions_of(&service, &request_at("kite")).await;

    recorder.record("subscriptions_every_fault", get(format!("{path}?connection=0&format=csv&page=1"))).await;
    recorder.record("subscriptions_not_of_the_plan", get(format!("{path}?connection=2&format=dhan"))).await;
    let without_broker = subscriptions_of(&service, &plan_request(&KEYS)).await;
    recorder.record("subscriptions_without_broker", get(&without_broker)).await;
    let including = "plan?user_id=u&include=subscriptions";
    recorder.record("plan_include_without_broker", post(including, &plan_request(&KEYS))).await;
    let plan_path = without_broker.strip_suffix("/subscriptions").unwrap();
    recorder.record("plan_read_include_without_broker", get(format!("{plan_path}?include=subscriptions"))).await;
    let historical = subscriptions_of(&service, &with(request_at("kite"), "subscription_type", "historical")).await;
    recorder.record("subscriptions_of_history", get(&historical)).await;
    recorder.record("subscriptions_unknown_plan", get(format!("plans/{}/subscriptions", unknown_id("plan")))).await;
}
