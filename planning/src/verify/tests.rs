//! Plans at Kite, compared with the catalog after further files.

mod new_plans;

use serde_json::json;

use super::*;
use crate::catalogue::Catalogue;
use crate::dump::Row;
use crate::ingest::archive::StoredInstruments;
use crate::ingest::diff::diff;
use crate::instrument::Amount;
use crate::merge::{self, Part};
use crate::request::Resolved;
use crate::testing::{basis, demo_catalogue, equity, future, index, request, stamp};
use crate::vocabulary::{Broker, FilteringStrictness, InstrumentType, SubscriptionType};

const TODAY: &str = "2026-11-24";
const ISIN: &str = "INE467B01029";

/// Files of one broker, the first one first.
type Files<'a> = (Broker, &'a [Vec<Row>]);

/// Returns the catalog after files that were accepted one after the other.
fn catalogue_of(brokers: &[Files<'_>]) -> Catalogue {
    let followed = |before: StoredInstruments, file: &Vec<Row>| {
        let mut file = file.clone();
        file.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
        let diff = diff(&before.last_file(&file).unwrap(), &file);
        let archive = before.followed_with(&file, &diff.key_changes).unwrap().archive;
        StoredInstruments::Archive(archive.into())
    };
    let last: Vec<(Broker, StoredInstruments)> = brokers
        .iter()
        .map(|(broker, files)| (*broker, files.iter().fold(StoredInstruments::none(), followed)))
        .collect();
    let mut parts = Vec::new();
    for (broker, last) in &last {
        parts.push(Part { broker: *broker, file_date: None, loaded_at: None, rows: last.rows().unwrap() });
    }
    merge::catalogue(parts, "7".to_owned()).unwrap()
}

fn listed(row: Row, token: &str) -> Row {
    Row { token: token.to_owned(), ..row }
}

fn nifty(symbol: &str, expiry: &str, token: &str) -> Row {
    listed(future("NIFTY", symbol, expiry), token)
}

/// Returns a call with the strike 24,000.
fn call(expiry: &str, token: &str) -> Row {
    call_at(24_000, "NIFTY26DEC24000CE", expiry, token)
}

fn call_at(strike: i64, symbol: &str, expiry: &str, token: &str) -> Row {
    let strike = Some(Amount::from_ten_thousandths(strike * 10_000));
    Row { class: InstrumentType::Call, strike, ..nifty(symbol, expiry, token) }
}

fn share(symbol: &str, isin: &str, token: &str) -> Row {
    listed(equity("NSE", symbol, isin), token)
}

/// Returns a share in a file without ISINs and series.
fn share_of_kite(symbol: &str, token: &str) -> Row {
    Row { isin: None, series: None, ..share(symbol, "", token) }
}

fn plan_at_kite(keys: &[&str], catalogue: &Catalogue) -> Plan {
    let mut request = request(keys);
    request.feed.broker = Some(Broker::Kite);
    request.options.filtering_strictness = FilteringStrictness::Lenient;
    planned(&request, catalogue)
}

fn planned(request: &crate::request::PlanRequest, catalogue: &Catalogue) -> Plan {
    let resolved = Resolved::new(request, basis(catalogue), &[0; 32]);
    crate::create_plan(request, &resolved, basis(catalogue), stamp()).unwrap()
}

fn keys_of(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| format!("{}:{}", row.exchange, row.symbol)).collect()
}

/// Returns each instrument with its verdict and its changes as a line.
fn lines(verification: &Verification<'_>) -> Vec<String> {
    let value = |value: &Option<ChangedValue<'_>>| match value {
        None => "-".to_owned(),
        Some(ChangedValue::Text(text)) => text.to_string(),
        Some(ChangedValue::Number(number)) => number.to_string(),
    };
    let line = |of: &VerifiedInstrument<'_>| {
        let changes = of.changes.iter().map(|of| format!("; {} {} → {}", of.field, value(&of.from), value(&of.to)));
        format!("{} {}{}", of.instrument, of.verdict, changes.collect::<String>())
    };
    verification.instruments.iter().map(line).collect()
}

fn verified_on(today: &str, plan: &Plan, catalogue: &Catalogue) -> Vec<String> {
    lines(&verify(plan, basis(catalogue), today.parse().unwrap()))
}

