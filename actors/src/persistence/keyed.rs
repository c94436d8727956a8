//! Answers with idempotency keys, which are written in batches as plans are.

use async_trait::async_trait;
use registry_store::idempotency::{Claimed, KeyedPlan, StoredAnswer};

use super::batch::{Row, retried};
use super::{Store, StoreError};
use crate::runtime::deadline::SharedDeadline;

/// Writes under way at once: one may wait for the disk while another is on its way there.
pub(super) const WRITES_IN_FLIGHT_MAX: usize = 2;

#[async_trait]
impl Row for KeyedPlan {
    type Answer = Claimed;

    /// An answer that an earlier attempt stored is its own, and counts as stored.
    async fn insert(
        store: &dyn Store,
        rows: &[Self],
        deadlines: &[SharedDeadline],
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut claimed = retried(deadlines, || store.insert_keyed_plans(rows)).await?;
        for (claimed, row) in claimed.iter_mut().zip(rows) {
            let is_own =
                |stored: &StoredAnswer| stored.digest == row.claim.request.digest && stored.answer == row.claim.answer;
            if matches!(claimed, Claimed::Taken(stored) if is_own(stored)) {
                *claimed = Claimed::Stored;
            }
        }
        Ok(claimed)
    }
}
