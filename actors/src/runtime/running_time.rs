//! Measures calls in the time in which this process was able to run.
//!
//! The task that waits for a response also waits for a timer. If the timer fires late, the task waited for a processor
//! or for other tasks, and so did a response that arrived meanwhile. Such a delay is not the fault of the dependency
//! and does not count as running time.

#[cfg(test)]
mod tests;

use std::pin::pin;

use tokio::time::{Duration, Instant, sleep};

use super::breaker::{CallTime, Permit};

/// The resolution of timers. A timer that is late by this much is on time.
const TIMER_RESOLUTION: Duration = Duration::from_millis(1);
/// Maximum real time of a limited call, as a multiple of its limit.
const REAL_TIME_MAX: u32 = 4;

/// Returns the maximum real time of a call that [`timed_within`] limits, apart from a delay at its end.
pub(crate) const fn real_time_max(limit: Duration) -> Duration {
    limit.saturating_mul(REAL_TIME_MAX)
}

/// Waits for a call, and returns its permit with the time that it took.
pub(crate) async fn timed<T>(permit: Permit, call: impl Future<Output = T>) -> (Permit, T) {
    let mut watch = Stopwatch::start(permit.tick());
    let mut call = pin!(call);
    let answer = loop {
        if let Some(answer) = watch.wait_for(call.as_mut(), Duration::MAX).await {
            break answer;
        }
    };
    (permit.timed(watch.time()), answer)
}

/// Measures a call as [`timed`] does, until its running time reaches `limit`, or its real time four times as much.
/// Returns `None` then.
pub(crate) async fn timed_within<T>(
    permit: Permit,
    limit: Duration,
    call: impl Future<Output = T>,
) -> (Permit, Option<T>) {
    let mut watch = Stopwatch::start(permit.tick());
    let mut call = pin!(call);
    let mut answer = None;
    while answer.is_none() && watch.running < limit && watch.time().total < real_time_max(limit) {
        answer = watch.wait_for(call.as_mut(), limit - watch.running).await;
    }
    (permit.timed(watch.time()), answer)
}

/// Adds up the running time of a call.
struct Stopwatch {
    /// Interval of the timer.
    tick: Duration,
    started_at: Instant,
    seen_at: Instant,
    running: Duration,
}

impl Stopwatch {
    fn start(tick: Duration) -> Self {
        let now = Instant::now();
        Stopwatch { tick, started_at: now, seen_at: now, running: Duration::ZERO }
    }

    /// Waits for the call until the next tick, or for `limit` if that is shorter.
    async fn wait_for<F: Future + Unpin>(&mut self, call: F, limit: Duration) -> Option<F::Output> {
        let answer = tokio::select! {
            biased;
            answer = call => Some(answer),
            () = sleep(self.tick.min(limit)) => None,
        };
        let now = Instant::now();
        // The timer was due after a tick. The rest is its delay.
        self.running += (now - self.seen_at).min(self.tick + TIMER_RESOLUTION);
        self.seen_at = now;
        answer
    }

    fn time(&self) -> CallTime {
        CallTime { total: self.seen_at - self.started_at, running: self.running }
    }
}
