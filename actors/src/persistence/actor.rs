//! Decides what is written when, and whether the database is asked at all.

mod keyed;
mod lanes;
mod upkeep;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use registry_planning::plan::Plan;
use registry_store::idempotency::KeyedPlan;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use self::lanes::Lanes;
pub(super) use self::upkeep::{delete_old_audit_entries, delete_old_plans};
use super::batch::{self, Filling, Pending};
use super::lookups::{self, Lookup, READS_IN_FLIGHT_MAX};
use super::{DEPENDENCY, Finding, PersistenceError, Store, StoreError, contained, measured};
use crate::runtime::breaker::{BreakerSettings, NotPermitted, Permit};
use crate::runtime::guard::{Availability, Guard};
use crate::runtime::mailbox::{Behaviour, Inspection, Message, Myself, Reply};
use crate::snapshot::SnapshotCell;
use registry_store::Lane;

/// How soon preparing is tried again after it failed, doubling up to the maximum.
const PREPARE_RETRY: Duration = Duration::from_millis(250);
const PREPARE_RETRY_MAX: Duration = Duration::from_secs(3);
/// Most time between two probes, before jitter: a database that is back is to be used within five seconds, and one `select
/// 1` of each replica now and then does not hinder its recovery.
const PROBE_EVERY_MAX: Duration = Duration::from_secs(3);

/// Work on the store that has a caller waiting.
pub(crate) trait Call: Send {
    /// Whether the caller has gone.
    fn is_abandoned(&self) -> bool;
    /// Tells the caller that the work is not done.
    fn refuse(self: Box<Self>, why: PersistenceError);
    /// Does the work, tells the caller, and says what it shows of the database.
    fn run(self: Box<Self>, store: Arc<dyn Store>) -> Pin<Box<dyn Future<Output = Finding> + Send>>;
}

pub(crate) enum PersistenceMessage {
    Save(Pending<Arc<Plan>>),
    SaveKeyed(Pending<KeyedPlan>),
    LookUp(Lookup),
    Run { operation: &'static str, job: Box<dyn Call> },
    Flush { reply: Reply<()> },
    Prepare,
    Prepared { outcome: Result<(), StoreError> },
    BatchWritten { permit: Permit, finding: Finding },
    KeyedWritten { permit: Permit, finding: Finding },
    LookedUp { permit: Permit, finding: Finding },
    Ran { operation: &'static str, permit: Permit, finding: Finding },
    ProbeDue { generation: u64 },
    Probed { permit: Permit, finding: Finding },
    CountDue,
    DeleteDue,
    ExpireDue,
}

impl Message for PersistenceMessage {
    fn kind(&self) -> &'static str {
        match self {
            PersistenceMessage::Save(_) => "save",
            PersistenceMessage::SaveKeyed(_) => "save_keyed",
            PersistenceMessage::LookUp(_) => "look_up",
            PersistenceMessage::Run { .. } => "run",
            PersistenceMessage::Flush { .. } => "flush",
            PersistenceMessage::Prepare => "prepare",
            PersistenceMessage::Prepared { .. } => "prepared",
            PersistenceMessage::BatchWritten { .. } => "batch_written",
            PersistenceMessage::KeyedWritten { .. } => "keyed_written",
            PersistenceMessage::LookedUp { .. } => "looked_up",
            PersistenceMessage::Ran { .. } => "ran",
            PersistenceMessage::ProbeDue { .. } => "probe_due",
            PersistenceMessage::Probed { .. } => "probed",
            PersistenceMessage::CountDue => "count_due",
            PersistenceMessage::DeleteDue => "delete_due",
            PersistenceMessage::ExpireDue => "expire_due",
        }
    }
}

pub(crate) struct PersistenceActor {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) snapshots: Arc<SnapshotCell>,
}

pub(crate) struct State {
    me: Myself<PersistenceMessage>,
    guard: Guard<PersistenceMessage>,
    is_prepared: bool,
    prepare_retry: Duration,
    /// Whether it was told that the database cannot be prepared.
    is_absence_told: bool,
    filling: Filling<Arc<Plan>>,
    batches_in_flight: usize,
    /// Who waits for a plan; bounded as jobs are.
    lookups: VecDeque<Lookup>,
    reads_in_flight: usize,
    /// Answers with idempotency keys that wait to be written, in order of arrival; bounded by the callers' permits.
    keyed: Filling<KeyedPlan>,
    keyed_in_flight: usize,
    lanes: Lanes,
    flushing: Vec<Reply<()>>,
    /// Held by the task that puts expired profiles out of use.
    expiring: Arc<Mutex<()>>,
}

