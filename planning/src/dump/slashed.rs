//! Rows whose expiry is written `02/12/2025`.
//!
//! Neither the row nor its broker determines whether that is a day in December or in February, but other rows of the
//! same column do: `30/12/2025` has one reading. Such a row is passed on with both readings, and [`crate::ingest`]
//! decides when it has all rows.

use chrono::{Datelike, NaiveDate};

use super::date::{self, Written};
use super::field::Reason;
use super::symbol::{self, Cycle};
use super::{Entry, Row};

/// The order of day and month in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// `12/30/2025`
    MonthFirst,
    /// `30/12/2025`
    DayFirst,
}

/// A contract with both readings of its expiry, such as `03/12/2025`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlashedDate {
    /// The name of the column with the date.
    pub column: &'static str,
    /// The date as in the file, before it is read.
    pub written: String,
    /// The row if the month is first; the reason why it is not a row otherwise.
    month_first: Result<Box<Entry>, Reason>,
    day_first: Result<Box<Entry>, Reason>,
    /// The only order in which the text is a date.
    pub order_by_date: Option<DateOrder>,
    /// The only order in which the symbol of the file names the date.
    pub order_by_symbol: Option<DateOrder>,
}

impl SlashedDate {
    /// Returns the row in an order of the column.
    ///
    /// # Errors
    /// The reason why the row is rejected in that order: it is not a date, or the symbol names the date in the other
    /// order.
    pub fn in_order(self, order: DateOrder) -> Result<Entry, Reason> {
        let reading = match order {
            DateOrder::MonthFirst => self.month_first,
            DateOrder::DayFirst => self.day_first,
        }?;
        match self.order_by_symbol {
            Some(named) if named != order => Err(ANOTHER_DATE),
            _ => Ok(*reading),
        }
    }

    /// Whether the two orders give different rows.
    pub fn is_ambiguous(&self) -> bool {
        self.order_by_date.is_none() && self.month_first != self.day_first
    }

    pub(super) fn texts_bytes(&self) -> usize {
        let of = |reading: &Result<Box<Entry>, Reason>| reading.as_ref().map_or(0, |entry| entry.texts_bytes());
        of(&self.month_first).max(of(&self.day_first))
    }
}

/// The reason for a row whose symbol names another date than its expiry.
pub(super) const ANOTHER_DATE: Reason = "the symbol names another expiry than the row";

/// The expiry of a row in the file.
pub(super) struct Expiry<'a> {
    /// The name of its column.
    pub(super) column: &'static str,
    pub(super) text: &'a str,
    /// The reason of the rejection if the text is not a date.
    pub(super) reason: Reason,
    /// The texts of the row that may name the expiry too.
    pub(super) symbols: [&'a str; 2],
}

/// Completes a row by its expiry, in both readings if there are two.
pub(super) fn entry(
    row: Row,
    expiry: &Expiry<'_>,
    complete: impl Fn(Row, NaiveDate) -> Result<Entry, Reason>,
) -> Result<Entry, Reason> {
    let (month_first, day_first) = match date::written(expiry.text).ok_or(expiry.reason)? {
        Written::Day(day) => return complete(row, day),
        Written::Slashed { month_first, day_first } => (month_first, day_first),
    };
    let names =
        |day: Option<NaiveDate>| day.is_some_and(|day| expiry.symbols.iter().any(|symbol| is_named(symbol, day)));
    let only = |month_first: bool, day_first: bool| match (month_first, day_first) {
        (true, false) => Some(DateOrder::MonthFirst),
        (false, true) => Some(DateOrder::DayFirst),
        _ => None,
    };
    let read = |row: Row, day: Option<NaiveDate>| complete(row, day.ok_or(expiry.reason)?).map(Box::new);
    let slashed = SlashedDate {
        column: expiry.column,
        written: expiry.text.to_owned(),
        month_first: read(row.clone(), month_first),
        day_first: read(row, day_first),
        order_by_date: only(month_first.is_some(), day_first.is_some()),
        order_by_symbol: only(names(month_first), names(day_first)),
    };
    match (&slashed.month_first, &slashed.day_first) {
        // The row is rejected for another reason than its date.
        (Err(reason), Err(other)) => Err(if *reason == expiry.reason { other } else { reason }),
        _ => Ok(Entry::Slashed(slashed)),
    }
}

