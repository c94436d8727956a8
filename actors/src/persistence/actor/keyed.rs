//! Writes responses with idempotency keys.

use std::sync::Arc;

use registry_store::Lane;
use registry_store::idempotency::KeyedPlan;
use tokio::time::Instant;

use super::{PersistenceMessage, State};
use crate::persistence::Op;
use crate::persistence::batch::{self, PendingRow};
use crate::persistence::keyed::WRITES_IN_FLIGHT_MAX;
use crate::persistence::load::lane_word;
use crate::persistence::metrics::record_wait;

impl State {
    pub(super) fn save_keyed(&mut self, pending: PendingRow<KeyedPlan>) {
        if let Err(why) = self.admit() {
            pending.refuse(why);
            return;
        }
        self.keyed.push(pending);
        self.write_keyed_next();
    }

    /// Writes waiting responses, unless the maximum number of writes is in flight. They have a lane of their own, so
    /// that a key which another replica is taking delays no plan without a key.
    pub(super) fn write_keyed_next(&mut self) {
        while !self.keyed.is_empty() && self.keyed_in_flight < WRITES_IN_FLIGHT_MAX && self.has_permit(Lane::Keyed) {
            let Some(store) = self.store.as_ref().map(Arc::clone) else { return };
            let permit = match self.guard.try_acquire() {
                Ok(permit) => permit,
                Err(refusal) => {
                    self.keyed.refuse_all(&refusal.into());
                    self.finish_flush();
                    return;
                }
            };
            let oldest = self.keyed.oldest();
            let batch = self.keyed.take(Instant::now());
            if batch.is_empty() {
                self.finish_flush();
                return;
            }
            self.keyed_in_flight += 1;
            record_wait(lane_word(Lane::Keyed), oldest);
            self.start(
                Op::InsertKeyedPlans,
                permit,
                async move { batch::write(&*store, batch).await },
                |permit, finding| PersistenceMessage::KeyedWritten { permit, finding },
            );
        }
    }
}
