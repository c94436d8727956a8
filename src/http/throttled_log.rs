//! Limits the log lines about requests and connections. At capacity, or while a dependency is unavailable, thousands
//! are rejected each second, and a line for each would take time from the requests that can be served.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The time in which the number of lines of the same kind has a maximum.
const INTERVAL: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct ThrottledLog(Mutex<HashMap<&'static str, State>>);

#[derive(Debug, Default)]
struct State {
    /// The first line of the interval.
    began_at: Option<Instant>,
    logged: u32,
    unlogged: u64,
}

impl ThrottledLog {
    /// As [`ThrottledLog::note_up_to`], with one line in a second.
    pub(crate) fn note(&self, kind: &'static str, now: Instant) -> Option<u64> {
        self.note_up_to(kind, 1, now)
    }

    /// Counts a request or connection of this kind. At most `lines_max` have a line in a second. Returns `Some` if it
    /// is to be logged, with the number of those since the last line that have none.
    pub(crate) fn note_up_to(&self, kind: &'static str, lines_max: u32, now: Instant) -> Option<u64> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(kind).or_default();
        if state.began_at.is_none_or(|began_at| now.saturating_duration_since(began_at) >= INTERVAL) {
            state.began_at = Some(now);
            state.logged = 0;
        }
        if state.logged >= lines_max {
            state.unlogged += 1;
            return None;
        }
        state.logged += 1;
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_second_counts_the_suppressed_lines() {
        let (log, start) = (ThrottledLog::default(), Instant::now());
        let noted = |ms: u64| log.note("overloaded", start + Duration::from_millis(ms));

        assert_eq!([0, 1, 999, 1000, 1001, 5000].map(noted), [Some(0), None, None, Some(2), None, Some(1)]);
        assert_eq!(log.note("not_ready", start), Some(0), "another kind");
    }

    #[test]
    fn several_lines_per_second_can_be_allowed() {
        let (log, start) = (ThrottledLog::default(), Instant::now());
        let noted = |ms: u64| log.note_up_to("completed", 2, start + Duration::from_millis(ms));

        assert_eq!(
            [0, 500, 600, 999, 1000, 1001, 1002].map(noted),
            [Some(0), Some(0), None, None, Some(2), Some(0), None]
        );
    }
}
