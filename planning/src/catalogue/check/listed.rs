//! The brokers that list an instrument.

use super::{Catalogue, Instrument};
use crate::vocabulary::Broker;

/// A set of brokers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Brokers(u32);

const _: () = assert!(Broker::ALL.len() <= 32, "a set of brokers has a bit for each of them");

impl Brokers {
    pub(super) fn insert(&mut self, broker: Broker) {
        self.0 |= 1 << broker as u8;
    }

    pub(super) fn contains(self, broker: Broker) -> bool {
        self.0 & (1 << broker as u8) != 0
    }

    pub(super) fn is_disjoint(self, other: Brokers) -> bool {
        self.0 & other.0 == 0
    }

    pub(super) fn union(self, other: Brokers) -> Brokers {
        Brokers(self.0 | other.0)
    }

    pub(super) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Broker> {
        Broker::ALL.into_iter().filter(move |broker| self.contains(*broker))
    }

    pub(super) fn to_vec(self) -> Vec<Broker> {
        self.iter().collect()
    }
}

/// An active instrument with the brokers whose last files contain it, at least one.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListedInstrument<'a> {
    pub(super) instrument: Instrument<'a>,
    pub(super) brokers: Brokers,
}

impl<'a> ListedInstrument<'a> {
    /// Returns all listed instruments in the order of keys.
    pub(super) fn all(catalogue: &'a Catalogue) -> Vec<Self> {
        let mut brokers = vec![Brokers::default(); catalogue.len()];
        for (broker, id, _) in catalogue.tokens.iter() {
            brokers[id.index()].insert(broker);
        }
        let listed =
            |instrument: Instrument<'a>| ListedInstrument { instrument, brokers: brokers[instrument.id().index()] };
        let is_listed = |listed: &Self| listed.instrument.is_active() && listed.brokers != Brokers::default();
        catalogue.instruments().map(listed).filter(is_listed).collect()
    }
}
