//! Finds the strikes that a typing error turns into another number.

use crate::instrument::Amount;

const SLIPS_MAX: usize = 3;

/// The typing errors, the most likely first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slip {
    LostZero,
    /// One digit fewer of several equal ones.
    LostRepetition,
    DoubledDigit,
    SwappedDigits,
    LostDigit,
}

/// Returns the positions of the strikes that differ from the written one by a lost, a doubled or two swapped digits,
/// the most likely first. A digit that is lost from another place is only considered if nothing else fits, because ten
/// numbers can be meant.
pub(super) fn slips(written: Amount, strikes: impl Iterator<Item = Amount>) -> Vec<usize> {
    let written = written.to_string();
    let mut found: Vec<(Slip, usize)> = strikes
        .enumerate()
        .filter_map(|(position, strike)| Some((slip(written.as_bytes(), strike.to_string().as_bytes())?, position)))
        .collect();
    found.sort_unstable();
    let is_certain = found.first().is_some_and(|(slip, _)| *slip < Slip::LostDigit);
    let fitting = found.into_iter().filter(|(slip, _)| !is_certain || *slip < Slip::LostDigit);
    fitting.take(SLIPS_MAX).map(|(_, position)| position).collect()
}

/// Returns the error that turns the number that was meant into the written one.
fn slip(written: &[u8], meant: &[u8]) -> Option<Slip> {
    // The numbers are equal up to this position.
    let start = written.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let (written_rest, meant_rest) = (&written[start..], &meant[start..]);
    match (written_rest, meant_rest) {
        (rest, [lost, meant_rest @ ..]) if rest == meant_rest && lost.is_ascii_digit() => {
            // Of several equal digits, the one that is compared last appears to be lost.
            let is_repeated = start.checked_sub(1).is_some_and(|before| written[before] == *lost);
            Some(match lost {
                b'0' => Slip::LostZero,
                _ if is_repeated => Slip::LostRepetition,
                _ => Slip::LostDigit,
            })
        }
        ([doubled, rest @ ..], meant_rest) if rest == meant_rest => {
            let is_doubled = start.checked_sub(1).is_some_and(|before| written[before] == *doubled);
            is_doubled.then_some(Slip::DoubledDigit)
        }
        ([a, b, rest @ ..], [c, d, meant_rest @ ..]) => {
            ((a, b) == (d, c) && rest == meant_rest && a.is_ascii_digit() && b.is_ascii_digit())
                .then_some(Slip::SwappedDigits)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(written: &str, strikes: &[&str]) -> Vec<String> {
        let amount = |text: &str| Amount::parse(text).unwrap();
        let positions = slips(amount(written), strikes.iter().map(|strike| amount(strike)));
        positions.into_iter().map(|position| strikes[position].to_owned()).collect()
    }

    #[test]
    fn a_lost_doubled_or_swapped_digit_is_found() {
        assert_eq!(found("6000", &["46500", "60000", "60500", "66000"]), ["60000", "66000"]);
        assert_eq!(found("2505", &["25000", "25050", "25500"]), ["25050"]);
        assert_eq!(found("2200", &["22000", "22200"]), ["22000", "22200"]);
        assert_eq!(found("250000", &["24000", "25000", "25500"]), ["25000"]);
        assert_eq!(found("255000", &["25000", "25500"]), ["25000", "25500"]);
        assert_eq!(found("52000", &["25000", "25100"]), ["25000"]);
        assert_eq!(found("9.5", &["97.5", "90.5", "99.5"]), ["90.5", "99.5"]);
    }

    #[test]
    fn another_lost_digit_is_found_if_nothing_else_fits() {
        assert_eq!(found("6500", &["56500", "65300"]), ["56500", "65300"]);
        assert_eq!(found("6500", &["56500", "65000"]), ["65000"]);
    }

    #[test]
    fn other_numbers_are_not_found() {
        assert_eq!(found("25000", &["25000", "25050", "25100", "26000", "250"]), Vec::<String>::new());
        assert_eq!(found("97.5", &["975", "95.7"]), Vec::<String>::new());
    }
}
