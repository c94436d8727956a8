use std::ops::Range;

use super::*;
use crate::catalogue::{Builder, Catalogue};
use crate::dump::Row;
use crate::ingest::archive::{ArchivedRow, BrokerState};
use crate::instrument::Amount;
use crate::merge::{self, Part};
use crate::testing::{equity, future, index};
use crate::vocabulary::{Broker, InstrumentType, Segment};
use Broker::{Angel, Dhan, Fyers, Kite, Upstox};

const JUNE: &str = "2025-06-12";
const OCTOBER: &str = "2025-10-06";

/// A catalog in which each row has a token of the given brokers.
fn catalogue(files: &[(Broker, Option<&str>)], rows: &[(Row, &[Broker])]) -> Catalogue {
    let mut builder = Builder::new();
    for (row, brokers) in rows {
        for broker in *brokers {
            builder.add_token(*broker, format!("{}:{}", row.exchange, row.symbol), "1");
        }
        builder.add(row.clone(), true);
    }
    let source = |(broker, date): &(Broker, Option<&str>)| Source {
        broker: Some(*broker),
        file_date: parse_date(*date),
        loaded_at: None,
    };
    builder.build("1".into(), files.iter().map(source).collect())
}

fn parse_date(date: Option<&str>) -> Option<chrono::NaiveDate> {
    date.map(|date| date.parse().unwrap())
}

fn share(symbol: &str, series: Option<&str>, isin: Option<&str>) -> Row {
    let series = series.map(str::to_owned);
    Row { series, isin: isin.map(str::to_owned), ..equity("NSE", symbol, "") }
}

fn keys<'a>(doubled: &[Doubled<'a>]) -> Vec<[&'a str; 2]> {
    doubled.iter().map(|doubled| doubled.keys).collect()
}

const NO_KEYS: [[&str; 2]; 0] = [];

#[test]
fn one_isin_under_two_keys_is_doubled() {
    let same = [(Upstox, Some(JUNE)), (Fyers, Some(JUNE))];
    let rows: [(Row, &[Broker]); 4] = [
        (share("ACME", Some("EQ"), Some("INE000A01010")), &[Upstox]),
        (share("ACMELTD", Some("EQ"), Some("INE000A01010")), &[Fyers]),
        (share("OTHER", Some("EQ"), Some("INE000B01018")), &[Upstox, Fyers]),
        // The block window of the same share, which only one of them lists.
        (share("OTHER-BL", Some("BL"), Some("INE000B01018")), &[Fyers]),
    ];

    let catalogue = catalogue(&same, &rows);
    let findings = catalogue.check();

    let expected = Doubled {
        keys: ["NSE:ACME", "NSE:ACMELTD"],
        brokers: [vec![Upstox], vec![Fyers]],
        matched_by: MatchedBy::Isin,
    };
    assert_eq!(findings.doubled, [expected]);
    assert!(findings.has_faults());
}

#[test]
fn without_isin_the_base_symbol_identifies_a_security() {
    let same = [(Kite, Some(JUNE)), (Upstox, Some(JUNE))];
    let rows: [(Row, &[Broker]); 10] = [
        (share("MOVED-BE", Some("BE"), None), &[Kite]),
        (share("MOVED", Some("EQ"), Some("INE000A01010")), &[Upstox]),
        // A reader that drops the series from the key.
        (share("SMALL-SM", Some("SM"), None), &[Kite]),
        (share("SMALL", Some("SM"), Some("INE000B01018")), &[Upstox]),
        // Two issues of bonds, partly paid shares, and the warrant of a share are other securities.
        (Row { class: InstrumentType::Debt, ..share("BOND-N0", Some("N0"), None) }, &[Kite]),
        (Row { class: InstrumentType::Debt, ..share("BOND-N1", Some("N1"), Some("INE000C07016")) }, &[Upstox]),
        (share("PAID-E1", Some("E1"), None), &[Kite]),
        (share("PAID", Some("EQ"), Some("INE000D01014")), &[Upstox]),
        // One broker lists both.
        (share("BOTH", Some("EQ"), None), &[Kite]),
        (share("BOTH-BE", Some("BE"), None), &[Kite, Upstox]),
    ];

    let catalogue = catalogue(&same, &rows);
    let findings = catalogue.check();

    assert_eq!(keys(&findings.doubled), [["NSE:MOVED", "NSE:MOVED-BE"], ["NSE:SMALL", "NSE:SMALL-SM"]]);
    assert!(findings.doubled.iter().all(|doubled| doubled.matched_by == MatchedBy::Symbol));
    assert_eq!(findings.doubled[0].brokers, [vec![Upstox], vec![Kite]]);
}

