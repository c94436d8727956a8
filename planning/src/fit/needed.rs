//! The smallest addition of one kind of capacity that admits as much as this kind can.

use super::matching::{Assignment, Candidates, assign};
use super::region::{LimitName, ModesInPlay, Region, Relaxation};
use crate::accounts::PlanAccount;
use crate::allocation::Needed;
use crate::feed::ACCOUNTS_MAX;
use crate::vocabulary::{Mode, counted};

const CONNECTIONS_ADDED_MAX: u32 = 256;
/// The maximum number of connections to add if modes in play have several endpoints of their own: the ways to
/// distribute connections over them multiply.
const CONNECTIONS_AT_ENDPOINTS_ADDED_MAX: u32 = 32;
/// The maximum number of connections to add if a connection with one mode alone carries more of it than one with
/// several: the ways to use such connections multiply.
const CONNECTIONS_IN_REGIMES_ADDED_MAX: u32 = 4;
const ACCOUNTS_ADDED_MAX: u32 = 8;

/// A kind of capacity that a user can add.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CapacityKind {
    Connections,
    Accounts,
}

impl CapacityKind {
    fn limit(self) -> &'static str {
        match self {
            CapacityKind::Connections => "connections",
            CapacityKind::Accounts => "accounts",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            CapacityKind::Connections => "connection",
            CapacityKind::Accounts => "account",
        }
    }

    /// Returns the maximum number to add. A request has at most [`ACCOUNTS_MAX`] accounts.
    fn added_max(self, accounts: &[PlanAccount<'_>], in_play: &ModesInPlay) -> u32 {
        let of_mode =
            |account: &PlanAccount<'_>, mode: &Mode| account.limits.modes.get(mode).map_or(0, |of| of.legs.len());
        let endpoints = in_play.modes().iter().filter(|mode| accounts.iter().any(|account| of_mode(account, mode) > 1));
        match self {
            CapacityKind::Connections if accounts.iter().any(|account| account.limits.has_regimes_of_connections()) => {
                CONNECTIONS_IN_REGIMES_ADDED_MAX
            }
            CapacityKind::Connections if endpoints.count() > 1 => CONNECTIONS_AT_ENDPOINTS_ADDED_MAX,
            CapacityKind::Connections => CONNECTIONS_ADDED_MAX,
            CapacityKind::Accounts => {
                let own = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
                ACCOUNTS_ADDED_MAX.min(ACCOUNTS_MAX.saturating_sub(own))
            }
        }
    }

    fn relaxation(self, add: u32) -> Relaxation {
        match self {
            CapacityKind::Connections => Relaxation { more_connections: add, ..Relaxation::default() },
            CapacityKind::Accounts => Relaxation { more_accounts: add, ..Relaxation::default() },
        }
    }

    /// Returns the change of limits that gives as much of this kind as can be added.
    fn most(self, added_max: u32) -> Relaxation {
        match self {
            CapacityKind::Connections => Relaxation::without(LimitName::Connections),
            CapacityKind::Accounts => self.relaxation(added_max),
        }
    }
}

/// The result of a fit, by which two of them are compared: more kept instruments count more than higher modes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    kept: u32,
    at_highest: u32,
}

impl Score {
    fn of(candidates: &Candidates, modes: &[Option<u8>]) -> Score {
        let mut score = Score { kept: 0, at_highest: 0 };
        for (chain, mode) in candidates.of.iter().zip(modes) {
            let highest = candidates.chains[usize::from(*chain)].0[0];
            score.kept += u32::from(mode.is_some());
            score.at_highest += u32::from(*mode == Some(highest));
        }
        score
    }
}

/// Returns the additional capacity with which more of the candidates are kept or get higher modes; `None` if all have
/// their highest mode.
pub(super) fn needed(
    candidates: &Candidates,
    assigned: &[Option<u8>],
    accounts: &[PlanAccount<'_>],
    in_play: &ModesInPlay,
    max: u32,
) -> Option<Needed> {
    let count = u32::try_from(candidates.of.len()).unwrap_or(u32::MAX);
    let own = Score::of(candidates, assigned);
    if own == (Score { kept: count, at_highest: count }) {
        return None;
    }
    let score_at = |max: u32, relaxation: &Relaxation| {
        let region = Region::new(accounts, in_play, max, relaxation);
        let Assignment { modes, .. } = assign(candidates, &region.largest());
        Score::of(candidates, &modes)
    };
    for needs_max in [false, true] {
        // With both limits exhausted, one of them alone admits nothing.
        let max = if needs_max { max.max(count) } else { max };
        for kind in [CapacityKind::Connections, CapacityKind::Accounts] {
            let added_max = kind.added_max(accounts, in_play);
            if added_max == 0 {
                continue;
            }
            let best = score_at(max, &kind.most(added_max));
            if best <= own {
                continue;
            }
            let with = |add: u32| score_at(max, &kind.relaxation(add));
            let admits = with(added_max).min(best);
            let add = smallest(added_max, |add| with(add) >= admits);
            let more = counted_more(add, kind.noun());
            let (more, is_plural) = match needs_max {
                true => (format!("{more} and a maximum of {}", counted(count, "instrument")), true),
                false => (more, add > 1),
            };
            if admits > own {
                let mut needed = describe_needed(kind.limit(), add, &more, is_plural, own, admits);
                if admits < best {
                    needed.text.push_str(", and further ones more");
                }
                return Some(needed);
            }
        }
        let admits = score_at(max.max(count), &Relaxation::default());
        if admits > own {
            let add = smallest(count - max, |add| score_at(max + add, &Relaxation::default()) >= admits);
            let more = format!("a maximum of {}", counted(max + add, "instrument"));
            return Some(describe_needed("max_instruments", add, &more, false, own, admits));
        }
    }
    None
}

/// Returns the smallest number up to `max` that is enough, or the maximum.
fn smallest(max: u32, is_enough: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, 1);
    while high < max && !is_enough(high) {
        (low, high) = (high, (high * 2).min(max));
    }
    while low + 1 < high {
        let middle = u32::midpoint(low, high);
        if is_enough(middle) { high = middle } else { low = middle }
    }
    high
}

fn counted_more(add: u32, noun: &str) -> String {
    format!("{add} more {noun}{}", if add == 1 { "" } else { "s" })
}

fn describe_needed(limit: &str, add: u32, more: &str, is_plural: bool, own: Score, with: Score) -> Needed {
    let verb = |singular: &'static str, plural: &'static str| if is_plural { plural } else { singular };
    let (admits, text) = match with.kept - own.kept {
        0 => {
            let raised = with.at_highest.saturating_sub(own.at_highest);
            let gives = verb("gives", "give");
            (raised, format!("{more} {gives} {} the requested mode", counted(raised, "more instrument")))
        }
        admitted => {
            let admits = verb("admits", "admit");
            (admitted, format!("{more} {admits} {}", counted(admitted, "more instrument")))
        }
    };
    Needed { limit: limit.to_owned(), add, admits, text }
}
