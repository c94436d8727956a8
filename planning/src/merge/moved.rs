//! Rows whose instrument has another key than the archive of their broker.
//!
//! * An earlier release wrote the keys of NSE securities without their series.
//! * A security has the symbol of an index that another broker lists.
//! * A contract has the key of another broker's contract with another expiry, because one of the two files did not show
//!   which expiry of the month is the monthly one. Contracts are the same if their terms are.
//!
//! Most of these keys are still to come, and the rows wait for them.

use std::collections::BTreeMap;

use super::RankedRow;
use crate::dump::Row;
use crate::dump::security::key_symbol;
use crate::dump::symbol::{Contract, Cycle, of_derivative};
use crate::ingest::apart::{is_security, symbol_beside_index};
use crate::vocabulary::{Exchange, InstrumentType, Segment};

type ByKey = BTreeMap<(Exchange, String), Vec<RankedRow>>;

/// The rows that left the keys of their archives.
#[derive(Default)]
pub(super) struct MovedRows {
    /// Rows whose keys are still to come.
    waiting: ByKey,
    /// Rows whose keys have passed.
    late: ByKey,
}

impl MovedRows {
    /// Returns the first key for which rows wait.
    pub(super) fn next_key(&self) -> Option<(Exchange, &str)> {
        self.waiting.first_key_value().map(|((exchange, symbol), _)| (*exchange, symbol.as_str()))
    }

    /// Adds the rows that wait for the first key to those that their archives have under it. Of two rows of one broker,
    /// the active one counts, then the one that the archive has under this key.
    pub(super) fn take_into(&mut self, rows: &mut Vec<RankedRow>) {
        rows.extend(self.waiting.pop_first().into_iter().flat_map(|(_, moved)| moved));
        one_per_broker(rows);
    }

    /// Takes the rows of the first key that had passed.
    pub(super) fn take_late(&mut self) -> Option<Vec<RankedRow>> {
        let (_, mut rows) = self.late.pop_first()?;
        one_per_broker(&mut rows);
        Some(rows)
    }

    /// Moves the rows of one key, in descending precedence, that belong under other keys.
    pub(super) fn move_away(&mut self, rows: &mut Vec<RankedRow>) {
        let is_old = |row: &RankedRow| current_symbol(&row.archived.row).is_some();
        if rows.iter().any(is_old) {
            self.move_if(rows, |row| current_symbol(&row.archived.row));
        }
        if rows.len() < 2 {
            return;
        }
        let is_index = |row: &&RankedRow| row.archived.row.class == InstrumentType::Index;
        if rows.iter().any(|row| is_index(&row)) {
            // An index that is in no file does not take the key of a security that is in one.
            let is_listed = rows.iter().filter(is_index).any(|index| index.archived.is_active);
            self.move_if(rows, |RankedRow { archived, .. }| {
                (is_security(&archived.row) && (is_listed || !archived.is_active))
                    .then(|| symbol_beside_index(&archived.row.symbol))
            });
        } else if rows[0].archived.row.expiry.is_some() {
            self.move_contracts(rows);
        }
    }

    /// Moves contracts with another expiry than the base under the keys of their own terms. Those that are in no file
    /// are dropped: no token refers to them.
    fn move_contracts(&mut self, rows: &mut Vec<RankedRow>) {
        let is_active = rows.iter().any(|row| row.archived.is_active);
        let Some(base) = rows.iter().find(|row| row.archived.is_active == is_active) else { return };
        let expiry = base.archived.row.expiry;
        let contradicts = |row: &RankedRow| row.archived.is_active == is_active && row.archived.row.expiry != expiry;
        if !rows.iter().any(contradicts) {
            return;
        }
        if is_active {
            self.move_if(rows, |row| if contradicts(row) { symbol_by_terms(&row.archived.row) } else { None });
        } else {
            rows.retain(|row| !contradicts(row));
        }
    }

    /// Moves the rows for which `symbol_of` returns another symbol.
    fn move_if(&mut self, rows: &mut Vec<RankedRow>, symbol_of: impl Fn(&RankedRow) -> Option<String>) {
        for mut row in std::mem::take(rows) {
            let Some(symbol) = symbol_of(&row) else {
                rows.push(row);
                continue;
            };
            let was = std::mem::replace(&mut row.archived.row.symbol, symbol.clone());
            let keys = if symbol > was { &mut self.waiting } else { &mut self.late };
            keys.entry((row.archived.row.exchange, symbol)).or_default().push(row);
        }
    }
}

/// Sorts by precedence, and keeps one row of each broker: the active one, then the first.
fn one_per_broker(rows: &mut Vec<RankedRow>) {
    rows.sort_by_key(|row| (row.rank, !row.archived.is_active));
    rows.dedup_by_key(|row| row.rank);
}

/// Returns the symbol of an NSE security that an earlier release stored without its series.
fn current_symbol(row: &Row) -> Option<String> {
    let series = row.series.as_deref().filter(|_| row.segment == Segment::NseEquity)?;
    let symbol = key_symbol(row.exchange, &row.symbol, Some(series));
    // The symbol of a security that gave way to an index ends in `-EQ`.
    (symbol.len() > row.symbol.len()).then(|| symbol.into_owned())
}

/// Returns the symbol of a contract with its expiry in the notation that its symbol does not have: the other one is
/// taken.
fn symbol_by_terms(row: &Row) -> Option<String> {
    let contract = Contract::of(row.class, row.strike)?;
    let (underlying, expiry) = (row.underlying.as_deref()?, row.expiry?);
    let symbols = [Cycle::Weekly, Cycle::Monthly].map(|cycle| of_derivative(underlying, expiry, cycle, contract));
    symbols.into_iter().find(|symbol| *symbol != row.symbol)
}
