//! The kinds of requests and their shares in a load.

use serde::Deserialize;

/// A kind of request, in the order of the mix. Its word is a field of a scenario's mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The plans of a user.
    List,
    /// A search for instruments.
    Search,
    /// A step in the life of a profile.
    Profile,
    /// A number of bytes from the yardstick.
    Hello,
    /// A number of bytes from the yardstick, for a plan request.
    Echo,
}

impl Kind {
    /// Every kind, in the order of their discriminants.
    pub(crate) const ALL: [Kind; 10] = [
        Kind::New,
        Kind::Repeat,
        Kind::Reorder,
        Kind::Read,
        Kind::Describe,
        Kind::List,
        Kind::Search,
        Kind::Profile,
        Kind::Hello,
        Kind::Echo,
    ];

    /// Returns the word that scenarios and reports use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Kind::New => "new",
            Kind::Repeat => "repeat",
            Kind::Reorder => "reorder",
            Kind::Read => "read",
            Kind::Describe => "describe",
            Kind::List => "list",
            Kind::Search => "search",
            Kind::Profile => "profile",
            Kind::Hello => "hello",
            Kind::Echo => "echo",
        }
    }
}

/// The weight of each kind of request, in the order of [`Kind::ALL`]. Invariant: at least one is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix([u32; Kind::ALL.len()]);

impl Mix {
    /// Returns the mix of these kinds. All others have the weight 0.
    pub(crate) fn new(weights: impl IntoIterator<Item = (Kind, u32)>) -> Self {
        let mut mix = Mix([0; Kind::ALL.len()]);
        for (kind, weight) in weights {
            mix.0[kind as usize] = weight;
        }
        mix
    }

    /// Returns the weights in the order of [`Kind::ALL`].
    pub(crate) fn weights(&self) -> &[u32; Kind::ALL.len()] {
        &self.0
    }

    /// Returns the sum of the weights.
    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Whether requests of this kind are sent.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.0[kind as usize] > 0
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
