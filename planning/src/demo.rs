//! The demonstration catalog: real shares and indices with generated derivatives.
//!
//! It lets the service respond before the file of any broker was read. Symbols and ISINs of shares are those of
//! mid-2025. Derivatives have the expiries that the exchanges use, relative to the trading date, so that near expiries
//! always exist. The levels in the middle of the strikes are nominal, not market prices; lot and tick sizes are
//! typical, not current; and an expiry on an exchange holiday is not moved. The rows have no tokens, which only the
//! file of a broker contains.

mod derivatives;

use chrono::{NaiveDate, NaiveTime};

use crate::catalogue::{Builder, Catalogue, Source};
use crate::dump::Row;
use crate::dump::symbol::alias_of_index;
use crate::instrument::Amount;
use crate::vocabulary::{Exchange, InstrumentType, Segment};

/// The smallest price step of all instruments except indices: five paise.
const TICK_SIZE: Amount = Amount::from_ten_thousandths(500);

/// The indices: exchange, symbol and name.
const INDICES: &str = include_str!("demo/indices.csv");
/// The shares of the two NSE indices with the most followers as of mid-2025. Each is listed on NSE and BSE under the
/// same symbol.
const SHARES: &str = include_str!("demo/shares.csv");

/// A row of [`SHARES`].
#[derive(Clone, Copy)]
struct Share {
    symbol: &'static str,
    isin: &'static str,
    name: &'static str,
    /// The lot size of its derivatives, if it has any.
    lot_size: Option<u32>,
    /// The level in the middle of the strikes and the difference between two strikes, in rupees; `None` without
    /// options.
    options: Option<(u32, u32)>,
}

/// Returns the fields of each row of a file without quoted fields.
fn records<const N: usize>(file: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let fields = |line: &'static str| line.split(',').collect::<Vec<_>>().try_into();
    file.lines().skip(1).map(move |line| fields(line).expect("a row of the demonstration has a field for each column"))
}

fn shares() -> impl Iterator<Item = Share> {
    records(SHARES).map(|[symbol, isin, name, lot_size, level, step]| Share {
        symbol,
        isin,
        name,
        lot_size: lot_size.parse().ok(),
        options: level.parse().ok().zip(step.parse().ok()),
    })
}

/// Returns the rows of the demonstration catalog on a trading date. Equal dates give equal rows; a contract that
/// expires on the date itself is included.
pub fn rows(trading_date: NaiveDate) -> Vec<Row> {
    let mut rows = Vec::new();
    for [exchange, symbol, name] in records(INDICES) {
        let exchange = if exchange == "NSE" { Exchange::Nse } else { Exchange::Bse };
        rows.push(index_row(exchange, symbol, name));
    }
    for share in shares() {
        rows.push(share_row(Exchange::Nse, share));
        rows.push(share_row(Exchange::Bse, share));
    }
    derivatives::add_to(&mut rows, trading_date);
    rows
}

fn index_row(exchange: Exchange, symbol: &str, name: &str) -> Row {
    Row {
        exchange,
        symbol: symbol.to_owned(),
        alias: alias_of_index(symbol).map(str::to_owned),
        name: name.to_owned(),
        segment: if exchange == Exchange::Nse { Segment::NseIndex } else { Segment::BseIndex },
        class: InstrumentType::Index,
        isin: None,
        series: None,
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: Amount::ZERO,
        lot_size: 0,
        token: String::new(),
    }
}

/// Creates the row of a share. BSE's groups, which correspond to series, change too often to be included.
fn share_row(exchange: Exchange, Share { symbol, isin, name, .. }: Share) -> Row {
    let is_nse = exchange == Exchange::Nse;
    Row {
        exchange,
        symbol: symbol.to_owned(),
        alias: None,
        name: name.to_owned(),
        segment: if is_nse { Segment::NseEquity } else { Segment::BseEquity },
        class: InstrumentType::of_isin(isin),
        isin: Some(isin.to_owned()),
        series: is_nse.then(|| "EQ".to_owned()),
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: TICK_SIZE,
        lot_size: 1,
        token: String::new(),
    }
}

