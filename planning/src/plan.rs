//! A subscription plan: what is kept, what was left out and why, what it costs.

pub mod describe;
pub mod diff;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::broker::{Mode, Model};
use crate::catalogue::{Catalogue, hex};
use crate::feed::PlannedFeed;
use crate::instrument::Amount;
use crate::keys::KeyList;
use crate::profile::ProfileReference;
use crate::request::{CacheKey, FilteringStrictness, OptimizationLevel, SubscriptionType, words};

words! {
    /// Why a key was left out.
    Reason {
        /// It is not of the form `EXCHANGE:SYMBOL`.
        Malformed = "malformed",
        /// The catalogue lacks it.
        Unknown = "unknown",
        /// The broker's last accepted file lacks it.
        Inactive = "inactive",
        /// Its last trading date has passed.
        Expired = "expired",
        /// It stands further up in the request.
        Duplicate = "duplicate",
        /// The broker that was asked for does not list it.
        NotAtBroker = "not_at_broker",
        /// The profile's own rules bar it.
        NotAllowed = "not_allowed",
        /// Another name or listing of an instrument that is kept.
        Alias = "alias",
        /// No slot was left.
        OverLimit = "over_limit",
    }
}

words! {
    /// Where a plan stands.
    PlanStatus {
        /// Not worked over yet.
        Draft = "draft",
        /// Made.
        Optimized = "optimized",
        /// Checked against the feed.
        Validated = "validated",
        /// Could not be made.
        Error = "error",
    }
}

/// One key that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rejection {
    /// The key as the caller wrote it.
    pub instrument: String,
    /// Why it was left out.
    pub reason: Reason,
    /// The same in a sentence.
    pub detail: String,
    /// Keys that the caller may have meant, or that stand for it in the plan.
    pub suggestions: Vec<String>,
}

impl Rejection {
    pub(crate) fn new(instrument: &str, reason: Reason, detail: impl Into<String>) -> Self {
        Rejection { instrument: instrument.to_owned(), reason, detail: detail.into(), suggestions: Vec::new() }
    }
}

/// What the plan weighs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerformanceMetrics {
    /// Instruments in the plan.
    pub instrument_count: u64,
    /// How much the plan was worked over.
    pub optimization_level: OptimizationLevel,
    /// What a key had to be.
    pub filtering_strictness: FilteringStrictness,
    /// Keys left out, whatever the reason.
    pub removed_instruments: u64,
    /// Estimated time until the last instrument is asked for, milliseconds.
    pub estimated_latency_ms: u64,
    /// Estimated memory of a consumer, megabytes.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub memory_usage_mb: Amount,
}

/// What the checks found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValidationResults {
    /// Keys kept.
    pub valid_instruments: u64,
    /// Keys that are malformed, unknown, inactive or expired, that the broker asked for does not list, or that the profile's own
    /// rules bar.
    pub invalid_instruments: u64,
    /// The strategy that was applied.
    pub optimization_applied: String,
    /// Whether nothing was left out for want of a slot.
    pub within_limits: bool,
    /// Kept keys that the catalogue lacks; only under `lenient`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub unknown_instruments: Option<Vec<String>>,
}

/// What the optimiser did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptimizationResult {
    /// The instruments of the plan.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub optimized_instruments: Arc<KeyList>,
    /// Keys left out, whatever the reason.
    pub removed_count: u64,
    /// Repeats and aliases among them.
    pub deduplication_count: u64,
    /// The strategy's name.
    pub optimization_strategy: String,
    /// How much the strategy changes.
    pub performance_impact: String,
    /// Instruments by exchange; only at level `aggressive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub exchange_distribution: Option<BTreeMap<String, u64>>,
    /// How long planning took, milliseconds to four decimals; only at level `aggressive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, nullable = false))]
    pub optimization_time_ms: Option<Amount>,
}

/// The catalogue that a plan was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogueReference {
    /// Its version; `demo` for the demonstration catalogue.
    pub version: String,
    /// SHA-256 of its content.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub content_hash: String,
    /// Trading date of its newest file, where known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub file_date: Option<NaiveDate>,
    /// Whether it is the demonstration catalogue.
    pub demonstration: bool,
}

impl CatalogueReference {
    /// Names a catalogue.
    pub fn of(catalogue: &Catalogue) -> Self {
        CatalogueReference {
            version: catalogue.version().to_owned(),
            content_hash: hex(catalogue.content_hash()),
            file_date: catalogue.file_date(),
            demonstration: catalogue.is_demonstration(),
        }
    }
}

