//! Answers kept for requests with an idempotency key.
//!
//! A [`KeyClaim`] is written in the transaction of the result that its answer names: both are stored or neither is. The
//! primary key of `idempotency_keys` decides between requests that race with one key, on any number of replicas: the loser
//! writes nothing and is given the winner's answer.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use registry_planning::plan::Plan;
use serde::{Deserialize, Serialize};

use super::documents::json;
use super::error::StoreError;

/// How long an answer is kept. After that its key is free again.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// SHA-256 of the whole request.
pub type RequestDigest = [u8; 32];

/// A request that has an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// The operation, and whose request it is where the operation has keys per user or broker.
    pub scope: String,
    /// The caller's key.
    pub key: String,
    /// The digest of the whole request.
    pub digest: RequestDigest,
    /// When it arrived, to the millisecond.
    pub now: DateTime<Utc>,
}

impl KeyedRequest {
    /// The moment from which its key is free again.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.now.checked_add_signed(KEPT_FOR).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// An answer that is to be kept for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaim {
    /// The request.
    pub request: Arc<KeyedRequest>,
    /// The plan that the answer holds, if it holds one.
    pub plan_id: Option<String>,
    /// The answer, or what it is made from: JSON.
    pub answer: String,
}

/// An answer as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The digest of the request that it answered.
    pub digest: RequestDigest,
    /// See [`KeyClaim::answer`].
    pub answer: String,
}

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The answer is stored, together with its result.
    Stored,
    /// Nothing was stored: the key has this answer already.
    Taken(StoredAnswer),
}

/// The rows that are stored for a plan request with a key.
#[derive(Clone, Debug)]
pub struct KeyedPlan {
    /// The new plan; `None` if the answer holds a plan that is stored already.
    pub plan: Option<Arc<Plan>>,
    /// The answer.
    pub claim: KeyClaim,
}

/// A record from which, with the plan, the answer to a plan request is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAnswerRecord {
    /// The plan.
    pub plan_id: String,
    /// Whether it was there already when the key was used first.
    pub is_reused: bool,
    /// How long it took then to make or find it, milliseconds.
    pub duration_ms: u64,
}

impl PlanAnswerRecord {
    /// The claim of this answer for a request.
    ///
    /// # Errors
    /// [`StoreError::Data`] if it cannot be written as JSON.
    pub fn claim(&self, request: &Arc<KeyedRequest>) -> Result<KeyClaim, StoreError> {
        let answer = json(self)?;
        Ok(KeyClaim { request: Arc::clone(request), plan_id: Some(self.plan_id.clone()), answer })
    }
}

/// The table of idempotency keys.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Stores responses for idempotency keys, each with its plan: all rows or none. A key that already has a response keeps
    /// it, and its new plan is not stored. Returns one result per row, in their order.
    async fn insert_keyed_plans(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError>;

    /// Reads the response that is stored for an idempotency key at `now`.
    async fn stored_answer(
        &self,
        scope: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>, StoreError>;

    /// Deletes up to `limit` idempotency keys that are expired at `now`, and returns their number.
    async fn delete_expired_keys(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// Reads the digest of a stored answer.
pub(super) fn digest(bytes: &[u8]) -> Result<RequestDigest, StoreError> {
    bytes.try_into().map_err(|_| StoreError::Data("invalid column `request_digest`: expected 32 bytes".to_owned()))
}

/// The order in which every replica takes the keys of several rows, as indices of `rows`: transactions that take several
/// keys do not wait for each other in a circle.
pub(super) fn order_of(rows: &[KeyedPlan]) -> Vec<usize> {
    let name = |index: &usize| {
        let request = &rows[*index].claim.request;
        (request.scope.as_str(), request.key.as_str())
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| name(a).cmp(&name(b)));
    order
}
