//! Lists of plans.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn plan_list_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    service.client.plan("a", &plan_request(&["NSE:TCS", "NSE:INFY"])).await;
    service.client.plan("a", &with(plan_request(&["NSE:TCS"]), "subscription_type", "alerts")).await;
    service.client.plan("b", &plan_request(&["NSE:TCS"])).await;

    recorder.record("plans_listed", get("plans")).await;
    recorder.record("plans_of_user", get("plans?user_id=a&limit=1")).await;
    let first =
        recorder.record("plans_filtered", get("plans?subscription_type=live_feed&status=optimized&limit=1")).await;
    let cursor = text(&first.json()["next_cursor"]);
    recorder.record("plans_after_cursor", get(format!("plans?limit=1&cursor={cursor}"))).await;
    recorder.record("plans_offset", get("plans?offset=2&limit=200")).await;
    recorder.record("plans_none", get("plans?user_id=nobody")).await;
    for status in ["draft", "validated", "error"] {
        recorder.record(&format!("plans_{status}"), get(format!("plans?status={status}"))).await;
    }
    let wrong = "plans?user_id=&subscription_type=x&status=x&limit=201&offset=-1&cursor=x&x=1";
    recorder.record("plans_every_fault", get(wrong)).await;
    recorder.record("plans_cursor_and_offset", get(format!("plans?cursor={cursor}&offset=1"))).await;
}
