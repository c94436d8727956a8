//! Tests of properties that all plans have.

mod at_a_broker;
mod generated;
mod succession;
mod unbound;

use proptest::prelude::*;

use self::generated::{CATALOGUE, any_rules, with_rules};
pub(crate) use self::generated::{MIXED, any_feed, any_request};
use super::*;
use crate::broker::BrokerModels;
use crate::catalogue::Availability;
use crate::feed::StreamOptions;
use crate::instrument::Amount;
use crate::profile::Rules;
use crate::testing::{basis, demo_catalogue, keys_of, of_profile, request, stamp};
use crate::vocabulary::{Broker, CacheKey, Exchange, Mode};

fn plan_of(request: &PlanRequest, catalogue: &Catalogue) -> Plan {
    let resolved = Resolved::new(request, basis(catalogue), &[0; 32]);
    create_plan(request, &resolved, basis(catalogue), stamp()).unwrap()
}

#[test]
fn the_documented_request_gives_the_documented_plan() {
    let plan = plan_of(&request(&["NSE:RELIANCE", "NSE:TCS"]), &demo_catalogue());

    insta::assert_json_snapshot!("documented_plan", plan);
}

#[test]
fn a_plan_may_have_no_instruments() {
    let plan = plan_of(&request(&["NSE:NOPE", "bad"]), &demo_catalogue());

    assert!(plan.instruments.is_empty());
    assert_eq!(plan.estimated_cost, crate::instrument::Amount::ZERO);
    assert_eq!(plan.validation_results.invalid_instruments, 2);
}

#[test]
fn aggressive_reports_its_distribution() {
    let mut request = request(&["NSE:TCS", "BSE:TCS", "NSE:INFY"]);
    request.options.optimization_level = OptimizationLevel::Aggressive;

    let result = plan_of(&request, &demo_catalogue()).metadata.optimization_result;

    assert_eq!(result.exchange_distribution, Some(BTreeMap::from([("NSE".to_owned(), 2)])));
    assert_eq!(result.deduplication_count, 1);
}

#[test]
fn an_early_date_is_a_warning_not_an_error() {
    let mut builder = crate::catalogue::Builder::new();
    builder.add(crate::testing::equity("NSE", "TCS", "INE467B01029"), true);
    let source = crate::catalogue::Source {
        broker: Some(crate::vocabulary::Broker::Kite),
        file_date: Some("2026-08-17".parse().unwrap()),
        loaded_at: None,
    };
    let catalogue = builder.build("1".into(), vec![source]);
    let mut request = request(&["NSE:TCS"]);
    request.options.as_of = "2026-08-16".parse().unwrap();

    let early = plan_of(&request, &catalogue);
    request.options.as_of = "2026-08-17".parse().unwrap();
    let same_day = plan_of(&request, &catalogue);

    assert_eq!(early.instruments.len(), 1);
    assert!(early.metadata.warnings[0].contains("2026-08-17"));
    assert!(same_day.metadata.warnings.is_empty());
}

#[test]
fn kept_dead_instruments_are_counted_and_listed() {
    let mut builder = crate::catalogue::Builder::new();
    builder.add(crate::testing::equity("NSE", "TCS", "INE467B01029"), true);
    builder.add(crate::testing::equity("NSE", "GONE", "INE000A01011"), false);
    let numbers: Vec<u32> = (0..12).collect();
    let futures: Vec<String> = numbers.iter().map(|number| format!("X{number:02}26SEPFUT")).collect();
    for symbol in &futures {
        builder.add(crate::testing::future("X", symbol, "2026-09-29"), true);
    }
    let catalogue = builder.build("1".into(), vec![]);
    let keys: Vec<String> = futures.iter().map(|symbol| format!("NFO:{symbol}")).collect();
    let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    keys.extend(["NSE:GONE", "NSE:TCS"]);
    let warnings = |strictness| {
        let mut request = request(&keys);
        request.options.filtering_strictness = strictness;
        plan_of(&request, &catalogue).metadata.warnings
    };

    let first_ten: Vec<String> = keys.iter().take(10).map(|key| format!("`{key}`")).collect();
    assert_eq!(
        warnings(FilteringStrictness::Moderate),
        [
            "kept 1 instrument that is inactive, because filtering_strictness is `moderate`: `NSE:GONE`".to_owned(),
            format!(
                "kept 12 instruments that had expired by 2026-11-24, because filtering_strictness is `moderate`: {} and 2 more",
                first_ten.join(", ")
            ),
        ]
    );
    assert_eq!(warnings(FilteringStrictness::Strict), [""; 0]);
}