impl Behaviour for PersistenceActor {
    type Message = PersistenceMessage;
    type State = State;

    fn start(&self, me: Myself<PersistenceMessage>) -> State {
        me.tell(PersistenceMessage::Prepare);
        let breaker = BreakerSettings { open_duration_max: PROBE_EVERY_MAX, ..BreakerSettings::default() };
        let probe_due = |generation| PersistenceMessage::ProbeDue { generation };
        State {
            guard: Guard::new(DEPENDENCY, breaker, me.clone(), probe_due),
            me,
            is_prepared: false,
            prepare_retry: PREPARE_RETRY,
            is_absence_told: false,
            filling: Filling::default(),
            batches_in_flight: 0,
            lookups: VecDeque::new(),
            reads_in_flight: 0,
            keyed: Filling::default(),
            keyed_in_flight: 0,
            lanes: Lanes::default(),
            flushing: Vec::new(),
            expiring: Arc::default(),
        }
    }

    fn handle(&self, message: PersistenceMessage, state: &mut State) {
        match message {
            PersistenceMessage::Save(pending) => self.save(pending, state),
            PersistenceMessage::SaveKeyed(pending) => self.save_keyed(pending, state),
            PersistenceMessage::LookUp(lookup) => self.look_up(lookup, state),
            PersistenceMessage::Run { operation, job } => self.run(operation, job, state),
            PersistenceMessage::Flush { reply } => {
                state.flushing.push(reply);
                state.finish_flush();
            }
            PersistenceMessage::Prepare => self.prepare(state),
            PersistenceMessage::Prepared { outcome } => state.prepared(outcome),
            PersistenceMessage::BatchWritten { permit, finding } => {
                state.batches_in_flight -= 1;
                state.record(permit, finding);
                self.write_next(state);
                state.finish_flush();
            }
            PersistenceMessage::KeyedWritten { permit, finding } => {
                state.keyed_in_flight -= 1;
                self.job_ended("insert_keyed_plans", permit, finding, state);
                state.finish_flush();
            }
            PersistenceMessage::LookedUp { permit, finding } => {
                state.reads_in_flight -= 1;
                self.job_ended("plan", permit, finding, state);
            }
            PersistenceMessage::Ran { operation, permit, finding } => {
                self.job_ended(operation, permit, finding, state);
            }
            PersistenceMessage::ProbeDue { generation } => self.probe(generation, state),
            PersistenceMessage::Probed { permit, finding } => state.record(permit, finding),
            PersistenceMessage::CountDue => self.count_unexpired(state),
            PersistenceMessage::DeleteDue => self.delete_old(state),
            PersistenceMessage::ExpireDue => self.expire_profiles(state),
        }
    }

    fn inspect(&self, state: &State) -> Inspection {
        Inspection {
            breaker: Some(state.guard.state().as_str()),
            reached: Some(state.is_prepared),
            in_flight: Some(state.batches_in_flight + state.lanes.in_flight()),
        }
    }
}

impl PersistenceActor {
    fn save(&self, pending: Pending<Arc<Plan>>, state: &mut State) {
        if let Err(why) = state.admit() {
            pending.refuse(why);
            return;
        }
        state.filling.push(pending);
        self.write_next(state);
    }

    /// Writes what has filled, unless as many batches are under way as may be.
    fn write_next(&self, state: &mut State) {
        while !state.filling.is_empty() && state.batches_in_flight < self.store.batches_in_flight_max() {
            if state.batches_in_flight > 0 && !state.filling.is_worth_another() {
                return;
            }
            let now = Instant::now();
            let permit = match state.guard.try_acquire() {
                Ok(permit) => permit,
                Err(refusal) => {
                    state.filling.refuse_all(&refusal.into());
                    return;
                }
            };
            let batch = state.filling.take(now);
            if batch.is_empty() {
                return;
            }
            state.batches_in_flight += 1;
            let store = Arc::clone(&self.store);
            state.me.run(async move {
                let started_at = Instant::now();
                let finding = batch::write(&*store, batch).await;
                measured("insert_plans", &finding, started_at.elapsed());
                PersistenceMessage::BatchWritten { permit, finding }
            });
        }
    }