/// Plans all instruments of the first file, and compares them with the catalog after the other files.
#[track_caller]
fn after(files: &[Vec<Row>]) -> Vec<String> {
    after_on(TODAY, files)
}

#[track_caller]
fn after_on(today: &str, files: &[Vec<Row>]) -> Vec<String> {
    let keys = keys_of(&files[0]);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let plan = plan_at_kite(&keys, &catalogue_of(&[(Broker::Kite, &files[..1])]));
    verified_on(today, &plan, &catalogue_of(&[(Broker::Kite, files)]))
}

#[test]
fn instruments_of_an_equal_file_are_unchanged() {
    let file = vec![call("2026-12-29", "1"), share("TCS", ISIN, "2"), listed(index("NSE", "NIFTY 50", None), "3")];

    assert_eq!(
        after(&[file.clone(), file]),
        ["NFO:NIFTY26DEC24000CE unchanged", "NSE:NIFTY 50 unchanged", "NSE:TCS unchanged"]
    );
}

#[test]
fn a_token_of_another_contract_is_reused() {
    let other = |token| call_at(25_000, "NIFTY26DEC25000CE", "2026-12-29", token);

    assert_eq!(
        after(&[vec![call("2026-12-29", "1")], vec![call("2026-12-29", "2"), other("1")]]),
        ["NFO:NIFTY26DEC24000CE token_reused; token_owner NFO:NIFTY26DEC24000CE → NFO:NIFTY26DEC25000CE; \
             broker_token 1 → 2"]
    );
    assert_eq!(
        after_on("2027-01-04", &[vec![call("2026-12-29", "1")], vec![other("1")]]),
        ["NFO:NIFTY26DEC24000CE token_reused; token_owner NFO:NIFTY26DEC24000CE → NFO:NIFTY26DEC25000CE; \
             broker_token 1 → -"],
        "although the contract has expired"
    );
}

#[test]
fn two_contracts_that_swap_tokens_are_both_reused() {
    let file = |tokens: [&str; 2]| {
        vec![call("2026-12-29", tokens[0]), call_at(25_000, "NIFTY26DEC25000CE", "2026-12-29", tokens[1])]
    };

    let lines = after(&[file(["1", "2"]), file(["2", "1"])]);

    assert!(lines[0].starts_with("NFO:NIFTY26DEC24000CE token_reused;"), "{lines:?}");
    assert!(lines[1].starts_with("NFO:NIFTY26DEC25000CE token_reused;"), "{lines:?}");
}

#[test]
fn a_token_of_another_segment_is_not_reused() {
    let lines = after(&[vec![call("2026-12-29", "1")], vec![call("2026-12-29", "2"), share("TCS", ISIN, "1")]]);

    assert_eq!(lines, ["NFO:NIFTY26DEC24000CE token_changed; broker_token 1 → 2"]);
}

#[test]
fn a_contract_expires_after_its_last_trading_date() {
    let files = [vec![call("2026-12-29", "1")], vec![call("2026-12-29", "1")]];
    let without = [vec![call("2026-12-29", "1")], vec![share("TCS", ISIN, "2")]];

    assert_eq!(after_on("2026-12-29", &files), ["NFO:NIFTY26DEC24000CE unchanged"]);
    assert_eq!(after_on("2026-12-30", &files), ["NFO:NIFTY26DEC24000CE expired"]);
    assert_eq!(after_on("2026-12-29", &without), ["NFO:NIFTY26DEC24000CE gone; broker_token 1 → -"]);
    assert_eq!(after_on("2026-12-30", &without), ["NFO:NIFTY26DEC24000CE expired; broker_token 1 → -"]);
}

#[test]
fn an_expiry_moves_under_the_same_key() {
    let files = [vec![call("2026-12-31", "1")], vec![call("2026-12-29", "1")]];
    let with_new_token = [vec![call("2026-12-31", "1")], vec![call("2026-12-29", "9")]];

    assert_eq!(after(&files), ["NFO:NIFTY26DEC24000CE expiry_moved; expiry 2026-12-31 → 2026-12-29"]);
    assert_eq!(
        after(&with_new_token),
        ["NFO:NIFTY26DEC24000CE expiry_moved; expiry 2026-12-31 → 2026-12-29; broker_token 1 → 9"]
    );
}

