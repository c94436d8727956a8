//! Plans without a broker do not change from release to release, because releases share them by their cache keys.
//!
//! Each digest covers the cache keys, the answers and the stored metadata of a group of plans. The values
//! come from the last version in which brokers had no limits.

use sha2::{Digest, Sha256};

use super::*;
use crate::catalogue::search::Selector;
use crate::source::Source;
use crate::vocabulary::{SubscriptionType, hex};

/// Returns keys of the demonstration catalog in a mixed order, and further keys: repeated, unknown, misspelled and
/// malformed.
fn mixed_keys(catalogue: &Catalogue, count: usize) -> Vec<String> {
    let keys: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    let mut picked: Vec<String> = (0..count).map(|at| keys[(at * 7919 + 13) % keys.len()].to_owned()).collect();
    picked.insert(count / 2, picked[0].clone());
    picked.insert(count / 3, "NSE:NIFTY".to_owned());
    picked.insert(count / 4, "NSE:NIFTY 50".to_owned());
    picked.extend(["BSE:TCS", "NSE:TCS", "NSE:NOPE", "MCX:GOLD", "nse:infy", "bad", "NSE:TCS"].map(str::to_owned));
    picked
}

/// Returns the digest of plans of these requests.
fn digest(requests: impl IntoIterator<Item = PlanRequest>) -> String {
    let catalogue = demo_catalogue();
    let mut hasher = Sha256::new();
    for request in requests {
        let plan = plan_of(&request, &catalogue);
        for text in [plan.to_json(), plan.metadata_to_json()] {
            hasher.update(text.as_bytes());
            hasher.update(b"\n");
        }
    }
    hex(&hasher.finalize())
}

fn mixed_request(count: usize) -> PlanRequest {
    let keys = mixed_keys(&demo_catalogue(), count);
    request(&keys.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Returns one request for each combination of level, strictness and maximum.
fn with_all_options(base: &PlanRequest) -> Vec<PlanRequest> {
    let mut requests = Vec::new();
    for optimization_level in [OptimizationLevel::Low, OptimizationLevel::Moderate, OptimizationLevel::Aggressive] {
        for filtering_strictness in
            [FilteringStrictness::Lenient, FilteringStrictness::Moderate, FilteringStrictness::Strict]
        {
            for max_instruments in [1000, 50, 1] {
                let mut request = base.clone();
                request.options.optimization_level = optimization_level;
                request.options.filtering_strictness = filtering_strictness;
                request.options.max_instruments = max_instruments;
                requests.push(request);
            }
        }
    }
    requests
}

fn with_all_types(base: &PlanRequest) -> Vec<PlanRequest> {
    [SubscriptionType::LiveFeed, SubscriptionType::Historical, SubscriptionType::Alerts]
        .map(|subscription_type| PlanRequest { subscription_type, ..base.clone() })
        .into_iter()
        .flat_map(|request| with_all_options(&request))
        .collect()
}

#[test]
fn the_snapshot_hash_is_unchanged() {
    let catalogue = demo_catalogue();

    assert_eq!(hex(catalogue.content_hash()), "3b27615acd90455895968ef9cbabf5c01155e26c6a9de88c46f9e884a1e67981");
    assert_eq!(
        hex(basis(&catalogue).brokers.content_hash()),
        "29b86cb7bc2976eac6dc1a63e06954e5f5ba0ab26754eb7cecd39c9d0d9d503a"
    );
}

#[test]
fn plans_of_keys_are_unchanged() {
    assert_eq!(
        digest(with_all_types(&mixed_request(90))),
        "679d04b600dcd3b39d6ecf33835a8014b4ef23256df854ddcf827b014fbd0fc2"
    );
}

#[test]
fn plans_for_a_later_date_are_unchanged() {
    let mut request = mixed_request(90);
    request.options.as_of = "2026-12-30".parse().unwrap();

    assert_eq!(digest(with_all_options(&request)), "91f1f744bec18ee9ea04b4c0888fee53b02c2c0b25a6677b34c45e0d9c7105b9");
}

#[test]
fn plans_with_modes_and_priorities_are_unchanged() {
    let mut request = mixed_request(90);
    let keys = keys_of(&request).clone();
    let modes = [Mode::Full, Mode::Ltp, Mode::Quote];
    request.feed.priorities = keys.iter().step_by(7).zip(1..).map(|(key, at)| (key.to_owned(), at % 5)).collect();
    request.feed.modes = keys.iter().step_by(5).enumerate().map(|(at, key)| (key.to_owned(), modes[at % 3])).collect();
    let with_mode = |mode| PlanRequest { feed: StreamOptions { mode, ..request.feed.clone() }, ..request.clone() };

    let requests = [None, Some(Mode::Full), Some(Mode::Ltp)].map(with_mode);

    assert_eq!(
        digest(requests.iter().flat_map(with_all_types)),
        "5164fff146b3948e37928f227a8b58c741903053c3b65770f2461e4fd2bb9faf"
    );
}

#[test]
fn plans_of_profiles_are_unchanged() {
    let rules = [
        Rules::default(),
        Rules { max_per_underlying: Some(3), min_days_to_expiry: Some(9), ..Rules::default() },
        Rules { allowed_exchanges: Some(vec![Exchange::Nse, Exchange::Nfo]), ..Rules::default() },
    ];
    let requests = rules.map(|rules| of_profile(mixed_request(90), "profile_1", 3, rules));

    assert_eq!(
        digest(requests.iter().flat_map(with_all_options)),
        "085f3836a7d2e4d5bd4272fdf0ddb2ed7dcf079687cecb9bddb1d79bf095845d"
    );
}

#[test]
fn plans_of_selectors_are_unchanged() {
    let selector = |underlying: &str| Selector { underlying: Some(underlying.to_owned()), ..Selector::default() };
    let limited = Selector { limit: Some(20), ..selector("BANKNIFTY") };
    let source = Source::Selectors(vec![selector("NIFTY"), limited, selector("NOPE")]);

    assert_eq!(
        digest(with_all_options(&PlanRequest { source, ..request(&[]) })),
        "d437745463a70d73e01ec49844ba9c6d4855bed394c00c831d5c3c5f8dc5b689"
    );
}
