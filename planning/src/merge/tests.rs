mod identity;

use super::*;
use crate::catalogue::Instrument;
use crate::ingest::archive::BrokerState;
use crate::instrument::Amount;
use crate::testing::{equity, future, index};
use crate::vocabulary::InstrumentType;

/// A file of a broker with a date, and the rows that are no longer in it.
struct File {
    broker: Broker,
    date: Option<&'static str>,
    rows: Vec<Row>,
    left: Vec<Row>,
}

fn file(broker: Broker, date: &'static str, rows: Vec<Row>) -> File {
    File { broker, date: Some(date), rows, left: vec![] }
}

fn state(file: &File) -> BrokerState {
    let row = |row: &Row, is_active| {
        let token = format!("{} {}", file.broker.as_str(), row.symbol);
        ArchivedRow::new(Row { token, ..row.clone() }, is_active)
    };
    let rows = file.rows.iter().map(|r| row(r, true)).chain(file.left.iter().map(|r| row(r, false)));
    BrokerState::new(rows.collect())
}

fn merge(files: &[File]) -> Catalogue {
    let part = |file: &File| Part {
        broker: file.broker,
        file_date: file.date.map(|date| date.parse().unwrap()),
        loaded_at: Some(DateTime::UNIX_EPOCH),
        rows: Box::new(state(file).into_rows().into_iter().map(Ok)),
    };
    catalogue(files.iter().map(part).collect(), "1".into()).unwrap()
}

fn get<'a>(catalogue: &'a Catalogue, key: &str) -> Instrument<'a> {
    catalogue.get(catalogue.find(key).unwrap_or_else(|| panic!("{key} is missing")))
}

/// Returns `field broker=value …` of every contradiction, preceded by its key.
fn contradictions(catalogue: &Catalogue) -> Vec<String> {
    let shown = |values: &[(Broker, String)]| -> Vec<String> {
        values.iter().map(|(broker, value)| format!("{}={value}", broker.as_str())).collect()
    };
    catalogue
        .contradictions()
        .iter()
        .map(|c| format!("{} {} {}", c.key, c.field.as_str(), shown(&c.values).join(" ")))
        .collect()
}

fn share() -> Row {
    equity("NSE", "TCS", "INE467B01029")
}

/// Returns the same share from a file with few fields.
fn bare() -> Row {
    Row { name: String::new(), isin: None, series: None, ..share() }
}

use Broker::{Kite, Upstox};

#[test]
fn one_instrument_has_the_tokens_of_all_brokers() {
    let catalogue = merge(&[
        file(Kite, "2026-08-17", vec![share(), future("NIFTY", "NIFTY26AUGFUT", "2026-08-25")]),
        file(Upstox, "2026-08-17", vec![share(), equity("NSE", "ACC", "INE012A01025")]),
    ]);

    assert_eq!(catalogue.instrument_count(), 3);
    let tcs = get(&catalogue, "NSE:TCS");
    assert_eq!(tcs.token(Kite), Some("kite TCS"));
    assert_eq!(tcs.token(Upstox), Some("upstox TCS"));
    assert_eq!(get(&catalogue, "NSE:ACC").token(Kite), None);
    assert_eq!(catalogue.token_counts(), [(Kite, 2), (Upstox, 2)].into());
    assert_eq!(contradictions(&catalogue), [""; 0]);
    let dates: Vec<_> = catalogue.sources().iter().map(|source| (source.broker, source.file_date.is_some())).collect();
    assert_eq!(dates, [(Some(Kite), true), (Some(Upstox), true)]);
}

#[test]
fn a_filled_isin_determines_the_type() {
    let of_kite = |symbol: &str| Row { isin: None, ..equity("NSE", symbol, "") };
    let of_upstox =
        |symbol: &str, isin: &str| Row { class: InstrumentType::of_isin(isin), ..equity("NSE", symbol, isin) };
    let catalogue = merge(&[
        file(Kite, "2026-08-18", vec![of_kite("GOLDBEES"), of_kite("TCS"), of_kite("X")]),
        file(
            Upstox,
            "2026-08-17",
            vec![
                of_upstox("GOLDBEES", "INF204KB17I5"),
                of_upstox("TCS", "INE467B01029"),
                of_upstox("Y", "INF204KB18I3"),
            ],
        ),
    ]);

    assert_eq!(get(&catalogue, "NSE:GOLDBEES").class(), InstrumentType::Fund);
    assert_eq!(get(&catalogue, "NSE:TCS").class(), InstrumentType::Equity);
    assert_eq!(get(&catalogue, "NSE:X").class(), InstrumentType::Equity, "nobody has its ISIN");
}

