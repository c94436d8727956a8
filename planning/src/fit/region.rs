//! The numbers of instruments that accounts carry in each mode.
//!
//! A way to use the accounts states how many connections each of them opens to which endpoint, and whether it carries one mode
//! alone or several. For one way the numbers that fit form a polymatroid: they fit if and only if for every set of modes the sum
//! of its numbers is at most the rank of the set. Ranks of several accounts add up. So a check takes one comparison for each way
//! and set of modes, and needs no solver.

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

/// One account of a plan.
#[derive(Clone, Debug)]
pub(crate) struct PlanAccount<'a> {
    pub(crate) name: String,
    pub(crate) tier: &'a str,
    /// The position of the tier among those of the broker.
    pub(crate) tier_rank: usize,
    pub(crate) limits: &'a Limits,
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
    /// Accounts like the first one in addition.
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

/// The use of one account in a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountUse {
    pub(crate) account: usize,
    /// The regime of the account.
    pub(crate) regime: Regime,
    /// The number of connections to the market endpoint in each regime.
    pub(crate) market: Vec<(Regime, u32)>,
    /// The number of connections to each other endpoint in play.
    pub(crate) others: Vec<(String, u32)>,
}

impl AccountUse {
    fn connections(&self) -> u32 {
        let market: u32 = self.market.iter().map(|(_, count)| count).sum();
        market + self.others.iter().map(|(_, count)| count).sum::<u32>()
    }
}

/// One way to use the accounts.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// The rank of each set of modes.
    pub(super) rank: Vec<u32>,
    /// The number of connections.
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

