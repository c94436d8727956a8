//! Builds a [`Catalogue`] from rows.

mod joins;
mod listing;
mod series;
mod strings;
mod successors;

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, Datelike, Utc};
use sha2::{Digest, Sha256};

use self::listing::KeyedRecords;
use self::strings::Strings;
use super::{
    Catalogue, Index, InstrumentId, Numbers, Provenance, Record, Source, StringId, TAG_MASK, TimeId, Tokens, hash_key,
    usize_of,
};
use crate::dump::Row;
use crate::vocabulary::{Broker, Exchange, InstrumentType, Segment};

/// Collects rows, then [builds](Self::build) the catalog from them. Each row is converted to the form of the
/// catalog when it is added, which takes a third of its memory.
///
/// Keys must be unique: of two rows with the same key, the later one is dropped. [`crate::ingest`] resolves repeated
/// keys of one file before, [`crate::merge`] those of several brokers.
#[derive(Debug, Default)]
pub struct Builder {
    listing: KeyedRecords,
    strings: Strings,
    aliases: Vec<Alias>,
    tokens: Vec<(Broker, String, Range<u32>)>,
    /// Tokens by the position of their row. Used only if rows are added in the order of keys.
    tokens_in_order: Vec<(Broker, u32, Range<u32>)>,
    token_text: String,
    times: Vec<DateTime<Utc>>,
    /// The keys of instruments that are not listed any more, each with the key that it has now.
    successors: Vec<(String, String)>,
    /// The positions of rows that are the same instrument as another row, each with the position of that row. Their
    /// keys become aliases.
    absorbed: Vec<(usize, usize)>,
}

/// The size of most keys in bytes.
const KEY_BYTES: usize = 24;

/// Another symbol of the row at a position.
#[derive(Debug)]
struct Alias {
    exchange: Exchange,
    symbol: String,
    position: usize,
}

