//! Fits what the filter left under the maximum, by the level asked for.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::NaiveDate;
use foldhash::fast::RandomState;

use crate::catalogue::{Catalogue, InstrumentId};
use crate::instrument::{Exchange, compare_keys};
use crate::plan::{Reason, Rejection};
use crate::request::{Item, OptimizationLevel, PlanRequest};

/// What the optimiser keeps, in the order of the plan, and what it took out with its position in the request.
pub(crate) struct Optimised {
    pub(crate) kept: Vec<Item>,
    pub(crate) rejected: Vec<(u32, Rejection)>,
}

pub(crate) fn optimise(request: &PlanRequest, kept: Vec<Item>, catalogue: &Catalogue) -> Optimised {
    match request.options.optimization_level {
        OptimizationLevel::Low => truncate(request, kept),
        OptimizationLevel::Moderate => {
            let mut optimised = truncate(request, kept);
            let text = |item: &Item| request.instruments.key(item.position as usize);
            if optimised.kept.iter().all(|item| item.id.is_some()) {
                optimised.kept.sort_unstable_by_key(|item| item.id);
            } else {
                optimised.kept.sort_unstable_by(|a, b| compare_keys(text(a), text(b)));
            }
            optimised
        }
        OptimizationLevel::Aggressive => prioritise(request, kept, catalogue),
    }
}

/// Keeps the first of the caller's order, but for priorities.
fn truncate(request: &PlanRequest, mut kept: Vec<Item>) -> Optimised {
    let max = request.options.max_instruments as usize;
    if kept.len() <= max {
        return Optimised { kept, rejected: Vec::new() };
    }
    request.feed.sort(&mut kept, |item| request.instruments.key(item.position as usize));
    let beyond = kept.split_off(max);
    kept.sort_unstable_by_key(|item| item.position);
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

/// Collapses aliases and cross-listings. Where not all fit, candidates of higher priority go before all others; among equals
/// each exchange gets its fair share of the slots, and each share is filled with the candidates of most worth.
fn prioritise(request: &PlanRequest, kept: Vec<Item>, catalogue: &Catalogue) -> Optimised {
    let (candidates, mut rejected) = collapse(request, kept, catalogue);
    let max = request.options.max_instruments as usize;
    let mut ranked: Vec<(Rank, Item)> = candidates.into_iter().map(|item| (Rank::of(item, catalogue), item)).collect();
    if ranked.len() > max {
        // Among equals, what the caller lists first matters most.
        ranked.sort_unstable_by_key(|(rank, item)| (*rank, item.position));
        let mut chosen = Vec::with_capacity(max);
        let mut beyond = Vec::with_capacity(ranked.len() - max);
        let key = |item: &Item| request.instruments.key(item.position as usize);
        let priority = |item: &Item| request.feed.priority(key(item));
        request.feed.sort(&mut ranked, |(_, item)| key(item));
        for equals in ranked.chunk_by(|(_, a), (_, b)| priority(a) == priority(b)) {
            share_out(request, equals, max - chosen.len(), &mut chosen, &mut beyond);
        }
        ranked = chosen;
        rejected.append(&mut over_limit(request, &beyond));
    }
    // The order of the plan must not depend on the order of the request, which is free where all of it fits.
    let text = |item: &Item| request.instruments.key(item.position as usize);
    ranked.sort_unstable_by(|(a_rank, a), (b_rank, b)| {
        a_rank.cmp(b_rank).then_with(|| match (a.id, b.id) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => compare_keys(text(a), text(b)),
        })
    });
    Optimised { kept: ranked.into_iter().map(|(_, item)| item).collect(), rejected }
}

/// Shares slots out among candidates of one priority, which are sorted by worth.
fn share_out(
    request: &PlanRequest,
    equals: &[(Rank, Item)],
    slots: usize,
    chosen: &mut Vec<(Rank, Item)>,
    beyond: &mut Vec<Item>,
) {
    let exchange_of = |item: &Item| {
        let key = request.instruments.key(item.position as usize);
        key.split_once(':').map_or("", |(exchange, _)| exchange)
    };
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (_, item) in equals {
        *counts.entry(exchange_of(item)).or_default() += 1;
    }
    let mut open = fair_shares(&counts, slots);
    for (rank, item) in equals {
        match open.get_mut(exchange_of(item)).filter(|slots| **slots > 0) {
            Some(slots) => {
                *slots -= 1;
                chosen.push((*rank, *item));
            }
            None => beyond.push(*item),
        }
    }
}

