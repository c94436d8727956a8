//! Compares the instruments of a plan by the identities, tokens and terms that it stored.

use chrono::NaiveDate;

use super::answer::{ChangedField, InstrumentChange, Verdict, VerifiedInstrument};
use super::search::Search;
use crate::allocation::{Subscriptions, Terms};
use crate::catalogue::{Catalogue, Instrument};
use crate::identity::{EXPIRY_MOVES_DAYS, Relation, is_known_by_key, relation};
use crate::instrument::Amount;
use crate::keys::KeyList;
use crate::vocabulary::{Broker, Segment};

pub(super) fn verified<'a>(
    keys: &'a KeyList,
    subscriptions: &'a Subscriptions,
    broker: Broker,
    catalogue: &'a Catalogue,
    today: NaiveDate,
) -> Vec<VerifiedInstrument<'a>> {
    let stored = keys.iter().zip(&subscriptions.instruments);
    let planned: Vec<PlannedInstrument<'a>> = stored
        .zip(catalogue.find_all(keys))
        .map(|((key, of), found)| {
            let terms = subscriptions.terms_of(of).copied();
            let expiry = terms.and_then(|terms| terms.expiry);
            let at_key = found.map(|id| catalogue.get(catalogue.target(id)));
            let relation_at_key = at_key.map_or(Relation::Other, |now| match relation(&now, of.identity, expiry) {
                Relation::Other if is_known_by_key(&now, of.identity) => Relation::Same,
                relation => relation,
            });
            let (token, segment, identity) = (of.token.as_deref(), of.segment, of.identity);
            PlannedInstrument { key, token, segment, identity, terms, at_key, relation_at_key }
        })
        .collect();
    let search = Search::of(&planned, broker, catalogue);
    let verifier = Verifier { broker, catalogue, search: &search, today };
    planned.iter().map(|planned| verifier.verified(planned)).collect()
}

/// An instrument of a plan, and the instrument that has its key now.
pub(super) struct PlannedInstrument<'a> {
    key: &'a str,
    pub(super) token: Option<&'a str>,
    /// `None` if the catalog of the plan lacked the instrument.
    pub(super) segment: Option<Segment>,
    pub(super) identity: u64,
    pub(super) terms: Option<Terms>,
    at_key: Option<Instrument<'a>>,
    relation_at_key: Relation,
}

impl<'a> PlannedInstrument<'a> {
    fn expiry(&self) -> Option<NaiveDate> {
        self.terms.and_then(|terms| terms.expiry)
    }

    /// Returns the last trading date that is known of the contract: the exchange may have moved the one that the plan
    /// stored, and a file that does not contain the contract any more does not move it back.
    fn last_expiry(&self, listed: Option<Instrument<'a>>) -> Option<NaiveDate> {
        let at_key = self.at_key.filter(|_| self.relation_at_key != Relation::Other);
        listed.or(at_key).and_then(|contract| contract.expiry()).or(self.expiry())
    }

    /// Returns the active instrument that has the key.
    fn active_at_key(&self) -> Option<Instrument<'a>> {
        self.at_key.filter(Instrument::is_active)
    }

    /// Whether the key is still that of the instrument.
    pub(super) fn is_at_key(&self) -> bool {
        self.relation_at_key == Relation::Same && self.active_at_key().is_some()
    }

    /// Whether key and token are still those of the instrument.
    pub(super) fn is_settled(&self, broker: Broker) -> bool {
        self.is_at_key() && self.at_key.and_then(|now| now.token(broker)) == self.token
    }

    fn relation(&self, other: &Instrument<'_>) -> Relation {
        relation(other, self.identity, self.expiry())
    }
}

struct Verifier<'s, 'a> {
    broker: Broker,
    catalogue: &'a Catalogue,
    search: &'s Search<'a>,
    today: NaiveDate,
}

