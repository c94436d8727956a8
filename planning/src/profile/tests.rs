//! Tests of profiles: their instruments, preferences and conflicts.

mod resolve;
mod rules;

use serde_json::json;

use super::*;
use crate::catalogue::Builder;
use crate::catalogue::search::Selector;
use crate::feed::{Accounts, StreamOptions};
use crate::testing::{demo_catalogue, equity};
use crate::vocabulary::{
    Broker, Exchange, FilteringStrictness, InstrumentType, Mode, OptimizationLevel, PlacementStrategy,
};

fn draft(keys: &[&str]) -> Draft {
    Draft {
        profile_name: "Opening".into(),
        subscription_type: SubscriptionType::LiveFeed,
        instruments: keys.iter().collect(),
        preferences: Document::default(),
        validation_rules: Rules::default(),
        max_instruments: None,
        expires_at: None,
    }
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is no object") };
    map
}

fn profile(draft: Draft) -> Profile {
    Profile {
        profile_id: format!("profile_{}", "0".repeat(32)),
        user_id: "desk-7".into(),
        draft,
        is_active: true,
        version: 3,
        created_at: "2026-11-24T03:45:00Z".parse().unwrap(),
        updated_at: "2026-11-24T03:45:00.123Z".parse().unwrap(),
    }
}

fn round_trip(profile: &Profile) -> (Value, Profile) {
    let text = serde_json::to_string(profile).unwrap();
    (serde_json::from_str(&text).unwrap(), serde_json::from_str(&text).unwrap())
}

#[test]
fn a_profile_with_everything_survives_json() {
    let profile = profile(Draft {
        profile_name: "नमस्ते \"x\" \0".into(),
        subscription_type: SubscriptionType::Alerts,
        preferences: object(
            json!({"optimization_level": "low", "n": 1.5, "big": u64::MAX, "list": [null, {"a": "b"}]}),
        )
        .into(),
        validation_rules: Rules {
            allowed_exchanges: Some(vec![Exchange::Nse, Exchange::Nfo]),
            allowed_types: Some(vec![InstrumentType::Equity, InstrumentType::Call]),
            max_per_underlying: Some(2),
            require_active: Some(false),
            min_days_to_expiry: Some(0),
        },
        max_instruments: Some(20),
        expires_at: Some("2026-12-01T00:00:00.500Z".parse().unwrap()),
        ..draft(&["NSE:M&M", "", "a\0\"\u{1f}b"])
    });

    let (json, read) = round_trip(&profile);

    assert_eq!(read, profile);
    assert_eq!(json["validation_rules"]["allowed_exchanges"], json!(["NSE", "NFO"]));
    assert_eq!(json["validation_rules"]["allowed_types"], json!(["EQ", "CE"]));
    assert_eq!(json["expires_at"], "2026-12-01T00:00:00.500Z");
}

#[test]
fn a_bare_profile_survives_json_and_is_one_flat_object() {
    let profile = profile(draft(&["NSE:TCS"]));

    let (json, read) = round_trip(&profile);

    assert_eq!(read, profile);
    assert_eq!(
        json,
        json!({
            "profile_id": "profile_00000000000000000000000000000000",
            "user_id": "desk-7",
            "profile_name": "Opening",
            "subscription_type": "live_feed",
            "instruments": ["NSE:TCS"],
            "preferences": {},
            "validation_rules": {},
            "max_instruments": null,
            "expires_at": null,
            "is_active": true,
            "version": 3,
            "created_at": "2026-11-24T03:45:00.000Z",
            "updated_at": "2026-11-24T03:45:00.123Z",
        })
    );
}

#[test]
fn a_profile_is_expired_at_its_expiry_time() {
    let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
    let endless = profile(draft(&[]));
    let limited = profile(Draft { expires_at: Some(at("2026-11-24T04:00:00Z")), ..draft(&[]) });

    assert!(!endless.is_expired(at("2999-01-01T00:00:00Z")));
    assert!(!limited.is_expired(at("2026-11-24T03:59:59.999Z")));
    assert!(limited.is_expired(at("2026-11-24T04:00:00Z")));
}

#[test]
fn a_name_of_a_secret_is_found_at_any_depth() {
    let found = |value| secret_name(&object(value));

    assert_eq!(found(json!({})), None);
    assert_eq!(found(json!({"optimization_level": "my password", "colour": ["secret"]})), None);
    assert_eq!(found(json!({"api_key": 1})).as_deref(), Some("api_key"));
    assert_eq!(found(json!({"Broker-PASSWORD": null})).as_deref(), Some("Broker-PASSWORD"));
    assert_eq!(found(json!({"a": {"b": {"accessToken": ""}}})).as_deref(), Some("a.b.accessToken"));
    assert_eq!(found(json!({"a": [1, [{"the_secret": 1}]]})).as_deref(), Some("a.the_secret"));
}

