//! Whole runs against a small registry that keeps its word, and against some that do not.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use clap::Parser;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::args::{Args, Settings};
use crate::execute;
use crate::progress::Progress;

const KEY: &str = "the-key";

/// How the registry treats its callers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Faithful,
    /// Acknowledges its third plan and does not keep it.
    LosesOne,
    /// Keeps its third plan without the first instrument.
    AltersOne,
    /// Forgets what it has cached.
    Forgetful,
    /// Refuses every second request.
    Overloaded,
    /// Refuses all of them.
    Closed,
    /// Refuses the first reading of each plan.
    BusyReader,
    /// Adds an instrument of its own to each plan.
    Generous,
    /// Never answers.
    Silent,
}

struct Registry {
    manner: Manner,
    state: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: u64,
    connections: u64,
    bodies: HashSet<(String, String)>,
    cached: HashMap<(String, String), Value>,
    stored: HashMap<String, Value>,
    refused_reads: HashSet<String>,
}

impl Registry {
    /// Starts a registry on a free port of this machine. It ends with the test's runtime.
    async fn start(manner: Manner) -> (Arc<Self>, SocketAddr) {
        let registry = Arc::new(Registry { manner, state: Mutex::default() });
        let base = "/api/v1/internal/instrument-registry/subscriptions";
        let router = Router::new()
            .route(&format!("{base}/plan"), post(create))
            .route(&format!("{base}/plans/{{plan_id}}"), get(read))
            .with_state(registry.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let counter = registry.clone();
        let listener = listener.tap_io(move |_| counter.kept().connections += 1);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (registry, address)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

async fn create(
    State(registry): State<Arc<Registry>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if registry.manner == Manner::Silent {
        std::future::pending::<()>().await;
    }
    if headers.get("X-Internal-API-Key").is_none_or(|key| key != KEY) {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    let mut kept = registry.kept();
    kept.requests += 1;
    let refuses = match registry.manner {
        Manner::Closed => true,
        Manner::Overloaded => kept.requests.is_multiple_of(2),
        _ => false,
    };
    if refuses {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    }
    let request = (query["user_id"].clone(), body);
    kept.bodies.insert(request.clone());
    if let Some(answer) = kept.cached.get(&request) {
        let mut answer = answer.clone();
        answer["status"] = "cached".into();
        answer["cache_hit"] = true.into();
        return Json(answer).into_response();
    }
    let number = kept.stored.len() + 1;
    let answer = plan(registry.manner, number, &request);
    let mut stored = answer["plan_data"].clone();
    if number == 3 && registry.manner == Manner::AltersOne {
        stored["instruments"].as_array_mut().expect("a list").remove(0);
    }
    if number == 3 && registry.manner == Manner::LosesOne {
        stored = Value::Null;
    }
    kept.stored.insert(plan_id(number), stored);
    if registry.manner != Manner::Forgetful {
        kept.cached.insert(request, answer.clone());
    }
    Json(answer).into_response()
}

async fn read(State(registry): State<Arc<Registry>>, Path(plan_id): Path<String>) -> Response {
    let mut kept = registry.kept();
    if registry.manner == Manner::BusyReader && kept.refused_reads.insert(plan_id.clone()) {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    }
    match kept.stored.get(&plan_id) {
        Some(Value::Null) | None => problem(StatusCode::NOT_FOUND, "plan_not_found"),
        Some(plan) => Json(json!({"plan": plan})).into_response(),
    }
}

fn plan_id(number: usize) -> String {
    format!("plan_{number:032x}")
}

fn plan(manner: Manner, number: usize, (user_id, body): &(String, String)) -> Value {
    let body: Value = serde_json::from_str(body).expect("the load is JSON");
    let mut instruments: Vec<_> = body["instruments"].as_array().expect("a list").clone();
    if manner == Manner::Generous {
        *instruments.last_mut().expect("at least one") = "NSE:BONUS".into();
    }
    json!({
        "plan_id": plan_id(number), "status": "created", "cache_hit": false,
        "plan_data": {
            "plan_id": plan_id(number), "user_id": user_id, "plan_name": body["plan_name"], "description": "…",
            "subscription_type": body["subscription_type"], "instruments": instruments,
            "optimization_level": "moderate", "filtering_strictness": "moderate", "status": "optimized",
            "estimated_cost": 0.1, "performance_metrics": {"instrument_count": instruments.len()},
            "validation_results": {}, "cache_key": "…", "created_at": "…", "expires_at": "…", "metadata": {},
        },
        "duration_ms": 0, "correlation_id": "…", "response_time_ms": 0, "config_driven": true, "api_version": "v1",
    })
}

fn problem(status: StatusCode, code: &str) -> Response {
    (status, [("Retry-After", "0")], Json(json!({"status": status.as_u16(), "code": code}))).into_response()
}

/// The report on a run of at most 200 requests, as scripts see it.
async fn load(address: SocketAddr, options: &[&str]) -> Value {
    let url = format!("http://{address}");
    let fixed = ["loadtest", "--url", &url, "--connections", "4", "--requests", "200", "--verify"];
    let args = Args::try_parse_from(fixed.iter().chain(options)).expect("the options parse");
    let settings = Settings::check(&args, Some(KEY.into())).expect("the options are sound");

    let report = execute(&Arc::new(settings), Progress::hidden()).await.expect("the run is made");

    let mut table = Vec::new();
    report.write_table(&mut table).expect("memory takes the table");
    let end = String::from_utf8(table).expect("the table is text").lines().last().map(str::to_owned);
    assert_eq!(end.as_deref(), Some(if report.passed() { "passed" } else { "failed" }));
    let mut json = Vec::new();
    report.write_json(&mut json).expect("memory takes the report");
    serde_json::from_slice(&json).expect("the report is JSON")
}

#[tokio::test]
async fn a_registry_that_keeps_its_word_passes() {
    let (registry, address) = Registry::start(Manner::Faithful).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["faults"], json!({}));
    assert_eq!(report["requests"], 200);
    assert_eq!(report["stopped_by_time"], false);
    let kept = registry.kept();
    assert_eq!(kept.requests, 200);
    assert_eq!(report["outcomes"]["created"]["count"], kept.bodies.len());
    assert_eq!(report["outcomes"]["cached"]["count"], report["repeats"]);
    assert_eq!(report["plans_acknowledged"], kept.stored.len());
    assert_eq!(report["replanned"], 0);
    let intact = json!({"intact": kept.stored.len(), "lost": 0, "different": 0, "unread": 0});
    assert_eq!(report["verification"], intact);
    assert!(report["outcomes"]["created"]["latency"]["p99_ms"].is_f64());
    assert!(report["outcomes"]["failed"]["latency"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_open() {
    let (registry, address) = Registry::start(Manner::Faithful).await;

    load(address, &[]).await;

    // Four for the load, and four for the reading back.
    assert_eq!(registry.kept().connections, 8);
}

#[tokio::test]
async fn a_registry_that_loses_a_plan_fails_the_verification() {
    let (_registry, address) = Registry::start(Manner::LosesOne).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["verification"]["lost"], 1);
    let expected = format!("plan `{}` was acknowledged and is lost", plan_id(3));
    assert_eq!(report["faults"], json!({"lost": {"count": 1, "first": expected}}));
}

#[tokio::test]
async fn a_registry_that_alters_a_plan_fails_the_verification() {
    let (_registry, address) = Registry::start(Manner::AltersOne).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["verification"]["different"], 1);
    assert_eq!(report["faults"]["different"]["count"], 1);
}

#[tokio::test]
async fn a_cache_that_forgets_is_counted_and_no_fault() {
    let (_registry, address) = Registry::start(Manner::Forgetful).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["outcomes"]["created"]["count"], 200);
    assert_eq!(report["replanned"], report["repeats"]);
    assert_ne!(report["replanned"], 0);
}

#[tokio::test]
async fn refusals_are_measured_apart_and_no_fault() {
    let (_registry, address) = Registry::start(Manner::Overloaded).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["outcomes"]["refused"]["count"], 100);
}

#[tokio::test]
async fn a_registry_that_refuses_everything_has_not_passed() {
    let (_registry, address) = Registry::start(Manner::Closed).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["outcomes"]["refused"]["count"], 200);
    assert_eq!(report["faults"], json!({}));
}

#[tokio::test]
async fn a_refused_reading_is_tried_again() {
    let (_registry, address) = Registry::start(Manner::BusyReader).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["verification"]["intact"], report["plans_acknowledged"]);
}

