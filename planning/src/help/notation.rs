//! Parses the part of the symbol of a contract that follows the underlying, in Kite's notation and in those of other
//! brokers, of exchanges and of charts.
//!
//! The [`table`] contains one grammar for each notation. All of them are tried, because a text can have a meaning in
//! several: `17DEC255000CE` is December 2017 at 255000 for Kite, and 17 December 2025 at 5000 for Angel One.

mod grammar;
mod table;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;

use crate::dump::symbol::Contract;

/// The expiry of a contract, as far as its symbol contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Day(NaiveDate),
    /// Year and month.
    Month(i32, u32),
    /// One of the expiries to come: 1 is the nearest.
    Position(usize),
    /// The symbol contains no expiry.
    Unspecified,
}

/// A meaning of the part of a symbol that follows the underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) when: When,
    pub(super) contract: Contract,
}

/// Returns every reading of a text in capital letters, that in Kite's notation first. An expiry without a year is the
/// next one from `as_of` on.
pub(super) fn readings(rest: &str, as_of: NaiveDate) -> Vec<Reading> {
    let abbreviated = table::ABBREVIATED.iter().filter_map(|template| grammar::parse_reading(template, rest, as_of));
    let mut readings = full_readings(rest, as_of);
    readings.extend(abbreviated);
    readings
}

/// Returns the readings in notations that contain the month and the year in a form that no other text has.
pub(super) fn full_readings(rest: &str, as_of: NaiveDate) -> Vec<Reading> {
    let templates = table::FULL.iter().flat_map(|notation| notation.iter());
    templates.filter_map(|template| grammar::parse_reading(template, rest, as_of)).collect()
}

/// Returns every split of a symbol in capital letters into an underlying and a rest that has a reading, the shortest
/// underlying first.
pub(super) fn splits(symbol: &str, as_of: NaiveDate) -> Vec<(&str, &str)> {
    let splits = symbol.char_indices().skip(1).map(|(at, _)| symbol.split_at(at));
    let splits = splits.filter(|(_, rest)| !readings(rest, as_of).is_empty());
    splits.map(|(underlying, rest)| (underlying.trim_end_matches([' ', '-', '_']), rest)).collect()
}
