//! Problem documents that do not depend on the operation.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::recording::Call;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn request_faults() {
    let service = Service::start().await;
    let recorder = Recorder::new(&service.client);
    let plan_path = "plan?user_id=u";
    let send = |content: &str| post_nothing(plan_path).sending("application/json", content);

    recorder.record_with_every_header("fault_unauthorized", get("plans").without_key()).await;
    recorder.record("fault_wrong_key", get("plans").without_key().with_header("x-internal-api-key", "wrong")).await;
    recorder.record("fault_actuator", get("/actuator/health").without_key()).await;
    recorder.record_with_every_header("fault_not_found_outside", get("/nothing").without_key()).await;
    recorder.record("fault_not_found", get("nothing")).await;
    recorder.record("fault_method_not_allowed", delete("plans/x")).await;
    recorder.record("fault_options", get("plans").with_method(Method::OPTIONS)).await;
    recorder.record("fault_unsupported_media_type", post_nothing(plan_path).sending("text/plain", "x")).await;
    recorder.record("fault_no_body", post_nothing(plan_path)).await;
    recorder.record("fault_invalid_json", send("{\"plan_name\": ")).await;
    recorder.record("fault_not_an_object", send("[]")).await;
    recorder
        .record("fault_invalid_utf8", post_nothing(plan_path).sending("application/json", &b"{\"a\": \"\xff"[..]))
        .await;
    recorder
        .record("fault_body_too_large", post_nothing(plan_path).sending("application/json", vec![b' '; (2 << 20) + 1]))
        .await;
    let many: serde_json::Map<String, Value> = (0..300).map(|n| (format!("unknown_{n:03}"), n.into())).collect();
    let bounded = recorder.send(post(plan_path, &Value::Object(many))).await.problem(422, "validation_failed");
    assert_eq!(bounded["errors"].as_array().expect("the value is a list").len(), 201);
}

/// Sends a plan request with these headers and this body, even if they contradict each other. Reads the answer until
/// the service closes the connection.
async fn send_raw(service: &Service, headers: &str, body: &str) -> Answer {
    let (host, key) = service.client.raw();
    let mut stream = TcpStream::connect(service.address).await.expect("the service listens");
    let head = format!(
        "POST /api/v1/internal/instrument-registry/subscriptions/plan?user_id=u HTTP/1.1\r\nHost: {host}\r\n\
         X-Internal-API-Key: {key}\r\nX-Correlation-ID: contract\r\nContent-Type: application/json\r\n\
         Connection: close\r\n{headers}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.expect("it can be sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("the answer can be read");
    let text = String::from_utf8(bytes).expect("the answer is UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("the answer has a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("it has a status");
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| {
        let name: reqwest::header::HeaderName = name.parse().expect("it is a header's name");
        (name, value.parse().expect("it is a header's value"))
    });
    Answer { status: status.parse().expect("the value is a number"), headers: headers.collect(), text: body.to_owned() }
}

fn raw_call(headers: &[(&'static str, &str)], body: &str) -> Call {
    let call = post_nothing("plan?user_id=u").sending("application/json", body);
    headers.iter().fold(call, |call, (name, value)| call.with_header(name, value))
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_incomplete_bodies() {
    let service = Service::start().await;
    let recorder = Recorder::new(&service.client);

    let (broken, late) = tokio::join!(
        send_raw(&service, "Transfer-Encoding: chunked", "not a length\r\n"),
        send_raw(&service, "Content-Length: 100", "{"),
    );

    let call = raw_call(&[("transfer-encoding", "chunked")], "not a length");
    recorder.compare("fault_unreadable_body", &call, &broken);
    recorder.compare("fault_body_timeout", &raw_call(&[("content-length", "100")], "{"), &late);
}
