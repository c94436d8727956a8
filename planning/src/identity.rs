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
    /// A cash security, which its ISIN and series identify.
    Security {
        /// Its segment.
        segment: Segment,
        /// The ISIN, which is the same on every exchange.
        isin: &'a str,
        /// The series, which distinguishes the blocks of a share. Empty if the file has none.
        series: &'a str,
    },
    /// A derivative, which its terms identify.
    Contract {
        /// Its segment.
        segment: Segment,
        /// The symbol of the underlying.
        underlying: &'a str,
        /// The last trading date.
        expiry: NaiveDate,
        /// The strike in rupees; `None` of a future.
        strike: Option<Amount>,
        /// The type: future, call or put.
        class: InstrumentType,
    },
    /// An index, or a security without an ISIN in the file: only its symbol distinguishes it from others.
    Named {
        /// Its segment.
        segment: Segment,
        /// The part of the key after the colon.
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

/// The maximum number of days between the expiries of two contracts with the same token and other terms that are
/// regarded as one contract that moved. Exchanges move expiries by a few days within the week; the next contract of a
/// series is at least a week away.
pub(crate) const EXPIRY_MOVES_DAYS: i64 = 6;

/// Returns the first eight bytes of the SHA-256 of the identity of an instrument, as a number. A plan keeps it, so that
/// a later catalog shows whether a token means the same instrument.
pub(crate) fn identity_hash(instrument: &Instrument<'_>) -> u64 {
    match (instrument.underlying(), instrument.expiry(), instrument.isin()) {
        (Some(underlying), Some(expiry), _) => contract_hash(instrument, underlying, expiry),
        (_, _, Some(isin)) => security_hash(instrument, isin, instrument.listing().distinguishing_series()),
        _ => named_hash(instrument),
    }
}

/// The relation of an instrument to a stored identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The instrument has this identity.
    Same,
    /// The instrument is a contract with the same terms, except its expiry.
    OtherExpiry,
    /// The instrument has another identity, and is another instrument.
    Other,
}

/// Compares an instrument with the identity and the expiry that a plan stored.
pub(crate) fn relation(instrument: &Instrument<'_>, stored: u64, stored_expiry: Option<NaiveDate>) -> Relation {
    if identity_hash(instrument) == stored {
        return Relation::Same;
    }
    let contract = instrument.underlying().zip(instrument.expiry());
    let is_stored = |(underlying, other)| contract_hash(instrument, underlying, other) == stored;
    let at_stored_expiry = contract.and_then(|(underlying, _)| Some((underlying, stored_expiry?)));
    if at_stored_expiry.is_some_and(is_stored) { Relation::OtherExpiry } else { Relation::Other }
}

/// Whether the security with the key of a planned one can be that one, although its identity is another: the ISIN or
/// the series was not known at that time, or the series is not known now. Files of several brokers complete each other.
pub(crate) fn is_known_by_key(instrument: &Instrument<'_>, stored: u64) -> bool {
    let Some(isin) = instrument.isin() else { return false };
    let of_symbol = instrument.symbol().rsplit_once('-').map_or("", |(_, series)| series);
    named_hash(instrument) == stored
        || security_hash(instrument, isin, "") == stored
        || security_hash(instrument, isin, of_symbol) == stored
}

fn contract_hash(instrument: &Instrument<'_>, underlying: &str, expiry: NaiveDate) -> u64 {
    let mut content = IdentityBytes::of(instrument.segment(), "contract");
    content.text(underlying);
    content.text(instrument.class().as_str());
    content.0.extend_from_slice(&expiry.num_days_from_ce().to_le_bytes());
    content.0.extend_from_slice(&instrument.strike().map_or(i64::MIN, Amount::ten_thousandths).to_le_bytes());
    content.hash()
}

fn security_hash(instrument: &Instrument<'_>, isin: &str, series: &str) -> u64 {
    let mut content = IdentityBytes::of(instrument.segment(), "security");
    content.text(isin);
    content.text(series);
    content.hash()
}

