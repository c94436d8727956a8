//! Finds a placement that exceeds no limit and keeps as many wanted connections as possible, by the cheapest flow.

use super::deal::Slot;
use super::quotas::stable_quotas;
use super::seating::Seating;
use super::tasks::Task;
use super::{Connection, UNNUMBERED, slot};
use crate::accounts::PlanAccount;
use crate::capacity::MARKET;
use crate::fit::{Fit, Regime, Way};
use crate::vocabulary::PlacementStrategy;

/// The maximum number of ways to use the accounts that are compared.
const WAYS_COMPARED_MAX: usize = 8;

/// The subscriptions of a plan, and the connections that they should be on.
pub(super) struct Wish<'a> {
    pub(super) fitted: &'a Fit,
    pub(super) accounts: &'a [PlanAccount<'a>],
    pub(super) tasks: &'a [Task<'a>],
    pub(super) strategy: PlacementStrategy,
    pub(super) connections: &'a [Connection],
    /// The position of the wanted connection of each subscription.
    pub(super) wanted: &'a [Option<usize>],
}

struct Chosen {
    connection: Connection,
    regime: Regime,
    /// The position of the wanted connection that it is.
    wanted: Option<usize>,
}

/// The numbers of subscriptions by connection and mode that keep the most wanted connections.
struct Distribution {
    chosen: Vec<Chosen>,
    quotas: Vec<Vec<u32>>,
    kept: u32,
}

impl<'a> Wish<'a> {
    /// Returns a complete distribution, and the number of subscriptions that are on their wanted connection. The most
    /// valuable ones stay; the others are put on the connections that suit them best.
    pub(super) fn fulfilled(&self) -> (Seating<'a>, usize) {
        let counts = self.counts(MARKET);
        let ways = self.fitted.region.carrying(&counts).take(WAYS_COMPARED_MAX);
        let wanted = self.wanted.iter().flatten().count();
        let mut best: Option<Distribution> = None;
        for (way, others) in ways {
            let distribution = self.distribution(way, &others);
            let is_complete = distribution.kept as usize == wanted;
            if best.as_ref().is_none_or(|best| distribution.kept > best.kept) {
                best = Some(distribution);
            }
            if is_complete {
                break;
            }
        }
        let best = best.expect("the instruments of a fit are carried");
        let kept = best.kept as usize;
        (self.seating(best), kept)
    }

    /// Returns the number of subscriptions in each mode at an endpoint.
    fn counts(&self, endpoint: &str) -> Vec<u32> {
        let mut counts = vec![0; self.fitted.in_play.modes().len()];
        self.tasks.iter().filter(|task| task.endpoint == endpoint).for_each(|task| counts[task.mode] += 1);
        counts
    }

    fn distribution(&self, way: &Way, others: &[(String, u32)]) -> Distribution {
        let modes = self.fitted.in_play.modes();
        let mut weights = vec![vec![0u32; modes.len()]; self.connections.len()];
        for (task, wanted) in self.tasks.iter().zip(self.wanted) {
            if let Some(at) = wanted {
                weights[*at][task.mode] += 1;
            }
        }
        let chosen = self.chosen(way, others, &weights);
        let mut quotas = vec![vec![0; modes.len()]; chosen.len()];
        let mut kept = 0;
        let mut endpoints: Vec<&str> = self.tasks.iter().map(|task| task.endpoint).collect();
        endpoints.dedup();
        for endpoint in endpoints {
            let counts = self.counts(endpoint);
            let own: Vec<usize> = (0..chosen.len()).filter(|at| chosen[*at].connection.endpoint == endpoint).collect();
            let slot = |at: &usize| {
                let Chosen { connection, regime, .. } = &chosen[*at];
                slot(*at, connection, *regime, way, self.accounts, modes)
            };
            let slots: Vec<Slot> = own.iter().map(slot).collect();
            let none = vec![0; modes.len()];
            let wanted: Vec<&[u32]> =
                own.iter().map(|at| chosen[*at].wanted.map_or(&none[..], |wanted| &weights[wanted])).collect();
            for ((at, of_slot), wanted) in own.iter().zip(stable_quotas(&counts, &slots, &wanted)).zip(&wanted) {
                kept += of_slot.iter().zip(*wanted).map(|(quota, wanted)| quota.min(wanted)).sum::<u32>();
                quotas[*at] = of_slot;
            }
        }
        Distribution { chosen, quotas, kept }
    }

