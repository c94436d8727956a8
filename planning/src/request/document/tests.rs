use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::*;
use crate::testing::request;
use crate::vocabulary::{Exchange, InstrumentType, PlacementStrategy};

fn key() -> impl Strategy<Value = String> {
    "[A-Z]{2,3}:[A-Za-z0-9 &\"é-]{1,12}"
}

fn mode() -> impl Strategy<Value = Mode> {
    select(&Mode::ALL[..])
}

fn amount() -> impl Strategy<Value = Amount> {
    (0..1_000_000_000_i64).prop_map(Amount::from_ten_thousandths)
}

fn selector() -> impl Strategy<Value = Selector> {
    let words = (vec(select(&Exchange::ALL[..]), 0..3), vec(select(&InstrumentType::ALL[..]), 0..3));
    let numbers = (option::of(1..100_u32), option::of(amount()), option::of(amount()), option::of(1..5000_u32));
    (option::of("[A-Z]{1,9}"), words, numbers).prop_map(
        |(underlying, (exchanges, instrument_types), (expiries, min_strike, max_strike, limit))| Selector {
            underlying,
            exchanges,
            instrument_types,
            expiries,
            min_strike,
            max_strike,
            limit,
        },
    )
}

fn item() -> impl Strategy<Value = PlanItem> {
    let instruments = prop_oneof![
        key().prop_map(ItemInstruments::Key),
        selector().prop_map(|selector| ItemInstruments::Selector(Box::new(selector))),
    ];
    let options = (option::of(mode()), option::of(mode()), 0..=1000_u32, any::<bool>());
    (instruments, options).prop_map(|(instruments, (mode, min_mode, priority, is_pinned))| PlanItem {
        instruments,
        options: ItemOptions { mode, min_mode, priority, is_pinned },
    })
}

fn keys() -> impl Strategy<Value = Arc<KeyList>> {
    vec(key(), 0..5).prop_map(|keys| Arc::new(keys.iter().collect()))
}

fn profile() -> impl Strategy<Value = ProfileSource> {
    let rules = (option::of(vec(select(&Exchange::ALL[..]), 1..3)), option::of(1..9_u32), option::of(any::<bool>()));
    let rules = rules.prop_map(|(allowed_exchanges, max_per_underlying, require_active)| Rules {
        allowed_exchanges,
        max_per_underlying,
        require_active,
        ..Rules::default()
    });
    ("profile_[0-9a-f]{4}", any::<u32>(), keys(), vec(selector(), 0..3), rules, any::<bool>()).prop_map(
        |(profile_id, version, keys, selectors, rules, is_strict)| ProfileSource {
            reference: ProfileReference { profile_id, version },
            keys,
            selectors,
            rules,
            is_strict,
        },
    )
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        keys().prop_map(Source::Keys),
        vec(selector(), 1..3).prop_map(Source::Selectors),
        vec(item(), 1..5).prop_map(|items| Source::Items(Arc::new(items))),
        profile().prop_map(|profile| Source::Profile(Box::new(profile))),
    ]
}

fn feed() -> impl Strategy<Value = StreamOptions> {
    let modes = || (option::of(mode()), btree_map(key(), mode(), 0..3));
    let accounts =
        prop_oneof![(1..=16_u32).prop_map(Accounts::Count), vec("[a-z_]{1,8}", 1..3).prop_map(Accounts::Named),];
    let account = (option::of("[a-z]{1,8}"), option::of(accounts), option::of(1..=256_u32));
    let previous = ("plan_[0-9a-f]{4}", any::<bool>()).prop_map(|(plan_id, is_rebalanced)| PreviousPlan {
        plan_id,
        placement: None,
        is_rebalanced,
    });
    let placed = (option::of(select(&PlacementStrategy::ALL[..])), option::of(previous));
    let keyed = (btree_map(key(), 0..=1000_u32, 0..3), btree_set(key(), 0..3));
    (option::of(select(&Broker::ALL[..])), modes(), modes(), keyed, account, placed).prop_map(
        |(
            broker,
            (mode, modes),
            (min_mode, min_modes),
            (priorities, pinned),
            (tier, accounts, connections),
            (placement, previous),
        )| {
            StreamOptions {
                broker,
                mode,
                modes,
                priorities,
                min_mode,
                min_modes,
                pinned,
                tier,
                accounts,
                connections,
                placement,
                previous,
            }
        },
    )
}

fn options() -> impl Strategy<Value = Options> {
    let words = (select(&OptimizationLevel::ALL[..]), select(&FilteringStrictness::ALL[..]));
    (words, 1..50_000_u32, amount(), 1..3000_i32).prop_map(
        |((optimization_level, filtering_strictness), max_instruments, cost_per_instrument, day)| Options {
            optimization_level,
            filtering_strictness,
            max_instruments,
            cost_per_instrument,
            as_of: NaiveDate::from_num_days_from_ce_opt(739_000 + day).unwrap(),
        },
    )
}

fn any_request() -> impl Strategy<Value = PlanRequest> {
    let texts = ("[a-z]{1,8}", "\\PC{1,12}", option::of("\\PC{0,12}"));
    let kind = select(&SubscriptionType::ALL[..]);
    (texts, kind, source(), options(), feed(), vec("\\PC{1,12}", 0..3)).prop_map(
        |((user_id, plan_name, description), subscription_type, source, options, feed, warnings)| PlanRequest {
            user_id,
            plan_name,
            description,
            subscription_type,
            source,
            options,
            feed,
            warnings,
        },
    )
}

