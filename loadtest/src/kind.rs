//! The kinds of requests and their shares in a load.

use std::collections::BTreeMap;

use serde::Deserialize;
use strum::EnumCount;

/// A kind of request. Its word is a field of a scenario's mix and of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum RequestKind {
    /// A plan that was not requested before.
    New,
    /// The bytes of an earlier request.
    Repeat,
    /// The instruments of an earlier request in another order.
    Reorder,
    /// An acknowledged plan, read by its id.
    Read,
    /// The description of an acknowledged plan.
    Describe,
    /// The plans of a user.
    List,
    Search,
    Profile,
    /// A number of bytes from the yardstick.
    Hello,
    /// A number of bytes from the yardstick, for a plan request.
    Echo,
}

/// The weight of each kind of request. Invariant: at least one is not 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Mix(pub(crate) BTreeMap<RequestKind, u32>);

impl Mix {
    pub(crate) fn weight(&self, kind: RequestKind) -> u32 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.values().sum()
    }

    /// Whether requests of any of these kinds are sent.
    pub(crate) fn has(&self, kinds: &[RequestKind]) -> bool {
        kinds.iter().any(|&kind| self.weight(kind) > 0)
    }

    /// Whether requests of other kinds are sent.
    pub(crate) fn has_others_than(&self, kinds: &[RequestKind]) -> bool {
        self.0.iter().any(|(kind, &weight)| weight > 0 && !kinds.contains(kind))
    }

    /// Replaces the kinds that the yardstick does not support by `read`.
    pub(crate) fn adapt_to_the_yardstick(&mut self) {
        for kind in [RequestKind::Describe, RequestKind::List, RequestKind::Search] {
            if let Some(weight) = self.0.remove(&kind) {
                *self.0.entry(RequestKind::Read).or_default() += weight;
            }
        }
    }
}