impl<'a> Verifier<'_, 'a> {
    fn verified(&self, planned: &PlannedInstrument<'a>) -> VerifiedInstrument<'a> {
        if planned.segment.is_none() {
            return self.unknown(planned);
        }
        let current = self.current(planned);
        let new_owner = self.new_owner(planned, current);
        // The key of another instrument, as of a security whose ISIN changed, is still that of the plan.
        let listed = current.or_else(|| planned.active_at_key().filter(|_| new_owner.is_none()));
        let changes = self.changes(planned, new_owner, listed);
        let verdict = match (new_owner, listed) {
            (Some(_), _) => Verdict::TokenReused,
            _ if planned.last_expiry(listed).is_some_and(|expiry| expiry < self.today) => Verdict::Expired,
            (None, None) => Verdict::Gone,
            (None, Some(_)) => Verdict::of_first(&changes),
        };
        VerifiedInstrument { instrument: planned.key, verdict, changes }
    }

    /// Compares an instrument that the catalog of the plan lacked.
    fn unknown(&self, planned: &PlannedInstrument<'a>) -> VerifiedInstrument<'a> {
        let token = planned.active_at_key().and_then(|now| now.token(self.broker));
        let changes: Vec<InstrumentChange<'a>> = changed_token(planned.token, token).into_iter().collect();
        VerifiedInstrument { instrument: planned.key, verdict: Verdict::of_first(&changes), changes }
    }

    /// Returns the active instrument that the planned one is now; `None` if it is not known.
    fn current(&self, planned: &PlannedInstrument<'a>) -> Option<Instrument<'a>> {
        let at_key = planned.active_at_key();
        if planned.is_at_key() {
            return at_key;
        }
        let with_identity = self.search.with_identity(planned.identity);
        let successor = || {
            // Without an ISIN, only the symbol identifies an inactive instrument.
            let is_old = |at_key: &Instrument<'_>| planned.relation_at_key != Relation::Other || lacks_isin(at_key);
            let at_key = planned.at_key.filter(is_old);
            let ids = with_identity.into_iter().chain(at_key).map(|old| old.id());
            ids.filter_map(|id| self.catalogue.successor(id)).map(|id| self.catalogue.get(id)).next()
        };
        with_identity
            .filter(Instrument::is_active)
            .or_else(|| at_key.filter(|_| planned.relation_at_key == Relation::OtherExpiry))
            .or_else(successor)
            .or_else(|| self.moved_owner(planned))
            // A file without ISINs does not contradict the ISIN of another one.
            .or_else(|| at_key.filter(|at_key| with_identity.is_none() && lacks_isin(at_key)))
    }

    fn owner(&self, planned: &PlannedInstrument<'a>) -> Option<Instrument<'a>> {
        self.search.owner(planned.segment?, planned.token?)
    }

    /// Returns the owner of the token if it is the same contract with an expiry that the exchange moved.
    fn moved_owner(&self, planned: &PlannedInstrument<'a>) -> Option<Instrument<'a>> {
        let owner = self.owner(planned)?;
        let (before, after) = planned.expiry().zip(owner.expiry())?;
        let is_near = (after - before).num_days().abs() <= EXPIRY_MOVES_DAYS;
        (is_near && planned.relation(&owner) == Relation::OtherExpiry).then_some(owner)
    }

    /// Returns the other instrument to which the token of the planned one belongs now.
    fn new_owner(&self, planned: &PlannedInstrument<'a>, current: Option<Instrument<'a>>) -> Option<Instrument<'a>> {
        let is_other = |owner: &Instrument<'_>| {
            current.is_none_or(|current| current.id() != owner.id()) && planned.relation(owner) != Relation::Same
        };
        self.owner(planned).filter(is_other)
    }

    /// Returns everything that differs from the plan, in the order of the verdicts.
    fn changes(
        &self,
        planned: &PlannedInstrument<'a>,
        new_owner: Option<Instrument<'a>>,
        listed: Option<Instrument<'a>>,
    ) -> Vec<InstrumentChange<'a>> {
        let mut changes = Vec::new();
        if let Some(owner) = new_owner {
            changes.push(InstrumentChange::of_text(ChangedField::TokenOwner, Some(planned.key), Some(owner.key())));
        }
        let terms = planned.terms.zip(listed);
        if let Some((terms, listed)) = terms.filter(|(terms, listed)| terms.expiry != listed.expiry()) {
            changes.push(InstrumentChange::of_expiry(terms.expiry, listed.expiry()));
        }
        // The plan may contain another name of the instrument, which is not a new one.
        let at_key = planned.at_key.map(|at_key| at_key.id());
        if let Some(listed) = listed.filter(|listed| at_key != Some(listed.id())) {
            changes.push(InstrumentChange::of_text(ChangedField::Key, Some(planned.key), Some(listed.key())));
        }
        changes.extend(changed_token(planned.token, listed.and_then(|listed| listed.token(self.broker))));
        if let Some((terms, listed)) = terms {
            let units = |lot_size: u32| Amount::from_ten_thousandths(i64::from(lot_size) * 10_000);
            let lots = [terms.lot_size, listed.lot_size()].map(units);
            changes.extend(changed_number(ChangedField::LotSize, lots));
            changes.extend(changed_number(ChangedField::TickSize, [terms.tick_size, listed.tick_size()]));
        }
        changes
    }
}

/// Whether only its symbol identifies an instrument.
fn lacks_isin(instrument: &Instrument<'_>) -> bool {
    instrument.isin().is_none() && instrument.expiry().is_none()
}

fn changed_token<'a>(from: Option<&'a str>, to: Option<&'a str>) -> Option<InstrumentChange<'a>> {
    (from != to).then(|| InstrumentChange::of_text(ChangedField::BrokerToken, from, to))
}

/// A file that does not contain a value does not change it.
fn changed_number<'a>(field: ChangedField, [from, to]: [Amount; 2]) -> Option<InstrumentChange<'a>> {
    let has_changed = from != to && from != Amount::ZERO && to != Amount::ZERO;
    has_changed.then(|| InstrumentChange::of_number(field, from, to))
}
