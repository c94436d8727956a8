//! Distributes the instruments of a plan over connections: on the fewest that carry them, and evenly, or with as few
//! changes of the previous plan as possible.

mod deal;
mod ledger;
mod quotas;
mod rebalance;
mod repair;
mod seating;
mod tasks;

use std::collections::BTreeSet;

use self::deal::{Slot, deal};
use self::rebalance::rebalanced;
use self::repair::Wish;
use self::seating::{GroupOrder, Seating};
use self::tasks::{Task, legs_of, tasks};
use crate::accounts::PlanAccount;
use crate::capacity::{MARKET, Scope};
use crate::fit::{Fit, Regime, Way};
use crate::vocabulary::{Mode, PlacementStrategy};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    /// The number of the connection, from 1. The numbers of a plan that follows another one can have gaps.
    pub(crate) number: u32,
    pub(crate) account: usize,
    pub(crate) endpoint: String,
}

/// The number of a connection until it gets one.
const UNNUMBERED: u32 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlacedLeg {
    /// The position of the instrument in the plan.
    pub(crate) instrument: u32,
    pub(crate) connection: u32,
    pub(crate) mode: Mode,
}

/// The connections of a plan, and the subscriptions on them in no particular order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) connections: Vec<Connection>,
    pub(crate) legs: Vec<PlacedLeg>,
}

impl Placement {
    /// Gives numbers to the connections without one, and sorts all by number. A connection continues an existing one of
    /// the same account and endpoint that carries nothing any more, so that a client need not open another; otherwise
    /// it gets the lowest number that is not reserved.
    fn numbered(mut self, existing: &[Connection], reserved: &BTreeSet<u32>) -> Self {
        let is_emptied = |of: &&Connection| self.connections.iter().all(|used| used.number != of.number);
        let mut emptied: Vec<&Connection> = existing.iter().filter(is_emptied).collect();
        let mut new_numbers = (1u32..).filter(|number| !reserved.contains(number));
        for connection in self.connections.iter_mut().filter(|connection| connection.number == UNNUMBERED) {
            let is_same = |of: &&Connection| (of.account, &of.endpoint) == (connection.account, &connection.endpoint);
            connection.number = match emptied.iter().position(is_same) {
                Some(at) => emptied.remove(at).number,
                None => new_numbers.next().expect("a plan has few connections"),
            };
        }
        self.by_number()
    }

