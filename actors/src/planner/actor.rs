//! One planner: plans a request once for all callers that need it, and answers when the plan is durable.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use metrics::{counter, histogram};
use registry_planning::fit::PinnedOverCapacity;
use registry_planning::instrument::Amount;
use registry_planning::plan::Plan;
use registry_planning::request::{PlanRequest, Resolved};
use registry_planning::vocabulary::{CacheKey, OptimizationLevel};
use registry_planning::{Stamp, create_plan};
use tokio::time::Instant;
use tracing::error;
use uuid::Uuid;

#[cfg(any(test, feature = "fault-injection"))]
use super::faults::{Faults, PanicAt};
use super::message::{PendingPlan, PlannerMessage};
use super::metrics::{PLANNER_PANICS, PLANNING_DURATION, plan_created, plan_of_broker};
use super::quarantine::{PanicWatch, Quarantine};
use super::waiter::Waiter;
use super::{PlanClaim, PlanError, Planned};
use crate::cache::{CacheHandle, CachedPlan, SHARED_BUDGET};
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::runtime::deadline::SharedDeadline;
use crate::runtime::mailbox::{Behaviour, CallError, Inspection, Myself, Reply};
use crate::runtime::panics::contain;
use crate::snapshot::Snapshot;
use crate::trace::{Interval, Stage, measured};
use registry_store::idempotency::{Claimed, KeyedPlan, PlanAnswerRecord};

/// Maximum delay of a plan that is already stored, for reading the one that another replica stored before.
const WINNER_TIMEOUT: Duration = Duration::from_millis(250);

pub(crate) struct PlannerActor {
    pub(super) cache: CacheHandle,
    pub(super) persistence: PersistenceHandle,
    pub(super) quarantine: Arc<Quarantine>,
    #[cfg(any(test, feature = "fault-injection"))]
    pub(super) faults: Arc<Faults>,
}

/// A plan in progress, and all callers that wait for it. The first caller started it; the others joined.
struct InFlight {
    request: Arc<PlanRequest>,
    resolved: Arc<Resolved>,
    snapshot: Arc<Snapshot>,
    /// The latest deadline of all callers.
    deadline: SharedDeadline,
    made: Option<Arc<CachedPlan>>,
    /// The remaining time for L2.
    shared_budget: Duration,
    /// The caller that the plan is created for, if its request has an idempotency key. Its answer is stored with the
    /// plan, so it gets only that plan.
    claimant: Option<Claimant>,
    waiting: Vec<Waiter>,
}

impl InFlight {
    fn callers(&self) -> impl Iterator<Item = &Waiter> {
        self.waiting.iter().chain(self.claimant.as_ref().map(|claimant| &claimant.caller))
    }

    /// Adds an interval to the traces of all callers.
    fn record(&self, interval: Interval) {
        self.callers().for_each(|caller| caller.record(interval));
    }
}

struct Claimant {
    claim: PlanClaim,
    /// The answer that is stored with the plan; `None` before the plan is created.
    record: Option<PlanAnswerRecord>,
    caller: Waiter,
}

pub(crate) struct State {
    me: Myself<PlannerMessage>,
    in_flight: HashMap<CacheKey, InFlight>,
    draining: Vec<Reply<()>>,
}

impl Behaviour for PlannerActor {
    type Message = PlannerMessage;
    type State = State;

    fn start(&self, me: Myself<PlannerMessage>) -> State {
        State { me, in_flight: HashMap::new(), draining: Vec::new() }
    }

    /// Adds the calls that have ended, and the time in the mailbox, to the traces of the callers.
    fn note_wait(&self, message: &PlannerMessage, sent_at: Instant, received_at: Instant, state: &State) {
        let waited = Interval { stage: Stage::Queue, started_at: sent_at, ended_at: received_at };
        if let PlannerMessage::Plan(pending) = message {
            pending.caller.record(waited);
        } else if let Some(in_flight) = message.key().and_then(|key| state.in_flight.get(&key)) {
            message.calls().chain([waited]).for_each(|interval| in_flight.record(interval));
        }
    }

    fn handle(&self, message: PlannerMessage, state: &mut State) {
        let _watch = message.key().map(|key| PanicWatch::new(&*self.quarantine, key));
        match message {
            PlannerMessage::Plan(pending) => self.admit(pending, state),
            PlannerMessage::LookedUp { key, found, looked_up, .. } => {
                self.looked_up(key, found, looked_up.duration(), state);
            }
            PlannerMessage::Saved { key, outcome, .. } => self.saved(key, outcome, state),
            PlannerMessage::Shared { key, made, winner, .. } => self.shared(key, &made, winner, state),
            PlannerMessage::Drain { reply } => {
                state.draining.push(reply);
                state.finish_drain();
            }
        }
    }