#[test]
fn an_expiry_moves_with_the_key() {
    let thursday = nifty("NIFTY26D10FUT", "2026-12-10", "1");
    let tuesday = nifty("NIFTY26D08FUT", "2026-12-08", "1");
    let moved =
        "NFO:NIFTY26D10FUT expiry_moved; expiry 2026-12-10 → 2026-12-08; key NFO:NIFTY26D10FUT → NFO:NIFTY26D08FUT";

    assert_eq!(after(&[vec![thursday.clone()], vec![tuesday.clone()]]), [moved]);
    let gap = vec![share("TCS", ISIN, "2")];
    assert_eq!(after(&[vec![thursday], gap, vec![tuesday]]), [moved], "no file shows both");
}

#[test]
fn a_contract_expires_on_its_moved_date() {
    let later = [vec![call("2026-12-10", "1")], vec![call("2026-12-11", "1")]];
    let earlier = [vec![call("2026-12-10", "1")], vec![call("2026-12-08", "1")]];
    let removed = [earlier[0].clone(), earlier[1].clone(), vec![share("TCS", ISIN, "2")]];
    let with_key = [vec![nifty("NIFTY26D10FUT", "2026-12-10", "1")], vec![nifty("NIFTY26D11FUT", "2026-12-11", "1")]];
    let verdict = |today: &str, files: &[Vec<Row>]| {
        let lines = after_on(today, files);
        lines[0].split([' ', ';']).nth(1).unwrap().to_owned()
    };

    assert_eq!(verdict("2026-12-11", &later), "expiry_moved");
    assert_eq!(verdict("2026-12-12", &later), "expired");
    assert_eq!(verdict("2026-12-11", &with_key), "expiry_moved");
    assert_eq!(verdict("2026-12-12", &with_key), "expired");
    assert_eq!(verdict("2026-12-08", &earlier), "expiry_moved");
    assert_eq!(verdict("2026-12-09", &earlier), "expired");
    assert_eq!(verdict("2026-12-09", &removed), "expired", "no file contains it any more");
}

#[test]
fn keys_expire_on_the_moved_date() {
    let files = [vec![nifty("NIFTY26D10FUT", "2026-12-10", "1")], vec![nifty("NIFTY26D11FUT", "2026-12-11", "1")]];
    let plan = planned(&request(&["NFO:NIFTY26D10FUT"]), &catalogue_of(&[(Broker::Kite, &files[..1])]));
    let now = catalogue_of(&[(Broker::Kite, &files)]);
    let verdict = |today: &str| verify(&plan, basis(&now), today.parse().unwrap()).instruments[0].verdict;

    assert_eq!([verdict("2026-12-11"), verdict("2026-12-12")], [Verdict::ExpiryMoved, Verdict::Expired]);
}

#[test]
fn the_next_contract_of_a_series_is_not_moved() {
    let next = nifty("NIFTY26D17FUT", "2026-12-17", "1");

    assert_eq!(
        after(&[vec![nifty("NIFTY26D10FUT", "2026-12-10", "1")], vec![next]]),
        ["NFO:NIFTY26D10FUT token_reused; token_owner NFO:NIFTY26D10FUT → NFO:NIFTY26D17FUT; broker_token 1 → -"]
    );
}

#[test]
fn a_new_symbol_is_a_rename() {
    let renamed = |old: Row, new: Row| after(&[vec![old], vec![new]]);

    assert_eq!(renamed(share("OLD", ISIN, "1"), share("NEW", ISIN, "1")), ["NSE:OLD renamed; key NSE:OLD → NSE:NEW"]);
    assert_eq!(
        renamed(share_of_kite("OLD", "1"), share_of_kite("NEW", "1")),
        ["NSE:OLD renamed; key NSE:OLD → NSE:NEW"],
        "the token identifies it"
    );
    let in_be = Row { series: Some("BE".into()), ..share("TCS-BE", ISIN, "2") };
    assert_eq!(
        renamed(in_be.clone(), share("TCS", ISIN, "1")),
        ["NSE:TCS-BE renamed; key NSE:TCS-BE → NSE:TCS; broker_token 2 → 1"]
    );
    assert_eq!(
        renamed(share("TCS", ISIN, "1"), in_be),
        ["NSE:TCS token_changed; broker_token 1 → 2"],
        "the symbol finds its only series"
    );
    assert_eq!(
        renamed(nifty("NIFTY26DECFUT", "2026-12-29", "1"), nifty("NIFTY26D29FUT", "2026-12-29", "1")),
        ["NFO:NIFTY26DECFUT renamed; key NFO:NIFTY26DECFUT → NFO:NIFTY26D29FUT"]
    );
}

