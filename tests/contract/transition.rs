//! The difference and the schedule of two plans at a broker.

use super::*;

const BEFORE: [&str; 4] = ["NSE:TCS", "NSE:NIFTY 50", "BSE:RELIANCE", "NSE:INFY"];
const AFTER: [&str; 4] = ["NSE:TCS", "NSE:NIFTY 50", "NSE:SBIN", "NSE:INFY"];

async fn plan_id_of(service: &Service, user: &str, request: &Value) -> String {
    let answer = post(format!("plan?user_id={user}"), request).send(&service.client).await.json();
    text(&answer["plan_id"])
}

fn request_at(broker: &str, keys: &[&str]) -> Value {
    with(plan_request(keys), "broker", broker)
}

/// Returns the ids of two plans: one instrument changes its mode, one leaves, and one is new.
async fn two_plans(service: &Service) -> (String, String) {
    let before = with(request_at("kite", &BEFORE), "mode", "full");
    let items: Vec<Value> = AFTER
        .iter()
        .map(|key| {
            let mode = if *key == "NSE:INFY" { "ltp" } else { "full" };
            json!({ "instrument": key, "mode": mode, "pinned": *key == "NSE:SBIN" })
        })
        .collect();
    let after = with(with(before.clone(), "items", items), "instruments", Value::Null);
    (plan_id_of(service, "u", &before).await, plan_id_of(service, "u", &after).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn transition_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let (before, after) = two_plans(&service).await;

    recorder.record("diff", get(format!("plans/{after}/diff?from={before}"))).await;
    recorder.record("diff_to_nothing", get(format!("plans/{before}/diff"))).await;
    recorder.record("schedule", get(format!("plans/{after}/schedule?from={before}"))).await;
    recorder.record("schedule_kite", get(format!("plans/{after}/schedule?from={before}&format=kite"))).await;
    recorder.record("schedule_of_a_connection", get(format!("plans/{after}/schedule?connection=1"))).await;
    let history =
        plan_id_of(&service, "u", &with(request_at("kite", &BEFORE), "subscription_type", "historical")).await;
    recorder.record("schedule_of_history", get(format!("plans/{history}/schedule"))).await;
    let at_upstox = plan_id_of(&service, "u", &request_at("upstox", &BEFORE)).await;
    recorder.record("schedule_upstox", get(format!("plans/{at_upstox}/schedule?format=upstox"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transition_faults() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let (before, after) = two_plans(&service).await;
    let at_upstox = plan_id_of(&service, "u", &request_at("upstox", &BEFORE)).await;
    let of_another = plan_id_of(&service, "v", &request_at("kite", &BEFORE)).await;
    let without_broker = plan_id_of(&service, "u", &plan_request(&BEFORE)).await;
    let not_loaded = plan_id_of(&service, "u", &request_at("groww", &BEFORE)).await;

    for (name, query) in [
        ("diff_other_broker", format!("plans/{after}/diff?from={at_upstox}")),
        ("diff_of_another_user", format!("plans/{after}/diff?from={of_another}")),
        ("diff_from_an_unknown_plan", format!("plans/{after}/diff?from={}", unknown_id("plan"))),
        ("diff_without_broker", format!("plans/{without_broker}/diff")),
        ("diff_from_a_plan_without_broker", format!("plans/{after}/diff?from={without_broker}")),
        ("diff_of_an_unknown_plan", format!("plans/{}/diff", unknown_id("plan"))),
        ("diff_every_fault", format!("plans/{after}/diff?from=&page=1")),
        ("schedule_every_fault", format!("plans/{after}/schedule?from=&connection=0&format=csv&page=1")),
        ("schedule_not_of_the_plan", format!("plans/{after}/schedule?from={before}&connection=2&format=dhan")),
        ("schedule_without_tokens", format!("plans/{not_loaded}/schedule?format=groww")),
        ("schedule_of_an_unknown_plan", format!("plans/{}/schedule", unknown_id("plan"))),
    ] {
        recorder.record(name, get(query)).await;
    }
}
