//! The numbers of instruments that accounts carry in each mode.
//!
//! A way to use the accounts states how many connections each of them opens to which endpoint, and whether it carries one mode
//! alone or several. For one way the numbers that fit form a polymatroid: they fit if and only if for every set of modes the sum
//! of its numbers is at most the rank of the set. Ranks of several accounts add up. So a check takes one comparison for each way
//! and set of modes, and needs no solver.

use crate::accounts::PlanAccount;
use crate::capacity::{Leg, Limits, MARKET, ModeLimits, Scope};
use crate::vocabulary::Mode;

/// A rank that no plan reaches.
pub(super) const UNLIMITED: u32 = 1 << 30;

/// The modes of a fit, each with the bit of its position. A set of modes is the sum of its bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModesInPlay {
    modes: Vec<Mode>,
    /// Whether there are instruments without a subscription. Their bit is the highest.
    pub(super) has_unsubscribed: bool,
}

impl ModesInPlay {
    pub(super) fn new(mut modes: Vec<Mode>, has_unsubscribed: bool) -> Self {
        modes.sort_unstable();
        modes.dedup();
        ModesInPlay { modes, has_unsubscribed }
    }

    pub(crate) fn modes(&self) -> &[Mode] {
        &self.modes
    }

    /// Returns the position of a mode.
    ///
    /// # Panics
    /// If the mode is not in play.
    pub(crate) fn position(&self, mode: Mode) -> usize {
        self.modes.binary_search(&mode).expect("the mode is in play")
    }

    pub(super) fn bits(&self) -> usize {
        self.modes.len() + usize::from(self.has_unsubscribed)
    }

    /// Returns the position of the instruments without a subscription.
    pub(super) fn unsubscribed(&self) -> usize {
        self.modes.len()
    }
}

/// A limit that a plan can exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LimitName {
    MaxInstruments,
    ModeAlone(Mode),
    ModeMixed(Mode),
    InstrumentsPerAccount,
    Connections,
    InstrumentsPerConnection,
    EndpointInstruments(String),
}

impl std::fmt::Display for LimitName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LimitName::MaxInstruments => f.write_str("max_instruments"),
            LimitName::ModeAlone(mode) => write!(f, "modes.{mode}.alone"),
            LimitName::ModeMixed(mode) => write!(f, "modes.{mode}.mixed"),
            LimitName::InstrumentsPerAccount => f.write_str("instruments_per_account"),
            LimitName::Connections => f.write_str("connections"),
            LimitName::InstrumentsPerConnection => f.write_str("instruments_per_connection"),
            LimitName::EndpointInstruments(endpoint) => write!(f, "endpoints.{endpoint}.instruments_per_connection"),
        }
    }
}

/// Changes of limits, to find out which of them binds.
#[derive(Clone, Debug, Default)]
pub(super) struct Relaxation {
    /// Limits that do not apply.
    pub(super) without: Vec<LimitName>,
    /// Connections of the first account in addition to its limit.
    pub(super) more_connections: u32,
    /// Accounts of the lowest tier in addition.
    pub(super) more_accounts: u32,
}

impl Relaxation {
    pub(super) fn without(limit: LimitName) -> Self {
        Relaxation { without: vec![limit], ..Relaxation::default() }
    }

    fn applies(&self, limit: &LimitName) -> bool {
        !self.without.contains(limit)
    }
}

/// The modes that a connection or an account carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Regime {
    /// Only the mode at this position, up to its limit `alone`.
    Alone(u8),
    /// All modes, each up to its limit `mixed`.
    Mixed,
}

/// The use of one account at the market endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountUse {
    pub(crate) account: usize,
    /// The regime of the account.
    pub(crate) regime: Regime,
    /// The number of connections in each regime.
    pub(crate) market: Vec<(Regime, u32)>,
}

impl AccountUse {
    fn connections(&self) -> u32 {
        self.market.iter().map(|(_, count)| count).sum()
    }
}

