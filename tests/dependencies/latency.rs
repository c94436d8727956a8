//! What a dependency that is out costs those who ask for new plans.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::*;
use crate::support::body;

const CALLERS: usize = 4;
const PLANS_EACH: usize = 100;

/// How much slower, at these percentiles, new plans may be on a machine that has other things to do. Who pays the whole
/// budget with every plan is found out by the median.
const NOISE: [(usize, Duration); 3] =
    [(50, Duration::from_millis(75)), (90, Duration::from_millis(200)), (99, Duration::from_millis(400))];

/// How long new plans took, the quickest first.
pub(super) struct Latency(Vec<Duration>);

impl Latency {
    /// Has some callers ask at once, each for one new plan after the other. A round's users are its own.
    pub(super) async fn of_new_plans(client: &Client, round: &str) -> Self {
        let callers = (0..CALLERS).map(async |caller| {
            let mut times = Vec::new();
            for n in 0..PLANS_EACH {
                let started_at = Instant::now();
                let plan = client.plan(&format!("{round}-{caller}-{n}"), &body(&["NSE:TCS"])).await;
                times.push(started_at.elapsed());
                assert_eq!(plan["status"], "created");
            }
            times
        });
        let mut times = join_all(callers).await.concat();
        times.sort_unstable();
        Latency(times)
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }

    /// Asserts that hardly anybody waited longer than usual, and that the few who did waited no longer than the budget.
    /// What is usual is measured before and after, since the load of the machine may change meanwhile.
    pub(super) fn assert_costs_at_most(&self, budget: Duration, usual: &[&Latency]) {
        for (percent, noise) in NOISE {
            let budget = if percent == 99 { budget } else { Duration::ZERO };
            let now = self.percentile(percent);
            let usual: Vec<Duration> = usual.iter().map(|usual| usual.percentile(percent)).collect();
            assert!(usual.iter().any(|usual| now < *usual + budget + noise), "p{percent}: {now:?}, usually {usual:?}");
        }
    }
}
