//! `Server-Timing`: the time of a request in each stage.

use std::collections::BTreeMap;
use std::time::Instant;

use instrument_registry::boot::Openers;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, SOON, Service, body, eventually};

/// The stages of a response in microseconds, by name.
struct Timing(BTreeMap<String, u64>);

impl Timing {
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        let header = answer.header("Server-Timing");
        let stages = header.split(", ").map(|stage| {
            let (name, duration) = stage.split_once(";dur=").unwrap_or_else(|| panic!("no duration: `{header}`"));
            let (whole, decimals) = duration.split_once('.').unwrap_or_else(|| panic!("no decimals: `{header}`"));
            assert_eq!(decimals.len(), 3, "{header}");
            let micros = format!("{whole}{decimals}").parse().unwrap_or_else(|_| panic!("no number: `{header}`"));
            (name.to_owned(), micros)
        });
        let timing = Timing(stages.collect());
        let stages: u64 = timing.0.iter().filter(|(name, _)| *name != "total").map(|(_, micros)| micros).sum();
        assert!(stages <= timing.micros("total"), "the stages are longer than the whole: {header}");
        timing
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    #[track_caller]
    fn micros(&self, stage: &str) -> u64 {
        self.0[stage]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_plan_has_all_stages() {
    let service = Service::start().await;

    let started_at = Instant::now();
    let created = service.client.ask("u", &body(&["NSE:TCS"])).await;
    let took = started_at.elapsed();

    let timing = Timing::of(&created);
    assert_eq!(timing.names(), ["cache", "database", "plan", "queue", "total"]);
    // The plan is written to a disk, which takes measurable time.
    assert!(timing.micros("database") > 0);
    assert!(u128::from(timing.micros("total")) <= took.as_micros());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_plan_with_a_key_has_all_stages() {
    let service = Service::start().await;
    let request = service.client.request(Method::POST, "plan?user_id=u").header("Idempotency-Key", "k");

    let created = Answer::to(request.json(&body(&["NSE:TCS"]))).await;

    assert_eq!(created.json()["status"], "created");
    assert_eq!(Timing::of(&created).names(), ["cache", "database", "plan", "queue", "total"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_plan_has_only_the_cache() {
    let service = Service::start().await;
    let keys = ["NSE:TCS", "NSE:INFY"];
    let created = service.client.plan("u", &body(&keys)).await;
    let path = format!("plans/{}", created["plan_id"].as_str().unwrap());

    let repeated = service.client.ask("u", &body(&keys)).await;
    let reordered = service.client.ask("u", &body(&[keys[1], keys[0]])).await;
    let read = service.client.get(&path).await;

    assert_eq!(repeated.json()["status"], "cached");
    assert_eq!(reordered.json()["status"], "cached");
    for answer in [repeated, reordered, read] {
        assert_eq!(Timing::of(&answer).names(), ["cache", "total"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_has_the_plan_and_no_database() {
    let service = Service::start().await;
    let mut dry_run = body(&["NSE:TCS"]);
    dry_run["dry_run"] = true.into();

    let answer = service.client.ask("u", &dry_run).await;

    assert_eq!(Timing::of(&answer).names(), ["cache", "plan", "total"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_read_from_the_database_has_the_database() {
    let service = Service::start().await;
    let created = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let path = format!("plans/{}", created["plan_id"].as_str().unwrap());
    let (ended, folder) = service.stop();
    ended.await.unwrap().unwrap();
    let service = Service::run_with(folder, &[], Openers::default()).await;
    eventually("the service is ready", SOON, async || service.engine.snapshot()).await;

    let read = service.client.get(&path).await;
    let listed = service.client.get("plans").await;

    assert_eq!(read.json()["plan"], created["plan_data"]);
    assert_eq!(Timing::of(&read).names(), ["cache", "database", "total"]);
    assert_eq!(Timing::of(&listed).names(), ["database", "total"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_wait_for_a_busy_planner_is_in_the_queue() {
    let service = Service::start().await;
    let held = service.engine.planners.hold();
    let ask = || {
        let client = service.client.clone();
        tokio::spawn(async move { client.ask("u", &body(&["NSE:TCS"])).await })
    };
    let first = ask();
    let second = ask();
    eventually("a request waits behind the other one", SOON, async || {
        (service.engine.planners.waiting() > 0).then_some(())
    })
    .await;
    let seen_at = Instant::now();
    let meanwhile = service.client.get("planner/config").await;
    let waited = seen_at.elapsed();
    drop(held);

    let (first, second) = (Timing::of(&first.await.unwrap()), Timing::of(&second.await.unwrap()));

    assert_eq!(meanwhile.status, 200);
    let longer = first.micros("queue").max(second.micros("queue"));
    assert!(u128::from(longer) >= waited.as_micros(), "{longer} {waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_request_has_the_total() {
    let service = Service::start().await;
    let occupied = service.engine.planners.occupy();

    let shed = service.client.ask("u", &body(&["NSE:TCS"])).await;
    drop(occupied);
    let invalid = service.client.ask("u", &json!({})).await;
    let unauthorized = Answer::to(service.client.request_without_key(Method::GET, "plans")).await;
    let unknown = service.client.get("/api/nothing").await;

    assert_eq!(shed.status, 503);
    assert_eq!(Timing::of(&shed).names(), ["cache", "total"]);
    assert_eq!(Timing::of(&invalid).names(), ["cache", "total"]);
    assert_eq!(Timing::of(&unauthorized).names(), ["total"]);
    assert_eq!(Timing::of(&unknown).names(), ["total"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_responses_of_the_api_are_timed() {
    let service = Service::start().await;

    for path in ["/health", "/ready", "/metrics", "/openapi.json", "/nothing"] {
        assert!(!service.client.get(path).await.headers.contains_key("Server-Timing"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_timing_can_be_turned_off() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_SERVER_TIMING", "false")]).await;
    let created = service.client.ask("u", &body(&["NSE:TCS"])).await;
    let repeated = service.client.ask("u", &body(&["NSE:TCS"])).await;
    let occupied = service.engine.planners.occupy();
    let shed = service.client.ask("u", &body(&["NSE:INFY"])).await;
    drop(occupied);

    for answer in [created, repeated, shed] {
        assert!(!answer.headers.contains_key("Server-Timing"), "{}", answer.status);
    }
}
