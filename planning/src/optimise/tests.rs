//! Tests which candidates are kept, and in which order.

use super::*;
use crate::catalogue::Builder;
use crate::request::Resolved;
use crate::testing::{basis, equity, future, index, request};
use crate::vocabulary::{Broker, FilteringStrictness};

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

/// A date before the expiry of every contract in the catalog.
const AS_OF: &str = "2026-08-01";

fn outcome(level: OptimizationLevel, max: u32, keys: &[&str]) -> (Vec<String>, Vec<(String, Reason)>) {
    let mut request = request(keys);
    request.options.optimization_level = level;
    request.options.max_instruments = max;
    request.options.as_of = AS_OF.parse().unwrap();
    let catalogue = catalogue();
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let optimised = optimise(&request, &resolved, resolved.items.clone(), basis(&catalogue)).unwrap();
    let text = |item: &ResolvedItem| resolved.keys.key(item.position as usize).to_owned();
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
fn moderate_sorts_only_the_kept_keys() {
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

    // One instrument of NFO fits into its half; its unused slot goes to NSE, whose last candidate in the caller's order
    // is dropped.
    assert_eq!(kept, ["NSE:NIFTY 50", "NSE:INFY", "NSE:TCS", "NFO:NIFTY26AUGFUT"]);
    assert_eq!(rejected, [("NSE:ACC".to_owned(), Reason::OverLimit)]);
}

#[test]
fn priority_precedes_worth_and_fairness() {
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:NIFTY 50", "NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT"];
    let mut request = request(&keys);
    request.options.optimization_level = OptimizationLevel::Aggressive;
    request.options.max_instruments = 3;
    request.options.as_of = AS_OF.parse().unwrap();
    let priorities = [("NFO:NIFTY26SEPFUT", 2), ("NSE:INFY", 1)];
    request.feed.priorities = priorities.map(|(key, number)| (key.to_owned(), number)).into();
    let catalogue = catalogue();
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);

    let optimised = optimise(&request, &resolved, resolved.items.clone(), basis(&catalogue)).unwrap();

    let text = |item: &ResolvedItem| resolved.keys.key(item.position as usize).to_owned();
    let kept: Vec<String> = optimised.kept.iter().map(text).collect();
    assert_eq!(kept, ["NFO:NIFTY26SEPFUT", "NSE:INFY", "NSE:NIFTY 50"]);
    assert_eq!(optimised.rejected.len(), 2);
}

#[test]
fn priorities_decide_at_every_level_and_low_keeps_order() {
    let mut request = request(&["NSE:TCS", "NSE:INFY", "NSE:ACC"]);
    request.options.optimization_level = OptimizationLevel::Low;
    request.options.max_instruments = 2;
    request.feed.priorities = [("NSE:ACC".to_owned(), 2), ("NSE:INFY".to_owned(), 1)].into();
    let catalogue = catalogue();
    let kept = |request: &PlanRequest| -> Vec<String> {
        let resolved = Resolved::new(request, basis(&catalogue), &[0; 32]);
        let kept = optimise(request, &resolved, resolved.items.clone(), basis(&catalogue)).unwrap().kept;
        kept.iter().map(|item| resolved.keys.key(item.position as usize).to_owned()).collect()
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
fn the_listing_with_stream_options_represents_a_security() {
    let mut request = request(&["NSE:TCS", "BSE:TCS", "NSE:INFY", "BSE:INFY"]);
    request.options.optimization_level = OptimizationLevel::Aggressive;
    request.feed.priorities = [("BSE:TCS".to_owned(), 2)].into();
    request.feed.modes = [("BSE:INFY".to_owned(), crate::vocabulary::Mode::Full)].into();
    let catalogue = catalogue();
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);

    let kept = optimise(&request, &resolved, resolved.items.clone(), basis(&catalogue)).unwrap().kept;

    let kept: Vec<&str> = kept.iter().map(|item| resolved.keys.key(item.position as usize)).collect();
    assert_eq!(kept, ["BSE:TCS", "BSE:INFY"]);
}

/// The keys that `optimise` keeps, and each rejected key with the key that represents it.
struct Choice {
    kept: Vec<String>,
    over_limit: Vec<String>,
    aliases: Vec<(String, String)>,
}

/// Optimizes a request against a catalog with one dead and one live listing, and one that a broker lacks.
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
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let optimised = optimise(&request, &resolved, resolved.items.clone(), basis(&catalogue)).unwrap();
    let text = |item: &ResolvedItem| resolved.keys.key(item.position as usize).to_owned();
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
fn a_listing_of_the_requested_broker_beats_nse() {
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
fn unknown_keys_get_the_remaining_slots() {
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
fn a_group_has_the_rank_of_its_first_key() {
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
                request.options.optimization_level = level;
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
        // The first key determines which instrument stays, whichever name represents it.
        assert_eq!(keep(Some(Broker::Upstox), 1).kept, ["NSE:NIFTY 50"], "{level}");
        let is_collapsed = level == OptimizationLevel::Aggressive;
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
fn slots_are_distributed_evenly() {
    let counts = HashMap::from([("NSE", 100), ("BSE", 2), ("NFO", 100)]);

    let shares = fair_shares(&counts, 11);

    assert_eq!(shares["BSE"], 2);
    assert_eq!(shares["NSE"] + shares["NFO"], 9);
    assert!(shares["NSE"].abs_diff(shares["NFO"]) == 1);
}

#[test]
fn pinned_listings_of_a_security_are_kept() {
    let kept = |pinned: &[&str]| {
        let choice = choose(&["NSE:TCS", "BSE:TCS", "NSE:INFY"], |request| {
            request.feed.broker = Some(Broker::Kite);
            request.feed.pinned = pinned.iter().map(|key| (*key).to_owned()).collect();
        });
        (choice.kept, choice.aliases)
    };

    let (both, aliases) = kept(&["NSE:TCS", "BSE:TCS"]);
    assert!(both.contains(&"NSE:TCS".to_owned()) && both.contains(&"BSE:TCS".to_owned()), "{both:?}");
    assert_eq!(aliases, []);
    let (_, aliases) = kept(&["BSE:TCS"]);
    assert_eq!(aliases, [pair("NSE:TCS", "BSE:TCS")]);
    let (_, aliases) = kept(&["NSE:INFY"]);
    assert_eq!(aliases, [pair("BSE:TCS", "NSE:TCS")]);
}
