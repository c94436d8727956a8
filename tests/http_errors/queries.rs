//! Faults of query parameters.

use serde_json::json;

use crate::http_profiles::PROFILES;
use crate::support::{REGISTRY, Service, body};

#[tokio::test(flavor = "multi_thread")]
async fn user_id_is_required_once_and_validated() {
    let service = Service::start().await;
    let long = format!("user_id={}", "u".repeat(65));
    let required = "is required";
    let expected = "expected 1 to 64 characters from `A–Z a–z 0–9 . _ @ : -`";

    for (query, detail) in [
        ("", required.to_owned()),
        ("user_id=u&user_id=u", "duplicate parameter".to_owned()),
        ("user_id=", format!("{expected}, got an empty string")),
        ("user_id", format!("{expected}, got an empty string")),
        (&long, format!("{expected}, got `{}`", "u".repeat(65))),
        ("user_id=a%20b", format!("{expected}, got `a b`")),
        ("user_id=a+b", format!("{expected}, got `a b`")),
        ("user_id=a%2Fb", format!("{expected}, got `a/b`")),
        ("user_id=%00", format!("{expected}, got `\0`")),
        ("user_id=%C3%A4", format!("{expected}, got `ä`")),
        ("user_id=%FF", format!("{expected}, got `\u{fffd}`")),
    ] {
        let faults = service.client.post(&format!("plan?{query}"), &body(&["NSE:TCS"])).await.faults();

        assert_eq!(faults["/query/user_id"], detail, "{query}");
        assert_eq!(faults.len(), 1, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_not_utf8_are_reported_as_problems() {
    let service = Service::start().await;

    for (path, status, code) in [
        (format!("{REGISTRY}/jobs/%FF"), 404, "not_found"),
        (format!("{REGISTRY}/catalog/versions/%FF/diff"), 404, "not_found"),
        (format!("{REGISTRY}/instruments/%FF"), 404, "not_found"),
        (format!("{REGISTRY}/brokers/kite/tokens/%FF"), 404, "not_found"),
        ("plans/%FF".to_owned(), 404, "not_found"),
        (format!("{PROFILES}/%FF"), 422, "malformed_id"),
        (format!("{PROFILES}/%FF/audit"), 422, "malformed_id"),
        (format!("{PROFILES}/users/%FF/profiles"), 422, "malformed_id"),
        (format!("{PROFILES}/users/%FF/export"), 422, "malformed_id"),
        (format!("{PROFILES}/conflicts/users/%FF"), 422, "malformed_id"),
    ] {
        service.client.get(&path).await.problem(status, code);
    }
    for path in ["users/%FF/import", "conflicts/%FF/resolve", "%FF/versions/%FF/restore"] {
        let answer = service.client.post(&format!("{PROFILES}/{path}"), &json!({"profiles": []})).await;
        answer.problem(422, "malformed_id");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_query_parameters_are_rejected() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let id = plan["plan_id"].as_str().unwrap();

    let answers = [
        service.client.post("plan?user_id=u&dry_run=true", &body(&["NSE:TCS"])).await,
        service.client.post_text(&format!("plan/{id}/describe?dry_run=1"), "").await,
        service.client.get(&format!("plans/{id}?dry_run=1")).await,
        service.client.get("plans?dry_run=1").await,
        service.client.get("planner/config?dry_run=1").await,
        service.client.post_text("planner/cleanup?dry_run=1", "").await,
    ];

    for answer in answers {
        assert_eq!(answer.pointers(), ["/query/dry_run"], "{}", answer.text);
        assert_eq!(answer.faults()["/query/dry_run"], "unknown parameter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn list_parameters_are_validated() {
    let service = Service::start().await;
    let cursor = "after-0190163d869473a8b9d20123456789ab";
    let uppercase = format!("cursor={}", cursor.to_uppercase());
    let with_offset = format!("cursor={cursor}&offset=0");
    let short = format!("cursor={}", &cursor[..20]);

    for (query, pointer) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=abc", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=1&limit=2", "limit"),
        ("offset=-1", "offset"),
        ("offset=abc", "offset"),
        ("offset=10001", "offset"),
        ("status=done", "status"),
        ("status=Optimized", "status"),
        ("status=", "status"),
        ("subscription_type=feed", "subscription_type"),
        ("user_id=a%20b", "user_id"),
        ("cursor=garbage", "cursor"),
        ("cursor=", "cursor"),
        (&short, "cursor"),
        (&uppercase, "cursor"),
        (&with_offset, "cursor"),
    ] {
        let answer = service.client.get(&format!("plans?{query}")).await;

        assert_eq!(answer.pointers(), [format!("/query/{pointer}")], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_list_query_are_reported_at_once() {
    let service = Service::start().await;

    let offset = "99999999999999999999";
    let query = format!("plans?limit=0&offset={offset}&status=y&cursor=z&page=2&user_id=");
    let faults = service.client.get(&query).await.faults();

    let reported: Vec<(&str, &str)> =
        faults.iter().map(|(pointer, detail)| (pointer.as_str(), detail.as_str())).collect();
    assert_eq!(
        reported,
        [
            ("/query/cursor", "expected a `next_cursor` of an earlier response, got `z`"),
            ("/query/limit", "expected an integer from 1 to 200, got `0`"),
            (
                "/query/offset",
                "expected an integer from 0 to 10000, got `99999999999999999999`; use `cursor` for later pages"
            ),
            ("/query/page", "unknown parameter"),
            ("/query/status", "expected one of draft, optimized, validated, error, got `y`"),
            ("/query/user_id", "expected 1 to 64 characters from `A–Z a–z 0–9 . _ @ : -`, got an empty string"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_a_deleted_plan_still_continues_the_list() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS"])).await;

    let newer = format!("plans?cursor=after-{}", "f".repeat(32));
    let older = format!("plans?cursor=after-{}", "0".repeat(32));

    assert_eq!(service.client.read(&newer).await["plans"][0]["plan_id"], plan["plan_id"]);
    assert_eq!(service.client.read(&older).await["plans"], serde_json::json!([]));
}
