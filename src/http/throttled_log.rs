//! Which log are told in the log. When there is too much to do, or a dependency is out, there are thousands a second:
//! to write a line for each would take the time of those that could be served.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How often one of each code is told.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct ThrottledLog(Mutex<HashMap<&'static str, State>>);

#[derive(Debug, Default)]
struct State {
    told_at: Option<Instant>,
    untold: u64,
}

impl ThrottledLog {
    /// Notes one more of that code. `Some` where it is to be told, with the number of those that were not told since the
    /// last one that was.
    pub(super) fn note(&self, code: &'static str, now: Instant) -> Option<u64> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(code).or_default();
        if state.told_at.is_some_and(|told_at| now.saturating_duration_since(told_at) < TOLD_EVERY) {
            state.untold += 1;
            return None;
        }
        state.told_at = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_is_told_with_the_number_of_the_others() {
        let (log, start) = (ThrottledLog::default(), Instant::now());
        let noted = |ms: u64| log.note("overloaded", start + Duration::from_millis(ms));

        assert_eq!([0, 1, 999, 1000, 1001, 5000].map(noted), [Some(0), None, None, Some(2), None, Some(1)]);
        assert_eq!(log.note("not_ready", start), Some(0), "another code");
    }
}
