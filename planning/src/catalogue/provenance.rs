//! The broker whose file each field of an instrument comes from, and the contradictions between brokers.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use super::{Catalogue, Instrument, InstrumentId};
use crate::vocabulary::{Broker, words};

words! {
    /// A field of an instrument.
    #[repr(u8)]
    Field {
        /// The name in words.
        Name = "name",
        /// Another symbol of the instrument.
        Alias = "alias",
        /// The ISIN.
        Isin = "isin",
        /// The series.
        Series = "series",
        /// The underlying of a contract.
        Underlying = "underlying_symbol",
        /// The last trading date.
        Expiry = "expiry",
        /// The strike.
        Strike = "strike",
        /// The number of units in a lot.
        LotSize = "lot_size",
        /// The smallest price step.
        TickSize = "tick_size",
    }
}

/// A field of an instrument on which the files of brokers do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The key of the instrument.
    pub key: String,
    /// The field whose values differ.
    pub field: Field,
    /// The value of each broker that has one. The first value is used.
    pub values: Vec<(Broker, String)>,
}

impl Contradiction {
    /// Returns the brokers whose value differs from the one that is used.
    pub fn others(&self) -> impl Iterator<Item = Broker> {
        let used = self.values.first().map(|(_, value)| value);
        self.values.iter().filter(move |(_, value)| Some(value) != used).map(|(broker, _)| *broker)
    }
}

/// The number of contradictions of a catalog, in total and by their causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContradictionCounts {
    /// The number of contradictions: one for each instrument and field.
    pub total: usize,
    /// The number of contradictions by field.
    pub by_field: BTreeMap<Field, usize>,
    /// The number of contradictions by broker whose value is not used.
    pub by_broker: BTreeMap<Broker, usize>,
}

impl ContradictionCounts {
    pub(super) fn of(contradictions: &[Contradiction]) -> Self {
        let mut counts = ContradictionCounts { total: contradictions.len(), ..Self::default() };
        for contradiction in contradictions {
            *counts.by_field.entry(contradiction.field).or_default() += 1;
            for broker in contradiction.others() {
                *counts.by_broker.entry(broker).or_default() += 1;
            }
        }
        counts
    }
}

/// The origin of all fields. Empty for a catalog that was not built from brokers' files.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    /// The broker of the base row, by instrument. Aliases are added at the end of building.
    bases: Vec<Broker>,
    /// The fields from another broker than the base. They are few. Sorted.
    filled: Vec<(InstrumentId, Field, Broker)>,
    /// The contradictions in the order of keys.
    pub(crate) contradictions: Vec<Contradiction>,
    joined: PendingJoins,
}

/// Changes by instruments that became one, until [`Provenance::finish_joins`].
#[derive(Debug, Default)]
struct PendingJoins {
    filled: Vec<(InstrumentId, Field, Broker)>,
    contradictions: Vec<Contradiction>,
    /// The keys of instruments that became a part of others, with the keys of those.
    keys: HashMap<String, String>,
}

impl Provenance {
    /// Adds the next instrument in the order of keys.
    pub(crate) fn add(&mut self, base: Broker, filled: Vec<(Field, Broker)>) {
        let id = InstrumentId(u32::try_from(self.bases.len()).expect("instruments fit into 32 bits"));
        self.bases.push(base);
        self.filled.extend(filled.into_iter().map(|(field, broker)| (id, field, broker)));
    }

    /// Puts the instruments in the order of their positions; those whose position is not in it are dropped.
    pub(super) fn rearrange(&mut self, order: &[usize]) {
        if self.bases.is_empty() {
            return;
        }
        let mut position_of = vec![None; self.bases.len()];
        order.iter().zip((0..).map(InstrumentId)).for_each(|(was, id)| position_of[*was] = Some(id));
        self.bases = order.iter().map(|was| self.bases[*was]).collect();
        let filled = std::mem::take(&mut self.filled).into_iter();
        self.filled =
            filled.filter_map(|(was, field, broker)| Some((position_of[was.index()]?, field, broker))).collect();
        self.filled.sort_unstable();
    }

    /// Moves the provenance of the instrument at position `from`, whose key is `old_key`, to the one at position
    /// `into`, whose key is `key`, because they are one. `filled` are the fields that it fills, `contradicting` those
    /// on which their values differ: that of `into` first.
    pub(super) fn join(
        &mut self,
        (from, old_key): (usize, &str),
        (into, key): (usize, &str),
        filled: Vec<Field>,
        contradicting: Vec<(Field, [String; 2])>,
    ) {
        let id = |position: usize| InstrumentId(u32::try_from(position).expect("instruments fit into 32 bits"));
        let (base, other) = (self.bases[into], self.bases[from]);
        let start = self.filled.partition_point(|(id, ..)| id.index() < from);
        let of_other = self.filled[start..].iter().take_while(|(id, ..)| id.index() == from);
        for field in filled {
            let source = of_other.clone().find(|(_, of, _)| *of == field);
            self.joined.filled.push((id(into), field, source.map_or(other, |(.., broker)| *broker)));
        }
        if old_key != key {
            self.joined.keys.insert(old_key.to_owned(), key.to_owned());
        }
        for (field, [value, other_value]) in contradicting {
            let values = vec![(base, value), (other, other_value)];
            self.joined.contradictions.push(Contradiction { key: key.to_owned(), field, values });
        }
    }

