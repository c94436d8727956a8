//! Creation of profiles with an idempotency key.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_create_gets_the_same_answer() {
    for (service, _database) in services().await {
        let client = &service.client;
        let request = profile("desk", "Opening", &["NSE:TCS", "NSE:INFY"]);

        let first = post(client, PROFILES, "k", &request).await;
        let second = post(client, PROFILES, "k", &request).await;
        let by_other_mount = format!("{REGISTRY}/subscription-profiles/");
        let third = post(client, &by_other_mount, "k", &request).await;

        assert_eq!(first.json()["status"], "created");
        assert_eq!(first.header("ETag"), "\"1\"");
        assert_replay(&first, &second);
        assert_replay(&first, &third);
        let stats = client.read(&format!("{PROFILES}/admin/stats")).await;
        assert_eq!(stats["stats"]["total_profiles"], 1);
        assert_eq!(stats["stats"]["total_audit_logs"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_share_no_keys() {
    let service = Service::start().await;
    let client = &service.client;

    let one = post(client, PROFILES, "k", &profile("desk", "Opening", &["NSE:TCS"])).await.json();
    let other = post(client, PROFILES, "k", &profile("quant", "Opening", &["NSE:TCS"])).await.json();

    assert_eq!(other["status"], "created");
    assert_ne!(other["profile_id"], one["profile_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_with_a_key_reports_every_fault() {
    let service = Service::start().await;

    let problem = post(&service.client, PROFILES, "k", &json!({"user_id": 7, "profile_name": ""})).await;

    let problem = problem.problem(422, "validation_failed");
    let pointers: Vec<_> =
        problem["errors"].as_array().expect("the value is a list").iter().map(|one| &one["pointer"]).collect();
    assert_eq!(pointers, ["/user_id", "/profile_name", "/subscription_type", "/instruments"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_with_and_without_a_key_have_the_same_fields() {
    let service = Service::start().await;
    let client = &service.client;

    let keyed = post(client, PROFILES, "k", &profile("desk", "A", &["NSE:TCS"])).await;
    let plain = client.post(PROFILES, &profile("desk", "B", &["NSE:INFY"])).await;

    let names = |answer: &Answer| crate::support::fields(&answer.json()).join(" ");
    assert_eq!(names(&keyed), names(&plain));
    assert_eq!(keyed.header("Content-Type"), plain.header("Content-Type"));
    assert_eq!(keyed.header("ETag"), plain.header("ETag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_replayed_after_the_profile_has_changed() {
    let service = Service::start().await;
    let client = &service.client;
    let request = profile("desk", "Opening", &["NSE:TCS"]);
    let first = post(client, PROFILES, "k", &request).await;
    let made = first.json();

    put(client, id(&made), &json!({"profile_name": "Close"})).await.json();
    delete(client, id(&made)).await.json();
    let again = post(client, PROFILES, "k", &request).await;

    assert_replay(&first, &again);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_profile_with_a_used_key_is_rejected() {
    for (service, _database) in services().await {
        let client = &service.client;
        post(client, PROFILES, "k", &profile("desk", "A", &["NSE:TCS"])).await.json();

        let other = post(client, PROFILES, "k", &profile("desk", "B", &["NSE:TCS"])).await;

        other.problem(422, "idempotency_key_reused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_leaves_its_key_free() {
    let strategy = ("INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY", "fail_on_conflict");
    let service = Service::with(&[strategy]).await;
    let client = &service.client;
    let first = create(client, &profile("desk", "A", &["NSE:TCS"])).await;
    let duplicate = profile("desk", "B", &["NSE:TCS"]);

    for _ in 0..2 {
        let refused = post(client, PROFILES, "k", &duplicate).await;
        refused.problem_with_conflicts(409, "duplicate_subscription");
        assert!(!is_replay(&refused));
    }
    delete(client, id(&first)).await.json();
    let made = post(client, PROFILES, "k", &duplicate).await;

    // Each attempt was checked again, and recorded its own conflict.
    let conflicts = client.read(&format!("{PROFILES}/conflicts/users/desk")).await;
    assert_eq!(conflicts["pagination"]["total"], 2);
    assert_eq!(made.json()["status"], "created");
    assert_replay(&made, &post(client, PROFILES, "k", &duplicate).await);
}