#[test]
fn duplicate_names_are_reported_without_a_broker() {
    let warnings = |broker| {
        let mut request = request(&["NSE:NIFTY", "NSE:TCS", "NSE:NIFTY 50"]);
        request.feed.broker = broker;
        let warnings = plan_of(&request, &MIXED).metadata.warnings;
        warnings.into_iter().filter(|warning| warning.contains("several names")).collect::<Vec<_>>()
    };

    assert_eq!(
        warnings(None),
        ["1 instrument under several names, each name with its own slot and price: `NSE:NIFTY` = `NSE:NIFTY 50`; set \
          `broker` or use optimization_level `aggressive` to keep one name per instrument"]
    );
    assert_eq!(warnings(Some(Broker::Kite)), [""; 0]);
}

#[test]
fn a_plan_of_a_profile_counts_disallowed_keys_as_invalid() {
    let request = request(&["NSE:TCS", "BSE:TCS", "NSE:NOPE", "NSE:TCS"]);
    let rules = Rules { allowed_exchanges: Some(vec![Exchange::Nse]), ..Rules::default() };
    let request = of_profile(request, "profile_1", 3, rules);

    let plan = plan_of(&request, &demo_catalogue());

    assert_eq!(plan.instruments.iter().collect::<Vec<_>>(), ["NSE:TCS"]);
    let reasons: Vec<_> = plan.rejected.iter().map(|rejection| (&*rejection.instrument, rejection.reason)).collect();
    assert_eq!(
        reasons,
        [("BSE:TCS", Reason::NotAllowed), ("NSE:NOPE", Reason::Unknown), ("NSE:TCS", Reason::Duplicate)]
    );
    let checks = &plan.validation_results;
    assert_eq!(checks.valid_instruments, 1);
    assert_eq!(checks.invalid_instruments, 2);
    assert!(checks.within_limits);
    assert_eq!(plan.metadata.optimization_result.deduplication_count, 1);
    assert_eq!(serde_json::to_value(&plan).unwrap()["metadata"]["profile"]["version"], 3);
}

#[test]
fn a_plan_uses_the_given_broker_models() {
    let catalogue = demo_catalogue();
    let request = request(&["NSE:TCS"]);
    let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
    let (connect, slower) = ("[model.connect_ms]\nvalue = 100", "[model.connect_ms]\nvalue = 350");
    let changed = BrokerModels::parse(&BrokerModels::EMBEDDED.replacen(connect, slower, 1)).unwrap();

    let usual = create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap();
    let slow = create_plan(&request, &resolved, Basis { catalogue: &catalogue, brokers: &changed }, stamp()).unwrap();

    assert_eq!(slow.performance_metrics.estimated_latency_ms, usual.performance_metrics.estimated_latency_ms + 250);
}

