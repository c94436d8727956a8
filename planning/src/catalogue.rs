//! The catalog: all instruments, compact, immutable and indexed by key.
//!
//! A [`Builder`] builds a [`Catalogue`], which never changes; a new file results in a new catalog. Instruments are
//! numbered in the order of exchange, then symbol, so that sorting [`InstrumentId`]s sorts keys.

mod availability;
mod builder;
pub mod check;
mod numbers;
mod provenance;
pub mod search;
pub mod summary;
mod tokens;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};

use chrono::{DateTime, NaiveDate, Utc};
use foldhash::fast::FixedState;

pub(crate) use self::availability::Availability;
pub use self::builder::Builder;
use self::numbers::Numbers;
pub(crate) use self::provenance::Provenance;
pub use self::provenance::{Contradiction, ContradictionCounts, Field};
use self::search::Index;
use self::tokens::Tokens;
use crate::instrument::Amount;
use crate::keys::KeyList;
use crate::series::Listing;
use crate::vocabulary::{Broker, Exchange, InstrumentType, Segment};

/// The number of an instrument in one catalog. It is not valid in another catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(u32);

impl InstrumentId {
    /// Returns the number as a position. It is below [`Catalogue::len`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Returns the number as a `u32`, which takes half the memory of a position.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

/// A file that a catalog was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The broker of the file; `None` for the demonstration catalog.
    pub broker: Option<Broker>,
    /// The trading date of the file; `None` if it is unknown.
    pub file_date: Option<NaiveDate>,
    /// The time at which the file was accepted; `None` if it is unknown.
    pub loaded_at: Option<DateTime<Utc>>,
}

/// One instrument without its key. All strings are numbers into the catalog's string table.
///
/// Aligned to a cache line, which it fills: the plan of a large request reads one record after the other at random.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Record {
    strike: Option<Amount>,
    tick_size: Amount,
    name: StringId,
    underlying: StringId,
    isin: StringId,
    series: StringId,
    lot_size: u32,
    expiry: Option<NaiveDate>,
    /// The instrument that represents this one if cross-listings and aliases are collapsed; for most, the instrument
    /// itself.
    group: InstrumentId,
    exchange: Exchange,
    segment: Segment,
    class: InstrumentType,
    is_active: bool,
    is_alias: bool,
    /// Whether active futures and options refer to it.
    has_futures: bool,
    has_options: bool,
    /// The time of its last update, as a number into the times of the catalog.
    updated: TimeId,
}

const _: () = assert!(size_of::<Record>() == 64, "one more field would double the memory of every record");

/// A number into the string table; 0 is the empty string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct StringId(u32);

/// A number into the times of updates, one for each load; 0 is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct TimeId(u16);

/// An immutable set of instruments with an index for searches. Each load creates a new catalog.
#[derive(Debug)]
pub struct Catalogue {
    version: String,
    sources: Vec<Source>,
    content_hash: [u8; 32],
    /// The keys in the order of their ids, concatenated.
    keys: String,
    /// The end of each key in `keys`.
    key_ends: Vec<u32>,
    /// Open addressing: the hash's upper half and the id plus one; 0 is empty. At most half full.
    slots: Vec<u64>,
    records: Vec<Record>,
    strings: String,
    string_ends: Vec<u32>,
    tokens: Tokens,
    numbers: Numbers,
    /// The times of updates; number 0 is not stored, because it means unknown.
    times: Vec<DateTime<Utc>>,
    alias_count: usize,
    /// Instruments that are not listed any more, with those that they became; sorted.
    successors: Vec<(InstrumentId, InstrumentId)>,
    provenance: Provenance,
    index: Index,
}

impl Catalogue {
    /// Returns the number of keys, including aliases. Each [`InstrumentId`] is below it.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether the catalog has no keys.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the number of instruments, active and inactive, without aliases.
    pub fn instrument_count(&self) -> usize {
        self.records.len() - self.alias_count
    }

    /// Returns the version of this catalog: `demo`, or the number of its newest load.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the files from which the catalog was built, one for each broker.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether this is the demonstration catalog, which no file of a broker has replaced yet.
    pub fn is_demonstration(&self) -> bool {
        self.sources.iter().any(|source| source.broker.is_none())
    }

