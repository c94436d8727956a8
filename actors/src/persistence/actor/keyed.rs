//! Writes answers with idempotency keys.

use std::sync::Arc;

use tokio::time::Instant;

use super::{PersistenceActor, PersistenceMessage, State};
use crate::persistence::keyed::{self, PendingAnswer, WRITES_IN_FLIGHT_MAX};

impl PersistenceActor {
    pub(super) fn save_keyed(&self, pending: PendingAnswer, state: &mut State) {
        if let Err(why) = state.admit() {
            pending.reply.send(Err(why));
            return;
        }
        state.keyed.push_back(pending);
        self.write_keyed_next(state);
    }

    /// Writes answers that wait, unless as much is under way as may be. They have places among the jobs and not among the
    /// batches: a key that another replica is taking holds up no plan without a key.
    pub(super) fn write_keyed_next(&self, state: &mut State) {
        while !state.keyed.is_empty()
            && state.keyed_in_flight < WRITES_IN_FLIGHT_MAX
            && state.jobs_in_flight < self.store.jobs_in_flight_max()
        {
            let now = Instant::now();
            if let Err(refusal) = state.breaker.check(now) {
                state.keyed.drain(..).for_each(|pending| pending.reply.send(Err(refusal.into())));
                state.finish_flush();
                return;
            }
            let batch = keyed::take(&mut state.keyed, now);
            if batch.is_empty() {
                state.finish_flush();
                return;
            }
            let permit = match state.breaker.try_acquire(now) {
                Ok(permit) => permit,
                Err(refusal) => {
                    batch.into_iter().for_each(|pending| pending.reply.send(Err(refusal.into())));
                    continue;
                }
            };
            state.keyed_in_flight += 1;
            let store = Arc::clone(&self.store);
            state.start_as(
                "insert_keyed_plans",
                permit,
                async move { keyed::write(&*store, batch).await },
                |permit, finding| PersistenceMessage::KeyedWritten { permit, finding },
            );
        }
    }
}
