//! Builds a [`Catalogue`] from rows.

use std::collections::HashMap;

use chrono::Datelike;
use sha2::{Digest, Sha256};

use super::{Catalogue, InstrumentId, Provenance, Record, Source, StringId, TAG_MASK, hash_key, slice_of, usize_of};
use crate::dump::{Broker, Row};
use crate::instrument::{Class, Exchange, Segment};

/// Collects rows, then [builds](Self::build) the catalogue of them.
///
/// Keys must be unique: of two rows with one key the later is dropped. One file's repeated keys are settled
/// before, by [`crate::load`]; rows of several brokers by [`crate::merge`].
#[derive(Debug, Default)]
pub struct Builder {
    rows: Vec<(Row, bool)>,
    tokens: Vec<(Broker, String, String)>,
    /// Tokens by the position of their row. Only where rows come in the order of keys.
    tokens_in_order: Vec<(Broker, usize, String)>,
}

impl Builder {
    /// A builder without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an instrument. `is_active` says whether its broker's last accepted file has it. The row's own
    /// token is not taken: see [`Self::add_token`].
    pub fn add(&mut self, row: Row, is_active: bool) {
        self.rows.push((row, is_active));
    }

    /// Adds a broker's token for the instrument `key`. A key that is never added leaves no trace.
    pub fn add_token(&mut self, broker: Broker, key: String, token: String) {
        self.tokens.push((broker, key, token));
    }

    /// Adds an instrument with its brokers' tokens. Everything must be added in the order of keys then, each key once:
    /// nothing has to be looked up.
    pub(crate) fn add_in_order(
        &mut self,
        row: Row,
        is_active: bool,
        tokens: impl IntoIterator<Item = (Broker, String)>,
    ) {
        let position = self.rows.len();
        self.tokens_in_order.extend(tokens.into_iter().map(|(broker, token)| (broker, position, token)));
        self.rows.push((row, is_active));
    }