#[test]
fn equal_symbols_with_two_isins_are_two_securities() {
    let same = [(Fyers, Some(JUNE)), (Upstox, Some(JUNE))];
    let rows: [(Row, &[Broker]); 2] = [
        (share("ACME", Some("EQ"), Some("INE000A01010")), &[Fyers]),
        (share("ACME-BE", Some("BE"), Some("INE000A01028")), &[Upstox]),
    ];

    assert_eq!(catalogue(&same, &rows).check(), Findings::default());
}

#[test]
fn an_unknown_series_is_any_series_of_the_type() {
    let same = [(Kite, Some(JUNE)), (Upstox, Some(JUNE))];
    let debt = |row: Row| Row { class: InstrumentType::Debt, ..row };
    let rows: [(Row, &[Broker]); 4] = [
        (debt(share("BOND-N0", Some("N0"), None)), &[Kite]),
        (debt(share("BOND", None, Some("INE000C07016"))), &[Upstox]),
        (debt(share("ACME-W1", Some("W1"), None)), &[Kite]),
        (share("ACME", None, Some("INE000A01010")), &[Upstox]),
    ];

    assert_eq!(keys(&catalogue(&same, &rows).check().doubled), [["NSE:BOND", "NSE:BOND-N0"]]);
}

#[test]
fn keys_of_files_of_different_dates_are_listed_apart() {
    let rows: [(Row, &[Broker]); 4] = [
        (share("MOVED-BE", Some("BE"), None), &[Kite]),
        (share("MOVED", Some("EQ"), Some("INE000A01010")), &[Upstox]),
        (share("NEW", Some("EQ"), Some("INE000B01018")), &[Fyers]),
        (share("OLD", Some("EQ"), Some("INE000B01018")), &[Upstox]),
    ];
    for (later, is_excused) in [(Some(OCTOBER), true), (Some(JUNE), false), (None, false)] {
        let catalogue = catalogue(&[(Kite, later), (Upstox, Some(JUNE)), (Fyers, later)], &rows);
        let findings = catalogue.check();

        let (moved, renamed) = (["NSE:MOVED", "NSE:MOVED-BE"], ["NSE:NEW", "NSE:OLD"]);
        if is_excused {
            assert_eq!(keys(&findings.series_differs_by_date), [moved]);
            assert_eq!(keys(&findings.symbol_differs_by_date), [renamed]);
            assert_eq!(keys(&findings.doubled), NO_KEYS);
        } else {
            assert_eq!(keys(&findings.doubled), [moved, renamed], "{later:?}");
            assert_eq!(keys(&findings.series_differs_by_date), NO_KEYS);
        }
        assert_eq!(findings.has_faults(), !is_excused);
    }
}

#[test]
fn no_date_excuses_two_keys_for_the_same_symbol_and_series() {
    let files = [(Kite, Some(OCTOBER)), (Upstox, Some(JUNE))];
    let rows: [(Row, &[Broker]); 2] =
        [(share("SMALL-SM", Some("SM"), None), &[Kite]), (share("SMALL", Some("SM"), Some("INE000B01018")), &[Upstox])];

    let catalogue = catalogue(&files, &rows);
    let findings = catalogue.check();

    assert_eq!(keys(&findings.doubled), [["NSE:SMALL", "NSE:SMALL-SM"]]);
    assert_eq!(keys(&findings.series_differs_by_date), NO_KEYS);
}

#[test]
fn one_broker_of_the_same_date_is_enough_to_be_doubled() {
    let files = [(Kite, Some(OCTOBER)), (Upstox, Some(JUNE)), (Dhan, Some(OCTOBER))];
    let rows: [(Row, &[Broker]); 2] = [
        (share("MOVED-BE", Some("BE"), None), &[Kite]),
        (share("MOVED", Some("EQ"), Some("INE000A01010")), &[Upstox, Dhan]),
    ];

    assert_eq!(keys(&catalogue(&files, &rows).check().doubled), [["NSE:MOVED", "NSE:MOVED-BE"]]);
}

