//! Callers who close the connection before the response.

use serde_json::{Value, json};
use test_servers::TestDatabase;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{BASE, Process, REGISTRY, SOON, body, eventually};

/// Number of callers of each kind.
const CALLERS: u32 = 20;

/// Returns the series that count the hang-ups of an endpoint and the durations of all its requests.
fn series(method: &str, endpoint: &str) -> [String; 2] {
    let labels = format!("method=\"{method}\",endpoint=\"{endpoint}\"");
    [
        format!("instrument_registry_http_requests_total{{{labels},status=\"499\"}}"),
        format!("instrument_registry_http_request_duration_seconds_count{{{labels}}}"),
    ]
}

/// Sends each request over its own connections, and closes them without reading.
async fn hang_up(service: &Process, requests: &[String]) {
    for _ in 0..CALLERS {
        for request in requests {
            let mut stream = TcpStream::connect(service.address).await.expect("the service listens");
            stream.write_all(request.as_bytes()).await.expect("the service reads");
        }
    }
}

/// Renders a request whose body may be shorter than its length.
fn request(service: &Process, method: &str, path: &str, length: usize, body: &str) -> String {
    let (host, key) = service.client.raw();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Internal-API-Key: {key}\r\nX-Correlation-ID: hung-up\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Waits until every hang-up is counted with its duration.
async fn until_all_are_counted(service: &Process, endpoints: &[[String; 2]]) {
    for counters in endpoints {
        for counter in counters {
            eventually(&format!("{counter} has all"), SOON, async || {
                let count = service.client.metric(counter).await?;
                assert!(count <= f64::from(CALLERS), "{counter}: {count}");
                (count == f64::from(CALLERS)).then_some(())
            })
            .await;
        }
    }
}

/// Waits for this number of log lines, and returns them.
async fn lines_of_hang_ups(service: &Process, number: u32) -> Vec<Value> {
    eventually("every hang-up is logged", SOON, async || {
        let log = service.log();
        let lines = log.lines().filter(|line| line.contains("connection closed before the response"));
        let lines: Vec<Value> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
        (lines.len() == number as usize).then_some(lines)
    })
    .await
}

/// Regression test: the service once counted only 6 of 3,000 callers who hung up.
#[tokio::test(flavor = "multi_thread")]
async fn callers_who_hang_up_while_they_wait_are_counted() {
    let Some(database) = TestDatabase::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let service =
        Process::start(folder.path(), &[("DATABASE_URL", &*database.url()), ("LOG_LEVEL", "info,request=debug")]).await;
    let mut admin = database.admin().await;
    admin.execute("begin").await;
    admin.execute("lock table instrument_registry.subscription_plans in access exclusive mode").await;
    let plan = body(&["NSE:TCS"]).to_string();
    let unknown = format!("{BASE}/plans/plan_{}", "0".repeat(32));

    hang_up(
        &service,
        &[
            request(&service, "POST", &format!("{BASE}/plan?user_id=u"), plan.len(), &plan),
            request(&service, "GET", &unknown, 0, ""),
            request(&service, "GET", &format!("{BASE}/plans?user_id=u"), 0, ""),
        ],
    )
    .await;

    let endpoints = [("POST", "plan"), ("GET", "plans/{plan_id}"), ("GET", "plans")];
    let endpoints = endpoints.map(|(method, path)| series(method, &format!("{BASE}/{path}")));
    until_all_are_counted(&service, &endpoints).await;
    for line in lines_of_hang_ups(&service, 3 * CALLERS).await {
        assert_eq!(line["key"], "environment", "{line}");
    }
    admin.execute("rollback").await;
    assert_eq!(service.client.plan("u", &body(&["NSE:INFY"])).await["status"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_hang_up_within_their_body_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[("LOG_LEVEL", "info,request=debug")]).await;
    let search = json!({"query": "TCS"}).to_string();
    let plan = body(&["NSE:TCS"]).to_string();

    hang_up(
        &service,
        &[
            request(&service, "POST", &format!("{BASE}/plan?user_id=u"), plan.len() + 1, &plan),
            request(&service, "POST", &format!("{REGISTRY}/search"), search.len() + 1, &search),
        ],
    )
    .await;

    until_all_are_counted(
        &service,
        &[series("POST", &format!("{BASE}/plan")), series("POST", &format!("{REGISTRY}/search"))],
    )
    .await;
    let lines = lines_of_hang_ups(&service, 2 * CALLERS).await;
    for line in &lines {
        assert_eq!(line["status"], 499, "{line}");
        assert_eq!(line["key"], "environment", "{line}");
        assert_eq!(line["span"]["correlation_id"], "hung-up", "{line}");
        assert!(line["duration_ms"].as_f64().is_some_and(|took| took > 0.0), "{line}");
    }
    assert!(lines.iter().any(|line| line["level"] == "INFO" && line["untold"].is_u64()), "{lines:?}");
}
