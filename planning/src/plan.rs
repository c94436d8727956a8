//! A subscription plan: its instruments, the keys that were left out with their reasons, and its costs.

pub mod describe;
pub mod diff;
mod heap;
pub mod placement;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::allocation::{Allocation, BrokerPart};
use crate::broker::BrokerModels;
use crate::catalogue::Catalogue;
use crate::feed::PlannedFeed;
use crate::instrument::Amount;
use crate::keys::KeyList;
pub use crate::rejection::{Reason, Rejection};
use crate::vocabulary::{
    CacheKey, FilteringStrictness, Mode, OptimizationLevel, ProfileReference, SubscriptionType, format_time, hex, words,
};

words! {
    /// The status of a plan.
    PlanStatus {
        /// The plan is not optimized yet.
        Draft = "draft",
        /// The plan was created.
        Optimized = "optimized",
        /// The plan was checked against the feed.
        Validated = "validated",
        /// The plan could not be created.
        Error = "error",
    }
}

/// The performance figures of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerformanceMetrics {
    /// The number of instruments in the plan.
    pub instrument_count: u64,
    /// The optimization level.
    pub optimization_level: OptimizationLevel,
    /// The filtering strictness.
    pub filtering_strictness: FilteringStrictness,
    /// The number of keys that were left out, for any reason.
    pub removed_instruments: u64,
    /// The estimated time until the last instrument is requested, in milliseconds.
    pub estimated_latency_ms: u64,
    /// The estimated memory usage of a consumer, in megabytes.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub memory_usage_mb: Amount,
}

/// The result of the checks of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValidationResults {
    /// The number of keys that were kept.
    pub valid_instruments: u64,
    /// The number of keys that are malformed, unknown, inactive or expired, that the requested broker does not list, or that
    /// the rules of the profile do not allow.
    pub invalid_instruments: u64,
    /// The optimization strategy that was applied.
    pub optimization_applied: String,
    /// Whether all valid instruments fit into the maximum and into the limits of the requested broker.
    pub within_limits: bool,
    /// The kept keys that the catalog does not contain. Present only if the strictness is `lenient`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub unknown_instruments: Option<Vec<String>>,
}

/// The result of the optimization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptimizationResult {
    /// The instruments of the plan.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub optimized_instruments: Arc<KeyList>,
    /// The number of keys that were left out, for any reason.
    pub removed_count: u64,
    /// The number of duplicates and aliases among the keys that were left out.
    pub deduplication_count: u64,
    /// The name of the optimization strategy.
    pub optimization_strategy: String,
    /// The impact of the strategy: `minimal`, `moderate` or `significant`.
    pub performance_impact: String,
    /// The number of instruments by exchange. Present only if the level is `aggressive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub exchange_distribution: Option<BTreeMap<String, u64>>,
    /// The time that planning took, in milliseconds with up to four decimals. Present only if the level is `aggressive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, nullable = false))]
    pub optimization_time_ms: Option<Amount>,
}

/// The catalog that a plan was created from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogueReference {
    /// The version of the catalog. `demo` for the demonstration catalog.
    pub version: String,
    /// The SHA-256 of the content of the catalog.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub content_hash: String,
    /// The trading date of the newest file of the catalog, if known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub file_date: Option<NaiveDate>,
    /// Whether the catalog is the demonstration catalog.
    pub demonstration: bool,
    /// The same as `version`. Present only if a plan at a broker is read after the content of the catalog has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub planned: Option<String>,
    /// The version of the current catalog. Present together with `planned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub current: Option<String>,
    /// The number of instruments that the verification of the plan does not find unchanged. Present together with `planned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub stale_instruments: Option<u64>,
}

impl CatalogueReference {
    /// Returns the reference to a catalog.
    pub fn of(catalogue: &Catalogue) -> Self {
        CatalogueReference {
            version: catalogue.version().to_owned(),
            content_hash: hex(catalogue.content_hash()),
            file_date: catalogue.file_date(),
            demonstration: catalogue.is_demonstration(),
            planned: None,
            current: None,
            stale_instruments: None,
        }
    }

    /// Adds the current catalog, and the number of instruments of the plan that a verification finds changed.
    pub fn compare(&mut self, current: &Catalogue, stale_instruments: u64) {
        self.planned = Some(self.version.clone());
        self.current = Some(current.version().to_owned());
        self.stale_instruments = Some(stale_instruments);
    }

    /// Returns the JSON of a plan with `other` instead of this reference, without writing the rest of the plan again.
    pub fn replaced_in(&self, json: &str, other: &CatalogueReference) -> String {
        let field = |reference: &CatalogueReference| {
            let reference = serde_json::to_string(reference).expect("references serialize to JSON");
            format!("\"catalogue\":{reference}")
        };
        // A text of the plan cannot contain it: its quotes would be escaped.
        json.replacen(&field(self), &field(other), 1)
    }
}