    /// Returns the latest trading date of its files, if known.
    pub fn file_date(&self) -> Option<NaiveDate> {
        self.sources.iter().filter_map(|source| source.file_date).max()
    }

    /// Returns the SHA-256 of the content of the catalog. Equal content has an equal hash, whenever and wherever it
    /// was built.
    pub fn content_hash(&self) -> &[u8; 32] {
        &self.content_hash
    }

    /// Finds an instrument by its key, in one probe of the index.
    pub fn find(&self, key: &str) -> Option<InstrumentId> {
        let hash = hash_key(key);
        let mask = self.slots.len() - 1;
        let tag = hash & TAG_MASK;
        let mut position = usize_of(hash) & mask;
        loop {
            let slot = self.slots[position];
            if slot == 0 {
                return None;
            }
            if slot & TAG_MASK == tag {
                let id = InstrumentId(u32_of(slot) - 1);
                if self.key(id) == key {
                    return Some(id);
                }
            }
            position = (position + 1) & mask;
        }
    }

    /// Finds each of many instruments, in the order of the keys.
    ///
    /// One look-up waits for memory three times in a row: for the slot, for the position of the key, and for the key.
    /// Here every step is done for all keys before the next step, in loops so short that the processor waits for many
    /// at once.
    pub(crate) fn find_all(&self, keys: &KeyList) -> Vec<Option<InstrumentId>> {
        let mask = self.slots.len() - 1;
        let text = self.keys.as_bytes();
        let hashes: Vec<u64> = keys.iter().map(hash_key).collect();
        let first_slots: Vec<u64> = hashes.iter().map(|hash| self.slots[usize_of(*hash) & mask]).collect();
        let candidates: Vec<Option<InstrumentId>> = hashes
            .iter()
            .zip(first_slots)
            .map(|(hash, mut slot)| {
                let mut position = usize_of(*hash) & mask;
                while slot != 0 && (slot ^ hash) & TAG_MASK != 0 {
                    position = (position + 1) & mask;
                    slot = self.slots[position];
                }
                (slot != 0).then(|| InstrumentId(u32_of(slot) - 1))
            })
            .collect();
        let ranges: Vec<(usize, usize)> =
            candidates.iter().map(|id| id.map_or((0, 0), |id| range_of(&self.key_ends, id.0))).collect();
        // A key may cover two cache lines: the first and the last byte fetch both.
        let byte = |index: usize| text.get(index).copied().unwrap_or_default();
        let edges: Vec<[u8; 2]> = ranges.iter().map(|(start, end)| [byte(*start), byte(end.wrapping_sub(1))]).collect();

        let confirm = |key: &str, id: InstrumentId, (start, end): (usize, usize), edges: [u8; 2]| {
            let key_bytes = key.as_bytes();
            let is_alike = key_bytes.first() == Some(&edges[0]) && key_bytes.last() == Some(&edges[1]);
            // Otherwise the slot has another key with the same hash.
            if is_alike && &text[start..end] == key_bytes { Some(id) } else { self.find(key) }
        };
        let steps = keys.iter().zip(candidates).zip(ranges.into_iter().zip(edges));
        steps.map(|((key, candidate), (range, edges))| confirm(key, candidate?, range, edges)).collect()
    }

    /// Returns the key of an instrument or alias, `EXCHANGE:SYMBOL`.
    pub fn key(&self, id: InstrumentId) -> &str {
        slice_of(&self.keys, &self.key_ends, id.0)
    }

