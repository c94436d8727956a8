//! Readiness: ready, degraded, starting, draining.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use registry_actors::persistence::Op;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::{Answer, SOON, Service, body, eventually, fields, with};

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_catalog_is_ready_but_degraded() {
    let service = Service::start().await;

    let ready = service.client.get("/ready").await.json();

    assert_eq!(fields(&ready), ["checks", "degraded", "status", "timestamp"]);
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["degraded"], true);
    let checks = &ready["checks"];
    assert_eq!(checks["catalogue"]["status"], "degraded");
    assert!(checks["catalogue"]["detail"].as_str().unwrap().contains("demonstration"), "{checks}");
    assert_eq!(checks["database"]["status"], "ok");
    assert_eq!(checks["database"]["breaker"], "closed");
    assert_eq!(checks["database"]["detail"], "sqlite");
    for absent in ["broker_limits", "config_service", "redis"] {
        assert_eq!(checks[absent], json!({"status": "not_configured"}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_actor_reports_status_and_response_time() {
    let service = Service::start().await;

    let checks = service.client.get("/ready").await.json()["checks"].clone();

    for actor in ["actor_config", "actor_catalogue", "actor_ingest", "actor_cache", "actor_persistence", "planner_0"] {
        assert_eq!(checks[actor]["status"], "ok", "{actor}");
        let took = checks[actor]["response_time_ms"].as_f64().unwrap();
        assert!((0.0..500.0).contains(&took), "{actor}: {took}");
    }
    assert_eq!(checks["actor_persistence"]["breaker"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_unknown_without_the_demonstration_catalog() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", "false")]).await;

    let ready = service.client.get("/ready").await.json();
    let moderate = service.client.plan("u", &body(&["NSE:TCS"])).await["plan_data"].clone();
    let lenient = service.client.plan("u", &with(body(&["NSE:TCS"]), "filtering_strictness", "lenient")).await;

    assert_eq!(ready["degraded"], true);
    assert_eq!(ready["checks"]["catalogue"]["status"], "degraded");
    assert_eq!(moderate["instruments"], json!([]));
    assert_eq!(moderate["rejected"][0]["reason"], "unknown");
    assert_eq!(moderate["metadata"]["catalogue"]["version"], "none");
    assert_eq!(moderate["metadata"]["catalogue"]["demonstration"], false);
    assert_eq!(lenient["plan_data"]["instruments"], json!(["NSE:TCS"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_healthy_but_not_ready_without_database() {
    let service = Service::without_database().await;
    let client = &service.client;

    let ready = client.get("/ready").await;
    let not_ready: Value = serde_json::from_str(&ready.text).unwrap();
    let plan = client.ask("u", &body(&["NSE:TCS"])).await;
    let refused = client.get("plans?limit=0").await;
    let health = client.get("/health").await;
    service.give_database();

    assert_eq!(ready.status, 503);
    assert_eq!(not_ready["status"], "not_ready");
    assert_eq!(not_ready["reason"], "database not reached yet");
    assert_eq!(not_ready["checks"]["database"]["status"], "unavailable");
    assert!(ready.header("Retry-After").parse::<u64>().is_ok_and(|seconds| (1..=3).contains(&seconds)));
    assert_eq!(plan.problem(503, "not_ready")["detail"], "database not reached yet; retry later");
    assert!(plan.header("Retry-After").parse::<u64>().is_ok_and(|seconds| (1..=3).contains(&seconds)));
    refused.problem(422, "validation_failed");
    assert_eq!(health.json()["status"], "healthy");
    eventually("the service is ready", SOON, async || (client.get("/ready").await.status == 200).then_some(())).await;
    assert_eq!(client.plan("u", &body(&["NSE:TCS"])).await["status"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_service_is_not_ready_and_refuses_connections() {
    let service = Service::start().await;
    let (address, client) = (service.address, service.client.clone());
    // The service still responds to a request that was incomplete when the draining began.
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\n").unwrap();
    for _ in 0..3 {
        client.get("/health").await.json();
    }

    let (running, _folder) = service.stop();
    eventually("new connections are refused", SOON, async || TcpStream::connect(address).is_err().then_some(())).await;
    connection.write_all(b"\r\n").unwrap();
    connection.set_read_timeout(Some(SOON)).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();

    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let json: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(json["status"], "not_ready");
    assert_eq!(json["reason"], "draining");
    running.await.unwrap().unwrap();
    assert!(Answer::attempt(client.request(Method::GET, "/health")).await.is_err());
}

/// Starts list operations that hold the permits of their lane until `release` has permits.
fn blocked_lists(service: &Service, count: usize, release: &Arc<Semaphore>) -> Vec<JoinHandle<()>> {
    let list = |_| {
        let (persistence, release) = (service.engine.persistence.clone(), Arc::clone(release));
        tokio::spawn(async move {
            let wait = |_| async move {
                release.acquire_owned().await.expect("it is never closed").forget();
                Ok(())
            };
            let deadline = Instant::now() + 2 * SOON;
            persistence.run(Op::Versions, deadline, wait).await.expect("the list is let go in time");
        })
    };
    (0..count).map(list).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saturated_lane_degrades_the_database_until_it_recovers() {
    let service = Service::start().await;
    let client = &service.client;
    let release = Arc::new(Semaphore::new(0));
    let database = async || client.get("/ready").await.json()["checks"]["database"].clone();
    let permits = database().await["lanes"]["list"]["permits"].as_u64().unwrap();
    let lists = blocked_lists(&service, usize::try_from(permits).unwrap() + 3, &release);

    let waiting = eventually("lists wait", SOON, async || {
        let database = database().await;
        (database["lanes"]["list"]["waiting"] == 3).then_some(database)
    })
    .await;
    let saturated = eventually("the lane is saturated", SOON, async || {
        let ready = client.get("/ready").await;
        (ready.json()["checks"]["database"]["status"] == "degraded").then_some(ready)
    })
    .await;
    release.add_permits(lists.len());
    for list in lists {
        list.await.unwrap();
    }
    let recovered = eventually("the lane recovers", SOON, async || {
        let database = database().await;
        (database["status"] == "ok").then_some(database)
    })
    .await;

    assert_eq!(waiting["lanes"]["list"]["in_flight"], permits);
    assert_eq!(waiting["lanes"]["point"]["waiting"], 0);
    assert_eq!(saturated.status, 200);
    assert_eq!(saturated.json()["status"], "ready");
    assert_eq!(saturated.json()["degraded"], true);
    let list = &saturated.json()["checks"]["database"]["lanes"]["list"];
    // Both are rounded down to milliseconds.
    assert!(list["oldest_wait_ms"].as_u64() >= list["oldest_wait_ms_max"].as_u64(), "{list}");
    let detail = saturated.json()["checks"]["database"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("sqlite; lane `list` saturated: "), "{detail}");
    assert_eq!(recovered["lanes"]["list"]["oldest_wait_ms"], 0);
    assert_eq!(recovered["detail"], "sqlite");
}
