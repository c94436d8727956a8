//! Plans of profiles, and profiles that need attention.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn profile_plan_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let rules = json!({"allowed_exchanges": ["NSE"], "allowed_types": ["EQ"], "max_per_underlying": 2});
    let preferences =
        json!({"broker": "kite", "mode": "quote", "modes": {"NSE:TCS": "full"}, "priorities": {"NSE:TCS": 10}});
    let draft = profile("desk", "Opening", &["NSE:INFY", "BSE:TCS", "NSE:NIFTY 50", "NSE:TCS", "NSE:RELAINCE"]);
    let draft = with(with(draft, "validation_rules", rules), "preferences", preferences);
    let made = recorder.send(post(PROFILES, &draft)).await.json();
    let path = format!("{PROFILES}/{}", text(&made["profile_id"]));
    let request = json!({"profile_id": made["profile_id"], "as_of": AS_OF});

    recorder.record("profile_replanned_first", post_nothing(format!("{path}/replan"))).await;
    recorder.record("profile_planned", post("plan?user_id=desk", &request)).await;
    let named = with(with(request.clone(), "plan_name", "Named"), "optimization_level", "low");
    recorder.record("profile_planned_with_options", post("plan?user_id=desk", &named)).await;
    let change = json!({"instruments": ["NSE:INFY", "NSE:ITC"], "preferences": {"broker": "upstox", "mode": "ltp"}});
    recorder.send(put(&path, &change)).await;
    recorder.record("profile_plans_stale", get(format!("{path}/plans?limit=1"))).await;
    recorder.record("profile_replanned", post_nothing(format!("{path}/replan"))).await;
    let page = recorder.record("profile_plans", get(format!("{path}/plans?limit=2"))).await.json();
    let cursor = text(&page["next_cursor"]);
    recorder.record("profile_plans_after_cursor", get(format!("{path}/plans?cursor={cursor}"))).await;
    recorder.record("profile_plans_every_fault", get(format!("{path}/plans?limit=0&offset=x&cursor=x&x=1"))).await;

    recorder.record("profile_planned_of_other_user", post("plan?user_id=other", &request)).await;
    recorder.record("profile_planned_malformed_id", post("plan?user_id=desk", &json!({"profile_id": "x"}))).await;
    let both = with(plan_request(&["NSE:TCS"]), "profile_id", made["profile_id"].clone());
    recorder.record("profile_planned_with_instruments", post("plan?user_id=desk", &both)).await;
    recorder.record("profile_plans_of_unknown", get(format!("{PROFILES}/{}/plans", unknown_id("profile")))).await;
    recorder
        .record("profile_replanned_unknown", post_nothing(format!("{PROFILES}/{}/replan", unknown_id("profile"))))
        .await;
    recorder.send(delete(&path)).await;
    recorder.record("profile_planned_inactive", post("plan?user_id=desk", &request)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attention_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let attention = format!("{PROFILES}/attention");
    recorder.send(post(PROFILES, &profile("desk", "Fine", &["NSE:TCS"]))).await;
    recorder.send(post(PROFILES, &profile("desk", "Wrong", &["NSE:OLDCO", "NSE:RELAINCE", "tcs", "NSE:INFY"]))).await;
    recorder.send(post(PROFILES, &profile("other", "Wrong", &["NSE:RELAINCE", "NSE:SBIN"]))).await;

    recorder.record("attention", get(&attention)).await;
    recorder.record("attention_of_user", get(format!("{attention}?user_id=other&limit=1"))).await;
    recorder.record("attention_none", get(format!("{attention}?user_id=nobody"))).await;
    recorder.record("attention_every_fault", get(format!("{attention}?user_id=&limit=0&cursor=x&x=1"))).await;
}
