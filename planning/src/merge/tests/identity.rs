//! One instrument has one key, whatever its brokers call it and in whatever order they are loaded.

use std::ops::ControlFlow;

use super::*;
use crate::dump::Limits;
use crate::ingest::archive::StoredInstruments;
use crate::ingest::read_file;
use crate::plan::{Plan, Reason};
use crate::request::{PlanRequest, Resolved};
use crate::testing::{basis, request, stamp};
use crate::vocabulary::{FilteringStrictness, OptimizationLevel};
use Broker::{Angel, Dhan, Fyers};

const KITE_FILE: &str = "\
instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange
2560257,10001,TESTCO-SM,TEST COMPANY,0,,0,0.05,400,EQ,NSE,NSE
";
const UPSTOX_FILE: &str = r#"[{"segment":"NSE_EQ","name":"TEST COMPANY LIMITED","isin":"INE000T01015","instrument_type":"SM","instrument_key":"NSE_EQ|INE000T01015","lot_size":400,"tick_size":5.0,"trading_symbol":"TESTCO"}]"#;

fn parse_file(broker: Broker, content: &str) -> File {
    let limits = Limits::default();
    let load = read_file(broker, content.as_bytes(), &limits, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(load.rejected_total(), 0);
    file(broker, "2026-08-17", load.rows)
}

/// Merges the archives of the files, with the tokens that they contain.
fn merge_archives(files: &[File]) -> Catalogue {
    let archives: Vec<_> = files
        .iter()
        .map(|file| {
            let followed = StoredInstruments::none().followed_by(&file.rows).unwrap();
            StoredInstruments::Archive(followed.archive.into())
        })
        .collect();
    let part = |(file, stored): (&File, &StoredInstruments)| {
        // The archive must outlive the part.
        let rows: Vec<_> = stored.rows().unwrap().collect();
        Part {
            broker: file.broker,
            file_date: file.date.map(|date| date.parse().unwrap()),
            loaded_at: None,
            rows: Box::new(rows.into_iter()),
        }
    };
    catalogue(files.iter().zip(&archives).map(part).collect(), "1".into()).unwrap()
}

fn plan_request(catalogue: &Catalogue, request: &PlanRequest) -> Plan {
    let resolved = Resolved::new(request, basis(catalogue), &[0; 32]);
    crate::create_plan(request, &resolved, basis(catalogue), stamp()).unwrap()
}

fn keys(plan: &Plan) -> Vec<&str> {
    plan.instruments.iter().collect()
}

fn active_keys(catalogue: &Catalogue) -> Vec<&str> {
    catalogue.instruments().filter(Instrument::is_active).map(|instrument| instrument.key()).collect()
}

fn share_of(symbol: &str, series: &str, isin: Option<&str>) -> Row {
    Row { series: Some(series.into()), isin: isin.map(Into::into), ..equity("NSE", symbol, "") }
}

/// Returns a file that no longer contains these rows, which an earlier file of the broker contained.
fn left(broker: Broker, date: &'static str, left: Vec<Row>) -> File {
    File { broker, date: Some(date), rows: vec![], left }
}

#[test]
fn one_security_of_two_brokers_is_one_instrument() {
    let catalogue = merge_archives(&[parse_file(Kite, KITE_FILE), parse_file(Upstox, UPSTOX_FILE)]);

    assert_eq!(active_keys(&catalogue), ["NSE:TESTCO-SM"]);
    let share = get(&catalogue, "NSE:TESTCO-SM");
    assert_eq!(share.token(Kite), Some("2560257"));
    assert_eq!(share.token(Upstox), Some("NSE_EQ|INE000T01015"));
    assert_eq!(share.isin(), Some("INE000T01015"));
    assert_eq!(share.series(), Some("SM"));
    assert_eq!(share.lot_size(), 400);
    let alias = get(&catalogue, "NSE:TESTCO");
    assert!(alias.is_alias());
    assert_eq!(alias.group(), share.id());
}

#[test]
fn a_symbol_without_an_eq_line_resolves_with_a_note() {
    let catalogue = merge_archives(&[parse_file(Kite, KITE_FILE), parse_file(Upstox, UPSTOX_FILE)]);
    let mut request = request(&["NSE:TESTCO"]);
    request.options.filtering_strictness = FilteringStrictness::Strict;
    for broker in [None, Some(Kite), Some(Upstox)] {
        request.feed.broker = broker;

        let plan = plan_request(&catalogue, &request);

        assert_eq!(keys(&plan), ["NSE:TESTCO"]);
        assert!(plan.rejected.is_empty());
        let note = "resolved 1 key without an EQ line to another series: `NSE:TESTCO` to `NSE:TESTCO-SM`";
        assert!(plan.metadata.warnings.iter().any(|warning| warning == note), "{:?}", plan.metadata.warnings);
    }
}

#[test]
fn both_keys_of_a_security_take_one_slot_of_a_plan() {
    let catalogue = merge_archives(&[parse_file(Kite, KITE_FILE), parse_file(Upstox, UPSTOX_FILE)]);
    let mut request = request(&["NSE:TESTCO", "NSE:TESTCO-SM"]);
    request.options.optimization_level = OptimizationLevel::Aggressive;

    let plan = plan_request(&catalogue, &request);

    assert_eq!(keys(&plan), ["NSE:TESTCO-SM"]);
    assert_eq!(plan.rejected[0].instrument.as_str(), "NSE:TESTCO");
    assert_eq!(plan.rejected[0].reason, Reason::Alias);
}

#[test]
fn an_index_of_one_broker_keeps_its_key_from_a_security() {
    let index = Row { exchange: Exchange::Bse, segment: Segment::BseIndex, ..index("BSE", "METAL", None) };
    let fund = equity("BSE", "METAL", "INF769K01LY7");
    let kept_apart = Row { symbol: "METAL-EQ".into(), ..fund.clone() };

    let catalogue = merge(&[
        file(Kite, "2026-08-17", vec![index.clone()]),
        file(Upstox, "2026-08-17", vec![fund.clone()]),
        file(Fyers, "2026-08-17", vec![index, kept_apart]),
    ]);

    assert_eq!(active_keys(&catalogue), ["BSE:METAL", "BSE:METAL-EQ"]);
    let (index, fund) = (get(&catalogue, "BSE:METAL"), get(&catalogue, "BSE:METAL-EQ"));
    assert_eq!(index.class(), InstrumentType::Index);
    assert_eq!(index.token(Kite), Some("kite METAL"));
    assert_eq!(index.token(Upstox), None);
    assert_eq!(index.token(Fyers), Some("fyers METAL"));
    assert_eq!(fund.isin(), Some("INF769K01LY7"));
    assert_eq!(fund.token(Upstox), Some("upstox METAL"));
    assert_eq!(fund.token(Kite), None);
    assert_eq!(fund.token(Fyers), Some("fyers METAL-EQ"));
    assert_eq!(contradictions(&catalogue), [""; 0]);
}

#[test]
fn an_index_in_no_file_leaves_its_key_to_a_security() {
    let index = Row { exchange: Exchange::Bse, segment: Segment::BseIndex, ..index("BSE", "METAL", None) };
    let fund = equity("BSE", "METAL", "INF769K01LY7");

    let catalogue = merge(&[left(Kite, "2026-08-17", vec![index]), file(Upstox, "2026-08-17", vec![fund])]);

    assert_eq!(active_keys(&catalogue), ["BSE:METAL"]);
    assert_eq!(get(&catalogue, "BSE:METAL").token(Upstox), Some("upstox METAL"));
}

#[test]
fn keys_of_the_old_rule_become_aliases_without_a_new_file() {
    let old = Row { symbol: "TESTCO".into(), ..share_of("TESTCO", "SM", Some("INE000T01015")) };
    let bond = Row { class: InstrumentType::Debt, ..share_of("762AR32", "SG", Some("IN1920220018")) };

    let catalogue = merge(&[
        file(Kite, "2026-08-17", vec![share_of("TESTCO-SM", "SM", None)]),
        file(Upstox, "2026-08-16", vec![old, bond]),
    ]);

    assert_eq!(active_keys(&catalogue), ["NSE:762AR32-SG", "NSE:TESTCO-SM"]);
    let share = get(&catalogue, "NSE:TESTCO-SM");
    assert_eq!(share.token(Kite), Some("kite TESTCO-SM"));
    assert_eq!(share.token(Upstox), Some("upstox TESTCO"));
    assert_eq!(get(&catalogue, "NSE:TESTCO").group(), share.id());
    assert_eq!(get(&catalogue, "NSE:762AR32").group(), get(&catalogue, "NSE:762AR32-SG").id());
}

#[test]
fn the_active_row_counts_if_a_broker_has_two_for_a_key() {
    let old = Row { lot_size: 7, ..share_of("TESTCO", "SM", None) };
    let new = share_of("TESTCO-SM", "SM", None);

    let catalogue = merge(&[File { left: vec![old.clone()], ..file(Upstox, "2026-08-17", vec![new.clone()]) }]);
    let reversed = merge(&[File { left: vec![new], ..file(Upstox, "2026-08-17", vec![old]) }]);

    let share = get(&catalogue, "NSE:TESTCO-SM");
    assert!(share.is_active());
    assert_eq!(share.lot_size(), 1);
    assert_eq!(share.token(Upstox), Some("upstox TESTCO-SM"));
    let share = get(&reversed, "NSE:TESTCO-SM");
    assert!(share.is_active());
    assert_eq!(share.lot_size(), 7);
    assert_eq!(share.token(Upstox), Some("upstox TESTCO"));
    assert_eq!(catalogue.instrument_count(), 1);
    assert_eq!(reversed.instrument_count(), 1);
}

#[test]
fn a_security_renamed_between_two_files_is_one_instrument() {
    let isin = Some("INE155A01022");
    let before = Row { tick_size: Amount::from_ten_thousandths(500), ..share_of("TATAMOTORS", "EQ", isin) };
    let after = Row { tick_size: Amount::from_ten_thousandths(1000), ..share_of("TMPV", "EQ", isin) };
    let unnamed = Row { isin: None, ..after.clone() };

    let catalogue = merge(&[
        file(Upstox, "2025-06-12", vec![before.clone()]),
        file(Kite, "2025-10-27", vec![unnamed]),
        file(Fyers, "2025-11-10", vec![after]),
        file(Angel, "2025-06-12", vec![Row { isin: None, ..before }]),
    ]);

    assert_eq!(active_keys(&catalogue), ["NSE:TMPV"]);
    let share = get(&catalogue, "NSE:TMPV");
    let tokens = [Kite, Upstox, Angel, Fyers].map(|broker| share.token(broker));
    assert_eq!(tokens, [Some("kite TMPV"), Some("upstox TATAMOTORS"), Some("angel TATAMOTORS"), Some("fyers TMPV")]);
    assert_eq!(get(&catalogue, "NSE:TATAMOTORS").group(), share.id());
    assert_eq!(share.base(), Some(Fyers));
    assert_eq!(contradictions(&catalogue), ["NSE:TMPV tick_size fyers=0.1 upstox=0.05"]);
    let plan = plan_request(&catalogue, &request(&["NSE:TATAMOTORS"]));
    let note = "resolved 1 other key of an instrument: `NSE:TATAMOTORS` to `NSE:TMPV`";
    assert!(plan.metadata.warnings.iter().any(|warning| warning == note), "{:?}", plan.metadata.warnings);
}

#[test]
fn the_base_is_the_first_of_joined_contradictions() {
    let isin = Some("INE155A01022");
    let with_lot = |symbol: &str, lot_size| Row { lot_size, ..share_of(symbol, "EQ", isin) };

    let catalogue = merge(&[
        file(Upstox, "2025-06-12", vec![with_lot("TATAMOTORS", 1)]),
        file(Dhan, "2025-06-11", vec![with_lot("TATAMOTORS", 2)]),
        file(Fyers, "2025-11-10", vec![with_lot("TMPV", 3)]),
    ]);

    assert_eq!(contradictions(&catalogue), ["NSE:TMPV lot_size fyers=3 upstox=1 dhan=2"]);
    assert_eq!(get(&catalogue, "NSE:TMPV").lot_size(), 3);
}

#[test]
fn securities_that_one_broker_lists_separately_stay_apart() {
    let isin = Some("INE155A01022");
    let rows = vec![share_of("A", "EQ", isin), share_of("B", "EQ", isin)];

    let catalogue = merge(&[
        file(Fyers, "2025-11-10", rows),
        file(Upstox, "2025-06-12", vec![share_of("C", "EQ", isin), share_of("D-BE", "BE", isin)]),
    ]);

    // C is A before it was renamed; D is traded in another series.
    assert_eq!(active_keys(&catalogue), ["NSE:A", "NSE:B", "NSE:D-BE"]);
    assert_eq!(get(&catalogue, "NSE:C").group(), get(&catalogue, "NSE:A").id());
}

#[test]
fn an_unknown_series_is_that_of_the_other_brokers() {
    let isin = Some("IN1920220018");
    let unknown = Row { series: None, ..share_of("762AR32", "", isin) };

    let catalogue = merge(&[
        file(Upstox, "2025-11-12", vec![unknown]),
        file(Fyers, "2025-11-10", vec![share_of("762AR32-SG", "SG", isin)]),
    ]);

    assert_eq!(active_keys(&catalogue), ["NSE:762AR32-SG"]);
    assert_eq!(get(&catalogue, "NSE:762AR32-SG").token(Upstox), Some("upstox 762AR32"));
    assert_eq!(get(&catalogue, "NSE:762AR32").group(), get(&catalogue, "NSE:762AR32-SG").id());
}

#[test]
fn an_alias_replaces_an_old_row_but_never_another_security() {
    let is_alias = |before: Row, now: Row, is_active: bool| {
        let (rows, left) = if is_active { (vec![before], vec![]) } else { (vec![], vec![before]) };
        let files = [file(Kite, "2026-08-17", vec![now]), File { left, ..file(Upstox, "2026-08-17", rows) }];
        let catalogue = merge(&files);
        catalogue.get(catalogue.find("NSE:X").unwrap()).is_alias()
    };
    let named = |row: Row, name: &str| Row { name: name.into(), ..row };
    let (isin, other) = (Some("INE155A01022"), Some("INE155A01030"));

    assert!(is_alias(share_of("X", "EQ", isin), share_of("X-BE", "BE", isin), false));
    assert!(!is_alias(share_of("X", "EQ", other), share_of("X-BE", "BE", isin), false));
    assert!(!is_alias(share_of("X", "EQ", isin), share_of("X-BE", "BE", isin), true));
    let (before, now) = (share_of("X", "EQ", None), share_of("X-BE", "BE", isin));
    assert!(is_alias(named(before.clone(), "X Company Ltd."), named(now.clone(), "X COMPANY LIMITED"), false));
    assert!(!is_alias(named(before.clone(), "Y COMPANY"), named(now.clone(), "X COMPANY"), false));
    assert!(!is_alias(named(before, ""), named(now, ""), false));
    assert!(!is_alias(index("NSE", "X", None), share_of("X-BE", "BE", isin), false));
}

#[test]
fn a_symbol_resolves_to_a_share_before_a_bond() {
    let bond = |symbol: &str, series| Row { class: InstrumentType::Debt, ..share_of(symbol, series, None) };
    let catalogue = merge(&[file(
        Kite,
        "2026-08-17",
        vec![
            bond("IMC1-N0", "N0"),
            bond("IMC1-N1", "N1"),
            bond("762AR32-SG", "SG"),
            bond("X-D1", "D1"),
            bond("ANURAS-W1", "W1"),
            share_of("X-ST", "ST", None),
            share_of("X-BE", "BE", None),
        ],
    )]);

    assert_eq!(catalogue.find("NSE:IMC1"), None);
    assert_eq!(catalogue.find("NSE:ANURAS"), None);
    assert_eq!(get(&catalogue, "NSE:762AR32").group(), get(&catalogue, "NSE:762AR32-SG").id());
    assert_eq!(get(&catalogue, "NSE:X").group(), get(&catalogue, "NSE:X-BE").id());
}

fn usdinr(symbol: &str, expiry: &str) -> Row {
    Row { exchange: Exchange::Cds, segment: Segment::NseCurrency, ..future("USDINR", symbol, expiry) }
}

#[test]
fn contracts_are_joined_by_terms_not_by_symbol() {
    let right = vec![usdinr("USDINR26327FUT", "2026-03-27"), usdinr("USDINR26MARFUT", "2026-03-25")];
    let wrong = vec![usdinr("USDINR26325FUT", "2026-03-25"), usdinr("USDINR26MARFUT", "2026-03-27")];
    for (dates, keys) in [
        (["2026-03-20", "2026-03-19"], ["CDS:USDINR26327FUT", "CDS:USDINR26MARFUT"]),
        (["2026-03-19", "2026-03-20"], ["CDS:USDINR26325FUT", "CDS:USDINR26MARFUT"]),
    ] {
        let catalogue = merge(&[file(Kite, dates[0], right.clone()), file(Angel, dates[1], wrong.clone())]);

        assert_eq!(active_keys(&catalogue), keys);
        assert_eq!(contradictions(&catalogue), [""; 0]);
        let token_of = |key, broker| get(&catalogue, key).token(broker).map(str::to_owned);
        for (of_kite, of_angel, expiry) in [
            ("kite USDINR26MARFUT", "angel USDINR26325FUT", "2026-03-25"),
            ("kite USDINR26327FUT", "angel USDINR26MARFUT", "2026-03-27"),
        ] {
            let expiry = expiry.parse().ok();
            let contract = catalogue.instruments().find(|contract| contract.expiry() == expiry).unwrap();
            assert_eq!(token_of(contract.key(), Kite).as_deref(), Some(of_kite));
            assert_eq!(token_of(contract.key(), Angel).as_deref(), Some(of_angel));
        }
        // A symbol of the older file is an alias of the contract with its terms, unless another contract has that key.
        let other = if keys[0] == "CDS:USDINR26327FUT" { "CDS:USDINR26325FUT" } else { "CDS:USDINR26327FUT" };
        assert!(get(&catalogue, other).is_alias());
    }
}

#[test]
fn a_contract_gets_its_own_key_if_no_broker_uses_it() {
    let catalogue = merge(&[
        file(Kite, "2026-03-20", vec![usdinr("USDINR26APRFUT", "2026-04-28"), usdinr("USDINR26MARFUT", "2026-03-25")]),
        file(Angel, "2026-03-19", vec![usdinr("USDINR26MARFUT", "2026-03-27")]),
    ]);

    assert_eq!(active_keys(&catalogue), ["CDS:USDINR26327FUT", "CDS:USDINR26APRFUT", "CDS:USDINR26MARFUT"]);
    let weekly = get(&catalogue, "CDS:USDINR26327FUT");
    assert_eq!(weekly.base(), Some(Angel));
    assert_eq!(weekly.token(Angel), Some("angel USDINR26MARFUT"));
    assert_eq!(weekly.expiry(), "2026-03-27".parse().ok());
    assert_eq!(weekly.token(Kite), None);
    let monthly = get(&catalogue, "CDS:USDINR26MARFUT");
    assert_eq!(monthly.base(), Some(Kite));
    assert_eq!(monthly.token(Angel), None);
    assert_eq!(monthly.expiry(), "2026-03-25".parse().ok());
}

#[test]
fn the_order_of_brokers_does_not_change_the_catalog() {
    let isin = Some("INE155A01022");
    let metal = Row { exchange: Exchange::Bse, segment: Segment::BseIndex, ..index("BSE", "METAL", None) };
    let mut files = vec![
        file(
            Kite,
            "2026-03-20",
            vec![
                metal,
                usdinr("USDINR26327FUT", "2026-03-27"),
                usdinr("USDINR26MARFUT", "2026-03-25"),
                share_of("TESTCO-SM", "SM", None),
                Row { isin: None, ..share_of("TMPV", "EQ", isin) },
            ],
        ),
        file(
            Upstox,
            "2026-03-20",
            vec![
                equity("BSE", "METAL", "INF769K01LY7"),
                share_of("TESTCO", "SM", Some("INE000T01015")),
                share_of("TATAMOTORS", "EQ", isin),
            ],
        ),
        file(Angel, "2026-03-19", vec![usdinr("USDINR26325FUT", "2026-03-25"), usdinr("USDINR26MARFUT", "2026-03-27")]),
        left(Dhan, "2026-03-18", vec![share_of("TESTCO", "EQ", Some("INE000T01015"))]),
        file(Fyers, "2026-03-18", vec![share_of("TMPV", "EQ", isin)]),
    ];
    let mut hashes = Vec::new();
    // All rotations of the order and of its reverse.
    for _ in 0..2 {
        for _ in 0..files.len() {
            files.rotate_left(1);
            hashes.push(*merge(&files).content_hash());
        }
        files.reverse();
    }

    assert_eq!(hashes.len(), 10);
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
    assert_eq!(
        active_keys(&merge(&files)),
        ["BSE:METAL", "BSE:METAL-EQ", "CDS:USDINR26327FUT", "CDS:USDINR26MARFUT", "NSE:TESTCO-SM", "NSE:TMPV",]
    );
}
