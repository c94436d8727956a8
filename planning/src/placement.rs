//! Distributes the instruments of a plan over connections: on the fewest that carry them, and evenly.

mod deal;
mod quotas;

use std::collections::BTreeMap;

use self::deal::{Slot, deal};
use crate::capacity::{MARKET, Scope};
use crate::fit::{Fitted, PlanAccount, Regime, Way};
use crate::vocabulary::Mode;

/// A connection of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    /// The position of its account.
    pub(crate) account: usize,
    pub(crate) endpoint: String,
}

/// A subscription on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlacedLeg {
    /// The position of the instrument in the plan.
    pub(crate) instrument: u32,
    /// The position of the connection.
    pub(crate) connection: u32,
    pub(crate) mode: Mode,
}

/// The connections of a plan, and the subscriptions on them in no particular order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) connections: Vec<Connection>,
    pub(crate) legs: Vec<PlacedLeg>,
}

/// An instrument to place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedItem {
    /// The position of its mode among the modes in play; `None` if it has no subscription.
    pub(crate) mode: Option<usize>,
    /// The expected number of messages in a second, in thousandths.
    pub(crate) rate: u32,
}

/// Places the instruments of a plan, which are in its order. `min_connections` is the requested number of connections.
///
/// # Panics
/// If the instruments do not fit, which a fit excludes.
pub(crate) fn place(
    fitted: &Fitted,
    accounts: &[PlanAccount<'_>],
    items: &[PlacedItem],
    min_connections: Option<u32>,
) -> Placement {
    let modes = fitted.in_play.modes();
    let mut counts = vec![0u32; modes.len()];
    for mode in items.iter().filter_map(|item| item.mode) {
        counts[mode] += 1;
    }
    if counts.iter().all(|count| *count == 0) {
        return Placement::default();
    }
    let way = fitted.fewest_connections(&counts);
    let (connections, regimes) = opened(way, accounts, min_connections.unwrap_or(0));
    let legs_of = |mode: usize| {
        let offering = accounts.iter().find_map(|account| account.limits.modes.get(&modes[mode]));
        &offering.expect("a mode in play is offered").legs
    };

    // The heaviest instruments of each mode are dealt first.
    let mut order: Vec<u32> = (0u32..).zip(items).filter(|(_, item)| item.mode.is_some()).map(|(at, _)| at).collect();
    order.sort_by_key(|at| {
        let item = &items[*at as usize];
        (std::cmp::Reverse(item.mode), std::cmp::Reverse(item.rate))
    });

    let mut legs = Vec::with_capacity(order.len());
    let mut endpoints: Vec<&str> = connections.iter().map(|connection| connection.endpoint.as_str()).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    for endpoint in endpoints {
        let leg_mode = |mode: usize| legs_of(mode).iter().find(|leg| leg.endpoint == endpoint).map(|leg| leg.mode);
        let dealt: Vec<(u32, usize)> = order
            .iter()
            .filter_map(|at| Some((*at, items[*at as usize].mode?)))
            .filter(|(_, mode)| leg_mode(*mode).is_some())
            .collect();
        let slots: Vec<Slot> = (0..connections.len())
            .filter(|at| connections[*at].endpoint == endpoint)
            .map(|at| slot(at, &connections[at], regimes[at], way, accounts, modes))
            .collect();
        for (instrument, mode, connection) in deal(&dealt, &slots, modes.len()) {
            let mode = leg_mode(mode).expect("only instruments of the endpoint are dealt");
            let connection = u32::try_from(connection).expect("there are few connections");
            legs.push(PlacedLeg { instrument, connection, mode });
        }
    }
    Placement { connections, legs }
}

/// Returns the connections of a way, and as many further ones as are requested and allowed, with the regime of each. A further
/// connection is one to the market endpoint, at the account with the fewest.
fn opened(way: &Way, accounts: &[PlanAccount<'_>], min_connections: u32) -> (Vec<Connection>, Vec<Regime>) {
    let mut market: BTreeMap<usize, Vec<Regime>> = BTreeMap::new();
    let mut others: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for of_account in &way.uses {
        let regimes =
            of_account.market.iter().flat_map(|(regime, count)| std::iter::repeat_n(*regime, *count as usize));
        market.entry(of_account.account).or_default().extend(regimes);
        let endpoints = of_account.others.iter();
        let endpoints = endpoints.flat_map(|(name, count)| std::iter::repeat_n(name.clone(), *count as usize));
        others.entry(of_account.account).or_default().extend(endpoints);
    }
    let count = |market: &BTreeMap<usize, Vec<Regime>>, account: &usize| {
        market[account].len() + others.get(account).map_or(0, Vec::len)
    };
    let mut total = way.connections;
    while total < min_connections {
        let has_room = |account: &usize| count(&market, account) < accounts[*account].limits.connections.value as usize;
        let Some(account) = market.keys().copied().filter(has_room).min_by_key(|account| count(&market, account))
        else {
            break;
        };
        let regimes = market.get_mut(&account).expect("the account is in use");
        let regime = regimes.first().copied().unwrap_or(Regime::Mixed);
        regimes.push(regime);
        total += 1;
    }
    let (mut connections, mut regimes) = (Vec::new(), Vec::new());
    for (account, of_market) in market {
        for regime in of_market {
            connections.push(Connection { account, endpoint: MARKET.to_owned() });
            regimes.push(regime);
        }
        for endpoint in others.remove(&account).unwrap_or_default() {
            connections.push(Connection { account, endpoint });
            regimes.push(Regime::Mixed);
        }
    }
    (connections, regimes)
}

/// Returns the limits of a connection.
fn slot(
    at: usize,
    connection: &Connection,
    regime: Regime,
    way: &Way,
    accounts: &[PlanAccount<'_>],
    modes: &[Mode],
) -> Slot {
    let limits = accounts[connection.account].limits;
    let of_account = way.uses.iter().find(|of_account| of_account.account == connection.account);
    let regime_of_account = of_account.map_or(Regime::Mixed, |of_account| of_account.regime);
    let per_connection = match connection.endpoint.as_str() {
        MARKET => limits.instruments_per_connection.as_ref(),
        endpoint => limits.endpoints.get(endpoint),
    };
    let max = |position: usize, regime: Regime, scope: Scope| {
        let Some(of_mode) = limits.modes.get(&modes[position]) else { return 0 };
        let alone = of_mode.alone.as_ref().map_or(u32::MAX, |figure| figure.value);
        let mixed = of_mode.mixed.as_ref().map_or(u32::MAX, |figure| figure.value);
        match regime {
            Regime::Alone(alone) if usize::from(alone) != position => 0,
            _ if of_mode.scope != scope => u32::MAX,
            Regime::Alone(_) => alone,
            Regime::Mixed => mixed.min(alone),
        }
    };
    if connection.endpoint != MARKET {
        // An instrument has a subscription at the market endpoint, too, which counts against the limits of modes and accounts.
        let none = vec![u32::MAX; modes.len()];
        let max = per_connection.map_or(u32::MAX, |figure| figure.value);
        let (max_of_modes, account_max_of_modes) = (none.clone(), none);
        let (connection, account) = (at, connection.account);
        return Slot { connection, account, max, max_of_modes, account_max: u32::MAX, account_max_of_modes };
    }
    Slot {
        connection: at,
        account: connection.account,
        max: per_connection.map_or(u32::MAX, |figure| figure.value),
        max_of_modes: (0..modes.len()).map(|position| max(position, regime, Scope::Connection)).collect(),
        account_max: limits.instruments_per_account.as_ref().map_or(u32::MAX, |figure| figure.value),
        account_max_of_modes: (0..modes.len())
            .map(|position| max(position, regime_of_account, Scope::Account))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
