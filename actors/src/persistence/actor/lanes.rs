//! Starts calls in three lanes: what waits in one lane cannot delay another one.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use registry_store::Lane;
use tokio::time::Instant;

use super::{Call, PersistenceActor, PersistenceError, PersistenceMessage, State};
use crate::persistence::{Finding, contained, measured};
use crate::runtime::breaker::Permit;

/// Lists and totals. The statement timeout of one is its caller's.
pub(crate) const LISTS: [&str; 8] =
    ["audit_entries", "conflicts", "diff", "plans", "profile_stats", "profile_versions", "profiles", "versions"];
/// Calls that move a whole catalog, and the search for stale jobs.
pub(crate) const BULK: [&str; 3] = ["catalogue", "fail_silent_jobs", "offer"];
/// Retention and counts. One at a time, so that a long one leaves a permit of its lane to loads and reads of the catalog.
pub(crate) const RETENTION: [&str; 5] =
    ["count_unexpired", "delete_expired_keys", "delete_old_audit_entries", "delete_old_plans", "expire_profiles"];
/// Operations on the point lane that may take long by their nature: their time says nothing about the database. A change of
/// a profile waits for the others of its user, and an idempotency key for another transaction that is taking it.
const LONG_POINT: [&str; 3] = ["change_profile", "create_keyed_job", "insert_keyed_plans"];

/// The lane of an operation.
pub(crate) fn lane_of(operation: &str) -> Lane {
    if LISTS.contains(&operation) {
        Lane::List
    } else if BULK.contains(&operation) || RETENTION.contains(&operation) {
        Lane::Upkeep
    } else {
        Lane::Point
    }
}

/// Whether the time of an operation says nothing about the database.
fn is_untimed(operation: &str) -> bool {
    match lane_of(operation) {
        Lane::List => true,
        Lane::Upkeep => operation != "fail_silent_jobs",
        Lane::Point => LONG_POINT.contains(&operation),
    }
}

/// Calls that wait or are in progress.
#[derive(Default)]
pub(super) struct Lanes {
    point: Queue,
    list: Queue,
    upkeep: Queue,
    retention_in_flight: usize,
    /// Counts ended calls of the point lane; see [`PersistenceActor::start_next_point`].
    turn: usize,
}

#[derive(Default)]
struct Queue {
    /// Bounded by the callers' permits, and by one call of each operation of the actor's own.
    waiting: VecDeque<(&'static str, Box<dyn Call>)>,
    in_flight: usize,
}

impl Lanes {
    fn of(&self, lane: Lane) -> &Queue {
        match lane {
            Lane::Point => &self.point,
            Lane::List => &self.list,
            Lane::Upkeep => &self.upkeep,
        }
    }

    fn of_mut(&mut self, lane: Lane) -> &mut Queue {
        match lane {
            Lane::Point => &mut self.point,
            Lane::List => &mut self.list,
            Lane::Upkeep => &mut self.upkeep,
        }
    }

    /// Number of calls in progress.
    pub(super) fn in_flight(&self) -> usize {
        Lane::ALL.iter().map(|lane| self.of(*lane).in_flight).sum()
    }

    /// Counts a call as in progress.
    pub(super) fn start(&mut self, operation: &str) {
        self.of_mut(lane_of(operation)).in_flight += 1;
        self.retention_in_flight += usize::from(RETENTION.contains(&operation));
    }

    fn end(&mut self, operation: &str) {
        self.of_mut(lane_of(operation)).in_flight -= 1;
        self.retention_in_flight -= usize::from(RETENTION.contains(&operation));
    }

    /// Takes the first waiting call of a lane that may start if the lane has a permit.
    fn take(&mut self, lane: Lane) -> Option<(&'static str, Box<dyn Call>)> {
        let has_retention = self.retention_in_flight > 0;
        let waiting = &mut self.of_mut(lane).waiting;
        let first = waiting.iter().position(|(operation, _)| !has_retention || !RETENTION.contains(operation))?;
        waiting.remove(first)
    }
}

impl PersistenceActor {
    /// Whether another call of the lane may start.
    pub(super) fn has_permit(&self, lane: Lane, state: &State) -> bool {
        state.lanes.of(lane).in_flight < self.store.permits(lane)
    }

    pub(super) fn run(&self, operation: &'static str, job: Box<dyn Call>, state: &mut State) {
        if let Err(why) = state.admit() {
            job.refuse(why);
            return;
        }
        self.enqueue(operation, job, state);
    }