    /// Returns the instrument with this id, which must be an id of this catalog.
    pub fn get(&self, id: InstrumentId) -> Instrument<'_> {
        Instrument { catalogue: self, id, record: &self.records[id.index()] }
    }

    /// Returns every instrument in the order of exchange, then symbol, without aliases.
    pub fn instruments(&self) -> impl Iterator<Item = Instrument<'_>> {
        let ids = (0..u32::try_from(self.records.len()).unwrap_or(u32::MAX)).map(InstrumentId);
        ids.map(|id| self.get(id)).filter(|instrument| !instrument.is_alias())
    }

    /// Whether the catalog contains tokens of the broker, which means that a file of the broker was loaded.
    pub fn has_tokens_of(&self, broker: Broker) -> bool {
        self.tokens.has(broker)
    }

    /// Whether the last file of a broker has the instrument or, for an alias, its target. Without a file of the broker,
    /// every instrument counts as listed.
    pub fn is_listed_by(&self, broker: Broker, id: InstrumentId) -> bool {
        !self.has_tokens_of(broker) || self.tokens.contains(broker, self.target(id))
    }

    /// Returns the instrument with a token of a broker.
    pub fn with_token(&self, broker: Broker, token: &str) -> Option<InstrumentId> {
        self.tokens.find(broker, token)
    }

    /// Returns the instruments with the tokens that the last file of a broker gave to them.
    pub(crate) fn tokens_of(&self, broker: Broker) -> impl Iterator<Item = (Instrument<'_>, &str)> {
        self.tokens.of(broker).map(|(id, token)| (self.get(id), token))
    }

    /// Returns the number of tokens that the last file of each broker gave to active instruments.
    pub fn token_counts(&self) -> BTreeMap<Broker, usize> {
        let mut counts = BTreeMap::new();
        for (broker, id, _) in self.tokens.iter() {
            if self.records[id.index()].is_active {
                *counts.entry(broker).or_default() += 1;
            }
        }
        counts
    }

    /// Returns the active instrument that an instrument became when its symbol or its series changed. `None` if it is
    /// active itself, or if no file shows its successor.
    pub fn successor(&self, id: InstrumentId) -> Option<InstrumentId> {
        let id = self.target(id);
        let found = self.successors.binary_search_by_key(&id, |(old, _)| *old).ok()?;
        Some(self.successors[found].1)
    }

    /// Returns the time at which the newest of its instruments was updated, if known.
    pub fn last_updated(&self) -> Option<DateTime<Utc>> {
        self.times.iter().max().copied()
    }

    fn string(&self, id: StringId) -> &str {
        slice_of(&self.strings, &self.string_ends, id.0)
    }
}

/// A view of one instrument of a catalog, from which its properties are read.
#[derive(Clone, Copy, Debug)]
pub struct Instrument<'a> {
    catalogue: &'a Catalogue,
    id: InstrumentId,
    record: &'a Record,
}

impl<'a> Instrument<'a> {
    /// Returns the id, which is valid in the same catalog only.
    pub fn id(&self) -> InstrumentId {
        self.id
    }

