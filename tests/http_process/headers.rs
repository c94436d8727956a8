//! Correlation, security and caching headers.

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Service, body};

/// Sends requests of every kind, and returns the kind with each answer. Kinds that begin with `/` are paths outside the
/// API.
async fn responses_of_each_kind(service: &Service) -> Vec<(&'static str, Answer)> {
    let client = &service.client;
    let made = client.ask("u", &body(&["NSE:TCS"])).await;
    let id = made.json()["plan_id"].as_str().expect("an id is a text").to_owned();
    let without_key = client.request_without_key(Method::GET, "plans");
    vec![
        ("made", made),
        ("read", client.get(&format!("plans/{id}")).await),
        ("described", client.post(&format!("plan/{id}/describe"), &json!({})).await),
        ("listed", client.get("plans").await),
        ("config", client.get("planner/config").await),
        ("cleaned", client.post_text("planner/cleanup", "").await),
        ("400", client.post_text("plan?user_id=u", "{").await),
        ("401", Answer::to(without_key).await),
        ("404", client.get("/api/nothing").await),
        ("405", Answer::to(client.request(Method::DELETE, "plans")).await),
        ("413", client.post_text("plan?user_id=u", vec![b' '; 3 << 20]).await),
        ("415", Answer::to(client.request(Method::POST, "plan?user_id=u").body("{}")).await),
        ("422", client.get("plans?limit=0").await),
        ("/health", client.get("/health").await),
        ("/ready", client.get("/ready").await),
        ("/metrics", client.get("/metrics").await),
        ("/openapi.json", client.get("/openapi.json").await),
        ("/nothing", client.get("/nothing").await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn security_headers_are_on_every_answer() {
    let service = Service::start().await;

    for (kind, answer) in responses_of_each_kind(&service).await {
        assert_eq!(answer.header("X-Content-Type-Options"), "nosniff", "{kind}");
        assert_eq!(answer.header("X-Frame-Options"), "DENY", "{kind}");
        assert_eq!(answer.header("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'", "{kind}");
        assert_eq!(answer.header("Referrer-Policy"), "no-referrer", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_answers_are_not_stored_by_caches() {
    let service = Service::start().await;

    for (kind, answer) in responses_of_each_kind(&service).await {
        let expected = match kind {
            // It has an ETag: a caller may store it, but must revalidate it.
            "read" => "private, no-cache",
            _ if kind.starts_with('/') => "",
            _ => "no-store",
        };
        assert_eq!(answer.header("Cache-Control"), expected, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_a_unique_correlation_id() {
    let service = Service::start().await;
    let mut seen = Vec::new();

    for (kind, answer) in responses_of_each_kind(&service).await {
        let id = answer.header("X-Correlation-ID").to_owned();
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7, "{kind}");
        if !kind.starts_with('/') {
            let json: Value = serde_json::from_str(&answer.text).unwrap();
            assert_eq!(json["correlation_id"], id, "{kind}");
            assert!(json["response_time_ms"].is_u64(), "{kind}: {json}");
        }
        assert!(!seen.contains(&id), "{kind}");
        seen.push(id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_correlation_id_of_a_request_is_returned() {
    let service = Service::start().await;
    let longest = "x".repeat(128);

    for id in ["order-7/\"a\"<b>", "!", &longest] {
        let with_id = |method, path: &str| service.client.request(method, path).header("X-Correlation-ID", id);
        let made = Answer::to(with_id(Method::POST, "plan?user_id=u").json(&body(&["NSE:TCS"]))).await;
        let refused = Answer::to(with_id(Method::GET, "plans?limit=0")).await;
        let unauthorized = service.client.request_without_key(Method::GET, "plans").header("X-Correlation-ID", id);
        let unauthorized = Answer::to(unauthorized).await;
        let open = Answer::to(with_id(Method::GET, "/health")).await;

        assert_eq!(made.json()["correlation_id"], id);
        assert_eq!(refused.problem(422, "validation_failed")["correlation_id"], id);
        assert_eq!(unauthorized.problem(401, "unauthorized")["correlation_id"], id);
        for answer in [made, refused, unauthorized, open] {
            assert_eq!(answer.header("X-Correlation-ID"), id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsafe_correlation_ids_are_replaced() {
    let service = Service::start().await;

    for id in [&b""[..], b"two words", b"tab\tbed", &[b'x'; 129], b"na\xc3\xafve", b"\xff"] {
        let id = HeaderValue::from_bytes(id).unwrap();
        let request = service.client.request(Method::GET, "planner/config").header("X-Correlation-ID", &id);
        let answer = Answer::to(request).await;

        let replaced = answer.header("X-Correlation-ID");
        assert_eq!(Uuid::parse_str(replaced).unwrap().get_version_num(), 7, "{id:?}");
        assert_eq!(answer.json()["correlation_id"], replaced);
    }
}