#[test]
fn a_symbol_that_names_another_share_is_a_rename() {
    let other = share("TCS", "INE009A01021", "3");

    assert_eq!(
        after(&[vec![share("TCS", ISIN, "1")], vec![share("TCSL", ISIN, "1"), other]]),
        ["NSE:TCS renamed; key NSE:TCS → NSE:TCSL"]
    );
}

#[test]
fn another_isin_under_the_same_key_is_another_instrument() {
    assert_eq!(
        after(&[vec![share("TCS", ISIN, "1")], vec![share("TCS", "INE467B01037", "1")]]),
        ["NSE:TCS token_reused; token_owner NSE:TCS → NSE:TCS; broker_token 1 → -"]
    );
    assert_eq!(
        after(&[vec![share("TCS", ISIN, "1")], vec![share("TCS", "INE467B01037", "2")]]),
        ["NSE:TCS token_changed; broker_token 1 → 2"]
    );
}

#[test]
fn changed_terms_are_named() {
    let before = call("2026-12-29", "1");
    let changed = |change: fn(&mut Row)| {
        let mut row = before.clone();
        change(&mut row);
        after(&[vec![before.clone()], vec![row]])
    };

    assert_eq!(changed(|row| row.token = "2".into()), ["NFO:NIFTY26DEC24000CE token_changed; broker_token 1 → 2"]);
    assert_eq!(changed(|row| row.lot_size = 75), ["NFO:NIFTY26DEC24000CE lot_changed; lot_size 1 → 75"]);
    let tick = |row: &mut Row| row.tick_size = Amount::from_ten_thousandths(1000);
    assert_eq!(changed(tick), ["NFO:NIFTY26DEC24000CE tick_changed; tick_size 0.05 → 0.1"]);
    assert_eq!(
        changed(|row| {
            row.symbol = "NIFTY26D2924000CE".into();
            row.token = "2".into();
            row.lot_size = 75;
            row.tick_size = Amount::from_ten_thousandths(1000);
        }),
        ["NFO:NIFTY26DEC24000CE renamed; key NFO:NIFTY26DEC24000CE → NFO:NIFTY26D2924000CE; broker_token 1 → 2; \
             lot_size 1 → 75; tick_size 0.05 → 0.1"]
    );
    let unknown_terms = |row: &mut Row| (row.lot_size, row.tick_size) = (0, Amount::ZERO);
    assert_eq!(changed(unknown_terms), ["NFO:NIFTY26DEC24000CE unchanged"]);
}

#[test]
fn an_instrument_that_only_another_broker_lists_has_no_token() {
    let (kite, upstox) = (vec![call("2026-12-29", "1")], vec![call("2026-12-29", "NSE_FO|1")]);
    let plan = plan_at_kite(&["NFO:NIFTY26DEC24000CE"], &catalogue_of(&[(Broker::Kite, std::slice::from_ref(&kite))]));

    let now = catalogue_of(&[(Broker::Kite, &[kite, vec![share("TCS", ISIN, "2")]]), (Broker::Upstox, &[upstox])]);

    assert_eq!(verified_on(TODAY, &plan, &now), ["NFO:NIFTY26DEC24000CE token_changed; broker_token 1 → -"]);
}