    /// Sorts the connections by number.
    fn by_number(self) -> Self {
        let Placement { connections, mut legs } = self;
        let mut order: Vec<usize> = (0..connections.len()).collect();
        order.sort_by_key(|at| connections[*at].number);
        let mut positions = vec![0u32; connections.len()];
        for (position, at) in (0u32..).zip(&order) {
            positions[*at] = position;
        }
        legs.iter_mut().for_each(|leg| leg.connection = positions[leg.connection as usize]);
        Placement { connections: order.into_iter().map(|at| connections[at].clone()).collect(), legs }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedItem {
    /// The position of its mode among the modes in play; `None` if it has no subscription.
    pub(crate) mode: Option<usize>,
    /// The expected number of messages in a second, in thousandths.
    pub(crate) rate: u32,
    /// The position of the instrument in descending value.
    pub(crate) rank: u32,
    /// The number of its underlying, if it is a contract.
    pub(crate) underlying: Option<u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct PlacementRules {
    pub(crate) strategy: PlacementStrategy,
    /// The requested number of connections.
    pub(crate) min_connections: Option<u32>,
    pub(crate) previous: Option<PreviousPlaces>,
    /// Whether the connections are balanced again, instead of keeping the places of the previous plan.
    pub(crate) is_rebalanced: bool,
}

/// The places of the instruments of a plan in the plan before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PreviousPlaces {
    /// The connections at accounts that the plan may use, by number.
    pub(crate) connections: Vec<Connection>,
    /// The numbers of all connections of the previous plan.
    pub(crate) numbers: BTreeSet<u32>,
    /// Positions of instruments and of their connections, sorted.
    pub(crate) places: Vec<(u32, u32)>,
}

impl PreviousPlaces {
    /// Returns the positions of the connections of an instrument.
    fn of(&self, item: u32) -> impl Iterator<Item = usize> {
        let start = self.places.partition_point(|(other, _)| *other < item);
        let own = self.places[start..].iter().take_while(move |(other, _)| *other == item);
        own.map(|(_, connection)| *connection as usize)
    }

    /// Whether a new instrument of a placement shares a connection to the market endpoint, so that another one could
    /// carry it.
    pub(crate) fn has_shared_new(&self, placement: &Placement) -> bool {
        let mut counts = vec![0u32; placement.connections.len()];
        placement.legs.iter().for_each(|leg| counts[leg.connection as usize] += 1);
        let is_market = |leg: &PlacedLeg| placement.connections[leg.connection as usize].endpoint == MARKET;
        let mut new = placement.legs.iter().filter(|leg| is_market(leg) && self.of(leg.instrument).next().is_none());
        new.any(|leg| counts[leg.connection as usize] > 1)
    }

    /// Returns the number of instruments of a placement all of whose subscriptions are where they were.
    pub(crate) fn unchanged(&self, placement: &Placement, items: usize) -> u32 {
        let mut is_unchanged = vec![None; items];
        for leg in &placement.legs {
            let connection = &placement.connections[leg.connection as usize];
            let is_same = self.of(leg.instrument).any(|at| self.connections[at] == *connection);
            let of_item = &mut is_unchanged[leg.instrument as usize];
            *of_item = Some(of_item.unwrap_or(true) && is_same);
        }
        is_unchanged.into_iter().map(|is_unchanged| u32::from(is_unchanged == Some(true))).sum()
    }
}

/// Places the instruments of a plan, which are in its order.
///
/// # Panics
/// If the instruments do not fit, which a fit excludes.
pub(crate) fn place(
    fitted: &Fit,
    accounts: &[PlanAccount<'_>],
    items: &[PlacedItem],
    rules: &PlacementRules,
) -> Placement {
    let modes = fitted.in_play.modes();
    let mut counts = vec![0u32; modes.len()];
    for mode in items.iter().filter_map(|item| item.mode) {
        counts[mode] += 1;
    }
    if counts.iter().all(|count| *count == 0) {
        return Placement::default();
    }
    // A connection needs at least one instrument.
    let min_connections = rules.min_connections.unwrap_or(0).min(counts.iter().sum());
    if let Some(previous) = rules.previous.as_ref().filter(|_| !rules.is_rebalanced) {
        let tasks = tasks(items, modes, accounts);
        return following(fitted, accounts, &tasks, rules.strategy, min_connections, previous);
    }
    let (way, others) = fitted.region.carrying(&counts).next().expect("the instruments of a fit are carried");
    let (connections, regimes) = opened(way, &others, accounts, min_connections);
    if rules.strategy != PlacementStrategy::Balanced {
        return grouped(fitted, accounts, &tasks(items, modes, accounts), rules.strategy, &connections);
    }

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
        let leg_mode = |mode: usize| {
            legs_of(modes[mode], accounts).iter().find(|leg| leg.endpoint == endpoint).map(|leg| leg.mode)
        };
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
    let balanced = Placement { connections, legs };
    match &rules.previous {
        Some(previous) => rebalanced(balanced, items, previous),
        None => balanced,
    }
}

/// Places instruments with as few changes of the previous plan as possible.
fn following(
    fitted: &Fit,
    accounts: &[PlanAccount<'_>],
    tasks: &[Task<'_>],
    strategy: PlacementStrategy,
    min_connections: u32,
    previous: &PreviousPlaces,
) -> Placement {
    let place = |task: &Task<'_>| previous.of(task.item).find(|at| previous.connections[*at].endpoint == task.endpoint);
    let wanted: Vec<Option<usize>> = tasks.iter().map(place).collect();
    let mut seating = Seating::new(tasks, strategy, accounts, fitted.in_play.modes());
    let positions = open_previous(&mut seating, accounts, &wanted, previous);
    let wanted_open: Vec<Option<usize>> = wanted.iter().map(|place| positions[(*place)?]).collect();
    seating.keep(&wanted_open);
    seating.open_up_to(min_connections);
    let is_complete = seating.fill(GroupOrder::LowestRate, true);
    let kept = seating.kept(&wanted_open);
    let wanted_count = wanted.iter().flatten().count();
    let numbered = |seating: Seating<'_>| seating.into_placement().numbered(&previous.connections, &previous.numbers);
    if is_complete && kept == wanted_count {
        return numbered(seating);
    }
    let wish = Wish { fitted, accounts, tasks, strategy, connections: &previous.connections, wanted: &wanted };
    let (repaired, kept_by_repair) = wish.fulfilled();
    numbered(if is_complete && kept >= kept_by_repair { seating } else { repaired })
}

/// Opens the connections of the previous plan that still have instruments. If an account allows fewer, it keeps those
/// with the most. Returns the position of each.
fn open_previous(
    seating: &mut Seating<'_>,
    accounts: &[PlanAccount<'_>],
    wanted: &[Option<usize>],
    previous: &PreviousPlaces,
) -> Vec<Option<usize>> {
    let mut weights = vec![0u32; previous.connections.len()];
    wanted.iter().flatten().for_each(|at| weights[*at] += 1);
    let mut kept: Vec<usize> = (0..weights.len()).filter(|at| weights[*at] > 0).collect();
    kept.sort_by_key(|at| std::cmp::Reverse(weights[*at]));
    let mut left: Vec<u32> = accounts.iter().map(|account| account.limits.connections.value).collect();
    kept.retain(|at| {
        let left = &mut left[previous.connections[*at].account];
        let is_allowed = *left > 0;
        *left = left.saturating_sub(1);
        is_allowed
    });
    kept.sort_unstable();
    let mut positions = vec![None; weights.len()];
    for at in kept {
        positions[at] = Some(seating.ledger.open(previous.connections[at].clone()));
    }
    positions
}

/// Places instruments on these connections so that contracts of one underlying are together, or on different ones.
fn grouped(
    fitted: &Fit,
    accounts: &[PlanAccount<'_>],
    tasks: &[Task<'_>],
    strategy: PlacementStrategy,
    connections: &[Connection],
) -> Placement {
    let seated = |order: GroupOrder| {
        let mut seating = Seating::new(tasks, strategy, accounts, fitted.in_play.modes());
        for connection in connections {
            seating.ledger.open(connection.clone());
        }
        let is_complete = seating.fill(order, false);
        (is_complete, seating)
    };
    let orders = [GroupOrder::LowestRate, GroupOrder::First];
    let orders = if strategy == PlacementStrategy::Together { &orders[..] } else { &orders[..1] };
    let seatings = orders.iter().map(|order| seated(*order));
    // Of equal ones, the first.
    let best = seatings.min_by_key(|(is_complete, seating)| (!is_complete, seating.divided()));
    let (is_complete, seating) = best.expect("there is an order");
    if is_complete {
        return seating.into_placement();
    }
    let wish = Wish { fitted, accounts, tasks, strategy, connections, wanted: &seating.seats };
    let numbers = connections.iter().map(|connection| connection.number).collect();
    wish.fulfilled().0.into_placement().numbered(connections, &numbers)
}

/// Returns the connections of a way, and as many further ones as are requested and allowed, with the regime of each.
/// Connections to other endpoints are at the first accounts with capacity, a further connection is one to the market
/// endpoint, at the account with the fewest.
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
    let opened = opened.flat_map(|(account, of_account)| of_account.into_iter().map(move |of| (account, of)));
    let numbered = (1u32..).zip(opened);
    numbered.map(|(number, (account, (endpoint, regime)))| (Connection { number, account, endpoint }, regime)).unzip()
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
        // An instrument has a subscription at the market endpoint, too, which counts against the limits of modes and
        // accounts.
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