#[test]
fn newer_files_then_the_order_of_brokers_take_precedence() {
    let of = |broker, date, name: &str| File {
        broker,
        date,
        rows: vec![Row { name: name.into(), ..share() }],
        left: vec![],
    };
    for (kite, upstox, counts) in [
        (Some("2026-08-17"), Some("2026-08-18"), Upstox),
        (Some("2026-08-18"), Some("2026-08-17"), Kite),
        (Some("2026-08-17"), Some("2026-08-17"), Kite),
        (None, Some("2026-08-17"), Upstox),
        (None, None, Kite),
    ] {
        let files = || (of(Kite, kite, "of kite"), of(Upstox, upstox, "of upstox"));
        let ((a, b), (c, d)) = (files(), files());

        let (catalogue, reversed) = (merge(&[a, b]), merge(&[d, c]));

        let tcs = get(&catalogue, "NSE:TCS");
        assert_eq!(tcs.base(), Some(counts));
        assert_eq!(tcs.name(), format!("of {}", counts.as_str()).as_str());
        assert_eq!(reversed.content_hash(), catalogue.content_hash());
    }
}

#[test]
fn empty_fields_of_the_base_are_filled_with_their_source() {
    let catalogue = merge(&[file(Kite, "2026-08-18", vec![bare()]), file(Upstox, "2026-08-17", vec![share()])]);

    let tcs = get(&catalogue, "NSE:TCS");
    assert_eq!(tcs.name(), "TCS");
    assert_eq!(tcs.isin(), Some("INE467B01029"));
    assert_eq!(tcs.series(), Some("EQ"));
    assert_eq!(tcs.base(), Some(Kite));
    let sources = [Field::Name, Field::Isin, Field::Series, Field::LotSize, Field::TickSize].map(|f| tcs.source(f));
    assert_eq!(sources, [Some(Upstox), Some(Upstox), Some(Upstox), Some(Kite), Some(Kite)]);
    assert_eq!(contradictions(&catalogue), [""; 0], "saying nothing contradicts nobody");
}

#[test]
fn merged_aliases_do_not_shift_later_instruments() {
    let catalogue = merge(&[
        file(Kite, "2026-08-18", vec![index("NSE", "NIFTY 50", None), bare()]),
        file(Upstox, "2026-08-17", vec![index("NSE", "NIFTY 50", Some("AAA")), share()]),
    ]);

    let alias = get(&catalogue, "NSE:AAA");
    assert!(alias.is_alias());
    assert_eq!(alias.base(), Some(Kite));
    assert_eq!(get(&catalogue, "NSE:NIFTY 50").source(Field::Alias), Some(Upstox));
    assert_eq!(get(&catalogue, "NSE:TCS").source(Field::Isin), Some(Upstox));
    assert_eq!(get(&catalogue, "NSE:TCS").source(Field::LotSize), Some(Kite));
}

#[test]
fn contradictions_are_reported_and_the_base_wins() {
    let contract = future("NIFTY", "NIFTY26AUGFUT", "2026-08-25");
    let strike = |strike: i64| Some(Amount::from_ten_thousandths(strike * 10_000));
    let option = Row {
        symbol: "NIFTY26AUG100CE".into(),
        class: InstrumentType::Call,
        strike: strike(100),
        tick_size: Amount::from_ten_thousandths(500),
        ..contract.clone()
    };
    let upstox = vec![
        Row { lot_size: 75, ..contract.clone() },
        Row { strike: strike(110), tick_size: Amount::from_ten_thousandths(1000), ..option.clone() },
        Row { isin: Some("INE467B01037".into()), ..share() },
    ];
    let kite = vec![Row { lot_size: 65, ..contract }, option, share()];

    let catalogue = merge(&[file(Kite, "2026-08-17", kite), file(Upstox, "2026-08-18", upstox)]);

    assert_eq!(
        contradictions(&catalogue),
        [
            "NFO:NIFTY26AUG100CE strike upstox=110 kite=100",
            "NFO:NIFTY26AUG100CE tick_size upstox=0.1 kite=0.05",
            "NFO:NIFTY26AUGFUT lot_size upstox=75 kite=65",
            "NSE:TCS isin upstox=INE467B01037 kite=INE467B01029",
        ]
    );
    assert_eq!(get(&catalogue, "NFO:NIFTY26AUGFUT").lot_size(), 75);
    let of = |key| catalogue.contradictions_of(key).iter().map(|c| c.field).collect::<Vec<_>>();
    assert_eq!(of("NFO:NIFTY26AUGFUT"), [Field::LotSize]);
    assert_eq!(of("NSE:ACC"), []);
}

