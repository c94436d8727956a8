//! Decides when batches are written and calls start, and rejects them while the database is unavailable.

mod keyed;
mod lanes;
mod retention;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use registry_planning::plan::Plan;
use registry_store::idempotency::KeyedPlan;
use registry_store::tls::handshake_fault_in;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use self::lanes::Lanes;
pub(super) use self::retention::{delete_old_audit_entries, delete_old_plans};
use super::batch::{self, FillingBatch, PendingRow};
use super::load::{BATCHES, LoadBoard, lane_word};
use super::lookups::{self, Lookup, READS_IN_FLIGHT_MAX};
use super::metrics::record_wait;
use super::waiting::WaitingQueue;
use super::{DEPENDENCY, Finding, Op, PersistenceError, Store, StoreError, StoreSlot, contained, measured};
use crate::runtime::breaker::{BreakerSettings, ForcedState, NotPermitted, Permit};
use crate::runtime::guard::{Availability, ForcedChange, Guard};
use crate::runtime::inspection::located;
use crate::runtime::mailbox::{Behaviour, Inspection, Message, Myself, Reply};
use crate::runtime::running_time::{real_time_max, timed, timed_within};
use crate::snapshot::SnapshotCell;
use registry_store::Lane;

/// The delay before preparing is retried, doubled up to the maximum.
const PREPARE_RETRY: Duration = Duration::from_millis(250);
const PREPARE_RETRY_MAX: Duration = Duration::from_secs(3);
/// Maximum time between two probes, before jitter: a database that has recovered is used within five seconds, and one
/// `select 1` of each replica does not delay its recovery.
const PROBE_EVERY_MAX: Duration = Duration::from_secs(3);
/// Timeout of a probe, in running time: shorter than the timeouts of the store, which would delay the next probe.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// Time after which a probe is lost: the ping of a delayed process ends before.
const PROBE_TIMEOUT: Duration = real_time_max(PING_TIMEOUT).saturating_add(Duration::from_secs(1));

/// A call of the store.
pub(crate) trait QueuedCall: Send {
    /// Whether the caller no longer waits.
    fn is_abandoned(&self) -> bool;
    fn refuse(self: Box<Self>, why: PersistenceError);
    /// Runs the call, sends the result to the caller, and returns the finding.
    fn run(self: Box<Self>, store: Arc<dyn Store>) -> Pin<Box<dyn Future<Output = Finding> + Send>>;
}

pub(crate) enum PersistenceMessage {
    Save(PendingRow<Arc<Plan>>),
    SaveKeyed(PendingRow<KeyedPlan>),
    LookUp(Lookup),
    Run { op: Op, call: Box<dyn QueuedCall> },
    Flush { reply: Reply<()> },
    Prepare,
    Prepared { outcome: Result<Arc<dyn Store>, StoreError> },
    BatchWritten { permit: Permit, finding: Finding },
    KeyedWritten { permit: Permit, finding: Finding },
    LookedUp { permit: Permit, finding: Finding },
    Ran { op: Op, permit: Permit, finding: Finding },
    ProbeDue { generation: u64 },
    Probed { permit: Permit, finding: Finding },
    CountDue,
    DeleteDue,
    ExpireDue,
    Force { forced: Option<ForcedState>, reply: Reply<ForcedChange> },
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
            PersistenceMessage::Force { .. } => "force",
        }
    }
}

pub(crate) struct PersistenceActor {
    pub(crate) store: Arc<StoreSlot>,
    pub(crate) snapshots: Arc<SnapshotCell>,
    /// Receives the load of the lanes, which the handle reads.
    pub(super) board: Arc<LoadBoard>,
}

pub(crate) struct State {
    me: Myself<PersistenceMessage>,
    guard: Guard<PersistenceMessage>,
    /// Set once it is prepared.
    store: Option<Arc<dyn Store>>,
    prepare_retry: Duration,
    /// Whether a failure to prepare the database was logged.
    is_absence_logged: bool,
    /// The cause of a failed TLS handshake, if the last call failed for that reason.
    tls_fault: Option<String>,
    /// The fault with which the database was lost, until it recovers.
    loss: Option<String>,
    /// The host and port of the server.
    address: Option<String>,
    filling: FillingBatch<Arc<Plan>>,
    batches_in_flight: usize,
    /// Waiting reads of plans; bounded by the callers' permits.
    lookups: WaitingQueue<Lookup>,
    reads_in_flight: usize,
    /// Responses with idempotency keys that wait to be written, in order of arrival; bounded by the callers' permits.
    keyed: FillingBatch<KeyedPlan>,
    keyed_in_flight: usize,
    lanes: Lanes,
    flushing: Vec<Reply<()>>,
    /// Held by the task that deactivates expired profiles.
    expiring: Arc<Mutex<()>>,
}

