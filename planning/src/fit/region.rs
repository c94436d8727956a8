//! The numbers of instruments that accounts carry in each mode.
//!
//! A way to use the accounts states how many connections each of them opens to which endpoint, and whether it carries
//! one mode alone or several. For one way the numbers that fit form a polymatroid: they fit if and only if for every
//! set of modes the sum of its numbers is at most the rank of the set. Ranks of several accounts add up. So a check
//! takes one comparison for each way and set of modes, and needs no solver.

use std::sync::Arc;

pub(crate) use super::limit_name::LimitName;
use super::own_ways::{AccountLimits, OwnWay};
use crate::accounts::PlanAccount;
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

    pub(super) fn applies(&self, limit: &LimitName) -> bool {
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
    pub(crate) regime: Regime,
    /// The number of connections in each regime.
    pub(crate) market: Arc<[(Regime, u32)]>,
}

/// The use of one account, and those of the accounts before it, which many ways share.
#[derive(Debug)]
struct LinkedUse {
    of_account: AccountUse,
    others: Option<Arc<LinkedUse>>,
}

/// One way to use the accounts, with the numbers of instruments that it carries.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// The rank of each set of modes.
    pub(super) rank: Vec<u32>,
    /// The number of connections to the market endpoint.
    pub(crate) connections: u32,
    last_use: Option<Arc<LinkedUse>>,
}

impl Way {
    /// Returns the uses of the accounts with connections to the market endpoint.
    pub(crate) fn uses(&self) -> impl Iterator<Item = &AccountUse> {
        let linked = std::iter::successors(self.last_use.as_deref(), |linked| linked.others.as_deref());
        linked.map(|linked| &linked.of_account)
    }

    /// Returns this way with one more account that is used in one of its own ways.
    fn joined(&self, account: usize, own: &OwnWay) -> Way {
        let rank = self.rank.iter().zip(&own.rank).map(|(a, b)| (a + b).min(UNLIMITED)).collect();
        let last_use = match own.connections {
            0 => self.last_use.clone(),
            _ => {
                let of_account = AccountUse { account, regime: own.regime, market: Arc::clone(&own.market) };
                Some(Arc::new(LinkedUse { of_account, others: self.last_use.clone() }))
            }
        };
        Way { rank, connections: self.connections + own.connections, last_use }
    }

    /// Whether numbers of instruments in each mode fit.
    pub(super) fn carries(&self, demand: &[u32]) -> bool {
        demand.iter().zip(&self.rank).all(|(demand, rank)| demand <= rank)
    }
}

