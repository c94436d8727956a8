//! Counts of integers in logarithmic buckets, each divided into 16 linear ones. A value between 16 and the maximum is
//! reported with an error of at most 1/32, a lower one exactly.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// The binary logarithm of the number of linear buckets in each logarithmic one.
const LINEAR_BITS: u32 = 4;
/// The values from `1 << MAX_BITS`, 67 s in microseconds, are counted as the maximum.
const MAX_BITS: u32 = 26;
/// Number of buckets.
const BUCKETS: usize = ((MAX_BITS - LINEAR_BITS + 1) << LINEAR_BITS) as usize;

/// Returns the bucket of a value.
fn bucket_of(value: u64) -> usize {
    let value = u32::try_from(value.min((1 << MAX_BITS) - 1)).unwrap_or(u32::MAX);
    if value < 1 << LINEAR_BITS {
        return value as usize;
    }
    let shift = value.ilog2() - LINEAR_BITS;
    ((shift << LINEAR_BITS) + (value >> shift)) as usize
}

/// Returns the middle of a bucket.
fn middle_of(bucket: usize) -> f64 {
    let shift = (bucket >> LINEAR_BITS).saturating_sub(1);
    let lowest = (bucket - (shift << LINEAR_BITS)) << shift;
    #[allow(clippy::cast_precision_loss)]
    let middle = lowest as f64 + ((1usize << shift) - 1) as f64 / 2.0;
    middle
}

/// Counts values. A record is one atomic addition.
pub(crate) struct Buckets(Box<[AtomicU32; BUCKETS]>);

impl Default for Buckets {
    fn default() -> Self {
        Buckets(Box::new([const { AtomicU32::new(0) }; BUCKETS]))
    }
}

impl Buckets {
    pub(crate) fn record(&self, value: u64) {
        self.0[bucket_of(value)].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts since the start. They wrap around.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (count, bucket) in counts.0.iter_mut().zip(self.0.iter()) {
            *count = bucket.load(Ordering::Relaxed);
        }
        counts
    }
}

/// The counts of a period, or since the start.
#[derive(Clone)]
pub(crate) struct Counts(Box<[u32; BUCKETS]>);

impl Default for Counts {
    fn default() -> Self {
        Counts(Box::new([0; BUCKETS]))
    }
}

impl Counts {
    /// Returns the counts between an earlier time and this one.
    pub(crate) fn since(&self, earlier: &Counts) -> Counts {
        let mut counts = self.clone();
        for (count, earlier) in counts.0.iter_mut().zip(earlier.0.iter()) {
            *count = count.wrapping_sub(*earlier);
        }
        counts
    }

    pub(crate) fn add(&mut self, other: &Counts) {
        for (count, other) in self.0.iter_mut().zip(other.0.iter()) {
            *count = count.wrapping_add(*other);
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// Returns the nearest-rank percentile, in thousandths: 990 is the 99th percentile. `None` if there are no values.
    pub(crate) fn percentile(&self, thousandths: u64) -> Option<f64> {
        let total = self.total();
        let rank = (total * thousandths).div_ceil(1000).max(1);
        let mut seen = 0;
        let bucket = self.0.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        });
        bucket.filter(|_| total > 0).map(middle_of)
    }
}

/// The counts of the last periods, and of the current one.
pub(crate) struct Window {
    periods: usize,
    /// The counts at the start of the current period.
    before: Counts,
    /// The start of the current period.
    since: Instant,
    /// The start and the counts of the periods that have ended, oldest first. `None` without values.
    ended: VecDeque<(Instant, Option<Counts>)>,
}

impl Window {
    /// A window of the last `periods` periods and the current one, which begins `now` with these counts.
    pub(crate) fn begin(periods: usize, counts: Counts, now: Instant) -> Self {
        Window { periods, before: counts, since: now, ended: VecDeque::new() }
    }

    /// Ends the current period.
    pub(crate) fn rotate(&mut self, counts: Counts, now: Instant) {
        let period = counts.since(&self.before);
        self.ended.push_back((self.since, (period.total() > 0).then_some(period)));
        if self.ended.len() > self.periods {
            self.ended.pop_front();
        }
        (self.before, self.since) = (counts, now);
    }

    /// Returns the counts of the whole window, whose current counts are these.
    pub(crate) fn sum(&self, counts: &Counts) -> Counts {
        let mut sum = counts.since(&self.before);
        for ended in self.ended.iter().filter_map(|(_, ended)| ended.as_ref()) {
            sum.add(ended);
        }
        sum
    }

    /// Returns the counts of the current period.
    pub(crate) fn current(&self, counts: &Counts) -> Counts {
        counts.since(&self.before)
    }

    /// Returns the start of the window.
    pub(crate) fn start(&self) -> Instant {
        self.ended.front().map_or(self.since, |(start, _)| *start)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn counts_of(values: &[u64]) -> Counts {
        let buckets = Buckets::default();
        values.iter().for_each(|value| buckets.record(*value));
        buckets.counts()
    }

    #[test]
    fn buckets_ascend_without_a_gap() {
        let mut last = 0;
        for value in 0..1 << 20 {
            let bucket = bucket_of(value);
            assert!(bucket == last || bucket == last + 1, "{value}");
            last = bucket;
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    /// Compares with the sorted list, for lists of many sizes and ranges.
    #[test]
    fn percentiles_are_near_those_of_the_sorted_list() {
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..400 {
            let max_bits = random.u32(1..MAX_BITS);
            let mut values: Vec<u64> = (0..random.usize(1..500)).map(|_| random.u64(0..1 << max_bits)).collect();
            let counts = counts_of(&values);
            values.sort_unstable();

            for thousandths in [1, 500, 950, 990, 1000] {
                let rank = (values.len() * thousandths).div_ceil(1000).max(1);
                let exact = values[rank - 1] as f64;
                let found = counts.percentile(thousandths as u64).unwrap();
                assert!((found - exact).abs() <= exact / 32.0, "round {round}: {found} instead of {exact}");
            }
        }
    }

    #[test]
    fn percentiles_of_no_values_are_none() {
        assert_eq!(Counts::default().percentile(500), None);
        assert_eq!(counts_of(&[0]).percentile(500), Some(0.0));
    }

    #[test]
    fn a_window_forgets_its_oldest_period() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        let mut window = Window::begin(2, buckets.counts(), start);
        for period in 1..=3 {
            buckets.record(period);
            window.rotate(buckets.counts(), start + Duration::from_secs(period));
        }
        buckets.record(4);

        let sum = window.sum(&buckets.counts());

        assert_eq!(sum.total(), 3);
        assert_eq!(sum.percentile(1), Some(2.0));
        assert_eq!(sum.percentile(1000), Some(4.0));
        assert_eq!(window.start(), start + Duration::from_secs(1));
    }
}
