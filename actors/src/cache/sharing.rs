//! L2 as the cache actor asks it: many keys at once, under a breaker that the actor probes by itself.
//!
//! While one pipeline is under way the next one fills, as batches do in persistence: no timer, no delay when idle.
//! Look-ups and puts have a pipeline each, so that puts which Redis is slow to take do not hold up look-ups.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use registry_planning::request::CacheKey;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::actor::CacheMessage;
use super::{SharedCache, SharedCacheError, SharedPlan};
use crate::metrics::REQUEST_DURATION;
use crate::runtime::breaker::{BreakerSettings, BreakerState, Outcome, Permit};
use crate::runtime::guard::{Availability, Guard};
use crate::runtime::mailbox::{Myself, Reply};

/// What one request spends on L2 at most, look-up and put together: the pipeline under way when it comes, and its own.
pub(crate) const SHARED_BUDGET: Duration = Duration::from_millis(100);
/// How long one pipeline may take.
const CALL_TIMEOUT: Duration = Duration::from_millis(50);
/// The end of a call's time is measured anew, for the case that this process itself was held up: what came meanwhile is
/// read then.
const GRACE: Duration = Duration::from_millis(5);
/// How long a sign of life may take. Longer than a pipeline, since a connection may have to be made.
const PING_TIMEOUT: Duration = Duration::from_millis(250);
/// How often a sign of life is asked for while the breaker is closed. So an L2 that goes away is noticed without
/// traffic, its state is known from the start, and the connection is made before the first request needs it.
const PING_EVERY: Duration = Duration::from_secs(1);
/// A pipeline that takes longer costs more than it saves: a plan is made and stored in a few milliseconds.
const SLOW_CALL: Duration = Duration::from_millis(25);
/// Keys in one pipeline at most; Redis takes some ten microseconds for them, during which it serves nobody else.
const KEYS_MAX: usize = 256;
/// Puts that may wait: some pipelines' worth. Beyond it Redis is behind, and a plan that it does not hold is merely made
/// once more.
const PUTS_MAX: usize = 4 * KEYS_MAX;

/// L2 in metrics.
pub(super) const DEPENDENCY: &str = "redis";

/// What is asked of L2; the word is a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Get,
    Put,
    Ping,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Operation::Get => "get",
            Operation::Put => "put",
            Operation::Ping => "ping",
        }
    }
}

/// What the actor tells itself about L2.
pub(crate) enum SharingEvent {
    Ended { operation: Operation, permit: Permit, result: Result<(), SharedCacheError> },
    PingDue,
    ProbeDue { generation: u64 },
}

impl SharingEvent {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            SharingEvent::Ended { .. } => "pipeline_ended",
            SharingEvent::PingDue => "ping_due",
            SharingEvent::ProbeDue { .. } => "probe_due",
        }
    }
}

/// Where a plan id goes; `None` where there is none or L2 does not say.
type Answer = Reply<Option<String>>;

/// Something asked, and who waits for the plan id.
struct Asked<T> {
    what: T,
    reply: Answer,
}

/// What waits for the next pipeline of one kind, in order of arrival.
struct Lane<T> {
    waiting: VecDeque<Asked<T>>,
    is_busy: bool,
}

impl<T> Lane<T> {
    const fn new() -> Self {
        Lane { waiting: VecDeque::new(), is_busy: false }
    }

    fn push(&mut self, what: T, reply: Answer) {
        self.waiting.push_back(Asked { what, reply });
    }

    /// Takes what goes into the next pipeline; nothing while one is under way.
    fn take(&mut self) -> Option<(Vec<T>, Vec<Answer>)> {
        if self.is_busy || self.waiting.is_empty() {
            return None;
        }
        self.is_busy = true;
        let count = self.waiting.len().min(KEYS_MAX);
        Some(self.waiting.drain(..count).map(|asked| (asked.what, asked.reply)).unzip())
    }

    /// Drops, before the next pipeline, what nobody waits for any more, and says how many there were.
    fn drop_abandoned(&mut self) -> usize {
        if self.is_busy {
            return 0;
        }
        let before = self.waiting.len();
        self.waiting.retain(|asked| !asked.reply.is_abandoned());
        before - self.waiting.len()
    }

    /// Tells everybody who waits that there is no answer, and says how many there were.
    fn refuse_all(&mut self) -> usize {
        let count = self.waiting.len();
        self.waiting.drain(..).for_each(|asked| asked.reply.send(None));
        count
    }
}

/// The actor's part of L2.
pub(crate) struct Sharing {
    shared: Arc<dyn SharedCache>,
    me: Myself<CacheMessage>,
    guard: Guard<CacheMessage>,
    is_reached: bool,
    look_ups: Lane<CacheKey>,
    puts: Lane<SharedPlan>,
}

impl Sharing {
    pub(super) fn new(shared: Arc<dyn SharedCache>, me: Myself<CacheMessage>) -> Self {
        let settings = BreakerSettings { slow_call: SLOW_CALL, ..BreakerSettings::default() };
        let probe_due = |generation| CacheMessage::Sharing(SharingEvent::ProbeDue { generation });
        let sharing = Sharing {
            shared,
            guard: Guard::new(DEPENDENCY, settings, me.clone(), probe_due),
            me,
            is_reached: false,
            look_ups: Lane::new(),
            puts: Lane::new(),
        };
        sharing.me.tell(CacheMessage::Sharing(SharingEvent::PingDue));
        sharing
    }

