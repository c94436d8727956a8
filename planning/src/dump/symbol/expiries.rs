//! Finds the monthly expiry of each month, if a file does not contain it.

use std::collections::{BTreeSet, HashMap};

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::{Contract, Cycle, of_derivative};
use crate::dump::Row;
use crate::vocabulary::{Exchange, Segment};

/// The expiries of every underlying in a file.
#[derive(Default)]
pub(crate) struct Expiries {
    of_exchange: HashMap<Exchange, HashMap<String, BTreeSet<NaiveDate>>>,
}

impl Expiries {
    /// Adds the expiry of a contract; other rows have none.
    pub(crate) fn add(&mut self, row: &Row) {
        let (Some(underlying), Some(expiry)) = (&row.underlying, row.expiry) else { return };
        let of_underlying = self.of_exchange.entry(row.exchange).or_default();
        match of_underlying.get_mut(underlying) {
            Some(known) => _ = known.insert(expiry),
            None => _ = of_underlying.insert(underlying.clone(), BTreeSet::from([expiry])),
        }
    }

    /// Writes the symbol of a contract by the expiries that were added. The symbol of other rows does not change.
    ///
    /// The monthly expiry is the last one of its month, so that the last weekly contract has the monthly name. That of a
    /// currency is another one, see [`monthly_of_currency`].
    pub(crate) fn symbol_of(&self, row: &Row) -> String {
        let Some((underlying, expiry, contract)) = terms(row) else { return row.symbol.clone() };
        let monthly = self.known(row).and_then(|known| match is_currency_pair(row.segment, underlying) {
            true => monthly_of_currency(known, expiry).map(|(day, _)| day),
            false => known.range(..=end_of_month(expiry)).next_back().copied(),
        });
        let cycle = if monthly == Some(expiry) { Cycle::Monthly } else { Cycle::Weekly };
        of_derivative(underlying, expiry, cycle, contract)
    }

    /// Returns another symbol for a contract whose broker has the wrong one: a broker that takes the last expiry of a
    /// month for the monthly one calls a weekly currency contract by its month.
    ///
    /// A broker knows the holidays of the exchange. Its notation is therefore wrong only if the expiries of its own file
    /// leave no other choice: two of them are in the last week of a month.
    pub(crate) fn correction_of(&self, row: &Row) -> Option<String> {
        let (underlying, expiry, contract) = terms(row)?;
        if !is_currency_pair(row.segment, underlying) {
            return None;
        }
        let (monthly, Certainty::Certain) = monthly_of_currency(self.known(row)?, expiry)? else { return None };
        let cycle = if monthly == expiry { Cycle::Monthly } else { Cycle::Weekly };
        let symbol = of_derivative(underlying, expiry, cycle, contract);
        (symbol != row.symbol).then_some(symbol)
    }

    fn known(&self, row: &Row) -> Option<&BTreeSet<NaiveDate>> {
        self.of_exchange.get(&row.exchange)?.get(row.underlying.as_ref()?)
    }
}

/// Returns the underlying, expiry and type of a contract; `None` for other rows.
fn terms(row: &Row) -> Option<(&str, NaiveDate, Contract)> {
    Some((row.underlying.as_deref()?, row.expiry?, Contract::of(row.class, row.strike)?))
}

/// The certainty with which the expiries of a file determine the monthly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// Two expiries are in the same week.
    Certain,
    /// The expiry is the only one of its week, and holidays could make it a weekly one.
    Likely,
}

