use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::broker::BrokerModels;
use crate::capacity::Capacity;
use crate::catalogue::{Builder, Catalogue};
use crate::dump::Row;
use crate::feed::StreamOptions;
use crate::request::{PlanRequest, Resolved};
use crate::testing::{basis, equity, future, index, request, stamp};
use crate::tests::{MIXED, any_feed, any_request};
use crate::vocabulary::{FilteringStrictness, Mode, SubscriptionType};

/// One connection with two instruments, one of them `full`.
const SMALL: &str = r#"
[brokers.kite]
connections = { value = 1, source = "test", seen = "2026-11-24" }
instruments_per_connection = { value = 2, source = "test", seen = "2026-11-24" }
[brokers.kite.modes.full]
alone = { value = 1, source = "test", seen = "2026-11-24" }
mixed = { value = 1, source = "test", seen = "2026-11-24" }
"#;

static BROKERS: LazyLock<BrokerModels> =
    LazyLock::new(|| BrokerModels::embedded().with_capacity(Capacity::with(Some(SMALL), None).unwrap()));

const KEYS: [&str; 4] = ["NSE:A", "NSE:B", "NSE:C", "NSE:D"];

fn share(symbol: &str) -> Row {
    equity("NSE", symbol, &format!("INE00000{symbol}019"))
}

/// Four shares and an index with tokens of Kite.
fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
    builder.add_token(Broker::Kite, "NSE:NIFTY 50".to_owned(), "9");
    for (key, token) in KEYS.iter().zip(["1", "2", "3", "4"]) {
        builder.add(share(&key[4..]), true);
        builder.add_token(Broker::Kite, (*key).to_owned(), token);
    }
    builder
}

fn catalogue() -> Catalogue {
    builder().build("1".into(), vec![])
}

fn at_kite(keys: &[&str], feed: StreamOptions) -> PlanRequest {
    PlanRequest { feed: StreamOptions { broker: Some(Broker::Kite), ..feed }, ..request(keys) }
}

fn small_basis(catalogue: &Catalogue) -> Basis<'_> {
    Basis { catalogue, brokers: &BROKERS }
}

fn plan_of(request: &PlanRequest, basis: Basis<'_>) -> Plan {
    let resolved = Resolved::new(request, basis, &[0; 32]);
    crate::create_plan(request, &resolved, basis, stamp()).unwrap()
}

/// Explains a key of a request at the small broker.
fn explained(request: &PlanRequest, key: &str) -> Explanation {
    let catalogue = catalogue();
    let basis = small_basis(&catalogue);
    explain(&plan_of(request, basis), key, basis).unwrap()
}

fn by_key<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> std::collections::BTreeMap<String, T> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[test]
fn a_kept_instrument_has_its_connection_and_rates() {
    let explanation = explained(&at_kite(&KEYS[..2], StreamOptions::default()), "NSE:B");

    insta::assert_json_snapshot!("kept", explanation);
}

#[test]
fn a_rejected_instrument_names_its_limit_and_rival() {
    let explanation = explained(&at_kite(&KEYS, StreamOptions::default()), "NSE:C");

    insta::assert_json_snapshot!("left_out", explanation);
}

#[test]
fn the_limit_does_not_depend_on_the_wording() {
    let catalogue = catalogue();
    let mut plan = plan_of(&at_kite(&KEYS, StreamOptions::default()), small_basis(&catalogue));
    plan.rejected.iter_mut().for_each(|rejection| rejection.detail = "no capacity".to_owned());

    let explanation = explain(&plan, "NSE:C", small_basis(&catalogue)).unwrap();

    assert_eq!(explanation.detail, "no capacity");
    assert_eq!(explanation.limit.unwrap().limit, "connections");
}

#[test]
fn a_higher_class_is_named_if_the_own_has_no_place() {
    let pinned = ["NSE:A".to_owned(), "NSE:B".to_owned()].into();
    let feed = StreamOptions { pinned, priorities: by_key([("NSE:B", 7)]), ..StreamOptions::default() };

    let displaced = explained(&at_kite(&KEYS, feed), "NSE:D").would_displace.unwrap();

    assert_eq!(displaced.instrument, "NSE:A");
    assert!(displaced.pinned);
    assert_eq!(displaced.priority, 0);
}

