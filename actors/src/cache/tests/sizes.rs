//! The bytes that L1 counts, compared with those that it uses.

use registry_planning::feed::StreamOptions;
use registry_planning::plan::Plan;
use registry_planning::request::PlanRequest;
use registry_planning::vocabulary::{Broker, FilteringStrictness, Mode, OptimizationLevel};
use registry_store::testing::{catalogue, plan_for, request};

use super::super::local::Local;
use super::super::{Fingerprint, Ready};
use super::*;
use crate::testing::growth_of;

/// Number of plans in L1: enough to even out the spare capacity of its maps.
const PLANS: usize = 100;
/// Number of large plans, whose size hardly depends on the maps.
const LARGE_PLANS: usize = 5;

/// The share of the keys of a request that the catalog contains.
#[derive(Clone, Copy, Debug)]
enum Keys {
    Known,
    /// Every second one.
    Mixed,
    Unknown,
}

/// Returns keys that differ between requests.
fn keys(kind: Keys, count: usize, seed: usize) -> Vec<String> {
    let catalogue = catalogue();
    let first = seed % catalogue.len();
    let known = catalogue.instruments().map(|instrument| instrument.key().to_owned());
    let known = known.skip(first).chain(catalogue.instruments().map(|instrument| instrument.key().to_owned()));
    let unknown = (0..).map(|number| format!("NSE:NOPE{}", seed * count + number));
    match kind {
        Keys::Known => known.take(count).collect(),
        Keys::Unknown => unknown.take(count).collect(),
        Keys::Mixed => known.zip(unknown).flat_map(|(known, unknown)| [known, unknown]).take(count).collect(),
    }
}

fn request_for(kind: Keys, count: usize, seed: usize, strictness: FilteringStrictness) -> PlanRequest {
    let keys = keys(kind, count, seed);
    let mut request = request(&format!("user-{seed}"), &keys.iter().map(String::as_str).collect::<Vec<_>>());
    request.options.filtering_strictness = strictness;
    request.options.optimization_level = OptimizationLevel::Aggressive;
    request.options.max_instruments = 5000;
    request
}

fn seeded_plan(request: &PlanRequest, seed: usize) -> Plan {
    plan_for(request, format!("plan_{seed:032x}"), Utc::now())
}

/// Fills L1 with plans, each with some aliases, and returns the bytes that it uses and those that it counts.
fn fill(plan_of: impl Fn(usize) -> Plan, aliases: usize, json: Option<usize>) -> (usize, usize) {
    // The first plan also creates shared values, which do not belong to L1.
    let plans = if plan_of(PLANS).metadata.original_instrument_count >= 1000 { LARGE_PLANS } else { PLANS };
    let (used, local) = growth_of(|| {
        let local = Local::default();
        for seed in 0..plans {
            let cached = Arc::new(CachedPlan::new(Arc::new(plan_of(seed))));
            local.insert(Arc::clone(&cached), Instant::now() + SECOND);
            let json = json.map(|factor| cached.json.repeat(factor).into());
            let ready = Ready { cached, json };
            for number in 0..aliases {
                local.alias(Fingerprint((seed * 100 + number) as u128), &ready);
            }
        }
        local
    });
    let counted = local.all().iter().map(|queued| queued.bytes).sum::<usize>() + local.alias_bytes();
    assert_eq!(local.len(), plans);
    (used, counted)
}

#[track_caller]
fn assert_within_a_tenth((used, counted): (usize, usize), what: &str) {
    let share = counted as f64 / used as f64;
    println!("{what}: uses {used} bytes, counts {counted}, {share:.3}");
    assert!((0.9..=1.1).contains(&share), "{what}: uses {used} bytes, counts {counted}");
}

#[test]
fn the_counted_bytes_of_plans_are_the_used_ones() {
    for strictness in [FilteringStrictness::Lenient, FilteringStrictness::Moderate, FilteringStrictness::Strict] {
        for kind in [Keys::Known, Keys::Mixed, Keys::Unknown] {
            for count in [1, 10, 100, 1000] {
                let plan_of = |seed| seeded_plan(&request_for(kind, count, seed, strictness), seed);
                assert_within_a_tenth(fill(plan_of, 1, None), &format!("{strictness} {kind:?} {count}"));
            }
        }
    }
}

#[test]
fn the_counted_bytes_include_brokers_and_modes() {
    for count in [10, 100, 1000] {
        let plan_of = |seed| {
            let mut request = request_for(Keys::Known, count, seed, FilteringStrictness::Moderate);
            let own = keys(Keys::Known, count, seed).into_iter().map(|key| (key, Mode::Full)).collect();
            request.feed = StreamOptions { broker: Some(Broker::Kite), modes: own, ..StreamOptions::default() };
            seeded_plan(&request, seed)
        };
        // The response with tokens and connections is stored in addition to the plan.
        assert_within_a_tenth(fill(plan_of, 1, Some(2)), &format!("broker {count}"));
    }
}

#[test]
fn the_counted_bytes_include_aliases() {
    for aliases in [0, 2, 4, 8] {
        let plan_of = |seed| seeded_plan(&request_for(Keys::Known, 10, seed, FilteringStrictness::Lenient), seed);
        assert_within_a_tenth(fill(plan_of, aliases, None), &format!("{aliases} aliases"));
    }
}

#[test]
fn the_counted_bytes_of_texts_are_the_used_ones() {
    let plan_of = |seed| {
        let mut request = request_for(Keys::Mixed, 10, seed, FilteringStrictness::Strict);
        request.description = Some("d".repeat(2000));
        request.warnings = (0..50).map(|number| format!("warning {number}: {}", "w".repeat(200))).collect();
        seeded_plan(&request, seed)
    };
    assert_within_a_tenth(fill(plan_of, 1, None), "texts");
}