impl Behaviour for PersistenceActor {
    type Message = PersistenceMessage;
    type State = State;

    fn start(&self, me: Myself<PersistenceMessage>) -> State {
        // The calls that the previous incarnation held are lost.
        self.board.publish(LoadBoard::EMPTY);
        me.tell(PersistenceMessage::Prepare);
        let breaker = BreakerSettings {
            open_duration_max: PROBE_EVERY_MAX,
            probe_timeout: PROBE_TIMEOUT,
            ..BreakerSettings::default()
        };
        let probe_due = |generation| PersistenceMessage::ProbeDue { generation };
        State {
            guard: Guard::new(DEPENDENCY, breaker, me.clone(), probe_due),
            me,
            store: None,
            prepare_retry: PREPARE_RETRY,
            is_absence_logged: false,
            tls_fault: None,
            loss: None,
            address: self.store.address(),
            filling: FillingBatch::default(),
            batches_in_flight: 0,
            lookups: WaitingQueue::default(),
            reads_in_flight: 0,
            keyed: FillingBatch::default(),
            keyed_in_flight: 0,
            lanes: Lanes::default(),
            flushing: Vec::new(),
            expiring: Arc::default(),
        }
    }

    fn handle(&self, message: PersistenceMessage, state: &mut State) {
        match message {
            PersistenceMessage::Save(pending) => state.save(pending),
            PersistenceMessage::SaveKeyed(pending) => state.save_keyed(pending),
            PersistenceMessage::LookUp(lookup) => state.look_up(lookup),
            PersistenceMessage::Run { op, call } => state.run(op, call),
            PersistenceMessage::Flush { reply } => {
                state.flushing.push(reply);
                state.finish_flush();
            }
            PersistenceMessage::Prepare => self.prepare(state),
            PersistenceMessage::Prepared { outcome } => state.prepared(outcome),
            PersistenceMessage::BatchWritten { permit, finding } => {
                state.batches_in_flight -= 1;
                state.record(permit, finding);
                state.write_next();
                state.finish_flush();
            }
            PersistenceMessage::KeyedWritten { permit, finding } => {
                state.keyed_in_flight -= 1;
                state.call_ended(Op::InsertKeyedPlans, permit, finding);
                state.finish_flush();
            }
            PersistenceMessage::LookedUp { permit, finding } => {
                state.reads_in_flight -= 1;
                state.call_ended(Op::Plan, permit, finding);
            }
            PersistenceMessage::Ran { op, permit, finding } => state.call_ended(op, permit, finding),
            PersistenceMessage::ProbeDue { generation } => state.probe(generation),
            PersistenceMessage::Probed { permit, finding } => state.record(permit, finding),
            PersistenceMessage::CountDue => state.count_unexpired(),
            PersistenceMessage::DeleteDue => {
                let settings = self.snapshots.settings();
                state.delete_old(settings.as_ref().map(|(table, _)| table.settings()));
            }
            PersistenceMessage::ExpireDue => state.expire_profiles(),
            PersistenceMessage::Force { forced, reply } => reply.send(state.force(forced)),
        }
        self.board.publish(state.loads());
    }

    fn inspect(&self, state: &State) -> Inspection {
        Inspection {
            breaker: Some(state.guard.state().as_str()),
            circuit: Some(state.guard.report()),
            reached: Some(state.store.is_some()),
            in_flight: Some(state.batches_in_flight + state.lanes.in_flight()),
            tls_fault: state.tls_fault.clone(),
            loss: state.loss.clone(),
            ..Inspection::default()
        }
    }
}

impl PersistenceActor {
    fn prepare(&self, state: &State) {
        let slot = Arc::clone(&self.store);
        state.me.run(async move {
            let started_at = Instant::now();
            let outcome = contained(slot.prepare()).await;
            measured(Op::Prepare, &Finding::of(&outcome), started_at.elapsed());
            PersistenceMessage::Prepared { outcome }
        });
    }
}

impl State {
    fn save(&mut self, pending: PendingRow<Arc<Plan>>) {
        if let Err(why) = self.admit() {
            pending.refuse(why);
            return;
        }
        self.filling.push(pending);
        self.write_next();
    }

    /// Writes the batch that has filled, unless the maximum number of batches is in flight.
    fn write_next(&mut self) {
        let Some(store) = self.store.clone() else { return };
        while !self.filling.is_empty() && self.batches_in_flight < store.batches_in_flight_max() {
            if self.batches_in_flight > 0 && !self.filling.is_worth_another() {
                return;
            }
            let permit = match self.guard.try_acquire() {
                Ok(permit) => permit,
                Err(refusal) => {
                    self.filling.refuse_all(&refusal.into());
                    return;
                }
            };
            let oldest = self.filling.oldest();
            let batch = self.filling.take(Instant::now());
            if batch.is_empty() {
                return;
            }
            record_wait(BATCHES, oldest);
            self.batches_in_flight += 1;
            let store = Arc::clone(&store);
            self.me.run(async move {
                let started_at = Instant::now();
                let (permit, finding) = timed(permit, batch::write(&*store, batch)).await;
                measured(Op::InsertPlans, &finding, started_at.elapsed());
                PersistenceMessage::BatchWritten { permit, finding }
            });
        }
    }

