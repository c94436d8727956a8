//! Connections: their maximum, the limit of file descriptors, and the probe port.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, BASE, Client, KEY, Process, SOON, Service, eventually, run_with_descriptors};

const MAXIMUM: &str = "instrument_registry_connections_max{listener=\"main\"}";
const EVICTED: &str = "instrument_registry_connections_evicted_total";
const REFUSED: &str = "instrument_registry_connections_refused_total";
/// A limit of file descriptors that allows between 128 and 192 connections.
const FEW: &str = "-n 384";

fn connect(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| TcpStream::connect(address).expect("the service listens")).collect()
}

/// Returns a connection with a request in flight, whose body `{}` is missing.
fn begin_request(address: SocketAddr) -> io::Result<TcpStream> {
    let mut connection = TcpStream::connect(address)?;
    let head = format!(
        "POST {BASE}/plan?user_id=u HTTP/1.1\r\nHost: test\r\nX-Internal-API-Key: {KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    );
    connection.write_all(head.as_bytes())?;
    // The service reads the body, so the request is in flight.
    let mut answer = [0; 25];
    connection.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    Ok(connection)
}

async fn maximum(client: &Client) -> usize {
    client.metric(MAXIMUM).await.expect("the metric exists") as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_evicted_for_new_callers() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start_with_descriptors(folder.path(), FEW, &[]).await;
    let mut keep_alive = TcpStream::connect(service.address).unwrap();
    keep_alive.write_all(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut answer = [0; 16];
    keep_alive.read_exact(&mut answer).unwrap();
    let maximum = maximum(&service.client).await;

    let silent = connect(service.address, 2 * maximum);

    let get = async |path: &str| {
        let request = Client::new(service.address).request(Method::GET, path);
        Answer::attempt(request).await.ok().filter(|answer| answer.status == 200)
    };
    for _ in 0..3 {
        eventually("a new caller is served", SOON, async || get("/health").await).await;
    }
    // On a busy machine, evicted connections may close too late for the whole burst. Then other connections are
    // refused.
    let evicted = eventually("the burst is evicted or refused", SOON, async || {
        let metrics = get("/metrics").await?.text;
        let value = |name| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        let (evicted, refused) = (value(EVICTED)?, value(REFUSED)?);
        (evicted + refused >= maximum as f64).then_some(evicted)
    });
    assert!(evicted.await > 0.0);
    assert!(service.log().contains("too many connections: closing the longest idle one"));
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_hard_limit_of_descriptors_allows_fewer_connections() {
    let folder = tempfile::tempdir().unwrap();

    let service = Process::start_with_descriptors(folder.path(), FEW, &[]).await;

    let maximum = maximum(&service.client).await;
    assert!((128..192).contains(&maximum), "{maximum}");
    let log = service.log();
    let line = log.lines().find(|line| line.contains("too few file descriptors: accepting fewer connections"));
    let line: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("{log}"))).unwrap();
    assert_eq!(line["limit"], 384);
    assert_eq!(line["connections_max"], maximum);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_soft_limit_of_descriptors_is_raised() {
    let folder = tempfile::tempdir().unwrap();

    let service = Process::start_with_descriptors(folder.path(), "-Sn 256", &[]).await;

    assert_eq!(maximum(&service.client).await, 4096);
    assert!(service.log().contains("raised the limit of file descriptors"));
}

#[test]
fn the_service_does_not_start_with_too_few_descriptors() {
    let folder = tempfile::tempdir().unwrap();

    let finished = run_with_descriptors("-n 100", folder.path());

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("limit of file descriptors (ulimit -n): expected at least 265, got 100"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_more_than_16_kib_is_rejected() {
    let service = Service::start().await;
    let status = |size: usize| {
        let mut connection = TcpStream::connect(service.address).unwrap();
        let (start, end) = ("GET /health HTTP/1.1\r\nHost: test\r\nX-Padding: ", "\r\n\r\n");
        let head = format!("{start}{}{end}", "x".repeat(size - start.len() - end.len()));
        connection.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        connection.read_exact(&mut status).unwrap();
        String::from_utf8_lossy(&status).into_owned()
    };

    assert_eq!(status((16 << 10) - 1), "HTTP/1.1 200");
    assert_eq!(status((16 << 10) + 1), "HTTP/1.1 431");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_while_the_port_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start_with_descriptors(folder.path(), "-n 512", &[("PROBE_PORT", "0")]).await;
    let probe = Client::new(service.probe_address());
    let maximum = maximum(&probe).await;
    let mut busy = Vec::new();

    // A request waits for its body for 10 s.
    eventually("a connection is refused", SOON, async || {
        busy.extend((0..=maximum).map_while(|_| begin_request(service.address).ok()));
        (probe.metric(REFUSED).await? > 0.0).then_some(())
    })
    .await;

    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(Client::new(service.probe_address()).get(path).await.status, 200, "{path}");
    }
    assert!(service.log().contains("too many connections and none idle: refusing a connection"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_port_does_not_serve_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[("PROBE_PORT", "0")]).await;
    let probe = Client::new(service.probe_address());

    for path in ["/openapi.json", "/", "/api", &format!("{BASE}/planner/config"), &format!("{BASE}/plans")] {
        probe.get(path).await.problem(404, "not_found");
        Answer::to(probe.request_without_key(Method::GET, path)).await.problem(404, "not_found");
    }
    Answer::to(probe.request(Method::POST, "/health")).await.problem(405, "method_not_allowed");
    assert_eq!(service.client.get("/health").await.status, 200, "the first port serves probes too");
    assert!(service.log().contains("listening for probes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_while_the_service_drains() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Process::start(folder.path(), &[("PROBE_PORT", "0")]).await;
    let probe = Client::new(service.probe_address());
    let mut in_flight = begin_request(service.address).unwrap();

    service.terminate();

    let reason = eventually("the service drains", SOON, async || {
        let answer = Answer::attempt(probe.request(Method::GET, "/ready")).await.ok()?;
        let ready: Value = serde_json::from_str(&answer.text).ok()?;
        ready["reason"].as_str().map(str::to_owned)
    });
    assert_eq!(reason.await, "draining");
    assert_eq!(probe.metric("instrument_registry_ready").await, Some(0.0));
    assert_eq!(probe.get("/health").await.status, 200);
    in_flight.write_all(b"{}").unwrap();
    assert!(service.end(SOON).await.success());
}
