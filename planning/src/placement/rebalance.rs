//! Gives a balanced placement the connections of a previous plan, so that few instruments move.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use super::{PlacedItem, PlacedLeg, Placement, PreviousPlaces, UNNUMBERED};

/// The instruments of one mode and rate on a connection. They are interchangeable: the balance stays the same.
type ModeAndRate = (u32, Option<usize>, u32);

/// Returns a placement with as many instruments of each mode and rate on each connection as the balanced one, and with
/// as many instruments as possible where they were. The most valuable ones stay.
pub(super) fn rebalanced(balanced: Placement, items: &[PlacedItem], previous: &PreviousPlaces) -> Placement {
    let own = matched(&balanced, items, previous);
    let Placement { mut connections, mut legs } = balanced;
    for (connection, own) in connections.iter_mut().zip(&own) {
        connection.number = own.map_or(UNNUMBERED, |at| previous.connections[at].number);
    }

    let kind = |connection: u32, instrument: u32| -> ModeAndRate {
        let PlacedItem { mode, rate, .. } = items[instrument as usize];
        (connection, mode, rate)
    };
    let mut left: HashMap<ModeAndRate, u32> = HashMap::new();
    for leg in &legs {
        *left.entry(kind(leg.connection, leg.instrument)).or_default() += 1;
    }
    let mut take = |connection: u32, instrument: u32| {
        let left = left.get_mut(&kind(connection, instrument)).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    };
    legs.sort_by_key(|leg| items[leg.instrument as usize].rank);
    let was_at = |leg: &PlacedLeg| {
        let endpoint = &connections[leg.connection as usize].endpoint;
        let at = previous.of(leg.instrument).find(|at| previous.connections[*at].endpoint == *endpoint)?;
        own.iter().position(|own| *own == Some(at)).and_then(|position| u32::try_from(position).ok())
    };
    let mut stays = vec![false; legs.len()];
    for (leg, stays) in legs.iter_mut().zip(&mut stays) {
        if let Some(connection) = was_at(leg).filter(|connection| take(*connection, leg.instrument)) {
            (leg.connection, *stays) = (connection, true);
        }
    }
    for (leg, _) in legs.iter_mut().zip(stays).filter(|(_, stays)| !stays) {
        let endpoint = &connections[leg.connection as usize].endpoint;
        let mut of_endpoint = (0u32..).zip(&connections).filter(|(_, connection)| connection.endpoint == *endpoint);
        let free = of_endpoint.find(|(connection, _)| take(*connection, leg.instrument));
        leg.connection = free.expect("there are as many places as subscriptions").0;
    }
    Placement { connections, legs }.numbered(&previous.connections, &previous.numbers)
}

/// Returns the position of the previous connection that each connection continues: one of the same account and
/// endpoint, so that many instruments can stay.
fn matched(balanced: &Placement, items: &[PlacedItem], previous: &PreviousPlaces) -> Vec<Option<usize>> {
    let Placement { connections, legs } = balanced;
    let kind = |instrument: u32| {
        let PlacedItem { mode, rate, .. } = items[instrument as usize];
        (mode, rate)
    };
    let of_new = counts(legs.iter().map(|leg| (leg.connection, kind(leg.instrument))), connections.len());
    let of_old = counts(previous.places.iter().map(|(item, at)| (*at, kind(*item))), previous.connections.len());
    let common = |new: usize, old: usize| -> u32 {
        of_new[new].iter().map(|(kind, count)| of_old[old].get(kind).copied().unwrap_or(0).min(*count)).sum()
    };
    let mut pairs: Vec<(Reverse<u32>, usize, usize)> = Vec::new();
    for (new, connection) in connections.iter().enumerate() {
        for (old, other) in previous.connections.iter().enumerate() {
            let is_same = (other.account, &other.endpoint) == (connection.account, &connection.endpoint);
            let common = if is_same { common(new, old) } else { 0 };
            if common > 0 {
                pairs.push((Reverse(common), new, old));
            }
        }
    }
    pairs.sort_unstable();
    let mut own = vec![None; connections.len()];
    let mut is_taken = vec![false; previous.connections.len()];
    for (_, new, old) in pairs {
        if own[new].is_none() && !is_taken[old] {
            (own[new], is_taken[old]) = (Some(old), true);
        }
    }
    own
}

/// Counts the instruments of each kind on each connection.
fn counts<K: Eq + Hash>(placed: impl Iterator<Item = (u32, K)>, connections: usize) -> Vec<HashMap<K, u32>> {
    let mut counts: Vec<HashMap<K, u32>> = (0..connections).map(|_| HashMap::new()).collect();
    for (connection, kind) in placed {
        *counts[connection as usize].entry(kind).or_default() += 1;
    }
    counts
}
