//! Parses the date of an expiry in the notations of all brokers. Each of them means the day in Asia/Kolkata.

use chrono::{DateTime, Datelike, NaiveDate};

use super::symbol::MONTHS;

/// The offset of Asia/Kolkata from UTC in milliseconds: five and a half hours, all year.
const KOLKATA_OFFSET_MS: i64 = 19_800_000;

/// A date in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Day(NaiveDate),
    /// A date of the form `8/5/2026`. At least one of the readings is a date.
    Slashed {
        month_first: Option<NaiveDate>,
        day_first: Option<NaiveDate>,
    },
}

/// Parses a date of the form `2026-08-25`, `25AUG2026`, `25/AUG/26` or `8/25/2026`. A time of day may follow after a
/// space or a `T`.
pub(super) fn written(text: &str) -> Option<Written> {
    if let Some(day) = iso(text) {
        return Some(day).filter(is_plausible).map(Written::Day);
    }
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    if let Some((month_first, day_first)) = by_numbers(date) {
        let (month_first, day_first) = (month_first.filter(is_plausible), day_first.filter(is_plausible));
        return month_first.or(day_first).map(|_| Written::Slashed { month_first, day_first });
    }
    // `T` ends a date only if a time follows: `25OCT2026` contains one itself.
    by_parts(date).or_else(|| by_parts(text)).filter(is_plausible).map(Written::Day)
}

/// Parses a date of the form `2026-08-25`. It takes a tenth of the time of chrono's parser.
pub(crate) fn iso(text: &str) -> Option<NaiveDate> {
    let number = |digits: &[u8]| {
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
        digits.iter().try_fold(0, |number, byte| Some(number * 10 + digit(byte)?))
    };
    match text.as_bytes() {
        [year @ .., b'-', month_tens, month, b'-', day_tens, day] if year.len() == 4 => {
            of(number(year)?, number(&[*month_tens, *month])?, number(&[*day_tens, *day])?)
        }
        _ => None,
    }
}

/// Parses both readings of a date with a number for the month between slashes. `None` for other texts.
fn by_numbers(text: &str) -> Option<(Option<NaiveDate>, Option<NaiveDate>)> {
    let [first, second, year] = in_three(text, '/')?;
    let (first, second, year) = (number(first)?, number(second)?, full_year(year)?);
    Some((of(year, first, second), of(year, second, first)))
}

/// Returns the date of a time in milliseconds since 1970.
pub(super) fn at_milliseconds(milliseconds: i64) -> Option<NaiveDate> {
    let local = milliseconds.checked_add(KOLKATA_OFFSET_MS)?;
    Some(DateTime::from_timestamp_millis(local)?.date_naive()).filter(is_plausible)
}

/// Returns the date of a time in seconds since 1970.
pub(super) fn at_seconds(seconds: i64) -> Option<NaiveDate> {
    at_milliseconds(seconds.checked_mul(1000)?)
}

/// Whether a contract can expire on the date: symbols contain two digits of the year.
fn is_plausible(expiry: &NaiveDate) -> bool {
    (2000..2100).contains(&expiry.year())
}

fn by_parts(text: &str) -> Option<NaiveDate> {
    if let Some(parts) = in_three(text, '-') {
        return match parts {
            [year, month, day] if year.len() == 4 => of(number(year)?, number(month)?, number(day)?),
            [day, month, year] => of(full_year(year)?, month_named(month)?, number(day)?),
        };
    }
    if let Some([first, second, year]) = in_three(text, '/') {
        return of(full_year(year)?, month_named(second)?, number(first)?);
    }
    let (day, rest) = text.split_at_checked(2)?;
    let (month, year) = rest.split_at_checked(3)?;
    of(full_year(year)?, month_named(month)?, number(day)?)
}

fn in_three(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

fn number(text: &str) -> Option<u32> {
    let is_short = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_short.then(|| text.parse().ok())?
}

fn full_year(text: &str) -> Option<u32> {
    match text.len() {
        2 => Some(2000 + number(text)?),
        4 => number(text),
        _ => None,
    }
}

fn month_named(text: &str) -> Option<u32> {
    let position = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(text))?;
    u32::try_from(position + 1).ok()
}

fn of(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_notations_of_a_day_are_parsed_equally() {
        let day = NaiveDate::from_ymd_opt(2026, 10, 27).map(Written::Day);
        for text in [
            "2026-10-27",
            "2026-10-27 14:30:00",
            "2026-10-27T14:30:00",
            "27OCT2026",
            "27Oct26",
            "27/OCT/26",
            "27/Oct/2026",
            "27-Oct-2026",
        ] {
            assert_eq!(written(text), day, "{text}");
        }
    }

    #[test]
    fn a_date_between_slashes_has_two_readings() {
        let of = |month, day| NaiveDate::from_ymd_opt(2026, month, day);
        for (text, month_first, day_first) in [
            ("8/5/2026", of(8, 5), of(5, 8)),
            ("02/12/2026 14:30", of(2, 12), of(12, 2)),
            ("10/27/26", of(10, 27), None),
            ("27/10/2026", None, of(10, 27)),
        ] {
            assert_eq!(written(text), Some(Written::Slashed { month_first, day_first }), "{text}");
        }
    }

    #[test]
    fn an_iso_date_has_digits_only() {
        assert_eq!(iso("0044-03-15"), NaiveDate::from_ymd_opt(44, 3, 15));
        for text in
            ["", "2026-02-29", "2026-1O-01", "2026-10-0/", "+026-10-01", "12026-10-01", "2026/10/01", "20261001"]
        {
            assert_eq!(iso(text), None, "{text}");
        }
    }

    #[test]
    fn invalid_dates_are_rejected() {
        assert_eq!(written("2028-02-29"), NaiveDate::from_ymd_opt(2028, 2, 29).map(Written::Day));
        for text in [
            "",
            "2026-02-29",
            "29-02-2028",
            "2026-13-01",
            "0026-08-25",
            "0001-01-01",
            "0",
            "NaN",
            "31SEP2026",
            "27/13/2026",
            "₹7OCT2026",
            "27OCT226",
            "+1/1/2026",
            "1/2/3/4",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_converted_to_its_day_in_kolkata() {
        // 23:59:59 in Kolkata, midnight there, and a millisecond before it.
        for (milliseconds, day) in [(1_750_357_799_000, 19), (1_750_271_400_000, 19), (1_750_271_399_999, 18)] {
            assert_eq!(at_milliseconds(milliseconds), NaiveDate::from_ymd_opt(2025, 6, day), "{milliseconds}");
        }
        assert_eq!(at_seconds(1_750_271_400), NaiveDate::from_ymd_opt(2025, 6, 19));
        for seconds in [0, -1, i64::MAX, i64::MIN, 1_750_271_400_000] {
            assert_eq!(at_seconds(seconds), None, "{seconds}");
        }
    }
}