impl Builder {
    /// Returns a builder without rows. A builder collects the rows of all brokers and builds a catalog.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a builder with capacity for `rows` rows.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Builder { listing: KeyedRecords::with_capacity(rows, rows * KEY_BYTES), ..Self::default() }
    }

    /// Adds an instrument. `is_active` is whether the last accepted file of its broker contains it. The token of the
    /// row is ignored: see [`Self::add_token`].
    pub fn add(&mut self, row: Row, is_active: bool) {
        self.push(row, is_active, TimeId::default());
    }

    /// Adds an instrument like [`Self::add`], with the time of the last load that contained it.
    pub fn add_updated(&mut self, row: Row, is_active: bool, last_updated: DateTime<Utc>) {
        let updated = self.time(last_updated);
        self.push(row, is_active, updated);
    }

    fn time(&mut self, last_updated: DateTime<Utc>) -> TimeId {
        // The rows of a load are added together, so that the time is mostly that of the previous row.
        let known = self.times.iter().rposition(|time| *time == last_updated);
        let index = known.unwrap_or_else(|| {
            self.times.push(last_updated);
            self.times.len() - 1
        });
        // If there are more loads than numbers, the time is unknown.
        u16::try_from(index + 1).map_or(TimeId::default(), TimeId)
    }

    /// Adds a token of a broker for the instrument `key`. The token has no effect if the key is never added.
    pub fn add_token(&mut self, broker: Broker, key: String, token: &str) {
        let token = self.token(token);
        self.tokens.push((broker, key, token));
    }

    /// Adds the key that an instrument has now under a key that it had before. It has no effect if one of the keys is
    /// never added, or if the instrument with the old key is active.
    pub fn add_successor(&mut self, key: String, successor: String) {
        self.successors.push((key, successor));
    }

    /// Adds an instrument with the tokens of its brokers. The instruments must then be added in the order of keys, each
    /// key once, so that no look-up is necessary; only [`Self::build_merged`] accepts late ones.
    pub(crate) fn add_in_order(
        &mut self,
        row: Row,
        is_active: bool,
        last_updated: Option<DateTime<Utc>>,
        tokens: impl IntoIterator<Item = (Broker, String)>,
    ) {
        let position = u32::try_from(self.listing.records.len()).expect("instruments fit into 32 bits");
        for (broker, token) in tokens {
            let token = self.token(&token);
            self.tokens_in_order.push((broker, position, token));
        }
        let updated = last_updated.map_or(TimeId::default(), |time| self.time(time));
        self.push(row, is_active, updated);
    }

    fn token(&mut self, token: &str) -> Range<u32> {
        let start = self.token_text.len();
        self.token_text.push_str(token);
        let offset = |at: usize| u32::try_from(at).expect("tokens fit into 4 GiB");
        offset(start)..offset(self.token_text.len())
    }

    fn push(&mut self, row: Row, is_active: bool, updated: TimeId) {
        let Row { exchange, symbol, alias, name, segment, class, .. } = row;
        if let Some(symbol) = alias {
            self.aliases.push(Alias { exchange, symbol, position: self.listing.records.len() });
        }
        let mut intern = |text: Option<String>| text.map_or(StringId::default(), |text| self.strings.intern(&text));
        let record = Record {
            strike: row.strike,
            tick_size: row.tick_size,
            underlying: intern(row.underlying),
            isin: intern(row.isin),
            series: intern(row.series),
            name: intern(Some(name)),
            lot_size: row.lot_size,
            expiry: row.expiry,
            // Known when all instruments are added.
            group: InstrumentId(0),
            exchange,
            segment,
            class,
            is_active,
            is_alias: false,
            has_futures: false,
            has_options: false,
            updated,
        };
        self.listing.push(record, &symbol);
    }

    /// Builds the catalog.
    ///
    /// # Panics
    /// If the keys or strings together exceed 4 GiB, or if rows with tokens were not added in the order of keys.
    pub fn build(mut self, version: String, sources: Vec<Source>) -> Catalogue {
        if !self.listing.is_sorted() {
            assert!(self.tokens_in_order.is_empty(), "rows with tokens are in key order");
            let mut order = self.listing.order();
            self.listing.keep_first_of_key(&mut order);
            self.rearrange(&order, &mut Provenance::default());
        }
        self.finish(version, sources, &mut Provenance::default())
    }

    /// Builds the catalog of several brokers, and joins the instruments that they list under different keys.
    /// `precedence` is the descending order of the brokers. A few rows may have been added after rows with greater
    /// keys, also with a key that another row has.
    pub(crate) fn build_merged(
        mut self,
        version: String,
        sources: Vec<Source>,
        mut provenance: Provenance,
        precedence: &[Broker],
    ) -> Catalogue {
        if !self.listing.is_sorted() {
            let order = self.listing.order();
            self.rearrange(&order, &mut provenance);
            joins::join_late(&mut self, &mut provenance);
        }
        if precedence.len() > 1 {
            joins::join(&mut self, &mut provenance, precedence);
        }
        self.finish(version, sources, &mut provenance).with_provenance(provenance)
    }

    fn finish(mut self, version: String, sources: Vec<Source>, provenance: &mut Provenance) -> Catalogue {
        series::add_aliases(&mut self);
        self.drop_absorbed(provenance);
        let Builder { listing, strings, aliases, tokens, tokens_in_order, token_text, times, successors, .. } = self;
        let (listing, aliases) = listing.with_aliases(aliases);
        let slots = index_of(&listing.keys, &listing.ends);
        let mut catalogue = Catalogue {
            version,
            sources,
            content_hash: [0; 32],
            keys: listing.keys,
            key_ends: listing.ends,
            slots,
            records: listing.records,
            strings: String::new(),
            string_ends: Vec::new(),
            tokens: Tokens::default(),
            numbers: Numbers::default(),
            times,
            alias_count: aliases.len(),
            successors: Vec::new(),
            index: Index::default(),
            provenance: Provenance::default(),
        };
        catalogue.tokens = pack_tokens(&catalogue, tokens, &tokens_in_order, &token_text);
        drop((tokens_in_order, token_text));
        catalogue.numbers = Numbers::new(&catalogue);
        mark_underlyings(&mut catalogue, &strings);
        (catalogue.strings, catalogue.string_ends) = strings.into_parts();

        group_aliases(&mut catalogue, &aliases);
        group_listings(&mut catalogue);
        catalogue.successors = successors::resolve(&catalogue, &successors);
        catalogue.content_hash = content_hash(&catalogue);
        catalogue.index = Index::new(&catalogue);
        catalogue
    }

    /// Puts the rows in the order of the positions; rows whose position is not in it are dropped.
    fn rearrange(&mut self, order: &[usize], provenance: &mut Provenance) {
        let mut position_of = vec![None; self.listing.records.len()];
        order.iter().enumerate().for_each(|(position, was)| position_of[*was] = Some(position));
        self.listing = self.listing.in_order(order);
        provenance.rearrange(order);
        self.refer_to(&position_of);
    }

    /// Removes the rows that are the same instruments as others, and makes their keys aliases.
    fn drop_absorbed(&mut self, provenance: &mut Provenance) {
        let absorbed = std::mem::take(&mut self.absorbed);
        if absorbed.is_empty() {
            return;
        }
        let into: HashMap<usize, usize> = absorbed.iter().copied().collect();
        let last_of = |mut position: usize| {
            while let Some(next) = into.get(&position) {
                position = *next;
            }
            position
        };
        for (position, _) in &absorbed {
            let ((exchange, symbol), kept) = (self.listing.at(*position), last_of(*position));
            if self.listing.at(kept) != (exchange, symbol) {
                self.aliases.push(Alias { exchange, symbol: symbol.to_owned(), position: kept });
            }
        }
        let order: Vec<usize> =
            (0..self.listing.records.len()).filter(|position| !into.contains_key(position)).collect();
        let mut position_of = vec![None; self.listing.records.len()];
        order.iter().enumerate().for_each(|(position, was)| position_of[*was] = Some(position));
        absorbed.iter().for_each(|(position, _)| position_of[*position] = position_of[last_of(*position)]);
        self.listing.retain(&order);
        provenance.rearrange(&order);
        self.refer_to(&position_of);
    }

    /// Replaces positions. Aliases and tokens of positions that do not exist any more are dropped.
    fn refer_to(&mut self, position_of: &[Option<usize>]) {
        let aliases = std::mem::take(&mut self.aliases).into_iter();
        self.aliases =
            aliases.filter_map(|alias| Some(Alias { position: position_of[alias.position]?, ..alias })).collect();
        let tokens = std::mem::take(&mut self.tokens_in_order).into_iter();
        let position = |was: u32| position_of[was as usize].and_then(|position| u32::try_from(position).ok());
        self.tokens_in_order =
            tokens.filter_map(|(broker, was, token)| Some((broker, position(was)?, token))).collect();
        self.tokens_in_order.sort_by_key(|(_, position, _)| *position);
    }
}

