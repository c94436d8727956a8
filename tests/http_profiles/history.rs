//! Versions, conditional updates, the audit log, and expiry of profiles.

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;

use super::{PROFILES, create, delete, id, post, profile, put};
use crate::support::{Answer, SOON, Service, eventually, texts, with};

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_another_version_is_rejected() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "A", &["NSE:TCS"])).await;
    let edit = |tag: &'static str, name: &'static str| {
        let request = client.request(Method::PUT, &format!("{PROFILES}/{}", id(&made)));
        Answer::to(request.header("If-Match", tag).json(&json!({"profile_name": name})))
    };

    let first = edit("\"1\"", "B").await;
    let late = edit("\"1\"", "C").await;
    let any = edit("*", "D").await;

    assert_eq!(first.status, 200);
    assert_eq!(first.header("ETag"), "\"2\"");
    let problem = late.problem(412, "version_mismatch");
    assert_eq!(
        problem["detail"],
        "`If-Match` does not match: the profile has version 2; read the profile again and send its `ETag`"
    );
    assert_eq!(any.status, 200);
    assert_eq!(any.json()["profile"]["profile_name"], "D");
    let request = client.request(Method::DELETE, &format!("{PROFILES}/{}", id(&made))).header("If-Match", "\"9\"");
    Answer::to(request).await.problem(412, "version_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_creates_a_version_that_can_be_restored() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "A", &["NSE:TCS"])).await;
    let path = format!("{PROFILES}/{}", id(&made));
    put(client, id(&made), &json!({"instruments": ["NSE:INFY"], "profile_name": "B"})).await.json();

    let restored = post(client, &format!("{}/versions/1/restore", id(&made))).await.json();
    let versions = client.read(&format!("{path}/versions?limit=2")).await;
    let rest = format!("{path}/versions?cursor={}", versions["next_cursor"].as_str().expect("there is more"));
    let rest = client.read(&rest).await;

    assert_eq!(restored["status"], "restored");
    assert_eq!(restored["profile"]["version"], 3);
    assert_eq!(restored["profile"]["profile_name"], "A");
    assert_eq!(texts(&restored["profile"]["instruments"]), vec!["NSE:TCS"]);
    let shown: Vec<_> = versions["versions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|version| (&version["version"], &version["action"], &version["profile"]["profile_name"]))
        .collect();
    assert_eq!(shown, [(&json!(3), &json!("restore"), &json!("A")), (&json!(2), &json!("update"), &json!("B"))]);
    assert_eq!(rest["versions"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["versions"][0]["action"], "create");
    post(client, &format!("{}/versions/9/restore", id(&made))).await.problem(404, "not_found");
    post(client, &format!("{}/versions/0/restore", id(&made))).await.problem(422, "malformed_id");
    post(client, &format!("{}/versions/x/restore", id(&made))).await.problem(422, "malformed_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_entries_have_actor_action_old_and_new_data() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "A", &["NSE:TCS"])).await;
    let request = client.request(Method::PUT, &format!("{PROFILES}/{}", id(&made)));
    let request = request.header("User-Agent", "desk-tool/7").header("X-Correlation-ID", "edit-1");
    Answer::to(request.json(&json!({"profile_name": "B"}))).await.json();
    delete(client, id(&made)).await.json();
    delete(client, id(&made)).await.json();
    post(client, &format!("{}/activate", id(&made))).await.json();

    let log = client.read(&format!("{PROFILES}/{}/audit", id(&made))).await;

    let entries = log["entries"].as_array().expect("a list");
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().expect("a word")).collect();
    assert_eq!(actions, ["activate", "deactivate", "update", "create"], "a deactivation without effect adds no entry");
    let update = &entries[2];
    assert_eq!(update["old_data"]["profile_name"], "A");
    assert_eq!(update["new_data"]["profile_name"], "B");
    assert_eq!(update["old_data"]["version"], 1);
    assert_eq!(update["new_data"]["version"], 2);
    assert_eq!(
        update["actor"],
        json!({"user_id": "desk", "key_name": "environment", "address": "127.0.0.1", "user_agent": "desk-tool/7"})
    );
    assert_eq!(update["correlation_id"], "edit-1");
    assert_eq!(entries[3]["old_data"], json!(null));
    let page = client.read(&format!("{PROFILES}/{}/audit?limit=1&offset=3", id(&made))).await;
    assert_eq!(page["entries"][0], entries[3]);
    assert_eq!(page["pagination"]["has_next"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_profile_is_deactivated_automatically() {
    let service = Service::start().await;
    let client = &service.client;
    let end = (Utc::now() + TimeDelta::seconds(5)).to_rfc3339();
    let made = create(client, &with(profile("desk", "A", &["NSE:TCS"]), "expires_at", end)).await;
    let path = format!("{PROFILES}/{}", id(&made));

    let request = json!({"profile_id": id(&made)});
    let expired = eventually("the profile is expired", SOON, async || {
        Some(client.ask("desk", &request).await).filter(|answer| answer.status != 200)
    })
    .await;
    expired.problem(409, "profile_expired");
    // The service deactivates expired profiles every 30 s.
    let read = eventually("the profile is deactivated", SOON, async || {
        let read = client.read(&path).await;
        (read["profile"]["is_active"] == false).then_some(read)
    })
    .await;

    assert_eq!(read["profile"]["is_expired"], true);
    let log = client.read(&format!("{path}/audit")).await;
    assert_eq!(log["entries"][0]["action"], "deactivate");
    assert_eq!(log["entries"][0]["actor"]["key_name"], "system");
    assert_eq!(log["entries"][0]["new_data"]["deactivated"]["reason"], "expired");
    post(client, &format!("{}/activate", id(&made))).await.problem(409, "profile_expired");
    put(client, id(&made), &json!({"expires_at": null})).await.problem(409, "profile_inactive");
    let activate = format!("{path}/activate");
    assert_eq!(
        client.post(&activate, &json!({"expires_at": "2020-01-01T00:00:00Z"})).await.pointers(),
        ["/expires_at"]
    );
    let back = client.post(&activate, &json!({"expires_at": null})).await.json();
    assert_eq!(back["profile"]["is_active"], true);
    assert_eq!(back["profile"]["expires_at"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_changes_creates_no_version() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "A", &["NSE:TCS"])).await;

    let same =
        put(client, id(&made), &json!({"profile_name": "A", "instruments": ["NSE:TCS", "NSE:TCS"]})).await.json();

    assert_eq!(same["profile"]["version"], 1);
    let log = client.read(&format!("{PROFILES}/{}/audit", id(&made))).await;
    assert_eq!(log["pagination"]["total"], 1);
}
