//! The calls of L2 by the cache actor: many keys at once, under a circuit breaker that the actor probes on its own
//! timer.
//!
//! While one pipeline is in progress the next one fills, as batches do in persistence: no timer, no delay when idle.
//! Lookups and puts have separate pipelines, so that slow puts do not delay lookups.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use registry_planning::vocabulary::CacheKey;
use registry_store::tls::handshake_fault_in;
use tokio::time::Instant;
use tracing::{info, warn};

use super::{SharedCache, SharedCacheError, SharedPlan};
use crate::metrics::record_request;
use crate::runtime::breaker::{BreakerReport, BreakerSettings, BreakerState, CallOutcome, ForcedState, Permit};
use crate::runtime::guard::{Availability, ForcedChange, Guard};
use crate::runtime::inspection::located;
use crate::runtime::mailbox::{Message, Myself, Reply};
use crate::runtime::running_time::{real_time_max, timed_within};

/// Maximum time that one request spends on L2, for lookup and put together: the pipeline in progress when it arrives,
/// and its own.
pub(crate) const SHARED_BUDGET: Duration = Duration::from_millis(100);
/// Timeout of one pipeline, in running time: a response that arrives while this process is delayed is still read.
const CALL_TIMEOUT: Duration = Duration::from_millis(50);
/// Timeout of a ping. Longer than that of a pipeline, because a connection may have to be opened.
const PING_TIMEOUT: Duration = Duration::from_millis(250);
/// Time after which a probe is lost: the ping of a delayed process ends before.
const PROBE_TIMEOUT: Duration = real_time_max(PING_TIMEOUT).saturating_add(Duration::from_secs(1));
/// Maximum time between two probes, before jitter: Redis is used within ten seconds of its recovery.
const PROBE_EVERY_MAX: Duration = Duration::from_secs(8);
/// Interval of pings while the circuit breaker is closed. They detect an unavailable L2 without traffic, report its
/// state from the start, and open the connection before the first request needs it.
const PING_EVERY: Duration = Duration::from_secs(1);
/// A pipeline that takes longer, in running time, costs more than it saves: a plan is created and stored in a few
/// milliseconds.
const SLOW_CALL: Duration = Duration::from_millis(25);
/// Maximum number of keys in one pipeline. Redis takes some ten microseconds for them, during which it serves nobody
/// else.
const KEYS_MAX: usize = 256;
/// Maximum number of waiting puts: those of a few pipelines. Beyond it Redis has fallen behind, and a plan that it does
/// not hold is only created again.
const PUTS_MAX: usize = 4 * KEYS_MAX;

/// The label `dependency` of L2.
pub(super) const DEPENDENCY: &str = "redis";

/// An operation of L2, with the word of the label `operation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Operation {
    Get,
    Put,
    Ping,
}

impl Operation {
    fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The messages about L2 that the actor sends itself.
pub(crate) enum SharingEvent {
    Ended { operation: Operation, permit: Permit, result: Result<(), SharedCacheError> },
    PingDue,
    ProbeDue { generation: u64 },
}

impl Message for SharingEvent {
    fn kind(&self) -> &'static str {
        match self {
            SharingEvent::Ended { .. } => "pipeline_ended",
            SharingEvent::PingDue => "ping_due",
            SharingEvent::ProbeDue { .. } => "probe_due",
        }
    }
}

/// Takes a plan id, or `None` if L2 has none or does not respond.
type PlanIdReply = Reply<Option<String>>;

/// A lookup or put, and the caller that waits for the plan id.
struct PendingCall<T> {
    what: T,
    reply: PlanIdReply,
}

/// The calls that wait for the next pipeline of one kind, in order of arrival.
struct PipelineQueue<T> {
    waiting: VecDeque<PendingCall<T>>,
    is_busy: bool,
}

impl<T> PipelineQueue<T> {
    const fn new() -> Self {
        PipelineQueue { waiting: VecDeque::new(), is_busy: false }
    }

    fn push(&mut self, what: T, reply: PlanIdReply) {
        self.waiting.push_back(PendingCall { what, reply });
    }

    /// Takes the calls of the next pipeline; none while one is in progress.
    fn take(&mut self) -> Option<(Vec<T>, Vec<PlanIdReply>)> {
        if self.is_busy || self.waiting.is_empty() {
            return None;
        }
        self.is_busy = true;
        let count = self.waiting.len().min(KEYS_MAX);
        Some(self.waiting.drain(..count).map(|pending| (pending.what, pending.reply)).unzip())
    }

    /// Drops the calls without a waiting caller before the next pipeline, and returns their number.
    fn drop_abandoned(&mut self) -> usize {
        if self.is_busy {
            return 0;
        }
        let before = self.waiting.len();
        self.waiting.retain(|pending| !pending.reply.is_abandoned());
        before - self.waiting.len()
    }

