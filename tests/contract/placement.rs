//! Placements that follow a previous plan, and rebalancing.

use super::*;

fn at_kite(keys: &[&str]) -> Value {
    with(plan_request(keys), "broker", "kite")
}

async fn create_plan(service: &Service, request: &Value) -> String {
    text(&post("plan?user_id=u", request).send(&service.client).await.json()["plan_id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn placement_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let first = create_plan(&service, &with(at_kite(&["NSE:TCS", "NSE:NIFTY 50"]), "connections", 2)).await;
    let request = with(at_kite(&["NSE:TCS", "NSE:NIFTY 50", "NSE:SBIN"]), "previous_plan_id", first);

    let second = recorder.record("plan_following", post("plan?user_id=u", &request)).await.json();
    let path = format!("plans/{}/rebalance", text(&second["plan_id"]));
    recorder.record("rebalanced", post_nothing(path)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn historical_data_ignores_the_previous_plan() {
    let service = loaded_service(&[]).await;
    let without_broker = create_plan(&service, &plan_request(&["NSE:TCS"])).await;
    let history = with(at_kite(&["NSE:TCS"]), "subscription_type", "historical");
    let of_history = create_plan(&service, &history).await;

    for previous in [unknown_id("plan"), without_broker, of_history] {
        let request = with(history.clone(), "previous_plan_id", previous);
        let answer = post("plan?user_id=u", &request).send(&service.client).await;

        assert_eq!(answer.status, 200, "{}", answer.text);
        let warnings = &answer.json()["plan_data"]["metadata"]["warnings"];
        let ignored = "historical data has no connections: `previous_plan_id` is ignored";
        assert!(warnings.as_array().unwrap().iter().any(|warning| warning == ignored), "{warnings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn placement_faults() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let without_broker = create_plan(&service, &plan_request(&["NSE:TCS"])).await;
    let request = |previous: &str| with(at_kite(&["NSE:TCS"]), "previous_plan_id", previous);
    let ask = |request: &Value| post("plan?user_id=u", request);

    recorder.record("plan_following_unknown", ask(&request(&unknown_id("plan")))).await;
    recorder.record("plan_following_other_broker", ask(&request(&without_broker))).await;
    recorder.record("plan_following_invalid", ask(&with(request("plan_1"), "placement", "even"))).await;
    recorder.record("rebalance_unknown", post_nothing(format!("plans/{}/rebalance", unknown_id("plan")))).await;
    recorder.record("rebalance_without_broker", post_nothing(format!("plans/{without_broker}/rebalance"))).await;
}
