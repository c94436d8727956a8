//! The explanation of decisions about the instruments of a plan.

use super::*;

/// Creates a plan and returns the path of its explanations.
async fn explanations_of(service: &Service, request: &Value) -> String {
    let answer = post("plan?user_id=u", request).send(&service.client).await.json();
    format!("plans/{}/explain", text(&answer["plan_id"]))
}

fn explanation_of(path: &str, key: &str) -> recording::Call {
    get(format!("{path}?instrument={}", key.replace(' ', "%20")))
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let keys = ["NSE:TCS", "NSE:NIFTY", "NSE:NIFTY 50", "NSE:SBIN", "NSE:RELAINCE", "NSE:TCS"];
    let at_kite = with(with(plan_request(&keys), "broker", "kite"), "max_instruments", 2);
    let path = explanations_of(&service, &at_kite).await;

    recorder.record("explain_kept", explanation_of(&path, "NSE:TCS")).await;
    recorder.record("explain_alias", explanation_of(&path, "NSE:NIFTY")).await;
    recorder.record("explain_over_limit", explanation_of(&path, "NSE:SBIN")).await;
    recorder.record("explain_unknown", explanation_of(&path, "NSE:RELAINCE")).await;
    let without_broker = explanations_of(&service, &plan_request(&["NSE:TCS", "NSE:RELAINCE"])).await;
    recorder.record("explain_without_broker", explanation_of(&without_broker, "NSE:TCS")).await;
    let at_upstox = explanations_of(&service, &with(plan_request(&["NSE:INFY"]), "broker", "upstox")).await;
    recorder.record("explain_not_at_broker", explanation_of(&at_upstox, "NSE:INFY")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_faults() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let path = explanations_of(&service, &with(plan_request(&["NSE:NIFTY 50"]), "broker", "kite")).await;

    recorder.record("explain_not_in_plan", explanation_of(&path, "NSE:NIFTY")).await;
    recorder.record("explain_without_instrument", get(format!("{path}?x=1"))).await;
    recorder.record("explain_long_key", explanation_of(&path, &"A".repeat(101))).await;
    recorder
        .record("explain_unknown_plan", explanation_of(&format!("plans/{}/explain", unknown_id("plan")), "NSE:TCS"))
        .await;
}
