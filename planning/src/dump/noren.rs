//! Rules that the files of the Noren brokers and of Alice Blue share.

use chrono::NaiveDate;

use super::field::Reason;
use super::symbol::{self, Contract, Cycle, MONTHS, of_derivative};
use super::{Row, security};
use crate::vocabulary::{Exchange, InstrumentType, Segment};

/// The reason for a row of an underlying, such as the currency `USDINR` itself. It has no expiry and cannot be traded.
pub(super) const UNDERLYING: Reason = "the row is an underlying without terms of a contract";

/// Completes the row of a security of a file without ISINs. `series` is the series on NSE and the group on BSE. `None` if
/// the symbol cannot be part of a key.
pub(super) fn security_row(row: Row, symbol: &str, series: &str) -> Option<Row> {
    let class = match series {
        "F" | "G" if row.exchange == Exchange::Bse => InstrumentType::Debt,
        "E" | "IF" if row.exchange == Exchange::Bse => InstrumentType::Fund,
        _ => security::class_by_symbol(row.exchange, symbol, Some(series).filter(|series| !series.is_empty())),
    };
    Some(Row { class, ..security::row(row, symbol, series, "")? })
}

/// Returns the name by which contracts refer to their underlying, and the cycle if the trading symbol shows it. The name
/// is empty if it is unknown.
///
/// On BSE the column of the name contains mnemonics of the exchange (`BSXOPT` for options on `SENSEX`), but the trading
/// symbol starts with the underlying.
pub(super) fn underlying_and_cycle<'a>(
    segment: Segment,
    name: &'a str,
    trading_symbol: &'a str,
    expiry: NaiveDate,
    contract: Contract,
) -> (&'a str, Option<Cycle>) {
    let is_of_bse = matches!(segment, Segment::BseDerivative | Segment::BseCurrency);
    let in_symbol = || {
        before_terms(trading_symbol, expiry, contract)
            .or_else(|| symbol::underlying_of(trading_symbol, expiry, contract))
            .or_else(|| Some(name).filter(|name| !name.ends_with("OPT") && !name.ends_with("FUT")))
    };
    let underlying = if is_of_bse { in_symbol().unwrap_or_default() } else { name };
    let is_written = |cycle: &Cycle| of_derivative(underlying, expiry, *cycle, contract) == trading_symbol;
    (underlying, [Cycle::Monthly, Cycle::Weekly].into_iter().find(is_written))
}

/// Returns the part of a trading symbol before the expiry and the contract: `NIFTY28OCT25F`, `NIFTY28OCT25C25000`.
fn before_terms(symbol: &str, expiry: NaiveDate, contract: Contract) -> Option<&str> {
    let stem = match contract {
        Contract::Future => symbol.strip_suffix('F')?,
        Contract::Call(strike) => symbol.strip_suffix(&strike.to_string())?.strip_suffix('C')?,
        Contract::Put(strike) => symbol.strip_suffix(&strike.to_string())?.strip_suffix('P')?,
    };
    let written = expiry.format("%d-%m-%y").to_string();
    let (day, rest) = written.split_once('-')?;
    let (month, year) = rest.split_once('-')?;
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    stem.strip_suffix(&format!("{day}{month}{year}")).filter(|underlying| !underlying.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Amount;

    fn in_symbol(name: &'static str, symbol: &'static str, contract: Contract) -> (&'static str, Option<Cycle>) {
        let expiry = NaiveDate::from_ymd_opt(2025, 9, 11).unwrap();
        underlying_and_cycle(Segment::BseDerivative, name, symbol, expiry, contract)
    }

    #[test]
    fn the_underlying_on_bse_is_in_the_trading_symbol() {
        let call = Contract::Call(Amount::parse("81200").unwrap());
        for (name, symbol, contract, expected) in [
            ("BSXOPT", "SENSEX2591181200CE", call, ("SENSEX", Some(Cycle::Weekly))),
            ("BSXOPT", "SENSEX25SEP81200CE", call, ("SENSEX", Some(Cycle::Monthly))),
            ("BSXOPT", "SENSEX11SEP25C81200", call, ("SENSEX", None)),
            ("SX50FUT", "SENSEX5011SEP25F", Contract::Future, ("SENSEX50", None)),
            ("SENSEX", "SENSEX 11 SEP FUT", Contract::Future, ("SENSEX", None)),
            ("BSXFUT", "SENSEX 11 SEP FUT", Contract::Future, ("", None)),
            ("BSXOPT", "SENSEX11SEP25C81300", call, ("", None)),
        ] {
            assert_eq!(in_symbol(name, symbol, contract), expected, "{symbol}");
        }
        let expiry = NaiveDate::from_ymd_opt(2025, 9, 11).unwrap();
        let of_nse = underlying_and_cycle(Segment::NseDerivative, "M&M", "X11SEP25F", expiry, Contract::Future);
        assert_eq!(of_nse, ("M&M", None));
    }
}