    /// Applies the joins. Of the contradictions on one field of one instrument, the values of the base are the first.
    pub(super) fn finish_joins(&mut self) {
        let PendingJoins { filled, contradictions, keys } = std::mem::take(&mut self.joined);
        self.filled.extend(filled);
        self.filled.sort_unstable();
        let (mut moved, own): (Vec<_>, Vec<_>) = std::mem::take(&mut self.contradictions)
            .into_iter()
            .partition(|contradiction| keys.contains_key(&contradiction.key));
        for Contradiction { key, .. } in &mut moved {
            key.clone_from(&keys[key]);
        }
        self.contradictions = own.into_iter().chain(contradictions).chain(moved).collect();
        let order = |a: &Contradiction, b: &Contradiction| {
            crate::instrument::compare_keys(&a.key, &b.key).then(a.field.cmp(&b.field))
        };
        self.contradictions.sort_by(order);
        self.contradictions.dedup_by(|later, first| {
            let is_same = order(later, first).is_eq();
            if is_same {
                let is_new = |(broker, _): &(Broker, String)| first.values.iter().all(|(other, _)| other != broker);
                let new: Vec<_> = later.values.iter().filter(|value| is_new(value)).cloned().collect();
                first.values.extend(new);
            }
            is_same
        });
    }

    pub(super) fn base_at(&self, position: usize) -> Broker {
        self.bases[position]
    }

    fn base(&self, id: InstrumentId) -> Option<Broker> {
        self.bases.get(id.index()).copied()
    }
}

impl Catalogue {
    /// Returns the fields on which brokers do not agree, in the order of keys.
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.provenance.contradictions
    }

    /// Returns the fields of one instrument on which brokers do not agree.
    pub fn contradictions_of(&self, key: &str) -> &[Contradiction] {
        let all = self.contradictions();
        let start = all.partition_point(|other| crate::instrument::compare_keys(&other.key, key).is_lt());
        let count = all[start..].iter().take_while(|other| other.key == key).count();
        &all[start..start + count]
    }

    /// Sets the origin of the instruments. They must have been added in the order of keys, each key once.
    pub(crate) fn with_provenance(mut self, mut provenance: Provenance) -> Self {
        let numbers: Vec<InstrumentId> = self.instruments().map(|instrument| instrument.id()).collect();
        assert_eq!(numbers.len(), provenance.bases.len(), "every instrument has its base");
        for (id, ..) in &mut provenance.filled {
            *id = numbers[id.index()];
        }
        provenance.filled.sort_unstable();
        provenance.bases = self.bases_with_aliases(&provenance.bases);
        provenance.filled.shrink_to_fit();
        provenance.contradictions.shrink_to_fit();
        self.content_hash = hash(&self.content_hash, &provenance);
        self.provenance = provenance;
        self
    }

    /// Returns the bases with those of the aliases: an alias has the base of its instrument.
    fn bases_with_aliases(&self, bases: &[Broker]) -> Vec<Broker> {
        let mut of_instruments = bases.iter();
        let mut all: Vec<Broker> = Vec::with_capacity(self.len());
        for record in &self.records {
            let base = if record.is_alias { None } else { of_instruments.next() };
            all.push(base.copied().unwrap_or(bases[0]));
        }
        for (index, record) in self.records.iter().enumerate().filter(|(_, record)| record.is_alias) {
            all[index] = all[record.group.index()];
        }
        all
    }
}

impl Instrument<'_> {
    /// Returns the broker of its base row; `None` in a catalog without brokers' files.
    pub fn base(&self) -> Option<Broker> {
        self.catalogue.provenance.base(self.id)
    }

    /// Returns the broker that a field comes from: that of the base, unless the field is empty there and was filled
    /// from another one.
    pub fn source(&self, field: Field) -> Option<Broker> {
        let Provenance { filled, .. } = &self.catalogue.provenance;
        match filled.binary_search_by_key(&(self.id, field), |(id, field, _)| (*id, *field)) {
            Ok(position) => Some(filled[position].2),
            Err(_) => self.base(),
        }
    }
}

fn hash(content: &[u8; 32], provenance: &Provenance) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(content);
    for base in &provenance.bases {
        hasher.update([*base as u8]);
    }
    for (id, field, broker) in &provenance.filled {
        hasher.update(id.as_u32().to_le_bytes());
        hasher.update([*field as u8, *broker as u8]);
    }
    for Contradiction { key, field, values } in &provenance.contradictions {
        hasher.update((key.len() as u64).to_le_bytes());
        hasher.update(key);
        hasher.update([*field as u8]);
        for (broker, value) in values {
            hasher.update([*broker as u8]);
            hasher.update((value.len() as u64).to_le_bytes());
            hasher.update(value);
        }
    }
    hasher.finalize().into()
}