#[test]
fn a_security_on_bse_is_known_by_its_isin() {
    let same = [(Upstox, Some(JUNE)), (Fyers, Some(JUNE))];
    let fund = |symbol: &str| Row { series: Some("B".into()), ..equity("BSE", symbol, "INF769K01LY7") };
    let rows: [(Row, &[Broker]); 3] = [
        (fund("METAL-B"), &[Upstox]),
        (fund("METAL-EQ"), &[Fyers]),
        // The same security on another exchange is another listing.
        (share("METALETF", Some("EQ"), Some("INF769K01LY7")), &[Angel]),
    ];

    assert_eq!(keys(&catalogue(&same, &rows).check().doubled), [["BSE:METAL-B", "BSE:METAL-EQ"]]);
}

#[test]
fn equal_terms_under_two_keys_are_a_doubled_contract() {
    let same = [(Kite, Some(JUNE)), (Angel, Some(JUNE))];
    let rows: [(Row, &[Broker]); 3] = [
        (future("USDINR", "USDINR26MARFUT", "2026-03-27"), &[Kite]),
        (future("USDINR", "USDINR26327FUT", "2026-03-27"), &[Angel]),
        (future("USDINR", "USDINR26325FUT", "2026-03-25"), &[Angel]),
    ];

    let catalogue = catalogue(&same, &rows);
    let findings = catalogue.check();

    assert_eq!(keys(&findings.doubled), [["NFO:USDINR26327FUT", "NFO:USDINR26MARFUT"]]);
    assert_eq!(findings.doubled[0].matched_by, MatchedBy::Terms);
}

#[test]
fn inactive_instruments_are_not_doubled() {
    let mut builder = Builder::new();
    for (symbol, is_active) in [("ACME", false), ("ACME-BE", true)] {
        builder.add_token(Kite, format!("NSE:{symbol}"), "1");
        builder.add(share(symbol, None, Some("INE000A01010")), is_active);
    }

    assert_eq!(builder.build("1".into(), vec![]).check(), Findings::default());
}

#[test]
fn indices_are_compared_without_case_spaces_and_punctuation() {
    let same = [(Kite, Some(JUNE)), (Fyers, Some(JUNE)), (Dhan, Some(JUNE))];
    let named = |symbol: &str, name: &str| Row { name: name.into(), ..index("NSE", symbol, None) };
    let rows: [(Row, &[Broker]); 6] = [
        (named("NIFTY MID LIQ 15", "NIFTY MID LIQ 15"), &[Kite, Dhan]),
        (named("NIFTYMIDLIQ15", ""), &[Fyers]),
        (named("NIFTY BANK", "Nifty Bank"), &[Kite, Fyers, Dhan]),
        (named("NIFTY CAPITAL MKT", "Nifty Capital Markets"), &[Kite]),
        (named("NIFTY CAPITAL MARKETS", ""), &[Dhan]),
        (named("INDIA VIX", "India VIX"), &[Kite]),
    ];

    let catalogue = catalogue(&same, &rows);
    let findings = catalogue.check();

    let pairs: Vec<[&str; 2]> = findings.doubled_indices.iter().map(|doubled| doubled.keys).collect();
    assert_eq!(
        pairs,
        [["NSE:NIFTY CAPITAL MARKETS", "NSE:NIFTY CAPITAL MKT"], ["NSE:NIFTY MID LIQ 15", "NSE:NIFTYMIDLIQ15"]]
    );
    assert_eq!(findings.doubled_indices[1].brokers, [vec![Kite, Dhan], vec![Fyers]]);
    assert_eq!(findings.single_indices, [SingleIndex { key: "NSE:INDIA VIX", broker: Kite }]);
}

#[test]
fn an_alias_names_its_index() {
    let same = [(Kite, Some(JUNE)), (Fyers, Some(JUNE))];
    let rows: [(Row, &[Broker]); 2] =
        [(index("NSE", "NIFTY 50", Some("Nifty")), &[Kite]), (index("NSE", "NIFTY", None), &[Fyers])];
    let catalogue = catalogue(&same, &rows);

    assert_eq!(catalogue.check().doubled_indices[0].keys, ["NSE:NIFTY", "NSE:NIFTY 50"]);
}

