//! Fits instruments into the capacity of a broker: which of them are kept, and in which modes.
//!
//! Instruments form classes: those that can be streamed before all others, then pinned ones, then by priority. Each
//! class is complete before the next one begins: first as many of its instruments as possible are kept, in order of
//! value, then each of them gets its highest mode, in the same order. So a lower class never costs a higher one
//! anything.

#[cfg(test)]
pub(crate) mod cases;
mod limit_name;
mod limits;
mod matching;
mod modes;
mod needed;
mod own_ways;
mod region;

use std::collections::HashMap;

use self::limits::Naming;
use self::matching::{Assignment, Candidates, assign};
pub(crate) use self::modes::offered_modes;
use self::modes::{ModeChoice, Modes};
use self::region::Relaxation;
pub(crate) use self::region::{LimitName, ModesInPlay, Regime, Region, Way};
use crate::accounts::{PlanAccount, accounts_of};
use crate::allocation::Needed;
use crate::basis::Basis;
use crate::feed::ItemOptions;
use crate::rejection::{Reason, Rejection};
use crate::request::{PlanRequest, Resolved, ResolvedItem};
use crate::vocabulary::{Mode, counted, named};
use crate::worth::Worth;

/// The pinned instruments of a request exceed a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit `{limit}` allows {kept} of {pinned} pinned instruments; raise it, or pin fewer")]
pub struct PinnedOverCapacity {
    /// The number of pinned instruments.
    pub pinned: u32,
    /// The number of pinned instruments that fit.
    pub kept: u32,
    /// The name of the limit that the pinned instruments exceed.
    pub limit: String,
    /// The limits with their figures, one sentence for each limit.
    pub arithmetic: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RankedItem {
    pub(crate) worth: Worth,
    pub(crate) item: ResolvedItem,
    pub(crate) options: ItemOptions,
}

/// An instrument that did not get its requested mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangedMode {
    pub(crate) position: u32,
    pub(crate) from: Mode,
    pub(crate) to: Mode,
    /// The limit that the higher mode would exceed; `None` if the broker does not offer it.
    pub(crate) limit: Option<LimitName>,
}

/// The instruments that fit into the limits of the broker, with their modes.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    /// For each key of the request, the position of its mode among the modes in play; absent if it is not kept.
    modes: Vec<Option<u8>>,
    /// For each key of the request, its position among the candidates in descending worth; 0 for a key that is not a
    /// candidate.
    ranks: Vec<u32>,
    pub(crate) in_play: ModesInPlay,
    pub(crate) region: Region,
    pub(crate) rejected: Vec<(u32, Rejection)>,
    pub(crate) changed: Vec<ChangedMode>,
    candidates: Candidates,
    /// The position of the mode of each candidate.
    assigned: Vec<Option<u8>>,
}

impl Fit {
    pub(crate) fn is_kept(&self, item: ResolvedItem) -> bool {
        self.modes[item.position as usize].is_some()
    }

    /// Returns the position of an instrument in descending worth.
    pub(crate) fn rank(&self, item: ResolvedItem) -> u32 {
        self.ranks[item.position as usize]
    }

    /// Returns the position of the mode of a kept instrument; `None` if it has no subscription.
    pub(crate) fn mode_position(&self, item: ResolvedItem) -> Option<usize> {
        let position = usize::from(self.modes[item.position as usize]?);
        (position < self.in_play.modes().len()).then_some(position)
    }

    /// Returns the mode of a kept instrument; `None` if it has no subscription.
    pub(crate) fn mode(&self, item: ResolvedItem) -> Option<Mode> {
        Some(self.in_play.modes()[self.mode_position(item)?])
    }