/// Whether a symbol names a date, or its month, in one of the notations of brokers: `25DEC`, `02DEC25`, `Dec2025`,
/// `25D02`, `02 DEC`.
fn is_named(symbol: &str, day: NaiveDate) -> bool {
    let symbol = symbol.to_uppercase();
    let (year, month) = (format!("{:02}", day.year().rem_euclid(100)), symbol::MONTHS[day.month0() as usize]);
    let day_of_month = day.day();
    let notations = [
        symbol::expiry_text(day, Cycle::Monthly),
        symbol::expiry_text(day, Cycle::Weekly),
        format!("{day_of_month:02}{month}{year}"),
        format!("{month}{}", day.year()),
        format!("{day_of_month:02} {month}"),
    ];
    notations.iter().any(|notation| symbol.contains(notation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::future;

    fn read(text: &str, symbol: &str) -> Result<Entry, Reason> {
        let expiry = Expiry { column: "expiry", text, reason: "expiry is not a date", symbols: [symbol, ""] };
        entry(future("NIFTY", "", "2025-01-01"), &expiry, |row, day| Ok(Entry::Row(Row { expiry: Some(day), ..row })))
    }

    fn slashed(text: &str, symbol: &str) -> SlashedDate {
        match read(text, symbol) {
            Ok(Entry::Slashed(slashed)) => slashed,
            other => panic!("expected two readings, got {other:?}"),
        }
    }

    fn expiry(entry: Result<Entry, Reason>) -> Result<String, Reason> {
        match entry? {
            Entry::Row(row) => Ok(row.expiry.unwrap().to_string()),
            other => panic!("expected a row, got {other:?}"),
        }
    }

    #[test]
    fn a_date_in_another_notation_has_one_reading() {
        assert_eq!(expiry(read("2025-12-02", "")), Ok("2025-12-02".to_owned()));
        assert_eq!(expiry(read("02/DEC/25", "")), Ok("2025-12-02".to_owned()));
        assert_eq!(read("31/31/2025", ""), Err("expiry is not a date"));
        assert_eq!(read("soon", ""), Err("expiry is not a date"));
    }

    #[test]
    fn the_order_determines_the_reading() {
        let date = slashed("02/12/2025", "");
        assert!(date.is_ambiguous());
        assert_eq!(expiry(date.clone().in_order(DateOrder::DayFirst)), Ok("2025-12-02".to_owned()));
        assert_eq!(expiry(date.in_order(DateOrder::MonthFirst)), Ok("2025-02-12".to_owned()));

        let date = slashed("30/12/2025", "");
        assert_eq!(date.order_by_date, Some(DateOrder::DayFirst));
        assert!(!date.is_ambiguous());
        assert_eq!(expiry(date.in_order(DateOrder::MonthFirst)), Err("expiry is not a date"));
        assert_eq!(slashed("12/30/2025", "").order_by_date, Some(DateOrder::MonthFirst));
        assert!(!slashed("05/05/2025", "").is_ambiguous());
    }

    #[test]
    fn a_symbol_may_name_the_date_in_one_order() {
        for symbol in
            ["NIFTY25DECFUT", "NIFTY-Dec2025-FUT", "NIFTY02DEC25FUT", "NIFTY25D0225000CE", "NIFTY 02 DEC CALL"]
        {
            let date = slashed("02/12/2025", symbol);
            assert_eq!(date.order_by_symbol, Some(DateOrder::DayFirst), "{symbol}");
            assert_eq!(date.in_order(DateOrder::MonthFirst), Err(ANOTHER_DATE), "{symbol}");
        }
        assert_eq!(slashed("02/12/2025", "NIFTY25MARFUT").order_by_symbol, None);
    }
}