#[test]
fn removed_rows_are_ignored_if_a_file_has_the_key() {
    let old = Row { lot_size: 7, alias: Some("OLD".into()), ..share() };
    let left = |broker, date, row| File { broker, date: Some(date), rows: vec![], left: vec![row] };

    let of_one = merge(&[left(Kite, "2026-08-18", old.clone()), file(Upstox, "2026-08-17", vec![bare()])]);
    let of_none = merge(&[left(Kite, "2026-08-18", old), left(Upstox, "2026-08-17", bare())]);

    let tcs = get(&of_one, "NSE:TCS");
    assert!(tcs.is_active());
    assert_eq!(tcs.base(), Some(Upstox));
    assert_eq!(tcs.lot_size(), 1);
    assert_eq!(tcs.isin(), None);
    assert_eq!(tcs.token(Kite), None);
    assert_eq!(tcs.token(Upstox), Some("upstox TCS"));
    assert_eq!(of_one.find("NSE:OLD"), None);
    assert!(contradictions(&of_one).is_empty());
    let tcs = get(&of_none, "NSE:TCS");
    assert!(!tcs.is_active());
    assert_eq!(tcs.base(), Some(Kite));
    assert_eq!(tcs.lot_size(), 7);
    assert_eq!(tcs.token(Kite), None);
    assert_eq!(tcs.token(Upstox), None);
}

#[test]
fn a_part_that_cannot_be_read_ends_the_merge() {
    let broken = DocumentError::Order { kind: "archive", row: 2 };
    let rows: Vec<Result<ArchivedRow, DocumentError>> = vec![Ok(ArchivedRow::new(share(), true)), Err(broken)];
    let part = Part { broker: Kite, file_date: None, loaded_at: None, rows: Box::new(rows.into_iter()) };

    let message = catalogue(vec![part], "1".into()).unwrap_err().to_string();

    assert_eq!(message, "row 2 of the archive is not in key order");
}

#[test]
fn no_parts_merge_into_an_empty_catalogue() {
    assert!(merge(&[]).is_empty());
    assert!(merge(&[file(Kite, "2026-08-17", vec![])]).is_empty());
}

#[test]
fn the_successor_of_the_first_broker_counts() {
    let old = Row { isin: None, ..equity("NSE", "OLD", "") };
    let part = |broker, date: &str, successor: &str, is_active| {
        let archived =
            ArchivedRow { successor: Some(successor.to_owned()), ..ArchivedRow::new(old.clone(), is_active) };
        let new = Row { isin: None, ..equity("NSE", successor, "") };
        let state = BrokerState::new(vec![archived, ArchivedRow::new(new, true)]);
        let rows = Box::new(state.into_rows().into_iter().map(Ok));
        Part { broker, file_date: Some(date.parse().unwrap()), loaded_at: None, rows }
    };
    let successor = |is_active| {
        let parts = vec![part(Kite, "2026-08-17", "OFKITE", false), part(Upstox, "2026-08-18", "OFUPSTOX", is_active)];
        let catalogue = catalogue(parts, "1".into()).unwrap();
        let successor = catalogue.successor(catalogue.find("NSE:OLD").unwrap())?;
        Some(catalogue.key(successor).to_owned())
    };

    assert_eq!(successor(false).as_deref(), Some("NSE:OFUPSTOX"));
    assert_eq!(successor(true), None, "a broker still lists the old key");
}