/// One way to use the accounts, and what it carries.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// The rank of each set of modes.
    pub(super) rank: Vec<u32>,
    /// The number of connections to the market endpoint.
    pub(crate) connections: u32,
    pub(crate) uses: Vec<AccountUse>,
}

impl Way {
    /// Whether this way carries everything that the other one carries.
    fn covers(&self, other: &Way) -> bool {
        self.rank.iter().zip(&other.rank).all(|(own, other)| own >= other)
    }

    /// Whether numbers of instruments in each mode fit.
    pub(super) fn carries(&self, demand: &[u32]) -> bool {
        demand.iter().zip(&self.rank).all(|(demand, rank)| demand <= rank)
    }
}

/// An endpoint that serves a part of one mode.
#[derive(Clone, Debug)]
struct Endpoint {
    name: String,
    /// The position of the mode.
    mode: usize,
    per_connection: u32,
}

impl Endpoint {
    fn carried_by(&self, connections: u32) -> u32 {
        match connections {
            0 => 0,
            connections => self.per_connection.saturating_mul(connections).min(UNLIMITED),
        }
    }
}

/// Everything that the accounts can carry.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// The ways to use the market endpoint, those with the fewest connections first.
    market: Vec<Way>,
    endpoints: Vec<Endpoint>,
    /// The maximum number of connections of all accounts.
    connections: u32,
    max: u32,
    modes: ModesInPlay,
}

impl Region {
    /// Returns the region of accounts. `max` is the maximum of the plan.
    pub(super) fn new(accounts: &[PlanAccount<'_>], modes: &ModesInPlay, max: u32, relaxation: &Relaxation) -> Region {
        let sets = 1 << modes.bits();
        let mut market = vec![Way { rank: vec![0; sets], connections: 0, uses: Vec::new() }];
        let mut connections = 0u32;
        let lowest = (0..accounts.len()).min_by_key(|account| accounts[*account].tier_rank).unwrap_or(0);
        let further = std::iter::repeat_n((lowest, true), relaxation.more_accounts as usize);
        // Of equal ways the first one is taken: from the last account to the first, it uses the first accounts most.
        for (account, is_further) in further.chain((0..accounts.len()).rev().map(|account| (account, false))) {
            let more = if account == 0 && !is_further { relaxation.more_connections } else { 0 };
            let limits = AccountLimits { limits: accounts[account].limits, modes, relaxation };
            let own_max = limits.connections_max(more);
            connections = connections.saturating_add(own_max).min(UNLIMITED);
            let own = limits.market_ways(account, own_max);
            let mut joined: Vec<Way> = Vec::with_capacity(market.len() * own.len());
            for (way, own) in market.iter().flat_map(|way| own.iter().map(move |own| (way, own))) {
                let rank = way.rank.iter().zip(&own.rank).map(|(a, b)| (a + b).min(UNLIMITED)).collect();
                let mut uses = way.uses.clone();
                uses.extend(own.uses.iter().filter(|of_account| of_account.connections() > 0).cloned());
                joined.push(Way { rank, connections: way.connections + own.connections, uses });
            }
            market = best_of(joined);
        }
        let max = if relaxation.applies(&LimitName::MaxInstruments) { max } else { UNLIMITED };
        // The tiers of a broker have the same endpoints.
        let endpoints = accounts
            .iter()
            .flat_map(|account| AccountLimits { limits: account.limits, modes, relaxation }.other_endpoints());
        let mut distinct: Vec<Endpoint> = Vec::new();
        for endpoint in endpoints {
            if !distinct.iter().any(|known| known.name == endpoint.name) {
                distinct.push(endpoint);
            }
        }
        Region { market, endpoints: distinct, connections, max, modes: modes.clone() }
    }

    /// Returns ways that carry everything that can be carried. They use all connections.
    pub(super) fn largest(&self) -> Vec<Way> {
        let mut largest = Vec::new();
        // Ways that need more connections come later, and carry more at the market endpoint.
        for way in self.market.iter().rev() {
            for others in splits(&self.endpoints, self.connections - way.connections) {
                largest.push(self.with_endpoints(way, &others));
            }
        }
        largest.sort_by(|a, b| b.rank.cmp(&a.rank));
        uncovered(largest)
    }

    /// Returns a way to use the market endpoint with what it carries if each other endpoint has a number of connections.
    fn with_endpoints(&self, way: &Way, others: &[u32]) -> Way {
        let bits = self.modes.bits();
        let mut max_of = vec![UNLIMITED; bits];
        for (endpoint, connections) in self.endpoints.iter().zip(others) {
            max_of[endpoint.mode] = endpoint.carried_by(*connections);
        }
        let limited: usize = (0..bits).filter(|position| max_of[*position] < UNLIMITED).map(|at| 1 << at).sum();
        let unsubscribed = if self.modes.has_unsubscribed { 1 << self.modes.unsubscribed() } else { 0 };
        let rank = |set: usize| {
            if set & unsubscribed != 0 {
                return self.max;
            }
            // Each mode with an endpoint of its own counts against that endpoint or against the market endpoint.
            let parts = parts_of(set & limited);
            let with = |part: usize| {
                let at_endpoints: u32 = bits_of(part).fold(0, |sum, position| (sum + max_of[position]).min(UNLIMITED));
                way.rank[set & !part].saturating_add(at_endpoints)
            };
            parts.map(with).min().unwrap_or(0).min(self.max)
        };
        let rank = (0..1usize << bits).map(|set| if set == 0 { 0 } else { rank(set) }).collect();
        Way { rank, connections: way.connections, uses: way.uses.clone() }
    }

    /// Returns the way to use the market endpoint and the number of connections to each other endpoint that carry numbers of
    /// instruments in each mode on the fewest connections; `None` if they do not fit.
    pub(crate) fn fewest_connections(&self, counts: &[u32]) -> Option<(&Way, Vec<(String, u32)>)> {
        let needed = |endpoint: &Endpoint| {
            let count = counts.get(endpoint.mode).copied().unwrap_or(0);
            (endpoint.name.clone(), count.div_ceil(endpoint.per_connection))
        };
        let others: Vec<(String, u32)> = self.endpoints.iter().map(needed).collect();
        let of_others: u32 = others.iter().map(|(_, count)| count).sum();
        let within = |set: usize| bits_of(set).map(|position| counts.get(position).copied().unwrap_or(0)).sum();
        let demand: Vec<u32> = (0..1usize << counts.len()).map(within).collect();
        let is_enough = |way: &&Way| way.carries(&demand) && way.connections + of_others <= self.connections;
        Some((self.market.iter().find(is_enough)?, others))
    }
}

/// The number of ways up to which each is compared with all others.
const COMPARED_MAX: usize = 512;

/// Returns the positions in a set.
fn bits_of(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).filter(move |position| set & (1 << position) != 0)
}

