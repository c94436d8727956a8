//! Finds instruments by their tokens and identities, for all instruments of a plan in one pass over the catalog.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use foldhash::fast::FixedState;

use super::identities::PlannedInstrument;
use crate::catalogue::{Catalogue, Instrument};
use crate::identity::identity_hash;
use crate::vocabulary::{Broker, Segment};

/// The instruments that have the tokens and the identities of planned instruments now.
#[derive(Default)]
pub(super) struct Search<'a> {
    /// The active instruments by segment and token.
    by_token: HashMap<(Segment, &'a str), Option<Instrument<'a>>, FixedState>,
    /// The instruments by the hash of their identity; of several, an active one.
    by_identity: HashMap<u64, Option<Instrument<'a>>, FixedState>,
}

impl<'a> Search<'a> {
    /// Searches the catalog for the instruments that their keys do not show to be unchanged. Without such instruments,
    /// the catalog is not visited.
    pub(super) fn of(planned: &[PlannedInstrument<'a>], broker: Broker, catalogue: &'a Catalogue) -> Self {
        let mut search = Search::default();
        let mut wanted: HashSet<(Segment, Option<NaiveDate>), FixedState> = HashSet::default();
        for of in planned.iter().filter(|of| !of.is_settled(broker)) {
            let Some(segment) = of.segment else { continue };
            if let Some(token) = of.token {
                search.by_token.insert((segment, token), None);
            }
            if let Some(terms) = of.terms.filter(|_| !of.is_at_key()) {
                wanted.insert((segment, terms.expiry));
                search.by_identity.insert(of.identity, None);
            }
        }
        if !search.by_token.is_empty() {
            search.find_tokens(broker, catalogue);
        }
        if !wanted.is_empty() {
            // An identity contains segment and expiry, so that most instruments need no hash.
            let is_wanted = |of: &Instrument<'_>| wanted.contains(&(of.segment(), of.expiry()));
            search.find_identities(catalogue.instruments().filter(is_wanted));
        }
        search
    }

    fn find_tokens(&mut self, broker: Broker, catalogue: &'a Catalogue) {
        for (instrument, token) in catalogue.tokens_of(broker).filter(|(instrument, _)| instrument.is_active()) {
            if let Some(owner) = self.by_token.get_mut(&(instrument.segment(), token)) {
                owner.get_or_insert(instrument);
            }
        }
    }

    fn find_identities(&mut self, instruments: impl Iterator<Item = Instrument<'a>>) {
        for instrument in instruments {
            let Some(found) = self.by_identity.get_mut(&identity_hash(&instrument)) else { continue };
            if found.is_none_or(|found| !found.is_active() && instrument.is_active()) {
                *found = Some(instrument);
            }
        }
    }

    /// Returns the active instrument to which a token belongs.
    pub(super) fn owner(&self, segment: Segment, token: &'a str) -> Option<Instrument<'a>> {
        self.by_token.get(&(segment, token)).copied().flatten()
    }

    /// Returns the instrument with an identity, active or not.
    pub(super) fn with_identity(&self, identity: u64) -> Option<Instrument<'a>> {
        self.by_identity.get(&identity).copied().flatten()
    }
}
