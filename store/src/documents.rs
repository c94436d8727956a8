//! The columns of a plan that are stored as JSON or as another text, the same in every database.

use registry_planning::plan::{Metadata, PerformanceMetrics, Plan, Rejection, ValidationResults};
use registry_planning::vocabulary::{Broker, CacheKey};
use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// Whether a plan is written as one document. Both forms are read. The previous release reads only the other one and
/// may still run during a deployment, so the next release writes documents: see `docs/decisions`, 32.
pub(super) const WRITES_DOCUMENTS: bool = false;

/// The parts of a plan that no query selects by.
#[derive(Deserialize)]
pub(super) struct PlanParts {
    pub(super) performance_metrics: PerformanceMetrics,
    pub(super) validation_results: ValidationResults,
    pub(super) rejected: Vec<Rejection>,
    pub(super) metadata: Metadata,
}

/// The JSON columns of a plan: either a document, or a column for each part.
#[derive(Default)]
pub(super) struct PlanDocuments {
    pub(super) performance_metrics: Option<String>,
    pub(super) validation_results: Option<String>,
    pub(super) rejected: Option<String>,
    pub(super) metadata: Option<String>,
    pub(super) document: Option<String>,
}

impl PlanDocuments {
    pub(super) fn of(plan: &Plan, writes_document: bool) -> Result<Self, StoreError> {
        let performance_metrics = json(&plan.performance_metrics)?;
        let validation_results = json(&plan.validation_results)?;
        let rejected = json(&plan.rejected)?;
        // The instruments have a column of their own; metadata includes them only in responses.
        let metadata = plan.metadata_to_json();
        if writes_document {
            let document = format!(
                "{{\"performance_metrics\":{performance_metrics},\"validation_results\":{validation_results},\
                 \"rejected\":{rejected},\"metadata\":{metadata}}}"
            );
            return Ok(PlanDocuments { document: Some(document), ..PlanDocuments::default() });
        }
        Ok(PlanDocuments {
            performance_metrics: Some(performance_metrics),
            validation_results: Some(validation_results),
            rejected: Some(rejected),
            metadata: Some(metadata),
            document: None,
        })
    }
}

/// Returns the broker of a plan's stream, if one was requested.
pub(super) fn broker_of(plan: &Plan) -> Option<&'static str> {
    plan.metadata.feed.as_ref()?.broker.map(Broker::as_str)
}

pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Data(e.to_string()))
}

pub(super) fn cache_key(text: &str) -> Result<CacheKey, StoreError> {
    let mut key = [0; 32];
    let is_hex = text.len() == 64 && text.is_ascii();
    for (index, byte) in key.iter_mut().enumerate() {
        let digits = text.get(index * 2..index * 2 + 2).filter(|_| is_hex);
        *byte =
            digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(|| corrupt("cache_key", text))?;
    }
    Ok(CacheKey(key))
}

/// Returns the error for a column value that this service never writes.
pub(super) fn corrupt(column: &str, value: &str) -> StoreError {
    StoreError::Data(format!("invalid value `{value}` in column `{column}`"))
}
