//! Distributes subscriptions one by one over open connections, by the strategy of the plan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ledger::Ledger;
use super::tasks::Task;
use super::{Connection, PlacedLeg, Placement, UNNUMBERED};
use crate::accounts::PlanAccount;
use crate::capacity::MARKET;
use crate::vocabulary::{Mode, PlacementStrategy};

/// The order in which the connections are tried for all contracts of an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupOrder {
    /// The lowest rate first, which balances the connections.
    LowestRate,
    /// The first connection first, which leaves the most capacity on the others.
    First,
}

/// A distribution of subscriptions, which never exceeds a limit.
#[derive(Clone, Debug)]
pub(super) struct Seating<'a> {
    tasks: &'a [Task<'a>],
    strategy: PlacementStrategy,
    pub(super) ledger: Ledger<'a>,
    /// The position of the connection of each subscription.
    pub(super) seats: Vec<Option<usize>>,
    /// The number of contracts of each underlying on each connection.
    members: HashMap<(u32, usize), u32>,
}

impl<'a> Seating<'a> {
    pub(super) fn new(
        tasks: &'a [Task<'a>],
        strategy: PlacementStrategy,
        accounts: &'a [PlanAccount<'a>],
        modes: &'a [Mode],
    ) -> Self {
        let seats = vec![None; tasks.len()];
        Seating { tasks, strategy, ledger: Ledger::new(accounts, modes), seats, members: HashMap::new() }
    }

    pub(super) fn sit(&mut self, task: usize, at: usize) {
        let of = &self.tasks[task];
        self.ledger.add(at, of);
        self.seats[task] = Some(at);
        if let Some(underlying) = of.underlying {
            *self.members.entry((underlying, at)).or_default() += 1;
        }
    }

    fn stand(&mut self, task: usize) {
        let of = &self.tasks[task];
        let Some(at) = self.seats[task].take() else { return };
        self.ledger.remove(at, of);
        if let Some(members) = of.underlying.and_then(|underlying| self.members.get_mut(&(underlying, at))) {
            *members -= 1;
        }
    }

    /// Puts subscriptions on the wanted connections, the most valuable first, as far as the limits allow.
    pub(super) fn keep(&mut self, wanted: &[Option<usize>]) {
        let mut by_value: Vec<usize> = (0..self.tasks.len()).filter(|task| wanted[*task].is_some()).collect();
        by_value.sort_by_key(|task| self.tasks[*task].rank);
        for task in by_value {
            if let Some(at) = wanted[task].filter(|at| self.ledger.admits(*at, &self.tasks[task])) {
                self.sit(task, at);
            }
        }
    }

    /// Opens connections to the market endpoint until the requested number is open or no subscription waits. Each is at
    /// the account with the fewest that can carry the next subscription, which goes to it unless contracts of an
    /// underlying should be together.
    pub(super) fn open_up_to(&mut self, min_connections: u32) {
        for (task, of) in self.tasks.iter().enumerate() {
            if self.ledger.open.len() >= min_connections as usize {
                return;
            }
            if self.seats[task].is_some() || of.endpoint != MARKET {
                continue;
            }
            let new = |account: usize| Connection { number: UNNUMBERED, account, endpoint: MARKET.to_owned() };
            let able = self.ledger.accounts_with_capacity().filter(|account| self.ledger.admits_on(&new(*account), of));
            let Some(account) = able.min_by_key(|account| self.ledger.connections_of(*account)) else { continue };
            let at = self.ledger.open(new(account));
            if self.strategy != PlacementStrategy::Together {
                self.sit(task, at);
            }
        }
    }

    /// Puts all other subscriptions on connections, and opens further ones only if this is allowed and no open one has
    /// capacity. Returns whether all have one.
    pub(super) fn fill(&mut self, order: GroupOrder, can_open: bool) -> bool {
        if self.strategy == PlacementStrategy::Together {
            self.fill_with_groups(order);
        }
        let mut is_complete = true;
        for task in 0..self.tasks.len() {
            if self.seats[task].is_some() {
                continue;
            }
            let open = self.best(task).or_else(|| if can_open { self.opened_for(task) } else { None });
            match open {
                Some(at) => self.sit(task, at),
                None => is_complete = false,
            }
        }
        is_complete
    }

    /// Puts all contracts of an underlying that have no connection on one, the largest underlying first. Those that fit
    /// on none stay without a connection.
    fn fill_with_groups(&mut self, order: GroupOrder) {
        let mut groups: BTreeMap<(&str, u32), Vec<usize>> = BTreeMap::new();
        for (task, of) in self.tasks.iter().enumerate().filter(|(task, _)| self.seats[*task].is_none()) {
            if let Some(underlying) = of.underlying {
                groups.entry((of.endpoint, underlying)).or_default().push(task);
            }
        }
        let mut groups: Vec<((&str, u32), Vec<usize>)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, tasks)| std::cmp::Reverse(tasks.len()));
        for ((endpoint, underlying), tasks) in groups {
            let members = |at: usize| self.members.get(&(underlying, at)).copied().unwrap_or(0);
            let rate = |at: usize| if order == GroupOrder::First { 0 } else { self.ledger.open[at].rate };
            let open = (0..self.ledger.open.len()).filter(|at| self.ledger.open[*at].connection.endpoint == endpoint);
            let mut open: Vec<usize> = open.collect();
            open.sort_by_key(|at| (std::cmp::Reverse(members(*at)), rate(*at)));
            open.into_iter().any(|at| self.sit_together(&tasks, at));
        }
    }

    /// Puts subscriptions on one connection if it has capacity for all of them.
    fn sit_together(&mut self, tasks: &[usize], at: usize) -> bool {
        for (done, task) in tasks.iter().enumerate() {
            if !self.ledger.admits(at, &self.tasks[*task]) {
                tasks[..done].iter().for_each(|task| self.stand(*task));
                return false;
            }
            self.sit(*task, at);
        }
        true
    }

    /// Returns the open connection that suits a subscription best: by the contracts of its underlying, then by the
    /// lowest rate.
    fn best(&self, task: usize) -> Option<usize> {
        let open = (0..self.ledger.open.len()).filter(|at| self.ledger.admits(*at, &self.tasks[task]));
        open.min_by_key(|at| self.cost(task, *at))
    }

    /// Returns the cost of a connection for a subscription; the lowest suits best. Of equal rates, an empty connection
    /// has the lower one.
    pub(super) fn cost(&self, task: usize, at: usize) -> (i64, u64, bool) {
        let members = self.tasks[task]
            .underlying
            .map_or(0, |underlying| i64::from(self.members.get(&(underlying, at)).copied().unwrap_or(0)));
        let by_members = match self.strategy {
            PlacementStrategy::Balanced => 0,
            PlacementStrategy::Together => -members,
            PlacementStrategy::Spread => members,
        };
        let open = &self.ledger.open[at];
        (by_members, open.rate, !open.is_empty())
    }

    /// Opens a connection for a subscription, at the first account that can.
    fn opened_for(&mut self, task: usize) -> Option<usize> {
        let of = &self.tasks[task];
        let endpoint = of.endpoint.to_owned();
        let mut connection = Connection { number: UNNUMBERED, account: 0, endpoint };
        let account = self.ledger.accounts_with_capacity().find(|account| {
            connection.account = *account;
            self.ledger.admits_on(&connection, of)
        });
        connection.account = account?;
        Some(self.ledger.open(connection))
    }

    /// Returns the number of underlyings with contracts on several connections.
    pub(super) fn divided(&self) -> usize {
        let mut first: HashMap<(&str, u32), usize> = HashMap::new();
        let mut divided: BTreeSet<(&str, u32)> = BTreeSet::new();
        for (task, seat) in self.tasks.iter().zip(&self.seats) {
            if let (Some(underlying), Some(at)) = (task.underlying, seat) {
                let group = (task.endpoint, underlying);
                if *first.entry(group).or_insert(*at) != *at {
                    divided.insert(group);
                }
            }
        }
        divided.len()
    }

    /// Returns the number of subscriptions that are on the wanted connection.
    pub(super) fn kept(&self, wanted: &[Option<usize>]) -> usize {
        wanted.iter().zip(&self.seats).filter(|(wanted, seat)| wanted.is_some() && wanted == seat).count()
    }

    /// Returns the placement, without connections that carry nothing.
    pub(super) fn into_placement(self) -> Placement {
        let Seating { tasks, ledger, seats, .. } = self;
        let mut used: Vec<usize> = (0..ledger.open.len()).filter(|at| !ledger.open[*at].is_empty()).collect();
        used.sort_by_key(|at| ledger.open[*at].connection.number);
        let mut positions = vec![0u32; ledger.open.len()];
        for (position, at) in (0u32..).zip(&used) {
            positions[*at] = position;
        }
        let leg = |(task, seat): (&Task<'_>, Option<usize>)| {
            let connection = positions[seat.expect("every subscription has a connection")];
            PlacedLeg { instrument: task.item, connection, mode: task.leg_mode }
        };
        let legs = tasks.iter().zip(seats).map(leg).collect();
        let connections = used.into_iter().map(|at| ledger.open[at].connection.clone()).collect();
        Placement { connections, legs }
    }
}
