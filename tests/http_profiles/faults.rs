//! Rejected requests about profiles report their faults and store nothing.

use serde_json::{Value, json};

use super::{PROFILES, create, id, post, profile, put};
use crate::support::{Service, with};

#[tokio::test(flavor = "multi_thread")]
async fn invalid_profiles_are_reported_and_not_stored() {
    let service = Service::start().await;
    let client = &service.client;
    let good = profile("desk", "A", &["NSE:TCS"]);
    let many: Vec<String> = (0..1001).map(|number| format!("NSE:S{number}")).collect();

    let cases: [(&str, Value, &str); 25] = [
        ("user_id", json!(""), "/user_id"),
        ("user_id", json!("u".repeat(51)), "/user_id"),
        ("user_id", json!("a b"), "/user_id"),
        ("profile_name", json!(""), "/profile_name"),
        ("profile_name", json!("n".repeat(256)), "/profile_name"),
        ("profile_name", json!(7), "/profile_name"),
        ("subscription_type", json!("feed"), "/subscription_type"),
        ("instruments", json!([]), "/instruments"),
        ("instruments", json!(many), "/instruments"),
        ("instruments", json!([7]), "/instruments/0"),
        ("instruments", json!(["NSE:A\u{0}"]), "/instruments"),
        ("max_instruments", json!(0), "/max_instruments"),
        ("max_instruments", json!(2001), "/max_instruments"),
        ("expires_at", json!("2020-01-01T00:00:00Z"), "/expires_at"),
        ("expires_at", json!("tomorrow"), "/expires_at"),
        ("preferences", json!({"api_key": "x"}), "/preferences"),
        ("preferences", json!({"feed": {"Secret_2": 1}}), "/preferences"),
        ("preferences", json!({"optimization_level": "most"}), "/preferences/optimization_level"),
        ("preferences", json!({"selectors": [{}]}), "/preferences/selectors/0"),
        ("preferences", json!([1]), "/preferences"),
        ("validation_rules", json!({"allowed_colours": ["red"]}), "/validation_rules/allowed_colours"),
        ("validation_rules", json!({"allowed_exchanges": ["NYSE"]}), "/validation_rules/allowed_exchanges/0"),
        ("validation_rules", json!({"allowed_types": []}), "/validation_rules/allowed_types"),
        ("expires_at", json!("9999-12-31T23:59:59-12:00"), "/expires_at"),
        ("colour", json!("red"), "/colour"),
    ];
    for (name, value, pointer) in cases {
        let faults = client.post(PROFILES, &with(good.clone(), name, value.clone())).await.faults();
        assert_eq!(faults.keys().collect::<Vec<_>>(), [pointer], "{name}: {value}");
    }
    let empty = client.post(PROFILES, &json!({})).await.pointers();
    assert_eq!(empty, ["/instruments", "/profile_name", "/subscription_type", "/user_id"]);
    let stats = client.read(&format!("{PROFILES}/admin/stats")).await;
    assert_eq!(stats["stats"]["total_profiles"], 0);
    assert_eq!(stats["stats"]["total_audit_logs"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_are_validated_and_null_removes_a_limit() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &with(profile("desk", "A", &["NSE:TCS"]), "max_instruments", 5)).await;

    for (body, pointers) in [
        (json!({}), vec![""]),
        (json!({"user_id": "x"}), vec!["/user_id"]),
        (json!({"profile_name": "", "instruments": []}), vec!["/instruments", "/profile_name"]),
        (json!({"expires_at": "2020-01-01T00:00:00Z"}), vec!["/expires_at"]),
    ] {
        assert_eq!(put(client, id(&made), &body).await.pointers(), pointers, "{body}");
    }
    let freed = put(client, id(&made), &json!({"max_instruments": null})).await.json();

    assert_eq!(freed["profile"]["max_instruments"], Value::Null);
    assert_eq!(freed["profile"]["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_unknown_ids_return_different_errors() {
    let service = Service::start().await;
    let client = &service.client;
    let unknown = format!("profile_{}", "0".repeat(32));

    for malformed in
        ["x", "profile_00", "plan_00000000000000000000000000000000", "profile_0000000000000000000000000000000G"]
    {
        client.get(&format!("{PROFILES}/{malformed}")).await.problem(422, "malformed_id");
        client.get(&format!("{PROFILES}/{malformed}/audit")).await.problem(422, "malformed_id");
    }
    for path in ["", "/audit", "/versions", "/plans"] {
        client.get(&format!("{PROFILES}/{unknown}{path}")).await.problem(404, "not_found");
    }
    for path in ["activate", "replan", "versions/1/restore"] {
        post(client, &format!("{unknown}/{path}")).await.problem(404, "not_found");
    }
    put(client, &unknown, &json!({"profile_name": "x"})).await.problem(404, "not_found");
    client.get(&format!("{PROFILES}/users/{}/profiles", "u".repeat(51))).await.problem(422, "malformed_id");
    post(client, "conflicts/x/resolve").await.problem(422, "malformed_id");
    assert_eq!(
        client.get(&format!("{PROFILES}/users/desk/profiles?limit=1001&offset=x&colour=red")).await.pointers(),
        ["/query/colour", "/query/limit", "/query/offset"]
    );
}