    fn look_up(&self, lookup: Lookup, state: &mut State) {
        if let Err(why) = state.admit() {
            lookup.reply.send(Err(why));
            return;
        }
        state.lookups.push_back(lookup);
        self.read_next(state);
    }

    /// Reads for those who wait, unless as much is under way as may be.
    fn read_next(&self, state: &mut State) {
        while !state.lookups.is_empty()
            && state.reads_in_flight < READS_IN_FLIGHT_MAX
            && self.has_permit(Lane::Point, state)
        {
            let permit = match state.guard.try_acquire() {
                Ok(permit) => permit,
                Err(refusal) => {
                    state.lookups.drain(..).for_each(|lookup| lookup.reply.send(Err(refusal.into())));
                    return;
                }
            };
            let batch = lookups::take(&mut state.lookups);
            if batch.is_empty() {
                return;
            }
            state.reads_in_flight += 1;
            state.lanes.start("plan");
            let store = Arc::clone(&self.store);
            state.me.run(async move {
                let started_at = Instant::now();
                let finding = lookups::read(&*store, batch).await;
                measured("plan", &finding, started_at.elapsed());
                PersistenceMessage::LookedUp { permit, finding }
            });
        }
    }

    fn prepare(&self, state: &State) {
        let store = Arc::clone(&self.store);
        state.me.run(async move {
            let started_at = Instant::now();
            let outcome = contained(store.prepare()).await;
            measured("prepare", &Finding::of(&outcome), started_at.elapsed());
            PersistenceMessage::Prepared { outcome }
        });
    }

    fn probe(&self, generation: u64, state: &mut State) {
        let Some(permit) = state.guard.try_probe(generation) else { return };
        let store = Arc::clone(&self.store);
        state.me.run(async move {
            let started_at = Instant::now();
            let finding = Finding::of(&contained(store.ping()).await);
            measured("ping", &finding, started_at.elapsed());
            PersistenceMessage::Probed { permit, finding }
        });
    }
}

impl State {
    /// Whether the database may be asked at all.
    fn admit(&self) -> Result<(), PersistenceError> {
        if !self.is_prepared {
            return Err(PersistenceError::Unavailable { retry_after: self.prepare_retry });
        }
        self.guard.check().map_err(PersistenceError::from)
    }

    fn prepared(&mut self, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => {
                info!(dependency = DEPENDENCY, "database initialized");
                self.is_prepared = true;
                self.me.tell(PersistenceMessage::CountDue);
                self.me.tell(PersistenceMessage::DeleteDue);
                self.me.tell(PersistenceMessage::ExpireDue);
            }
            Err(fault) => {
                let retry_after = self.prepare_retry;
                if std::mem::replace(&mut self.is_absence_told, true) {
                    debug!(dependency = DEPENDENCY, %fault, ?retry_after, "database still unavailable; retrying");
                } else {
                    warn!(dependency = DEPENDENCY, %fault, ?retry_after, "failed to initialize database; retrying");
                }
                self.me.tell_after(retry_after, PersistenceMessage::Prepare);
                self.prepare_retry = (retry_after * 2).min(PREPARE_RETRY_MAX);
            }
        }
    }

    fn record(&mut self, permit: Permit, finding: Finding) {
        match self.guard.record(permit, finding.outcome) {
            Some(Availability::Lost) => {
                let fault = finding.fault.unwrap_or_else(|| self.guard.slow_fault());
                warn!(dependency = DEPENDENCY, fault, "database unavailable: serving cached plans only");
            }
            Some(Availability::Recovered) => info!(dependency = DEPENDENCY, "database recovered"),
            None => {}
        }
    }

    fn finish_flush(&mut self) {
        let is_all_written = self.filling.is_empty() && self.keyed.is_empty();
        if is_all_written && self.batches_in_flight + self.keyed_in_flight == 0 {
            self.flushing.drain(..).for_each(|reply| reply.send(()));
        }
    }
}

impl From<NotPermitted> for PersistenceError {
    fn from(refusal: NotPermitted) -> Self {
        PersistenceError::Unavailable { retry_after: refusal.retry_after }
    }
}