#[test]
fn a_lowered_instrument_names_its_limit_and_rival() {
    let feed = StreamOptions { mode: Some(Mode::Full), ..StreamOptions::default() };

    let explanation = explained(&at_kite(&KEYS[..2], feed), "NSE:B");

    assert_eq!(explanation.decision, Decision::Kept);
    let mode = ExplainedMode { requested: Mode::Full, substitute: None, planned: Some(Mode::Quote) };
    assert_eq!(explanation.mode, Some(mode));
    assert_eq!(explanation.limit.unwrap().limit, "modes.full.alone");
    let displaced = Displaced {
        instrument: "NSE:A".into(),
        priority: 0,
        pinned: false,
        mode: Some(Mode::Full),
        lowered_to: Some(Mode::Quote),
    };
    assert_eq!(explanation.would_displace, Some(displaced));
    assert!(
        explanation
            .detail
            .ends_with("; lowered from `full` to `quote`: the higher mode would exceed the limit `modes.full.alone`")
    );
}

#[test]
fn a_lower_minimum_is_an_alternative() {
    let feed = StreamOptions { mode: Some(Mode::Full), min_mode: Some(Mode::Full), ..StreamOptions::default() };

    let explanation = explained(&at_kite(&KEYS[..2], feed), "NSE:B");

    assert_eq!(explanation.reason, Some(Reason::OverCapacity));
    let limit = explanation.limit.unwrap();
    assert_eq!(limit.used, 1);
    assert_eq!(limit.allowed, 1);
    let alternative = &explanation.alternatives[0];
    assert_eq!(alternative.instrument.as_str(), "NSE:B");
    assert_eq!(alternative.mode, Some(Mode::Quote));
    assert_eq!(explanation.would_displace.unwrap().instrument, "NSE:A");
}

#[test]
fn the_fit_is_repeated_only_if_it_decided() {
    let catalogue = catalogue();
    let basis = small_basis(&catalogue);
    let plan = plan_of(&at_kite(&["NSE:A", "NSE:A", "NSE:UNKNOWN", "A"], StreamOptions::default()), basis);
    let explainer = Explainer::of(&plan, basis);

    for key in ["NSE:UNKNOWN", "A"] {
        let explanation = explainer.explain(key).unwrap();

        assert_eq!(explanation.basis, ExplanationBasis::Stored, "{key}");
        assert!(explainer.refit.get().is_none(), "{key}");
    }
    assert_eq!(explainer.explain("NSE:A").unwrap().basis, ExplanationBasis::Recomputed);
    assert!(explainer.refit.get().is_some());
}

#[test]
fn another_name_is_explained_by_its_representative() {
    let explanation = explained(&at_kite(&["NSE:NIFTY", "NSE:NIFTY 50"], StreamOptions::default()), "NSE:NIFTY");

    insta::assert_json_snapshot!("alias", explanation);
}

#[test]
fn a_repeated_key_counts_its_repeats() {
    let explanation = explained(&at_kite(&["NSE:A", "NSE:A", "NSE:A"], StreamOptions::default()), "NSE:A");

    assert_eq!(explanation.decision, Decision::Kept);
    assert_eq!(explanation.repeats, 2);
}

#[test]
fn a_key_that_was_not_requested_has_suggestions() {
    let catalogue = catalogue();
    let basis = small_basis(&catalogue);
    let plan = plan_of(&at_kite(&["NSE:NIFTY 50", "NSE:A"], StreamOptions::default()), basis);

    let suggestions = |key: &str| explain(&plan, key, basis).unwrap_err().suggestions;

    assert_eq!(suggestions("NSE:NIFTY"), ["NSE:NIFTY 50"]);
    assert_eq!(suggestions("nse:a"), ["NSE:A"]);
    assert_eq!(suggestions("NSE:D"), [""; 0]);
}