    fn inspect(&self, state: &State) -> Inspection {
        Inspection { in_flight: Some(state.in_flight.len()), ..Inspection::default() }
    }
}

impl PlannerActor {
    fn admit(&self, pending: PendingPlan, state: &mut State) {
        let PendingPlan { request, resolved, snapshot, claim, deadline, caller } = pending;
        if caller.is_abandoned() || Instant::now() >= deadline {
            counter!("instrument_registry_abandoned_requests_total").increment(1);
            return;
        }
        let key = resolved.cache_key();
        #[cfg(any(test, feature = "fault-injection"))]
        self.faults.strike(&request.user_id, PanicAt::Handling);
        // Looked up again, because the plan may have been stored while this request waited in the mailbox.
        if let Some(cached) = self.cache.peek(key) {
            caller.send(Ok(Planned { cached, is_reused: true, record: None }));
            return;
        }
        if let Some(in_flight) = state.in_flight.get_mut(&key) {
            in_flight.deadline.extend_to(deadline);
            in_flight.waiting.push(caller);
            return;
        }
        let (claimant, waiting) = match claim {
            Some(claim) => (Some(Claimant { claim, record: None, caller }), Vec::new()),
            None => (None, vec![caller]),
        };
        let in_flight = InFlight {
            request,
            resolved,
            snapshot,
            deadline: SharedDeadline::new(deadline),
            made: None,
            shared_budget: SHARED_BUDGET,
            claimant,
            waiting,
        };
        state.in_flight.insert(key, in_flight);
        if self.cache.has_shared() {
            self.look_up(key, deadline, state);
        } else {
            self.make(key, state);
        }
    }

    /// Looks up the plan id in L2, and reads that plan from the database.
    fn look_up(&self, key: CacheKey, deadline: Instant, state: &State) {
        let (cache, persistence) = (self.cache.clone(), self.persistence.clone());
        let watch = PanicWatch::new(Arc::clone(&self.quarantine), key);
        state.me.run(async move {
            let _watch = watch;
            let started_at = Instant::now();
            let plan_id = cache.look_up_shared(key, deadline).await;
            let looked_up = Interval::since(started_at, Stage::Cache);
            let (found, read) = match plan_id {
                Some(plan_id) => shared_plan(key, plan_id, &persistence, deadline).await,
                None => (None, None),
            };
            PlannerMessage::LookedUp { key, found, looked_up, read }
        });
    }

    fn looked_up(&self, key: CacheKey, found: Option<Arc<Plan>>, took: Duration, state: &mut State) {
        let Some(in_flight) = state.in_flight.get_mut(&key) else { return };
        in_flight.shared_budget = in_flight.shared_budget.saturating_sub(took);
        match found {
            Some(plan) => self.reuse(key, plan, state),
            None => self.make(key, state),
        }
    }

    fn reuse(&self, key: CacheKey, plan: Arc<Plan>, state: &mut State) {
        let cached = Arc::new(CachedPlan::new(plan));
        self.cache.insert(&cached);
        state.answer(key, |_| Ok(Planned { cached: Arc::clone(&cached), is_reused: true, record: None }));
    }

    /// Creates the plan and sends it to be stored. If planning panics, the callers get an error, and the planner lives.
    fn make(&self, key: CacheKey, state: &mut State) {
        let Some(in_flight) = state.in_flight.get_mut(&key) else { return };
        if in_flight.callers().all(Waiter::is_abandoned) {
            counter!("instrument_registry_abandoned_requests_total").increment(1);
            state.in_flight.remove(&key);
            state.finish_drain();
            return;
        }
        match contain(|| self.planned(in_flight)) {
            Ok(Err(over)) => state.answer(key, |_| Err(PlanError::PinnedOverCapacity(over.clone()))),
            Ok(Ok(made)) => {
                if let Some(claimant) = &mut in_flight.claimant {
                    claimant.record = Some(claimant.claim.record(&made.plan.plan_id, false));
                }
                in_flight.made = Some(Arc::new(made));
                self.save(key, state);
            }
            Err(panic) => {
                counter!(PLANNER_PANICS, "outcome" => "answered").increment(1);
                error!(cache_key = %key, panic, "planning a request panicked");
                state.answer(key, |_| Err(PlanError::Panicked));
            }
        }
    }

