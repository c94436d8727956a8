//! The due times of the requests of an open loop.

use std::time::Duration;

use fastrand::Rng;

use crate::args::Arrivals;
use crate::scenario::Phase;
use crate::workload::mix;

/// The stream of random gaps, separate from the stream of requests.
const GAP_STREAM: u64 = 0xd6e8_feb8_6659_fd93;

/// Returns the due times of all requests since the start of the run, in order.
///
/// `phases` follow each other. There are at most `requests` times, and all are before `time`. Gaps are equal for
/// constant arrivals, and exponentially distributed with the same mean for Poisson arrivals, drawn from `seed`.
pub(crate) fn beginnings(
    phases: &[Phase],
    arrivals: Arrivals,
    time: Duration,
    requests: u64,
    seed: u64,
) -> Vec<Duration> {
    let mut rng = Rng::with_seed(mix(seed, GAP_STREAM));
    let mut beginnings = Vec::new();
    // A gap is measured in requests. It ends when the integral of the rates of the phases reaches it.
    let mut gap = match arrivals {
        Arrivals::Constant => 0.0,
        Arrivals::Poisson => exponential(&mut rng),
    };
    let mut phase_start = 0.0;
    for phase in phases {
        let (rate, length) = (phase.rate as f64, phase.seconds as f64);
        let capacity = rate * length;
        let mut used = 0.0;
        while gap < capacity - used {
            used += gap;
            let beginning = Duration::from_secs_f64(phase_start + used / rate);
            if beginning >= time || beginnings.len() as u64 >= requests {
                return beginnings;
            }
            beginnings.push(beginning);
            gap = match arrivals {
                Arrivals::Constant => 1.0,
                Arrivals::Poisson => exponential(&mut rng),
            };
        }
        gap -= capacity - used;
        phase_start += length;
    }
    beginnings
}

/// Draws from the exponential distribution with mean 1.
fn exponential(rng: &mut Rng) -> f64 {
    // 1 − u is in (0, 1], so the logarithm is finite.
    -(1.0 - rng.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn steady(rate: u64, arrivals: Arrivals, time: Duration, requests: u64) -> Vec<Duration> {
        beginnings(&[Phase { seconds: 60, rate }], arrivals, time, requests, 1)
    }

    #[test]
    fn constant_arrivals_start_at_once_with_equal_gaps() {
        let all = steady(1_000, Arrivals::Constant, Duration::from_secs(2), u64::MAX);

        assert_eq!(all.len(), 2_000);
        assert_eq!(all[0], Duration::ZERO);
        for (index, beginning) in all.iter().enumerate() {
            assert!((beginning.as_secs_f64() - index as f64 / 1_000.0).abs() < 1e-6);
        }
    }

    #[test]
    fn poisson_arrivals_have_the_expected_mean_and_spread() {
        let all = steady(1_000, Arrivals::Poisson, MINUTE, u64::MAX);

        // The expected number is 60,000, with a standard deviation of 245.
        assert!((59_000..61_000).contains(&all.len()), "{}", all.len());
        let gaps: Vec<f64> = all.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1_000.0).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((0.98..1.02).contains(&mean), "{mean} ms");
        assert!((0.95..1.05).contains(&variance.sqrt()), "{} ms", variance.sqrt());
    }

    #[test]
    fn consecutive_phases_have_their_own_rates() {
        let phases =
            [Phase { seconds: 5, rate: 100 }, Phase { seconds: 5, rate: 1_000 }, Phase { seconds: 10, rate: 100 }];
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let all = beginnings(&phases, arrivals, MINUTE, u64::MAX, 1);

            let within = |from: f64, to: f64| all.iter().filter(|at| (from..to).contains(&at.as_secs_f64())).count();
            assert!((420..580).contains(&within(0.0, 5.0)), "{arrivals:?}");
            assert!((4_750..5_250).contains(&within(5.0, 10.0)), "{arrivals:?}");
            assert!((880..1_120).contains(&within(10.0, 20.0)), "{arrivals:?}");
            assert_eq!(within(20.0, 60.0), 0);
            assert!(all.is_sorted());
        }
    }

    #[test]
    fn requests_and_time_limit_the_schedule() {
        assert_eq!(steady(1_000, Arrivals::Poisson, MINUTE, 10).len(), 10);
        assert_eq!(steady(1_000, Arrivals::Constant, Duration::from_millis(10), u64::MAX).len(), 10);
        let phases = [Phase { seconds: 1, rate: 100 }];
        let drawn = |seed| beginnings(&phases, Arrivals::Poisson, MINUTE, 50, seed);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}
