//! Descriptions of plans.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn describe_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let keys = ["NSE:TCS", "NSE:RELIANCE", "BSE:SENSEX", "NFO:NIFTY31SEP24350PE", "MCX:GOLDM31SEPFUT", "NSE:RELAINCE"];
    let made = service.client.plan("u", &with(plan_request(&keys), "broker", "kite")).await;
    let path = format!("plan/{}/describe", text(&made["plan_id"]));

    for level in ["basic", "detailed", "comprehensive"] {
        recorder.record(&format!("describe_{level}"), post(&path, &json!({"description_level": level}))).await;
    }
    recorder.record("describe_without_body", post_nothing(&path)).await;
    let none = service.client.plan("u", &plan_request(&["NSE:RELAINCE"])).await;
    let empty = format!("plan/{}/describe", text(&none["plan_id"]));
    recorder.record("describe_empty_plan", post(empty, &json!({"description_level": "comprehensive"}))).await;

    recorder.record("describe_unknown_level", post(&path, &json!({"description_level": "all", "x": 1}))).await;
    recorder.record("describe_unknown_plan", post(format!("plan/{}/describe", unknown_id("plan")), &json!({}))).await;
}
