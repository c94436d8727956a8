//! Responses with idempotency keys, which are written in batches, like plans.

use async_trait::async_trait;
use registry_store::idempotency::{Claimed, KeyedPlan, StoredAnswer};

use super::batch::{BatchRow, retried};
use super::{Store, StoreError};
use crate::runtime::deadline::SharedDeadline;

/// Maximum number of writes in flight: one can wait for the disk while another is on its way to the server.
pub(super) const WRITES_IN_FLIGHT_MAX: usize = 2;

#[async_trait]
impl BatchRow for KeyedPlan {
    type Answer = Claimed;

    /// Stores responses, and reports one that an earlier attempt has stored as stored.
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
