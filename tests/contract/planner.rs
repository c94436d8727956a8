//! The planner's configuration and cleanup.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn planner_answers() {
    let service = empty_service(&[("INSTRUMENT_REGISTRY_PLAN_CACHE_TTL", "600")]).await;
    let recorder = Recorder::new(&service.client);
    service.client.plan("u", &plan_request(&["NSE:TCS"])).await;

    recorder.record("planner_config", get("planner/config")).await;
    recorder.record("planner_config_unknown_parameter", get("planner/config?x=1")).await;
    recorder.record("planner_cleanup", post_nothing("planner/cleanup")).await;
    recorder.record("planner_cleanup_unknown_field", post("planner/cleanup", &json!({"x": 1}))).await;
}