    fn look_up(&mut self, lookup: Lookup) {
        if let Err(why) = self.admit() {
            lookup.reply.send(Err(why));
            return;
        }
        self.lookups.push(lookup);
        self.read_next();
    }

    /// Reads the plans of waiting lookups, unless the maximum number of reads is in flight.
    fn read_next(&mut self) {
        while !self.lookups.is_empty() && self.reads_in_flight < READS_IN_FLIGHT_MAX && self.has_permit(Lane::Point) {
            let Some(store) = self.store.clone() else { return };
            let permit = match self.guard.try_acquire() {
                Ok(permit) => permit,
                Err(refusal) => {
                    self.lookups.drain().for_each(|lookup| lookup.reply.send(Err(refusal.into())));
                    return;
                }
            };
            let oldest = self.lookups.oldest();
            let batch = lookups::take(&mut self.lookups);
            if batch.is_empty() {
                return;
            }
            record_wait(lane_word(Lane::Point), oldest);
            self.reads_in_flight += 1;
            self.start(
                Op::Plan,
                permit,
                async move { lookups::read_plans(&*store, batch).await },
                |permit, finding| PersistenceMessage::LookedUp { permit, finding },
            );
        }
    }

    fn probe(&mut self, generation: u64) {
        let Some(store) = self.store.clone() else { return };
        let Some(permit) = self.guard.try_probe(generation) else { return };
        self.me.run(async move {
            let started_at = Instant::now();
            let (permit, answer) = timed_within(permit, PING_TIMEOUT, contained(store.ping())).await;
            let answer = answer.unwrap_or_else(|| {
                Err(StoreError::Unavailable(format!("timeout: no response to a ping within {PING_TIMEOUT:?}")))
            });
            let finding = Finding::of(&answer);
            measured(Op::Ping, &finding, started_at.elapsed());
            PersistenceMessage::Probed { permit, finding }
        });
    }

    fn force(&mut self, forced: Option<ForcedState>) -> ForcedChange {
        let change = self.guard.force(forced);
        self.refuse_all_waiting();
        change
    }

    /// Checks whether the database is available.
    fn admit(&self) -> Result<(), PersistenceError> {
        if self.store.is_none() {
            return Err(PersistenceError::Unavailable { retry_after: self.prepare_retry });
        }
        self.guard.check().map_err(PersistenceError::from)
    }

    fn prepared(&mut self, outcome: Result<Arc<dyn Store>, StoreError>) {
        match outcome {
            Ok(store) => {
                info!(dependency = DEPENDENCY, "database initialized");
                self.address = store.address().map(str::to_owned);
                self.store = Some(store);
                (self.tls_fault, self.loss) = (None, None);
                self.me.tell(PersistenceMessage::CountDue);
                self.me.tell(PersistenceMessage::DeleteDue);
                self.me.tell(PersistenceMessage::ExpireDue);
            }
            Err(fault) => {
                let retry_after = self.prepare_retry;
                self.tls_fault = handshake_fault_in(&fault.to_string()).map(str::to_owned);
                self.loss = Some(located(&fault.to_string(), self.address.as_deref()));
                if std::mem::replace(&mut self.is_absence_logged, true) {
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
        self.tls_fault = finding.fault.as_deref().and_then(handshake_fault_in).map(str::to_owned);
        match self.guard.record(permit, finding.outcome) {
            Some(Availability::Lost) => {
                let fault = finding.fault.unwrap_or_else(|| self.guard.slow_fault());
                let address = self.address.as_deref();
                warn!(dependency = DEPENDENCY, address, fault, "database unavailable: serving cached plans only");
                self.loss = Some(located(&fault, address));
                self.refuse_all_waiting();
            }
            Some(Availability::Recovered) => {
                self.loss = None;
                info!(dependency = DEPENDENCY, "database recovered");
            }
            None => {}
        }
    }

    /// Rejects everything that waits, because the breaker has opened.
    fn refuse_all_waiting(&mut self) {
        let Err(why) = self.admit() else { return };
        self.filling.refuse_all(&why);
        self.lookups.drain().for_each(|lookup| lookup.reply.send(Err(why.clone())));
        self.keyed.refuse_all(&why);
        self.refuse_waiting(&why);
        self.finish_flush();
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
