//! The state that the threads of a run share: which request is sent next, and when.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::Plan;
use crate::schedule::beginnings;

/// Time between the release of a round and its moment, so that all tasks wait for it by then.
const RELEASE: Duration = Duration::from_millis(10);

/// The minimum timeout for creating the pool. The time of the run applies if it is longer.
const POOL_TIME: Duration = Duration::from_secs(300);

/// Additional time for requests of an open loop that were due within its time. Without it, a pause of the machine at
/// the end would drop the requests with the highest latency.
const LATE: Duration = Duration::from_secs(2);

/// A stage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Each request of the pool is sent once, so that it can be repeated. This is not measured.
    Pool,
    Load,
}

/// The index of a request and the time at which it is due. `None`: immediately.
pub(crate) type Turn = (u64, Option<Instant>);

/// The course of one stage.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) stage: Stage,
    /// Whether a thread could not start.
    has_failed: AtomicBool,
    threads_ready: Barrier,
    started: OnceLock<Instant>,
    pub(crate) time: Duration,
    warmup: Duration,
    requests: u64,
    next: AtomicU64,
    /// The due times of an open loop, since the start.
    beginnings: Option<Vec<Duration>>,
    rounds: Option<Rounds>,
}

/// Rounds in which all connections wait for each other before each request.
#[derive(Debug)]
struct Rounds {
    all: tokio::sync::Barrier,
    /// The moment and index of the next round. `None`: no further round.
    next: Mutex<Option<(Instant, u64)>>,
}

impl Course {
    /// Creates the course of `stage` for `connections` on `threads`.
    pub(crate) fn new(plan: &Plan, stage: Stage, connections: usize, threads: usize) -> Self {
        let (scenario, seed) = (&plan.workload.scenario, plan.workload.seed);
        let time = Duration::from_secs(scenario.seconds);
        let is_load = stage == Stage::Load;
        let is_open = is_load && !scenario.phases.is_empty();
        let beginnings =
            is_open.then(|| beginnings(&scenario.phases, scenario.arrivals, time, scenario.requests, seed));
        let is_together = is_load && scenario.together;
        let rounds =
            is_together.then(|| Rounds { all: tokio::sync::Barrier::new(connections), next: Mutex::new(None) });
        let requests = match (stage, &beginnings) {
            (Stage::Pool, _) => scenario.pool,
            (Stage::Load, Some(beginnings)) => beginnings.len() as u64,
            // The limit is the number of rounds, at least one whatever the number of requests.
            (Stage::Load, None) if is_together => (scenario.requests / connections as u64).max(1),
            (Stage::Load, None) => scenario.requests,
        };
        Self {
            stage,
            has_failed: AtomicBool::new(false),
            threads_ready: Barrier::new(threads),
            started: OnceLock::new(),
            time: if is_load { time } else { time.max(POOL_TIME) },
            warmup: if is_load { Duration::from_secs(scenario.warmup_seconds) } else { Duration::ZERO },
            requests,
            next: AtomicU64::new(0),
            beginnings,
            rounds,
        }
    }

    /// Waits for all threads and starts the clock. Returns whether all of them can start.
    pub(crate) fn start(&self, is_ready: bool) -> bool {
        self.has_failed.fetch_or(!is_ready, Ordering::Relaxed);
        self.threads_ready.wait();
        self.started.get_or_init(Instant::now);
        !self.has_failed.load(Ordering::Relaxed)
    }

    pub(crate) fn measured_from(&self) -> Instant {
        self.started() + self.warmup
    }

    /// Whether all connections are released at the same moment.
    pub(crate) fn is_together(&self) -> bool {
        self.rounds.is_some()
    }

    /// Returns the next request, or `None` if the number of requests or the time is used up.
    pub(crate) async fn next_turn(&self) -> Option<Turn> {
        if let Some(rounds) = &self.rounds {
            return self.next_round(rounds).await;
        }
        let late = if self.beginnings.is_some() { LATE } else { Duration::ZERO };
        if Instant::now() >= self.started() + self.time + late {
            return None;
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        if place >= self.requests {
            return None;
        }
        let beginning = self.beginnings.as_ref().map(|beginnings| self.started() + beginnings[place as usize]);
        Some((place, beginning))
    }

    async fn next_round(&self, rounds: &Rounds) -> Option<Turn> {
        if rounds.all.wait().await.is_leader() {
            let now = Instant::now();
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let goes_on = place < self.requests && now < self.started() + self.time;
            *rounds.next.lock().expect("no holder panics") = goes_on.then(|| (now + RELEASE, place));
        }
        rounds.all.wait().await;
        let (moment, index) = (*rounds.next.lock().expect("no holder panics"))?;
        Some((index, Some(moment)))
    }

    /// Returns the number of requests that were started, for the progress line.
    pub(crate) fn begun(&self) -> u64 {
        self.next.load(Ordering::Relaxed).min(self.requests)
    }

    /// Returns the number of requests of an open loop that were never sent, not even late.
    pub(crate) fn unsent(&self) -> u64 {
        let taken = self.next.load(Ordering::Relaxed);
        self.beginnings.as_ref().map_or(0, |beginnings| (beginnings.len() as u64).saturating_sub(taken))
    }

    fn started(&self) -> Instant {
        *self.started.get().expect("the clock has started before anything is sent")
    }
}