    /// Returns the additional capacity with which more of the candidates are kept or get higher modes; `None` if all
    /// have their highest mode.
    pub(crate) fn needed(&self, accounts: &[PlanAccount<'_>], max: u32) -> Option<Needed> {
        needed::needed(&self.candidates, &self.assigned, accounts, &self.in_play, max)
    }
}

/// Returns the number of instruments that accounts carry if there is at least one in each of some modes. `None` if no
/// limit is known.
pub(crate) fn carried_max(accounts: &[PlanAccount<'_>], modes: Vec<Mode>) -> Option<u32> {
    let modes = ModesInPlay::new(modes, false);
    Region::new(accounts, &modes, u32::MAX, &Relaxation::without(LimitName::MaxInstruments)).instruments_max()
}

/// Fits candidates, which are sorted by descending worth.
///
/// # Errors
/// [`PinnedOverCapacity`] if a pinned candidate does not fit.
pub(crate) fn fit(
    request: &PlanRequest,
    resolved: &Resolved,
    ranked: &[RankedItem],
    basis: Basis<'_>,
) -> Result<Fit, PinnedOverCapacity> {
    let broker = request.feed.broker.expect("only plans with a broker are fitted");
    let accounts = accounts_of(&request.feed, broker, basis.brokers);
    let usual = request.feed.mode_of_others(request.subscription_type, basis.brokers);
    let mut modes = Modes::new(&accounts, broker, usual, request.feed.min_mode, basis.catalogue);

    let mut rejected = Vec::new();
    let mut fitting: Vec<(&RankedItem, usize)> = Vec::with_capacity(ranked.len());
    for candidate in ranked {
        match modes.choice_of(candidate) {
            Ok(choice) => fitting.push((candidate, choice)),
            Err(detail) => {
                let key = resolved.keys.key(candidate.item.position as usize);
                rejected.push((candidate.item.position, Rejection::new(key, Reason::NotOffered, detail)));
            }
        }
    }
    let in_play = modes.in_play();
    let (chains, chain_of) = modes.chains(&in_play);
    let mut class_ends: Vec<usize> =
        (1..fitting.len()).filter(|at| !fitting[*at].0.worth.is_of_class(&fitting[*at - 1].0.worth)).collect();
    class_ends.push(fitting.len());
    let of = fitting.iter().map(|(_, choice)| chain_of[*choice]).collect();
    let candidates = Candidates { chains, of, class_ends };

    let max = request.options.max_instruments;
    let region = Region::new(&accounts, &in_play, max, &Relaxation::default());
    let Assignment { modes: assigned, closings } = assign(&candidates, &region.largest());
    let naming = Naming::new(&accounts, &in_play, max, &candidates.chains, &closings);
    reject_pins(resolved, &fitting, &assigned, &naming, &candidates)?;

    let mut by_position = vec![None; resolved.keys.len()];
    let mut ranks = vec![0; resolved.keys.len()];
    let mut changed = Vec::new();
    let mut rejections: HashMap<usize, Rejection> = HashMap::new();
    let mut limits: HashMap<(usize, u8), LimitName> = HashMap::new();
    for (rank, ((candidate, choice), mode)) in (0u32..).zip(fitting.iter().zip(&assigned)) {
        ranks[candidate.item.position as usize] = rank;
        let (position, chain) = (candidate.item.position, usize::from(chain_of[*choice]));
        by_position[position as usize] = *mode;
        let ModeChoice { requested, highest, .. } = modes.choice(*choice);
        match mode {
            Some(mode) => {
                let (Some(requested), Some(highest)) = (requested, highest) else { continue };
                let to = in_play.modes()[usize::from(*mode)];
                if requested != highest {
                    changed.push(ChangedMode { position, from: *requested, to: *highest, limit: None });
                }
                if to != *highest {
                    let limit = limits.entry((chain, *mode)).or_insert_with(|| naming.of_mode(chain, *mode));
                    changed.push(ChangedMode { position, from: *highest, to, limit: Some(limit.clone()) });
                }
            }
            None => {
                let rejection = rejections.entry(chain).or_insert_with(|| {
                    let limit = naming.of_chain(chain);
                    let sentence = naming.sentence(&limit);
                    match limit {
                        LimitName::MaxInstruments => {
                            let detail = format!("beyond the maximum of {}", counted(max, "instrument"));
                            Rejection::new("", Reason::OverLimit, detail)
                        }
                        limit => {
                            let detail = format!("exceeds the limit `{limit}` of {broker}: {sentence}");
                            let rejection = Rejection::new("", Reason::OverCapacity, detail);
                            Rejection { limit: Some(limit.to_string()), ..rejection }
                        }
                    }
                });
                let instrument = resolved.keys.key(position as usize).to_owned();
                rejected.push((position, Rejection { instrument, ..rejection.clone() }));
            }
        }
    }
    Ok(Fit { modes: by_position, ranks, in_play, region, rejected, changed, candidates, assigned })
}

/// Fails if a pinned candidate was left out.
fn reject_pins(
    resolved: &Resolved,
    fitting: &[(&RankedItem, usize)],
    assigned: &[Option<u8>],
    naming: &Naming<'_>,
    candidates: &Candidates,
) -> Result<(), PinnedOverCapacity> {
    let pinned = || fitting.iter().zip(assigned).filter(|((candidate, _), _)| candidate.options.is_pinned);
    let Some(first) = assigned.iter().zip(fitting).position(|(mode, (of, _))| mode.is_none() && of.options.is_pinned)
    else {
        return Ok(());
    };
    let limit = naming.of_chain(usize::from(candidates.of[first]));
    let left_out = pinned().filter(|(_, mode)| mode.is_none());
    let left_out: Vec<String> = left_out
        .map(|((candidate, _), _)| format!("`{}`", resolved.keys.key(candidate.item.position as usize)))
        .collect();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let pinned = pinned().count();
    let mut arithmetic = vec![
        format!("the request pins {}", counted(pinned, "instrument")),
        format!("without capacity: {}", named(left_out.iter())),
    ];
    arithmetic.append(&mut naming.arithmetic());
    Err(PinnedOverCapacity {
        pinned: count(pinned),
        kept: count(pinned - left_out.len()),
        limit: limit.to_string(),
        arithmetic,
    })
}

#[cfg(test)]
mod tests;
