//! The fields of an instrument from several brokers: those that are empty in the base, and those that contradict it.

use super::RankedRow;
use crate::catalogue::Field;
use crate::dump::Row;
use crate::instrument::Amount;
use crate::vocabulary::{Broker, InstrumentType, Segment};

/// Fills the empty fields of `row` with those of `other`.
pub(super) fn fill(row: &mut Row, other: &Row, mut filled: impl FnMut(Field)) {
    let is_without_isin = row.isin.is_none();
    if row.name.is_empty() && !other.name.is_empty() {
        row.name.clone_from(&other.name);
        filled(Field::Name);
    }
    for (field, own, others) in [
        (Field::Alias, &mut row.alias, &other.alias),
        (Field::Isin, &mut row.isin, &other.isin),
        (Field::Series, &mut row.series, &other.series),
        (Field::Underlying, &mut row.underlying, &other.underlying),
    ] {
        if own.is_none() && others.is_some() {
            own.clone_from(others);
            filled(field);
        }
    }
    let is_security = matches!(row.segment, Segment::NseEquity | Segment::BseEquity);
    if let (true, Some(isin)) = (is_without_isin && is_security, &row.isin) {
        // Without an ISIN, the type was a guess: Kite's file does not distinguish a fund from a share.
        row.class = InstrumentType::of_isin(isin);
    }
    // An index has neither.
    if row.class != InstrumentType::Index {
        if row.lot_size == 0 && other.lot_size != 0 {
            row.lot_size = other.lot_size;
            filled(Field::LotSize);
        }
        if row.tick_size == Amount::ZERO && other.tick_size != Amount::ZERO {
            row.tick_size = other.tick_size;
            filled(Field::TickSize);
        }
    }
}

/// A function for each field on which brokers must agree; it returns the value for contradictions.
type FieldText = fn(&Row) -> Option<String>;
const MUST_AGREE: [(Field, FieldText); 5] = [
    (Field::Isin, |row| row.isin.clone()),
    (Field::Expiry, |row| row.expiry.map(|date| date.to_string())),
    (Field::Strike, |row| row.strike.map(|strike| strike.to_string())),
    (Field::LotSize, |row| (row.lot_size != 0).then(|| row.lot_size.to_string())),
    (Field::TickSize, |row| (row.tick_size != Amount::ZERO).then(|| row.tick_size.to_string())),
];

pub(super) fn contradictions(base: Broker, row: &Row, others: &[RankedRow]) -> Vec<(Field, Vec<(Broker, String)>)> {
    let agrees = |other: &Row| {
        row.isin == other.isin
            && row.expiry == other.expiry
            && row.strike == other.strike
            && row.lot_size == other.lot_size
            && row.tick_size == other.tick_size
    };
    // In most cases they agree, and values need not be formatted to be compared.
    if others.iter().all(|other| agrees(&other.archived.row)) {
        return Vec::new();
    }
    let said_of = |(field, shown): (Field, FieldText)| {
        let all = std::iter::once((base, row)).chain(others.iter().map(|other| (other.broker, &other.archived.row)));
        let values: Vec<_> = all.filter_map(|(broker, row)| Some((broker, shown(row)?))).collect();
        values.iter().any(|(_, value)| *value != values[0].1).then_some((field, values))
    };
    MUST_AGREE.into_iter().filter_map(said_of).collect()
}