#[test]
fn a_changed_catalog_shows_the_differences() {
    let before = catalogue();
    let request = at_kite(&["NSE:A", "NSE:B", "NSE:C", "NSE:NEW"], StreamOptions::default());
    let plan = plan_of(&request, Basis { catalogue: &before, brokers: crate::testing::brokers() });
    let mut builder = Builder::new();
    builder.add(share("A"), true);
    builder.add(equity("NSE", "B", "INE999Z01019"), true);
    builder.add(share("NEW"), true);
    for (key, token) in [("NSE:A", "77"), ("NSE:B", "2")] {
        builder.add_token(Broker::Kite, key.to_owned(), token);
    }
    let after = builder.build("2".into(), vec![]);

    let comparison = |key: &str| explain(&plan, key, basis(&after)).unwrap();

    assert_eq!(comparison("NSE:A").basis, ExplanationBasis::Stored);
    let of_a = comparison("NSE:A").catalogue;
    assert_eq!(of_a.planned.as_str(), "1");
    assert_eq!(of_a.current.as_str(), "2");
    assert!(of_a.has_changed);
    assert_eq!(of_a.differences, [CatalogueDifference::Token]);
    assert_eq!(comparison("NSE:B").catalogue.differences, [CatalogueDifference::Identity]);
    assert_eq!(comparison("NSE:C").catalogue.differences, [CatalogueDifference::Removed]);
    assert_eq!(comparison("NSE:NEW").catalogue.differences, [CatalogueDifference::Added]);
    let unchanged = explain(&plan, "NSE:A", basis(&before)).unwrap();
    assert!(!unchanged.catalogue.has_changed);
    assert_eq!(unchanged.catalogue.differences, []);
}

#[test]
fn changed_limits_leave_the_stored_plan() {
    let catalogue = catalogue();
    let plan = plan_of(&at_kite(&KEYS, StreamOptions::default()), small_basis(&catalogue));

    let explanation = explain(&plan, "NSE:D", basis(&catalogue)).unwrap();

    assert_eq!(explanation.basis, ExplanationBasis::Stored);
    assert_eq!(explanation.limit.unwrap().limit, "connections");
    assert_eq!(explanation.would_displace, None);
    assert_eq!(explanation.priority, None);
}

#[test]
fn a_plan_without_a_broker_has_a_partial_explanation() {
    let mut request = request(&KEYS);
    request.options.max_instruments = 3;

    let (kept, left_out) = (explained(&request, "NSE:A"), explained(&request, "NSE:D"));

    assert_eq!(kept.decision, Decision::Kept);
    assert_eq!(kept.detail, "kept in `quote`");
    assert_eq!(kept.bytes_per_second, Some(44));
    assert_eq!(kept.connections, None);
    assert_eq!(left_out.reason, Some(Reason::OverLimit));
    let limit = left_out.limit.unwrap();
    assert_eq!(limit.limit, "max_instruments");
    assert_eq!(limit.used, 3);
    assert_eq!(limit.allowed, 3);
    assert_eq!(limit.seen, None);
    assert_eq!(left_out.would_displace, None);
    assert_eq!(left_out.basis, ExplanationBasis::Stored);
}

#[test]
fn historical_data_has_no_connections() {
    let mut request = at_kite(&KEYS, StreamOptions::default());
    request.subscription_type = SubscriptionType::Historical;
    request.options.max_instruments = 3;

    let (kept, left_out) = (explained(&request, "NSE:A"), explained(&request, "NSE:D"));

    assert_eq!(kept.detail, "kept");
    assert_eq!(kept.connections, None);
    assert_eq!(kept.mode, None);
    assert_eq!(kept.messages_per_second, None);
    assert_eq!(left_out.limit.unwrap().limit, "max_instruments");
    let displaced = left_out.would_displace.unwrap();
    assert_eq!(displaced.instrument.as_str(), "NSE:C");
    assert_eq!(displaced.mode, None);
}

