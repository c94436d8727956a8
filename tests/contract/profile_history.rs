//! Versions of profiles, and the audit log.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn profile_history_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let draft = with(profile("desk", "A", &["NSE:TCS"]), "preferences", json!({"colour": "red"}));
    let made = recorder.send(post(PROFILES, &draft)).await.json();
    let path = format!("{PROFILES}/{}", text(&made["profile_id"]));
    let change = put(&path, &json!({"profile_name": "B", "instruments": ["NSE:INFY"]}));
    recorder.send(change.with_header("user-agent", "desk-tool/7")).await;

    recorder.record("profile_restored", post_nothing(format!("{path}/versions/1/restore"))).await;
    recorder.send(delete(&path)).await;
    let page = recorder.record("profile_versions", get(format!("{path}/versions?limit=3"))).await.json();
    let cursor = text(&page["next_cursor"]);
    recorder.record("profile_versions_after_cursor", get(format!("{path}/versions?cursor={cursor}"))).await;
    recorder
        .record("profile_versions_every_fault", get(format!("{path}/versions?limit=0&offset=x&cursor=x&x=1")))
        .await;
    recorder.record("profile_versions_of_unknown", get(format!("{PROFILES}/{}/versions", unknown_id("profile")))).await;
    recorder.record("profile_restored_inactive", post_nothing(format!("{path}/versions/1/restore"))).await;
    recorder.record("profile_replanned_inactive", post_nothing(format!("{path}/replan"))).await;
    recorder.send(post_nothing(format!("{path}/activate"))).await;
    recorder.record("profile_restored_unknown_version", post_nothing(format!("{path}/versions/9/restore"))).await;
    recorder.record("profile_restored_malformed_version", post_nothing(format!("{path}/versions/x/restore"))).await;

    recorder.record("profile_audit", get(format!("{path}/audit"))).await;
    recorder.record("profile_audit_page", get(format!("{path}/audit?limit=1&offset=1"))).await;
    recorder.record("profile_audit_every_fault", get(format!("{path}/audit?limit=201&offset=x&x=1"))).await;
    recorder.record("profile_audit_of_unknown", get(format!("{PROFILES}/{}/audit", unknown_id("profile")))).await;
}
