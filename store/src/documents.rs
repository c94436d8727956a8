//! The columns of a plan that are stored as JSON or as another text, the same in every database.

use registry_planning::plan::Plan;
use registry_planning::request::CacheKey;
use serde::Serialize;

use super::error::StoreError;

/// The JSON columns of a plan.
pub(super) struct Documents {
    pub(super) performance_metrics: String,
    pub(super) validation_results: String,
    pub(super) rejected: String,
    pub(super) metadata: String,
}

impl Documents {
    pub(super) fn of(plan: &Plan) -> Result<Self, StoreError> {
        Ok(Documents {
            performance_metrics: json(&plan.performance_metrics)?,
            validation_results: json(&plan.validation_results)?,
            rejected: json(&plan.rejected)?,
            // The instruments have a column of their own; metadata includes them only in responses.
            metadata: plan.metadata_to_json(),
        })
    }
}

pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Data(e.to_string()))
}

/// Parses a cache key of 64 hexadecimal digits.
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
