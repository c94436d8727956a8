//! The identity of an instrument, which does not depend on its symbol or token.
//!
//! Brokers reuse tokens: of the NSE derivatives' tokens that two files five months apart shared, 97 % meant another
//! contract. Symbols change too. The ISIN of a security and the terms of a contract do not.

use chrono::{Datelike, NaiveDate};
use sha2::{Digest, Sha256};

use crate::catalogue::Instrument;
use crate::dump::Row;
use crate::instrument::Amount;
use crate::vocabulary::{InstrumentType, Segment};

/// The identity of an instrument. Equal identities in one segment are one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity<'a> {
    /// A cash security.
    Security {
        /// Its segment.
        segment: Segment,
        /// Its ISIN, which is the same on every exchange.
        isin: &'a str,
        /// Its series, which distinguishes the blocks of a share. Empty if the file has none.
        series: &'a str,
    },
    /// A derivative.
    Contract {
        /// Its segment.
        segment: Segment,
        /// Its underlying.
        underlying: &'a str,
        /// Its last trading date.
        expiry: NaiveDate,
        /// Its strike; `None` of a future.
        strike: Option<Amount>,
        /// Future, call or put.
        class: InstrumentType,
    },
    /// An index, or a security without an ISIN in the file: only its symbol distinguishes it from others.
    Named {
        /// Its segment.
        segment: Segment,
        /// Its symbol.
        symbol: &'a str,
    },
}

impl<'a> Identity<'a> {
    /// Returns the identity of the instrument of a row.
    pub fn of(row: &'a Row) -> Self {
        let segment = row.segment;
        match (&row.underlying, row.expiry, &row.isin) {
            (Some(underlying), Some(expiry), _) => {
                Identity::Contract { segment, underlying, expiry, strike: row.strike, class: row.class }
            }
            (_, _, Some(isin)) => {
                Identity::Security { segment, isin, series: row.series.as_deref().unwrap_or_default() }
            }
            _ => Identity::Named { segment, symbol: &row.symbol },
        }
    }
}

/// Returns the first eight bytes of the SHA-256 of the identity of an instrument, as a number. A plan keeps it, so that a later
/// catalog shows whether a token means the same instrument.
pub(crate) fn identity_hash(instrument: &Instrument<'_>) -> u64 {
    let segment = instrument.segment();
    let mut content = Vec::with_capacity(64);
    let mut part = |text: &str| {
        content.extend_from_slice(text.as_bytes());
        content.push(0);
    };
    part(segment.as_str());
    match (instrument.underlying(), instrument.expiry(), instrument.isin()) {
        (Some(underlying), Some(expiry), _) => {
            part("contract");
            part(underlying);
            part(instrument.class().as_str());
            content.extend_from_slice(&expiry.num_days_from_ce().to_le_bytes());
            content.extend_from_slice(&instrument.strike().map_or(i64::MIN, Amount::ten_thousandths).to_le_bytes());
        }
        (_, _, Some(isin)) => {
            part("security");
            part(isin);
            part(instrument.series().unwrap_or_default());
        }
        _ => {
            part("named");
            part(instrument.symbol());
        }
    }
    let hash: [u8; 32] = Sha256::digest(&content).into();
    u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{equity, future, index};

    #[test]
    fn terms_identify_a_contract_not_symbol_or_token() {
        let contract = future("NIFTY", "NIFTY26AUGFUT", "2026-08-25");
        let renamed = Row { symbol: "OTHER".into(), token: "7".into(), ..contract.clone() };
        let later = Row { expiry: Some("2026-08-27".parse().unwrap()), ..contract.clone() };

        assert_eq!(Identity::of(&contract), Identity::of(&renamed));
        assert_ne!(Identity::of(&contract), Identity::of(&later));
    }

    #[test]
    fn isin_series_and_segment_identify_a_security() {
        let share = equity("NSE", "TCS", "INE467B01029");
        let renamed = Row { symbol: "TCSL".into(), ..share.clone() };
        let block = Row { series: Some("BL".into()), ..share.clone() };

        assert_eq!(Identity::of(&share), Identity::of(&renamed));
        assert_ne!(Identity::of(&share), Identity::of(&block));
        assert_ne!(Identity::of(&share), Identity::of(&equity("BSE", "TCS", "INE467B01029")));
    }

    #[test]
    fn the_symbol_identifies_other_instruments() {
        let named = index("NSE", "NIFTY 50", None);

        assert_eq!(Identity::of(&named), Identity::Named { segment: Segment::NseIndex, symbol: "NIFTY 50" });
    }
}
