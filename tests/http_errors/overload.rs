//! Plan requests while no planner has capacity.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, BASE, Service, body};

/// The shortest `Retry-After`.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
/// An id with characters that JSON escapes.
const ID: &str = "a\"b\\c";

/// Requests a plan with the correlation id [`ID`]. An idempotency key makes the router respond instead of the fast
/// path.
async fn ask(service: &Service, is_of_router: bool) -> Answer {
    let request = service.client.request(Method::POST, "plan?user_id=u").header("X-Correlation-ID", ID);
    let request = request.json(&body(&["NSE:TCS"]));
    Answer::to(if is_of_router { request.header("Idempotency-Key", "k") } else { request }).await
}

/// One connection, and its responses.
struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    key: String,
}

impl Connection {
    fn open(service: &Service) -> Self {
        let (host, key) = service.client.raw();
        let stream = TcpStream::connect(service.address).expect("the service listens");
        Connection { stream: BufReader::new(stream), host, key }
    }

    /// Sends a plan request, and returns the body of the response.
    fn plan(&mut self, body: &str) -> Value {
        let Connection { stream, host, key } = self;
        let request = format!(
            "POST {BASE}/plan?user_id=u HTTP/1.1\r\nHost: {host}\r\nX-Internal-API-Key: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes()).expect("the connection is open");
        let mut line = || {
            let mut line = String::new();
            stream.read_line(&mut line).expect("the service responds");
            line.trim_end().to_ascii_lowercase()
        };
        assert!(line().starts_with("http/1.1 "));
        let mut length = 0;
        loop {
            match line() {
                header if header.is_empty() => break,
                header => {
                    assert_ne!(header, "connection: close");
                    if let Some(value) = header.strip_prefix("content-length: ") {
                        length = value.parse().expect("the length is a number");
                    }
                }
            }
        }
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).expect("the whole response arrives");
        serde_json::from_slice(&bytes).expect("the body is JSON")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_rejection_equals_the_one_of_the_router() {
    let service = Service::start().await;
    let occupied = service.engine.planners.occupy();

    let prepared = ask(&service, false).await;
    let ordinary = ask(&service, true).await;
    drop(occupied);

    let document = |answer: &Answer| {
        let mut document = answer.problem(503, "overloaded");
        assert!(document["response_time_ms"].take().is_u64());
        document
    };
    assert_eq!(document(&prepared), document(&ordinary));
    assert_eq!(document(&prepared)["correlation_id"], ID);
    let headers = |answer: &Answer| {
        let seconds: u64 = answer.header("Retry-After").parse().expect("the value is a number");
        assert!((1..=3).contains(&seconds), "{seconds}");
        let mut headers = answer.headers.clone();
        for name in ["retry-after", "date", "content-length", "server-timing"] {
            assert!(headers.remove(name).is_some(), "{name}");
        }
        headers
    };
    assert_eq!(headers(&prepared), headers(&ordinary));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_are_served_at_capacity_and_nothing_else_is_parsed() {
    let service = Service::start().await;
    let text = body(&["NSE:TCS"]).to_string();
    let post = async |text: &str| service.client.post_text("plan?user_id=u", text.to_owned()).await;
    let made = post(&text).await.json();
    let occupied = service.engine.planners.occupy();

    let repeat = post(&text).await.json();
    let other = post(&format!("{text} ")).await;
    let malformed = post("{").await;
    drop(occupied);

    assert_eq!(repeat["status"], "cached");
    assert_eq!(repeat["plan_id"], made["plan_id"]);
    other.problem(503, "overloaded");
    malformed.problem(503, "overloaded");
    post("{").await.problem(400, "invalid_json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_connection_stays_open_and_early_retries_wait() {
    let service = Service::start().await;
    let text = body(&["NSE:TCS"]).to_string();
    service.client.post_text("plan?user_id=u", text.clone()).await.json();
    let occupied = service.engine.planners.occupy();
    let mut connection = Connection::open(&service);
    let large = format!("{{\"plan_name\": \"{}\"}}", "x".repeat(1 << 20));

    let (responses, took) = tokio::task::spawn_blocking(move || {
        let started_at = Instant::now();
        let [first, repeat, second] = [connection.plan(&large), connection.plan(&text), connection.plan("{}")];
        let took = started_at.elapsed();
        drop(occupied);
        let created = connection.plan(&text.replace("TCS", "INFY"));
        ([first, repeat, second, created], took)
    })
    .await
    .unwrap();

    let [first, repeat, second, created] = responses;
    assert_eq!(first["code"], "overloaded");
    assert_eq!(repeat["status"], "cached");
    assert_eq!(second["code"], "overloaded");
    assert!(took >= RETRY_AFTER_MIN, "{took:?}");
    assert_eq!(created["status"], "created");
}
