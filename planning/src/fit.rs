//! Fits a plan into the capacity of a broker.

/// The pinned instruments of a request exceed a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pinned} pinned instruments do not fit: {limit} allows {kept} of them")]
pub struct PinnedOverCapacity {
    /// The number of pinned instruments that can be streamed.
    pub pinned: u32,
    /// The number of these that fit.
    pub kept: u32,
    /// The name of the limit.
    pub limit: String,
    /// Each limit in numbers, as sentences.
    pub arithmetic: Vec<String>,
}