#[test]
fn the_only_broker_with_indices_of_a_segment_lacks_nothing() {
    let rows: [(Row, &[Broker]); 2] =
        [(index("NSE", "NIFTY 50", None), &[Kite]), (share("TCS", Some("EQ"), None), &[Kite, Upstox])];

    assert_eq!(catalogue(&[(Kite, None), (Upstox, None)], &rows).check(), Findings::default());
}

/// Merges files of several brokers, each with a date.
fn merged(files: &[(Broker, &str, Vec<Row>)]) -> Catalogue {
    let part = |(broker, date, rows): &(Broker, &str, Vec<Row>)| {
        let token = |row: &Row| Row { token: row.symbol.clone(), ..row.clone() };
        let archived = rows.iter().map(|row| ArchivedRow::new(token(row), true));
        Part {
            broker: *broker,
            file_date: parse_date(Some(date)),
            loaded_at: None,
            rows: Box::new(BrokerState::new(archived.collect()).into_rows().into_iter().map(Ok)),
        }
    };
    merge::catalogue(files.iter().map(part).collect(), "1".into()).unwrap()
}

/// Options on commodities at these strikes in rupees, with a lot size and a price step in ten-thousandths of a rupee.
fn options(strikes: Range<i64>, lot_size: u32, tick: i64) -> Vec<Row> {
    let option = |strike: i64| Row {
        exchange: crate::vocabulary::Exchange::Mcx,
        segment: Segment::McxCommodity,
        class: InstrumentType::Call,
        strike: Some(Amount::from_ten_thousandths(strike * 10_000)),
        lot_size,
        tick_size: Amount::from_ten_thousandths(tick),
        ..future("CRUDEOIL", &format!("CRUDEOIL25DEC{strike}CE"), "2025-12-16")
    };
    strikes.map(option).collect()
}

/// Returns `broker field reason` of each unit.
fn units(catalogue: &Catalogue) -> Vec<String> {
    let units = catalogue.check().suspicious_units.into_iter();
    units.map(|unit| format!("{} {} {}", unit.broker, unit.field, unit.fault)).collect()
}

#[test]
fn a_broker_in_paise_differs_from_the_others_by_a_hundred() {
    let files = |paise: Broker| {
        let file = |broker: Broker, date| {
            let factor = if broker == paise { 100 } else { 1 };
            (broker, date, options(5000..5030, 100, 1000 * factor))
        };
        [file(Kite, JUNE), file(Upstox, OCTOBER), file(Dhan, JUNE)]
    };

    for (paise, others) in [(Upstox, "kite, dhan"), (Kite, "upstox, dhan"), (Dhan, "kite, upstox")] {
        let catalogue = merged(&files(paise));
        let findings = catalogue.check();

        let unit = &findings.suspicious_units[0];
        assert_eq!(unit.fault.to_string(), format!("100 × the value of {others}"));
        assert_eq!(unit.broker, paise);
        assert_eq!(unit.segment, Segment::McxCommodity);
        assert_eq!(unit.compared, 30);
        assert_eq!(unit.keys.len(), 30);
        assert_eq!(unit.keys[0], "MCX:CRUDEOIL25DEC5000CE");
        let disagreeing: Vec<(Field, usize)> =
            findings.disagreements.iter().map(|other| (other.field, other.contradictions.len())).collect();
        let expected = if paise == Upstox { vec![(Field::TickSize, 30); 2] } else { vec![(Field::TickSize, 30)] };
        assert_eq!(disagreeing, expected);
    }
}

#[test]
fn a_few_contracts_or_the_smaller_part_are_not_a_unit() {
    for (strikes, is_suspicious) in [(5000..5019, false), (5000..5025, false), (5000..5026, true)] {
        let mut rows = options(strikes.clone(), 100, 500);
        rows.extend(options(strikes.end..5050, 100, 5));
        let files = [(Kite, JUNE, options(5000..5050, 100, 5)), (Upstox, JUNE, rows)];

        let units = units(&merged(&files));
        let of_factor = units.iter().filter(|unit| unit.contains(" × ")).count();
        assert_eq!(of_factor, usize::from(is_suspicious), "{strikes:?}: {units:?}");
    }
}