#[test]
fn instruments_are_not_names_of_secrets() {
    let named = json!({
        "modes": {"NSE:KEYFINSERV": "full"}, "priorities": {"NSE:TOKENX": 1}, "min_modes": {"NSE:KEYFINSERV": "ltp"},
        "pinned": ["NSE:KEYFINSERV"],
    });

    assert_eq!(secret_name(&object(named)), None);
    assert_eq!(secret_name(&object(json!({"mine": {"modes": {"api_key": 1}}}))).as_deref(), Some("mine.modes.api_key"));
}

#[test]
fn the_preferences_for_plans_are_read() {
    let read = |value| Preferences::of(&object(value));
    let all = json!({
        "optimization_level": "low", "filtering_strictness": "strict", "broker": "kite", "mode": "ltp",
        "modes": {"NSE:TCS": "full"}, "priorities": {"NSE:TCS": 7}, "selectors": [{"underlying": "NIFTY"}], "colour": "red",
    });

    assert_eq!(
        read(json!({"colour": "red", "optimization_level": null, "modes": null})),
        (Preferences::default(), vec![])
    );
    let expected = Preferences {
        optimization_level: Some(OptimizationLevel::Low),
        filtering_strictness: Some(FilteringStrictness::Strict),
        feed: StreamOptions {
            broker: Some(Broker::Kite),
            mode: Some(Mode::Ltp),
            modes: [("NSE:TCS".to_owned(), Mode::Full)].into(),
            priorities: [("NSE:TCS".to_owned(), 7)].into(),
            ..StreamOptions::default()
        },
        selectors: vec![Selector { underlying: Some("NIFTY".to_owned()), ..Selector::default() }],
    };
    assert_eq!(read(all), (expected, vec![]));
}

#[test]
fn an_invalid_preference_is_reported_and_the_others_read() {
    let number = "expected an integer from 0 to 1000";
    let wrong = json!({
        "optimization_level": "high", "filtering_strictness": "strict", "broker": "zerodha", "mode": 5,
        "modes": {"NSE:A/B": "all", "NSE:TCS": "full", "api_key=sk": "full"},
        "priorities": {"NSE:TCS": 1001, "NSE:INFY": -1, "NSE:ITC": 3}, "selectors": [{"underlying": "A"}, {"limit": 1}],
    });

    let (read, faults) = Preferences::of(&object(wrong));

    let reported: Vec<(&str, &str)> =
        faults.iter().map(|fault| (fault.pointer.as_str(), fault.detail.as_str())).collect();
    assert_eq!(
        reported,
        [
            ("/optimization_level", "expected one of low, moderate, aggressive, got `high`"),
            ("/broker", &*format!("expected one of {}, got `zerodha`", Broker::WORDS)),
            ("/mode", &*format!("expected one of {}, got 5", Mode::WORDS)),
            ("/modes/NSE:A~1B", &*format!("expected one of {}, got `all`", Mode::WORDS)),
            ("/modes/api_key=sk", "expected a key of the form `EXCHANGE:SYMBOL`"),
            ("/priorities/NSE:INFY", &*format!("{number}, got -1")),
            ("/priorities/NSE:TCS", &*format!("{number}, got 1001")),
            ("/selectors/1", "expected at least one of `underlying`, `exchanges`, `instrument_types`"),
        ]
    );
    let good = Selector { underlying: Some("A".to_owned()), ..Selector::default() };
    assert_eq!(read.filtering_strictness, Some(FilteringStrictness::Strict));
    assert_eq!(read.selectors, vec![good]);
    assert_eq!(read.feed.modes, [("NSE:TCS".to_owned(), Mode::Full)].into());
    assert_eq!(read.feed.priorities, [("NSE:ITC".to_owned(), 3)].into());
}

#[test]
fn modes_and_priorities_have_a_maximum_of_instruments() {
    let many: Map<String, Value> = (0..5001).map(|number| (format!("NSE:S{number}"), json!(1))).collect();

    let faults = Preferences::of(&object(json!({"priorities": many, "modes": ["full"]}))).1;

    let details: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
    assert_eq!(
        details,
        [
            &*format!("expected an object that maps each instrument key to one of {}, got an array", Mode::WORDS),
            "expected at most 5000 instruments, got 5001"
        ]
    );
}

