//! Parses the parts of a symbol.

use chrono::{Datelike, NaiveDate};

use super::{Reading, When};
use crate::dump::symbol::{Contract, MONTHS, WEEKLY_MONTHS};
use crate::instrument::Amount;

/// The letters by which exchanges of futures name the months.
pub(super) const MONTH_LETTERS: &str = "FGHJKMNQUVXZ";

/// The maximum number of digits of a strike that no expiry precedes: a number with more digits is an invalid expiry.
const SHORT_STRIKE_DIGITS: usize = 7;

/// A part of a symbol. Between two parts there may be spaces, hyphens and other separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SymbolPart {
    /// The last two digits of the year.
    Year,
    /// Four digits.
    FullYear,
    /// `JAN` to `DEC`.
    MonthName,
    /// `01` to `12`.
    MonthNumber,
    /// `1` to `9`, `O`, `N` or `D`.
    MonthCode,
    /// One of [`MONTH_LETTERS`].
    MonthLetter,
    /// Two digits.
    Day,
    /// One or two digits.
    ShortDay,
    /// Digits, with or without decimals.
    Strike,
    /// A strike of at most [`SHORT_STRIKE_DIGITS`] digits.
    ShortStrike,
    /// `CE` or `PE`.
    Kind,
    /// `C` or `P`.
    KindLetter,
    /// `CALL` or `PUT`.
    KindWord,
    /// A digit and an exclamation mark: the number of the future, 1 for the nearest.
    Position,
    /// Exactly these characters.
    Word(&'static str),
}

#[derive(Default)]
struct PartialReading {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    position: Option<usize>,
    strike: Option<Amount>,
    is_call: Option<bool>,
}

/// Returns the reading of a text that consists of these parts.
pub(super) fn parse_reading(template: &[SymbolPart], text: &str, as_of: NaiveDate) -> Option<Reading> {
    let mut draft = PartialReading::default();
    let mut rest = text;
    for part in template {
        rest = draft.take(*part, without_separators(rest))?;
    }
    if without_separators(rest).is_empty() { draft.reading(as_of) } else { None }
}

fn without_separators(text: &str) -> &str {
    text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '!'))
}

impl PartialReading {
    /// Takes a part from the start of the text and returns the rest.
    fn take<'a>(&mut self, part: SymbolPart, text: &'a str) -> Option<&'a str> {
        match part {
            SymbolPart::Year => {
                let (year, rest) = number(text, 2)?;
                self.year = Some(2000 + year.cast_signed());
                Some(rest)
            }
            SymbolPart::FullYear => {
                let (year, rest) = number(text, 4)?;
                self.year = Some(year.cast_signed()).filter(|year| (2000..2100).contains(year));
                self.year.map(|_| rest)
            }
            SymbolPart::MonthName => {
                let (name, rest) = text.split_at_checked(3)?;
                self.month = position(MONTHS.iter().position(|month| *month == name)?);
                Some(rest)
            }
            SymbolPart::MonthNumber => {
                let (month, rest) = number(text, 2)?;
                self.month = Some(month);
                Some(rest)
            }
            SymbolPart::MonthCode => self.take_month(WEEKLY_MONTHS, text),
            SymbolPart::MonthLetter => self.take_month(MONTH_LETTERS, text),
            SymbolPart::Day => {
                let (day, rest) = number(text, 2)?;
                self.day = Some(day);
                Some(rest)
            }
            SymbolPart::ShortDay => {
                let (day, rest) = number(text, 2).or_else(|| number(text, 1))?;
                self.day = Some(day);
                Some(rest)
            }
            SymbolPart::Strike => self.take_strike(text),
            SymbolPart::ShortStrike => {
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                if digits <= SHORT_STRIKE_DIGITS { self.take_strike(text) } else { None }
            }
            SymbolPart::Kind => self.take_kind(["CE", "PE"], text),
            SymbolPart::KindLetter => self.take_kind(["C", "P"], text),
            SymbolPart::KindWord => self.take_kind(["CALL", "PUT"], text),
            SymbolPart::Position => {
                let (digit, rest) = number(text, 1)?;
                self.position = usize::try_from(digit).ok().filter(|position| *position > 0);
                rest.strip_prefix('!').filter(|_| self.position.is_some())
            }
            SymbolPart::Word(word) => text.strip_prefix(word),
        }
    }

    fn take_month<'a>(&mut self, letters: &str, text: &'a str) -> Option<&'a str> {
        let (letter, rest) = text.split_at_checked(1)?;
        self.month = position(letters.find(letter)?);
        Some(rest)
    }

    fn take_strike<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let length = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (strike, rest) = text.split_at_checked(length)?;
        self.strike = Amount::parse(strike).filter(|strike| *strike > Amount::ZERO);
        self.strike.map(|_| rest)
    }

    fn take_kind<'a>(&mut self, [call, put]: [&str; 2], text: &'a str) -> Option<&'a str> {
        let of_call = text.strip_prefix(call);
        self.is_call = Some(of_call.is_some());
        of_call.or_else(|| text.strip_prefix(put))
    }

    fn reading(self, as_of: NaiveDate) -> Option<Reading> {
        let contract = match (self.strike, self.is_call) {
            (Some(strike), Some(true)) => Contract::Call(strike),
            (Some(strike), Some(false)) => Contract::Put(strike),
            _ => Contract::Future,
        };
        let when = match (self.year, self.month, self.day, self.position) {
            (Some(year), Some(month), Some(day), _) => When::Day(NaiveDate::from_ymd_opt(year, month, day)?),
            (Some(year), Some(month), None, _) => When::Month(year, month),
            (None, Some(month), Some(day), _) => When::Day(coming_day(month, day, as_of)?),
            (None, Some(month), None, _) => {
                let is_past = month < as_of.month();
                When::Month(as_of.year() + i32::from(is_past), month)
            }
            (_, None, _, Some(position)) => When::Position(position),
            _ => When::Unspecified,
        };
        Some(Reading { when, contract })
    }
}

/// Returns the next such day of the year.
fn coming_day(month: u32, day: u32, as_of: NaiveDate) -> Option<NaiveDate> {
    let days = [as_of.year(), as_of.year() + 1].into_iter();
    days.filter_map(|year| NaiveDate::from_ymd_opt(year, month, day)).find(|day| *day >= as_of)
}

/// Returns the number of a month from its place in a list.
fn position(index: usize) -> Option<u32> {
    u32::try_from(index + 1).ok()
}

/// Parses exactly that many digits.
fn number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()?;
    Some((number, rest))
}
