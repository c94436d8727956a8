//! How often a child may be restarted: a pure budget, time passed in.

use std::collections::VecDeque;

use tokio::time::{Duration, Instant};

/// Restarts within [`PERIOD`] after which something is broken that a restart does not mend.
const INTENSITY: usize = 5;
/// How far back restarts count.
const PERIOD: Duration = Duration::from_secs(30);
/// The first restart comes at once; the next ones back off from here, doubling.
const DELAY: Duration = Duration::from_millis(50);
/// A child is never left down longer than this.
const DELAY_MAX: Duration = Duration::from_secs(1);

/// What to do with a child that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start it again after the delay.
    Restart(Duration),
    /// Give up: the supervisor ends too.
    Escalate,
}

/// The restarts of one child.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    recent: VecDeque<Instant>,
}

impl Restarts {
    /// Judges one more end of the child.
    pub(crate) fn judge(&mut self, now: Instant) -> Verdict {
        while self.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= PERIOD) {
            self.recent.pop_front();
        }
        if self.recent.len() >= INTENSITY {
            return Verdict::Escalate;
        }
        let before = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        self.recent.push_back(now);
        match before {
            0 => Verdict::Restart(Duration::ZERO),
            _ => Verdict::Restart((DELAY * 2u32.saturating_pow(before - 1)).min(DELAY_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_back_off_and_then_escalate() {
        let (mut restarts, t0) = (Restarts::default(), Instant::now());

        let verdicts: Vec<_> = (0..6).map(|_| restarts.judge(t0)).collect();

        let delay = |millis| Verdict::Restart(Duration::from_millis(millis));
        assert_eq!(verdicts, [delay(0), delay(50), delay(100), delay(200), delay(400), Verdict::Escalate]);
    }

    #[test]
    fn a_quiet_period_restores_the_budget() {
        let (mut restarts, t0) = (Restarts::default(), Instant::now());
        for _ in 0..5 {
            restarts.judge(t0);
        }

        assert_eq!(restarts.judge(t0 + PERIOD), Verdict::Restart(Duration::ZERO));
    }
}
