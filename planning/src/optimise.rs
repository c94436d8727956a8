//! Fits the keys that passed the filter under the maximum, according to the optimization level.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;

use crate::basis::Basis;
use crate::catalogue::{Availability, Catalogue, InstrumentId};
use crate::fit::{self, Fit, PinnedOverCapacity, RankedItem};
use crate::instrument::compare_keys;
use crate::keys::KeyList;
use crate::rejection::{Reason, Rejection};
use crate::request::{PlanRequest, Resolved, ResolvedItem};
use crate::source::ItemOptions;
use crate::vocabulary::{Exchange, Mode, OptimizationLevel, counted};
use crate::worth::Worth;

/// The keys that are kept, in the order of the plan, and the rejected ones with their positions in the request.
pub(crate) struct KeySelection {
    pub(crate) kept: Vec<ResolvedItem>,
    pub(crate) rejected: Vec<(u32, Rejection)>,
    /// The modes at the broker of the request.
    pub(crate) fitted: Option<Fit>,
}

/// # Errors
/// [`PinnedOverCapacity`] if not all pinned instruments fit into the limits of the broker.
pub(crate) fn optimise(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: Vec<ResolvedItem>,
    basis: Basis<'_>,
) -> Result<KeySelection, PinnedOverCapacity> {
    if request.feed.broker.is_some() {
        return fit_at_broker(request, resolved, kept, basis);
    }
    let level = request.options.optimization_level;
    if level == OptimizationLevel::Aggressive {
        return Ok(prioritise(request, resolved, kept, basis));
    }
    let mut optimised = truncate(request, resolved, kept);
    if level == OptimizationLevel::Moderate {
        sort_by_key(&mut optimised.kept, &resolved.keys);
    }
    Ok(optimised)
}

/// Sorts by exchange, then symbol.
fn sort_by_key(items: &mut [ResolvedItem], keys: &KeyList) {
    if items.iter().all(|item| item.id.is_some()) {
        items.sort_unstable_by_key(|item| item.id);
    } else {
        let text = |item: &ResolvedItem| keys.key(item.position as usize);
        items.sort_unstable_by(|a, b| compare_keys(text(a), text(b)));
    }
}

/// Sorts by descending worth, then by key. The order of the plan must not depend on the order of the request, which is
/// free if all keys fit.
fn sort_by_worth(ranked: &mut [(Worth, ResolvedItem)], keys: &KeyList) {
    let text = |item: &ResolvedItem| keys.key(item.position as usize);
    ranked.sort_unstable_by(|(a_worth, a), (b_worth, b)| {
        let by_worth = b_worth.without_position().cmp(&a_worth.without_position());
        by_worth.then_with(|| match (a.id, b.id) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => compare_keys(text(a), text(b)),
        })
    });
}

/// Collapses the names of an instrument, which have the same token at a broker, and returns the others in descending
/// worth, with the rejected names.
pub(crate) fn ranked_at_broker(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: Vec<ResolvedItem>,
    basis: Basis<'_>,
) -> (Vec<RankedItem>, Vec<(u32, Rejection)>) {
    let is_aggressive = request.options.optimization_level == OptimizationLevel::Aggressive;
    let group_of = if is_aggressive { root_of } else { Catalogue::target };
    let GroupedKeys { candidates, rejected } = collapse(request, resolved, kept, basis, group_of);
    let ranked = candidates.into_iter().map(|Candidate { item, position, options }| {
        let worth = Worth::of(item, position, options, request, basis.catalogue);
        let worth = if is_aggressive { worth } else { worth.without_terms() };
        RankedItem { worth, item, options }
    });
    let mut ranked: Vec<RankedItem> = ranked.collect();
    ranked.sort_unstable_by_key(|candidate| Reverse(candidate.worth));
    (ranked, rejected)
}

