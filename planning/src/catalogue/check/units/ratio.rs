//! A quotient in lowest terms.

use std::fmt;

/// The quotient of two positive numbers in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// Returns the quotient of two numbers; `None` if one of them is not positive.
    pub fn of(numerator: i64, denominator: i64) -> Option<Self> {
        let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
        let (numerator, denominator) = (positive(numerator)?, positive(denominator)?);
        let divisor = greatest_common_divisor(numerator, denominator);
        Some(Ratio { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// Whether the quotient or its inverse is a whole number.
    pub(super) fn is_whole(self) -> bool {
        self.numerator == 1 || self.denominator == 1
    }

    /// Whether the quotient or its inverse is 10, 100, 1000 and so on.
    pub(super) fn is_power_of_ten(self) -> bool {
        let factor = self.numerator.max(self.denominator);
        self.is_whole() && factor > 1 && 10_u64.checked_pow(factor.ilog10()) == Some(factor)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i64, denominator: i64) -> Ratio {
        Ratio::of(numerator, denominator).unwrap()
    }

    #[test]
    fn a_ratio_is_in_lowest_terms() {
        assert_eq!(ratio(500, 5), ratio(100, 1));
        assert_eq!(ratio(500, 5).to_string(), "100");
        assert_eq!(ratio(25, 2500).to_string(), "1/100");
        assert_eq!(ratio(65, 75).to_string(), "13/15");
        assert_eq!(Ratio::of(0, 5), None);
        assert_eq!(Ratio::of(5, -1), None);
    }

    #[test]
    fn inverse_powers_of_ten_and_integers_are_recognized() {
        for (numerator, denominator, is_power, is_whole) in [
            (100, 1, true, true),
            (1, 1000, true, true),
            (5, 50, true, true),
            (75, 25, false, true),
            (1, 30, false, true),
            (65, 75, false, false),
            (5, 5, false, true),
        ] {
            let ratio = ratio(numerator, denominator);
            assert_eq!(ratio.is_power_of_ten(), is_power, "{ratio}");
            assert_eq!(ratio.is_whole(), is_whole, "{ratio}");
        }
    }
}