    /// Returns the key, `EXCHANGE:SYMBOL`, which is unique in the catalog.
    pub fn key(&self) -> &'a str {
        self.catalogue.key(self.id)
    }

    /// Returns the part of the key before the colon.
    pub fn exchange(&self) -> Exchange {
        self.record.exchange
    }

    /// Returns the part of the key after the colon.
    pub fn symbol(&self) -> &'a str {
        &self.key()[self.record.exchange.as_str().len() + 1..]
    }

    /// Returns the name in words; it may be empty.
    pub fn name(&self) -> &'a str {
        self.catalogue.string(self.record.name)
    }

    /// Returns the segment. A broker's token is unique within it.
    pub fn segment(&self) -> Segment {
        self.record.segment
    }

    /// Returns the type: index, security, future, option, or commodity.
    pub fn class(&self) -> InstrumentType {
        self.record.class
    }

    /// Returns the ISIN of a cash security, if its file contained one.
    pub fn isin(&self) -> Option<&'a str> {
        self.optional(self.record.isin)
    }

    /// Returns the series of a cash security, if its file contained one.
    pub fn series(&self) -> Option<&'a str> {
        self.optional(self.record.series)
    }

    /// Returns the properties that determine the series.
    pub(crate) fn listing(&self) -> Listing<'a> {
        Listing { segment: self.record.segment, symbol: self.symbol(), series: self.series(), isin: self.isin() }
    }

    /// Returns the symbol of the underlying of a derivative; `None` of other instruments.
    pub fn underlying(&self) -> Option<&'a str> {
        self.optional(self.record.underlying)
    }

    /// Returns the last trading date of a derivative; `None` of other instruments.
    pub fn expiry(&self) -> Option<NaiveDate> {
        self.record.expiry
    }

    /// Returns the strike of an option, in rupees; `None` of other instruments.
    pub fn strike(&self) -> Option<Amount> {
        self.record.strike
    }

    /// Returns the smallest price step, in rupees; zero of an index, or if no file has it.
    pub fn tick_size(&self) -> Amount {
        self.record.tick_size
    }

    /// Returns the number of units in a lot; zero of an index, or if no file has it.
    pub fn lot_size(&self) -> u32 {
        self.record.lot_size
    }

    /// Whether the last accepted file of the broker contains it. Expiry never changes this.
    pub fn is_active(&self) -> bool {
        self.record.is_active
    }

    /// Whether its last trading date is before `date`. An instrument without an expiry never expires.
    pub fn is_expired_on(&self, date: NaiveDate) -> bool {
        self.record.expiry.is_some_and(|expiry| expiry < date)
    }

    /// Whether the key is another name of the instrument [`Self::group`].
    pub fn is_alias(&self) -> bool {
        self.record.is_alias
    }

    /// Returns the instrument that represents this one if aliases and cross-listings are collapsed: the target of an
    /// alias, the NSE listing of an ISIN; otherwise the instrument itself.
    pub fn group(&self) -> InstrumentId {
        self.record.group
    }

    /// Returns the token in the feed of a broker; `None` if the last file of the broker lacks the instrument.
    pub fn token(&self, broker: Broker) -> Option<&'a str> {
        self.catalogue.tokens.get(broker, self.id)
    }

    /// Whether active futures have this instrument as their underlying.
    pub fn has_futures(&self) -> bool {
        self.record.has_futures
    }

    /// Whether active options have this instrument as their underlying.
    pub fn has_options(&self) -> bool {
        self.record.has_options
    }

    /// Returns the time of the last file of a broker that contained it, if known.
    pub fn last_updated(&self) -> Option<DateTime<Utc>> {
        let index = usize::from(self.record.updated.0).checked_sub(1)?;
        self.catalogue.times.get(index).copied()
    }

    fn optional(&self, id: StringId) -> Option<&'a str> {
        (id != StringId::default()).then(|| self.catalogue.string(id))
    }
}

const TAG_MASK: u64 = 0xffff_ffff_0000_0000;

/// Hashes a key. Only keys of the catalog are put into the index, so that a caller cannot cause collisions: a fast
/// hash with a fixed seed is sufficient, and keeps a look-up reproducible.
fn hash_key(key: &str) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(key.as_bytes());
    hasher.finish()
}

#[allow(clippy::cast_possible_truncation)]
fn u32_of(value: u64) -> u32 {
    value as u32
}

#[allow(clippy::cast_possible_truncation)]
fn usize_of(value: u64) -> usize {
    value as usize
}

fn slice_of<'a>(text: &'a str, ends: &[u32], index: u32) -> &'a str {
    let (start, end) = range_of(ends, index);
    &text[start..end]
}

fn range_of(ends: &[u32], index: u32) -> (usize, usize) {
    let index = index as usize;
    let start = if index == 0 { 0 } else { ends[index - 1] as usize };
    (start, ends[index] as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::demo_catalogue;

    #[test]
    fn batch_and_single_look_ups_agree() {
        let catalogue = demo_catalogue();
        let mut keys: KeyList = catalogue.instruments().map(|instrument| instrument.key()).collect();
        for key in ["NSE:NIFTY", "", ":", "NSE:NOPE", "nse:tcs", "NSE:TCS ", "₹"] {
            keys.push(key);
        }

        let found = catalogue.find_all(&keys);

        assert!(found.iter().copied().eq(keys.iter().map(|key| catalogue.find(key))));
        assert_eq!(found.iter().flatten().count(), catalogue.instrument_count() + 1);
        assert_eq!(Builder::new().build("1".into(), vec![]).find_all(&keys), vec![None; keys.len()]);
    }
}
