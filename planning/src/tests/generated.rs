//! Generated requests, and catalogs for them.

use proptest::prelude::*;

use super::*;

pub(super) fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "NSE:RELIANCE",
            "BSE:RELIANCE",
            "NSE:TCS",
            "BSE:TCS",
            "NSE:INFY",
            "NSE:NIFTY 50",
            "NSE:NIFTY",
            "BSE:SENSEX",
            "NSE:HDFCBANK",
            "NSE:M&M",
            "nse:tcs",
            "RELIANCE",
            "XX:UNKNOWN",
            "NSE:UNKNOWN",
            ":",
            "",
        ])
        .prop_map(str::to_owned),
        (0usize..2000).prop_map(|n| {
            static DEMO: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
                demo_catalogue().instruments().map(|instrument| instrument.key().to_owned()).collect()
            });
            DEMO[n % DEMO.len()].clone()
        }),
    ]
}

pub(crate) fn any_request() -> impl Strategy<Value = PlanRequest> {
    (
        prop::collection::vec(any_key(), 1..60),
        prop::sample::select(&OptimizationLevel::ALL[..]),
        prop::sample::select(&FilteringStrictness::ALL[..]),
        1u32..50,
        0i64..60,
    )
        .prop_map(|(keys, level, strictness, max, days)| {
            let mut request = request(&keys.iter().map(String::as_str).collect::<Vec<_>>());
            request.options.optimization_level = level;
            request.options.filtering_strictness = strictness;
            request.options.max_instruments = max;
            request.options.as_of += chrono::Duration::days(days);
            request
        })
}

/// Returns the same request from a profile with these rules, if given.
pub(super) fn with_rules(request: PlanRequest, rules: Option<Rules>) -> PlanRequest {
    match rules {
        Some(rules) => of_profile(request, "profile_1", 1, rules),
        None => request,
    }
}

pub(super) fn any_rules() -> impl Strategy<Value = Rules> {
    let exchanges = prop::sample::subsequence(vec![Exchange::Bse, Exchange::Nfo, Exchange::Nse], 1..3);
    (
        prop::option::of(exchanges),
        prop::option::of(1u32..4),
        prop::option::of(any::<bool>()),
        prop::option::of(0u32..60),
    )
        .prop_map(|(allowed_exchanges, max_per_underlying, require_active, min_days_to_expiry)| {
            let allowed_types = None;
            Rules { allowed_exchanges, allowed_types, max_per_underlying, require_active, min_days_to_expiry }
        })
}

/// Generates a broker, modes and priorities.
pub(crate) fn any_feed() -> impl Strategy<Value = StreamOptions> {
    (
        prop::option::of(prop::sample::select(vec![Broker::Kite, Broker::Dhan])),
        prop::option::of(prop::sample::select(&Mode::ALL[..])),
        prop::collection::btree_map(any_key(), prop::sample::select(&Mode::ALL[..]), 0..5),
        prop::collection::btree_map(any_key(), 0u32..3, 0..20),
    )
        .prop_map(|(broker, mode, modes, priorities)| StreamOptions {
            broker,
            mode,
            modes,
            priorities,
            ..StreamOptions::default()
        })
}

pub(super) static CATALOGUE: std::sync::LazyLock<Catalogue> = std::sync::LazyLock::new(demo_catalogue);

/// The demonstration catalog with inactive instruments, and a broker that lists half of the others.
pub(crate) static MIXED: std::sync::LazyLock<Catalogue> = std::sync::LazyLock::new(|| {
    let mut builder = crate::catalogue::Builder::new();
    for (number, row) in crate::demo::rows("2026-11-24".parse().unwrap()).into_iter().enumerate() {
        let key = format!("{}:{}", row.exchange, row.symbol);
        let is_active = number % 3 != 0;
        builder.add(row, is_active);
        if is_active && number % 2 == 0 {
            builder.add_token(Broker::Kite, key, "1");
        }
    }
    builder.build("1".into(), vec![])
});
