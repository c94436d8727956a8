//! Responses that are stored for requests with an idempotency key.
//!
//! A [`KeyClaim`] is written in the transaction of the result that its response contains: both are stored, or neither
//! is. The primary key of `idempotency_keys` decides between concurrent requests with one key, on any number of
//! replicas: the loser writes nothing and receives the winner's response.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use registry_planning::plan::Plan;
use serde::{Deserialize, Serialize};

use super::documents::json;
use super::error::StoreError;

/// Time for which a response is stored. After it the key is free again.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// SHA-256 of the whole request.
pub type RequestDigest = [u8; 32];

/// A request with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// The operation and its user or broker, as in `plan/{user}`. A key of another scope is another key.
    pub scope: String,
    /// The value of the header `Idempotency-Key`.
    pub key: String,
    /// The digest of the whole request. A repeated key with another digest is a conflict.
    pub digest: RequestDigest,
    /// The time of arrival, to the millisecond.
    pub now: DateTime<Utc>,
}

impl KeyedRequest {
    /// Returns the time from which its key is free again.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.now.checked_add_signed(KEPT_FOR).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// A response to be stored for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaim {
    /// The request whose key is claimed.
    pub request: Arc<KeyedRequest>,
    /// The id of the plan in the response, if it contains one. That plan is kept as long as the key.
    pub plan_id: Option<String>,
    /// The response, or the record from which it is created, as JSON.
    pub answer: String,
}

/// A stored response, which answers every repetition of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The digest of the request that it answers.
    pub digest: RequestDigest,
    /// See [`KeyClaim::answer`].
    pub answer: String,
}

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The response is stored, together with its result.
    Stored,
    /// Nothing was stored, because the key already has this response.
    Taken(StoredAnswer),
}

/// The rows to be stored for a plan request with a key.
#[derive(Clone, Debug)]
pub struct KeyedPlan {
    /// The new plan; `None` if the response contains a plan that is already stored.
    pub plan: Option<Arc<Plan>>,
    /// The response and the key for which it is stored.
    pub claim: KeyClaim,
}

/// The record from which, together with the plan, the response to a plan request is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAnswerRecord {
    /// The id of the plan.
    pub plan_id: String,
    /// Whether the plan already existed when the key was first used.
    pub is_reused: bool,
    /// Time that it took to create or find the plan, in milliseconds.
    pub duration_ms: u64,
}

impl PlanAnswerRecord {
    /// Returns the claim of this response for a request.
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
    /// Stores responses for idempotency keys, each with its plan: all rows or none. A key that already has a response
    /// keeps it, and its new plan is not stored. Returns one result per row, in their order.
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

/// Parses the digest of a stored response.
pub(super) fn digest(bytes: &[u8]) -> Result<RequestDigest, StoreError> {
    bytes.try_into().map_err(|_| StoreError::Data("invalid column `request_digest`: expected 32 bytes".to_owned()))
}

/// Returns the order in which every replica takes the keys of several rows, as indices of `rows`. It prevents deadlocks
/// between transactions that take several keys.
pub(super) fn order_of(rows: &[KeyedPlan]) -> Vec<usize> {
    let name = |index: &usize| {
        let request = &rows[*index].claim.request;
        (request.scope.as_str(), request.key.as_str())
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| name(a).cmp(&name(b)));
    order
}
