//! The load of the lanes, which the actor publishes after every message. Others read it without asking the actor, so
//! that it is known also while the actor has much to do.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use registry_store::Lane;
use tokio::time::Instant;

/// The word of the lane of new plans, which are written in batches.
pub(super) const BATCHES: &str = "batches";

/// The maximum wait in a lane whose calls take milliseconds. It is the duration from which the circuit breaker counts a
/// call as failed: a database that is slower is unavailable, whether calls wait in it or in front of it.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The maximum wait in a lane whose calls visit many rows or wait for other transactions. A single one may take 5 s, so
/// a shorter wait is normal behind calls that keep within their limits.
const WAIT_MAX_UNTIMED: Duration = Duration::from_secs(6);
/// The maximum wait for a load or a read of the whole catalog. The replica that serves the catalog gives up after as
/// long.
const WAIT_MAX_UPKEEP: Duration = Duration::from_secs(60);

/// The load of one lane: of calls of the store, or of the batches of new plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLoad {
    /// The name of the lane.
    pub lane: &'static str,
    /// Number of calls (or rows of batches) that wait, including those whose callers no longer do.
    pub waiting: usize,
    /// Number of calls in progress.
    pub in_flight: usize,
    /// Maximum number of calls in progress. 0 before the database was reached.
    pub permits: usize,
    /// The time since which the oldest of them waits for a permit.
    pub oldest_since: Option<Instant>,
    /// The wait from which the lane has more calls than it can process.
    pub wait_max: Duration,
}

impl LaneLoad {
    pub(super) const fn of(lane: Lane) -> Self {
        let (lane, wait_max) = match lane {
            Lane::Point => (lane_word(lane), WAIT_MAX),
            Lane::Change | Lane::Keyed | Lane::List => (lane_word(lane), WAIT_MAX_UNTIMED),
            Lane::Upkeep => (lane_word(lane), WAIT_MAX_UPKEEP),
        };
        LaneLoad { lane, waiting: 0, in_flight: 0, permits: 0, oldest_since: None, wait_max }
    }

    pub(super) const fn of_batches() -> Self {
        LaneLoad { lane: BATCHES, ..LaneLoad::of(Lane::Point) }
    }

    /// Returns how long the oldest waiting call has waited; zero if none waits.
    pub fn oldest_wait(&self) -> Duration {
        self.oldest_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether the oldest waiting call has waited for longer than is normal.
    pub fn is_saturated(&self) -> bool {
        self.oldest_wait() > self.wait_max
    }
}

/// Returns the name of a lane in `/ready` and in metrics.
pub(super) const fn lane_word(lane: Lane) -> &'static str {
    match lane {
        Lane::Point => "point",
        Lane::Change => "change",
        Lane::Keyed => "keyed",
        Lane::List => "list",
        Lane::Upkeep => "upkeep",
    }
}

/// The load of the batches, and of every lane.
pub(super) type LaneLoads = [LaneLoad; 1 + Lane::ALL.len()];

/// The last load that the actor has published.
pub(super) struct LoadBoard(Mutex<LaneLoads>);

impl Default for LoadBoard {
    fn default() -> Self {
        LoadBoard(Mutex::new(Self::EMPTY))
    }
}

impl LoadBoard {
    /// The load without any call, as of an actor that starts.
    pub(super) const EMPTY: LaneLoads = {
        let mut loads = [LaneLoad::of_batches(); 1 + Lane::ALL.len()];
        let mut index = 0;
        while index < Lane::ALL.len() {
            loads[index + 1] = LaneLoad::of(Lane::ALL[index]);
            index += 1;
        }
        loads
    };

    pub(super) fn publish(&self, loads: LaneLoads) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = loads;
    }

    pub(super) fn read(&self) -> LaneLoads {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