/// Fits the instruments into the limits of the broker.
fn fit_at_broker(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: Vec<ResolvedItem>,
    basis: Basis<'_>,
) -> Result<KeySelection, PinnedOverCapacity> {
    let (ranked, mut rejected) = ranked_at_broker(request, resolved, kept, basis);
    let mut fitted = fit::fit(request, resolved, &ranked, basis)?;
    rejected.append(&mut fitted.rejected);
    let is_kept = |candidate: &RankedItem| fitted.is_kept(candidate.item);
    let mut kept: Vec<(Worth, ResolvedItem)> =
        ranked.iter().filter(|of| is_kept(of)).map(|of| (of.worth, of.item)).collect();
    let items =
        |kept: Vec<(Worth, ResolvedItem)>| kept.into_iter().map(|(_, item)| item).collect::<Vec<ResolvedItem>>();
    let kept = match request.options.optimization_level {
        OptimizationLevel::Aggressive => {
            sort_by_worth(&mut kept, &resolved.keys);
            items(kept)
        }
        OptimizationLevel::Moderate => {
            let mut kept = items(kept);
            sort_by_key(&mut kept, &resolved.keys);
            kept
        }
        OptimizationLevel::Low => {
            kept.sort_unstable_by_key(|(worth, _)| worth.position());
            items(kept)
        }
    };
    Ok(KeySelection { kept, rejected, fitted: Some(fitted) })
}

/// Keeps the first keys, those of higher priority before all others. The order does not change.
fn truncate(request: &PlanRequest, resolved: &Resolved, mut kept: Vec<ResolvedItem>) -> KeySelection {
    let max = request.options.max_instruments as usize;
    if kept.len() <= max {
        return KeySelection { kept, rejected: Vec::new(), fitted: None };
    }
    let beyond: Vec<ResolvedItem> = if resolved.options.is_empty() {
        kept.split_off(max)
    } else {
        let mut ranked: Vec<(usize, ResolvedItem)> = kept.into_iter().enumerate().collect();
        ranked.sort_by_key(|(_, item)| Reverse(resolved.options_of(item.position).priority));
        let beyond = ranked.split_off(max);
        ranked.sort_unstable_by_key(|(place, _)| *place);
        kept = ranked.into_iter().map(|(_, item)| item).collect();
        beyond.into_iter().map(|(_, item)| item).collect()
    };
    KeySelection { kept, rejected: over_limit(request, &resolved.keys, &beyond), fitted: None }
}

fn over_limit(request: &PlanRequest, keys: &KeyList, beyond: &[ResolvedItem]) -> Vec<(u32, Rejection)> {
    let detail = format!("beyond the maximum of {}", counted(request.options.max_instruments, "instrument"));
    let reject = |item: &ResolvedItem| {
        let key = keys.key(item.position as usize);
        (item.position, Rejection::new(key, Reason::OverLimit, detail.as_str()))
    };
    beyond.iter().map(reject).collect()
}

/// Collapses aliases and cross-listings, and keeps the candidates that are worth most. Among candidates of the same
/// availability and priority, each exchange gets its fair share of the slots. Keys that the catalog does not contain
/// get the remaining slots, in the caller's order.
fn prioritise(request: &PlanRequest, resolved: &Resolved, kept: Vec<ResolvedItem>, basis: Basis<'_>) -> KeySelection {
    let keys = &resolved.keys;
    let GroupedKeys { candidates, mut rejected } = collapse(request, resolved, kept, basis, root_of);
    let max = request.options.max_instruments as usize;
    let rank = |Candidate { item, position, .. }| {
        let options = resolved.options_of(item.position);
        (Worth::of(item, position, options, request, basis.catalogue), item)
    };
    let mut ranked: Vec<(Worth, ResolvedItem)> = candidates.into_iter().map(rank).collect();
    if ranked.len() > max {
        ranked.sort_unstable_by_key(|(worth, _)| Reverse(*worth));
        let mut chosen = Vec::with_capacity(max);
        let mut beyond = Vec::with_capacity(ranked.len() - max);
        for class in ranked.chunk_by(|(a, _), (b, _)| a.is_of_class(b)) {
            let slots = max - chosen.len();
            if class[0].0.availability == Availability::Unknown {
                let (first, rest) = class.split_at(slots.min(class.len()));
                chosen.extend_from_slice(first);
                beyond.extend(rest.iter().map(|(_, item)| *item));
            } else {
                share_out(keys, class, slots, &mut chosen, &mut beyond);
            }
        }
        ranked = chosen;
        rejected.append(&mut over_limit(request, keys, &beyond));
    }
    sort_by_worth(&mut ranked, keys);
    KeySelection { kept: ranked.into_iter().map(|(_, item)| item).collect(), rejected, fitted: None }
}