#[test]
fn an_isin_from_another_file_changes_nothing() {
    let (kite, upstox) = (vec![share_of_kite("TCS", "1")], vec![share("TCS", ISIN, "NSE_EQ|INE467B01029")]);
    let of_kite = [(Broker::Kite, std::slice::from_ref(&kite))];
    let (alone, both) =
        (catalogue_of(&of_kite), catalogue_of(&[of_kite[0], (Broker::Upstox, std::slice::from_ref(&upstox))]));

    assert_eq!(verified_on(TODAY, &plan_at_kite(&["NSE:TCS"], &alone), &both), ["NSE:TCS unchanged"]);
    assert_eq!(verified_on(TODAY, &plan_at_kite(&["NSE:TCS"], &both), &alone), ["NSE:TCS unchanged"]);
}

#[test]
fn another_name_of_an_index_is_unchanged() {
    let file = vec![listed(index("NSE", "NIFTY 50", Some("NIFTY")), "1")];
    let catalogue = catalogue_of(&[(Broker::Kite, std::slice::from_ref(&file))]);

    assert_eq!(verified_on(TODAY, &plan_at_kite(&["NSE:NIFTY"], &catalogue), &catalogue), ["NSE:NIFTY unchanged"]);
}

#[test]
fn an_instrument_that_the_catalog_lacked_gets_a_token() {
    let (first, second) = (vec![share("TCS", ISIN, "1")], vec![share("TCS", ISIN, "1"), call("2026-12-29", "2")]);
    let plan = plan_at_kite(
        &["NFO:NIFTY26DEC24000CE", "NSE:NOPE", "NSE:TCS"],
        &catalogue_of(&[(Broker::Kite, std::slice::from_ref(&first))]),
    );

    let now = catalogue_of(&[(Broker::Kite, &[first, second])]);

    assert_eq!(
        verified_on(TODAY, &plan, &now),
        ["NFO:NIFTY26DEC24000CE token_changed; broker_token - → 2", "NSE:NOPE unchanged", "NSE:TCS unchanged"]
    );
}

#[test]
fn a_verification_counts_its_verdicts() {
    let infy = share("INFY", "INE009A01021", "3");
    let changed = Row { lot_size: 2, tick_size: Amount::from_ten_thousandths(1000), ..infy };
    let files = [
        vec![call("2026-12-29", "1"), share("OLD", ISIN, "2"), share("INFY", "INE009A01021", "3")],
        vec![share("NEW", ISIN, "2"), changed],
    ];
    let keys = keys_of(&files[0]);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let plan = plan_at_kite(&keys, &catalogue_of(&[(Broker::Kite, &files[..1])]));
    let now = catalogue_of(&[(Broker::Kite, &files)]);

    let verification = verify(&plan, basis(&now), TODAY.parse().unwrap());

    let json = serde_json::to_value(&verification).unwrap();
    assert_eq!(
        json,
        json!({
            "plan_id": plan.plan_id,
            "basis": "identities",
            "as_of": TODAY,
            "catalogue": {"planned": "7", "current": "7", "has_changed": true},
            "counts": {
                "token_reused": 0, "expired": 0, "gone": 1, "expiry_moved": 0, "renamed": 1, "token_changed": 0,
                "lot_changed": 1, "tick_changed": 0, "unchanged": 0,
            },
            "stale_instruments": 3,
            "instruments": [
                {
                    "instrument": "NFO:NIFTY26DEC24000CE", "verdict": "gone",
                    "changes": [{"field": "broker_token", "from": "1", "to": null}],
                },
                {
                    "instrument": "NSE:INFY", "verdict": "lot_changed",
                    "changes": [
                        {"field": "lot_size", "from": 1, "to": 2}, {"field": "tick_size", "from": 0.05, "to": 0.1},
                    ],
                },
                {
                    "instrument": "NSE:OLD", "verdict": "renamed",
                    "changes": [{"field": "key", "from": "NSE:OLD", "to": "NSE:NEW"}],
                },
            ],
        })
    );
}

#[test]
fn a_stored_plan_is_verified_equally() {
    let files = [
        vec![call("2026-12-31", "1"), share("OLD", ISIN, "2"), share("INFY", "INE009A01021", "3")],
        vec![call("2026-12-29", "1"), share("NEW", ISIN, "2"), share("INFY", "INE009A01021", "3")],
    ];
    let keys = keys_of(&files[0]);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let plan = plan_at_kite(&keys, &catalogue_of(&[(Broker::Kite, &files[..1])]));
    let now = catalogue_of(&[(Broker::Kite, &files)]);

    let mut stored = plan.clone();
    stored.metadata = serde_json::from_str(&plan.metadata_to_json()).unwrap();
    stored.metadata.restore_instruments(&plan.instruments);

    assert_eq!(verified_on(TODAY, &stored, &now), verified_on(TODAY, &plan, &now));
}