    /// Answers all waiting callers without a plan id, and returns their number.
    fn refuse_all(&mut self) -> usize {
        let count = self.waiting.len();
        self.waiting.drain(..).for_each(|pending| pending.reply.send(None));
        count
    }
}

/// The part of the actor that uses L2.
pub(crate) struct Sharing {
    shared: Arc<dyn SharedCache>,
    me: Myself<SharingEvent>,
    guard: Guard<SharingEvent>,
    is_reached: bool,
    /// The cause of a failed TLS handshake, if the last call failed for that reason.
    tls_fault: Option<String>,
    /// The fault with which Redis was lost, until it recovers.
    loss: Option<String>,
    look_ups: PipelineQueue<CacheKey>,
    puts: PipelineQueue<SharedPlan>,
}

impl Sharing {
    pub(super) fn new(shared: Arc<dyn SharedCache>, me: Myself<SharingEvent>) -> Self {
        let settings = BreakerSettings {
            slow_call: SLOW_CALL,
            shortest_timeout: CALL_TIMEOUT,
            open_duration_max: PROBE_EVERY_MAX,
            probe_timeout: PROBE_TIMEOUT,
            ..BreakerSettings::default()
        };
        let probe_due = |generation| SharingEvent::ProbeDue { generation };
        let sharing = Sharing {
            shared,
            guard: Guard::new(DEPENDENCY, settings, me.clone(), probe_due),
            me,
            is_reached: false,
            tls_fault: None,
            loss: None,
            look_ups: PipelineQueue::new(),
            puts: PipelineQueue::new(),
        };
        sharing.me.tell(SharingEvent::PingDue);
        sharing
    }

    pub(super) fn breaker_state(&self) -> BreakerState {
        self.guard.state()
    }

    pub(super) fn force(&mut self, forced: Option<ForcedState>) -> ForcedChange {
        let change = self.guard.force(forced);
        // If the breaker is open now, this empties both.
        self.look_up_next();
        self.put_next();
        change
    }

    pub(super) fn breaker_report(&self) -> BreakerReport {
        self.guard.report()
    }

    /// Whether L2 has responded at least once.
    pub(super) fn is_reached(&self) -> bool {
        self.is_reached
    }

    pub(super) fn loss(&self) -> Option<&str> {
        self.loss.as_deref()
    }

    pub(super) fn tls_fault(&self) -> Option<&str> {
        self.tls_fault.as_deref()
    }

    /// Whether a put would be dropped, because Redis has fallen behind.
    pub(super) fn has_full_queue(&self) -> bool {
        self.puts.waiting.len() >= PUTS_MAX
    }

    pub(super) fn look_up(&mut self, key: CacheKey, reply: PlanIdReply) {
        self.look_ups.push(key, reply);
        self.look_up_next();
    }

    pub(super) fn put(&mut self, plan: SharedPlan, reply: PlanIdReply) {
        if self.puts.waiting.len() >= PUTS_MAX {
            count_puts("dropped", 1);
            reply.send(None);
            return;
        }
        self.puts.push(plan, reply);
        self.put_next();
    }

    pub(super) fn handle(&mut self, event: SharingEvent) {
        match event {
            SharingEvent::Ended { operation, permit, result } => self.ended(operation, permit, result),
            SharingEvent::PingDue => self.ping_regularly(),
            SharingEvent::ProbeDue { generation } => self.probe(generation),
        }
    }

    fn look_up_next(&mut self) {
        let Ok(permit) = self.guard.try_acquire() else {
            count_look_ups("skipped", self.look_ups.refuse_all());
            return;
        };
        count_look_ups("skipped", self.look_ups.drop_abandoned());
        let Some((keys, replies)) = self.look_ups.take() else { return };
        let shared = Arc::clone(&self.shared);
        self.me.run(async move {
            show_keys(Operation::Get, keys.len());
            let (permit, result) = measured(Operation::Get, permit, CALL_TIMEOUT, shared.get_many(&keys)).await;
            if let Ok(ids) = &result {
                let hits = ids.iter().flatten().count();
                count_look_ups("hit", hits);
                count_look_ups("miss", ids.len() - hits);
            } else {
                count_look_ups("failed", keys.len());
            }
            SharingEvent::Ended { operation: Operation::Get, permit, result: answer(replies, result) }
        });
    }