    pub(super) fn breaker_state(&self) -> BreakerState {
        self.guard.state()
    }

    /// Whether it has answered at least once.
    pub(super) fn is_reached(&self) -> bool {
        self.is_reached
    }

    pub(super) fn look_up(&mut self, key: CacheKey, reply: Answer) {
        self.look_ups.push(key, reply);
        self.look_up_next();
    }

    pub(super) fn put(&mut self, plan: SharedPlan, reply: Answer) {
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
        self.run(Operation::Get, permit, async move {
            show_keys(Operation::Get, keys.len());
            let result = measured(Operation::Get, CALL_TIMEOUT, shared.get_many(&keys)).await;
            if let Ok(ids) = &result {
                let hits = ids.iter().flatten().count();
                count_look_ups("hit", hits);
                count_look_ups("miss", ids.len() - hits);
            } else {
                count_look_ups("failed", keys.len());
            }
            answer(replies, result)
        });
    }

    fn put_next(&mut self) {
        let Ok(permit) = self.guard.try_acquire() else {
            count_puts("dropped", self.puts.refuse_all());
            return;
        };
        let Some((plans, replies)) = self.puts.take() else { return };
        let shared = Arc::clone(&self.shared);
        self.run(Operation::Put, permit, async move {
            show_keys(Operation::Put, plans.len());
            let result = measured(Operation::Put, CALL_TIMEOUT, shared.put_many(&plans)).await;
            if let Ok(ids) = &result {
                let stored = plans.iter().zip(ids).filter(|(plan, id)| plan.plan_id == **id).count();
                count_puts("stored", stored);
                count_puts("taken", ids.len() - stored);
            } else {
                count_puts("failed", plans.len());
            }
            answer(replies, result.map(|ids| ids.into_iter().map(Some).collect()))
        });
    }

    fn ping_regularly(&self) {
        self.me.tell_after(PING_EVERY, CacheMessage::Sharing(SharingEvent::PingDue));
        // Unless it is closed, probes see to this.
        if self.shared.is_there()
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
        self.run(Operation::Ping, permit, async move { measured(Operation::Ping, PING_TIMEOUT, shared.ping()).await });
    }

    fn run<F>(&self, operation: Operation, permit: Permit, call: F)
    where
        F: Future<Output = Result<(), SharedCacheError>> + Send + 'static,
    {
        self.me.run(async move {
            let result = call.await;
            CacheMessage::Sharing(SharingEvent::Ended { operation, permit, result })
        });
    }

    fn ended(&mut self, operation: Operation, permit: Permit, result: Result<(), SharedCacheError>) {
        match operation {
            Operation::Get => self.look_ups.is_busy = false,
            Operation::Put => self.puts.is_busy = false,
            Operation::Ping => {}
        }
        self.is_reached |= result.is_ok();
        let outcome = match &result {
            Ok(()) => Outcome::Success,
            // Full, or read-only: that is no reason to look nothing up.
            Err(SharedCacheError::Refused(_)) if operation == Operation::Put => Outcome::Ignored,
            Err(_) => Outcome::Failure,
        };
        match self.guard.record(permit, outcome) {
            Some(Availability::Lost) => {
                let fault = result.map_or_else(|fault| fault.to_string(), |()| self.guard.slow_fault());
                warn!(dependency = DEPENDENCY, fault, "shared cache unavailable: creating plans without it");
            }
            Some(Availability::Recovered) => info!(dependency = DEPENDENCY, "shared cache recovered"),
            None => {}
        }
        // Where the breaker has opened this empties both.
        self.look_up_next();
        self.put_next();
    }
}

/// Answers everybody in a pipeline, and says how it went.
fn answer(replies: Vec<Answer>, result: Result<Vec<Option<String>>, SharedCacheError>) -> Result<(), SharedCacheError> {
    let (ids, result) = match result {
        Ok(ids) => (ids, Ok(())),
        Err(fault) => (Vec::new(), Err(fault)),
    };
    let ids = ids.into_iter().chain(std::iter::repeat(None));
    replies.into_iter().zip(ids).for_each(|(reply, id)| reply.send(id));
    result
}

/// Waits for a call, no longer than `limit`, and measures it.
async fn measured<T>(
    operation: Operation,
    limit: Duration,
    call: impl Future<Output = Result<T, SharedCacheError>>,
) -> Result<T, SharedCacheError> {
    let started_at = Instant::now();
    let mut call = pin!(call);
    let result = match timeout(limit - GRACE, &mut call).await {
        Ok(result) => result,
        Err(_) => timeout(GRACE, call).await.unwrap_or(Err(SharedCacheError::TimedOut(limit))),
    };
    let outcome = result.as_ref().map_or_else(SharedCacheError::outcome, |_| "success");
    histogram!(
        REQUEST_DURATION,
        "dependency" => DEPENDENCY, "operation" => operation.as_str(), "outcome" => outcome
    )
    .record(started_at.elapsed());
    result
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
