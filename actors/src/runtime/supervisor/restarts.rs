//! The restart budget of a child. Time is an argument.

use std::collections::VecDeque;

use tokio::time::{Duration, Instant};

/// Maximum number of restarts within [`PERIOD`]. More indicate a fault that a restart does not repair.
const INTENSITY: usize = 5;
/// The time for which a restart counts.
const PERIOD: Duration = Duration::from_secs(30);
/// The delay of the second restart, doubled for each later one. The first restart has no delay.
const DELAY: Duration = Duration::from_millis(50);
const DELAY_MAX: Duration = Duration::from_secs(1);

/// The reaction to the end of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestartDecision {
    /// Restart it after the delay.
    Restart(Duration),
    /// Give up: the process must exit.
    Escalate,
}

/// The restarts of one child.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    recent: VecDeque<Instant>,
}

impl Restarts {
    /// Counts an end of the child, and decides what follows.
    pub(crate) fn decide(&mut self, now: Instant) -> RestartDecision {
        while self.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= PERIOD) {
            self.recent.pop_front();
        }
        if self.recent.len() >= INTENSITY {
            return RestartDecision::Escalate;
        }
        let before = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        self.recent.push_back(now);
        match before {
            0 => RestartDecision::Restart(Duration::ZERO),
            _ => RestartDecision::Restart((DELAY * 2u32.saturating_pow(before - 1)).min(DELAY_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_back_off_and_then_escalate() {
        let (mut restarts, t0) = (Restarts::default(), Instant::now());

        let decisions: Vec<_> = (0..6).map(|_| restarts.decide(t0)).collect();

        let delay = |millis| RestartDecision::Restart(Duration::from_millis(millis));
        assert_eq!(decisions, [delay(0), delay(50), delay(100), delay(200), delay(400), RestartDecision::Escalate]);
    }

    #[test]
    fn a_quiet_period_restores_the_budget() {
        let (mut restarts, t0) = (Restarts::default(), Instant::now());
        for _ in 0..5 {
            restarts.decide(t0);
        }

        assert_eq!(restarts.decide(t0 + PERIOD), RestartDecision::Restart(Duration::ZERO));
    }
}
