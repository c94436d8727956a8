//! Rejected requests: statuses, codes and texts.

mod bodies;
mod outage;
mod overload;
mod queries;
mod unread;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, BASE, KEY, Service, body, with};

const UNKNOWN_PLAN: &str = "plan_0190163d869473a8b9d20123456789ab";

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_has_type_title_instance_and_errors() {
    let service = Service::start().await;

    let problem = service.client.get(&format!("plans/{UNKNOWN_PLAN}?x=1")).await.problem(422, "validation_failed");

    assert_eq!(problem["type"], "/docs/errors#validation_failed");
    assert_eq!(problem["title"], "Unprocessable Entity");
    assert_eq!(problem["instance"], format!("{BASE}/plans/{UNKNOWN_PLAN}"));
    assert_eq!(problem["detail"], "/query/x: unknown parameter");
    assert_eq!(problem["errors"], json!([{"pointer": "/query/x", "detail": "unknown parameter"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn private_paths_return_401_without_the_right_key() {
    let service = Service::start().await;
    let paths = ["plans", "plan?user_id=u", "planner/config", "nothing", "/api/v9/nothing", "/api", "/actuator/health"];
    let wrong = [None, Some(""), Some("wrong-fake-key"), Some(&KEY[1..]), Some("FAKE-KEY-OF-THE-INTEGRATION-TESTS")];

    for path in paths {
        for key in wrong {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let request = service.client.request_without_key(method.clone(), path);
                let answer = Answer::to(match key {
                    Some(key) => request.header("X-Internal-API-Key", key),
                    None => request,
                })
                .await;

                answer.problem(401, "unauthorized");
                let shown = format!("{:?}{}", answer.headers, answer.text);
                let is_shown = |key: &str| !key.is_empty() && shown.contains(key);
                assert!(!is_shown(KEY) && !is_shown(key.unwrap_or("")), "{method} {path}: {shown}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_paths_need_no_key() {
    let service = Service::start().await;

    for path in ["/health", "/ready", "/metrics", "/openapi.json"] {
        assert_eq!(Answer::to(service.client.request_without_key(Method::GET, path)).await.status, 200, "{path}");
    }
    for path in ["/nothing", "/apiary", "/API/v1"] {
        Answer::to(service.client.request_without_key(Method::GET, path)).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_return_404() {
    let service = Service::start().await;

    for path in
        ["/nothing", "/docs/a/b", "/api/v1/nothing", "/actuator/health", "plan/", "plans/", "plans/a/b", "Plans"]
    {
        let problem = service.client.get(path).await.problem(404, "not_found");

        assert_eq!(problem["detail"], "unknown path", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_plan_ids_of_any_form_return_404() {
    let service = Service::start().await;

    for id in [UNKNOWN_PLAN, "plan_", "1", "%20", "%00", "%ff", "a%2Fb", "'%20or%201=1--", &"9".repeat(4000)] {
        let read = service.client.get(&format!("plans/{id}")).await.problem(404, "not_found");
        let described = service.client.post(&format!("plan/{id}/describe"), &json!({})).await.problem(404, "not_found");

        assert_eq!(read["detail"], "unknown plan id", "{id}");
        assert_eq!(described["detail"], read["detail"], "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_methods_return_405_with_the_allowed_ones() {
    let service = Service::start().await;
    let describe = format!("plan/{UNKNOWN_PLAN}/describe");

    for (method, path, allowed) in [
        (Method::GET, "plan?user_id=u", "POST"),
        (Method::GET, describe.as_str(), "POST"),
        (Method::POST, "plans", "GET,HEAD"),
        (Method::DELETE, "plans/x", "GET,HEAD"),
        (Method::PUT, "planner/config", "GET,HEAD"),
        (Method::GET, "planner/cleanup", "POST"),
        (Method::OPTIONS, "plans", "GET,HEAD"),
        (Method::POST, "/health", "GET,HEAD"),
        (Method::PATCH, "/metrics", "GET,HEAD"),
    ] {
        let answer = Answer::to(service.client.request(method, path)).await;

        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("Allow"), allowed, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_more_than_2_mib_returns_413() {
    let service = Service::start().await;
    let mut text = body(&["NSE:TCS"]).to_string();
    text.push_str(&" ".repeat((2 << 20) - text.len()));

    let largest = service.client.post_text("plan?user_id=u", text.clone()).await;
    let larger = service.client.post_text("plan?user_id=u", text + " ").await;
    let three = service.client.post_text("plan?user_id=u", vec![b' '; 3 << 20]).await;

    assert_eq!(largest.json()["status"], "created");
    assert_eq!(larger.problem(413, "body_too_large")["detail"], "request body exceeds 2097152 bytes");
    three.problem(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_json_content_type_returns_415() {
    let service = Service::start().await;
    let post = async |content_type: Option<&str>| {
        let request = service.client.request(Method::POST, "plan?user_id=u").body(body(&["NSE:TCS"]).to_string());
        Answer::to(match content_type {
            Some(content_type) => request.header("Content-Type", content_type),
            None => request,
        })
        .await
    };

    for other in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonl"), Some("")]
    {
        post(other).await.problem(415, "unsupported_media_type");
    }
    for json in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(post(Some(json)).await.status, 200, "{json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_json_returns_400() {
    let service = Service::start().await;
    let whole = body(&["NSE:TCS"]).to_string();

    for text in [
        String::new(),
        " ".to_owned(),
        "{".to_owned(),
        whole[..whole.len() - 1].to_owned(),
        whole[..whole.len() / 2].to_owned(),
        format!("{whole} x"),
        format!("{whole}{whole}"),
        format!("\u{feff}{whole}"),
        whole.replace('"', "'"),
        whole.replace("\"Test Plan\"", "NaN"),
        whole.replace("\"Test Plan\"", "\"a\nb\""),
        whole.replace("\"Test Plan\"", "01"),
        "{\"a\": 1,}".to_owned(),
    ] {
        let problem = service.client.post_text("plan?user_id=u", text.clone()).await.problem(400, "invalid_json");

        assert!(
            problem["detail"].as_str().unwrap().starts_with("request body is not valid JSON: "),
            "{text}: {problem}"
        );
    }
    service.client.post_text(&format!("plan/{UNKNOWN_PLAN}/describe"), "{").await.problem(400, "invalid_json");
    service.client.post_text("planner/cleanup", "{").await.problem(400, "invalid_json");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8_returns_400_with_the_position() {
    let service = Service::start().await;

    for (bytes, at) in [(&b"{\"plan_name\": \"\xff\"}"[..], 15), (b"\xff\xfe{\0}\0", 0), (b"{\"a\":\"\xc3", 6)] {
        let problem = service.client.post_text("plan?user_id=u", bytes).await.problem(400, "invalid_utf8");

        assert_eq!(problem["detail"], format!("request body is not valid UTF-8 at byte {at}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_nesting_and_huge_numbers_are_rejected() {
    let service = Service::start().await;
    let deep = "[".repeat(500_000);
    let deep_object = "{\"a\":".repeat(200_000) + "1" + &"}".repeat(200_000);
    let with_field = |field: &str, value: &str| {
        let known = with(body(&["NSE:TCS"]), field, Value::Null).to_string();
        known.replace(&format!("\"{field}\":null"), &format!("\"{field}\":{value}"))
    };
    let post = async |text: String| service.client.post_text("plan?user_id=u", text).await;

    post(deep.clone()).await.problem(400, "invalid_json");
    assert_eq!(post(deep_object).await.pointers(), ["/a", "/instruments", "/plan_name", "/subscription_type"]);
    let nested = format!("{deep}{}", "]".repeat(deep.len()));
    assert_eq!(post(nested.clone()).await.pointers(), [""]);
    assert_eq!(post(with_field("instruments", &nested)).await.pointers(), ["/instruments/0"]);
    assert_eq!(post(with_field("max_instruments", "1e400")).await.pointers(), ["/max_instruments"]);
    assert_eq!(post(with_field("plan_name", "-1e400")).await.pointers(), ["/plan_name"]);
    assert_eq!(post(with_field("instruments", "[1e400]")).await.pointers(), ["/instruments/0"]);
    let digits = post(with_field("max_instruments", &"9".repeat(1 << 20))).await;
    assert!(digits.faults()["/max_instruments"].len() < 200 && digits.text.len() < 1000, "{}", digits.text.len());
    assert_eq!(service.client.plan("u", &body(&["NSE:TCS"])).await["status"], "created");
}