/// What the plan was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metadata {
    /// Keys in the request, repeats included.
    pub original_instrument_count: u64,
    /// What the optimiser did.
    pub optimization_result: OptimizationResult,
    /// The catalogue it was made from.
    pub catalogue: CatalogueReference,
    /// The trading date it was made for.
    pub as_of: NaiveDate,
    /// The maximum it was held to.
    pub max_instruments: u32,
    /// Price of one instrument, USD.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub cost_per_instrument: Amount,
    /// Estimated bytes a second of the feed.
    pub estimated_bandwidth_bytes_per_second: u64,
    /// SHA-256 of the cache key, the instruments, the price, and what was left out and why, repeats aside.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub content_hash: String,
    /// What the caller should know although the plan was made.
    pub warnings: Vec<String>,
    /// The profile that it was made from, in the version of then; absent where the caller sent the instruments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub profile: Option<ProfileReference>,
    /// How the instruments are streamed; absent where neither broker nor mode was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub feed: Option<PlannedFeed>,
}

/// A subscription plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// `plan_` and 32 hexadecimal digits of a UUID v7.
    #[cfg_attr(feature = "openapi", schema(pattern = "^plan_[0-9a-f]{32}$"))]
    pub plan_id: String,
    /// Who asked.
    pub user_id: String,
    /// The caller's name for it.
    pub plan_name: String,
    /// The caller's description, or one made from the type.
    pub description: String,
    /// What the instruments are wanted for.
    pub subscription_type: SubscriptionType,
    /// The instruments kept.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub instruments: Arc<KeyList>,
    /// How much it was worked over.
    pub optimization_level: OptimizationLevel,
    /// What a key had to be.
    pub filtering_strictness: FilteringStrictness,
    /// Where it stands.
    pub status: PlanStatus,
    /// Price of all instruments, USD.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub estimated_cost: Amount,
    /// What it weighs.
    pub performance_metrics: PerformanceMetrics,
    /// What the checks found.
    pub validation_results: ValidationResults,
    /// One entry for every key left out.
    pub rejected: Vec<Rejection>,
    /// SHA-256 of all that the plan depends on.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
    pub cache_key: CacheKey,
    /// When it was made.
    #[serde(serialize_with = "as_milliseconds")]
    pub created_at: DateTime<Utc>,
    /// When it ceases to be reused; it can still be read.
    #[serde(serialize_with = "as_milliseconds")]
    pub expires_at: DateTime<Utc>,
    /// What it was made from.
    pub metadata: Metadata,
}

impl Plan {
    /// The mode in which an instrument of the plan is streamed; `None` for historical data.
    pub fn mode_of(&self, key: &str) -> Option<Mode> {
        match &self.metadata.feed {
            Some(feed) => feed.mode_of(key),
            None => Model::built_in().usual_mode(self.subscription_type),
        }
    }

    /// Computes the hash of what was decided: the cache key, the instruments, the price, and what was left out and why.
    /// Equal requests against equal content have equal hashes.
    pub(crate) fn content_digest(&self) -> String {
        // In one piece: the digest is slow to take what is smaller than its block.
        let rejected: usize = self.rejected.iter().map(|rejection| 32 + rejection.instrument.len()).sum();
        let keys = &self.instruments;
        let mut content = Vec::with_capacity(64 + keys.text_bytes() + 8 * keys.len() + rejected);
        content.extend_from_slice(&self.cache_key.0);
        for key in keys.iter() {
            content.extend_from_slice(&(key.len() as u64).to_le_bytes());
            content.extend_from_slice(key.as_bytes());
        }
        // Repeats are not in the cache key, so they must not be in here either.
        for rejection in self.rejected.iter().filter(|rejection| rejection.reason != Reason::Duplicate) {
            content.extend_from_slice(&(rejection.instrument.len() as u64).to_le_bytes());
            content.extend_from_slice(rejection.instrument.as_bytes());
            content.extend_from_slice(rejection.reason.as_str().as_bytes());
        }
        content.extend_from_slice(&self.estimated_cost.ten_thousandths().to_le_bytes());
        hex(&Sha256::digest(&content))
    }
}

/// RFC 3339 in UTC with milliseconds.
pub fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn as_milliseconds<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_time(*time))
}

fn as_text<S: Serializer>(key: &CacheKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(&key.0))
}
