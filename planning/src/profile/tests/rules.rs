//! Tests of the rules for instruments.

use serde_json::json;

use super::{Exchange, InstrumentType, Rules, draft};
use crate::catalogue::{Builder, Catalogue, Source};
use crate::dump::Row;
use crate::plan::{Reason, Rejection};
use crate::profile::Draft;
use crate::testing::{equity, future, index};

const TODAY: &str = "2026-11-24";

/// Shares, an index and their futures. The last file of the broker lacks `NSE:GONE`, and `NFO:TCS26NOVFUT` expired
/// yesterday.
fn catalogue() -> Catalogue {
    let mut builder = Builder::new();
    let mut add = |row: Row, is_active| builder.add(row, is_active);
    add(equity("NSE", "TCS", "INE467B01029"), true);
    add(equity("BSE", "TCS", "INE467B01029"), true);
    add(equity("NSE", "INFY", "INE009A01021"), true);
    add(equity("NSE", "GONE", "INE000X01010"), false);
    add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
    add(future("TCS", "TCS26NOVFUT", "2026-11-23"), true);
    add(future("TCS", "TCS26DECFUT", "2026-12-29"), true);
    add(future("TCS", "TCS27JANFUT", "2027-01-26"), true);
    add(future("NIFTY", "NIFTY26DECFUT", "2026-12-29"), true);
    builder.build("1".into(), vec![Source { broker: None, file_date: None, loaded_at: None }])
}

fn ruled(keys: &[&str], validation_rules: Rules) -> Draft {
    Draft { validation_rules, ..draft(keys) }
}

fn invalid(draft: &Draft, is_strict: bool) -> Vec<Rejection> {
    draft.invalid(&catalogue(), TODAY.parse().unwrap(), is_strict)
}

/// Returns the key and the detail of each instrument that the rules reject.
fn disallowed(keys: &[&str], rules: Rules) -> Vec<(String, String)> {
    let rejections = invalid(&ruled(keys, rules), false);
    assert!(rejections.iter().all(|rejection| rejection.reason == Reason::NotAllowed), "{rejections:?}");
    rejections.into_iter().map(|rejection| (rejection.instrument, rejection.detail)).collect()
}

fn pair(key: &str, detail: &str) -> (String, String) {
    (key.to_owned(), detail.to_owned())
}

#[test]
fn without_rules_and_strictness_everything_is_allowed() {
    assert!(Rules::default().is_empty());
    assert_eq!(invalid(&draft(&["NSE:TCS", "NSE:NOPE", "nonsense", "NSE:GONE", "NFO:TCS26NOVFUT"]), false), []);
}

#[test]
fn disallowed_exchanges_are_rejected_for_unknown_keys_too() {
    let rules = Rules { allowed_exchanges: Some(vec![Exchange::Nse, Exchange::Nfo]), ..Rules::default() };
    assert!(!rules.is_empty());

    let why = "allowed_exchanges allows only NSE, NFO";
    assert_eq!(
        disallowed(&["NSE:TCS", "BSE:TCS", "NFO:NOPE", "BSE:NOPE", "nonsense"], rules),
        [pair("BSE:TCS", why), pair("BSE:NOPE", why), pair("nonsense", why)]
    );
}

#[test]
fn disallowed_and_unknown_types_are_rejected() {
    let rules = Rules { allowed_types: Some(vec![InstrumentType::Index, InstrumentType::Future]), ..Rules::default() };

    let why = "allowed_types allows only INDEX, FUT";
    assert_eq!(
        disallowed(&["NSE:NIFTY 50", "NSE:TCS", "NFO:TCS26DECFUT", "NSE:NOPE"], rules),
        [pair("NSE:TCS", why), pair("NSE:NOPE", why)]
    );
}

#[test]
fn the_first_instruments_of_an_underlying_are_allowed() {
    let rules = Rules { max_per_underlying: Some(2), ..Rules::default() };
    let keys =
        ["NFO:TCS27JANFUT", "NSE:INFY", "NSE:TCS", "NFO:NIFTY26DECFUT", "NFO:TCS26DECFUT", "NSE:NOPE", "BSE:TCS"];

    let why = "max_per_underlying allows at most 2 instruments of `TCS`";
    assert_eq!(disallowed(&keys, rules), [pair("NFO:TCS26DECFUT", why), pair("BSE:TCS", why)]);
}

