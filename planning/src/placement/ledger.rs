//! Counts the instruments on open connections, and checks the limits that apply to them.

use super::Connection;
use super::tasks::Task;
use crate::accounts::PlanAccount;
use crate::capacity::{Limits, MARKET, Scope, Sourced};
use crate::vocabulary::Mode;

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

/// The limits of an account, in the order of the modes in play, so that a check compares numbers only.
#[derive(Clone, Debug)]
struct Caps {
    per_connection: u32,
    per_account: u32,
    /// The limits of each mode; `None` if the account does not offer it.
    modes: Vec<Option<ModeCaps>>,
}

#[derive(Clone, Copy, Debug)]
struct ModeCaps {
    scope: Scope,
    alone: u32,
    mixed: u32,
}

impl Caps {
    fn of(limits: &Limits, modes: &[Mode]) -> Self {
        let value = |figure: Option<&Sourced<u32>>| figure.map_or(u32::MAX, |figure| figure.value);
        let of_mode = |mode: &Mode| {
            let of_mode = limits.modes.get(mode)?;
            let binding = |is_alone| value(of_mode.binding(is_alone).map(|(_, figure)| figure));
            Some(ModeCaps { scope: of_mode.scope, alone: binding(true), mixed: binding(false) })
        };
        Caps {
            per_connection: value(limits.instruments_per_connection.as_ref()),
            per_account: value(limits.instruments_per_account.as_ref()),
            modes: modes.iter().map(of_mode).collect(),
        }
    }

    /// Whether the limits of modes with this scope admit one more instrument in a mode.
    fn admit(&self, scope: Scope, counts: &[u32], mode: usize) -> bool {
        let with = |at: usize| counts[at] + u32::from(at == mode);
        let is_alone = (0..counts.len()).filter(|at| with(*at) > 0).count() == 1;
        (0..counts.len()).filter(|at| with(*at) > 0).all(|at| {
            let Some(ModeCaps { scope: own, alone, mixed }) = self.modes[at] else { return false };
            own != scope || with(at) <= if is_alone { alone } else { mixed }
        })
    }
}

/// The open connections of a plan. Unlike a [slot](super::deal::Slot), it needs no regime: whether a mode is alone
/// follows from the instruments.
#[derive(Clone, Debug)]
pub(super) struct Ledger<'a> {
    accounts: &'a [PlanAccount<'a>],
    modes: usize,
    caps: Vec<Caps>,
    pub(super) open: Vec<OpenConnection>,
    /// For each account, the number of instruments in each mode at the market endpoint.
    of_accounts: Vec<Vec<u32>>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(accounts: &'a [PlanAccount<'a>], modes: &[Mode]) -> Self {
        Ledger {
            accounts,
            modes: modes.len(),
            caps: accounts.iter().map(|account| Caps::of(account.limits, modes)).collect(),
            open: Vec::new(),
            of_accounts: vec![vec![0; modes.len()]; accounts.len()],
        }
    }

    pub(super) fn open(&mut self, connection: Connection) -> usize {
        self.open.push(OpenConnection::new(connection, self.modes));
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
        self.is_within(connection, &vec![0; self.modes], task.mode)
    }

    fn is_within(&self, connection: &Connection, counts: &[u32], mode: usize) -> bool {
        let has_capacity = |max: u32, counts: &[u32]| counts.iter().sum::<u32>() < max;
        if connection.endpoint != MARKET {
            // The subscription of the instrument at the market endpoint counts against the limits of modes and
            // accounts.
            let figure = self.accounts[connection.account].limits.endpoints.get(&connection.endpoint);
            return has_capacity(figure.map_or(u32::MAX, |figure| figure.value), counts);
        }
        let (caps, of_account) = (&self.caps[connection.account], &self.of_accounts[connection.account]);
        has_capacity(caps.per_connection, counts)
            && has_capacity(caps.per_account, of_account)
            && caps.admit(Scope::Connection, counts, mode)
            && caps.admit(Scope::Account, of_account, mode)
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
