//! Finds the monthly expiry of each month, if a file does not contain it.

use std::collections::{BTreeSet, HashMap};

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::{Contract, Cycle, of_derivative};
use crate::dump::Row;
use crate::vocabulary::{Exchange, InstrumentType, Segment};

/// The expiries of every underlying in a file.
#[derive(Default)]
pub(crate) struct Expiries {
    of_underlying: HashMap<(Exchange, String), BTreeSet<NaiveDate>>,
}

impl Expiries {
    /// Adds the expiry of a contract; other rows have none.
    pub(crate) fn add(&mut self, row: &Row) {
        if let (Some(underlying), Some(expiry)) = (&row.underlying, row.expiry) {
            self.of_underlying.entry((row.exchange, underlying.clone())).or_default().insert(expiry);
        }
    }

    /// Writes the symbol of a contract by the expiries that were added. The symbol of other rows does not change.
    ///
    /// The monthly expiry is the last one of its month, so that the last weekly contract has the monthly name. A
    /// currency has a weekly contract on every Friday, and its monthly one ends two working days before the end of the
    /// month: a Friday after that day is not monthly.
    pub(crate) fn symbol_of(&self, row: &Row) -> String {
        let (Some(underlying), Some(expiry)) = (&row.underlying, row.expiry) else { return row.symbol.clone() };
        let contract = match (row.class, row.strike) {
            (InstrumentType::Future, _) => Contract::Future,
            (InstrumentType::Call, Some(strike)) => Contract::Call(strike),
            (InstrumentType::Put, Some(strike)) => Contract::Put(strike),
            _ => return row.symbol.clone(),
        };
        let last = if is_currency_pair(row.segment, underlying) { last_monthly(expiry) } else { end_of_month(expiry) };
        let noted = self.of_underlying.get(&(row.exchange, underlying.clone()));
        let monthly = noted.and_then(|noted| noted.range(..=last).next_back());
        let cycle = if monthly == Some(&expiry) { Cycle::Monthly } else { Cycle::Weekly };
        of_derivative(underlying, expiry, cycle, contract)
    }
}

/// Bonds and bills, which are traded in the same segments, start with a digit and have no weekly contracts.
fn is_currency_pair(segment: Segment, underlying: &str) -> bool {
    matches!(segment, Segment::NseCurrency | Segment::BseCurrency)
        && underlying.len() == 6
        && underlying.bytes().all(|b| b.is_ascii_uppercase())
}

/// Returns the last day on which the monthly contract of a currency can end: two weekdays before the last one of the
/// month. Holidays, which are not known here, only move it to earlier days.
fn last_monthly(day: NaiveDate) -> NaiveDate {
    let is_weekday = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let days_back = (0..).map_while(|days| end_of_month(day).checked_sub_days(Days::new(days)));
    days_back.filter(is_weekday).nth(2).unwrap_or(day)
}

fn end_of_month(day: NaiveDate) -> NaiveDate {
    (28..=31).rev().find_map(|last| day.with_day(last)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::future;

    fn contract(segment: Segment, underlying: &str, expiry: &str) -> Row {
        let exchange = if segment == Segment::NseDerivative { Exchange::Nfo } else { Exchange::Cds };
        Row { segment, exchange, ..future(underlying, "", expiry) }
    }

    fn symbols(segment: Segment, underlying: &str, days: &[&str]) -> Vec<String> {
        let rows: Vec<Row> = days.iter().map(|day| contract(segment, underlying, day)).collect();
        let mut expiries = Expiries::default();
        rows.iter().for_each(|row| expiries.add(row));
        rows.iter().map(|row| expiries.symbol_of(row)).collect()
    }

    #[test]
    fn the_last_expiry_of_a_month_is_the_monthly_one() {
        assert_eq!(
            symbols(Segment::NseDerivative, "NIFTY", &["2026-09-22", "2026-09-29", "2026-10-06", "2026-12-29"]),
            ["NIFTY26922FUT", "NIFTY26SEPFUT", "NIFTY26OCTFUT", "NIFTY26DECFUT"]
        );
    }

    #[test]
    fn each_underlying_has_its_own_expiries() {
        let mut expiries = Expiries::default();
        let (sensex, sensex50) = (
            contract(Segment::NseDerivative, "SENSEX", "2026-09-24"),
            contract(Segment::NseDerivative, "SENSEX50", "2026-09-25"),
        );
        expiries.add(&sensex);
        expiries.add(&sensex50);

        assert_eq!(expiries.symbol_of(&sensex), "SENSEX26SEPFUT");
        assert_eq!(expiries.symbol_of(&sensex50), "SENSEX5026SEPFUT");
    }

    #[test]
    fn a_currencys_last_friday_may_be_weekly() {
        // June 2025 ended on a Monday, so its monthly contract ended on Thursday the 26th.
        let june = ["2025-06-20", "2025-06-26", "2025-06-27", "2025-07-29"];
        let expected = ["USDINR25620FUT", "USDINR25JUNFUT", "USDINR25627FUT", "USDINR25JULFUT"];
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &june), expected);
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &june[2..]), expected[2..], "the monthly one is over");
        assert_eq!(symbols(Segment::NseCurrency, "726GS2033", &["2025-06-27"]), ["726GS203325JUNFUT"]);
    }

    #[test]
    fn a_row_without_a_contract_keeps_its_symbol() {
        let row = crate::testing::equity("NSE", "TCS", "INE467B01029");
        assert_eq!(Expiries::default().symbol_of(&row), "TCS");
    }
}