/// Returns all parts of a set.
fn parts_of(set: usize) -> impl Iterator<Item = usize> {
    let mut next = Some(set);
    std::iter::from_fn(move || {
        let part = next?;
        next = (part != 0).then(|| (part - 1) & set);
        Some(part)
    })
}

/// Returns the ways to distribute all of a number of connections over endpoints.
fn splits(endpoints: &[Endpoint], connections: u32) -> Vec<Vec<u32>> {
    match endpoints {
        [] => vec![Vec::new()],
        [_] => vec![vec![connections]],
        // Without a limit of connections, each endpoint has as many as it needs.
        endpoints if connections >= UNLIMITED / 8 => vec![vec![UNLIMITED / 16; endpoints.len()]],
        [_, rest @ ..] => {
            let with = |own: u32| {
                let rest = splits(rest, connections - own);
                rest.into_iter().map(move |rest| std::iter::once(own).chain(rest).collect())
            };
            (0..=connections).flat_map(with).collect()
        }
    }
}

/// Removes ways that need at least as many connections as another one and carry no more.
fn best_of(mut ways: Vec<Way>) -> Vec<Way> {
    ways.sort_by(|a, b| b.rank.cmp(&a.rank).then(a.connections.cmp(&b.connections)));
    ways.dedup_by(|a, b| a.rank == b.rank);
    ways.sort_by_key(|way| way.connections);
    uncovered(ways)
}

