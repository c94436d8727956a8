//! The kinds of requests and their shares in a load.

use serde::Deserialize;
use strum::EnumCount;

/// A kind of request. Its word is a field of a scenario's mix and of the report.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    EnumCount,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Kind {
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
    List,
    Search,
    /// A step in the life of a profile.
    Profile,
    /// A number of bytes from the yardstick.
    Hello,
    /// A number of bytes from the yardstick, for a plan request.
    Echo,
}

/// The weight of each kind of request, in the order of the kinds. Invariant: at least one is not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mix(pub(crate) [u32; Kind::COUNT]);

impl Mix {
    pub(crate) fn weight(&self, kind: Kind) -> u32 {
        self.0[kind as usize]
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Whether requests of any of these kinds are sent.
    pub(crate) fn has(&self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|&kind| self.weight(kind) > 0)
    }

    /// Whether requests of other kinds are sent.
    pub(crate) fn has_others_than(&self, kinds: &[Kind]) -> bool {
        kinds.iter().map(|&kind| self.weight(kind)).sum::<u32>() < self.total()
    }

    /// Replaces the kinds that the yardstick does not support by `read`.
    #[must_use]
    pub(crate) fn for_the_yardstick(mut self) -> Self {
        for kind in [Kind::Describe, Kind::List, Kind::Search] {
            let weight = std::mem::take(&mut self.0[kind as usize]);
            self.0[Kind::Read as usize] += weight;
        }
        self
    }
}