    fn planned(&self, in_flight: &InFlight) -> Result<CachedPlan, PinnedOverCapacity> {
        #[cfg(any(test, feature = "fault-injection"))]
        self.faults.strike(&in_flight.request.user_id, PanicAt::Planning);
        let (plan, computed) = timed_plan(&in_flight.request, &in_flight.resolved, &in_flight.snapshot)?;
        let level = in_flight.request.options.optimization_level;
        histogram!(PLANNING_DURATION, "optimization_level" => level.as_str()).record(computed.duration());
        in_flight.record(computed);
        Ok(CachedPlan::new(Arc::new(plan)))
    }

    fn save(&self, key: CacheKey, state: &State) {
        let Some(in_flight) = state.in_flight.get(&key) else { return };
        let Some(cached) = in_flight.made.clone() else { return };
        let (plan, bytes) = (Arc::clone(&cached.plan), cached.json.len());
        let (me, started_at) = (state.me.clone(), Instant::now());
        let saved = move |outcome| {
            let written = Interval::since(started_at, Stage::Database);
            me.tell(PlannerMessage::Saved { key, outcome, written });
        };
        if let Some(Claimant { claim, record: Some(record), .. }) = &in_flight.claimant {
            let row = match record.claim(&claim.request) {
                Ok(claim) => KeyedPlan { plan: Some(plan), claim },
                Err(fault) => return saved(Err(fault.into())),
            };
            self.persistence.save_keyed(row, bytes, in_flight.deadline.clone(), saved);
            return;
        }
        let saved = move |outcome: Result<(), _>| saved(outcome.map(|()| Claimed::Stored));
        self.persistence.save(plan, bytes, in_flight.deadline.clone(), saved);
    }

    fn saved(&self, key: CacheKey, outcome: Result<Claimed, PersistenceError>, state: &mut State) {
        let Some(in_flight) = state.in_flight.get_mut(&key) else { return };
        let (made, deadline) = (in_flight.made.clone(), in_flight.deadline.clone());
        match (outcome, made) {
            // A caller with a later deadline joined after the write had been dropped.
            (Err(PersistenceError::Call(CallError::DeadlineExceeded(_))), Some(_))
                if !deadline.has_passed(Instant::now()) =>
            {
                self.save(key, state);
            }
            (Ok(Claimed::Taken(answer)), _) => {
                if let Some(claimant) = in_flight.claimant.take() {
                    claimant.caller.send(Err(PlanError::Answered(answer)));
                }
                // The plan was not stored. Requests that joined still wait for it.
                if in_flight.waiting.is_empty() {
                    state.in_flight.remove(&key);
                    state.finish_drain();
                } else {
                    self.save(key, state);
                }
            }
            (Ok(Claimed::Stored), Some(cached)) => {
                plan_created(&cached.plan, "success").increment(1);
                plan_of_broker(&cached.plan).increment(1);
                if self.cache.has_shared() {
                    self.share(key, cached, deadline.at(), in_flight.shared_budget, state);
                } else {
                    self.answer_made(key, &cached, state);
                }
            }
            (Err(fault), made) => {
                if let Some(cached) = made {
                    plan_created(&cached.plan, "error").increment(1);
                }
                state.answer(key, |_| Err(PlanError::NotStored(fault.clone())));
            }
            (Ok(Claimed::Stored), None) => {}
        }
    }

    /// Stores a durable plan in L2, and waits for the result within the budget. If another replica was first with a
    /// plan for the same key, all callers get that plan: later requests find it in both replicas' L1 and in L2.
    fn share(&self, key: CacheKey, made: Arc<CachedPlan>, deadline: Instant, budget: Duration, state: &State) {
        let (cache, persistence) = (self.cache.clone(), self.persistence.clone());
        let watch = PanicWatch::new(Arc::clone(&self.quarantine), key);
        state.me.run(async move {
            let _watch = watch;
            let started_at = Instant::now();
            let plan_id = cache.share(&made.plan, deadline.min(started_at + budget)).await;
            let put = Interval::since(started_at, Stage::Cache);
            let (winner, read) = match plan_id {
                Some(plan_id) if plan_id != made.plan.plan_id => {
                    let deadline = deadline.min(Instant::now() + WINNER_TIMEOUT);
                    shared_plan(key, plan_id, &persistence, deadline).await
                }
                _ => (None, None),
            };
            PlannerMessage::Shared { key, made, winner, put, read }
        });
    }