/// Removes ways that an earlier one covers. A covered way is harmless, so that many ways are not compared with each other.
fn uncovered(mut ways: Vec<Way>) -> Vec<Way> {
    ways.dedup_by(|a, b| a.rank == b.rank);
    if ways.len() > COMPARED_MAX {
        return ways;
    }
    let mut best: Vec<Way> = Vec::new();
    for way in ways {
        if !best.iter().any(|other| other.covers(&way)) {
            best.push(way);
        }
    }
    best
}

/// The limits of one account, for the modes in play.
struct AccountLimits<'a> {
    limits: &'a Limits,
    modes: &'a ModesInPlay,
    relaxation: &'a Relaxation,
}

impl AccountLimits<'_> {
    /// Returns the limits of a mode; `None` if the tier of the account does not offer it.
    fn of_mode(&self, position: usize) -> Option<&ModeLimits> {
        self.limits.modes.get(&self.modes.modes()[position])
    }

    fn legs(&self, position: usize) -> &[Leg] {
        self.of_mode(position).map_or(&[], |limits| &limits.legs)
    }

    /// Returns the limit of a mode in a regime, if its limits have that scope. Several modes never allow more of one of them
    /// than it alone.
    fn mode_max(&self, position: usize, regime: Regime, scope: Scope) -> u32 {
        let mode = self.modes.modes()[position];
        let Some(limits) = self.of_mode(position) else { return 0 };
        if limits.scope != scope {
            return UNLIMITED;
        }
        let figure = |figure: &Option<crate::capacity::Sourced<u32>>, name: LimitName| {
            figure.as_ref().filter(|_| self.relaxation.applies(&name)).map_or(UNLIMITED, |figure| figure.value)
        };
        let alone = figure(&limits.alone, LimitName::ModeAlone(mode));
        match regime {
            Regime::Alone(_) => alone,
            Regime::Mixed => figure(&limits.mixed, LimitName::ModeMixed(mode)).min(alone),
        }
    }

    /// Returns the regimes in which an account or a connection carries something that it cannot carry in the others.
    fn regimes(&self, scope: Scope) -> Vec<Regime> {
        let count = self.modes.modes().len();
        let carries_more_alone = |position: &usize| {
            let alone = Regime::Alone(u8::try_from(*position).expect("there are few modes"));
            self.mode_max(*position, alone, scope) > self.mode_max(*position, Regime::Mixed, scope)
        };
        let alone = (0..count).filter(carries_more_alone).map(|position| Regime::Alone(position as u8));
        std::iter::once(Regime::Mixed).chain(alone).collect()
    }

    fn instruments_per_connection(&self) -> u32 {
        let figure = self.limits.instruments_per_connection.as_ref();
        let figure = figure.filter(|_| self.relaxation.applies(&LimitName::InstrumentsPerConnection));
        figure.map_or(UNLIMITED, |figure| figure.value)
    }

    /// Returns the maximum number of connections, with further ones.
    fn connections_max(&self, more: u32) -> u32 {
        match self.relaxation.applies(&LimitName::Connections) {
            true => self.limits.connections.value + more,
            false => UNLIMITED,
        }
    }

    /// Returns the other endpoints of the modes in play.
    fn other_endpoints(&self) -> Vec<Endpoint> {
        let endpoint = |(mode, leg): (usize, &Leg)| {
            let name = LimitName::EndpointInstruments(leg.endpoint.clone());
            let figure = self.limits.endpoints.get(&leg.endpoint).filter(|_| self.relaxation.applies(&name));
            let per_connection = figure.map_or(UNLIMITED, |figure| figure.value);
            Endpoint { name: leg.endpoint.clone(), mode, per_connection }
        };
        let legs = (0..self.modes.modes().len()).flat_map(|mode| self.legs(mode).iter().map(move |leg| (mode, leg)));
        legs.filter(|(_, leg)| leg.endpoint != MARKET).map(endpoint).collect()
    }

    /// Returns the number of instruments that connections to the market endpoint carry in a set of modes.
    fn market_rank(&self, set: usize, connections: &[(Regime, u32)]) -> u32 {
        let mut sum = 0u32;
        for (regime, count) in connections {
            let of_mode = |position: usize| match regime {
                Regime::Alone(alone) if usize::from(*alone) != position => 0,
                regime => self.mode_max(position, *regime, Scope::Connection),
            };
            let modes = (0..self.modes.modes().len()).filter(|position| set & (1 << position) != 0);
            let carried = modes.map(of_mode).fold(0, |sum: u32, max| (sum + max).min(UNLIMITED));
            let carried = carried.min(self.instruments_per_connection()).saturating_mul(*count);
            sum = sum.saturating_add(carried).min(UNLIMITED);
        }
        sum
    }

    /// Returns the number of instruments that the account carries in each set of modes. Instruments without a subscription count
    /// nowhere.
    fn ranks(&self, of_account: &AccountUse) -> Vec<u32> {
        let count = self.modes.modes().len();
        let subscribed = (1usize << count) - 1;
        let max_of = |position: usize| match of_account.regime {
            Regime::Alone(alone) if usize::from(alone) != position => 0,
            regime => self.mode_max(position, regime, Scope::Account),
        };
        let max: Vec<u32> = (0..count).map(max_of).collect();
        let sum_of = |set: usize| bits_of(set).fold(0, |sum: u32, position| (sum + max[position]).min(UNLIMITED));
        let market: Vec<u32> = (0..=subscribed).map(|set| self.market_rank(set, &of_account.market)).collect();
        let per_account = self.limits.instruments_per_account.as_ref();
        let per_account = per_account.filter(|_| self.relaxation.applies(&LimitName::InstrumentsPerAccount));
        let per_account = per_account.map_or(UNLIMITED, |figure| figure.value);
        let rank = |set: usize| {
            // Each mode counts against its limit for the account or against the limits of the connections.
            let set = set & subscribed;
            let least = parts_of(set).map(|part| (market[part] + sum_of(set & !part)).min(UNLIMITED)).min();
            least.unwrap_or(0).min(per_account)
        };
        (0..1usize << self.modes.bits()).map(rank).collect()
    }

    /// Returns the ways to use the market endpoint with up to a number of connections.
    fn market_ways(&self, account: usize, connections_max: u32) -> Vec<Way> {
        // Without a limit of connections, a second one carries nothing that the first does not.
        let is_limited = self.instruments_per_connection() < UNLIMITED || has_limits_of_connections(self);
        let most = if is_limited { connections_max } else { connections_max.min(1) };
        let of_connections = compositions(&self.regimes(Scope::Connection), most);
        let of_account = self.regimes(Scope::Account);
        let uses = of_connections.iter().flat_map(|market| {
            of_account.iter().map(|regime| AccountUse { account, regime: *regime, market: market.clone() })
        });
        let way = |of_account: AccountUse| Way {
            rank: self.ranks(&of_account),
            connections: of_account.connections(),
            uses: vec![of_account],
        };
        best_of(uses.map(way).collect())
    }
}

fn has_limits_of_connections(limits: &AccountLimits<'_>) -> bool {
    let mut positions = 0..limits.modes.modes().len();
    positions.any(|position| limits.mode_max(position, Regime::Mixed, Scope::Connection) < UNLIMITED)
}

/// Returns the numbers of connections to try: all up to `most`; without a limit, none and more than any plan needs.
fn counts(most: u32) -> Vec<u32> {
    if most >= UNLIMITED / 8 { vec![0, UNLIMITED / 16] } else { (0..=most).collect() }
}

/// Returns the ways to distribute up to `most` connections over regimes.
fn compositions(regimes: &[Regime], most: u32) -> Vec<Vec<(Regime, u32)>> {
    let Some((first, rest)) = regimes.split_first() else { return vec![Vec::new()] };
    let with = |count: u32| {
        let others = compositions(rest, most - count);
        others.into_iter().map(move |others| std::iter::once((*first, count)).chain(others).collect())
    };
    counts(most).into_iter().flat_map(with).collect()
}