/// Returns the ways to use the accounts, without those that need as many connections as another one and carry less. `max` is the
/// maximum of the plan.
pub(super) fn ways(accounts: &[PlanAccount<'_>], modes: &ModesInPlay, max: u32, relaxation: &Relaxation) -> Vec<Way> {
    let sets = 1 << modes.bits();
    let mut ways = vec![Way { rank: vec![0; sets], connections: 0, uses: Vec::new() }];
    let more = std::iter::repeat_n(0, relaxation.more_accounts as usize);
    // Of equal ways the first one is taken: from the last account to the first, it uses the first accounts most.
    for (account, is_further) in
        more.map(|account| (account, true)).chain((0..accounts.len()).rev().map(|account| (account, false)))
    {
        let more_connections = if account == 0 && !is_further { relaxation.more_connections } else { 0 };
        let own = ways_of_account(account, &accounts[account], modes, relaxation, more_connections);
        let mut joined: Vec<Way> = Vec::with_capacity(ways.len() * own.len());
        for (way, own) in ways.iter().flat_map(|way| own.iter().map(move |own| (way, own))) {
            let rank = way.rank.iter().zip(&own.rank).map(|(a, b)| (a + b).min(UNLIMITED)).collect();
            let mut uses = way.uses.clone();
            uses.extend(own.uses.iter().filter(|of_account| of_account.connections() > 0).cloned());
            joined.push(Way { rank, connections: way.connections + own.connections, uses });
        }
        ways = best_of(joined);
    }
    let max = if relaxation.applies(&LimitName::MaxInstruments) { max } else { UNLIMITED };
    let unsubscribed = if modes.has_unsubscribed { 1 << modes.unsubscribed() } else { 0 };
    for way in &mut ways {
        for set in 0..sets {
            if set & unsubscribed != 0 {
                way.rank[set] = UNLIMITED;
            }
            if set != 0 {
                way.rank[set] = way.rank[set].min(max);
            }
        }
    }
    ways
}

/// Removes ways that need at least as many connections as another one and carry no more.
fn best_of(mut ways: Vec<Way>) -> Vec<Way> {
    ways.sort_by(|a, b| a.connections.cmp(&b.connections).then_with(|| b.rank.cmp(&a.rank)));
    let mut best: Vec<Way> = Vec::new();
    for way in ways {
        if !best.iter().any(|other| other.covers(&way)) {
            best.push(way);
        }
    }
    best
}

/// Removes ways that carry no more than another one.
pub(super) fn largest_of(ways: &[Way]) -> Vec<&Way> {
    // Ways that need more connections come later.
    let mut largest: Vec<&Way> = Vec::new();
    for way in ways.iter().rev() {
        if !largest.iter().any(|other| other.covers(way)) {
            largest.push(way);
        }
    }
    largest
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

    fn has_market_leg(&self, position: usize) -> bool {
        self.legs(position).iter().any(|leg| leg.endpoint == MARKET)
    }

    /// Returns the other endpoints of the modes in play.
    fn other_endpoints(&self) -> Vec<&str> {
        let legs = (0..self.modes.modes().len()).flat_map(|position| self.legs(position));
        let mut endpoints: Vec<&str> =
            legs.map(|leg| leg.endpoint.as_str()).filter(|endpoint| *endpoint != MARKET).collect();
        endpoints.sort_unstable();
        endpoints.dedup();
        endpoints
    }

    fn instruments_at(&self, endpoint: &str, connections: u32) -> u32 {
        let name = LimitName::EndpointInstruments(endpoint.to_owned());
        let figure = self.limits.endpoints.get(endpoint).filter(|_| self.relaxation.applies(&name));
        match (figure, connections) {
            (_, 0) => 0,
            (None, _) => UNLIMITED,
            (Some(figure), connections) => figure.value.saturating_mul(connections).min(UNLIMITED),
        }
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

    /// Returns the number of instruments that the account carries in each set of modes.
    fn ranks(&self, of_account: &AccountUse) -> Vec<u32> {
        let count = self.modes.modes().len();
        let sets = 1usize << self.modes.bits();
        let subscribed = (1usize << count) - 1;
        let at_market: usize = (0..count).filter(|position| self.has_market_leg(*position)).map(|at| 1 << at).sum();
        let max_of = |position: usize| {
            let by_regime = match of_account.regime {
                Regime::Alone(alone) if usize::from(alone) != position => 0,
                regime => self.mode_max(position, regime, Scope::Account),
            };
            let connections = |endpoint: &str| {
                of_account.others.iter().find(|(name, _)| name == endpoint).map_or(0, |(_, count)| *count)
            };
            let others = self.legs(position).iter().filter(|leg| leg.endpoint != MARKET);
            others.map(|leg| self.instruments_at(&leg.endpoint, connections(&leg.endpoint))).fold(by_regime, u32::min)
        };
        let max: Vec<u32> = (0..count).map(max_of).collect();
        let sum_of = |set: usize| {
            let modes = (0..count).filter(|position| set & (1 << position) != 0);
            modes.fold(0, |sum: u32, position| (sum + max[position]).min(UNLIMITED))
        };
        let market: Vec<u32> = (0..=subscribed).map(|set| self.market_rank(set, &of_account.market)).collect();
        let per_account = self.limits.instruments_per_account.as_ref();
        let per_account = per_account.filter(|_| self.relaxation.applies(&LimitName::InstrumentsPerAccount));
        let per_account = per_account.map_or(UNLIMITED, |figure| figure.value);
        let rank = |set: usize| {
            let set = set & subscribed;
            let of_market = set & at_market;
            // Each mode of the market endpoint counts against its own limit or against that of the connections.
            let mut least = UNLIMITED;
            let mut part = of_market;
            loop {
                least = least.min((market[part] + sum_of(of_market & !part)).min(UNLIMITED));
                if part == 0 {
                    break;
                }
                part = (part - 1) & of_market;
            }
            (least + sum_of(set & !at_market)).min(per_account)
        };
        (0..sets).map(rank).collect()
    }
}

/// Returns the ways to use one account.
fn ways_of_account(
    account: usize,
    of: &PlanAccount<'_>,
    modes: &ModesInPlay,
    relaxation: &Relaxation,
    more_connections: u32,
) -> Vec<Way> {
    let limits = AccountLimits { limits: of.limits, modes, relaxation };
    let endpoints = limits.other_endpoints();
    let regimes_of_connections = limits.regimes(Scope::Connection);
    // Without a limit of connections, a second one carries nothing that the first does not.
    let is_limited = limits.instruments_per_connection() < UNLIMITED || has_limits_of_connections(&limits);
    let connections = match relaxation.applies(&LimitName::Connections) {
        true => of.limits.connections.value + more_connections,
        false => UNLIMITED,
    };
    let mut uses = vec![AccountUse { account, regime: Regime::Mixed, market: Vec::new(), others: Vec::new() }];
    for endpoint in endpoints {
        let with_endpoint = |of_account: &AccountUse| {
            let counts = counts(connections - of_account.connections());
            let with = |count| {
                let mut of_account = of_account.clone();
                of_account.others.push((endpoint.to_owned(), count));
                of_account
            };
            counts.into_iter().map(with).collect::<Vec<_>>()
        };
        uses = uses.iter().flat_map(with_endpoint).collect();
    }
    let mut complete = Vec::new();
    for of_account in uses {
        let left = connections - of_account.connections();
        let most = if is_limited { left } else { left.min(1) };
        for market in compositions(&regimes_of_connections, most) {
            complete.push(AccountUse { market, ..of_account.clone() });
        }
    }
    let regimes = limits.regimes(Scope::Account);
    let with_regimes = complete.into_iter().flat_map(|of_account| {
        regimes.clone().into_iter().map(move |regime| AccountUse { regime, ..of_account.clone() })
    });
    let way = |of_account: AccountUse| Way {
        rank: limits.ranks(&of_account),
        connections: of_account.connections(),
        uses: vec![of_account],
    };
    best_of(with_regimes.map(way).collect())
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
