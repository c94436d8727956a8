//! A small registry that implements the contract, except for the violation that its behavior selects.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The duration of a stall.
pub(super) const STALL: Duration = Duration::from_millis(300);

/// The time that a slow registry needs for each plan.
const PLODDING: Duration = Duration::from_millis(30);

pub(super) const KEY: &str = "the-key";

/// The behavior of the registry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behavior {
    Faithful,
    /// Acknowledges its third plan without storing it.
    LosesOne,
    /// Stores its third plan without the first instrument.
    AltersOne,
    /// Forgets its cached plans.
    Forgetful,
    /// Rejects every second request.
    Overloaded,
    /// Rejects all requests.
    Closed,
    /// Rejects the first read of each plan.
    BusyReader,
    /// Adds another instrument to each plan.
    Generous,
    /// Never responds.
    Silent,
    /// Responds to repeats with another cost.
    Alters,
    /// Creates a plan for each request.
    Divided,
    /// Responds to the second request after 300 ms, and to no other request meanwhile.
    Stalls,
    /// Needs 30 ms for each plan.
    Slow,
    /// Returns each plan with the second instrument only, and reports that it kept all.
    Miscounts,
}

pub(super) struct Registry {
    behavior: Behavior,
    state: Mutex<Kept>,
}

#[derive(Default)]
pub(super) struct Kept {
    pub(super) requests: u64,
    pub(super) connections: u64,
    pub(super) bodies: HashSet<(String, String)>,
    cached: HashMap<(String, String), Value>,
    pub(super) stored: HashMap<String, Value>,
    refused_reads: HashSet<String>,
}

impl Registry {
    /// Starts a registry on a free port of this machine. It ends with the runtime of the test.
    pub(super) async fn start(behavior: Behavior) -> (Arc<Self>, SocketAddr) {
        let registry = Arc::new(Registry { behavior, state: Mutex::default() });
        let base = "/api/v1/internal/instrument-registry/subscriptions";
        let router = Router::new()
            .route(&format!("{base}/plan"), post(create))
            .route(&format!("{base}/plans/{{plan_id}}"), get(read_plan))
            .route(&format!("{base}/plan/{{plan_id}}/describe"), post(describe))
            .route(&format!("{base}/plans"), get(list))
            .route("/api/v1/internal/instrument-registry/instruments", get(instruments))
            .route("/hello", get(hello))
            .with_state(registry.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let counter = registry.clone();
        let listener = listener.tap_io(move |_| counter.kept().connections += 1);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (registry, address)
    }

    pub(super) fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

async fn create(
    State(registry): State<Arc<Registry>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if registry.behavior == Behavior::Silent {
        std::future::pending::<()>().await;
    }
    if headers.get("X-Internal-API-Key").is_none_or(|key| key != KEY) {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    if registry.behavior == Behavior::Stalls && registry.kept().requests == 1 {
        // Blocks the runtime, so that all requests wait, as during a pause for memory management.
        std::thread::sleep(STALL);
    }
    if registry.behavior == Behavior::Slow {
        tokio::time::sleep(PLODDING).await;
    }
    let mut kept = registry.kept();
    kept.requests += 1;
    let refuses = match registry.behavior {
        Behavior::Closed => true,
        Behavior::Overloaded => kept.requests.is_multiple_of(2),
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
        if registry.behavior == Behavior::Alters {
            answer["plan_data"]["estimated_cost"] = 0.2.into();
        }
        return Json(answer).into_response();
    }
    let number = kept.stored.len() + 1;
    let answer = plan_document(registry.behavior, number, &request);
    let mut stored = answer["plan_data"].clone();
    if number == 3 && registry.behavior == Behavior::AltersOne {
        stored["instruments"].as_array_mut().expect("a list").remove(0);
    }
    if number == 3 && registry.behavior == Behavior::LosesOne {
        stored = Value::Null;
    }
    kept.stored.insert(plan_id(number), stored);
    if !matches!(registry.behavior, Behavior::Forgetful | Behavior::Divided) {
        kept.cached.insert(request, answer.clone());
    }
    Json(answer).into_response()
}

async fn read_plan(State(registry): State<Arc<Registry>>, Path(plan_id): Path<String>) -> Response {
    let mut kept = registry.kept();
    if registry.behavior == Behavior::BusyReader && kept.refused_reads.insert(plan_id.clone()) {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    }
    match kept.stored.get(&plan_id) {
        Some(Value::Null) | None => problem(StatusCode::NOT_FOUND, "plan_not_found"),
        Some(plan) => Json(json!({"plan": plan})).into_response(),
    }
}

pub(super) fn plan_id(number: usize) -> String {
    format!("plan_{number:032x}")
}

async fn describe(State(registry): State<Arc<Registry>>, Path(plan_id): Path<String>) -> Response {
    if !registry.kept().stored.contains_key(&plan_id) {
        return problem(StatusCode::NOT_FOUND, "plan_not_found");
    }
    let described = json!({
        "plan_id": plan_id, "description_level": "detailed", "instrument_analysis": {"total_instruments": 1},
        "cost_breakdown": {}, "recommendations": [], "risk_analysis": {},
    });
    Json(described).into_response()
}

async fn list(State(registry): State<Arc<Registry>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let kept = registry.kept();
    let mine = |plan: &&Value| plan["user_id"] == query["user_id"];
    let plans: Vec<Value> = kept.stored.values().filter(mine).take(50).cloned().collect();
    Json(json!({"pagination": {"total": plans.len()}, "plans": plans})).into_response()
}

/// Returns a catalog of 1001 keys on two pages.
async fn instruments(RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let number = |name: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name)).expect("the parameter is present");
        value.parse::<usize>().expect("it is a number")
    };
    let (offset, limit) = (number("offset="), number("limit="));
    let page = offset..(offset + limit).min(1_001);
    let has_next = page.end < 1_001;
    let instruments: Vec<_> = page.map(|number| json!({"instrument_key": format!("NSE:KEY{number}")})).collect();
    Json(json!({"instruments": instruments, "pagination": {"has_next": has_next}})).into_response()
}

async fn hello(Query(query): Query<HashMap<String, usize>>) -> String {
    "x".repeat(query["n"])
}

fn plan_document(behavior: Behavior, number: usize, (user_id, body): &(String, String)) -> Value {
    let body: Value = serde_json::from_str(body).expect("the load is JSON");
    let mut instruments: Vec<_> = body["instruments"].as_array().expect("a list").clone();
    if behavior == Behavior::Generous {
        *instruments.last_mut().expect("at least one") = "NSE:BONUS".into();
    }
    let (requested, counted) = (instruments.len(), instruments.len());
    if behavior == Behavior::Miscounts {
        instruments = vec![instruments[1].clone()];
    }
    json!({
        "plan_id": plan_id(number), "status": "created", "cache_hit": false,
        "plan_data": {
            "plan_id": plan_id(number), "user_id": user_id, "plan_name": body["plan_name"], "description": "…",
            "subscription_type": body["subscription_type"], "instruments": instruments,
            "optimization_level": "moderate", "filtering_strictness": "moderate", "status": "optimized",
            "estimated_cost": 0.1, "performance_metrics": {"instrument_count": counted, "removed_instruments": requested - counted},
            "validation_results": {}, "cache_key": "…", "created_at": "…", "expires_at": "…", "metadata": {},
        },
        "duration_ms": 0, "correlation_id": "…", "response_time_ms": 0, "config_driven": true, "api_version": "v1",
    })
}

fn problem(status: StatusCode, code: &str) -> Response {
    (status, [("Retry-After", "0")], Json(json!({"status": status.as_u16(), "code": code}))).into_response()
}