#[test]
fn another_factor_counts_only_within_one_date() {
    let files = |later| [(Kite, later, options(5000..5030, 75, 1000)), (Upstox, JUNE, options(5000..5030, 25, 1000))];

    assert_eq!(units(&merged(&files(JUNE))), ["upstox lot_size 1/3 × the value of kite"]);
    assert_eq!(units(&merged(&files(OCTOBER))), [""; 0], "the exchange changed the lot between the dates");
}

#[test]
fn lots_of_one_for_a_whole_segment_are_suspicious() {
    let mut lots: Vec<Row> = options(5000..5030, 1, 1000);
    lots.extend(options(6000..6030, 1, 1000));
    let mut varied = lots.clone();
    varied[7].lot_size = 100;
    let mut of_both = options(5000..5030, 100, 1000);
    of_both.extend(options(6000..6030, 30, 1000));

    assert_eq!(units(&merged(&[(Fyers, JUNE, lots.clone())])), ["fyers lot_size lot size 1 for all contracts"]);
    assert_eq!(units(&merged(&[(Fyers, JUNE, varied)])), [""; 0]);
    // Neither factor is that of most contracts.
    let files = [(Kite, JUNE, of_both), (Fyers, JUNE, lots.clone())];
    assert_eq!(units(&merged(&files)), ["fyers lot_size lot size 1 for all contracts"]);
    // A broker without lots of its own is not blamed for those of another one.
    let unknown = lots.iter().map(|row| Row { lot_size: 0, ..row.clone() }).collect();
    let files = [(Kite, OCTOBER, unknown), (Fyers, JUNE, lots)];
    assert_eq!(units(&merged(&files)), ["fyers lot_size lot size 1 for all contracts"]);
}

#[test]
fn price_steps_are_compared_with_strikes() {
    let of_one = |tick: i64| units(&merged(&[(Upstox, JUNE, options(5000..5030, 100, tick))]));

    assert_eq!(of_one(1000), [""; 0]);
    assert_eq!(of_one(100_000), ["upstox tick_size median 1994 millionths of the strike, expected at most 200"]);
    assert_eq!(of_one(10), ["upstox tick_size median 0.001, expected at least 0.0025"]);
}

#[test]
fn price_steps_of_shares_have_a_range() {
    let shares = |tick: i64| {
        let tick_size = Amount::from_ten_thousandths(tick);
        let rows = (0..20).map(|number| Row { tick_size, ..share(&format!("S{number}"), Some("EQ"), None) });
        units(&merged(&[(Dhan, JUNE, rows.collect())]))
    };

    assert_eq!(shares(500), [""; 0]);
    assert_eq!(shares(100), [""; 0]);
    assert_eq!(shares(50_000), ["dhan tick_size median 5, expected 0.01 to 0.1"]);
    assert_eq!(shares(5), ["dhan tick_size median 0.0005, expected 0.01 to 0.1"]);
}

#[test]
fn disagreements_are_grouped_by_field_and_brokers() {
    let files = [
        (Kite, OCTOBER, options(5000..5003, 100, 1000)),
        (Upstox, JUNE, options(5001..5004, 50, 1000)),
        (Dhan, JUNE, options(5002..5004, 100, 500)),
    ];

    let catalogue = merged(&files);
    let findings = catalogue.check();

    let groups: Vec<(Field, Broker, Broker, Vec<&str>)> = findings
        .disagreements
        .iter()
        .map(|group| {
            let keys = group.contradictions.iter().map(|contradiction| contradiction.key.as_str()).collect();
            (group.field, group.used, group.other, keys)
        })
        .collect();
    let [first, second, third] = [5001, 5002, 5003].map(|strike| format!("MCX:CRUDEOIL25DEC{strike}CE"));
    assert_eq!(
        groups,
        [
            (Field::LotSize, Kite, Upstox, vec![first.as_str(), &second]),
            (Field::LotSize, Upstox, Dhan, vec![third.as_str()]),
            (Field::TickSize, Kite, Dhan, vec![second.as_str()]),
            (Field::TickSize, Upstox, Dhan, vec![third.as_str()]),
        ]
    );
    assert!(!findings.has_faults());
    let counts = catalogue.summary(JUNE.parse().unwrap()).contradictions;
    assert_eq!(counts.total, 5);
    assert_eq!(counts.by_field, [(Field::LotSize, 3), (Field::TickSize, 2)].into());
    assert_eq!(counts.by_broker, [(Upstox, 2), (Dhan, 3)].into());
}