    /// Returns the connections of a way, which are wanted ones as far as possible, and the other wanted ones that the
    /// accounts allow in addition.
    fn chosen(&self, way: &Way, others: &[(String, u32)], weights: &[Vec<u32>]) -> Vec<Chosen> {
        let mut left: Vec<u32> = self.accounts.iter().map(|account| account.limits.connections.value).collect();
        let mut unused: Vec<usize> =
            (0..self.connections.len()).filter(|at| weights[*at].iter().any(|count| *count > 0)).collect();
        let mut chosen = Vec::new();
        let mut choose =
            |unused: &mut Vec<usize>, left: &mut Vec<u32>, endpoint: &str, account: Option<usize>, regime| {
                let weight = |at: usize| match regime {
                    Regime::Alone(mode) => weights[at][usize::from(mode)],
                    Regime::Mixed => weights[at].iter().sum(),
                };
                let suits = |at: usize| {
                    let of = &self.connections[at];
                    of.endpoint == endpoint
                        && left[of.account] > 0
                        && account.is_none_or(|account| account == of.account)
                };
                let best = (0..unused.len()).filter(|place| suits(unused[*place]));
                let best = best.min_by_key(|place| (std::cmp::Reverse(weight(unused[*place])), unused[*place]));
                let (connection, wanted) = match best {
                    Some(place) => {
                        let at = unused.remove(place);
                        (self.connections[at].clone(), Some(at))
                    }
                    None => {
                        let with_capacity = (0..left.len()).find(|account| left[*account] > 0);
                        let account = account.or(with_capacity).expect("a fit opens no connection too many");
                        (Connection { number: UNNUMBERED, account, endpoint: endpoint.to_owned() }, None)
                    }
                };
                left[connection.account] -= 1;
                chosen.push(Chosen { connection, regime, wanted });
            };
        let mut market: Vec<(usize, Regime)> = Vec::new();
        for of_account in way.uses() {
            for (regime, count) in of_account.market.iter() {
                market.extend(std::iter::repeat_n((of_account.account, *regime), *count as usize));
            }
        }
        // A connection for one mode alone can only be one with that mode.
        market.sort_by_key(|(account, regime)| (*account, *regime == Regime::Mixed));
        for (account, regime) in market {
            choose(&mut unused, &mut left, MARKET, Some(account), regime);
        }
        for (endpoint, count) in others {
            (0..*count).for_each(|_| choose(&mut unused, &mut left, endpoint, None, Regime::Mixed));
        }
        while let Some(at) = unused.first().copied() {
            let Connection { account, endpoint, .. } = &self.connections[at];
            if left[*account] > 0 {
                choose(&mut unused, &mut left, endpoint, Some(*account), Regime::Mixed);
            } else {
                unused.remove(0);
            }
        }
        chosen
    }

    fn seating(&self, Distribution { chosen, quotas: mut left, .. }: Distribution) -> Seating<'a> {
        let modes = self.fitted.in_play.modes();
        let mut seating = Seating::new(self.tasks, self.strategy, self.accounts, modes);
        let mut place_of = vec![None; self.connections.len()];
        for (at, Chosen { connection, wanted, .. }) in chosen.into_iter().enumerate() {
            seating.ledger.open(connection);
            if let Some(wanted) = wanted {
                place_of[wanted] = Some(at);
            }
        }
        let mut by_value: Vec<usize> = (0..self.tasks.len()).collect();
        by_value.sort_by_key(|task| self.tasks[*task].rank);
        for task in by_value {
            let place = self.wanted[task].and_then(|wanted| place_of[wanted]);
            if let Some(at) = place.filter(|at| left[*at][self.tasks[task].mode] > 0) {
                left[at][self.tasks[task].mode] -= 1;
                seating.sit(task, at);
            }
        }
        for (task, of) in self.tasks.iter().enumerate() {
            if seating.seats[task].is_some() {
                continue;
            }
            let open = (0..left.len()).filter(|at| left[*at][of.mode] > 0);
            let open = open.filter(|at| seating.ledger.open[*at].connection.endpoint == of.endpoint);
            let at = open.min_by_key(|at| seating.cost(task, *at)).expect("the quotas are enough");
            left[at][of.mode] -= 1;
            seating.sit(task, at);
        }
        seating
    }
}