#[tokio::test]
async fn an_instrument_that_was_not_asked_for_fails_the_run() {
    let (_registry, address) = Registry::start(Manner::Generous).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["faults"]["foreign_instrument"]["count"], 200);
    assert_eq!(report["verification"]["lost"], 0, "what is acknowledged is read back all the same");
}

#[tokio::test]
async fn a_wrong_key_fails_the_run() {
    let (_registry, address) = Registry::start(Manner::Faithful).await;

    let report = load(address, &["--key", "another"]).await;

    let first = "status `401` with code `unauthorized`";
    assert_eq!(report["faults"], json!({"status_401": {"count": 200, "first": first}}));
}

#[tokio::test]
async fn a_registry_that_never_answers_ends_the_run_at_its_time_bound() {
    let (_registry, address) = Registry::start(Manner::Silent).await;

    let report = load(address, &["--seconds", "1", "--timeout-seconds", "1"]).await;

    assert_eq!(report["stopped_by_time"], true);
    assert_eq!(report["faults"]["timeout"]["count"], report["requests"]);
    assert!(report["elapsed_seconds"].as_f64().is_some_and(|seconds| seconds < 5.0), "{report:#}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_fails_every_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    drop(listener);

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["faults"]["transport"]["count"], 200);
    let first = report["faults"]["transport"]["first"].as_str().expect("a text");
    assert!(first.contains("refused"), "{first}");
}