/// Keeps the first token if a broker has two tokens for one instrument.
fn pack_tokens(
    catalogue: &Catalogue,
    tokens: Vec<(Broker, String, Range<u32>)>,
    in_order: &[(Broker, u32, Range<u32>)],
    text: &str,
) -> Tokens {
    let mut found: Vec<(Broker, InstrumentId, Range<u32>)> =
        tokens.into_iter().filter_map(|(broker, key, token)| Some((broker, catalogue.find(&key)?, token))).collect();
    // Aliases have no tokens; their records are between those of the rows.
    let numbers: Vec<InstrumentId> = catalogue.instruments().map(|instrument| instrument.id()).collect();
    // Added broker by broker, they are sorted already.
    found.reserve_exact(in_order.len());
    for broker in Broker::ALL {
        let of_broker = in_order.iter().filter(|(row_broker, ..)| *row_broker == broker);
        found.extend(of_broker.map(|(_, position, token)| (broker, numbers[*position as usize], token.clone())));
    }
    found.sort_by_key(|(broker, id, _)| (*broker, *id));
    found.dedup_by_key(|(broker, id, _)| (*broker, *id));
    Tokens::new(&found, text, catalogue.len())
}

/// Marks the instruments that active contracts refer to, by symbol or by alias.
fn mark_underlyings(catalogue: &mut Catalogue, strings: &Strings) {
    let mut referred: HashMap<(Exchange, StringId), (bool, bool)> = HashMap::new();
    for record in catalogue.records.iter().filter(|record| record.is_active && record.expiry.is_some()) {
        if let Some(exchange) = exchange_of_underlying(record.exchange) {
            let (has_futures, has_options) = referred.entry((exchange, record.underlying)).or_default();
            *has_futures |= record.class == InstrumentType::Future;
            *has_options |= matches!(record.class, InstrumentType::Call | InstrumentType::Put);
        }
    }
    for index in 0..catalogue.records.len() {
        let record = &catalogue.records[index];
        if record.expiry.is_some() {
            continue;
        }
        let id = InstrumentId(u32::try_from(index).expect("instruments fit into 32 bits"));
        let symbol = &catalogue.key(id)[record.exchange.as_str().len() + 1..];
        let Some(symbol) = strings.find(symbol) else { continue };
        if let Some((has_futures, has_options)) = referred.get(&(record.exchange, symbol)) {
            let record = &mut catalogue.records[index];
            record.has_futures |= has_futures;
            record.has_options |= has_options;
        }
    }
}

