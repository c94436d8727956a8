//! Creation, reads, updates, lists and deactivation of profiles.

use chrono::{TimeDelta, Utc};

use super::*;

fn profile_with_every_field(user: &str) -> Value {
    json!({
        "user_id": user, "profile_name": "Whole", "subscription_type": "live_feed",
        "instruments": ["NSE:TCS", "NSE:RELIANCE", "NSE:TCS"],
        "preferences": {
            "optimization_level": "low", "filtering_strictness": "strict", "broker": "kite", "mode": "quote",
            "modes": {"NSE:TCS": "full"}, "priorities": {"NSE:TCS": 10}, "colour": {"of": ["the", "desk"], "nr": 1.5},
        },
        "validation_rules": {
            "allowed_exchanges": ["NSE", "BSE"], "allowed_types": ["EQ"], "max_per_underlying": 5, "require_active": true,
            "min_days_to_expiry": 1,
        },
        "max_instruments": 20, "expires_at": "2199-01-01T00:00:00Z",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);

    let plain = profile("desk", "Plain", &["NSE:TCS", "NSE:TCS", "NSE:INFY"]);
    let made = recorder.record("profile_created", post(PROFILES, &plain)).await.json();
    let path = format!("{PROFILES}/{}", text(&made["profile_id"]));
    recorder.record("profile_created_with_every_field", post(PROFILES, &profile_with_every_field("desk"))).await;
    recorder.record("profile_read", get(&path)).await;
    recorder
        .record("profile_read_at_other_mount", get(path.replacen("internal/", "internal/instrument-registry/", 1)))
        .await;
    let change = json!({"profile_name": "Changed", "max_instruments": 30, "preferences": {"colour": "red"}});
    recorder.record("profile_updated", put(&path, &change)).await;
    let removed = json!({"max_instruments": null, "expires_at": null, "validation_rules": {"require_active": true}});
    recorder.record("profile_fields_removed", put(&path, &removed)).await;
    recorder.record("profile_version_matches", put(&path, &change).with_header("if-match", "\"3\"")).await;
    recorder.record("profile_version_mismatch", put(&path, &change).with_header("if-match", "\"1\"")).await;
    recorder.record("profile_deactivated", delete(&path)).await;
    recorder.record("profile_deactivated_again", delete(&path)).await;
    recorder.record("profile_activated", post_nothing(format!("{path}/activate"))).await;
    let until = json!({"expires_at": "2199-01-01T00:00:00Z"});
    recorder.record("profile_activated_until", post(format!("{path}/activate"), &until)).await;

    let users = format!("{PROFILES}/users/desk/profiles");
    let page = recorder.record("profiles_listed", get(format!("{users}?limit=1"))).await.json();
    let cursor = text(&page["next_cursor"]);
    recorder.record("profiles_after_cursor", get(format!("{users}?limit=1&cursor={cursor}"))).await;
    recorder
        .record("profiles_filtered", get(format!("{users}?subscription_type=alerts&is_active=false&offset=1")))
        .await;
    recorder
        .record(
            "profiles_every_fault",
            get(format!(
                "{PROFILES}/users/a%20b/profiles?subscription_type=x&is_active=x&limit=1001&offset=x&cursor=x&x=1"
            )),
        )
        .await;
    recorder.record("profile_stats", get(format!("{PROFILES}/admin/stats"))).await;
    recorder.record("profile_audit_cleanup", post_nothing(format!("{PROFILES}/admin/cleanup-audit-logs"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_faults() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let wrong = json!({
        "user_id": "u/v", "profile_name": "", "subscription_type": "x", "instruments": ["", 1], "max_instruments": 2001,
        "preferences": {
            "api_key": 1, "optimization_level": "x", "filtering_strictness": 1, "broker": "x", "mode": "x",
            "modes": {"NSE:TCS": "x"}, "priorities": {"NSE:TCS": 1001}, "selectors": [{"limit": 0}],
        },
        "validation_rules": {
            "allowed_exchanges": ["X"], "allowed_types": ["X"], "max_per_underlying": 0, "require_active": 1,
            "min_days_to_expiry": -1, "x": 1,
        },
        "expires_at": "2020-01-01T00:00:00Z", "x": 1,
    });
    let made = service.client.post(PROFILES, &profile("desk", "A", &["NSE:TCS"])).await.json();
    let path = format!("{PROFILES}/{}", text(&made["profile_id"]));
    let unknown = format!("{PROFILES}/{}", unknown_id("profile"));

    recorder.record("profile_every_fault", post(PROFILES, &wrong)).await;
    recorder.record("profile_nothing_given", post(PROFILES, &json!({}))).await;
    let large = json!({"preferences": {"text": "x".repeat(65_536)}});
    recorder.record("profile_preferences_too_large", put(&path, &large)).await;
    recorder.record("profile_update_of_nothing", put(&path, &json!({}))).await;
    recorder.record("profile_update_of_user", put(&path, &json!({"user_id": "other", "instruments": []}))).await;
    recorder.record("profile_malformed_id", get(format!("{PROFILES}/profile_1"))).await;
    recorder.record("profile_unknown_read", get(&unknown)).await;
    recorder.record("profile_unknown_updated", put(&unknown, &json!({"profile_name": "B"}))).await;
    recorder.record("profile_unknown_deactivated", delete(&unknown)).await;
    recorder.record("profile_unknown_activated", post_nothing(format!("{unknown}/activate"))).await;
    let past = json!({"expires_at": "2020-01-01T00:00:00Z", "x": 1});
    recorder.record("profile_activate_every_fault", post(format!("{path}/activate"), &past)).await;
    recorder.record("profile_unknown_parameter", get(format!("{path}?x=1"))).await;
    recorder.record("profile_stats_unknown_parameter", get(format!("{PROFILES}/admin/stats?x=1"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_profile_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let soon = (Utc::now() + TimeDelta::seconds(2)).to_rfc3339();
    let made =
        service.client.post(PROFILES, &with(profile("desk", "A", &["NSE:TCS"]), "expires_at", soon)).await.json();
    let path = format!("{PROFILES}/{}", text(&made["profile_id"]));
    eventually("the profile expires", SOON, async || {
        (service.client.read(&path).await["profile"]["is_expired"] == true).then_some(())
    })
    .await;

    recorder
        .record("profile_expired_planned", post("plan?user_id=desk", &json!({"profile_id": made["profile_id"]})))
        .await;
    recorder.record("profile_expired_replanned", post_nothing(format!("{path}/replan"))).await;
    recorder.send(delete(&path)).await;
    recorder.record("profile_expired_activated", post_nothing(format!("{path}/activate"))).await;
    recorder.record("profile_expired_restored", post_nothing(format!("{path}/versions/1/restore"))).await;
}
