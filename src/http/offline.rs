//! The answers of the API from stored data, for commands without a running service. They lack the fields of a response.

use axum::http::Uri;
use registry_planning::capacity::Capacity;
use registry_planning::catalogue::Catalogue;
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::vocabulary::Broker;
use registry_store::{Store, StoreError};
use serde::Serialize;
use serde_json::Value;

use super::body::JsonBody;
use super::broker_limits::LimitsAnswer;
use super::catalog::{BrokersAnswer, SummaryAnswer};
use super::instruments::search::{SearchAnswer, parse_search};
use super::problem::Problem;
use super::versions::{DiffAnswer, VersionsAnswer};

/// The reason why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OfflineError {
    #[error("{0}")]
    Problem(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for OfflineError {
    fn from(problem: Problem) -> Self {
        OfflineError::Problem(problem.in_file())
    }
}

fn document(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}

/// Returns every broker, and the last load of each.
pub(crate) fn brokers(catalogue: &Catalogue) -> Value {
    document(&BrokersAnswer::of(catalogue))
}

pub(crate) fn summary(catalogue: &Catalogue) -> Value {
    document(&SummaryAnswer::of(catalogue, true))
}

/// Returns the limits of a broker. The query may have a tier.
///
/// # Errors
/// [`OfflineError::Problem`] if the tier does not exist.
pub(crate) fn limits(capacity: &Capacity, broker: Broker, query: &Uri) -> Result<Value, OfflineError> {
    Ok(document(&LimitsAnswer::of(broker, capacity.of(broker), query)?))
}

/// Searches a catalog with the query and the body of the API.
///
/// # Errors
/// [`OfflineError::Problem`] with all faults of the request.
pub(crate) fn search(catalogue: &Catalogue, query: &Uri, body: &Value) -> Result<Value, OfflineError> {
    let request = parse_search(query, &JsonBody::of(body.to_string().into()))?;
    Ok(document(&SearchAnswer::of(catalogue, &request)))
}

/// Returns the newest versions of the catalog, all before the version `before` if it is given.
///
/// # Errors
/// [`OfflineError::Store`].
pub(crate) async fn versions(store: &dyn Store, before: Option<i64>, limit: u32) -> Result<Value, OfflineError> {
    let loads = store.versions(before, limit + 1).await?;
    Ok(document(&VersionsAnswer::of(loads, limit)))
}

/// Returns the changes of a version of the catalog.
///
/// # Errors
/// [`OfflineError::Store`], and [`OfflineError::Problem`] if the version is unknown.
pub(crate) async fn diff(
    store: &dyn Store,
    version: i64,
    kind: Option<ChangeKind>,
    limit: u32,
) -> Result<Value, OfflineError> {
    let diff = store.diff(version, kind, limit + 1).await?;
    Ok(document(&DiffAnswer::of(diff, limit)?))
}