/// The data that a plan was created from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metadata {
    /// The number of keys in the request, duplicates included.
    pub original_instrument_count: u64,
    /// The result of the optimization.
    pub optimization_result: OptimizationResult,
    /// The catalog that the plan was created from.
    pub catalogue: CatalogueReference,
    /// The trading date that the plan was created for.
    pub as_of: NaiveDate,
    /// The maximum number of instruments that was applied.
    pub max_instruments: u32,
    /// The configured cost of one instrument for a trading day, in USD.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub cost_per_instrument: Amount,
    /// The estimated bandwidth of the feed, in bytes per second.
    pub estimated_bandwidth_bytes_per_second: u64,
    /// The SHA-256 of the cache key, the instruments, the price, and the keys that were left out with their reasons, except
    /// duplicates.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub content_hash: String,
    /// Warnings about the plan.
    pub warnings: Vec<String>,
    /// The profile that the plan was created from, with its version at that time. Absent if the plan was not created from a
    /// profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub profile: Option<ProfileReference>,
    /// The broker and the modes of the stream. Absent if neither a broker nor a mode was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub feed: Option<PlannedFeed>,
    /// The stored part of a plan that names a broker. Answers contain only its allocation.
    #[serde(default, skip_serializing)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub broker_part: Option<Arc<BrokerPart>>,
}

/// A subscription plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The id of the plan: `plan_` followed by the 32 hexadecimal digits of a UUID v7. Absent in a dry run.
    #[cfg_attr(feature = "openapi", schema(required = false, pattern = "^plan_[0-9a-f]{32}$"))]
    pub plan_id: String,
    /// The user that requested the plan.
    pub user_id: String,
    /// The name of the plan.
    pub plan_name: String,
    /// The description of the plan, from the caller or created from the subscription type.
    pub description: String,
    /// The use of the instruments.
    pub subscription_type: SubscriptionType,
    /// The keys of the instruments that were kept.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub instruments: Arc<KeyList>,
    /// The optimization level.
    pub optimization_level: OptimizationLevel,
    /// The filtering strictness.
    pub filtering_strictness: FilteringStrictness,
    /// The status of the plan.
    pub status: PlanStatus,
    /// The configured cost of all instruments for a trading day, in USD.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub estimated_cost: Amount,
    /// The performance figures.
    pub performance_metrics: PerformanceMetrics,
    /// The result of the checks.
    pub validation_results: ValidationResults,
    /// One entry for every key that was left out.
    pub rejected: Vec<Rejection>,
    /// The SHA-256 of everything that the plan depends on.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
    pub cache_key: CacheKey,
    /// The time when the plan was created.
    #[serde(serialize_with = "as_milliseconds")]
    pub created_at: DateTime<Utc>,
    /// The time when the plan expires. An expired plan is not reused, but it can still be read.
    #[serde(serialize_with = "as_milliseconds")]
    pub expires_at: DateTime<Utc>,
    /// The data that the plan was created from.
    pub metadata: Metadata,
    /// The allocation at the broker. Absent if no broker was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Allocation>, nullable = false))]
    pub allocation: Option<Arc<Allocation>>,
}

impl Metadata {
    /// Inserts the instruments of the plan, which the stored metadata does not contain.
    pub fn restore_instruments(&mut self, instruments: &Arc<KeyList>) {
        self.optimization_result.optimized_instruments = Arc::clone(instruments);
        if let Some(part) = &mut self.broker_part {
            Arc::make_mut(part).request.restore_keys(instruments);
        }
    }
}

impl Plan {
    /// Returns the mode in which an instrument of the plan is streamed; `None` for historical data.
    pub(crate) fn mode_of(&self, key: &str, brokers: &BrokerModels) -> Option<Mode> {
        match &self.metadata.feed {
            Some(feed) => feed.mode_of(key),
            None => brokers.usual_mode(self.subscription_type),
        }
    }

    /// Computes the hash of the decisions: the cache key, the instruments, the price, and the rejected keys with their
    /// reasons. Equal requests against equal content have equal hashes.
    pub(crate) fn content_digest(&self) -> String {
        // The hash gets one block of bytes, because it is slow with input that is smaller than its block.
        let rejected: usize = self.rejected.iter().map(|rejection| 32 + rejection.instrument.len()).sum();
        let keys = &self.instruments;
        let mut content = Vec::with_capacity(64 + keys.text_bytes() + 8 * keys.len() + rejected);
        content.extend_from_slice(&self.cache_key.0);
        for key in keys.iter() {
            content.extend_from_slice(&(key.len() as u64).to_le_bytes());
            content.extend_from_slice(key.as_bytes());
        }
        // Repeats are not in the cache key, so they must not be in this hash either.
        for rejection in self.rejected.iter().filter(|rejection| rejection.reason != Reason::Duplicate) {
            content.extend_from_slice(&(rejection.instrument.len() as u64).to_le_bytes());
            content.extend_from_slice(rejection.instrument.as_bytes());
            content.extend_from_slice(rejection.reason.as_str().as_bytes());
        }
        content.extend_from_slice(&self.estimated_cost.ten_thousandths().to_le_bytes());
        hex(&Sha256::digest(&content))
    }
}

fn as_milliseconds<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_time(*time))
}

fn as_text<S: Serializer>(key: &CacheKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(&key.0))
}
