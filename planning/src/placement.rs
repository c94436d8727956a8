//! Distributes the instruments of a plan over connections: on the fewest that carry them, and evenly.

mod deal;
mod quotas;

use self::deal::{Slot, deal};
use crate::accounts::PlanAccount;
use crate::capacity::{MARKET, Scope};
use crate::fit::{Fitted, Regime, Way};
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
    let (way, others) = fitted.region.fewest_connections(&counts).expect("the instruments of a fit are carried");
    // A connection needs at least one instrument.
    let min_connections = min_connections.unwrap_or(0).min(counts.iter().sum());
    let (connections, regimes) = opened(way, &others, accounts, min_connections);
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
        let leg_modes: Vec<Option<Mode>> = (0..modes.len()).map(leg_mode).collect();
        let dealt: Vec<(u32, usize)> = order
            .iter()
            .filter_map(|at| Some((*at, items[*at as usize].mode?)))
            .filter(|(_, mode)| leg_modes[*mode].is_some())
            .collect();
        let slots: Vec<Slot> = (0..connections.len())
            .filter(|at| connections[*at].endpoint == endpoint)
            .map(|at| slot(at, &connections[at], regimes[at], way, accounts, modes))
            .collect();
        for (instrument, mode, connection) in deal(&dealt, &slots, modes.len()) {
            let mode = leg_modes[mode].expect("only instruments of the endpoint are dealt");
            let connection = u32::try_from(connection).expect("there are few connections");
            legs.push(PlacedLeg { instrument, connection, mode });
        }
    }
    Placement { connections, legs }
}

/// Returns the connections of a way, and as many further ones as are requested and allowed, with the regime of each. Connections
/// to other endpoints are at the first accounts with capacity, a further connection is one to the market endpoint, at the account with
/// the fewest.
fn opened(
    way: &Way,
    others: &[(String, u32)],
    accounts: &[PlanAccount<'_>],
    min_connections: u32,
) -> (Vec<Connection>, Vec<Regime>) {
    let mut of_accounts: Vec<Vec<(String, Regime)>> = vec![Vec::new(); accounts.len()];
    for of_account in way.uses() {
        for (regime, count) in of_account.market.iter() {
            let connections = std::iter::repeat_n((MARKET.to_owned(), *regime), *count as usize);
            of_accounts[of_account.account].extend(connections);
        }
    }
    let has_capacity = |of_accounts: &[Vec<(String, Regime)>], account: usize| {
        of_accounts[account].len() < accounts[account].limits.connections.value as usize
    };
    let of_others = others.iter().flat_map(|(endpoint, count)| std::iter::repeat_n(endpoint, *count as usize));
    for endpoint in of_others {
        let with_capacity = (0..accounts.len()).filter(|account| has_capacity(&of_accounts, *account));
        let account = with_capacity.min_by_key(|account| of_accounts[*account].is_empty());
        of_accounts[account.expect("a fit opens no connection too many")].push((endpoint.clone(), Regime::Mixed));
    }
    while of_accounts.iter().map(Vec::len).sum::<usize>() < min_connections as usize {
        let with_capacity = (0..accounts.len()).filter(|account| has_capacity(&of_accounts, *account));
        let Some(account) = with_capacity.min_by_key(|account| of_accounts[*account].len()) else { break };
        let at_market = of_accounts[account].iter().find(|(endpoint, _)| endpoint == MARKET);
        let regime = at_market.map_or(Regime::Mixed, |(_, regime)| *regime);
        of_accounts[account].push((MARKET.to_owned(), regime));
    }
    let opened = of_accounts.into_iter().enumerate();
    let opened = opened.flat_map(|(account, of_account)| {
        of_account.into_iter().map(move |(endpoint, regime)| (Connection { account, endpoint }, regime))
    });
    opened.unzip()
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
    let of_account = way.uses().find(|of_account| of_account.account == connection.account);
    let regime_of_account = of_account.map_or(Regime::Mixed, |of_account| of_account.regime);
    let per_connection = match connection.endpoint.as_str() {
        MARKET => limits.instruments_per_connection.as_ref(),
        endpoint => limits.endpoints.get(endpoint),
    };
    let max = |position: usize, regime: Regime, scope: Scope| {
        let Some(of_mode) = limits.modes.get(&modes[position]) else { return 0 };
        match regime {
            Regime::Alone(alone) if usize::from(alone) != position => 0,
            _ if of_mode.scope != scope => u32::MAX,
            regime => of_mode.binding(regime != Regime::Mixed).map_or(u32::MAX, |(_, figure)| figure.value),
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