#[test]
fn metadata_without_a_profile_has_no_such_field_and_reads_back() {
    let request = request(&["NSE:TCS"]);
    let read_back = |request: &PlanRequest| {
        let metadata = plan_of(request, &demo_catalogue()).metadata;
        let json = serde_json::to_string(&metadata).unwrap();
        assert_eq!(serde_json::from_str::<Metadata>(&json).unwrap(), metadata);
        json
    };

    assert!(!read_back(&request).contains("profile"));
    let request = of_profile(request, "profile_1", 3, Rules::default());
    assert!(read_back(&request).contains(r#""profile":{"profile_id":"profile_1","version":3}"#));
}

#[test]
fn a_new_version_of_a_profile_changes_the_content_hash() {
    let plan_of_version = |version| {
        let request = of_profile(request(&["NSE:TCS"]), "profile_1", version, Rules::default());
        plan_of(&request, &demo_catalogue()).metadata.content_hash
    };

    assert_eq!(plan_of_version(1), plan_of_version(1));
    assert_ne!(plan_of_version(1), plan_of_version(2));
}

/// Generates a key of a small catalog with all cases: repeats, aliases, cross-listings, expired contracts, unknown
/// and malformed keys.
/// Returns the availability of a key, computed independently of the code under test.
fn availability_of(request: &PlanRequest, broker: Option<Broker>, key: &str) -> Availability {
    let Some(id) = MIXED.find(key) else { return Availability::Unknown };
    let instrument = MIXED.get(MIXED.target(id));
    let is_listed = broker.is_none_or(|broker| !MIXED.has_tokens_of(broker) || instrument.token(broker).is_some());
    let is_expired = instrument.expiry().is_some_and(|expiry| expiry < request.options.as_of);
    if instrument.is_active() && !is_expired && is_listed { Availability::Streamable } else { Availability::Dead }
}

/// Returns the instrument whose names share a slot at a broker.
fn group_at_broker(request: &PlanRequest, id: crate::catalogue::InstrumentId) -> crate::catalogue::InstrumentId {
    match request.options.optimization_level {
        OptimizationLevel::Aggressive => MIXED.get(MIXED.get(id).group()).group(),
        _ => MIXED.target(id),
    }
}

fn availability_in(request: &PlanRequest, key: &str) -> Availability {
    availability_of(request, request.feed.broker, key)
}

fn key_of(request: &PlanRequest) -> CacheKey {
    Resolved::new(request, basis(&CATALOGUE), &[0; 32]).cache_key()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn every_key_is_kept_once_or_rejected_with_one_reason(
        request in any_request(),
        rules in prop::option::of(any_rules()),
        feed in any_feed(),
    ) {
        let request = PlanRequest { feed, ..with_rules(request, rules) };
        let plan = plan_of(&request, &CATALOGUE);

        let mut accounted: Vec<&str> = plan.instruments.iter().collect();
        let kept = accounted.len();
        prop_assert!(kept <= request.options.max_instruments as usize);
        accounted.sort_unstable();
        accounted.dedup();
        prop_assert_eq!(accounted.len(), kept, "an instrument is in the plan twice");
        accounted.extend(plan.rejected.iter().map(|rejection| rejection.instrument.as_str()));
        accounted.sort_unstable();
        let mut requested: Vec<&str> = keys_of(&request).iter().collect();
        requested.sort_unstable();
        prop_assert_eq!(accounted, requested);
        prop_assert_eq!(plan.performance_metrics.removed_instruments as usize, plan.rejected.len());
    }

    #[test]
    fn no_slot_is_left_empty_while_a_candidate_remains(
        request in any_request(),
        rules in prop::option::of(any_rules()),
        feed in any_feed(),
    ) {
        let request = PlanRequest { feed, ..with_rules(request, rules) };
        let plan = plan_of(&request, &CATALOGUE);

        if plan.rejected.iter().any(|rejection| rejection.reason == Reason::OverLimit) {
            prop_assert_eq!(plan.instruments.len(), request.options.max_instruments as usize);
        }
    }

    #[test]
    fn a_plan_is_written_like_its_serialization(
        request in any_request(),
        rules in prop::option::of(any_rules()),
        feed in any_feed(),
        has_time in any::<bool>(),
    ) {
        let request = PlanRequest { feed, ..with_rules(request, rules) };
        let mut plan = plan_of(&request, &CATALOGUE);
        plan.metadata.optimization_result.optimization_time_ms = has_time.then(|| Amount::from_ten_thousandths(123));
        prop_assert_eq!(plan.to_json(), serde_json::to_string(&plan).unwrap());
        let mut stored = plan.metadata_to_json();
        let mut metadata: Metadata = serde_json::from_str(&stored).unwrap();
        metadata.restore_instruments(&plan.instruments);
        prop_assert_eq!(&metadata, &plan.metadata);
        plan.metadata.optimization_result.optimized_instruments = Arc::default();
        stored = plan.metadata_to_json();
        if plan.metadata.broker_part.is_none() {
            prop_assert_eq!(stored, serde_json::to_string(&plan.metadata).unwrap());
        }
    }

    #[test]
    fn a_stored_request_gives_an_equal_plan(
        request in any_request(),
        rules in prop::option::of(any_rules()),
        feed in any_feed(),
    ) {
        let plan = plan_of(&PlanRequest { feed, ..with_rules(request, rules) }, &MIXED);
        let Some(part) = &plan.metadata.broker_part else { return Ok(()) };

        let again = plan_of(part.request.request(), &MIXED);

        prop_assert_eq!(again, plan);
    }

    #[test]
    fn disallowed_instruments_are_not_in_plans(request in any_request(), rules in any_rules()) {
        let request = of_profile(request, "profile_1", 1, rules.clone());
        let plan = plan_of(&request, &CATALOGUE);

        let as_of = request.options.as_of;
        prop_assert!(rules.judge(plan.instruments.iter(), &CATALOGUE, as_of).all(|why| why.is_none()));
    }

    #[test]
    fn no_candidate_of_less_worth_takes_a_slot(request in any_request(), feed in any_feed()) {
        let request = PlanRequest { feed, ..request };
        let plan = plan_of(&request, &MIXED);

        // Without a broker, below `aggressive`, only the priority and the caller's order decide.
        let is_aggressive = request.options.optimization_level == OptimizationLevel::Aggressive;
        let has_availability = is_aggressive || request.feed.broker.is_some();
        // At a broker the names of an instrument that pass the filter share the highest of their priorities.
        let is_candidate = |reason: Reason| {
            use Reason::{Alias, Duplicate, NotOffered, OverCapacity, OverLimit};
            matches!(reason, Alias | Duplicate | NotOffered | OverCapacity | OverLimit)
        };
        let rejected = plan.rejected.iter().filter(|rejection| is_candidate(rejection.reason));
        let candidates: Vec<&str> =
            plan.instruments.iter().chain(rejected.map(|rejection| rejection.instrument.as_str())).collect();
        let priority = |key: &str| match (request.feed.broker, MIXED.find(key)) {
            (Some(_), Some(id)) => {
                let group = group_at_broker(&request, id);
                let of_group = |other: &&String| MIXED.find(other).is_some_and(|id| group_at_broker(&request, id) == group);
                let requested = |other: &&String| candidates.contains(&other.as_str());
                request.feed.priorities.keys().filter(of_group).filter(requested).map(|key| request.feed.priorities[key]).max()
            }
            _ => request.feed.priorities.get(key).copied(),
        };
        let worth = |key: &str| {
            let availability = availability_in(&request, key);
            (if has_availability { availability } else { Availability::Streamable }, priority(key).unwrap_or(0))
        };
        let over_limit = plan.rejected.iter().filter(|rejection| rejection.reason == Reason::OverLimit);
        let dropped = over_limit.map(|rejection| worth(&rejection.instrument)).max();
        let kept = plan.instruments.iter().map(worth).min();
        prop_assert!(dropped.zip(kept).is_none_or(|(dropped, kept)| dropped <= kept), "{:?}", plan.rejected);
    }

    #[test]
    fn a_live_listing_is_never_dropped_for_a_dead_one(
        request in any_request(),
        rules in prop::option::of(any_rules()),
        feed in any_feed(),
    ) {
        let mut request = PlanRequest { feed, ..with_rules(request, rules) };
        request.options.optimization_level = OptimizationLevel::Aggressive;
        let plan = plan_of(&request, &MIXED);

        let group = |key: &str| MIXED.find(key).map(|id| MIXED.get(MIXED.get(id).group()).group());
        let chosen_among = [Reason::Alias, Reason::OverLimit];
        let live: Vec<_> = plan
            .rejected
            .iter()
            .filter(|rejection| chosen_among.contains(&rejection.reason))
            .filter(|rejection| availability_in(&request, &rejection.instrument) == Availability::Streamable)
            .map(|rejection| group(&rejection.instrument))
            .collect();
        for key in plan.instruments.iter() {
            let is_dead = availability_in(&request, key) == Availability::Dead;
            prop_assert!(!is_dead || !live.contains(&group(key)), "{key} of {:?}", plan.rejected);
        }
    }

    #[test]
    fn a_plan_with_a_broker_has_each_instrument_once(request in any_request(), feed in any_feed()) {
        let feed = StreamOptions { broker: Some(feed.broker.unwrap_or(Broker::Kite)), ..feed };
        let plan = plan_of(&PlanRequest { feed, ..request }, &MIXED);

        let mut targets: Vec<_> =
            plan.instruments.iter().filter_map(|key| MIXED.find(key)).map(|id| MIXED.target(id)).collect();
        let count = targets.len();
        targets.sort_unstable();
        targets.dedup();
        prop_assert_eq!(targets.len(), count);
    }

    #[test]
    fn warnings_list_every_dead_or_repeated_instrument(request in any_request(), feed in any_feed()) {
        let request = PlanRequest { feed, ..request };
        let plan = plan_of(&request, &MIXED);

        let warning_with = |part: &str| plan.metadata.warnings.iter().find(|warning| warning.contains(part));
        let dead = plan.instruments.iter().filter(|key| availability_of(&request, None, key) == Availability::Dead).count();
        prop_assert_eq!(dead > 0, warning_with("because filtering_strictness is").is_some());
        let mut names: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for key in plan.instruments.iter() {
            let Some(id) = MIXED.find(key) else { continue };
            names.entry(MIXED.target(id)).or_default().push(key);
        }
        for names in names.into_values().filter(|names| names.len() > 1) {
            let warning = warning_with("under several names").cloned().unwrap_or_default();
            prop_assert!(names.iter().all(|name| warning.contains(&format!("`{name}`"))), "{names:?}: {warning}");
        }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written(request in any_request(), feed in any_feed()) {
        let mut metadata = plan_of(&PlanRequest { feed, ..request }, &CATALOGUE).metadata;
        prop_assert_eq!(metadata.broker_part.is_some(), metadata.feed.as_ref().is_some_and(|feed| feed.broker.is_some()));
        // Answers do not contain it.
        metadata.broker_part = None;

        prop_assert_eq!(&serde_json::from_str::<Metadata>(&serde_json::to_string(&metadata).unwrap()).unwrap(), &metadata);
    }

    #[test]
    fn the_same_input_gives_the_same_plan(request in any_request()) {
        prop_assert_eq!(plan_of(&request, &CATALOGUE), plan_of(&request, &CATALOGUE));
    }

    #[test]
    fn permutations_of_a_fitting_request_give_equal_plans(request in any_request(), seed in any::<u64>()) {
        let mut request = request;
        if request.options.optimization_level == OptimizationLevel::Low {
            request.options.optimization_level = OptimizationLevel::Moderate;
        }
        request.options.max_instruments = 1000;
        let mut keys: Vec<String> = keys_of(&request).iter().map(str::to_owned).collect();
        let mut state = seed | 1;
        for index in (1..keys.len()).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            keys.swap(index, usize::try_from(state % (index as u64 + 1)).unwrap());
        }
        let permuted = PlanRequest { source: keys.iter().collect(), ..request.clone() };

        prop_assert_eq!(key_of(&permuted), key_of(&request));
        prop_assert_eq!(plan_of(&permuted, &CATALOGUE), plan_of(&request, &CATALOGUE));
    }

    #[test]
    fn a_looser_strictness_never_keeps_fewer_keys(request in any_request()) {
        let kept = |strictness| {
            let mut request = request.clone();
            request.options.filtering_strictness = strictness;
            plan_of(&request, &CATALOGUE).instruments.len()
        };

        prop_assert!(kept(FilteringStrictness::Lenient) >= kept(FilteringStrictness::Moderate));
        prop_assert!(kept(FilteringStrictness::Moderate) >= kept(FilteringStrictness::Strict));
    }
}