/// Returns the exchange that lists the underlyings of contracts on `exchange`.
fn exchange_of_underlying(exchange: Exchange) -> Option<Exchange> {
    match exchange {
        Exchange::Nfo | Exchange::Cds | Exchange::Nco => Some(Exchange::Nse),
        Exchange::Bfo | Exchange::Bcd => Some(Exchange::Bse),
        Exchange::Mcx => Some(Exchange::Mcx),
        _ => None,
    }
}

/// Adds every alias to the group of its target, which gets the contracts that refer to the alias.
fn group_aliases(catalogue: &mut Catalogue, aliases: &[(InstrumentId, InstrumentId)]) {
    for (alias, target) in aliases {
        catalogue.records[alias.index()].group = *target;
        let alias = catalogue.records[alias.index()];
        let target = &mut catalogue.records[target.index()];
        target.has_futures |= alias.has_futures;
        target.has_options |= alias.has_options;
    }
}

/// Groups the listings of one ISIN under the listing on NSE, or under the first one if NSE does not list it. Symbols
/// are never used for grouping: equal symbols on two exchanges may be different companies.
fn group_listings(catalogue: &mut Catalogue) {
    let mut first_of_isin: HashMap<StringId, InstrumentId> = HashMap::new();
    let is_cash = |record: &Record| matches!(record.segment, Segment::NseEquity | Segment::BseEquity);
    let listed = |record: &Record| is_cash(record) && !record.is_alias && record.isin != StringId::default();
    for pass in [Exchange::Nse, Exchange::Bse] {
        for (index, record) in catalogue.records.iter_mut().enumerate() {
            if record.exchange == pass && listed(record) {
                let id = InstrumentId(u32::try_from(index).expect("instruments fit into 32 bits"));
                record.group = *first_of_isin.entry(record.isin).or_insert(id);
            }
        }
    }
}

fn index_of(keys: &str, key_ends: &[u32]) -> Vec<u64> {
    let capacity = (key_ends.len() * 2).next_power_of_two().max(2);
    let mut slots = vec![0; capacity];
    let mut start = 0;
    for (index, end) in key_ends.iter().enumerate() {
        let hash = hash_key(&keys[start..*end as usize]);
        start = *end as usize;
        let mut position = usize_of(hash) & (capacity - 1);
        while slots[position] != 0 {
            position = (position + 1) & (capacity - 1);
        }
        slots[position] = (hash & TAG_MASK) | (index as u64 + 1);
    }
    slots
}

/// Hashes every field in a fixed order, with the length before each text.
fn content_hash(catalogue: &Catalogue) -> [u8; 32] {
    fn text(line: &mut Vec<u8>, text: &str) {
        line.extend((text.len() as u64).to_le_bytes());
        line.extend(text.as_bytes());
    }
    let mut hasher = Sha256::new();
    // The hasher gets one instrument at a time, because every call has a cost.
    let mut line = Vec::with_capacity(256);
    text(&mut line, "catalogue 1");
    for source in &catalogue.sources {
        text(&mut line, source.broker.map_or("", Broker::as_str));
        line.extend(source.file_date.map_or(0, |date| date.num_days_from_ce()).to_le_bytes());
    }
    for index in 0..catalogue.records.len() {
        let instrument = catalogue.get(InstrumentId(u32::try_from(index).expect("instruments fit into 32 bits")));
        text(&mut line, instrument.key());
        text(&mut line, instrument.name());
        text(&mut line, instrument.underlying().unwrap_or_default());
        text(&mut line, instrument.isin().unwrap_or_default());
        text(&mut line, instrument.series().unwrap_or_default());
        line.extend(instrument.expiry().map_or(0, |date| date.num_days_from_ce()).to_le_bytes());
        line.extend(instrument.strike().map_or(-1, |strike| strike.ten_thousandths()).to_le_bytes());
        line.extend(instrument.tick_size().ten_thousandths().to_le_bytes());
        line.extend(instrument.lot_size().to_le_bytes());
        line.extend(instrument.group().as_u32().to_le_bytes());
        let class: InstrumentType = instrument.class();
        line.extend([instrument.segment() as u8, class as u8, u8::from(instrument.is_active())]);
        hasher.update(&line);
        line.clear();
    }
    for (broker, id, token) in catalogue.tokens.iter() {
        text(&mut line, broker.as_str());
        line.extend(id.as_u32().to_le_bytes());
        text(&mut line, token);
        hasher.update(&line);
        line.clear();
    }
    for (old, new) in &catalogue.successors {
        line.extend(old.as_u32().to_le_bytes());
        line.extend(new.as_u32().to_le_bytes());
    }
    hasher.update(&line);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