#[test]
fn the_preferences_for_a_broker_are_read() {
    let read = |accounts: Value| {
        let preferences = json!({
            "broker": "kite", "min_mode": "ltp", "min_modes": {"NSE:TCS": "quote"}, "pinned": ["NSE:TCS", "NSE:TCS"],
            "tier": "standard", "accounts": accounts, "connections": 2.0, "placement": "together",
        });
        Preferences::of(&object(preferences))
    };

    let (read_count, faults) = read(json!(2));

    let expected = StreamOptions {
        broker: Some(Broker::Kite),
        min_mode: Some(Mode::Ltp),
        min_modes: [("NSE:TCS".to_owned(), Mode::Quote)].into(),
        pinned: ["NSE:TCS".to_owned()].into(),
        tier: Some("standard".to_owned()),
        accounts: Some(Accounts::Count(2)),
        connections: Some(2),
        placement: Some(PlacementStrategy::Together),
        ..StreamOptions::default()
    };
    assert_eq!(read_count.feed, expected);
    assert_eq!(faults, []);
    let names = Some(Accounts::Named(vec!["desk_a".to_owned(), "desk_b".to_owned()]));
    assert_eq!(read(json!(["desk_a", "desk_b"])).0.feed.accounts, names);
}

#[test]
fn an_invalid_preference_for_a_broker_is_reported_and_ignored() {
    let wrong = json!({
        "min_mode": "all", "min_modes": {"NSE:TCS": 1}, "pinned": ["NSE:TCS", "tcs", 5], "tier": "", "accounts": 17,
        "connections": 257, "placement": "even",
    });
    let name = "a name of 1 to 64 letters, digits, `_`, `-` and `.`";

    let (read, faults) = Preferences::of(&object(wrong));

    let reported: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect();
    assert_eq!(
        reported,
        [
            format!("/min_mode: expected one of {}, got `all`", Mode::WORDS),
            format!("/min_modes/NSE:TCS: expected one of {}, got 1", Mode::WORDS),
            "/pinned/1: expected a key of the form `EXCHANGE:SYMBOL`, got the string `tcs`".to_owned(),
            "/pinned/2: expected a key of the form `EXCHANGE:SYMBOL`, got 5".to_owned(),
            format!("/tier: expected {name}, got an empty string"),
            "/accounts: expected an integer from 1 to 16 or an array of 1 to 16 names, got 17".to_owned(),
            "/connections: expected an integer from 1 to 256, got 257".to_owned(),
            "/placement: expected one of balanced, together, spread, got `even`".to_owned(),
        ]
    );
    assert_eq!(read.feed, StreamOptions { pinned: ["NSE:TCS".to_owned()].into(), ..StreamOptions::default() });
    let faults = Preferences::of(&object(json!({"accounts": ["a", "a", 5], "pinned": vec!["NSE:A"; 5001]}))).1;
    let details: Vec<(&str, &str)> = faults.iter().map(|fault| (&*fault.pointer, &*fault.detail)).collect();
    assert_eq!(
        details,
        [
            ("/pinned", "expected at most 5000 instruments, got 5001"),
            ("/accounts/1", "duplicate of an earlier account: `a`"),
            ("/accounts/2", &*format!("expected {name}, got 5")),
        ]
    );
    let many: Vec<String> = (0..17).map(|number| format!("desk_{number}")).collect();
    for (accounts, count) in [(json!(many), 17), (json!([]), 0)] {
        let faults = Preferences::of(&object(json!({"accounts": accounts}))).1;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].pointer, "/accounts");
        assert_eq!(faults[0].detail, format!("expected 1 to 16 accounts, got {count}"));
    }
}

#[test]
fn a_lowest_mode_above_the_mode_is_reported_and_ignored() {
    let wrong = json!({
        "mode": "quote", "min_mode": "full", "modes": {"NSE:TCS": "ltp"}, "min_modes": {"NSE:TCS": "quote", "NSE:INFY": "ltp"},
    });

    let (read, faults) = Preferences::of(&object(wrong));

    let reported: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect();
    assert_eq!(
        reported,
        [
            "/min_mode: expected a mode that `quote` includes (ltp, quote), got `full`",
            "/min_modes/NSE:TCS: expected a mode that `ltp` includes (ltp), got `quote`",
        ]
    );
    assert_eq!(read.feed.min_mode, None);
    assert_eq!(read.feed.min_modes.len(), 1);
}