#[test]
fn instruments_of_other_rules_do_not_count_for_underlyings() {
    let rules =
        Rules { max_per_underlying: Some(1), allowed_types: Some(vec![InstrumentType::Equity]), ..Rules::default() };

    let types = "allowed_types allows only EQ";
    let count = "max_per_underlying allows at most 1 instrument of `TCS`";
    assert_eq!(
        disallowed(&["NFO:TCS26DECFUT", "NSE:TCS", "BSE:TCS"], rules),
        [pair("NFO:TCS26DECFUT", types), pair("BSE:TCS", count)]
    );
}

#[test]
fn active_instruments_are_in_the_last_file_of_the_broker() {
    let must_be = |require_active| Rules { require_active, ..Rules::default() };
    let keys = ["NSE:TCS", "NSE:GONE", "NSE:NOPE"];

    let why = "require_active allows only instruments in the broker's last accepted file";
    assert_eq!(disallowed(&keys, must_be(Some(true))), [pair("NSE:GONE", why), pair("NSE:NOPE", why)]);
    assert_eq!(disallowed(&keys, must_be(Some(false))), []);
}

#[test]
fn days_to_expiry_count_from_the_trading_date() {
    let rules = |days| Rules { min_days_to_expiry: Some(days), ..Rules::default() };
    let keys = ["NSE:TCS", "NFO:TCS26NOVFUT", "NFO:TCS26DECFUT", "NFO:TCS27JANFUT", "NSE:NOPE"];

    let why = |least, left| format!("min_days_to_expiry requires at least {least} days until expiry, got {left}");
    let one = "min_days_to_expiry requires at least 1 day until expiry, got -1";
    assert_eq!(disallowed(&keys, rules(1)), [pair("NFO:TCS26NOVFUT", one)]);
    assert_eq!(disallowed(&keys, rules(0)), [pair("NFO:TCS26NOVFUT", &why(0, -1))]);
    assert_eq!(disallowed(&keys, rules(35)), [pair("NFO:TCS26NOVFUT", &why(35, -1))]);
    assert_eq!(
        disallowed(&keys, rules(36)),
        [pair("NFO:TCS26NOVFUT", &why(36, -1)), pair("NFO:TCS26DECFUT", &why(36, 35))]
    );
}

#[test]
fn strict_validation_finds_unusable_instruments() {
    let keys = ["nonsense", "NSE:NOPE", "NSE:GONE", "NFO:TCS26NOVFUT", "NSE:TCS"];

    let reasons: Vec<(String, Reason)> = invalid(&draft(&keys), true)
        .into_iter()
        .map(|rejection| {
            assert!(!rejection.detail.is_empty(), "{rejection:?}");
            (rejection.instrument, rejection.reason)
        })
        .collect();

    let expected = [Reason::Malformed, Reason::Unknown, Reason::Inactive, Reason::Expired];
    assert_eq!(reasons, keys.iter().map(|key| (*key).to_owned()).zip(expected).collect::<Vec<_>>());
}

#[test]
fn strict_validation_reports_the_most_serious_reason_only() {
    let rules = Rules { allowed_exchanges: Some(vec![Exchange::Bse]), ..Rules::default() };

    let rejections = invalid(&ruled(&["NSE:NOPE", "NSE:TCS", "BSE:TCS"], rules), true);

    let reasons: Vec<_> = rejections.iter().map(|rejection| (&*rejection.instrument, rejection.reason)).collect();
    assert_eq!(reasons, [("NSE:NOPE", Reason::Unknown), ("NSE:TCS", Reason::NotAllowed)]);
}

#[test]
fn absent_rules_are_omitted_and_unknown_rules_rejected() {
    let rules = Rules { max_per_underlying: Some(2), ..Rules::default() };

    assert_eq!(serde_json::to_value(&rules).unwrap(), json!({"max_per_underlying": 2}));
    assert_eq!(serde_json::from_value::<Rules>(json!({})).unwrap(), Rules::default());
    assert!(serde_json::from_value::<Rules>(json!({"max_per_underlyings": 2})).is_err());
    assert!(serde_json::from_value::<Rules>(json!({"allowed_exchanges": ["MOON"]})).is_err());
}