/// Worth of a candidate: its class, then the nearer expiry. What the catalogue lacks is worth least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    class: u8,
    expiry: Option<NaiveDate>,
}

impl Rank {
    fn of(item: Item, catalogue: &Catalogue) -> Self {
        match item.id.map(|id| catalogue.get(id)) {
            Some(instrument) => Rank { class: instrument.class().worth_rank(), expiry: instrument.expiry() },
            None => Rank { class: u8::MAX, expiry: None },
        }
    }
}

/// Keeps one of each group of aliases and listings of one security: the one of the highest priority, or else with a mode of its
/// own, on NSE rather than elsewhere, the instrument itself rather than an alias.
fn collapse(request: &PlanRequest, kept: Vec<Item>, catalogue: &Catalogue) -> (Vec<Item>, Vec<(u32, Rejection)>) {
    let (feed, usual) = (&request.feed, request.feed.mode_of_others(request.subscription_type));
    let says_nothing = feed.modes.is_empty() && feed.priorities.is_empty();
    // Its priority, and whether it has a mode that makes a difference.
    let said_of = |id: InstrumentId| {
        if says_nothing {
            return (0, false);
        }
        let key = catalogue.key(id);
        let has_mode = usual.is_some_and(|usual| feed.modes.get(key).is_some_and(|own| *own != usual));
        (feed.priority(key), has_mode)
    };
    let preference = |id: InstrumentId| {
        let instrument = catalogue.get(id);
        (said_of(id), instrument.exchange() == Exchange::Nse, !instrument.is_alias(), Reverse(id))
    };
    // All roots first: the processor waits for the memory of many at once.
    let roots: Vec<Option<InstrumentId>> = kept.iter().map(|item| item.id.map(|id| root_of(id, catalogue))).collect();
    let mut best: HashMap<InstrumentId, InstrumentId, RandomState> =
        HashMap::with_capacity_and_hasher(kept.len(), RandomState::default());
    for (id, root) in kept.iter().zip(&roots).filter_map(|(item, root)| item.id.zip(*root)) {
        let best = best.entry(root).or_insert(id);
        if id != *best && preference(id) > preference(*best) {
            *best = id;
        }
    }
    let mut rejected = Vec::new();
    let mut candidates = Vec::with_capacity(kept.len());
    for (item, root) in kept.into_iter().zip(roots) {
        match item.id.zip(root.map(|root| best[&root])) {
            Some((id, best)) if id != best => {
                let key = request.instruments.key(item.position as usize);
                let best = catalogue.key(best);
                let mut rejection = Rejection::new(key, Reason::Alias, format!("the same instrument as `{best}`"));
                rejection.suggestions.push(best.to_owned());
                rejected.push((item.position, rejection));
            }
            _ => candidates.push(item),
        }
    }
    (candidates, rejected)
}

/// The group of an instrument; an alias of a listing is two steps away from it.
fn root_of(id: InstrumentId, catalogue: &Catalogue) -> InstrumentId {
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
    use crate::request::Resolved;
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

    fn outcome(level: OptimizationLevel, max: u32, keys: &[&str]) -> (Vec<String>, Vec<(String, Reason)>) {
        let mut request = request(keys);
        request.options.optimization_level = level;
        request.options.max_instruments = max;
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
        let priorities = [("NFO:NIFTY26SEPFUT", 2), ("NSE:INFY", 1)];
        request.feed.priorities = priorities.map(|(key, number)| (key.to_owned(), number)).into();
        let catalogue = catalogue();
        let resolved = Resolved::new(&request, &catalogue, &[0; 32]);

        let optimised = optimise(&request, resolved.items, &catalogue);

        let text = |item: &Item| request.instruments.key(item.position as usize).to_owned();
        let kept: Vec<String> = optimised.kept.iter().map(text).collect();
        assert_eq!(kept, ["NSE:NIFTY 50", "NSE:INFY", "NFO:NIFTY26SEPFUT"]);
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
        assert_eq!(kept, ["BSE:INFY", "BSE:TCS"]);
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