#[test]
fn alternatives_of_an_unlisted_instrument_are_listings() {
    let mut builder = builder();
    builder.add(equity("BSE", "A", "INE00000A019"), true);
    builder.add_token(Broker::Upstox, "BSE:A".to_owned(), "500001");
    for (symbol, expiry) in
        [("NIFTY26NOVFUT", "2026-11-24"), ("NIFTY26DECFUT", "2026-12-29"), ("NIFTY27JANFUT", "2027-01-26")]
    {
        builder.add(future("NIFTY", symbol, expiry), true);
        if symbol != "NIFTY27JANFUT" {
            builder.add_token(Broker::Kite, format!("NFO:{symbol}"), symbol);
        }
    }
    let catalogue = builder.build("1".into(), vec![]);
    let plan = plan_of(&at_kite(&["BSE:A", "NFO:NIFTY27JANFUT"], StreamOptions::default()), small_basis(&catalogue));

    let of = |key: &str| explain(&plan, key, small_basis(&catalogue)).unwrap();

    let share = of("BSE:A");
    assert_eq!(share.reason, Some(Reason::NotAtBroker));
    assert_eq!(share.detail, "not listed in the last accepted file of kite; it lists the same security as `NSE:A`");
    assert_eq!(share.alternatives[0].instrument, "NSE:A");
    assert_eq!(share.alternatives[1].instrument.as_str(), "BSE:A");
    assert_eq!(share.alternatives[1].broker, Some(Broker::Upstox));
    let contract = of("NFO:NIFTY27JANFUT");
    let keys: Vec<&str> = contract.alternatives.iter().map(|other| other.instrument.as_str()).collect();
    assert_eq!(keys, ["NFO:NIFTY26DECFUT", "NFO:NIFTY26NOVFUT"]);
}

#[test]
fn the_highest_offered_mode_is_an_alternative() {
    let mut builder = builder();
    builder.add_token(Broker::Upstox, "NSE:A".to_owned(), "NSE_EQ|A");
    let catalogue = builder.build("1".into(), vec![]);
    let feed = StreamOptions {
        broker: Some(Broker::Upstox),
        mode: Some(Mode::Greeks),
        min_mode: Some(Mode::Greeks),
        ..StreamOptions::default()
    };
    let plan = plan_of(&PlanRequest { feed, ..request(&["NSE:A"]) }, small_basis(&catalogue));

    let explanation = explain(&plan, "NSE:A", small_basis(&catalogue)).unwrap();

    assert_eq!(explanation.reason, Some(Reason::NotOffered));
    assert_eq!(explanation.alternatives[0].mode, Some(Mode::Full));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_requested_key_is_explained(request in any_request(), feed in any_feed(), strictness in 0usize..3) {
        let mut request = PlanRequest { feed, ..request };
        request.options.filtering_strictness = FilteringStrictness::ALL[strictness];
        let basis = small_basis(&MIXED);
        let plan = plan_of(&request, basis);
        let kept: BTreeSet<&str> = plan.instruments.iter().collect();
        let explainer = Explainer::of(&plan, basis);

        for key in crate::testing::keys_of(&request).iter() {
            let explanation = explainer.explain(key).unwrap();

            prop_assert_eq!(explanation.decision == Decision::Kept, kept.contains(key));
            prop_assert_eq!(explanation.reason.is_none(), kept.contains(key));
            if matches!(explanation.reason, Some(Reason::OverCapacity | Reason::OverLimit)) {
                prop_assert!(explanation.limit.is_some(), "{}", explanation.detail);
            }
            if let Some(displaced) = &explanation.would_displace {
                prop_assert!(kept.contains(displaced.instrument.as_str()) && displaced.instrument != key);
            }
            let has_broker = request.feed.broker.is_some();
            if explanation.reason != Some(Reason::Alias) {
                let is_recomputed = has_broker && is_in_fit(explanation.reason);
                prop_assert_eq!(explanation.basis == ExplanationBasis::Recomputed, is_recomputed);
            }
        }
    }
}
