//! Starts calls in lanes: calls that wait in one lane do not delay those of another.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use registry_store::{Lane, Store};
use tokio::time::Instant;

use super::{PersistenceError, PersistenceMessage, QueuedCall, State};
use crate::persistence::load::{LaneLoads, LoadBoard, lane_word};
use crate::persistence::metrics::record_wait;
use crate::persistence::waiting::WaitingQueue;
use crate::persistence::{Finding, Op, contained, measured};
use crate::runtime::breaker::Permit;
use crate::runtime::running_time::timed;

type OpCall = (Op, Box<dyn QueuedCall>);

/// Calls that wait or are in progress.
#[derive(Default)]
pub(super) struct Lanes {
    /// By lane.
    queues: [LaneQueue; Lane::ALL.len()],
    retention_in_flight: usize,
    /// Counts ended calls; see [`State::start_next`].
    turn: usize,
}

#[derive(Default)]
struct LaneQueue {
    /// Bounded by the callers' permits, and by one call of each operation of the actor's own.
    waiting: WaitingQueue<OpCall>,
    in_flight: usize,
    /// The number of waiting calls at which those without a caller are dropped.
    sweep_at: usize,
}

/// The smallest [`LaneQueue::sweep_at`].
const SWEEP_MIN: usize = 64;

impl LaneQueue {
    /// Drops waiting calls whose callers are gone, with their data and their permits: a call can hold a whole profile,
    /// and its turn comes late while the database is slow. A sweep follows only after the queue has doubled, so that it
    /// costs little per call.
    fn drop_abandoned(&mut self) {
        if self.waiting.len() >= self.sweep_at {
            self.waiting.retain(|(_, call)| !call.is_abandoned());
            self.sweep_at = SWEEP_MIN.max(2 * self.waiting.len());
        }
    }
}

impl Lanes {
    fn of(&self, lane: Lane) -> &LaneQueue {
        &self.queues[lane as usize]
    }

    fn of_mut(&mut self, lane: Lane) -> &mut LaneQueue {
        &mut self.queues[lane as usize]
    }

    pub(super) fn in_flight(&self) -> usize {
        self.queues.iter().map(|queue| queue.in_flight).sum()
    }

    /// Counts a call as in progress.
    fn start(&mut self, op: Op) {
        self.of_mut(op.lane()).in_flight += 1;
        self.retention_in_flight += usize::from(op.is_retention());
    }

    fn end(&mut self, op: Op) {
        self.of_mut(op.lane()).in_flight -= 1;
        self.retention_in_flight -= usize::from(op.is_retention());
    }

    /// Takes the first waiting call of a lane that may start if the lane has a permit, and its arrival.
    fn take(&mut self, lane: Lane) -> Option<(Instant, OpCall)> {
        let has_retention = self.retention_in_flight > 0;
        self.of_mut(lane).waiting.take_first(|(op, _)| !has_retention || !op.is_retention())
    }

    /// Returns the arrival of the first waiting call of a lane that only lacks a permit. Retention that waits for other
    /// retention does so by design.
    fn oldest(&self, lane: Lane) -> Option<Instant> {
        let has_retention = self.retention_in_flight > 0;
        self.of(lane).waiting.oldest_of(|(op, _)| !has_retention || !op.is_retention())
    }
}

impl State {
    /// Whether another call of the lane may start.
    pub(super) fn has_permit(&self, lane: Lane) -> bool {
        self.store.as_ref().is_some_and(|store| self.lanes.of(lane).in_flight < store.permits(lane))
    }

    /// Returns the load of the batches, which have permits of their own, and of every lane. Lookups of plans and
    /// responses with idempotency keys wait outside the queues of their lanes.
    pub(super) fn loads(&self) -> LaneLoads {
        let mut loads = LoadBoard::EMPTY;
        let Some(store) = &self.store else { return loads };
        let [batches, lanes @ ..] = &mut loads;
        batches.waiting = self.filling.len();
        batches.in_flight = self.batches_in_flight;
        batches.permits = store.batches_in_flight_max();
        batches.oldest_since = self.filling.oldest();
        for (lane, load) in Lane::ALL.into_iter().zip(lanes) {
            let (waiting_rows, oldest_row) = match lane {
                Lane::Point => (self.lookups.len(), self.lookups.oldest()),
                Lane::Keyed => (self.keyed.len(), self.keyed.oldest()),
                Lane::Change | Lane::List | Lane::Upkeep => (0, None),
            };
            let queue = self.lanes.of(lane);
            load.waiting = queue.waiting.len() + waiting_rows;
            load.in_flight = queue.in_flight;
            load.permits = store.permits(lane);
            load.oldest_since = self.lanes.oldest(lane).into_iter().chain(oldest_row).min();
        }
        loads
    }

