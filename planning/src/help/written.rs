//! Parses the part of the symbol of a contract that follows the underlying, in Kite's notation and in others that
//! callers use.

use chrono::{Datelike, NaiveDate};

use crate::dump::symbol::Contract;
use crate::instrument::Amount;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// The expiry of a contract, as far as its symbol contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Day(NaiveDate),
    /// Year and month.
    Month(i32, u32),
    /// The symbol contains no expiry.
    Unspecified,
}

/// A meaning of the part of a symbol that follows the underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) when: When,
    pub(super) contract: Contract,
}

/// Returns every reading, that in Kite's notation first. A date without a year is the next one from `as_of` on.
///
/// ```text
/// 26AUG24000CE  26818 24350CE  26AUGFUT     Kite: month, or year, month and day
/// 25AUG2626000CE  23Dec26-398750-CE         day, month, year, strike
/// 7JUL33700PE                               day, month, strike
///  24000 CE 25 NOV 25   FUT 30 DEC 25       strike first, in words
/// 24000CE                                   no expiry
/// ```
pub(super) fn readings(rest: &str, as_of: NaiveDate) -> Vec<Reading> {
    let mut readings: Vec<Reading> = kite(rest).into_iter().collect();
    let parts = parts(rest);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut add = |when: Option<When>, contract: Option<Contract>| {
        if let (Some(when), Some(contract)) = (when, contract) {
            readings.push(Reading { when, contract });
        }
    };
    match parts.as_slice() {
        [day, month, "FUT"] => add(coming(day, month, as_of), Some(Contract::Future)),
        [day, month, year, "FUT"] | ["FUT", day, month, year] => add(dated(day, month, year), Some(Contract::Future)),
        [a, b, c, d, e] => {
            add(dated(a, b, c), option(d, e));
            add(dated(c, d, e), option(a, b));
        }
        [day, month, joined, kind] => {
            if let Some((year, strike)) = joined.split_at_checked(2) {
                add(dated(day, month, year), option(strike, kind));
            }
            add(coming(day, month, as_of), option(joined, kind));
        }
        // A number with more digits is not a strike but an invalid expiry.
        [strike, kind] if strike.len() <= 7 => add(Some(When::Unspecified), option(strike, kind)),
        ["FUT"] => add(Some(When::Unspecified), Some(Contract::Future)),
        _ => {}
    }
    readings
}

/// Parses Kite's notation only.
pub(super) fn kite(rest: &str) -> Option<Reading> {
    let (expiry, tail) = rest.split_at_checked(5)?;
    let (year, rest) = expiry.split_at_checked(2)?;
    let year = whole(year)?;
    let when = match month(rest) {
        Some(month) => When::Month(2000 + year.cast_signed(), month),
        None => {
            let (month, day) = rest.split_at_checked(1)?;
            let month = "123456789OND".find(month)?;
            When::Day(date(year, u32::try_from(month).ok()? + 1, whole(day)?)?)
        }
    };
    let contract = if tail == "FUT" {
        Contract::Future
    } else {
        let (strike, kind) = tail.split_at_checked(tail.len().checked_sub(2)?)?;
        option(strike, kind)?
    };
    Some(Reading { when, contract })
}

/// Splits a text into runs of letters and runs of digits with decimal points, in capital letters. All other characters
/// separate them.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = None;
    for c in text.chars() {
        let kind = match c {
            '0'..='9' | '.' => Some(true),
            c if c.is_ascii_alphabetic() => Some(false),
            _ => None,
        };
        match (kind, parts.last_mut()) {
            (Some(_), Some(last)) if kind == before => last.push(c.to_ascii_uppercase()),
            (Some(_), _) => parts.push(c.to_ascii_uppercase().to_string()),
            (None, _) => {}
        }
        before = kind;
    }
    parts
}

fn option(strike: &str, kind: &str) -> Option<Contract> {
    let strike = Amount::parse(strike).filter(|strike| *strike > Amount::ZERO)?;
    match kind {
        "CE" => Some(Contract::Call(strike)),
        "PE" => Some(Contract::Put(strike)),
        _ => None,
    }
}

fn month(name: &str) -> Option<u32> {
    let index = MONTHS.iter().position(|month| *month == name)?;
    u32::try_from(index + 1).ok()
}

fn dated(day: &str, name: &str, year: &str) -> Option<When> {
    let year = whole(year).filter(|_| matches!(year.len(), 2 | 4))?;
    date(year % 100, month(name)?, whole(day)?).map(When::Day)
}

/// Returns the next such day of the year.
fn coming(day: &str, name: &str, as_of: NaiveDate) -> Option<When> {
    let (month, day) = (month(name)?, whole(day)?);
    let this_year = u32::try_from(as_of.year().rem_euclid(100)).ok()?;
    let days = [this_year, this_year + 1].into_iter().filter_map(|year| date(year, month, day));
    days.into_iter().find(|day| *day >= as_of).map(When::Day)
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(2000 + year.cast_signed(), month, day)
}

fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(rest: &str) -> Vec<(When, Contract)> {
        let readings = readings(rest, "2026-11-24".parse().unwrap());
        readings.into_iter().map(|reading| (reading.when, reading.contract)).collect()
    }

    fn strike(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn kites_and_other_notations_are_parsed() {
        let day = |text: &str| When::Day(text.parse().unwrap());
        let call = |text| Contract::Call(strike(text));
        let put = |text| Contract::Put(strike(text));

        assert_eq!(parsed("26AUG24000CE")[0], (When::Month(2026, 8), call("24000")));
        assert_eq!(parsed("26D0197.5PE")[0], (day("2026-12-01"), put("97.5")));
        assert_eq!(parsed("26AUGFUT")[0], (When::Month(2026, 8), Contract::Future));
        assert!(parsed("25AUG2626000CE").contains(&(day("2026-08-25"), call("26000"))));
        assert!(parsed("-23Dec26-398750-CE").contains(&(day("2026-12-23"), call("398750"))));
        assert!(parsed(" 24000 CE 25 NOV 25").contains(&(day("2025-11-25"), call("24000"))));
        assert!(parsed(" FUT 30 DEC 25").contains(&(day("2025-12-30"), Contract::Future)));
        assert!(parsed("7JUL33700PE").contains(&(day("2027-07-07"), put("33700"))));
        assert!(parsed("1DEC33700PE").contains(&(day("2026-12-01"), put("33700"))));
        assert_eq!(parsed("24000CE"), [(When::Unspecified, call("24000"))]);
        assert_eq!(parsed("FUT"), [(When::Unspecified, Contract::Future)]);
    }

    #[test]
    fn other_texts_are_not_parsed_as_contracts() {
        for rest in ["", "26AUG", "26XYZ24000CE", "2693124000CE", "26AUGCE", "26AUG0CE", "BANK", "₹", "26AUG24000XE"]
        {
            assert_eq!(parsed(rest), [], "{rest}");
        }
    }
}