    /// Runs work that nobody waits for, unless the breaker rejects it or the same work waits already.
    pub(super) fn run_upkeep(
        &self,
        operation: &'static str,
        state: &mut State,
        work: impl Future<Output = Finding> + Send + 'static,
    ) {
        let is_waiting = state.lanes.of(lane_of(operation)).waiting.iter().any(|(other, _)| *other == operation);
        if !is_waiting {
            self.enqueue(operation, Box::new(Unattended(work)), state);
        }
    }

    fn enqueue(&self, operation: &'static str, job: Box<dyn Call>, state: &mut State) {
        let lane = lane_of(operation);
        state.lanes.of_mut(lane).waiting.push_back((operation, job));
        self.run_next(lane, state);
    }

    /// Starts calls while their lane has a permit: what waits here waits in nobody's connection pool, where a long queue
    /// would look like a database that does not respond.
    fn run_next(&self, lane: Lane, state: &mut State) {
        while self.has_permit(lane, state) {
            let Some((operation, job)) = state.lanes.take(lane) else { return };
            if job.is_abandoned() {
                continue;
            }
            match state.guard.try_acquire() {
                Err(refusal) => job.refuse(refusal.into()),
                Ok(permit) => {
                    state.start_as(operation, permit, job.run(Arc::clone(&self.store)), move |permit, finding| {
                        PersistenceMessage::Ran { operation, permit, finding }
                    });
                }
            }
        }
    }

    /// Passes the permit of a call that has ended on to a waiting call of the same lane.
    pub(super) fn job_ended(&self, operation: &'static str, permit: Permit, finding: Finding, state: &mut State) {
        state.lanes.end(operation);
        state.record(permit, finding);
        match lane_of(operation) {
            Lane::Point => self.start_next_point(state),
            lane => self.run_next(lane, state),
        }
    }

    /// Offers permits to lookups of plans, answers with keys, and single calls, to each of them first in turn, because two of
    /// them together can use all permits.
    fn start_next_point(&self, state: &mut State) {
        state.lanes.turn = state.lanes.turn.wrapping_add(1);
        for offset in 0..3 {
            match state.lanes.turn.wrapping_add(offset) % 3 {
                0 => self.read_next(state),
                1 => self.write_keyed_next(state),
                _ => self.run_next(Lane::Point, state),
            }
        }
    }
}

impl State {
    /// Runs work on the store in a task; what it shows of the database comes back as a message. If the work panics, it is
    /// the work that has failed: the actor, which would end with its task, goes on.
    pub(super) fn start_as(
        &mut self,
        operation: &'static str,
        permit: Permit,
        work: impl Future<Output = Finding> + Send + 'static,
        ended: impl FnOnce(Permit, Finding) -> PersistenceMessage + Send + 'static,
    ) {
        self.lanes.start(operation);
        let permit = if is_untimed(operation) { permit.untimed() } else { permit };
        let started_at = Instant::now();
        self.me.run(async move {
            let finding = contained(async { Ok(work.await) }).await;
            let finding = finding.unwrap_or_else(|fault| Finding::of::<()>(&Err(fault)));
            measured(operation, &finding, started_at.elapsed());
            ended(permit, finding)
        });
    }
}

/// Work of the actor's own, for which nobody waits.
struct Unattended<F>(F);

impl<F: Future<Output = Finding> + Send + 'static> Call for Unattended<F> {
    fn is_abandoned(&self) -> bool {
        false
    }

    fn refuse(self: Box<Self>, _: PersistenceError) {}

    fn run(
        self: Box<Self>,
        _: Arc<dyn registry_store::Store>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Finding> + Send>> {
        Box::pin(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistence::OPERATIONS;

    #[test]
    fn each_operation_is_in_the_lane_of_its_kind() {
        let of = |lane| OPERATIONS.into_iter().filter(|operation| lane_of(operation) == lane).collect::<Vec<_>>();

        assert_eq!(of(Lane::List), LISTS);
        assert_eq!(of(Lane::Upkeep).len(), BULK.len() + RETENTION.len());
        assert_eq!(
            of(Lane::Point),
            [
                "cancel_job",
                "catalogue_version",
                "change_profile",
                "create_job",
                "create_keyed_job",
                "insert_keyed_plans",
                "insert_plans",
                "job",
                "last_good",
                "ping",
                "plan",
                "prepare",
                "profile",
                "refusals",
                "refuse_load",
                "save_job",
                "save_last_good",
                "stored_answer",
            ]
        );
    }
}
