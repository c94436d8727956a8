//! Small random cases for tests, and their solutions by trying everything.

use proptest::prelude::*;

use super::Fit;
use super::matching::{Assignment, Candidates, Chain, assign};
use super::region::{ModesInPlay, Region, Relaxation};
use crate::accounts::PlanAccount;
use crate::capacity::{Limits, Scope};
use crate::testing::limits;
use crate::vocabulary::Mode;

/// The modes of the generated brokers.
pub(crate) const MODES: [Mode; 3] = [Mode::Ltp, Mode::Full, Mode::Depth20];

/// The figures of a generated account. A mode of the market endpoint has a limit alone and one in addition to others.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) connections: u32,
    pub(crate) per_connection: Option<u32>,
    pub(crate) per_account: Option<u32>,
    pub(crate) of_modes: [Option<(u32, u32)>; 3],
    pub(crate) scope: Scope,
    /// The instruments on a connection to the endpoint of depth; without it, depth is a mode of the market endpoint.
    pub(crate) depth_endpoint: Option<u32>,
}

impl Figures {
    pub(crate) fn limits(&self) -> Limits {
        let mut text = format!("connections = {}\n", self.connections);
        for (name, figure) in
            [("instruments_per_connection", self.per_connection), ("instruments_per_account", self.per_account)]
        {
            text += &figure.map(|figure| format!("{name} = {figure}\n")).unwrap_or_default();
        }
        if let Some(figure) = self.depth_endpoint {
            text += &format!("[endpoints]\ndepth = {figure}\n");
        }
        for (mode, of_mode) in MODES.iter().zip(self.of_modes) {
            let legs = match (mode, self.depth_endpoint) {
                (Mode::Depth20, Some(_)) => "\"depth depth20\", \"market full\"".to_owned(),
                (mode, _) => format!("\"market {mode}\""),
            };
            text += &format!("[modes.{mode}]\nlegs = [{legs}]\nscope = \"{}\"\n", self.scope);
            if let Some((alone, mixed)) = of_mode {
                text += &format!("alone = {alone}\nmixed = {mixed}\n");
            }
        }
        limits(&text)
    }
}

pub(crate) fn any_figures() -> impl Strategy<Value = Figures> {
    let of_mode = || prop::option::of((1u32..5, 1u32..5));
    (
        1u32..4,
        prop::option::of(1u32..4),
        prop::option::of(1u32..6),
        [of_mode(), of_mode(), of_mode()],
        prop::sample::select(vec![Scope::Account, Scope::Connection]),
        prop::option::of(1u32..3),
    )
        .prop_map(|(connections, per_connection, per_account, of_modes, scope, depth_endpoint)| Figures {
            connections,
            per_connection,
            per_account,
            of_modes,
            scope,
            depth_endpoint,
        })
}

/// A case: accounts, the maximum of the plan, the chain of each candidate, and the ends of classes.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) accounts: Vec<Figures>,
    pub(crate) max: u32,
    pub(crate) chains: Vec<(usize, usize)>,
    pub(crate) class_of: Vec<u8>,
}

pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let chain = (0usize..3).prop_flat_map(|highest| (Just(highest), 0..=highest));
    (prop::collection::vec(any_figures(), 1..3), 1u32..8, prop::collection::vec((chain, 0u8..2), 1..6)).prop_map(
        |(mut accounts, max, mut candidates)| {
            // The accounts of a broker do not differ in endpoints.
            let depth_endpoint = accounts[0].depth_endpoint;
            accounts.iter_mut().for_each(|account| account.depth_endpoint = depth_endpoint);
            candidates.sort_by_key(|(_, class)| *class);
            let (chains, class_of) = candidates.into_iter().unzip();
            Case { accounts, max, chains, class_of }
        },
    )
}

impl Case {
    pub(crate) fn class_ends(&self) -> Vec<usize> {
        let mut ends: Vec<usize> =
            (1..self.class_of.len()).filter(|at| self.class_of[*at] != self.class_of[*at - 1]).collect();
        ends.push(self.class_of.len());
        ends
    }

    pub(crate) fn limits(&self) -> Vec<Limits> {
        self.accounts.iter().map(Figures::limits).collect()
    }