    fn put_next(&mut self) {
        let Ok(permit) = self.guard.try_acquire() else {
            count_puts("dropped", self.puts.refuse_all());
            return;
        };
        let Some((plans, replies)) = self.puts.take() else { return };
        let shared = Arc::clone(&self.shared);
        self.me.run(async move {
            show_keys(Operation::Put, plans.len());
            let (permit, result) = measured(Operation::Put, permit, CALL_TIMEOUT, shared.put_many(&plans)).await;
            if let Ok(ids) = &result {
                let stored = plans.iter().zip(ids).filter(|(plan, id)| plan.plan_id == **id).count();
                count_puts("stored", stored);
                count_puts("taken", ids.len() - stored);
            } else {
                count_puts("failed", plans.len());
            }
            let result = answer(replies, result.map(|ids| ids.into_iter().map(Some).collect()));
            SharingEvent::Ended { operation: Operation::Put, permit, result }
        });
    }

    fn ping_regularly(&self) {
        self.me.tell_after(PING_EVERY, SharingEvent::PingDue);
        // While the circuit breaker is not closed, probes replace the pings.
        if self.shared.is_configured()
            && let Ok(permit) = self.guard.try_acquire()
        {
            self.ping(permit);
        }
    }

    fn probe(&mut self, generation: u64) {
        if let Some(permit) = self.guard.try_probe(generation) {
            self.ping(permit);
        }
    }

    fn ping(&self, permit: Permit) {
        let shared = Arc::clone(&self.shared);
        self.me.run(async move {
            let (permit, result) = measured(Operation::Ping, permit, PING_TIMEOUT, shared.ping()).await;
            SharingEvent::Ended { operation: Operation::Ping, permit, result }
        });
    }

    fn ended(&mut self, operation: Operation, permit: Permit, result: Result<(), SharedCacheError>) {
        match operation {
            Operation::Get => self.look_ups.is_busy = false,
            Operation::Put => self.puts.is_busy = false,
            Operation::Ping => {}
        }
        self.is_reached |= result.is_ok();
        self.tls_fault = match &result {
            Err(SharedCacheError::Unreachable(why)) => handshake_fault_in(why).map(str::to_owned),
            // A lookup ends before a handshake that hangs, whose cause a ping has found.
            Err(SharedCacheError::TimedOut(_)) => self.tls_fault.take(),
            _ => None,
        };
        let outcome = match &result {
            Ok(()) => CallOutcome::Success,
            // Redis is full or read-only: lookups still work.
            Err(SharedCacheError::Refused(_)) if operation == Operation::Put => CallOutcome::Ignored,
            Err(_) => CallOutcome::Failure,
        };
        match self.guard.record(permit, outcome) {
            Some(Availability::Lost) => {
                let fault = result.map_or_else(|fault| fault.to_string(), |()| self.guard.slow_fault());
                let address = self.shared.address();
                let address = address.as_deref();
                warn!(dependency = DEPENDENCY, address, fault, "shared cache unavailable: creating plans without it");
                self.loss = Some(located(&fault, address));
            }
            Some(Availability::Recovered) => {
                self.loss = None;
                info!(dependency = DEPENDENCY, "shared cache recovered");
            }
            None => {}
        }
        // If the breaker has opened, this empties both.
        self.look_up_next();
        self.put_next();
    }
}

/// Answers all callers of a pipeline, and returns its result.
fn answer(
    replies: Vec<PlanIdReply>,
    result: Result<Vec<Option<String>>, SharedCacheError>,
) -> Result<(), SharedCacheError> {
    let (ids, result) = match result {
        Ok(ids) => (ids, Ok(())),
        Err(fault) => (Vec::new(), Err(fault)),
    };
    let ids = ids.into_iter().chain(std::iter::repeat(None));
    replies.into_iter().zip(ids).for_each(|(reply, id)| reply.send(id));
    result
}

/// Waits for a call until its `limit`, and records its duration.
async fn measured<T>(
    operation: Operation,
    permit: Permit,
    limit: Duration,
    call: impl Future<Output = Result<T, SharedCacheError>>,
) -> (Permit, Result<T, SharedCacheError>) {
    let started_at = Instant::now();
    let (permit, result) = timed_within(permit, limit, call).await;
    let result = result.unwrap_or(Err(SharedCacheError::TimedOut(limit)));
    let outcome = result.as_ref().map_or_else(SharedCacheError::outcome, |_| "success");
    record_request(DEPENDENCY, operation.as_str(), outcome, started_at.elapsed());
    (permit, result)
}

#[allow(clippy::cast_precision_loss)]
fn show_keys(operation: Operation, count: usize) {
    histogram!("instrument_registry_shared_cache_pipeline_keys", "operation" => operation.as_str())
        .record(count as f64);
}

fn count_look_ups(status: &'static str, count: usize) {
    counter!("instrument_registry_cache_operations_total", "operation" => "shared_look_up", "status" => status)
        .increment(count as u64);
}

fn count_puts(status: &'static str, count: usize) {
    counter!("instrument_registry_cache_operations_total", "operation" => "shared_put", "status" => status)
        .increment(count as u64);
}
