//! Fits what the filter left under the maximum, by the level asked for.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;

use crate::catalogue::{Catalogue, InstrumentId};
use crate::instrument::{Exchange, compare_keys};
use crate::plan::{Reason, Rejection};
use crate::request::{Item, OptimizationLevel, PlanRequest};
use crate::worth::{Availability, Worth};

/// What the optimiser keeps, in the order of the plan, and what it took out with its position in the request.
pub(crate) struct Optimised {
    pub(crate) kept: Vec<Item>,
    pub(crate) rejected: Vec<(u32, Rejection)>,
}

pub(crate) fn optimise(request: &PlanRequest, kept: Vec<Item>, catalogue: &Catalogue) -> Optimised {
    let level = request.options.optimization_level;
    if level == OptimizationLevel::Aggressive {
        return prioritise(request, kept, catalogue);
    }
    let (kept, mut rejected) = match request.feed.broker {
        // All names of an instrument have one token at a broker.
        Some(_) => {
            let Collapsed { mut candidates, rejected } = collapse(request, kept, catalogue, Catalogue::target);
            candidates.sort_unstable_by_key(|candidate| candidate.position);
            (candidates.into_iter().map(|candidate| candidate.item).collect(), rejected)
        }
        None => (kept, Vec::new()),
    };
    let mut optimised = truncate(request, kept);
    optimised.rejected.append(&mut rejected);
    if level == OptimizationLevel::Moderate {
        let text = |item: &Item| request.instruments.key(item.position as usize);
        if optimised.kept.iter().all(|item| item.id.is_some()) {
            optimised.kept.sort_unstable_by_key(|item| item.id);
        } else {
            optimised.kept.sort_unstable_by(|a, b| compare_keys(text(a), text(b)));
        }
    }
    optimised
}

/// Keeps the first, but those of higher priority before all others. The order stays.
fn truncate(request: &PlanRequest, mut kept: Vec<Item>) -> Optimised {
    let max = request.options.max_instruments as usize;
    if kept.len() <= max {
        return Optimised { kept, rejected: Vec::new() };
    }
    let beyond: Vec<Item> = if request.feed.priorities.is_empty() {
        kept.split_off(max)
    } else {
        let mut ranked: Vec<(usize, Item)> = kept.into_iter().enumerate().collect();
        request.feed.sort(&mut ranked, |(_, item)| request.instruments.key(item.position as usize));
        let beyond = ranked.split_off(max);
        ranked.sort_unstable_by_key(|(place, _)| *place);
        kept = ranked.into_iter().map(|(_, item)| item).collect();
        beyond.into_iter().map(|(_, item)| item).collect()
    };
    Optimised { kept, rejected: over_limit(request, &beyond) }
}

fn over_limit(request: &PlanRequest, beyond: &[Item]) -> Vec<(u32, Rejection)> {
    let detail = format!("beyond the maximum of {} instruments", request.options.max_instruments);
    let reject = |item: &Item| {
        let key = request.instruments.key(item.position as usize);
        (item.position, Rejection::new(key, Reason::OverLimit, detail.as_str()))
    };
    beyond.iter().map(reject).collect()
}

/// Collapses aliases and cross-listings, and keeps the candidates of most worth. Among those of one availability and priority each
/// exchange gets its fair share of the slots; keys that the catalogue lacks get the slots that are left, in the caller's order.
fn prioritise(request: &PlanRequest, kept: Vec<Item>, catalogue: &Catalogue) -> Optimised {
    let Collapsed { candidates, mut rejected } = collapse(request, kept, catalogue, root_of);
    let max = request.options.max_instruments as usize;
    let rank = |Candidate { item, position }| (Worth::of(item, position, request, catalogue), item);
    let mut ranked: Vec<(Worth, Item)> = candidates.into_iter().map(rank).collect();
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
                share_out(request, class, slots, &mut chosen, &mut beyond);
            }
        }
        ranked = chosen;
        rejected.append(&mut over_limit(request, &beyond));
    }
    // The order of the plan must not depend on the order of the request, which is free if all of it fits.
    let text = |item: &Item| request.instruments.key(item.position as usize);
    ranked.sort_unstable_by(|(a_worth, a), (b_worth, b)| {
        let by_worth = b_worth.without_position().cmp(&a_worth.without_position());
        by_worth.then_with(|| match (a.id, b.id) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => compare_keys(text(a), text(b)),
        })
    });
    Optimised { kept: ranked.into_iter().map(|(_, item)| item).collect(), rejected }
}

