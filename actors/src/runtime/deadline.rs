//! A deadline that several callers of the same work share.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::time::Instant;

/// A deadline that can be extended while work is in progress, because callers who join later may wait longer.
#[derive(Clone, Debug)]
pub(crate) struct SharedDeadline(Arc<Mutex<Instant>>);

impl SharedDeadline {
    pub(crate) fn new(at: Instant) -> Self {
        SharedDeadline(Arc::new(Mutex::new(at)))
    }

    pub(crate) fn at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Extends it to `at` if that is later.
    pub(crate) fn extend_to(&self, at: Instant) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *current = (*current).max(at);
    }

    pub(crate) fn has_passed(&self, now: Instant) -> bool {
        now >= self.at()
    }
}
