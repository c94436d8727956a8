//! The explanation of a decision about one key.

use serde::Serialize;

use crate::allocation::UsedLimit;
use crate::instrument::Amount;
use crate::plan::Reason;
use crate::vocabulary::{Broker, Mode, words};

words! {
    /// The decision about a key of a request.
    Decision {
        /// The plan contains the key.
        Kept = "kept",
        /// The plan does not contain the key.
        LeftOut = "left_out",
    }
}

words! {
    /// The source of an explanation.
    ExplanationBasis {
        /// The fit was repeated with the catalog from which the plan was created.
        Recomputed = "recomputed",
        /// Only the stored plan was used: it names no broker, the catalog or the limits have changed since, or the key was left
        /// out before the limits were applied.
        Stored = "stored",
    }
}

words! {
    /// A difference of an instrument between the catalog of its plan and the current one.
    CatalogueDifference {
        /// The catalog of the plan did not contain the key.
        Added = "added",
        /// The current catalog does not contain the key.
        Removed = "removed",
        /// The key names another instrument.
        Identity = "identity",
        /// The broker has another token for the instrument, or none.
        Token = "token",
    }
}

/// The explanation of the decision about a key of the request of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// The id of the plan.
    #[cfg_attr(feature = "openapi", schema(pattern = "^plan_[0-9a-f]{32}$"))]
    pub plan_id: String,
    /// The key as the request has it.
    pub instrument: String,
    /// Whether the plan contains the key.
    pub decision: Decision,
    /// The reason why the key was left out. Absent if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub reason: Option<Reason>,
    /// The decision as a sentence.
    pub detail: String,
    /// The key that represents the instrument. The fields about the subscription are those of this key. Present only if the
    /// reason is `alias`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub represented_by: Option<String>,
    /// The number of further occurrences of the key in the request.
    pub repeats: u64,
    /// The priority of the instrument. Present only if the basis is `recomputed` and the instrument passed all checks before the
    /// limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub priority: Option<u32>,
    /// Whether the instrument is pinned. Present together with `priority`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub pinned: Option<bool>,
    /// The mode. Absent for historical data, and if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub mode: Option<ExplainedMode>,
    /// The broker's token of the instrument in the plan. Absent if the broker has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub broker_token: Option<String>,
    /// The connections that carry the instrument. Absent if the plan has no connections or does not contain the instrument.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub connections: Option<Vec<ExplainedConnection>>,
    /// The limit that left out the instrument or lowered its mode, where most of it is used. Absent if no limit did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub limit: Option<UsedLimit>,
    /// The least valuable instrument that would be left out or lowered if this one were kept or had its higher mode. Present only
    /// if a limit decided and the basis is `recomputed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub would_displace: Option<Displaced>,
    /// The configured cost of the instrument for a trading day, in USD. Absent if the key was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, nullable = false))]
    pub cost_per_day: Option<Amount>,
    /// The expected number of messages in a second. Absent for historical data, and if the instrument has no subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, nullable = false))]
    pub messages_per_second: Option<Amount>,
    /// The expected bandwidth, in bytes per second. Present together with `messages_per_second`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub bytes_per_second: Option<u64>,
    /// Other requests that would get the data, the nearest first.
    pub alternatives: Vec<Alternative>,
    /// The catalog of the plan compared with the current one.
    pub catalogue: CatalogueComparison,
    /// The source of the explanation.
    pub basis: ExplanationBasis,
}

/// The mode of an instrument of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedMode {
    /// The requested mode.
    pub requested: Mode,
    /// The mode that replaces the requested one, because the broker does not offer that. Absent if it was not replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub substitute: Option<Mode>,
    /// The mode in the plan. If it is neither the requested one nor its substitute, a limit lowered it. Absent if the plan does
    /// not contain the instrument.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub planned: Option<Mode>,
}

/// A connection that carries an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedConnection {
    /// The number of the connection, from 1.
    pub connection: u32,
    /// The account that opens it.
    pub account: String,
    /// The endpoint.
    pub endpoint: String,
    /// The mode of the subscription on this connection.
    pub mode: Mode,
}

/// An instrument that would be left out or lowered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Displaced {
    /// The key of the instrument.
    pub instrument: String,
    /// Its priority.
    pub priority: u32,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Its mode in the plan. Absent for historical data.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub mode: Option<Mode>,
    /// The mode that it would have instead. Absent if it would be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub lowered_to: Option<Mode>,
}

/// Another request that would get the data of an instrument, or the most similar data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alternative {
    /// The key to request.
    pub instrument: String,
    /// The mode to request or to permit. Absent if the mode does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub mode: Option<Mode>,
    /// The broker to request. Absent if it is that of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub broker: Option<Broker>,
    /// The reason for the alternative.
    pub detail: String,
}

/// The catalog of a plan compared with the current one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogueComparison {
    /// The version of the catalog that the plan was created from.
    pub planned: String,
    /// The version of the current catalog.
    pub current: String,
    /// Whether the contents of the two differ.
    pub has_changed: bool,
    /// The differences of this instrument.
    pub differences: Vec<CatalogueDifference>,
}
