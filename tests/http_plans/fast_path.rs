//! The fast path before the router, whose responses must equal those of the router.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::Method;

use crate::support::{Answer, BASE, Process};

const TEXT: &str = r#"{"plan_name": "p", "subscription_type": "live_feed", "instruments": ["NSE:TCS", "NSE:INFY"]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_fast_path_and_the_router_return_equal_plans() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let made = client.post_text("plan?user_id=u", TEXT).await.json();
    let path = format!("plans/{}", made["plan_id"].as_str().unwrap());

    let before = Answer::to(client.request(Method::GET, &path)).await;
    // An empty query makes the router respond instead of the fast path.
    let behind = Answer::to(client.request(Method::GET, &format!("{path}?"))).await;
    let head = Answer::to(client.request(Method::HEAD, &path)).await;
    let known = client.request(Method::GET, &path).header("If-None-Match", before.header("etag"));
    let known = Answer::to(known).await;

    assert_eq!(before.status, 200);
    assert_eq!(behind.status, 200);
    assert_eq!(head.status, 200);
    assert_eq!(known.status, 304);
    assert_eq!(before.json()["plan"], made["plan_data"]);
    assert_eq!(before.json()["plan"], behind.json()["plan"]);
    for name in ["etag", "cache-control", "content-type", "x-content-type-options", "content-security-policy"] {
        assert_eq!(before.header(name), behind.header(name), "{name}");
        assert_eq!(before.header(name), head.header(name), "{name}");
    }
    client.get(&format!("{path}?x=1")).await.problem(422, "validation_failed");
    client.get(&format!("{path}0")).await.problem(404, "not_found");
    Answer::to(client.request(Method::PUT, &path)).await.problem(405, "method_not_allowed");
    Answer::to(client.request(Method::GET, "plan?user_id=u")).await.problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fast_path_requires_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let made = client.post_text("plan?user_id=u", TEXT).await.json();
    let path = format!("plans/{}", made["plan_id"].as_str().unwrap());

    let read = client.request_without_key(Method::GET, &path);
    let repeat = client.request_without_key(Method::POST, "plan?user_id=u");
    let repeat = repeat.header("Content-Type", "application/json").body(TEXT);

    Answer::to(read).await.problem(401, "unauthorized");
    Answer::to(repeat).await.problem(401, "unauthorized");
}

/// Sends the text of a request without changes, and returns the text of the response.
fn send_raw(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the service listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_recognized_as_a_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let made = client.post_text("plan?user_id=u", TEXT).await.json();
    let hits = "instrument_registry_subscription_plan_cache_operations_total{operation=\"fingerprint\",status=\"hit\"}";
    let (address, key) = client.raw();

    let (head, tail) = TEXT.split_at(20);
    let request = format!(
        "POST {BASE}/plan?user_id=u HTTP/1.1\r\nHost: x\r\nX-Internal-API-Key: {key}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{head}\r\n{:x}\r\n{tail}\r\n0\r\n\r\n",
        head.len(),
        tail.len(),
    );
    let answer = tokio::task::spawn_blocking(move || send_raw(&address, &request)).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(made["plan_id"].as_str().unwrap()) && answer.contains("\"cache_hit\":true"), "{answer}");
    assert_eq!(client.metric(hits).await, Some(1.0));
}