    pub(super) fn run(&mut self, op: Op, call: Box<dyn QueuedCall>) {
        if let Err(why) = self.admit() {
            call.refuse(why);
            return;
        }
        self.enqueue(op, call);
    }

    /// Runs work of the actor itself, unless the breaker rejects it or the same work is waiting already.
    pub(super) fn run_upkeep<F, W>(&mut self, op: Op, work: F)
    where
        F: FnOnce(Arc<dyn Store>) -> W + Send + 'static,
        W: Future<Output = Finding> + Send + 'static,
    {
        let is_waiting = self.lanes.of(op.lane()).waiting.iter().any(|(other, _)| *other == op);
        if !is_waiting {
            self.enqueue(op, Box::new(UpkeepCall(work)));
        }
    }

    fn enqueue(&mut self, op: Op, call: Box<dyn QueuedCall>) {
        let lane = op.lane();
        let queue = self.lanes.of_mut(lane);
        queue.drop_abandoned();
        queue.waiting.push((op, call));
        self.run_next(lane);
    }

    /// Starts calls while their lane has a permit. A call that waits here occupies no connection; a long queue in a
    /// pool would look like a database that does not respond.
    fn run_next(&mut self, lane: Lane) {
        while self.has_permit(lane) {
            let Some(store) = self.store.clone() else { return };
            let Some((arrived_at, (op, call))) = self.lanes.take(lane) else { return };
            if call.is_abandoned() {
                continue;
            }
            match self.guard.try_acquire() {
                Err(refusal) => call.refuse(refusal.into()),
                Ok(permit) => {
                    record_wait(lane_word(lane), Some(arrived_at));
                    self.start(op, permit, call.run(store), move |permit, finding| PersistenceMessage::Ran {
                        op,
                        permit,
                        finding,
                    });
                }
            }
        }
    }

    /// Passes the permit of a call that ended on to a waiting call of the same lane.
    pub(super) fn call_ended(&mut self, op: Op, permit: Permit, finding: Finding) {
        self.lanes.end(op);
        self.record(permit, finding);
        self.start_next(op.lane());
    }

    /// Offers permits of a lane to its batches and to its single calls, to each of them first in turn, because one of
    /// them can use all permits.
    fn start_next(&mut self, lane: Lane) {
        self.lanes.turn = self.lanes.turn.wrapping_add(1);
        let are_calls_first = self.lanes.turn.is_multiple_of(2);
        if are_calls_first {
            self.run_next(lane);
        }
        match lane {
            Lane::Point => self.read_next(),
            Lane::Keyed => self.write_keyed_next(),
            Lane::Change | Lane::List | Lane::Upkeep => {}
        }
        if !are_calls_first {
            self.run_next(lane);
        }
    }

    pub(super) fn refuse_waiting(&mut self, why: &PersistenceError) {
        for queue in &mut self.lanes.queues {
            queue.waiting.drain().for_each(|(_, call)| call.refuse(why.clone()));
        }
    }

    /// Runs work on the store in a task, and sends its finding as a message. If the work panics, only the work fails:
    /// the actor continues.
    pub(super) fn start(
        &mut self,
        op: Op,
        permit: Permit,
        work: impl Future<Output = Finding> + Send + 'static,
        ended: impl FnOnce(Permit, Finding) -> PersistenceMessage + Send + 'static,
    ) {
        self.lanes.start(op);
        let permit = if op.is_untimed() { permit.untimed() } else { permit };
        let started_at = Instant::now();
        self.me.run(async move {
            let (permit, finding) = timed(permit, contained(async { Ok(work.await) })).await;
            let finding = finding.unwrap_or_else(|fault| Finding::of::<()>(&Err(fault)));
            measured(op, &finding, started_at.elapsed());
            ended(permit, finding)
        });
    }
}

/// Work of the actor itself, for which no caller waits.
struct UpkeepCall<F>(F);

impl<F, W> QueuedCall for UpkeepCall<F>
where
    F: FnOnce(Arc<dyn Store>) -> W + Send + 'static,
    W: Future<Output = Finding> + Send + 'static,
{
    fn is_abandoned(&self) -> bool {
        false
    }

    fn refuse(self: Box<Self>, _: PersistenceError) {}

    fn run(self: Box<Self>, store: Arc<dyn Store>) -> Pin<Box<dyn Future<Output = Finding> + Send>> {
        Box::pin((self.0)(store))
    }
}