    /// Returns the fit of the case. The position of a candidate is that of its key.
    pub(crate) fn fitted(&self, accounts: &[PlanAccount<'_>]) -> Fit {
        let in_play = ModesInPlay::new(MODES.to_vec(), false);
        let bits = MODES.map(|mode| u8::try_from(in_play.position(mode)).unwrap());
        let mut chains: Vec<(usize, usize)> = self.chains.clone();
        chains.sort_unstable();
        chains.dedup();
        let of = self.chains.iter().map(|chain| u16::try_from(chains.binary_search(chain).unwrap()).unwrap()).collect();
        let chain = |(highest, lowest): &(usize, usize)| Chain((*lowest..=*highest).rev().map(|at| bits[at]).collect());
        let candidates = Candidates { chains: chains.iter().map(chain).collect(), of, class_ends: self.class_ends() };
        let region = Region::new(accounts, &in_play, self.max, &Relaxation::default());
        let Assignment { modes, .. } = assign(&candidates, &region.largest());
        let (rejected, changed) = (Vec::new(), Vec::new());
        let ranks = (0u32..).zip(&modes).map(|(rank, _)| rank).collect();
        Fit { modes: modes.clone(), ranks, in_play, region, rejected, changed, candidates, assigned: modes }
    }

    /// Returns the modes of each candidate, as positions in `MODES`; `None` if it is left out.
    pub(crate) fn assigned(&self) -> Vec<Option<u8>> {
        let limits = self.limits();
        let Fit { modes, in_play, .. } = self.fitted(&accounts(&limits));
        let back = |position: u8| {
            let mode = in_play.modes()[usize::from(position)];
            u8::try_from(MODES.iter().position(|own| *own == mode).unwrap()).unwrap()
        };
        modes.into_iter().map(|mode| mode.map(back)).collect()
    }

    /// Returns the fewest connections that carry numbers of instruments in each mode, by trying.
    pub(crate) fn fewest_connections(&self, numbers: [u32; 3]) -> u32 {
        let most = self.accounts.iter().map(|account| account.connections).sum();
        (0..=most).find(|total| carried_on(&self.accounts, *total, numbers)).expect("the numbers are carried")
    }

    /// Whether numbers of instruments in each mode can be distributed over connections, by trying.
    pub(crate) fn carries(&self, numbers: [u32; 3]) -> bool {
        let connections = self.accounts.iter().map(|account| account.connections).sum();
        numbers.iter().sum::<u32>() <= self.max && carried_on(&self.accounts, connections, numbers)
    }

    /// Returns the lexicographically greatest assignment, by trying all.
    pub(crate) fn best(&self) -> Vec<Option<u8>> {
        let mut fixed: Vec<Option<u8>> = Vec::new();
        for end in self.class_ends() {
            let class = &self.chains[fixed.len()..end];
            let mut best: Option<(Vec<bool>, Vec<Option<u8>>)> = None;
            for modes in all_modes(class) {
                let mut numbers = [0; 3];
                for mode in fixed.iter().chain(&modes).flatten() {
                    numbers[usize::from(*mode)] += 1;
                }
                if self.carries(numbers) {
                    let kept: Vec<bool> = modes.iter().map(Option::is_some).collect();
                    let candidate = Some((kept, modes));
                    if candidate > best {
                        best = candidate;
                    }
                }
            }
            fixed.extend(best.expect("an empty plan is carried").1);
        }
        fixed
    }
}

pub(crate) fn accounts(limits: &[Limits]) -> Vec<PlanAccount<'_>> {
    let account = |limits| PlanAccount { name: String::new(), tier: "", tier_rank: 0, limits };
    limits.iter().map(account).collect()
}

fn all_modes(class: &[(usize, usize)]) -> Vec<Vec<Option<u8>>> {
    let Some(((highest, lowest), rest)) = class.split_first() else { return vec![Vec::new()] };
    let own = || std::iter::once(None).chain((*lowest..=*highest).map(|mode| Some(u8::try_from(mode).unwrap())));
    let with = |rest: Vec<Option<u8>>| own().map(move |mode| std::iter::once(mode).chain(rest.clone()).collect());
    all_modes(rest).into_iter().flat_map(with).collect()
}

/// Whether accounts carry numbers of instruments with up to `spare` connections of them at the market endpoint: the
/// first one carries a part, the others the rest.
fn market_carried_by(accounts: &[Figures], spare: u32, numbers: [u32; 3]) -> bool {
    let Some((first, rest)) = accounts.split_first() else { return numbers == [0; 3] };
    (0..=first.connections.min(spare)).any(|connections| {
        let first = Figures { connections, ..first.clone() };
        parts_of(numbers).any(|part| {
            let left = [numbers[0] - part[0], numbers[1] - part[1], numbers[2] - part[2]];
            first.carries(part) && market_carried_by(rest, spare - connections, left)
        })
    })
}

/// Whether accounts carry numbers of instruments on a number of connections in all.
fn carried_on(accounts: &[Figures], total: u32, numbers: [u32; 3]) -> bool {
    let at_depth = accounts[0].depth_endpoint.map_or(0, |per_connection| numbers[2].div_ceil(per_connection));
    at_depth <= total && market_carried_by(accounts, total - at_depth, numbers)
}

fn parts_of(numbers: [u32; 3]) -> impl Iterator<Item = [u32; 3]> {
    let [a, b, c] = numbers;
    (0..=a).flat_map(move |a| (0..=b).flat_map(move |b| (0..=c).map(move |c| [a, b, c])))
}

/// Whether no limit of a mode is exceeded by the numbers of one scope.
pub(crate) fn within_modes(of_modes: &[Option<(u32, u32)>; 3], numbers: [u32; 3]) -> bool {
    let is_mixed = numbers.iter().filter(|number| **number > 0).count() > 1;
    of_modes.iter().zip(numbers).all(|(of_mode, number)| match of_mode {
        Some((alone, mixed)) if is_mixed => number <= (*alone).min(*mixed),
        Some((alone, _)) => number <= *alone,
        None => true,
    })
}

impl Figures {
    pub(crate) fn carries(&self, numbers: [u32; 3]) -> bool {
        let total: u32 = numbers.iter().sum();
        if self.per_account.is_some_and(|max| total > max) {
            return false;
        }
        if self.scope == Scope::Account && !within_modes(&self.of_modes, numbers) {
            return false;
        }
        self.market_carries(self.connections, numbers)
    }

    /// Whether connections to the market endpoint carry numbers of instruments, by trying.
    fn market_carries(&self, connections: u32, numbers: [u32; 3]) -> bool {
        if numbers == [0; 3] {
            return true;
        }
        if connections == 0 {
            return false;
        }
        parts_of(numbers).any(|part| {
            let total: u32 = part.iter().sum();
            let left = [numbers[0] - part[0], numbers[1] - part[1], numbers[2] - part[2]];
            total > 0
                && self.per_connection.is_none_or(|max| total <= max)
                && (self.scope == Scope::Account || within_modes(&self.of_modes, part))
                && self.market_carries(connections - 1, left)
        })
    }
}

/// Returns the number of cases: `PROPTEST_CASES`, but at least 500.
pub(crate) fn case_count() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(500), failure_persistence: None, ..default }
}
