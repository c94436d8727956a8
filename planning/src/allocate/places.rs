//! The rules of the placement of a plan: the places of its instruments in the previous plan, their value and
//! underlyings.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Composer;
use crate::accounts::PlanAccount;
use crate::capacity::MARKET;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::placement::{Connection, PlacedLeg, Placement, PlacementRules, PreviousPlaces};
use crate::previous::{PlacedConnection, PreviousPlacement};
use crate::request::ResolvedItem;
use crate::source::ItemOptions;
use crate::vocabulary::PlacementStrategy;

impl Composer<'_> {
    /// Returns the positions of the instruments in descending value. If the order of the request does not matter, that
    /// of the plan decides between equal ones.
    pub(super) fn by_value(&self) -> impl Iterator<Item = usize> + use<> {
        let mut by_value: Vec<usize> = (0..self.kept.len()).collect();
        by_value.sort_by_cached_key(|at| {
            let item = self.kept[*at];
            let ItemOptions { is_pinned, priority, .. } = self.resolved.options_of(item.position);
            let rank = if self.resolved.is_order_free { 0 } else { self.fitted.rank(item) };
            (rank, !is_pinned, std::cmp::Reverse(priority))
        });
        by_value.into_iter()
    }

    pub(super) fn placement_rules(&self) -> PlacementRules {
        let feed = &self.request.feed;
        let previous = feed.previous.as_ref().and_then(|previous| previous.placement.as_deref());
        PlacementRules {
            is_rebalanced: feed.previous.as_ref().is_some_and(|previous| previous.is_rebalanced),
            strategy: feed.placement.unwrap_or(PlacementStrategy::Balanced),
            min_connections: feed.connections,
            previous: previous
                .map(|previous| previous_places(previous, self.kept, self.accounts, self.basis.catalogue)),
        }
    }

    /// Returns the number of instruments that are where they were in the previous plan.
    pub(super) fn unchanged(&self, placement: &Placement, rules: &PlacementRules) -> Option<u32> {
        rules.previous.as_ref().map(|previous| previous.unchanged(placement, self.kept.len()))
    }

    /// Returns why a plan has fewer connections than requested.
    pub(super) fn why_no_further_connection(&self, placement: &Placement, rules: &PlacementRules) -> &'static str {
        let opened = placement.connections.len();
        let allowed: usize = self.accounts.iter().map(|account| account.limits.connections.value as usize).sum();
        let is_market = |leg: &&PlacedLeg| placement.connections[leg.connection as usize].endpoint == MARKET;
        let previous = rules.previous.as_ref().filter(|_| !rules.is_rebalanced);
        if opened >= allowed {
            "the accounts allow no more"
        } else if opened >= placement.legs.iter().filter(is_market).count() {
            "a connection needs at least one instrument"
        } else if previous.is_some_and(|previous| !previous.has_shared_new(placement)) {
            "no new instruments to place on further connections"
        } else if rules.strategy == PlacementStrategy::Together {
            "`together` needs no further connections"
        } else {
            "the limits decide on the connections of new instruments"
        }
    }
}

/// Returns the places that the instruments of a plan had in the previous one. The keys of an instrument may differ:
/// another name, or a new key since the previous plan, unless that plan has the new key as well.
fn previous_places(
    previous: &PreviousPlacement,
    kept: &[ResolvedItem],
    accounts: &[PlanAccount<'_>],
    catalogue: &Catalogue,
) -> PreviousPlaces {
    let of_id: HashMap<InstrumentId, u32> =
        (0u32..).zip(kept).filter_map(|(at, item)| Some((catalogue.target(item.id?), at))).collect();
    let id = |key: &str| Some(catalogue.target(catalogue.find(key)?));
    let own: HashSet<InstrumentId> = previous.keys.iter().filter_map(id).collect();
    let item = |key: &str| {
        let id = id(key)?;
        let renamed = || catalogue.successor(id).map(|new| catalogue.target(new)).filter(|new| !own.contains(new));
        of_id.get(&id).or_else(|| of_id.get(&renamed()?)).copied()
    };

    let mut numbers = BTreeSet::new();
    let mut connections = Vec::new();
    let mut places = Vec::new();
    for (PlacedConnection { connection, account, endpoint }, keys) in previous.by_connection() {
        numbers.insert(*connection);
        let Some(account) = accounts.iter().position(|of| of.name == *account) else { continue };
        let position = u32::try_from(connections.len()).expect("a plan has few connections");
        connections.push(Connection { number: *connection, account, endpoint: endpoint.clone() });
        places.extend(keys.into_iter().filter_map(|key| Some((item(key)?, position))));
    }
    places.sort_unstable();
    PreviousPlaces { connections, numbers, places }
}

/// Returns the number of the underlying of each instrument that is a contract.
pub(super) fn underlyings(kept: &[ResolvedItem], catalogue: &Catalogue) -> Vec<Option<u32>> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let number = |item: &ResolvedItem| {
        let underlying = catalogue.get(item.id?).underlying()?;
        let next = u32::try_from(numbers.len()).expect("a plan has few underlyings");
        Some(*numbers.entry(underlying).or_insert(next))
    };
    kept.iter().map(number).collect()
}
