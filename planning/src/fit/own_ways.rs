//! The ways to use one account, with the numbers of instruments that each carries.

use std::sync::Arc;

use super::region::{Endpoint, LimitName, ModesInPlay, Regime, Relaxation, UNLIMITED, bits_of, parts_of};
use crate::capacity::{Leg, Limits, MARKET, ModeLimits, Scope};

/// The number of own ways up to which each is compared with all others.
const COMPARED_MAX: usize = 128;

/// One way to use one account.
#[derive(Clone, Debug)]
pub(super) struct OwnWay {
    pub(super) rank: Vec<u32>,
    pub(super) connections: u32,
    pub(super) regime: Regime,
    pub(super) market: Arc<[(Regime, u32)]>,
}

impl OwnWay {
    /// Whether this way carries everything that the other one carries.
    fn covers(&self, other: &OwnWay) -> bool {
        self.rank.iter().zip(&other.rank).all(|(own, other)| own >= other)
    }
}

/// Removes ways that need at least as many connections as another one and carry no more, and sorts the others by their
/// connections.
fn best_of(mut ways: Vec<OwnWay>) -> Vec<OwnWay> {
    ways.sort_by(|a, b| b.rank.cmp(&a.rank).then(a.connections.cmp(&b.connections)));
    ways.dedup_by(|a, b| a.rank == b.rank);
    ways.sort_by_key(|way| way.connections);
    // A covered way is harmless.
    if ways.len() > COMPARED_MAX {
        return ways;
    }
    let mut best: Vec<OwnWay> = Vec::new();
    for way in ways {
        if !best.iter().any(|other| other.covers(&way)) {
            best.push(way);
        }
    }
    best
}

/// The limits of one account, for the modes in play.
pub(super) struct AccountLimits<'a> {
    pub(super) limits: &'a Limits,
    pub(super) modes: &'a ModesInPlay,
    pub(super) relaxation: &'a Relaxation,
}

impl AccountLimits<'_> {
    /// Returns the limits of a mode; `None` if the tier of the account does not offer it.
    fn of_mode(&self, position: usize) -> Option<&ModeLimits> {
        self.limits.modes.get(&self.modes.modes()[position])
    }

    fn legs(&self, position: usize) -> &[Leg] {
        self.of_mode(position).map_or(&[], |limits| &limits.legs)
    }

    /// Returns the limit of a mode in a regime, if its limits have that scope.
    fn mode_max(&self, position: usize, regime: Regime, scope: Scope) -> u32 {
        let mode = self.modes.modes()[position];
        let Some(limits) = self.of_mode(position) else { return 0 };
        if limits.scope != scope {
            return UNLIMITED;
        }
        let figures = limits.figures(regime != Regime::Mixed);
        let applying = figures.filter(|(figure, _)| self.relaxation.applies(&LimitName::of_mode(mode, *figure)));
        applying.map(|(_, figure)| figure.value).min().unwrap_or(UNLIMITED)
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
    pub(super) fn connections_max(&self, more: u32) -> u32 {
        match self.relaxation.applies(&LimitName::Connections) {
            true => self.limits.connections.value + more,
            false => UNLIMITED,
        }
    }

    /// Returns the other endpoints of the modes in play.
    pub(super) fn other_endpoints(&self) -> Vec<Endpoint> {
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

    /// Returns the number of instruments that the account carries in each set of modes. Instruments without a
    /// subscription count nowhere.
    fn ranks(&self, regime_of_account: Regime, market: &[(Regime, u32)]) -> Vec<u32> {
        let count = self.modes.modes().len();
        let subscribed = (1usize << count) - 1;
        let max_of = |position: usize| match regime_of_account {
            Regime::Alone(alone) if usize::from(alone) != position => 0,
            regime => self.mode_max(position, regime, Scope::Account),
        };
        let max: Vec<u32> = (0..count).map(max_of).collect();
        let sum_of = |set: usize| bits_of(set).fold(0, |sum: u32, position| (sum + max[position]).min(UNLIMITED));
        let market: Vec<u32> = (0..=subscribed).map(|set| self.market_rank(set, market)).collect();
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

    /// Returns the ways to use the market endpoint with up to a number of connections, those with the fewest first.
    pub(super) fn market_ways(&self, connections_max: u32) -> Vec<OwnWay> {
        // Without a limit of connections, a second one carries nothing that the first does not.
        let is_limited = self.instruments_per_connection() < UNLIMITED || has_limits_of_connections(self);
        let most = if is_limited { connections_max } else { connections_max.min(1) };
        let of_connections = compositions(&self.regimes(Scope::Connection), most);
        let of_account = self.regimes(Scope::Account);
        let ways = of_connections.into_iter().flat_map(|market| {
            let market: Arc<[(Regime, u32)]> = market.into();
            of_account.iter().map(move |regime| OwnWay {
                rank: self.ranks(*regime, &market),
                connections: market.iter().map(|(_, count)| count).sum(),
                regime: *regime,
                market: Arc::clone(&market),
            })
        });
        best_of(ways.collect())
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
