//! Futures and option chains, with expiries relative to a date.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::{TICK_SIZE, shares};
use crate::dump::Row;
use crate::dump::symbol::{self, Contract, Cycle};
use crate::instrument::Amount;
use crate::vocabulary::{Exchange, Segment};

/// A market of derivatives, and the weekday on which they expire.
struct Market {
    exchange: Exchange,
    segment: Segment,
    expiry_day: Weekday,
}

const NSE: Market = Market { exchange: Exchange::Nfo, segment: Segment::NseDerivative, expiry_day: Weekday::Tue };

const BSE: Market = Market { exchange: Exchange::Bfo, segment: Segment::BseDerivative, expiry_day: Weekday::Thu };

/// The number of monthly expiries of every future.
const FUTURE_EXPIRIES: usize = 3;

/// The indices with derivatives: the symbol that derivatives refer to, the lot size, and the options.
const INDEX_UNDERLYINGS: [(Market, &str, u32, Option<Chain>); 7] = [
    (NSE, "NIFTY", 65, Some(Chain { level: 25_000, step: 50, steps: 40, weekly: 4, monthly: 3 })),
    (NSE, "BANKNIFTY", 30, Some(Chain { level: 56_000, step: 100, steps: 40, weekly: 0, monthly: 3 })),
    (NSE, "FINNIFTY", 60, None),
    (NSE, "MIDCPNIFTY", 120, None),
    (NSE, "NIFTYNXT50", 25, None),
    (BSE, "SENSEX", 20, Some(Chain { level: 82_000, step: 100, steps: 40, weekly: 4, monthly: 3 })),
    (BSE, "BANKEX", 30, None),
];

/// The options on one underlying.
#[derive(Clone, Copy)]
struct Chain {
    /// The strike in the middle, in rupees.
    level: u32,
    /// The difference between two strikes, in rupees.
    step: u32,
    /// The number of strikes on each side of the middle.
    steps: u32,
    /// The number of the next expiries, weekly or monthly, that have options.
    weekly: usize,
    /// The number of the next monthly expiries that have options.
    monthly: usize,
}

impl Chain {
    fn strikes(self) -> impl Iterator<Item = Amount> {
        let lowest = self.level - self.step * self.steps;
        (0..=2 * self.steps)
            .map(move |steps| Amount::from_ten_thousandths(10_000 * i64::from(lowest + self.step * steps)))
    }
}

/// Adds the derivatives that are traded on the date and did not expire before it.
pub(super) fn add_to(rows: &mut Vec<Row>, trading_date: NaiveDate) {
    for (market, underlying, lot_size, chain) in &INDEX_UNDERLYINGS {
        add_underlying(rows, market, underlying, *lot_size, *chain, trading_date);
    }
    for share in shares() {
        let Some(lot_size) = share.lot_size else { continue };
        let chain = share.options.map(|(level, step)| Chain { level, step, steps: 10, weekly: 0, monthly: 1 });
        add_underlying(rows, &NSE, share.symbol, lot_size, chain, trading_date);
    }
}

fn add_underlying(
    rows: &mut Vec<Row>,
    market: &Market,
    underlying: &str,
    lot_size: u32,
    chain: Option<Chain>,
    trading_date: NaiveDate,
) {
    let mut add = |expiry, contract| rows.push(derivative_row(market, underlying, lot_size, expiry, contract));
    for expiry in expiries(trading_date, market.expiry_day, 0, FUTURE_EXPIRIES) {
        add(expiry, Contract::Future);
    }
    let Some(chain) = chain else { return };
    for expiry in expiries(trading_date, market.expiry_day, chain.weekly, chain.monthly) {
        for strike in chain.strikes() {
            add(expiry, Contract::Call(strike));
            add(expiry, Contract::Put(strike));
        }
    }
}

/// Returns the next `weekly` expiries and the next `monthly` expiries that are the last of a month, earliest first.
fn expiries(trading_date: NaiveDate, expiry_day: Weekday, weekly: usize, monthly: usize) -> BTreeSet<NaiveDate> {
    let days = || trading_date.iter_days().filter(|day| day.weekday() == expiry_day);
    let ends_of_months = days().filter(|day| cycle_of(*day) == Cycle::Monthly);
    days().take(weekly).chain(ends_of_months.take(monthly)).collect()
}

/// Returns the cycle of an expiry: monthly if no other expiry follows in its month.
fn cycle_of(expiry: NaiveDate) -> Cycle {
    match expiry.checked_add_days(Days::new(7)) {
        Some(next) if next.month() == expiry.month() => Cycle::Weekly,
        _ => Cycle::Monthly,
    }
}

fn derivative_row(market: &Market, underlying: &str, lot_size: u32, expiry: NaiveDate, contract: Contract) -> Row {
    Row {
        exchange: market.exchange,
        symbol: symbol::of_derivative(underlying, expiry, cycle_of(expiry), contract),
        alias: None,
        name: underlying.to_owned(),
        segment: market.segment,
        class: contract.class(),
        isin: None,
        series: None,
        underlying: Some(underlying.to_owned()),
        expiry: Some(expiry),
        strike: contract.strike(),
        tick_size: TICK_SIZE,
        lot_size,
        token: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::InstrumentType;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn the_last_expiry_of_a_month_has_the_monthly_name() {
        let calls_of_nifty = |trading_date| -> Vec<String> {
            let mut rows = Vec::new();
            add_to(&mut rows, trading_date);
            let is_call = |row: &Row| row.class == InstrumentType::Call && row.underlying.as_deref() == Some("NIFTY");
            let symbols = rows.into_iter().filter(is_call).map(|row| row.symbol);
            symbols.filter(|symbol| symbol.ends_with("25000CE")).collect()
        };

        assert_eq!(
            calls_of_nifty(date(2026, 8, 18)),
            [
                "NIFTY2681825000CE",
                "NIFTY26AUG25000CE",
                "NIFTY2690125000CE",
                "NIFTY2690825000CE",
                "NIFTY26SEP25000CE",
                "NIFTY26OCT25000CE"
            ]
        );
        assert_eq!(
            calls_of_nifty(date(2026, 12, 30)),
            [
                "NIFTY2710525000CE",
                "NIFTY2711225000CE",
                "NIFTY2711925000CE",
                "NIFTY27JAN25000CE",
                "NIFTY27FEB25000CE",
                "NIFTY27MAR25000CE"
            ]
        );
    }

    #[test]
    fn strikes_surround_the_level() {
        let chain = Chain { level: 100, step: 5, steps: 2, weekly: 0, monthly: 1 };
        let strikes: Vec<String> = chain.strikes().map(|strike| strike.to_string()).collect();
        assert_eq!(strikes, ["90", "95", "100", "105", "110"]);
    }
}
