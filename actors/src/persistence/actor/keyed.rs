//! Writes answers with idempotency keys.

use std::sync::Arc;

use registry_store::idempotency::KeyedPlan;
use tokio::time::Instant;

use super::{PersistenceActor, PersistenceMessage, State};
use crate::persistence::batch::{self, Pending};
use crate::persistence::keyed::WRITES_IN_FLIGHT_MAX;
use registry_store::Lane;

impl PersistenceActor {
    pub(super) fn save_keyed(&self, pending: Pending<KeyedPlan>, state: &mut State) {
        if let Err(why) = state.admit() {
            pending.refuse(why);
            return;
        }
        state.keyed.push(pending);
        self.write_keyed_next(state);
    }

    /// Writes answers that wait, unless as much is under way as may be. They have permits of the lane
    /// for point reads and not of the batches: a key that another replica is taking holds up no batch of plans without keys.
    pub(super) fn write_keyed_next(&self, state: &mut State) {
        while !state.keyed.is_empty()
            && state.keyed_in_flight < WRITES_IN_FLIGHT_MAX
            && self.has_permit(Lane::Point, state)
        {
            let now = Instant::now();
            let permit = match state.guard.try_acquire() {
                Ok(permit) => permit,
                Err(refusal) => {
                    state.keyed.refuse_all(&refusal.into());
                    state.finish_flush();
                    return;
                }
            };
            let batch = state.keyed.take(now);
            if batch.is_empty() {
                state.finish_flush();
                return;
            }
            state.keyed_in_flight += 1;
            let store = Arc::clone(&self.store);
            state.start_as(
                "insert_keyed_plans",
                permit,
                async move { batch::write(&*store, batch).await },
                |permit, finding| PersistenceMessage::KeyedWritten { permit, finding },
            );
        }
    }
}
