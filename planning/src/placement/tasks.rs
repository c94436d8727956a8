//! The subscriptions that a placement distributes.

use super::PlacedItem;
use crate::accounts::PlanAccount;
use crate::capacity::{Leg, MARKET};
use crate::vocabulary::Mode;

/// A subscription of an instrument to one endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    pub(super) item: u32,
    pub(super) endpoint: &'a str,
    /// The position of the mode of the instrument among the modes in play.
    pub(super) mode: usize,
    pub(super) leg_mode: Mode,
    pub(super) rate: u32,
    pub(super) rank: u32,
    pub(super) underlying: Option<u32>,
}

/// Returns the subscriptions that serve a mode in play.
pub(super) fn legs_of<'a>(mode: Mode, accounts: &[PlanAccount<'a>]) -> &'a [Leg] {
    let offering = accounts.iter().find_map(|account| account.limits.modes.get(&mode));
    &offering.expect("a mode in play is offered").legs
}

/// Returns the subscriptions of instruments: those to the market endpoint first, and of each endpoint the highest modes
/// and rates first.
pub(super) fn tasks<'a>(items: &[PlacedItem], modes: &[Mode], accounts: &[PlanAccount<'a>]) -> Vec<Task<'a>> {
    let legs: Vec<&[Leg]> = modes.iter().map(|mode| legs_of(*mode, accounts)).collect();
    let of_item = |(item, of): (u32, &PlacedItem)| {
        let PlacedItem { mode, rate, rank, underlying } = *of;
        let legs = mode.map_or(&[][..], |mode| legs[mode]);
        legs.iter().zip(mode.into_iter().cycle()).map(move |(leg, mode)| {
            let (endpoint, leg_mode) = (leg.endpoint.as_str(), leg.mode);
            Task { item, endpoint, mode, leg_mode, rate, rank, underlying }
        })
    };
    let mut tasks: Vec<Task<'a>> = (0u32..).zip(items).flat_map(of_item).collect();
    tasks.sort_by_key(|task| {
        let order = (std::cmp::Reverse(task.mode), std::cmp::Reverse(task.rate), task.item);
        (task.endpoint != MARKET, task.endpoint, order)
    });
    tasks
}