/// Shares slots out among the candidates of one class, which are sorted by worth.
fn share_out(
    request: &PlanRequest,
    class: &[(Worth, Item)],
    slots: usize,
    chosen: &mut Vec<(Worth, Item)>,
    beyond: &mut Vec<Item>,
) {
    let exchange_of = |item: &Item| {
        let key = request.instruments.key(item.position as usize);
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

/// One key of each group, and the keys that it stands for.
struct Collapsed {
    candidates: Vec<Candidate>,
    rejected: Vec<(u32, Rejection)>,
}

/// The key that stands for its group.
struct Candidate {
    item: Item,
    /// Where the first key of the group is in the request: what a caller lists first matters most, whichever key stands for it.
    position: u32,
}

/// Which key of a group stands for it: the greatest. The fields decide in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    availability: Availability,
    priority: u32,
    /// Whether the request gives it a mode that makes a difference.
    has_own_mode: bool,
    is_on_nse: bool,
    is_no_alias: bool,
    id: Reverse<InstrumentId>,
}

/// Keeps one key of each group, and rejects the others as its aliases.
fn collapse(
    request: &PlanRequest,
    kept: Vec<Item>,
    catalogue: &Catalogue,
    group_of: fn(&Catalogue, InstrumentId) -> InstrumentId,
) -> Collapsed {
    let (feed, usual) = (&request.feed, request.feed.mode_of_others(request.subscription_type));
    let has_own_mode = |key: &str| usual.is_some_and(|usual| feed.modes.get(key).is_some_and(|own| *own != usual));
    let preference = |id: InstrumentId| {
        let (instrument, key) = (catalogue.get(id), catalogue.key(id));
        Preference {
            availability: Availability::of(Some(id), catalogue, feed.broker, request.options.as_of),
            priority: feed.priority(key),
            has_own_mode: !feed.modes.is_empty() && has_own_mode(key),
            is_on_nse: instrument.exchange() == Exchange::Nse,
            is_no_alias: !instrument.is_alias(),
            id: Reverse(id),
        }
    };
    // All groups first: the processor waits for the memory of many at once.
    let groups: Vec<Option<InstrumentId>> = kept.iter().map(|item| item.id.map(|id| group_of(catalogue, id))).collect();
    // The best of each group so far, and the first position.
    let mut best: HashMap<InstrumentId, (InstrumentId, u32), RandomState> =
        HashMap::with_capacity_and_hasher(kept.len(), RandomState::default());
    for (item, group) in kept.iter().zip(&groups) {
        let Some((id, group)) = item.id.zip(*group) else { continue };
        match best.entry(group) {
            Entry::Vacant(entry) => {
                entry.insert((id, item.position));
            }
            Entry::Occupied(mut entry) => {
                let (best, position) = entry.get_mut();
                *position = item.position.min(*position);
                if preference(id) > preference(*best) {
                    *best = id;
                }
            }
        }
    }
    let mut rejected = Vec::new();
    let mut candidates = Vec::with_capacity(kept.len());
    for (item, group) in kept.into_iter().zip(groups) {
        match item.id.zip(group.map(|group| best[&group])) {
            Some((id, (best, _))) if id != best => {
                let key = request.instruments.key(item.position as usize);
                let best = catalogue.key(best);
                let mut rejection = Rejection::new(key, Reason::Alias, format!("the same instrument as `{best}`"));
                rejection.suggestions.push(best.to_owned());
                rejected.push((item.position, rejection));
            }
            Some((_, (_, position))) => candidates.push(Candidate { item, position }),
            None => candidates.push(Candidate { item, position: item.position }),
        }
    }
    Collapsed { candidates, rejected }
}

/// Returns what stands for an instrument if aliases and cross-listings are collapsed; an alias of a listing is two steps away.
fn root_of(catalogue: &Catalogue, id: InstrumentId) -> InstrumentId {
    catalogue.get(catalogue.get(id).group()).group()
}

/// Shares `slots` over exchanges like water over vessels: each gets as much as the others until it has no more
/// candidates, and what is left over goes to those that have.
///
/// Invariant: the shares sum to `slots` or to all candidates, whichever is less.
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
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::dump::Broker;
    use crate::request::{FilteringStrictness, Resolved};
    use crate::testing::{equity, future, index, request};

    fn catalogue() -> Catalogue {
        let mut builder = Builder::new();
        builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
        for (symbol, isin) in [("TCS", "INE467B01029"), ("INFY", "INE009A01021"), ("ACC", "INE012A01025")] {
            builder.add(equity("NSE", symbol, isin), true);
            builder.add(equity("BSE", symbol, isin), true);
        }
        builder.add(future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"), true);
        builder.add(future("NIFTY", "NIFTY26SEPFUT", "2026-09-29"), true);
        builder.build("1".into(), vec![])
    }

    /// No contract of the catalogue has expired by then.
    const AS_OF: &str = "2026-08-01";

    fn outcome(level: OptimizationLevel, max: u32, keys: &[&str]) -> (Vec<String>, Vec<(String, Reason)>) {
        let mut request = request(keys);
        request.options.optimization_level = level;
        request.options.max_instruments = max;
        request.options.as_of = AS_OF.parse().unwrap();
        let catalogue = catalogue();
        let resolved = Resolved::new(&request, &catalogue, &[0; 32]);
        let optimised = optimise(&request, resolved.items, &catalogue);
        let text = |item: &Item| request.instruments.key(item.position as usize).to_owned();
        let rejected = optimised.rejected.into_iter().map(|(_, r)| (r.instrument, r.reason)).collect();
        (optimised.kept.iter().map(text).collect(), rejected)
    }

    #[test]
    fn low_keeps_the_callers_order_and_the_first() {
        let (kept, rejected) = outcome(OptimizationLevel::Low, 2, &["NSE:TCS", "BSE:ACC", "NSE:INFY"]);

        assert_eq!(kept, ["NSE:TCS", "BSE:ACC"]);
        assert_eq!(rejected, [("NSE:INFY".to_owned(), Reason::OverLimit)]);
    }

    #[test]
    fn moderate_sorts_only_what_is_kept() {
        let (kept, rejected) = outcome(OptimizationLevel::Moderate, 2, &["NSE:TCS", "NSE:INFY", "BSE:ACC"]);

        assert_eq!(kept, ["NSE:INFY", "NSE:TCS"]);
        assert_eq!(rejected, [("BSE:ACC".to_owned(), Reason::OverLimit)]);
    }

    #[test]
    fn aggressive_collapses_aliases_and_cross_listings_onto_nse() {
        let keys = ["BSE:TCS", "NSE:NIFTY", "NSE:TCS", "NSE:NIFTY 50", "BSE:ACC"];

        let (kept, mut rejected) = outcome(OptimizationLevel::Aggressive, 10, &keys);

        rejected.sort();
        assert_eq!(kept, ["NSE:NIFTY 50", "BSE:ACC", "NSE:TCS"]);
        assert_eq!(rejected, [("BSE:TCS".to_owned(), Reason::Alias), ("NSE:NIFTY".to_owned(), Reason::Alias)]);
    }

    #[test]
    fn aggressive_ranks_by_class_then_expiry() {
        let keys = ["NFO:NIFTY26SEPFUT", "NFO:NIFTY26AUGFUT", "NSE:TCS", "NSE:NIFTY 50"];

        let (kept, _) = outcome(OptimizationLevel::Aggressive, 10, &keys);

        assert_eq!(kept, ["NSE:NIFTY 50", "NSE:TCS", "NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT"]);
    }

    #[test]
    fn aggressive_is_fair_over_exchanges_and_leaves_no_slot_empty() {
        let keys = ["NSE:TCS", "NSE:INFY", "NSE:ACC", "NFO:NIFTY26AUGFUT", "NSE:NIFTY 50"];

        let (kept, rejected) = outcome(OptimizationLevel::Aggressive, 4, &keys);

        // One of NFO fits into its half; its unused slot goes to NSE, whose last candidate in the caller's order loses.
        assert_eq!(kept, ["NSE:NIFTY 50", "NSE:INFY", "NSE:TCS", "NFO:NIFTY26AUGFUT"]);
        assert_eq!(rejected, [("NSE:ACC".to_owned(), Reason::OverLimit)]);
    }

    #[test]
    fn what_is_of_higher_priority_goes_before_worth_and_fairness() {
        let keys = ["NSE:TCS", "NSE:INFY", "NSE:NIFTY 50", "NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT"];
        let mut request = request(&keys);
        request.options.optimization_level = OptimizationLevel::Aggressive;
        request.options.max_instruments = 3;
        request.options.as_of = AS_OF.parse().unwrap();
        let priorities = [("NFO:NIFTY26SEPFUT", 2), ("NSE:INFY", 1)];
        request.feed.priorities = priorities.map(|(key, number)| (key.to_owned(), number)).into();
        let catalogue = catalogue();
        let resolved = Resolved::new(&request, &catalogue, &[0; 32]);

        let optimised = optimise(&request, resolved.items, &catalogue);

        let text = |item: &Item| request.instruments.key(item.position as usize).to_owned();
        let kept: Vec<String> = optimised.kept.iter().map(text).collect();
        assert_eq!(kept, ["NFO:NIFTY26SEPFUT", "NSE:INFY", "NSE:NIFTY 50"]);
        assert_eq!(optimised.rejected.len(), 2);
    }

    #[test]
    fn priorities_decide_what_stays_at_every_level_and_low_keeps_the_callers_order() {
        let mut request = request(&["NSE:TCS", "NSE:INFY", "NSE:ACC"]);
        request.options.optimization_level = OptimizationLevel::Low;
        request.options.max_instruments = 2;
        request.feed.priorities = [("NSE:ACC".to_owned(), 2), ("NSE:INFY".to_owned(), 1)].into();
        let catalogue = catalogue();
        let kept = |request: &PlanRequest| -> Vec<String> {
            let items = Resolved::new(request, &catalogue, &[0; 32]).items;
            let kept = optimise(request, items, &catalogue).kept;
            kept.iter().map(|item| request.instruments.key(item.position as usize).to_owned()).collect()
        };

        assert_eq!(kept(&request), ["NSE:INFY", "NSE:ACC"]);
        for level in [OptimizationLevel::Moderate, OptimizationLevel::Aggressive] {
            request.options.optimization_level = level;
            assert_eq!(kept(&request), ["NSE:ACC", "NSE:INFY"], "{level}");
        }
        request.options.optimization_level = OptimizationLevel::Low;
        request.options.max_instruments = 3;
        assert_eq!(kept(&request), ["NSE:TCS", "NSE:INFY", "NSE:ACC"]);
    }

    #[test]
    fn of_one_security_the_listing_that_something_is_said_of_stays() {
        let mut request = request(&["NSE:TCS", "BSE:TCS", "NSE:INFY", "BSE:INFY"]);
        request.options.optimization_level = OptimizationLevel::Aggressive;
        request.feed.priorities = [("BSE:TCS".to_owned(), 2)].into();
        request.feed.modes = [("BSE:INFY".to_owned(), crate::broker::Mode::Full)].into();
        let catalogue = catalogue();
        let items = Resolved::new(&request, &catalogue, &[0; 32]).items;

        let kept = optimise(&request, items, &catalogue).kept;

        let kept: Vec<&str> = kept.iter().map(|item| request.instruments.key(item.position as usize)).collect();
        assert_eq!(kept, ["BSE:TCS", "BSE:INFY"]);
    }

    /// What `optimise` keeps, and each rejected key with the key that stands for it.
    struct Choice {
        kept: Vec<String>,
        over_limit: Vec<String>,
        aliases: Vec<(String, String)>,
    }

    /// Optimises a request against a catalogue of one dead and one live listing, and one that a broker lacks.
    fn choose(keys: &[&str], change: impl FnOnce(&mut PlanRequest)) -> Choice {
        let mut builder = Builder::new();
        builder.add(equity("NSE", "HALTED", "INE000A01011"), false);
        builder.add(equity("BSE", "HALTED", "INE000A01011"), true);
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add(equity("BSE", "TCS", "INE467B01029"), true);
        builder.add(equity("NSE", "INFY", "INE009A01021"), true);
        builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
        builder.add(future("NIFTY", "NIFTY26DECFUT", "2026-12-29"), true);
        builder.add(future("NIFTY", "NIFTY27JANFUT", "2027-01-26"), true);
        for key in ["BSE:HALTED", "BSE:TCS", "NSE:INFY", "NSE:NIFTY 50", "NFO:NIFTY27JANFUT"] {
            builder.add_token(Broker::Upstox, key.to_owned(), "1");
        }
        let catalogue = builder.build("1".into(), vec![]);
        let mut request = request(keys);
        request.options.optimization_level = OptimizationLevel::Aggressive;
        request.options.as_of = "2027-01-05".parse().unwrap();
        change(&mut request);
        let resolved = Resolved::new(&request, &catalogue, &[0; 32]);
        let optimised = optimise(&request, resolved.items, &catalogue);
        let text = |item: &Item| request.instruments.key(item.position as usize).to_owned();
        let (over_limit, aliases): (Vec<_>, Vec<_>) = optimised
            .rejected
            .into_iter()
            .map(|(_, rejection)| rejection)
            .partition(|rejection| rejection.reason == Reason::OverLimit);
        Choice {
            kept: optimised.kept.iter().map(text).collect(),
            over_limit: over_limit.into_iter().map(|rejection| rejection.instrument).collect(),
            aliases: aliases.into_iter().map(|mut one| (one.instrument, one.suggestions.remove(0))).collect(),
        }
    }

    fn pair(alias: &str, kept: &str) -> (String, String) {
        (alias.to_owned(), kept.to_owned())
    }

    #[test]
    fn a_live_listing_beats_a_dead_one() {
        for keys in [["NSE:HALTED", "BSE:HALTED"], ["BSE:HALTED", "NSE:HALTED"]] {
            let choice = choose(&keys, |_| {});

            assert_eq!(choice.kept, ["BSE:HALTED"]);
            assert_eq!(choice.aliases, [pair("NSE:HALTED", "BSE:HALTED")]);
        }
    }

    #[test]
    fn a_priority_does_not_revive_a_dead_listing() {
        let choice = choose(&["NSE:HALTED", "BSE:HALTED"], |request| {
            request.feed.priorities = [("NSE:HALTED".to_owned(), 9)].into();
        });

        assert_eq!(choice.kept, ["BSE:HALTED"]);
    }

    #[test]
    fn a_listing_of_the_named_broker_beats_nse() {
        for strictness in [FilteringStrictness::Lenient, FilteringStrictness::Moderate] {
            let choice = choose(&["NSE:TCS", "BSE:TCS"], |request| {
                request.options.filtering_strictness = strictness;
                request.feed.broker = Some(Broker::Upstox);
            });

            assert_eq!(choice.kept, ["BSE:TCS"], "{strictness}");
            assert_eq!(choice.aliases, [pair("NSE:TCS", "BSE:TCS")]);
        }
        assert_eq!(choose(&["BSE:TCS", "NSE:TCS"], |_| {}).kept, ["NSE:TCS"], "without a broker");
    }

    #[test]
    fn an_expired_contract_takes_no_slot_of_a_live_one() {
        let choice = choose(&["NFO:NIFTY26DECFUT", "NFO:NIFTY27JANFUT"], |request| {
            request.options.max_instruments = 1;
        });

        assert_eq!(choice.kept, ["NFO:NIFTY27JANFUT"]);
        assert_eq!(choice.over_limit, ["NFO:NIFTY26DECFUT"]);
    }

    #[test]
    fn dead_instruments_follow_live_ones_if_all_fit() {
        let choice = choose(&["NSE:HALTED", "NFO:NIFTY26DECFUT", "NFO:NIFTY27JANFUT"], |_| {});

        assert_eq!(choice.kept, ["NFO:NIFTY27JANFUT", "NSE:HALTED", "NFO:NIFTY26DECFUT"]);
    }

    #[test]
    fn unknown_keys_get_the_slots_that_are_left() {
        let keep = |max: u32, keys: &[&str]| {
            let choice = choose(keys, |request| {
                request.options.max_instruments = max;
                request.feed.priorities = [("ZZ:NOPE2".to_owned(), 1)].into();
            });
            choice.kept
        };
        let keys = ["ZZ:NOPE1", "NSE:TCS", "YY:NOPE3", "ZZ:NOPE2", "NFO:NIFTY26DECFUT", "NSE:INFY"];

        assert_eq!(keep(1, &["NSE:TCS", "ZZ:NOPE1"]), ["NSE:TCS"]);
        assert_eq!(keep(2, &keys), ["NSE:INFY", "NSE:TCS"]);
        assert_eq!(keep(3, &keys), ["NSE:INFY", "NSE:TCS", "NFO:NIFTY26DECFUT"]);
        assert_eq!(keep(5, &keys), ["NSE:INFY", "NSE:TCS", "NFO:NIFTY26DECFUT", "ZZ:NOPE2", "ZZ:NOPE1"]);
    }

    #[test]
    fn a_group_ranks_where_its_first_key_is() {
        let keys = ["BSE:TCS", "NSE:INFY", "NSE:TCS"];

        let choice = choose(&keys, |request| request.options.max_instruments = 1);

        assert_eq!(choice.kept, ["NSE:TCS"]);
        assert_eq!(choice.over_limit, ["NSE:INFY"]);
    }

    #[test]
    fn names_of_an_instrument_share_a_slot_at_a_broker() {
        for level in OptimizationLevel::ALL {
            let keep = |broker, max| {
                choose(&["NSE:NIFTY", "NSE:INFY", "NSE:NIFTY 50"], |request| {
                    request.options.optimization_level = *level;
                    request.options.max_instruments = max;
                    request.feed.broker = broker;
                })
            };

            let at_broker = keep(Some(Broker::Upstox), 2);

            let mut kept = at_broker.kept;
            kept.sort();
            assert_eq!(kept, ["NSE:INFY", "NSE:NIFTY 50"], "{level}");
            assert_eq!(at_broker.aliases, [pair("NSE:NIFTY", "NSE:NIFTY 50")], "{level}");
            assert!(at_broker.over_limit.is_empty(), "{level}");
            // The first key decides what stays, whichever name stands for it.
            assert_eq!(keep(Some(Broker::Upstox), 1).kept, ["NSE:NIFTY 50"], "{level}");
            let is_collapsed = *level == OptimizationLevel::Aggressive;
            assert_eq!(keep(None, 9).aliases.is_empty(), !is_collapsed, "{level}");
        }
    }

    #[test]
    fn cross_listings_stay_at_a_broker_unless_aggressive() {
        for level in [OptimizationLevel::Low, OptimizationLevel::Moderate] {
            let choice = choose(&["NSE:TCS", "BSE:TCS"], |request| {
                request.options.optimization_level = level;
                request.feed.broker = Some(Broker::Upstox);
            });

            assert_eq!(choice.kept.len(), 2, "{level}");
        }
    }

    #[test]
    fn low_keeps_the_callers_order_when_it_collapses_names() {
        let choice = choose(&["NSE:NIFTY", "NSE:TCS", "NSE:INFY", "NSE:NIFTY 50"], |request| {
            request.options.optimization_level = OptimizationLevel::Low;
            request.options.max_instruments = 2;
            request.feed.broker = Some(Broker::Upstox);
            request.feed.priorities = [("NSE:INFY".to_owned(), 1)].into();
        });

        assert_eq!(choice.kept, ["NSE:NIFTY 50", "NSE:INFY"]);
        assert_eq!(choice.over_limit, ["NSE:TCS"]);
    }

    #[test]
    fn shares_level_out() {
        let counts = HashMap::from([("NSE", 100), ("BSE", 2), ("NFO", 100)]);

        let shares = fair_shares(&counts, 11);

        assert_eq!(shares["BSE"], 2);
        assert_eq!(shares["NSE"] + shares["NFO"], 9);
        assert!(shares["NSE"].abs_diff(shares["NFO"]) == 1);
    }
}