/// An endpoint that serves a part of one mode.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) name: String,
    pub(super) mode: usize,
    pub(super) per_connection: u32,
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
        let lowest = (0..accounts.len()).min_by_key(|account| accounts[*account].tier_rank).unwrap_or(0);
        let further = std::iter::repeat_n((lowest, 0), relaxation.more_accounts as usize);
        let more = |account: usize| if account == 0 { relaxation.more_connections } else { 0 };
        // Of equal ways the first one is taken: from the last account to the first, it uses the first accounts most.
        let mut used: Vec<(usize, u32)> =
            further.chain((0..accounts.len()).rev().map(|account| (account, more(account)))).collect();
        // Equal accounts follow each other.
        used.sort_by_key(|(account, _)| accounts[*account].tier_rank);

        let no_connection = Way { rank: vec![0; 1 << modes.bits()], connections: 0, last_use: None };
        let mut market = vec![no_connection];
        let mut connections = 0u32;
        let is_equal =
            |a: &(usize, u32), b: &(usize, u32)| std::ptr::eq(accounts[a.0].limits, accounts[b.0].limits) && a.1 == b.1;
        for equal in used.chunk_by(is_equal) {
            let (account, more) = equal[0];
            let limits = AccountLimits { limits: accounts[account].limits, modes, relaxation };
            let own_max = limits.connections_max(more);
            let own_max_of_all = own_max.saturating_mul(u32::try_from(equal.len()).unwrap_or(u32::MAX));
            connections = connections.saturating_add(own_max_of_all).min(UNLIMITED);
            market =
                with_equal_accounts(market, equal.iter().map(|(account, _)| *account), &limits.market_ways(own_max));
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

    #[cfg(test)]
    pub(super) fn ways(&self) -> usize {
        self.market.len()
    }

    /// Returns ways that carry everything that can be carried. They use all connections.
    pub(super) fn largest(&self) -> Vec<Way> {
        // Ways that need more connections come later, and carry more at the market endpoint.
        let largest = self.market.iter().rev().flat_map(|way| {
            let others = splits(&self.endpoints, self.connections.saturating_sub(way.connections));
            others.into_iter().map(|others| self.with_endpoints(way, &others))
        });
        largest.collect()
    }

    /// Returns the maximum number of instruments of a plan that has at least one in each mode; `None` if it has no
    /// limit.
    pub(super) fn instruments_max(&self) -> Option<u32> {
        let one_in_each: Vec<u32> = (0..1usize << self.modes.bits()).map(usize::count_ones).collect();
        let largest = self.largest();
        let carrying = largest.iter().filter(|way| way.carries(&one_in_each));
        let of_all = carrying.filter_map(|way| way.rank.last().copied()).max();
        Some(of_all.unwrap_or(0)).filter(|max| *max < UNLIMITED)
    }

    /// Returns a way to use the market endpoint, with the numbers that it carries if each other endpoint has a number
    /// of connections.
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
        Way { rank, connections: way.connections, last_use: way.last_use.clone() }
    }

    /// Returns the ways to use the market endpoint that carry numbers of instruments in each mode, those with the
    /// fewest connections first, each with the number of connections to each other endpoint. Empty if they do not fit.
    pub(crate) fn carrying(&self, counts: &[u32]) -> impl Iterator<Item = (&Way, Vec<(String, u32)>)> {
        let needed = |endpoint: &Endpoint| {
            let count = counts.get(endpoint.mode).copied().unwrap_or(0);
            (endpoint.name.clone(), count.div_ceil(endpoint.per_connection))
        };
        let others: Vec<(String, u32)> = self.endpoints.iter().map(needed).collect();
        let of_others: u32 = others.iter().map(|(_, count)| count).sum();
        let within = |set: usize| bits_of(set).map(|position| counts.get(position).copied().unwrap_or(0)).sum();
        let demand: Vec<u32> = (0..1usize << counts.len()).map(within).collect();
        let is_enough = move |way: &&Way| way.carries(&demand) && way.connections + of_others <= self.connections;
        self.market.iter().filter(is_enough).map(move |way| (way, others.clone()))
    }
}

/// The maximum number of ways that are tried when an account joins others. No broker of the crate comes near. If the
/// figures of an override file make more, the ways that carry the least are left out, so that a plan may get less than
/// the limits allow, but never more.
pub(super) const WAYS_MAX: usize = 100_000;

/// Returns the positions in a set.
pub(super) fn bits_of(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).filter(move |position| set & (1 << position) != 0)
}

/// Returns all parts of a set.
pub(super) fn parts_of(set: usize) -> impl Iterator<Item = usize> {
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

/// Joins each way with the ways to use some equal accounts, which are `own`, those with the fewest connections first.
fn with_equal_accounts(market: Vec<Way>, accounts: impl Iterator<Item = usize>, own: &[OwnWay]) -> Vec<Way> {
    // Equal accounts are interchangeable, so that each takes the way of the account before it or a later one.
    let mut joined: Vec<(Way, usize)> = market.into_iter().map(|way| (way, 0)).collect();
    for account in accounts {
        keep_largest(&mut joined, WAYS_MAX / own.len());
        let with_account = joined.iter().flat_map(|(way, last)| {
            let later = own.iter().enumerate().skip(*last);
            later.map(move |(at, own)| (way.joined(account, own), at))
        });
        joined = distinct(with_account.collect());
    }
    joined.into_iter().map(|(way, _)| way).collect()
}

/// Removes ways that carry the same as another one but have more connections or fewer continuations, and sorts the
/// others by their connections.
fn distinct(mut ways: Vec<(Way, usize)>) -> Vec<(Way, usize)> {
    ways.sort_by(|(a, a_last), (b, b_last)| {
        b.rank.cmp(&a.rank).then(a.connections.cmp(&b.connections)).then(a_last.cmp(b_last))
    });
    ways.dedup_by(|(way, last), (kept, kept_last)| way.rank == kept.rank && *last >= *kept_last);
    ways.sort_by_key(|(way, _)| way.connections);
    ways
}

/// Keeps a number of ways: those that carry the most.
fn keep_largest(ways: &mut Vec<(Way, usize)>, count: usize) {
    if ways.len() > count {
        let carried = |way: &Way| way.rank.iter().map(|rank| u64::from(*rank)).sum::<u64>();
        ways.sort_by_cached_key(|(way, _)| std::cmp::Reverse(carried(way)));
        ways.truncate(count);
        ways.sort_by_key(|(way, _)| way.connections);
    }
}