    fn shared(&self, key: CacheKey, made: &Arc<CachedPlan>, winner: Option<Arc<Plan>>, state: &mut State) {
        match winner {
            Some(plan) => {
                state.answer_claimant(key, made);
                self.reuse(key, plan, state);
            }
            None => self.answer_made(key, made, state),
        }
    }

    /// Returns the plan that was created here to all callers.
    fn answer_made(&self, key: CacheKey, made: &Arc<CachedPlan>, state: &mut State) {
        // L1 is filled before the entry is removed, so that no request misses both the table and the cache.
        self.cache.insert(made);
        let is_claimed = state.answer_claimant(key, made);
        state.answer(key, |is_first| {
            Ok(Planned { cached: Arc::clone(made), is_reused: is_claimed || !is_first, record: None })
        });
    }
}

impl State {
    /// Answers the caller with the idempotency key that the plan was created and stored for. Returns `false` without
    /// one.
    fn answer_claimant(&mut self, key: CacheKey, made: &Arc<CachedPlan>) -> bool {
        let claimant = self.in_flight.get_mut(&key).and_then(|in_flight| in_flight.claimant.take());
        let Some(Claimant { record, caller, .. }) = claimant else { return false };
        caller.send(Ok(Planned { cached: Arc::clone(made), is_reused: false, record }));
        true
    }

    /// Answers all callers that still wait for the plan; the argument of `answer` is `true` for the first of them.
    fn answer(&mut self, key: CacheKey, answer: impl Fn(bool) -> Result<Planned, PlanError>) {
        let Some(in_flight) = self.in_flight.remove(&key) else { return };
        let claimant = in_flight.claimant.map(|claimant| claimant.caller);
        let waiting = claimant.into_iter().chain(in_flight.waiting).filter(|caller| !caller.is_abandoned());
        for (index, caller) in waiting.enumerate() {
            caller.send(answer(index == 0));
        }
        self.finish_drain();
    }

    fn finish_drain(&mut self) {
        if self.in_flight.is_empty() {
            self.draining.drain(..).for_each(|reply| reply.send(()));
        }
    }
}

/// Reads the plan with the id from L2 from the database, and measures the read. A missing row and a plan of another key
/// are misses.
async fn shared_plan(
    key: CacheKey,
    plan_id: String,
    persistence: &PersistenceHandle,
    deadline: Instant,
) -> (Option<Arc<Plan>>, Option<Interval>) {
    let started_at = Instant::now();
    let plan = persistence.plan(plan_id, deadline).await.ok().flatten();
    let read = Interval::since(started_at, Stage::Database);
    let plan = plan.filter(|plan| plan.cache_key == key && plan.expires_at > Utc::now());
    (plan.map(Arc::new), Some(read))
}

/// Computes the plan of a request, for a caller that neither stores nor caches it. It takes milliseconds.
///
/// # Errors
/// [`PinnedOverCapacity`].
pub fn compute_plan(
    request: &PlanRequest,
    resolved: &Resolved,
    snapshot: &Snapshot,
) -> Result<Plan, PinnedOverCapacity> {
    measured(Stage::Plan, || timed_plan(request, resolved, snapshot)).map(|(plan, _)| plan)
}

/// Returns a new plan, and the time in which it was computed.
fn timed_plan(
    request: &PlanRequest,
    resolved: &Resolved,
    snapshot: &Snapshot,
) -> Result<(Plan, Interval), PinnedOverCapacity> {
    let started_at = std::time::Instant::now();
    let stamp = stamp(snapshot.settings.plan_cache_ttl);
    let mut plan = create_plan(request, resolved, snapshot.basis(), stamp)?;
    let took = started_at.elapsed();
    let computed = Interval::of(Stage::Plan, started_at.into(), took);
    if request.options.optimization_level == OptimizationLevel::Aggressive {
        // Ten-thousandths of a millisecond are tenths of a microsecond.
        let tenths = i64::try_from(took.as_nanos() / 100).unwrap_or(i64::MAX);
        plan.metadata.optimization_result.optimization_time_ms = Some(Amount::from_ten_thousandths(tenths));
    }
    Ok((plan, computed))
}

/// Returns a new id and the times of a plan that is created now. Ids are ordered by time.
fn stamp(ttl: Duration) -> Stamp {
    let created_at: DateTime<Utc> = Utc::now().trunc_subsecs(3);
    let ttl = TimeDelta::from_std(ttl).unwrap_or(TimeDelta::MAX);
    Stamp {
        plan_id: format!("plan_{}", Uuid::now_v7().simple()),
        created_at,
        expires_at: created_at.checked_add_signed(ttl).unwrap_or(DateTime::<Utc>::MAX_UTC),
    }
}
