//! Keys with their records.

use std::cmp::Ordering;
use std::ops::Range;

use super::super::{InstrumentId, Record, range_of, slice_of};
use super::Alias;
use crate::vocabulary::Exchange;

/// The instruments in the order in which they were added, or in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct KeyedRecords {
    /// The keys, concatenated.
    pub(super) keys: String,
    /// The end of each key in `keys`.
    pub(super) ends: Vec<u32>,
    pub(super) records: Vec<Record>,
}

impl KeyedRecords {
    pub(super) fn with_capacity(records: usize, keys: usize) -> Self {
        let (ends, records) = (Vec::with_capacity(records), Vec::with_capacity(records));
        KeyedRecords { keys: String::with_capacity(keys), ends, records }
    }

    pub(super) fn push(&mut self, record: Record, symbol: &str) {
        self.keys.push_str(record.exchange.as_str());
        self.keys.push(':');
        self.keys.push_str(symbol);
        self.ends.push(u32::try_from(self.keys.len()).expect("keys fit into 4 GiB"));
        self.records.push(record);
    }

    /// Adds the instruments of another listing at the positions.
    fn append(&mut self, other: &Self, positions: Range<usize>) {
        let start = positions.start.checked_sub(1).map_or(0, |before| other.ends[before]);
        let ends = &other.ends[positions.clone()];
        let Some(end) = ends.last() else { return };
        let own = u32::try_from(self.keys.len()).expect("keys fit into 4 GiB");
        self.keys.push_str(&other.keys[start as usize..*end as usize]);
        u32::try_from(self.keys.len()).expect("keys fit into 4 GiB");
        self.ends.extend(ends.iter().map(|end| own + (end - start)));
        self.records.extend_from_slice(&other.records[positions]);
    }

    /// Returns the sort key of an instrument: exchange, then symbol.
    pub(super) fn at(&self, position: usize) -> (Exchange, &str) {
        let exchange = self.records[position].exchange;
        let key = slice_of(&self.keys, &self.ends, u32::try_from(position).expect("instruments fit into 32 bits"));
        (exchange, &key[exchange.as_str().len() + 1..])
    }

    /// Whether the keys are unique and ascending.
    pub(super) fn is_sorted(&self) -> bool {
        (0..self.records.len()).map(|position| self.at(position)).is_sorted_by(|a, b| a < b)
    }

    /// Returns the positions in the order of the keys; of several instruments with the same key, the first one first.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.records.len()).collect();
        order.sort_by(|a, b| self.at(*a).cmp(&self.at(*b)));
        order
    }

    /// Keeps the first position of each key in an order of the keys.
    pub(super) fn keep_first_of_key(&self, order: &mut Vec<usize>) {
        order.dedup_by(|later, first| self.at(*later) == self.at(*first));
    }

    /// Keeps the instruments at the ascending positions, without a copy of the others.
    pub(super) fn retain(&mut self, positions: &[usize]) {
        let mut keys = std::mem::take(&mut self.keys).into_bytes();
        let (mut end, mut ends) = (0, Vec::with_capacity(positions.len()));
        for (kept, was) in positions.iter().enumerate() {
            let (from, to) = range_of(&self.ends, u32::try_from(*was).expect("instruments fit into 32 bits"));
            keys.copy_within(from..to, end);
            end += to - from;
            ends.push(u32::try_from(end).expect("keys fit into 4 GiB"));
            self.records[kept] = self.records[*was];
        }
        keys.truncate(end);
        self.keys = String::from_utf8(keys).expect("keys are moved as a whole");
        self.ends = ends;
        self.records.truncate(positions.len());
    }

    /// Returns the instruments at the positions, in the order of the positions.
    pub(super) fn in_order(&self, order: &[usize]) -> Self {
        let mut sorted = Self::with_capacity(order.len(), self.keys.len());
        order.iter().for_each(|position| sorted.push(self.records[*position], self.at(*position).1));
        sorted
    }

    /// Adds a record for each alias that is not a key yet, and numbers all records. Returns the number of each alias
    /// with the number of its instrument. The listing must be sorted; the result is sorted too.
    pub(super) fn with_aliases(mut self, mut aliases: Vec<Alias>) -> (Self, Vec<(InstrumentId, InstrumentId)>) {
        let key_of = |alias: &Alias| (alias.exchange, alias.symbol.clone());
        aliases.retain(|alias| self.find(alias.exchange, &alias.symbol).is_err());
        aliases.sort_by_cached_key(|alias| (key_of(alias), alias.position));
        aliases.dedup_by(|later, first| key_of(later) == key_of(first));
        let mut pairs = Vec::with_capacity(aliases.len());
        if aliases.is_empty() {
            self.keys.shrink_to_fit();
            self.ends.shrink_to_fit();
            self.records.shrink_to_fit();
        } else {
            // The position at which each alias is inserted, ascending.
            let places: Vec<usize> = aliases
                .iter()
                .map(|alias| self.find(alias.exchange, &alias.symbol).unwrap_or_else(|place| place))
                .collect();
            let id = |position: usize| {
                let before = places.partition_point(|place| *place <= position);
                InstrumentId(u32::try_from(position + before).expect("instruments fit into 32 bits"))
            };
            let text: usize = aliases.iter().map(|alias| alias.exchange.as_str().len() + 1 + alias.symbol.len()).sum();
            let mut all = Self::with_capacity(self.records.len() + aliases.len(), self.keys.len() + text);
            let mut from = 0;
            for (alias, place) in aliases.iter().zip(&places) {
                all.append(&self, from..*place);
                from = *place;
                let number = InstrumentId(u32::try_from(all.records.len()).expect("instruments fit into 32 bits"));
                pairs.push((number, id(alias.position)));
                all.push(Record { is_alias: true, ..self.records[alias.position] }, &alias.symbol);
            }
            all.append(&self, from..self.records.len());
            self = all;
        }
        for (number, record) in (0..).map(InstrumentId).zip(&mut self.records) {
            record.group = number;
        }
        (self, pairs)
    }

    pub(super) fn find(&self, exchange: Exchange, symbol: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.records.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.at(middle).cmp(&(exchange, symbol)) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}
