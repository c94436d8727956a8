//! Creates, stores and returns plans.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use dashmap::DashMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::digest::Output;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::store::{Store, StoredPlan};

/// The number of known instruments: `NSE:STOCK1` to `NSE:STOCK100000`.
const KNOWN_INSTRUMENTS: u32 = 100_000;

const INSTRUMENTS_MAX: usize = 1000;

/// The time to live of a cached response.
const FRESH: Duration = Duration::from_secs(300);

/// The interval at which expired responses are removed.
const SWEEP: Duration = Duration::from_secs(60);

type Key = Output<Sha256>;

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct Plans {
    store: Store,
    known: Arc<HashSet<String>>,
    ready: Arc<DashMap<Key, Ready>>,
}

struct Ready {
    since: Instant,
    answer: Bytes,
}

impl Plans {
    /// Must be called in a Tokio runtime, because it spawns the task that removes expired responses.
    pub(crate) fn new(store: Store) -> Self {
        let known = (1..=KNOWN_INSTRUMENTS).map(|number| format!("NSE:STOCK{number}")).collect();
        let plans = Self { store, known: Arc::new(known), ready: Arc::default() };
        let ready = Arc::downgrade(&plans.ready);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(ready) = ready.upgrade() else { return };
                ready.retain(|_, answer| answer.since.elapsed() < FRESH);
            }
        });
        plans
    }
}

#[derive(Deserialize)]
pub(crate) struct Caller {
    user_id: String,
}

#[derive(Deserialize)]
pub(crate) struct PlanRequest {
    plan_name: String,
    subscription_type: String,
    instruments: Vec<String>,
}

/// A plan in a response.
#[derive(Serialize)]
struct PlanView<'a> {
    plan_id: &'a str,
    user_id: &'a str,
    plan_name: &'a str,
    subscription_type: &'a str,
    instruments: &'a RawValue,
    status: &'a str,
    /// The number of requested instruments that are not in the plan, after its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_hit: Option<bool>,
}

impl<'a> PlanView<'a> {
    fn of(plan: &'a StoredPlan, removed: Option<usize>) -> Result<Self, Refusal> {
        Ok(Self {
            plan_id: &plan.plan_id,
            user_id: &plan.user_id,
            plan_name: &plan.plan_name,
            subscription_type: &plan.subscription_type,
            instruments: serde_json::from_str(&plan.instruments).map_err(broken)?,
            status: &plan.status,
            removed,
            cache_hit: removed.map(|_| false),
        })
    }
}

#[derive(Serialize)]
struct PlanAnswer<'a> {
    plan: PlanView<'a>,
}

/// The response to a request that failed.
type Refusal = (StatusCode, String);

fn broken(error: impl fmt::Display) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn json(body: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], body)
}

/// Creates and stores a plan, or returns the response that the same instruments got within the last five minutes.
pub(crate) async fn create(
    State(plans): State<Plans>,
    Query(caller): Query<Caller>,
    Json(request): Json<PlanRequest>,
) -> Result<impl IntoResponse, Refusal> {
    let mut sorted: Vec<&str> = request.instruments.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let key = key(&caller.user_id, &sorted);
    if let Some(ready) = plans.ready.get(&key).filter(|ready| ready.since.elapsed() < FRESH) {
        return Ok(json(ready.answer.clone()));
    }

    // The keys are sorted, so duplicates are adjacent.
    sorted.dedup();
    sorted.retain(|instrument| plans.known.contains(*instrument));
    sorted.truncate(INSTRUMENTS_MAX);
    let instruments = serde_json::to_string(&sorted).map_err(broken)?;
    let plan = StoredPlan {
        plan_id: format!("plan_{}", Uuid::now_v7().simple()),
        user_id: caller.user_id,
        plan_name: request.plan_name,
        subscription_type: request.subscription_type,
        instruments,
        status: "optimized".to_owned(),
        cache_key: format!("{key:x}"),
    };
    let removed = request.instruments.len() - sorted.len();
    let answer = serde_json::to_vec(&PlanView::of(&plan, Some(removed))?).map_err(broken)?;
    plans.store.insert(&plan).await.map_err(broken)?;
    let answer = Bytes::from(answer);
    plans.ready.insert(key, Ready { since: Instant::now(), answer: answer.clone() });
    Ok(json(answer))
}

/// Reads a plan from the database.
pub(crate) async fn read_plan(
    State(plans): State<Plans>,
    Path(plan_id): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    let plan = plans.store.find(&plan_id).await.map_err(broken)?;
    let plan = plan.ok_or_else(|| (StatusCode::NOT_FOUND, format!("plan `{plan_id}` does not exist")))?;
    let answer = serde_json::to_vec(&PlanAnswer { plan: PlanView::of(&plan, None)? }).map_err(broken)?;
    Ok(json(Bytes::from(answer)))
}

/// Hashes the user and the instruments: equal requests have equal keys.
fn key(user_id: &str, sorted: &[&str]) -> Key {
    let mut digest = Sha256::new();
    for text in [user_id].iter().chain(sorted) {
        digest.update(text);
        digest.update([0]);
    }
    digest.finalize()
}
