//! Statistics over several rounds.

use serde::Serialize;

/// The median and the range of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Returns `None` if there are no values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { median, min, max })
    }
}

/// The values of both sides, one per round.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pairs {
    pub(crate) ours: Vec<f64>,
    pub(crate) other: Vec<f64>,
}

impl Pairs {
    /// Divides ours by the other's of the same round, because a slow round affects both sides.
    pub(crate) fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.other).map(|(ours, other)| ours / other).collect()
    }
}

/// Returns the mean, or 0 if there are no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Skips the first fifth, and divides the mean of the last third by the mean of the first third: 1 if values do not
/// grow. Returns `None` for fewer than ten values.
pub(crate) fn growth(values: &[f64]) -> Option<f64> {
    if values.len() < 10 {
        return None;
    }
    let warm = &values[values.len() / 5..];
    let third = warm.len() / 3;
    Some(mean(&warm[warm.len() - third..]) / mean(&warm[..third]))
}

/// Returns the first index from which on every value is at most `limit`, or `None` if the last value exceeds it.
pub(crate) fn settled_at(values: &[f64], limit: f64) -> Option<usize> {
    match values.iter().rposition(|value| *value > limit) {
        None => Some(0),
        Some(last_above) if last_above + 1 < values.len() => Some(last_above + 1),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_median_and_range_for_any_order_of_values() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of(&[7.0]), Some(Spread { median: 7.0, min: 7.0, max: 7.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_compare_values_of_the_same_round() {
        let pairs = Pairs { ours: vec![10.0, 40.0], other: vec![5.0, 10.0] };

        assert_eq!(pairs.ratios(), [2.0, 4.0]);
    }

    #[test]
    fn growth_leaves_out_the_warm_up() {
        let mut values = vec![1.0; 2];
        values.extend(vec![100.0; 8]);
        let climbing: Vec<f64> = (1..=15).map(f64::from).collect();

        assert_eq!(growth(&values), Some(1.0));
        assert_eq!(growth(&climbing), Some(13.5 / 5.5));
        assert_eq!(growth(&[1.0; 9]), None);
    }

    #[test]
    fn settled_values_stay_below_the_limit() {
        assert_eq!(settled_at(&[9.0, 1.0, 9.0, 2.0, 1.0], 2.0), Some(3));
        assert_eq!(settled_at(&[1.0, 1.0], 2.0), Some(0));
        assert_eq!(settled_at(&[1.0, 9.0], 2.0), None);
        assert_eq!(settled_at(&[], 2.0), Some(0));
    }
}