/// Distributes slots among the candidates of one class, which are sorted by worth.
fn share_out(
    keys: &KeyList,
    class: &[(Worth, ResolvedItem)],
    slots: usize,
    chosen: &mut Vec<(Worth, ResolvedItem)>,
    beyond: &mut Vec<ResolvedItem>,
) {
    let exchange_of = |item: &ResolvedItem| {
        let key = keys.key(item.position as usize);
        key.split_once(':').map_or("", |(exchange, _)| exchange)
    };
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (_, item) in class {
        *counts.entry(exchange_of(item)).or_default() += 1;
    }
    let mut open = fair_shares(&counts, slots);
    for (worth, item) in class {
        match open.get_mut(exchange_of(item)).filter(|slots| **slots > 0) {
            Some(slots) => {
                *slots -= 1;
                chosen.push((*worth, *item));
            }
            None => beyond.push(*item),
        }
    }
}

/// One key of each group, and the keys that it represents.
struct GroupedKeys {
    candidates: Vec<Candidate>,
    rejected: Vec<(u32, Rejection)>,
}

/// The key that represents its group.
struct Candidate {
    item: ResolvedItem,
    /// The position of the group's first key in the request: callers list the most important keys first.
    position: u32,
    /// The merged options of all keys of the group.
    options: ItemOptions,
}

/// The preference of a key: the greatest of a group represents it. The fields decide in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    availability: Availability,
    is_pinned: bool,
    priority: u32,
    /// Whether the request gives it a mode that makes a difference.
    has_own_mode: bool,
    is_on_nse: bool,
    is_no_alias: bool,
    id: Reverse<InstrumentId>,
}

/// The best key of a group so far.
#[derive(Clone, Copy)]
struct Best {
    id: InstrumentId,
    own_position: u32,
    /// The first position of the group.
    position: u32,
    options: ItemOptions,
}

