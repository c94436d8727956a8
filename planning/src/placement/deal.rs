//! Deals instruments to connections in turns.

use std::collections::BTreeMap;

use super::quotas::quotas;

/// The limits of one connection for the instruments of its endpoint.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) connection: usize,
    pub(super) account: usize,
    /// The maximum number of instruments on the connection.
    pub(super) max: u32,
    /// The maximum number of instruments in each mode on the connection.
    pub(super) max_of_modes: Vec<u32>,
    /// The maximum number of instruments of the account.
    pub(super) account_max: u32,
    /// The maximum number of instruments in each mode of the account.
    pub(super) account_max_of_modes: Vec<u32>,
}

/// Deals instruments, given as (position, mode) and sorted by mode, to connections. Returns (position, mode,
/// connection).
///
/// If the instruments can be dealt in turns, the numbers of two connections differ by at most 1 in each mode. Otherwise
/// each connection gets as many as its quotas allow.
pub(super) fn deal(instruments: &[(u32, usize)], slots: &[Slot], modes: usize) -> Vec<(u32, usize, usize)> {
    let mut counts = vec![0u32; modes];
    for (_, mode) in instruments {
        counts[*mode] += 1;
    }
    let in_turns = dealt_in_turns(instruments, slots, modes);
    let quotas = if fits(&in_turns, slots) { in_turns } else { quotas(&counts, slots) };
    let mut left = quotas;
    let mut next = 0;
    let mut dealt = Vec::with_capacity(instruments.len());
    for (instrument, mode) in instruments {
        let turn = (0..slots.len()).map(|step| (next + step) % slots.len());
        let slot = turn.into_iter().find(|slot| left[*slot][*mode] > 0).expect("the quotas are enough");
        left[slot][*mode] -= 1;
        next = (slot + 1) % slots.len();
        dealt.push((*instrument, *mode, slots[slot].connection));
    }
    dealt
}

/// Returns the numbers of instruments by connection and mode if all are dealt in turns.
fn dealt_in_turns(instruments: &[(u32, usize)], slots: &[Slot], modes: usize) -> Vec<Vec<u32>> {
    let mut numbers = vec![vec![0; modes]; slots.len()];
    for (turn, (_, mode)) in instruments.iter().enumerate() {
        numbers[turn % slots.len()][*mode] += 1;
    }
    numbers
}

/// Whether numbers of instruments by connection and mode exceed no limit.
fn fits(numbers: &[Vec<u32>], slots: &[Slot]) -> bool {
    let mut of_accounts: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (slot, numbers) in slots.iter().zip(numbers) {
        let within = numbers.iter().zip(&slot.max_of_modes).all(|(number, max)| number <= max);
        if !within || numbers.iter().sum::<u32>() > slot.max {
            return false;
        }
        let of_account = of_accounts.entry(slot.account).or_insert_with(|| vec![0; numbers.len()]);
        of_account.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
    }
    slots.iter().all(|slot| {
        let of_account = &of_accounts[&slot.account];
        let within = of_account.iter().zip(&slot.account_max_of_modes).all(|(number, max)| number <= max);
        within && of_account.iter().sum::<u32>() <= slot.account_max
    })
}