fn named_hash(instrument: &Instrument<'_>) -> u64 {
    let mut content = IdentityBytes::of(instrument.segment(), "named");
    content.text(instrument.symbol());
    content.hash()
}

/// The bytes of an identity, which are hashed. A zero byte ends each text.
struct IdentityBytes(Vec<u8>);

impl IdentityBytes {
    fn of(segment: Segment, kind: &str) -> Self {
        let mut content = IdentityBytes(Vec::with_capacity(64));
        content.text(segment.as_str());
        content.text(kind);
        content
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }

    fn hash(self) -> u64 {
        let hash: [u8; 32] = Sha256::digest(&self.0).into();
        u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::testing::{equity, future, index};

    /// Compares the identity of the first row with the instrument of the second one.
    fn compared<T>(stored: &Row, now: &Row, compare: impl Fn(u64, &Instrument<'_>) -> T) -> T {
        let catalogues = [stored, now].map(|row| {
            let mut builder = Builder::new();
            builder.add(row.clone(), true);
            builder.build("1".into(), vec![])
        });
        let [stored, now] = catalogues.each_ref().map(|catalogue| catalogue.instruments().next().unwrap());
        compare(identity_hash(&stored), &now)
    }

    fn relation_of(stored: &Row, now: &Row) -> Relation {
        compared(stored, now, |identity, now| relation(now, identity, stored.expiry))
    }

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

    #[test]
    fn contracts_relate_by_their_terms() {
        let contract = future("NIFTY", "NIFTY26AUGFUT", "2026-08-25");
        let renamed = Row { symbol: "OTHER".into(), ..contract.clone() };
        let later = Row { expiry: Some("2026-08-27".parse().unwrap()), ..contract.clone() };
        let call = Row { class: InstrumentType::Call, strike: Some(Amount::ZERO), ..later.clone() };
        let of_bank = Row { underlying: Some("BANKNIFTY".into()), ..contract.clone() };

        assert_eq!(relation_of(&contract, &renamed), Relation::Same);
        assert_eq!(relation_of(&contract, &later), Relation::OtherExpiry);
        assert_eq!(relation_of(&contract, &call), Relation::Other);
        assert_eq!(relation_of(&contract, &of_bank), Relation::Other);
    }

    #[test]
    fn shares_relate_by_isin_in_any_series_of_shares() {
        let share = equity("NSE", "TCS", "INE467B01029");
        let row = |symbol: &str, series: Option<&str>| Row {
            symbol: symbol.into(),
            series: series.map(Into::into),
            ..share.clone()
        };
        let group = |group: &str| Row { series: Some(group.into()), ..equity("BSE", "TCS", "INE467B01029") };

        assert_eq!(relation_of(&share, &row("TCS-BE", Some("BE"))), Relation::Same);
        assert_eq!(relation_of(&share, &row("TCS", None)), Relation::Same);
        assert_eq!(relation_of(&share, &row("TCS-BL", Some("BL"))), Relation::Other);
        assert_eq!(relation_of(&row("TCS-BL", Some("BL")), &share), Relation::Other);
        assert_eq!(relation_of(&group("A"), &group("XT")), Relation::Same);
        assert_eq!(relation_of(&share, &equity("NSE", "TCS", "INE467B01037")), Relation::Other);
    }

    #[test]
    fn a_key_identifies_securities_with_other_details() {
        let bond = Row { series: Some("N0".into()), ..equity("NSE", "EXAMPLE-N0", "INE467B07010") };
        let without_isin = Row { isin: None, ..bond.clone() };
        let without_series = Row { series: None, ..bond.clone() };
        let is_known = |stored: &Row, now: &Row| compared(stored, now, |stored, now| is_known_by_key(now, stored));

        assert!(is_known(&without_isin, &bond));
        assert!(is_known(&without_series, &bond));
        assert!(is_known(&bond, &without_series));
        assert!(!is_known(&bond, &Row { isin: Some("INE467B07028".into()), ..bond.clone() }));
        assert!(!is_known(&bond, &without_isin));
    }
}