proptest! {
    #[test]
    fn a_stored_request_is_the_request(request in any_request()) {
        let json = serde_json::to_string(&RequestDocument::of(&request)).unwrap();

        let read: RequestDocument = serde_json::from_str(&json).unwrap();

        prop_assert_eq!(serde_json::to_string(&read).unwrap(), json);
        prop_assert_eq!(read.into_request(), request);
    }
}

proptest! {
    #[test]
    fn the_keys_of_the_plan_are_not_repeated(request in any_request(), keys in keys()) {
        let document = RequestDocument::of(&request);
        let of_request = match &request.source {
            Source::Keys(keys) => Some(keys),
            Source::Profile(profile) => Some(&profile.keys),
            Source::Selectors(_) | Source::Items(_) => None,
        };

        for of_plan in [Some(&keys), of_request].into_iter().flatten() {
            let stored = serde_json::to_value(document.stored(of_plan)).unwrap();

            let list = stored.get("instruments").or_else(|| stored.get("profile")?.get("instruments"));
            if let Some(of_request) = of_request {
                let count = if of_request == of_plan { 0 } else { of_request.len() };
                prop_assert_eq!(list.unwrap().as_array().unwrap().len(), count);
            }
            let mut read: RequestDocument = serde_json::from_value(stored).unwrap();
            read.restore_keys(of_plan);
            prop_assert_eq!(&read, &document);
        }
    }
}

#[test]
fn a_document_has_the_names_of_the_api() {
    let item = |key: &str, options| PlanItem { instruments: ItemInstruments::Key(key.to_owned()), options };
    let options = ItemOptions { mode: Some(Mode::Full), min_mode: Some(Mode::Ltp), priority: 7, is_pinned: true };
    let items = vec![item("NSE:TCS", options), item("NSE:INFY", ItemOptions::default())];
    let feed = StreamOptions {
        broker: Some(Broker::Kite),
        tier: Some("standard".to_owned()),
        accounts: Some(Accounts::Count(2)),
        connections: Some(3),
        placement: Some(PlacementStrategy::Spread),
        previous: Some(PreviousPlan { plan_id: "plan_1".to_owned(), placement: None, is_rebalanced: false }),
        ..StreamOptions::default()
    };
    let request = PlanRequest { source: Source::Items(Arc::new(items)), feed, ..request(&[]) };

    let document = serde_json::to_value(RequestDocument::of(&request)).unwrap();

    let expected = json!({
        "user_id": "u", "plan_name": "Test Plan", "subscription_type": "live_feed",
        "items": [
            {"instrument": "NSE:TCS", "mode": "full", "min_mode": "ltp", "priority": 7, "pinned": true},
            {"instrument": "NSE:INFY"},
        ],
        "optimization_level": "moderate", "filtering_strictness": "moderate", "max_instruments": 1000,
        "cost_per_instrument": 0.05, "as_of": "2026-11-24",
        "broker": "kite", "tier": "standard", "accounts": 2, "connections": 3,
        "placement": "spread", "previous_plan_id": "plan_1",
    });
    assert_eq!(document, expected);
}

#[test]
fn a_document_without_one_source_is_rejected() {
    let mut document = serde_json::to_value(RequestDocument::of(&request(&["NSE:TCS"]))).unwrap();
    document["items"] = json!([{"instrument": "NSE:TCS"}]);
    let read = |document: &serde_json::Value| RequestDocument::deserialize(document).unwrap_err().to_string();

    assert_eq!(read(&document), "expected exactly one of `instruments`, `items`, `selectors`, `profile`");
    document["instruments"] = json!(null);
    document["items"] = json!([{"mode": "ltp"}]);
    assert_eq!(read(&document), "expected exactly one of `instrument`, `selector`");
}

#[test]
fn shared_lists_are_not_copied() {
    let request = request(&["NSE:TCS"]);

    let document = RequestDocument::of(&request);

    let Source::Keys(keys) = &document.request().source else { panic!("the request names keys") };
    assert_eq!(Arc::strong_count(keys), 2);
    let others = document.heap_bytes(keys);
    assert_eq!(document.heap_bytes(&Arc::default()), others + arc::<KeyList>() + keys.heap_bytes());
}

#[test]
fn items_are_shared_and_selectors_are_copied() {
    let selector = Selector { underlying: Some("NIFTY".to_owned()), ..Selector::default() };
    let item = PlanItem {
        instruments: ItemInstruments::Selector(Box::new(selector.clone())),
        options: ItemOptions::default(),
    };
    let items = Arc::new(vec![item]);
    let of_items = PlanRequest { source: Source::Items(Arc::clone(&items)), ..request(&[]) };
    let of_selectors = PlanRequest { source: Source::Selectors(vec![selector]), ..request(&[]) };

    let documents = [&of_items, &of_selectors].map(RequestDocument::of);

    let Source::Items(own) = &documents[0].request().source else { panic!("the request has items") };
    assert!(Arc::ptr_eq(own, &items));
    let (Source::Selectors(own), Source::Selectors(others)) = (&documents[1].request().source, &of_selectors.source)
    else {
        panic!("the request has selectors")
    };
    assert_eq!(own, others);
    assert!(!std::ptr::eq(own.as_ptr(), others.as_ptr()));
}