    /// Makes the catalogue.
    ///
    /// # Panics
    /// If the keys or strings together exceed 4 GiB, or rows with tokens were not added in the order of keys.
    pub fn build(mut self, version: String, sources: Vec<Source>) -> Catalogue {
        let is_in_order = || self.rows.is_sorted_by(|(a, _), (b, _)| (a.exchange, &a.symbol) < (b.exchange, &b.symbol));
        assert!(self.tokens_in_order.is_empty() || is_in_order(), "rows with tokens come in the order of keys");
        self.rows.sort_by(|(a, _), (b, _)| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
        self.rows.dedup_by(|(later, _), (first, _)| later.exchange == first.exchange && later.symbol == first.symbol);
        let alias_count = self.add_aliases();

        let mut strings = Strings::new();
        let mut keys = String::new();
        let mut key_ends = Vec::with_capacity(self.rows.len());
        let mut records = Vec::with_capacity(self.rows.len());
        for (index, (row, is_active)) in self.rows.iter().enumerate() {
            keys.push_str(row.exchange.as_str());
            keys.push(':');
            keys.push_str(&row.symbol);
            key_ends.push(u32::try_from(keys.len()).expect("keys fit into 4 GiB"));
            let id = InstrumentId(u32::try_from(index).expect("instruments fit into 32 bits"));
            records.push(record_of(row, *is_active, id, &mut strings));
        }
        let slots = index_of(&keys, &key_ends);
        let mut catalogue = Catalogue {
            version,
            sources,
            content_hash: [0; 32],
            keys,
            key_ends,
            slots,
            records,
            strings: String::new(),
            string_ends: Vec::new(),
            tokens: Vec::new(),
            alias_count,
            provenance: Provenance::default(),
        };

        for (broker, key, token) in &self.tokens {
            if let Some(id) = catalogue.find(key) {
                let token = strings.intern(token);
                catalogue.tokens.push((*broker, id, token));
            }
        }
        let numbers: Vec<InstrumentId> = catalogue.instruments().map(|instrument| instrument.id()).collect();
        for (broker, position, token) in &self.tokens_in_order {
            let token = strings.intern(token);
            catalogue.tokens.push((*broker, numbers[*position], token));
        }
        catalogue.tokens.sort_unstable_by_key(|(broker, id, _)| (*broker, *id));
        catalogue.tokens.dedup_by_key(|(broker, id, _)| (*broker, *id));
        catalogue.tokens.shrink_to_fit();
        (catalogue.strings, catalogue.string_ends) = strings.into_parts();

        group_aliases(&mut catalogue, &self.rows);
        group_listings(&mut catalogue);
        catalogue.content_hash = content_hash(&catalogue);
        catalogue
    }

    /// Adds a row per alias that is not a key already, and says how many. Sorted again afterwards.
    fn add_aliases(&mut self) -> usize {
        let mut aliases: Vec<(Row, bool)> = Vec::new();
        for (row, is_active) in &self.rows {
            let Some(alias) = &row.alias else { continue };
            let key = (row.exchange, alias.as_str());
            if self.rows.binary_search_by(|(other, _)| (other.exchange, other.symbol.as_str()).cmp(&key)).is_ok() {
                continue;
            }
            // The alias field of an alias names its target; that is how the two are told apart below.
            let target = Some(row.symbol.clone());
            aliases.push((Row { symbol: alias.clone(), alias: target, ..row.clone() }, *is_active));
        }
        aliases.sort_by(|(a, _), (b, _)| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
        aliases.dedup_by(|(later, _), (first, _)| later.exchange == first.exchange && later.symbol == first.symbol);
        let count = aliases.len();
        for (row, _) in &mut self.rows {
            row.alias = None;
        }
        self.rows.append(&mut aliases);
        self.rows.sort_by(|(a, _), (b, _)| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
        count
    }
}

fn record_of(row: &Row, is_active: bool, id: InstrumentId, strings: &mut Strings) -> Record {
    let mut intern = |text: &Option<String>| text.as_deref().map_or(StringId::default(), |text| strings.intern(text));
    Record {
        strike: row.strike,
        tick_size: row.tick_size,
        underlying: intern(&row.underlying),
        isin: intern(&row.isin),
        series: intern(&row.series),
        name: strings.intern(&row.name),
        lot_size: row.lot_size,
        expiry: row.expiry,
        group: id,
        exchange: row.exchange,
        segment: row.segment,
        class: row.class,
        is_active,
        is_alias: row.alias.is_some(),
    }
}

/// Every alias belongs to its target.
fn group_aliases(catalogue: &mut Catalogue, rows: &[(Row, bool)]) {
    for (index, (row, _)) in rows.iter().enumerate() {
        let Some(target) = &row.alias else { continue };
        if let Some(target) = catalogue.find(&format!("{}:{target}", row.exchange)) {
            catalogue.records[index].group = target;
        }
    }
}

/// Listings of one ISIN belong to the one on NSE, otherwise to the first. Never joined by symbol: equal
/// symbols on two exchanges may be different companies.
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

/// Hashes every field in a fixed order, each text with its length before it.
fn content_hash(catalogue: &Catalogue) -> [u8; 32] {
    fn text(hasher: &mut Sha256, text: &str) {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    let mut hasher = Sha256::new();
    text(&mut hasher, "catalogue 1");
    for source in &catalogue.sources {
        text(&mut hasher, source.broker.map_or("", Broker::as_str));
        hasher.update(source.file_date.map_or(0, |date| date.num_days_from_ce()).to_le_bytes());
    }
    for index in 0..catalogue.records.len() {
        let instrument = catalogue.get(InstrumentId(u32::try_from(index).expect("instruments fit into 32 bits")));
        text(&mut hasher, instrument.key());
        text(&mut hasher, instrument.name());
        text(&mut hasher, instrument.underlying().unwrap_or_default());
        text(&mut hasher, instrument.isin().unwrap_or_default());
        text(&mut hasher, instrument.series().unwrap_or_default());
        hasher.update(instrument.expiry().map_or(0, |date| date.num_days_from_ce()).to_le_bytes());
        hasher.update(instrument.strike().map_or(-1, |strike| strike.ten_thousandths()).to_le_bytes());
        hasher.update(instrument.tick_size().ten_thousandths().to_le_bytes());
        hasher.update(instrument.lot_size().to_le_bytes());
        hasher.update(instrument.group().as_u32().to_le_bytes());
        let class: Class = instrument.class();
        hasher.update([instrument.segment() as u8, class as u8, u8::from(instrument.is_active())]);
    }
    for (broker, id, token) in &catalogue.tokens {
        text(&mut hasher, broker.as_str());
        hasher.update(id.as_u32().to_le_bytes());
        text(&mut hasher, catalogue.string(*token));
    }
    hasher.finalize().into()
}

/// Each distinct text once.
struct Strings {
    /// Open addressing: numbers, 0 is empty. At most half full. A map of texts would hold every text a second time.
    slots: Vec<u32>,
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    fn new() -> Self {
        // Number 0 is the empty string.
        Strings { slots: vec![0; 1024], text: String::new(), ends: vec![0] }
    }

    fn intern(&mut self, text: &str) -> StringId {
        if text.is_empty() {
            return StringId(0);
        }
        let (position, found) = self.slot_of(text);
        if found != 0 {
            return StringId(found);
        }
        let id = u32::try_from(self.ends.len()).expect("strings fit into 32 bits");
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).expect("strings fit into 4 GiB"));
        self.slots[position] = id;
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        StringId(id)
    }

    /// Where the text's number stands or belongs, and the number; 0 where it has none.
    fn slot_of(&self, text: &str) -> (usize, u32) {
        let mask = self.slots.len() - 1;
        let mut position = usize_of(hash_key(text)) & mask;
        loop {
            match self.slots[position] {
                0 => return (position, 0),
                id if slice_of(&self.text, &self.ends, id) == text => return (position, id),
                _ => position = (position + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for id in 1..u32::try_from(self.ends.len()).expect("strings fit into 32 bits") {
            let (position, _) = self.slot_of(slice_of(&self.text, &self.ends, id));
            self.slots[position] = id;
        }
    }

    fn into_parts(mut self) -> (String, Vec<u32>) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        (self.text, self.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{equity, future, index};

    fn catalogue_of(rows: Vec<Row>) -> Catalogue {
        let mut builder = Builder::new();
        for row in rows {
            builder.add(row, true);
        }
        builder.build("1".into(), vec![])
    }

    #[test]
    fn ids_follow_exchange_then_symbol() {
        let catalogue =
            catalogue_of(vec![equity("NSE", "TCS", "INE467B01029"), equity("NSE", "ACC", "INE012A01025"), {
                equity("BSE", "ZEEL", "INE256A01028")
            }]);

        let keys: Vec<_> = catalogue.instruments().map(|instrument| instrument.key()).collect();
        assert_eq!(keys, ["BSE:ZEEL", "NSE:ACC", "NSE:TCS"]);
        for key in keys {
            assert_eq!(catalogue.key(catalogue.find(key).unwrap()), key);
        }
        assert_eq!(catalogue.find("NSE:ZEEL"), None);
        assert_eq!(catalogue.find(""), None);
    }

    #[test]
    fn an_empty_catalogue_finds_nothing() {
        let catalogue = catalogue_of(vec![]);

        assert!(catalogue.is_empty());
        assert_eq!(catalogue.find("NSE:TCS"), None);
    }

    #[test]
    fn an_alias_is_found_and_belongs_to_its_target() {
        let catalogue = catalogue_of(vec![index("NSE", "NIFTY 50", Some("NIFTY"))]);

        let target = catalogue.find("NSE:NIFTY 50").unwrap();
        let alias = catalogue.find("NSE:NIFTY").unwrap();
        assert!(catalogue.get(alias).is_alias());
        assert!(!catalogue.get(target).is_alias());
        assert_eq!(catalogue.get(alias).group(), target);
        assert_eq!(catalogue.instrument_count(), 1);
        assert_eq!(catalogue.len(), 2);
    }

    #[test]
    fn an_alias_never_hides_an_instrument_of_that_name() {
        let catalogue =
            catalogue_of(vec![index("NSE", "NIFTY 50", Some("NIFTY")), equity("NSE", "NIFTY", "INE467B01029")]);

        assert!(!catalogue.get(catalogue.find("NSE:NIFTY").unwrap()).is_alias());
        assert_eq!(catalogue.len(), 2);
    }

    #[test]
    fn cross_listings_join_by_isin_on_nse_and_never_by_symbol() {
        let catalogue = catalogue_of(vec![
            equity("NSE", "TCS", "INE467B01029"),
            equity("BSE", "TCS", "INE467B01029"),
            equity("NSE", "GSTL", "INE000A01011"),
            equity("BSE", "GSTL", "INE000B01019"),
        ]);
        let group = |key| catalogue.key(catalogue.get(catalogue.find(key).unwrap()).group());

        assert_eq!(group("BSE:TCS"), "NSE:TCS");
        assert_eq!(group("NSE:TCS"), "NSE:TCS");
        assert_eq!(group("BSE:GSTL"), "BSE:GSTL");
    }

    #[test]
    fn equal_content_has_an_equal_hash_whatever_the_order() {
        let rows = vec![
            equity("NSE", "TCS", "INE467B01029"),
            future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"),
            index("NSE", "NIFTY 50", Some("NIFTY")),
        ];
        let mut reversed = rows.clone();
        reversed.reverse();
        let mut other = rows.clone();
        other[1].lot_size += 1;

        assert_eq!(catalogue_of(rows.clone()).content_hash(), catalogue_of(reversed).content_hash());
        assert_ne!(catalogue_of(rows).content_hash(), catalogue_of(other).content_hash());
    }

    #[test]
    fn tokens_are_found_by_broker() {
        let mut builder = Builder::new();
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add_token(Broker::Kite, "NSE:TCS".into(), "2953217".into());
        builder.add_token(Broker::Kite, "NSE:GONE".into(), "1".into());
        let catalogue = builder.build("1".into(), vec![]);

        let tcs = catalogue.get(catalogue.find("NSE:TCS").unwrap());
        assert_eq!(tcs.token(Broker::Kite), Some("2953217"));
        assert_eq!(tcs.token(Broker::Upstox), None);
        assert_eq!(catalogue.token_counts().get(&Broker::Kite), Some(&1));
    }
}