/// Returns the monthly expiry of a currency in the month of `day`, among all expiries of the currency; `None` if it is
/// over.
///
/// The monthly contract ends two working days before the last one of the month, and a weekly contract at the end of
/// each week, on the last working day. The holidays are not known here, but they only move both to earlier days:
///
/// * Two expiries in one week are a monthly one and, after it, a weekly one: in March 2026, with holidays on the 26th and
///   31st, Wednesday the 25th and Friday the 27th.
/// * Otherwise the last expiry up to two weekdays before the last weekday is the monthly one. Either it is alone in its
///   week, or the weekly contract ends on the same day and is the same contract.
/// * The exchanges list the monthly contracts of twelve months. If that of the same month in the next year is listed, the
///   one of this year is over, and a Friday that comes first in the file is a weekly expiry.
fn monthly_of_currency(known: &BTreeSet<NaiveDate>, day: NaiveDate) -> Option<(NaiveDate, Certainty)> {
    /// More days than a row of holidays at the end of a month takes.
    const SEARCHED: Days = Days::new(7);
    let last = last_monthly(day);
    let first = last.checked_sub_days(SEARCHED)?;
    let is_before_a_weekly = |day: &&NaiveDate| {
        let sunday = Days::new(6 - u64::from(day.weekday().num_days_from_monday()));
        let in_week = day.succ_opt().zip(day.checked_add_days(sunday));
        in_week.is_some_and(|(next, sunday)| next <= sunday && known.range(next..=sunday).next().is_some())
    };
    if let Some(monthly) = known.range(first..=last).rev().find(is_before_a_weekly) {
        return Some((*monthly, Certainty::Certain));
    }
    let likely = *known.range(..=last).next_back().filter(|likely| likely.month() == day.month())?;
    let is_over = likely.weekday() == Weekday::Fri && known.first() == Some(&likely) && {
        let next_year = likely.with_day(1).and_then(|first| first.checked_add_months(Months::new(12)));
        next_year.is_some_and(|first| known.range(first..).next().is_some())
    };
    (!is_over).then_some((likely, Certainty::Likely))
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
    fn the_earlier_of_two_expiries_in_a_week_is_monthly() {
        // Holidays on 26 and 31 March 2026: the monthly contract ends on Wednesday, a weekly one on Friday.
        let march = ["2026-03-20", "2026-03-25", "2026-03-27", "2026-04-28"];
        let expected = ["USDINR26320FUT", "USDINR26MARFUT", "USDINR26327FUT", "USDINR26APRFUT"];
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &march), expected);
        // The weekly expiry of a week with a holiday on its Friday is earlier, even in another month.
        let october = ["2024-10-25", "2024-10-29", "2024-10-31", "2024-11-08"];
        let expected = ["USDINR24O25FUT", "USDINR24OCTFUT", "USDINR24O31FUT", "USDINR24NOVFUT"];
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &october), expected);
        let across = ["2024-10-29", "2024-11-01", "2024-11-27"];
        let expected = ["USDINR24OCTFUT", "USDINR24N01FUT", "USDINR24NOVFUT"];
        assert_eq!(symbols(Segment::BseCurrency, "USDINR", &across), expected);
        // With a holiday on Friday 27 June 2025, the monthly contract would end on Wednesday, the weekly one on Thursday.
        let june = ["2025-06-20", "2025-06-25", "2025-06-26", "2025-07-04"];
        let expected = ["USDINR25620FUT", "USDINR25JUNFUT", "USDINR25626FUT", "USDINR25JULFUT"];
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &june), expected);
    }

    #[test]
    fn a_monthly_expiry_may_be_a_friday() {
        let september = ["2025-09-19", "2025-09-26", "2025-10-03", "2025-10-29"];
        let expected = ["USDINR25919FUT", "USDINR25SEPFUT", "USDINR25O03FUT", "USDINR25OCTFUT"];
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &september), expected);
    }

    #[test]
    fn a_friday_is_weekly_if_the_next_years_month_is_listed() {
        let after_the_monthly_one = ["2026-03-27", "2026-04-28", "2027-03-25"];
        let expected = ["USDINR26327FUT", "USDINR26APRFUT", "USDINR27MARFUT"];
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &after_the_monthly_one), expected);
        let before = ["2026-03-27", "2026-04-28", "2027-02-24"];
        let expected = ["USDINR26MARFUT", "USDINR26APRFUT", "USDINR27FEBFUT"];
        assert_eq!(symbols(Segment::NseCurrency, "USDINR", &before), expected);
    }

    #[test]
    fn a_wrong_notation_is_corrected_only_if_expiries_are_clear() {
        let row = |day: &str, symbol: &str| Row {
            symbol: symbol.to_owned(),
            ..contract(Segment::NseCurrency, "USDINR", day)
        };
        let rows = [
            row("2026-03-25", "USDINR26325FUT"),
            row("2026-03-27", "USDINR26MARFUT"),
            row("2026-04-28", "USDINR26428FUT"),
            row("2026-04-24", "USDINR26424FUT"),
        ];
        let mut expiries = Expiries::default();
        rows.iter().for_each(|row| expiries.add(row));

        let corrections = rows.iter().map(|row| expiries.correction_of(row));

        let expected = [Some("USDINR26MARFUT"), Some("USDINR26327FUT"), None, None];
        assert!(corrections.eq(expected.map(|symbol| symbol.map(str::to_owned))));
    }

    #[test]
    fn a_row_without_a_contract_keeps_its_symbol() {
        let row = crate::testing::equity("NSE", "TCS", "INE467B01029");
        assert_eq!(Expiries::default().symbol_of(&row), "TCS");
    }
}
