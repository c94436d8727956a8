//! What profiles let in, and what becomes of their conflicts.

mod rules;
mod settling;

use serde_json::json;

use super::*;
use crate::instrument::{Class, Exchange};

fn draft(keys: &[&str]) -> Draft {
    Draft {
        profile_name: "Opening".into(),
        subscription_type: SubscriptionType::LiveFeed,
        instruments: keys.iter().collect(),
        preferences: Map::new(),
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
        ),
        validation_rules: Rules {
            allowed_exchanges: Some(vec![Exchange::Nse, Exchange::Nfo]),
            allowed_types: Some(vec![Class::Equity, Class::Call]),
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
fn a_profile_has_expired_at_its_very_last_moment() {
    let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
    let endless = profile(draft(&[]));
    let limited = profile(Draft { expires_at: Some(at("2026-11-24T04:00:00Z")), ..draft(&[]) });

    assert!(!endless.is_expired(at("2999-01-01T00:00:00Z")));
    assert!(!limited.is_expired(at("2026-11-24T03:59:59.999Z")));
    assert!(limited.is_expired(at("2026-11-24T04:00:00Z")));
}

#[test]
fn a_name_that_speaks_of_a_secret_is_found_wherever_it_stands() {
    let found = |value| secret_name(&object(value));

    assert_eq!(found(json!({})), None);
    assert_eq!(found(json!({"optimization_level": "my password", "colour": ["secret"]})), None);
    assert_eq!(found(json!({"api_key": 1})).as_deref(), Some("api_key"));
    assert_eq!(found(json!({"Broker-PASSWORD": null})).as_deref(), Some("Broker-PASSWORD"));
    assert_eq!(found(json!({"a": {"b": {"accessToken": ""}}})).as_deref(), Some("a.b.accessToken"));
    assert_eq!(found(json!({"a": [1, [{"the_secret": 1}]]})).as_deref(), Some("a.the_secret"));
}

#[test]
fn of_the_preferences_those_of_plans_are_read() {
    let read = |value| Preferences::of(&object(value));

    assert_eq!(read(json!({"colour": "red", "optimization_level": null})), Ok(Preferences::default()));
    let both = json!({"optimization_level": "low", "filtering_strictness": "strict"});
    let (level, strictness) = (Some(OptimizationLevel::Low), Some(FilteringStrictness::Strict));
    assert_eq!(read(both), Ok(Preferences { optimization_level: level, filtering_strictness: strictness }));
    let levels = ("optimization_level", "low, moderate, aggressive");
    assert_eq!(read(json!({"optimization_level": "high"})), Err(levels));
    assert_eq!(read(json!({"optimization_level": 1})), Err(levels));
    let strictness = ("filtering_strictness", "lenient, moderate, strict");
    assert_eq!(read(json!({"filtering_strictness": ["strict"]})), Err(strictness));
}

#[test]
fn of_repeated_keys_the_first_stays() {
    let keys: KeyList = ["NSE:TCS", "NSE:INFY", "NSE:TCS", "", "NSE:TCS", ""].into_iter().collect();

    assert_eq!(distinct(&keys), ["NSE:TCS", "NSE:INFY", ""].into_iter().collect());
}
