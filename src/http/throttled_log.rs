//! Limits the log lines about rejected requests and connections. At capacity, or while a dependency is unavailable, thousands
//! are rejected each second, and a line for each would take time from the requests that can be served.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The interval between two lines with the same code.
const INTERVAL: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct ThrottledLog(Mutex<HashMap<&'static str, State>>);

#[derive(Debug, Default)]
struct State {
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl ThrottledLog {
    /// Counts a rejection with this code. Returns `Some` if it is to be logged, with the number of rejections since the
    /// last line.
    pub(crate) fn note(&self, code: &'static str, now: Instant) -> Option<u64> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(code).or_default();
        if state.logged_at.is_some_and(|logged_at| now.saturating_duration_since(logged_at) < INTERVAL) {
            state.unlogged += 1;
            return None;
        }
        state.logged_at = Some(now);
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_has_the_number_of_the_others() {
        let (log, start) = (ThrottledLog::default(), Instant::now());
        let noted = |ms: u64| log.note("overloaded", start + Duration::from_millis(ms));

        assert_eq!([0, 1, 999, 1000, 1001, 5000].map(noted), [Some(0), None, None, Some(2), None, Some(1)]);
        assert_eq!(log.note("not_ready", start), Some(0), "another code");
    }
}
