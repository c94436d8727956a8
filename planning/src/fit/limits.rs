//! Names the limit that binds.

use std::cell::RefCell;

use super::matching::{Chain, Closing};
use super::region::{LimitName, ModesInPlay, Region, Relaxation, Way};
use crate::accounts::PlanAccount;
use crate::capacity::MARKET;
use crate::vocabulary::{Mode, counted};

/// Finds the limit that left something out.
pub(super) struct Naming<'a> {
    accounts: &'a [PlanAccount<'a>],
    in_play: &'a ModesInPlay,
    max: u32,
    chains: &'a [Chain],
    closings: &'a [Closing],
    limits: Vec<LimitName>,
    /// The ways without each limit, computed when they are first needed.
    without: RefCell<Vec<Option<Vec<Way>>>>,
}

impl<'a> Naming<'a> {
    pub(super) fn new(
        accounts: &'a [PlanAccount<'a>],
        in_play: &'a ModesInPlay,
        max: u32,
        chains: &'a [Chain],
        closings: &'a [Closing],
    ) -> Self {
        let limits = limits_of(accounts, in_play);
        let without = RefCell::new(vec![None; limits.len()]);
        Naming { accounts, in_play, max, chains, closings, limits, without }
    }

    /// Returns the limit that left out candidates with this chain.
    pub(super) fn of_chain(&self, chain: usize) -> LimitName {
        let closing = self.closings.iter().find(|closing| closing.chain == chain && closing.mode.is_none());
        self.name(closing.expect("a chain that was left out is closed"))
    }

    /// Returns the limit that kept candidates with this chain from a mode above the one they got.
    pub(super) fn of_mode(&self, chain: usize, got: u8) -> LimitName {
        let modes = &self.chains[chain].0;
        let above = modes.iter().take_while(|mode| **mode != got).last().copied();
        let closing = self.closings.iter().find(|closing| closing.chain == chain && closing.mode == above);
        self.name(closing.expect("a mode that a candidate did not get is closed"))
    }

    /// Returns the limit without which the demand fits; if there are several, the first one: the maximum of the plan,
    /// then those of modes, accounts, connections and endpoints.
    fn name(&self, closing: &Closing) -> LimitName {
        for (at, limit) in self.limits.iter().enumerate() {
            let mut without = self.without.borrow_mut();
            let ways = without[at].get_or_insert_with(|| {
                Region::new(self.accounts, self.in_play, self.max, &Relaxation::without(limit.clone())).largest()
            });
            if ways.iter().any(|way| way.carries(&closing.demand)) {
                return limit.clone();
            }
        }
        // Several limits bind at once.
        let total = closing.demand.last().copied().unwrap_or(0);
        if total > self.max { LimitName::MaxInstruments } else { LimitName::Connections }
    }

    /// Describes a limit with its figures.
    pub(super) fn sentence(&self, limit: &LimitName) -> String {
        let figures = self.accounts.iter().filter_map(|account| Some((account, self.figure(account, limit)?)));
        let mut sentences: Vec<String> = Vec::new();
        for (account, figure) in figures {
            let sentence = match (limit, per_connection(account)) {
                (LimitName::Connections, Some(per_connection)) => {
                    format!("{} with {} each", counted(figure, "connection"), counted(per_connection, "instrument"))
                }
                (LimitName::Connections, None) => counted(figure, "connection"),
                _ => counted(figure, "instrument"),
            };
            let sentence = match self.accounts.len() {
                1 => sentence,
                _ => format!("{sentence} for account {}", account.name),
            };
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        sentences.join(", ")
    }

    /// Describes all limits with their figures.
    pub(super) fn arithmetic(&self) -> Vec<String> {
        let of_limit = |limit: &LimitName| match limit {
            LimitName::MaxInstruments => format!("`{limit}` allows {}", counted(self.max, "instrument")),
            limit => format!("`{limit}` allows {}", self.sentence(limit)),
        };
        self.limits.iter().map(of_limit).collect()
    }

    fn figure(&self, account: &PlanAccount<'_>, limit: &LimitName) -> Option<u32> {
        match limit {
            LimitName::MaxInstruments => Some(self.max),
            limit => limit.figure(account.limits).map(|figure| figure.value),
        }
    }
}

fn per_connection(account: &PlanAccount<'_>) -> Option<u32> {
    account.limits.instruments_per_connection.as_ref().map(|figure| figure.value)
}

/// Returns the limits that apply to modes in play: the maximum of the plan, then those of modes, accounts, connections
/// and endpoints.
fn limits_of(accounts: &[PlanAccount<'_>], in_play: &ModesInPlay) -> Vec<LimitName> {
    let any = |has: &dyn Fn(&PlanAccount<'_>) -> bool| accounts.iter().any(has);
    let mut limits = vec![LimitName::MaxInstruments];
    for mode in in_play.modes() {
        let of_mode = |account: &PlanAccount<'_>, alone: bool| {
            let limits = account.limits.modes.get(mode);
            limits.is_some_and(|limits| if alone { limits.alone.is_some() } else { limits.mixed.is_some() })
        };
        if any(&|account| of_mode(account, true)) {
            limits.push(LimitName::ModeAlone(*mode));
        }
        if any(&|account| of_mode(account, false)) {
            limits.push(LimitName::ModeMixed(*mode));
        }
    }
    if any(&|account| account.limits.instruments_per_account.is_some()) {
        limits.push(LimitName::InstrumentsPerAccount);
    }
    limits.push(LimitName::Connections);
    if any(&|account| account.limits.instruments_per_connection.is_some()) {
        limits.push(LimitName::InstrumentsPerConnection);
    }
    let mut endpoints: Vec<&str> = Vec::new();
    for account in accounts {
        let of_mode = |mode: &Mode| account.limits.modes.get(mode);
        let legs = in_play.modes().iter().filter_map(of_mode).flat_map(|limits| &limits.legs);
        endpoints.extend(legs.map(|leg| leg.endpoint.as_str()).filter(|endpoint| *endpoint != MARKET));
    }
    endpoints.sort_unstable();
    endpoints.dedup();
    limits.extend(endpoints.into_iter().map(|endpoint| LimitName::EndpointInstruments(endpoint.to_owned())));
    limits
}
