//! The keys that a plan leaves out, with the reasons.

use serde::{Deserialize, Serialize};

use crate::heap::Heap;
use crate::vocabulary::words;

words! {
    /// The reason why a key was left out.
    Reason {
        /// The key does not have the form `EXCHANGE:SYMBOL`.
        Malformed = "malformed",
        /// The catalog does not contain the key.
        Unknown = "unknown",
        /// The last accepted file of the broker does not contain the instrument.
        Inactive = "inactive",
        /// The last trading date of the instrument has passed.
        Expired = "expired",
        /// The key is a duplicate of an earlier key in the request.
        Duplicate = "duplicate",
        /// The requested broker does not list the instrument.
        NotAtBroker = "not_at_broker",
        /// The rules of the profile do not allow the instrument.
        NotAllowed = "not_allowed",
        /// A limit of the broker leaves no capacity for the instrument.
        OverCapacity = "over_capacity",
        /// The broker offers neither the requested mode nor a substitute for the segment of the instrument.
        NotOffered = "not_offered",
        /// The key is another name or listing of an instrument that is kept.
        Alias = "alias",
        /// No slot was left for the instrument.
        OverLimit = "over_limit",
    }
}

/// A key that was left out of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rejection {
    /// The key as the caller sent it.
    pub instrument: String,
    /// The reason why the key was left out.
    pub reason: Reason,
    /// The description of the reason.
    pub detail: String,
    /// Suggested keys, or the key that represents the instrument in the plan.
    pub suggestions: Vec<String>,
    /// The name of the limit of the broker that leaves no capacity. Present only for `over_capacity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub limit: Option<String>,
}

impl Rejection {
    pub(crate) fn new(instrument: &str, reason: Reason, detail: impl Into<String>) -> Self {
        let (instrument, detail) = (instrument.to_owned(), detail.into());
        Rejection { instrument, reason, detail, suggestions: Vec::new(), limit: None }
    }
}

impl Heap for Rejection {
    fn heap_bytes(&self) -> usize {
        self.instrument.heap_bytes()
            + self.detail.heap_bytes()
            + self.suggestions.heap_bytes()
            + self.limit.heap_bytes()
    }
}
