//! The subscriptions that are open at one moment, and the capacity that the limits leave.

use super::legs::Line;
use crate::capacity::{Limits, Scope};
use crate::vocabulary::Mode;

/// The number of instruments in each mode.
type Counts = [u32; Mode::ALL.len()];

/// The open subscriptions of all connections.
#[derive(Clone, Debug)]
pub(super) struct Open<'l, 'a> {
    lines: &'l [Line<'a>],
    /// The position of the account of each connection.
    accounts: Vec<usize>,
    limits: Vec<&'a Limits>,
    /// The subscriptions on each connection, by the mode in which they count.
    counts: Vec<Counts>,
    /// The subscriptions at the market endpoint of each account, by the mode in which they count.
    of_accounts: Vec<Counts>,
    /// Whether each connection is open. It can be open without subscriptions.
    is_connected: Vec<bool>,
}

fn total(counts: &Counts) -> u32 {
    counts.iter().sum()
}

impl<'l, 'a> Open<'l, 'a> {
    /// `limits_of` returns the limits of an account by its name.
    pub(super) fn new(lines: &'l [Line<'a>], limits_of: impl Fn(&str) -> &'a Limits) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut limits = Vec::new();
        let mut position = |name: &'a str| {
            names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                limits.push(limits_of(name));
                names.len() - 1
            })
        };
        let accounts: Vec<usize> = lines.iter().map(|line| position(line.account)).collect();
        let none = [0; Mode::ALL.len()];
        let of_accounts = vec![none; limits.len()];
        let is_connected = vec![false; lines.len()];
        Open { lines, accounts, limits, counts: vec![none; lines.len()], of_accounts, is_connected }
    }

    pub(super) fn limits(&self, line: usize) -> &'a Limits {
        self.limits[self.accounts[line]]
    }

    pub(super) fn account(&self, line: usize) -> usize {
        self.accounts[line]
    }

    pub(super) fn is_connected(&self, line: usize) -> bool {
        self.is_connected[line]
    }

    pub(super) fn is_empty(&self, line: usize) -> bool {
        total(&self.counts[line]) == 0
    }

    /// Whether the account may open a further connection.
    pub(super) fn can_connect(&self, line: usize) -> bool {
        let account = self.accounts[line];
        let connected =
            (0..self.lines.len()).filter(|other| self.accounts[*other] == account && self.is_connected[*other]);
        connected.count() < self.limits(line).connections.value as usize
    }

    pub(super) fn connect(&mut self, line: usize) {
        self.is_connected[line] = true;
    }

    pub(super) fn close(&mut self, line: usize) {
        self.is_connected[line] = false;
    }

    pub(super) fn add(&mut self, line: usize, counted: Mode, count: u32) {
        self.counts[line][counted as usize] += count;
        if self.lines[line].is_at_market() {
            self.of_accounts[self.accounts[line]][counted as usize] += count;
        }
    }

    pub(super) fn remove(&mut self, line: usize, counted: Mode, count: u32) {
        self.counts[line][counted as usize] -= count;
        if self.lines[line].is_at_market() {
            self.of_accounts[self.accounts[line]][counted as usize] -= count;
        }
    }

    /// Returns the number of further subscriptions that a connection can carry in a mode.
    pub(super) fn capacity_left(&self, line: usize, counted: Mode) -> u32 {
        let limits = self.limits(line);
        let account = self.accounts[line];
        if !self.is_connected(line) && !self.can_connect(line) {
            return 0;
        }
        let left = |figure: Option<u32>, used: u32| figure.map_or(u32::MAX, |figure| figure.saturating_sub(used));
        let on_line = total(&self.counts[line]);
        if !self.lines[line].is_at_market() {
            let figure = limits.endpoints.get(self.lines[line].endpoint).map(|figure| figure.value);
            return left(figure, on_line);
        }
        let value = |figure: &Option<crate::capacity::Sourced<u32>>| figure.as_ref().map(|figure| figure.value);
        left(value(&limits.instruments_per_connection), on_line)
            .min(left(value(&limits.instruments_per_account), total(&self.of_accounts[account])))
            .min(left_in_mode(limits, Scope::Connection, &self.counts[line], counted))
            .min(left_in_mode(limits, Scope::Account, &self.of_accounts[account], counted))
    }

    /// Returns the number of subscriptions of a connection, up to `wanted`, that can change to another mode in one
    /// message.
    pub(super) fn changes_left(&self, line: usize, from: Mode, to: Mode, wanted: u32) -> u32 {
        if from == to || !self.lines[line].is_at_market() {
            return wanted;
        }
        let fits = |count: u32| {
            let after = |counts: &Counts| {
                let mut counts = *counts;
                counts[from as usize] -= count;
                counts[to as usize] += count;
                counts
            };
            let limits = self.limits(line);
            is_within(limits, Scope::Connection, &after(&self.counts[line]))
                && is_within(limits, Scope::Account, &after(&self.of_accounts[self.accounts[line]]))
        };
        if fits(wanted) {
            return wanted;
        }
        // Fewer changes need less capacity of the new mode and leave more in the old one.
        (1..wanted).rev().find(|count| fits(*count)).unwrap_or(0)
    }
}

fn limit(limits: &Limits, mode: Mode, scope: Scope, is_alone: bool) -> Option<u32> {
    let of_mode = limits.modes.get(&mode).filter(|of_mode| of_mode.scope == scope)?;
    Some(of_mode.binding(is_alone)?.1.value)
}

/// Whether numbers of instruments in each mode of a scope exceed no limit of a mode.
fn is_within(limits: &Limits, scope: Scope, counts: &Counts) -> bool {
    let is_alone = counts.iter().filter(|count| **count > 0).count() == 1;
    let mut of_modes = Mode::ALL.into_iter().zip(counts).filter(|(_, count)| **count > 0);
    of_modes.all(|(mode, count)| limit(limits, mode, scope, is_alone).is_none_or(|max| *count <= max))
}

/// Returns the number of further instruments that a scope carries in a mode by the limits of modes.
fn left_in_mode(limits: &Limits, scope: Scope, counts: &Counts, mode: Mode) -> u32 {
    let used = counts[mode as usize];
    let is_alone = total(counts) == used;
    let mut with_one = *counts;
    with_one[mode as usize] += 1;
    if !is_within(limits, scope, &with_one) {
        return 0;
    }
    limit(limits, mode, scope, is_alone).map_or(u32::MAX, |max| max.saturating_sub(used))
}