#[test]
fn merged_instruments_keep_their_modes() {
    let with = |keys: &[&str], preferences| Draft { preferences: object(preferences).into(), ..draft(keys) };
    let mut mine = with(&["NSE:A", "NSE:B"], json!({"modes": {"NSE:A": "full"}, "mode": "ltp"}));
    let modes = json!({"NSE:A": "ltp", "NSE:B": "full", "NSE:C": "ltp", "NSE:GONE": "full"});
    let other =
        with(&["NSE:B", "NSE:C", "NSE:D"], json!({"modes": modes, "priorities": {"NSE:C": 2}, "mode": "quote"}));

    mine.unite(&other);

    assert_eq!(mine.instruments, ["NSE:A", "NSE:B", "NSE:C", "NSE:D"].iter().collect());
    let expected = json!({"modes": {"NSE:A": "full", "NSE:D": "quote"}, "mode": "ltp"});
    assert_eq!(Value::Object(mine.preferences.values()), expected);
}

#[test]
fn merged_instruments_keep_their_pins_and_lowest_modes() {
    let with = |keys: &[&str], preferences| Draft { preferences: object(preferences).into(), ..draft(keys) };
    let mut mine = with(&["NSE:A", "NSE:B"], json!({"mode": "full", "min_mode": "quote", "pinned": ["NSE:A"]}));
    let theirs = json!({
        "mode": "ltp", "modes": {"NSE:D": "full"}, "min_modes": {"NSE:D": "full", "NSE:B": "ltp"},
        "pinned": ["NSE:B", "NSE:C"],
    });

    mine.unite(&with(&["NSE:B", "NSE:C", "NSE:D"], theirs));

    let expected = json!({
        "mode": "full", "modes": {"NSE:C": "ltp"}, "min_mode": "quote", "min_modes": {"NSE:C": "ltp", "NSE:D": "full"},
        "pinned": ["NSE:A", "NSE:C"],
    });
    assert_eq!(Value::Object(mine.preferences.values()), expected);
    assert_eq!(Preferences::of(&mine.preferences.values()).1, []);
}

#[test]
fn equivalent_selectors_are_equal() {
    let of = |selectors| DistinguishingPreferences::of(&object(json!({"selectors": selectors})));

    let one = of(json!([{"underlying": "NIFTY", "min_strike": 24000}]));
    assert_eq!(of(json!([{"underlying": "nifty", "min_strike": 24000.0, "limit": null}])), one);
    assert_ne!(of(json!([{"underlying": "NIFTY", "min_strike": 24001}])), one);
}

#[test]
fn excluded_instruments_do_not_count_for_underlyings() {
    let mut builder = Builder::new();
    builder.add(equity("NSE", "TCS", "INE467B01029"), true);
    builder.add(equity("BSE", "TCS", "INE467B01029"), true);
    builder.add(equity("NSE", "GONE", "INE000A01011"), false);
    builder.add_token(Broker::Upstox, "NSE:TCS".to_owned(), "1");
    let catalogue = builder.build("1".into(), vec![]);
    let invalid = |preferences| {
        let rules = Rules { max_per_underlying: Some(1), ..Rules::default() };
        let draft = Draft {
            validation_rules: rules,
            preferences: object(preferences).into(),
            ..draft(&["BSE:TCS", "NSE:TCS"])
        };
        let invalid = draft.invalid(&catalogue, "2026-11-24".parse().unwrap(), false);
        invalid.into_iter().map(|rejection| rejection.instrument).collect::<Vec<_>>()
    };

    assert_eq!(invalid(json!({})), ["NSE:TCS"]);
    assert_eq!(invalid(json!({"broker": "upstox"})), [""; 0]);
    // Lenient allows both, and the one that the broker can stream counts toward the maximum.
    assert_eq!(invalid(json!({"broker": "upstox", "filtering_strictness": "lenient"})), ["BSE:TCS"]);
}

#[test]
fn higher_priorities_of_an_underlying_are_valid() {
    let rules = Rules { max_per_underlying: Some(1), ..Rules::default() };
    let keys = ["NSE:TCS", "BSE:TCS"];
    let preferences: Document = object(json!({"priorities": {"BSE:TCS": 1}})).into();
    let invalid = |draft: Draft| {
        let invalid = draft.invalid(&demo_catalogue(), "2026-11-24".parse().unwrap(), false);
        invalid.into_iter().map(|rejection| rejection.instrument).collect::<Vec<_>>()
    };

    assert_eq!(invalid(Draft { validation_rules: rules.clone(), ..draft(&keys) }), ["BSE:TCS"]);
    assert_eq!(invalid(Draft { validation_rules: rules, preferences, ..draft(&keys) }), ["NSE:TCS"]);
}

#[test]
fn the_first_of_repeated_keys_is_kept() {
    let keys: KeyList = ["NSE:TCS", "NSE:INFY", "NSE:TCS", "", "NSE:TCS", ""].into_iter().collect();

    assert_eq!(distinct(&keys), ["NSE:TCS", "NSE:INFY", ""].into_iter().collect());
}