#[test]
fn a_comparison_replaces_the_catalog_in_the_json_of_a_plan() {
    let file = vec![share("TCS", ISIN, "2")];
    let catalogue = catalogue_of(&[(Broker::Kite, std::slice::from_ref(&file))]);
    let mut plan = plan_at_kite(&["NSE:TCS"], &catalogue);
    plan.plan_name = format!("\"catalogue\":{}", serde_json::to_string(&plan.metadata.catalogue).unwrap());
    let stored = (plan.metadata.catalogue.clone(), plan.to_json());

    plan.metadata.catalogue.compare(&catalogue, 1);

    assert_ne!(plan.to_json(), stored.1);
    assert_eq!(stored.0.replaced_in(&stored.1, &plan.metadata.catalogue), plan.to_json());
}

#[test]
fn a_plan_without_a_broker_compares_keys() {
    let weekly = nifty("NIFTY26D10FUT", "2026-12-10", "5");
    let old = vec![call("2026-12-29", "1"), share("OLD", ISIN, "2"), share("INFY", "INE009A01021", "3"), weekly];
    let moved = nifty("NIFTY26D08FUT", "2026-12-08", "5");
    let new = vec![share("NEW", ISIN, "2"), share("INFY", "INE009A01021", "4"), moved];
    let mut request = request(&["NSE:OLD", "NSE:INFY", "NSE:NOPE", "NFO:NIFTY26DEC24000CE", "NFO:NIFTY26D10FUT"]);
    request.options.filtering_strictness = FilteringStrictness::Lenient;
    let plan = planned(&request, &catalogue_of(&[(Broker::Kite, std::slice::from_ref(&old))]));
    let now = catalogue_of(&[(Broker::Kite, &[old, new])]);

    let verification = verify(&plan, basis(&now), TODAY.parse().unwrap());

    assert_eq!(verification.basis, VerificationBasis::Keys);
    assert_eq!(
        lines(&verification),
        [
            "NFO:NIFTY26D10FUT expiry_moved; expiry 2026-12-10 → 2026-12-08; key NFO:NIFTY26D10FUT → NFO:NIFTY26D08FUT",
            "NFO:NIFTY26DEC24000CE gone",
            "NSE:INFY unchanged",
            "NSE:NOPE unchanged",
            "NSE:OLD renamed; key NSE:OLD → NSE:NEW",
        ]
    );
    let later = verify(&plan, basis(&now), "2026-12-30".parse().unwrap());
    assert_eq!(lines(&later)[1], "NFO:NIFTY26DEC24000CE expired");
}

#[test]
fn plans_for_historical_data_compare_keys() {
    let file = vec![call("2026-12-29", "1")];
    let catalogue = catalogue_of(&[(Broker::Kite, std::slice::from_ref(&file))]);
    let mut request = request(&["NFO:NIFTY26DEC24000CE"]);
    request.feed.broker = Some(Broker::Kite);
    request.subscription_type = SubscriptionType::Historical;
    let plan = planned(&request, &catalogue);

    let verification = verify(&plan, basis(&catalogue), TODAY.parse().unwrap());

    assert_eq!(verification.basis, VerificationBasis::Keys);
    assert_eq!(lines(&verification), ["NFO:NIFTY26DEC24000CE unchanged"]);
}

#[test]
fn the_whole_demonstration_catalog_is_unchanged() {
    let catalogue = demo_catalogue();
    let keys: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    let plan = plan_at_kite(&keys, &catalogue);

    let verification = verify(&plan, basis(&catalogue), TODAY.parse().unwrap());

    assert_eq!(verification.basis, VerificationBasis::Identities);
    assert_eq!(verification.instruments.len(), plan.instruments.len());
    assert_eq!(verification.stale_instruments, 0);
}
