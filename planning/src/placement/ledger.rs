//! Counts the instruments on open connections, and checks the limits that apply to them.

use super::Connection;
use super::tasks::Task;
use crate::accounts::PlanAccount;
use crate::capacity::{Limits, MARKET, Scope, Sourced};
use crate::vocabulary::Mode;

/// A connection with its instruments.
#[derive(Clone, Debug)]
pub(super) struct OpenConnection {
    pub(super) connection: Connection,
    /// The number of instruments in each mode in play.
    counts: Vec<u32>,
    /// The expected number of messages in a second, in thousandths.
    pub(super) rate: u64,
}

impl OpenConnection {
    fn new(connection: Connection, modes: usize) -> Self {
        OpenConnection { connection, counts: vec![0; modes], rate: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }
}

/// The open connections of a plan. Unlike a [slot](super::deal::Slot), it needs no regime: whether a mode is alone follows from
/// the instruments.
#[derive(Clone, Debug)]
pub(super) struct Ledger<'a> {
    accounts: &'a [PlanAccount<'a>],
    modes: &'a [Mode],
    pub(super) open: Vec<OpenConnection>,
    /// For each account, the number of instruments in each mode at the market endpoint.
    of_accounts: Vec<Vec<u32>>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(accounts: &'a [PlanAccount<'a>], modes: &'a [Mode]) -> Self {
        Ledger { accounts, modes, open: Vec::new(), of_accounts: vec![vec![0; modes.len()]; accounts.len()] }
    }

    pub(super) fn open(&mut self, connection: Connection) -> usize {
        self.open.push(OpenConnection::new(connection, self.modes.len()));
        self.open.len() - 1
    }

    pub(super) fn connections_of(&self, account: usize) -> usize {
        self.open.iter().filter(|open| open.connection.account == account).count()
    }

    /// Returns the accounts that may open another connection.
    pub(super) fn accounts_with_capacity(&self) -> impl Iterator<Item = usize> {
        let allowed = |account: usize| self.accounts[account].limits.connections.value as usize;
        (0..self.accounts.len()).filter(move |account| self.connections_of(*account) < allowed(*account))
    }

    /// Whether an open connection can carry one more instrument.
    pub(super) fn admits(&self, at: usize, task: &Task<'_>) -> bool {
        let OpenConnection { connection, counts, .. } = &self.open[at];
        connection.endpoint == task.endpoint && self.is_within(connection, counts, task.mode)
    }

    /// Whether a new connection can carry an instrument.
    pub(super) fn admits_on(&self, connection: &Connection, task: &Task<'_>) -> bool {
        self.is_within(connection, &vec![0; self.modes.len()], task.mode)
    }

    fn is_within(&self, connection: &Connection, counts: &[u32], mode: usize) -> bool {
        let limits = self.accounts[connection.account].limits;
        if connection.endpoint != MARKET {
            // The subscription of the instrument at the market endpoint counts against the limits of modes and accounts.
            return is_below(limits.endpoints.get(&connection.endpoint), counts);
        }
        let of_account = &self.of_accounts[connection.account];
        is_below(limits.instruments_per_connection.as_ref(), counts)
            && is_below(limits.instruments_per_account.as_ref(), of_account)
            && self.modes_admit(limits, Scope::Connection, counts, mode)
            && self.modes_admit(limits, Scope::Account, of_account, mode)
    }

    /// Whether the limits of modes with this scope admit one more instrument in a mode.
    fn modes_admit(&self, limits: &Limits, scope: Scope, counts: &[u32], mode: usize) -> bool {
        let with = |at: usize| counts[at] + u32::from(at == mode);
        let is_alone = (0..counts.len()).filter(|at| with(*at) > 0).count() == 1;
        (0..counts.len()).filter(|at| with(*at) > 0).all(|at| {
            let Some(of_mode) = limits.modes.get(&self.modes[at]) else { return false };
            of_mode.scope != scope || of_mode.binding(is_alone).is_none_or(|(_, figure)| with(at) <= figure.value)
        })
    }

    pub(super) fn add(&mut self, at: usize, task: &Task<'_>) {
        let open = &mut self.open[at];
        open.counts[task.mode] += 1;
        open.rate += u64::from(task.rate);
        if task.endpoint == MARKET {
            self.of_accounts[open.connection.account][task.mode] += 1;
        }
    }

    pub(super) fn remove(&mut self, at: usize, task: &Task<'_>) {
        let open = &mut self.open[at];
        open.counts[task.mode] -= 1;
        open.rate -= u64::from(task.rate);
        if task.endpoint == MARKET {
            self.of_accounts[open.connection.account][task.mode] -= 1;
        }
    }
}

/// Whether there is capacity for one more instrument.
fn is_below(limit: Option<&Sourced<u32>>, counts: &[u32]) -> bool {
    limit.is_none_or(|figure| counts.iter().sum::<u32>() < figure.value)
}
