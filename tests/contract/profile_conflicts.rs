//! Conflicts of profiles under each strategy, and their manual resolution.

use super::*;

const STRATEGY: &str = "INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY";
const MAXIMUM: &str = "INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER";

#[tokio::test(flavor = "multi_thread")]
async fn conflict_answers_of_each_strategy() {
    for strategy in ["latest_wins", "merge", "fail_on_conflict"] {
        let service = loaded_service(&[(STRATEGY, strategy), (MAXIMUM, "2")]).await;
        let recorder = Recorder::new(&service.client);
        let create = |name: &str, instruments: &[&str]| post(PROFILES, &profile("desk", name, instruments));
        let named = |name: &str| format!("conflict_{strategy}_{name}");

        recorder.record(&named("none"), create("A", &["NSE:TCS"])).await;
        recorder.record(&named("duplicate"), create("B", &["NSE:TCS"])).await;
        let invalid = ["NSE:RELIANCE", "NSE:RELAINCE", "NSE:OLDCO", "tcs"];
        recorder.record(&named("invalid_instrument"), create("C", &invalid)).await;
        recorder.record(&named("nothing_valid"), create("C", &["NSE:RELAINCE"])).await;
        recorder.send(create("D", &["NSE:INFY"])).await;
        recorder.record(&named("active_profiles"), create("E", &["NSE:SBIN"])).await;
        let narrow = with(profile("desk", "F", &["NSE:INFY", "NSE:SBIN", "NSE:ITC"]), "max_instruments", 2);
        recorder.record(&named("max_instruments"), post(PROFILES, &narrow)).await;
        recorder.record(&named("several"), create("G", &["NSE:ITC", "NSE:RELAINCE"])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conflict_list_answers() {
    let service = loaded_service(&[(STRATEGY, "fail_on_conflict"), (MAXIMUM, "1")]).await;
    let recorder = Recorder::new(&service.client);
    let list = format!("{PROFILES}/conflicts/users/desk");
    recorder.send(post(PROFILES, &profile("desk", "A", &["NSE:TCS"]))).await;
    recorder.send(post(PROFILES, &profile("desk", "B", &["NSE:TCS"]))).await;
    recorder.send(post(PROFILES, &profile("desk", "C", &["NSE:RELAINCE", "NSE:SBIN"]))).await;

    let all = recorder.record("conflicts_listed", get(&list)).await.json();
    let page = recorder.record("conflicts_page", get(format!("{list}?limit=1"))).await.json();
    let cursor = text(&page["next_cursor"]);
    recorder.record("conflicts_after_cursor", get(format!("{list}?limit=1&cursor={cursor}"))).await;
    let resolve =
        |index: usize| format!("{PROFILES}/conflicts/{}/resolve", text(&all["conflicts"][index]["conflict_id"]));
    recorder.record("conflict_resolved", post(resolve(0), &json!({"note": "told the desk"}))).await;
    recorder.record("conflict_not_pending", post_nothing(resolve(0))).await;
    let profile_id = text(&all["conflicts"][0]["profile_id"]);
    recorder.record("profile_audit_of_conflict", get(format!("{PROFILES}/{profile_id}/audit"))).await;
    recorder.record("conflict_failed", post(resolve(1), &json!({"status": "failed"}))).await;
    recorder.record("conflicts_pending", get(format!("{list}?status=pending"))).await;
    for status in ["resolved", "failed"] {
        recorder.record(&format!("conflicts_{status}"), get(format!("{list}?status={status}"))).await;
    }
    recorder.record("conflicts_of_type", get(format!("{list}?conflict_type=limit_exceeded"))).await;

    let wrong = json!({"status": "pending", "note": "", "x": 1});
    recorder.record("conflict_resolve_every_fault", post(resolve(2), &wrong)).await;
    let unknown = format!("{PROFILES}/conflicts/{}/resolve", unknown_id("conflict"));
    recorder.record("conflict_unknown", post_nothing(unknown)).await;
    recorder.record("conflict_malformed_id", post_nothing(format!("{PROFILES}/conflicts/x/resolve"))).await;
    let query = "?status=x&conflict_type=x&limit=1001&offset=x&cursor=x&x=1";
    recorder.record("conflicts_every_fault", get(format!("{list}{query}"))).await;
}