/// Builds the demonstration catalog of a trading date.
pub fn catalogue(trading_date: NaiveDate) -> Catalogue {
    let mut builder = Builder::new();
    let made_for = trading_date.and_time(NaiveTime::MIN).and_utc();
    for row in rows(trading_date) {
        builder.add_updated(row, true, made_for);
    }
    builder.build("demo".to_owned(), vec![Source { broker: None, file_date: None, loaded_at: None }])
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;
    use crate::instrument::split_key;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    /// Ordinary days, expiry days, the turn of a year, and a leap day.
    fn dates() -> [NaiveDate; 7] {
        [
            date(2026, 8, 17),
            date(2026, 8, 25),
            date(2026, 8, 27),
            date(2026, 12, 30),
            date(2026, 12, 31),
            date(2028, 2, 29),
            date(2028, 3, 1),
        ]
    }

    fn by_key(trading_date: NaiveDate) -> BTreeMap<String, Row> {
        rows(trading_date).into_iter().map(|row| (format!("{}:{}", row.exchange, row.symbol), row)).collect()
    }

    #[test]
    fn every_key_is_well_formed_and_unique() {
        for trading_date in dates() {
            let by_key = by_key(trading_date);
            assert_eq!(by_key.len(), rows(trading_date).len(), "{trading_date}");
            assert!((3000..6000).contains(&by_key.len()), "{trading_date}: {}", by_key.len());
            assert!(by_key.keys().all(|key| split_key(key).is_ok()), "{trading_date}");
        }
    }

    #[test]
    fn equal_dates_give_equal_rows() {
        assert_eq!(rows(date(2026, 8, 17)), rows(date(2026, 8, 17)));
    }

    #[test]
    fn well_known_instruments_exist() {
        let by_key = by_key(date(2026, 8, 17));
        for (key, isin, alias) in [
            ("NSE:RELIANCE", Some("INE002A01018"), None),
            ("BSE:RELIANCE", Some("INE002A01018"), None),
            ("NSE:TCS", Some("INE467B01029"), None),
            ("NSE:M&M", Some("INE101A01026"), None),
            ("NSE:NIFTY 50", None, Some("NIFTY")),
            ("NSE:NIFTY BANK", None, Some("BANKNIFTY")),
            ("BSE:SENSEX", None, None),
        ] {
            let row = &by_key[key];
            assert_eq!(row.isin.as_deref(), isin, "{key}");
            assert_eq!(row.alias.as_deref(), alias, "{key}");
        }
    }

    #[test]
    fn every_share_is_an_ordinary_share_with_its_own_isin() {
        let shares: Vec<Row> = rows(date(2026, 8, 17)).into_iter().filter(|row| row.isin.is_some()).collect();
        let isins: HashSet<&str> = shares.iter().filter_map(|row| row.isin.as_deref()).collect();
        assert_eq!(shares.len(), 200);
        assert_eq!(isins.len(), 100);
        assert!(shares.iter().all(|row| row.class == InstrumentType::Equity));
    }

    #[test]
    fn every_derivative_has_an_underlying_on_its_exchange() {
        let rows = rows(date(2026, 8, 17));
        let is_known = |row: &Row, underlying: &str| {
            let exchange = if row.exchange == Exchange::Nfo { Exchange::Nse } else { Exchange::Bse };
            let has_name = |row: &Row| row.symbol == underlying || row.alias.as_deref() == Some(underlying);
            rows.iter().any(|row| row.exchange == exchange && has_name(row))
        };
        for row in &rows {
            assert!(row.underlying.as_deref().is_none_or(|underlying| is_known(row, underlying)), "{}", row.symbol);
        }
    }

    #[test]
    fn no_contract_has_expired() {
        for trading_date in dates() {
            assert!(rows(trading_date).iter().all(|row| row.expiry.is_none_or(|expiry| expiry >= trading_date)));
        }
    }

    #[test]
    fn a_contract_is_included_until_its_last_day() {
        assert!(by_key(date(2026, 8, 25)).contains_key("NFO:RELIANCE26AUGFUT"));
        assert!(!by_key(date(2026, 8, 26)).contains_key("NFO:RELIANCE26AUGFUT"));
        assert!(by_key(date(2026, 8, 27)).contains_key("BFO:SENSEX26AUGFUT"));
    }
}