/// Keeps one key of each group, and rejects the others as its aliases.
fn collapse(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: Vec<ResolvedItem>,
    basis: Basis<'_>,
    group_of: fn(&Catalogue, InstrumentId) -> InstrumentId,
) -> GroupedKeys {
    let Basis { catalogue, brokers } = basis;
    let group_of = grouping(resolved, &kept, catalogue, group_of);
    let (feed, usual) = (&request.feed, request.feed.mode_of_others(request.subscription_type, brokers));
    let has_own_mode = |own: Option<Mode>| usual.is_some_and(|usual| own.is_some_and(|own| own != usual));
    let preference = |position: u32, id: InstrumentId| {
        let (instrument, options) = (catalogue.get(id), resolved.options_of(position));
        Preference {
            availability: Availability::of(Some(id), catalogue, feed.broker, request.options.as_of),
            is_pinned: options.is_pinned,
            priority: options.priority,
            has_own_mode: has_own_mode(options.mode),
            is_on_nse: instrument.exchange() == Exchange::Nse,
            is_no_alias: !instrument.is_alias(),
            id: Reverse(id),
        }
    };
    // The instruments of all groups are read first, so that the processor waits for the memory of many at once.
    let groups: Vec<Option<InstrumentId>> = kept.iter().map(|item| Some(group_of(item.id?))).collect();
    let mut best: HashMap<InstrumentId, Best, RandomState> =
        HashMap::with_capacity_and_hasher(kept.len(), RandomState::default());
    for (item, group) in kept.iter().zip(&groups) {
        let Some((id, group)) = item.id.zip(*group) else { continue };
        match best.entry(group) {
            Entry::Vacant(entry) => {
                let options = resolved.options_of(item.position);
                entry.insert(Best { id, own_position: item.position, position: item.position, options });
            }
            Entry::Occupied(mut entry) => {
                let best = entry.get_mut();
                best.position = item.position.min(best.position);
                best.options.merge(resolved.options_of(item.position), usual);
                if preference(item.position, id) > preference(best.own_position, best.id) {
                    (best.id, best.own_position) = (id, item.position);
                }
            }
        }
    }
    let mut rejected = Vec::new();
    let mut candidates = Vec::with_capacity(kept.len());
    for (item, group) in kept.into_iter().zip(groups) {
        match item.id.zip(group.map(|group| best[&group])) {
            Some((id, Best { id: best, .. })) if id != best => {
                let key = resolved.keys.key(item.position as usize);
                let best = catalogue.key(best);
                let mut rejection = Rejection::new(key, Reason::Alias, format!("the same instrument as `{best}`"));
                rejection.suggestions.push(best.to_owned());
                rejected.push((item.position, rejection));
            }
            Some((_, Best { position, options, .. })) => candidates.push(Candidate { item, position, options }),
            None => {
                let (position, options) = (item.position, resolved.options_of(item.position));
                candidates.push(Candidate { item, position, options });
            }
        }
    }
    GroupedKeys { candidates, rejected }
}

/// Returns the group of each key. If several listings of one security are pinned, each of them is a group, and the
/// other listings belong to the first one.
fn grouping<'a>(
    resolved: &Resolved,
    kept: &[ResolvedItem],
    catalogue: &'a Catalogue,
    group_of: fn(&Catalogue, InstrumentId) -> InstrumentId,
) -> impl Fn(InstrumentId) -> InstrumentId + use<'a> {
    let mut pinned: HashMap<InstrumentId, Vec<InstrumentId>> = HashMap::new();
    if resolved.options.iter().any(|options| options.is_pinned) {
        for item in kept.iter().filter(|item| resolved.options_of(item.position).is_pinned) {
            let Some(id) = item.id else { continue };
            let (group, target) = (pinned.entry(group_of(catalogue, id)).or_default(), catalogue.target(id));
            if !group.contains(&target) {
                group.push(target);
            }
        }
    }
    move |id| {
        let group = group_of(catalogue, id);
        match pinned.get(&group) {
            Some(targets) if targets.len() > 1 => {
                let target = catalogue.target(id);
                if targets.contains(&target) { target } else { targets[0] }
            }
            _ => group,
        }
    }
}

/// Returns the instrument that represents another one if aliases and cross-listings are collapsed; an alias of a
/// listing is two steps away.
fn root_of(catalogue: &Catalogue, id: InstrumentId) -> InstrumentId {
    catalogue.get(catalogue.get(id).group()).group()
}

/// Distributes `slots` over exchanges like water over vessels: each gets as many as the others until it has no more
/// candidates, and the rest goes to those that have.
///
/// Invariant: the sum of the shares is `slots` or the number of all candidates, whichever is less.
fn fair_shares<'a>(candidates: &HashMap<&'a str, usize>, slots: usize) -> HashMap<&'a str, usize> {
    let mut vessels: Vec<(usize, &str)> = candidates.iter().map(|(exchange, count)| (*count, *exchange)).collect();
    vessels.sort_unstable();
    let mut left = slots;
    let mut shares = HashMap::with_capacity(vessels.len());
    let total = vessels.len();
    for (index, (count, exchange)) in vessels.into_iter().enumerate() {
        let share = count.min(left / (total - index));
        left -= share;
        shares.insert(exchange, share);
    }
    shares
}

#[cfg(test)]
mod tests;
