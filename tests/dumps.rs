//! Complete files of brokers: the accepted rows, their keys and their units.
//!
//! The files are not in the repository. They are read from `$REGISTRY_SHARED/data`, by default `../shared/data`. If
//! they are missing, every test here prints that it is skipped. The figures were measured on these files, most of them
//! by another program.

mod check;
mod gates;
mod identity;
mod moves;
mod search;
mod values;
mod verify;
mod versions;

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, Weekday};
use registry_planning::catalogue::{Builder, Catalogue, Source};
use registry_planning::dump::{Limits, Row};
use registry_planning::ingest::{FileContent, read_file};
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::{Broker, InstrumentType, Segment};

/// The only reason for a rejected row in these files.
const AMBIGUOUS: &str = "several rows have the same key, and nothing distinguishes them";

/// The parsed file of a broker, with the index of each row by its key.
struct Dump {
    broker: Broker,
    load: FileContent,
    by_key: HashMap<String, usize>,
}

impl Dump {
    fn row(&self, key: &str) -> &Row {
        let index = self.by_key.get(key).unwrap_or_else(|| panic!("`{key}` is missing"));
        &self.load.rows[*index]
    }

    fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Returns the reasons of rejected rows, with the number of rows.
    fn rejected(&self) -> Vec<(&str, u64)> {
        self.load.rejected.iter().map(|(reason, count)| (*reason, *count)).collect()
    }

    /// Returns the groups of rows, sorted, with the number of rows.
    fn count_by<K: Ord>(&self, group: impl Fn(&Row) -> K) -> Vec<(K, usize)> {
        let mut counts = BTreeMap::new();
        for row in &self.load.rows {
            *counts.entry(group(row)).or_default() += 1;
        }
        counts.into_iter().collect()
    }
}

fn kite() -> Option<&'static Dump> {
    static DUMP: LazyLock<Option<Dump>> = LazyLock::new(|| read_dump(Broker::Kite, "kite_nfo_bfo_2026-08-17.csv.gz"));
    report_missing(&DUMP)
}

fn upstox_json() -> Option<&'static Dump> {
    static DUMP: LazyLock<Option<Dump>> =
        LazyLock::new(|| read_dump(Broker::Upstox, "upstox_complete_2025-06-12.json.gz"));
    report_missing(&DUMP)
}

fn upstox_csv() -> Option<&'static Dump> {
    static DUMP: LazyLock<Option<Dump>> =
        LazyLock::new(|| read_dump(Broker::Upstox, "upstox_complete_2024-09-05.csv.gz"));
    report_missing(&DUMP)
}

/// Prints that a test is skipped if its file is missing. Writes to standard error directly, because the harness
/// captures the prints of passing tests.
fn report_missing(dump: &'static Option<Dump>) -> Option<&'static Dump> {
    if dump.is_none() {
        let test = std::thread::current().name().unwrap_or("dumps").to_owned();
        writeln!(io::stderr(), "skipped: {test}: its file is not in {}", folder().display())
            .expect("standard error can be written to");
    }
    dump.as_ref()
}

fn folder() -> PathBuf {
    shared().join("data")
}

fn shared() -> PathBuf {
    let shared = env::var_os("REGISTRY_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(shared)
}

fn read_dump(broker: Broker, name: &str) -> Option<Dump> {
    let file = File::open(folder().join(name)).ok()?;
    let load =
        read_file(broker, file, &Limits::default(), &mut |_| ControlFlow::Continue(())).expect("the file can be read");
    let key = |(index, row): (usize, &Row)| (format!("{}:{}", row.exchange, row.symbol), index);
    let by_key = load.rows.iter().enumerate().map(key).collect();
    Some(Dump { broker, load, by_key })
}

fn date(text: &str) -> Option<NaiveDate> {
    Some(text.parse().expect("it is a date"))
}

fn rupees(text: &str) -> Amount {
    Amount::parse(text).expect("it is an amount")
}

#[test]
fn every_row_of_kites_file_is_kept() {
    let Some(dump) = kite() else { return };

    assert_eq!(dump.load.rows_read, 39_941);
    assert_eq!(dump.load.rows.len(), 39_941);
    assert_eq!(dump.rejected(), []);
    let expected = [
        (("BFO", "CE"), 2123),
        (("BFO", "FUT"), 12),
        (("BFO", "PE"), 2123),
        (("NFO", "CE"), 17_474),
        (("NFO", "FUT"), 640),
        (("NFO", "PE"), 17_569),
    ];
    assert_eq!(dump.count_by(|row| (row.exchange.as_str(), row.class.as_str())), expected);
}

#[test]
fn every_row_of_upstoxs_json_is_kept() {
    let Some(dump) = upstox_json() else { return };

    assert_eq!(dump.load.rows_read, 95_701);
    assert_eq!(dump.load.rows.len(), 95_701);
    assert_eq!(dump.rejected(), []);
    let expected = [
        ("BCD_FO", 9532),
        ("BSE_EQ", 12_033),
        ("BSE_FO", 4946),
        ("BSE_INDEX", 68),
        ("MCX_FO", 11_211),
        ("NCD_FO", 9016),
        ("NSE_COM", 6117),
        ("NSE_EQ", 8058),
        ("NSE_FO", 34_594),
        ("NSE_INDEX", 126),
    ];
    assert_eq!(dump.count_by(|row| row.segment.as_str()), expected);
}

#[test]
fn every_row_of_upstoxs_csv_is_kept_or_has_a_reason() {
    let Some(dump) = upstox_csv() else { return };

    assert_eq!(dump.load.rows_read, 78_715);
    assert_eq!(dump.load.rows.len(), 78_698);
    assert_eq!(dump.rejected(), [(AMBIGUOUS, 17)]);
    assert_eq!(dump.load.rows.len() as u64 + dump.load.rejected_total(), dump.load.rows_read);
    assert_eq!(dump.load.skipped_total(), 0);
    assert_eq!(dump.load.duplicates, 0);
    let expected = [
        ("BCD_FO", 9274),
        ("BSE_EQ", 11_633),
        ("BSE_FO", 5253),
        ("BSE_INDEX", 38),
        ("MCX_FO", 6113),
        ("MCX_INDEX", 1),
        ("NCD_FO", 8820),
        ("NSE_EQ", 6976),
        ("NSE_FO", 30_513),
        ("NSE_INDEX", 77),
    ];
    assert_eq!(dump.count_by(|row| row.segment.as_str()), expected);
}

#[test]
fn kites_contracts_have_expiry_lot_and_strike() {
    let Some(dump) = kite() else { return };

    let future = dump.row("NFO:NIFTY26AUGFUT");
    assert_eq!(future.expiry, date("2026-08-25"));
    assert_eq!(future.lot_size, 65);
    assert_eq!(future.strike, None);
    assert_eq!(future.token.as_str(), "14866434");
    assert_eq!(future.tick_size, rupees("0.1"));
    let weekly = dump.row("NFO:NIFTY2690124450CE");
    assert_eq!(weekly.expiry, date("2026-09-01"));
    assert_eq!(weekly.strike, Some(rupees("24450")));
    assert_eq!(weekly.class, InstrumentType::Call);
    assert_eq!(weekly.underlying.as_deref(), Some("NIFTY"));
    let weekly = dump.row("BFO:SENSEX26O0176200CE");
    assert_eq!(weekly.expiry, date("2026-10-01"));
    assert_eq!(weekly.lot_size, 20);
}

#[test]
fn kites_tokens_end_in_the_number_of_their_segment() {
    let Some(dump) = kite() else { return };

    for row in &dump.load.rows {
        let segment = if row.segment == Segment::NseDerivative { 2 } else { 5 };
        assert_eq!(row.token.parse::<u32>().unwrap() % 256, segment, "{}", row.symbol);
    }
}

#[test]
fn an_expiry_is_the_date_in_the_symbol() {
    let Some(dump) = kite() else { return };

    let mut weekly_count = 0;
    for row in &dump.load.rows {
        let (underlying, expiry) = (row.underlying.as_deref().unwrap(), row.expiry.unwrap());
        let written = &row.symbol.strip_prefix(underlying).unwrap()[..5];
        let year = expiry.format("%y").to_string();
        let by_month = year.clone() + &expiry.format("%b").to_string().to_uppercase();
        let month = &"123456789OND"[expiry.month0() as usize..][..1];
        let by_day = format!("{year}{month}{:02}", expiry.day());
        assert!(written == by_month || written == by_day, "{} on {expiry}", row.symbol);
        weekly_count += usize::from(written == by_day);
    }
    assert_eq!(weekly_count, 1936);
}

#[test]
fn shares_are_known_by_their_isin() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    for (dump, series) in [(json, Some("EQ")), (csv, None)] {
        let row = dump.row("NSE:RELIANCE");
        assert_eq!(row.isin.as_deref(), Some("INE002A01018"));
        assert_eq!(row.class, InstrumentType::Equity);
        assert_eq!(row.series.as_deref(), series);
        assert_eq!(row.token.as_str(), "NSE_EQ|INE002A01018");
        assert_eq!(dump.row("BSE:RELIANCE").isin, row.isin);
        assert_eq!(dump.row("NSE:M&M").isin.as_deref(), Some("INE101A01026"));
        assert_eq!(dump.row("NSE:GOLDBEES").class, InstrumentType::Fund);
    }
}

#[test]
fn indices_are_known_by_both_names() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    // Three indices of the JSON have a name in mixed case, and an alias in capital letters.
    for (dump, aliases) in [(json, 8), (csv, 5)] {
        for (key, alias) in [
            ("NSE:NIFTY 50", Some("NIFTY")),
            ("NSE:NIFTY BANK", Some("BANKNIFTY")),
            ("NSE:NIFTY FIN SERVICE", Some("FINNIFTY")),
            ("NSE:NIFTY MID SELECT", Some("MIDCPNIFTY")),
            ("NSE:NIFTY NEXT 50", Some("NIFTYNXT50")),
            ("BSE:SENSEX", None),
        ] {
            let row = dump.row(key);
            assert_eq!(row.class, InstrumentType::Index, "{key}");
            assert_eq!(row.alias.as_deref(), alias, "{key}");
            assert_eq!(row.lot_size, 0, "{key}");
            assert_eq!(row.tick_size, Amount::ZERO, "{key}");
        }
        assert_eq!(dump.load.rows.iter().filter(|row| row.alias.is_some()).count(), aliases);
    }
}

#[test]
fn a_shared_symbol_belongs_to_the_ordinary_share() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    for (key, isin, class) in [
        ("NSE:MOTHERSON", "INE775A01035", InstrumentType::Equity),
        ("NSE:MOTHERSON-D1", "INE775A08105", InstrumentType::Debt),
        ("NSE:ELECTCAST", "INE086A01029", InstrumentType::Equity),
        ("NSE:ELECTCAST-W1", "INE086A13016", InstrumentType::Debt),
        ("NSE:AARTISURF-BE", "INE09EO01013", InstrumentType::Equity),
        ("NSE:AARTISURF-P1", "INE09EO04017", InstrumentType::Debt),
        ("NSE:IMC1-N0", "INE00QS24019", InstrumentType::Debt),
        ("NSE:IMC1-N3", "INE00QS24035", InstrumentType::Debt),
        ("BSE:METAL-EQ", "INF769K01LY7", InstrumentType::Fund),
    ] {
        let row = json.row(key);
        assert_eq!(row.isin.as_deref(), Some(isin), "{key}");
        assert_eq!(row.class, class, "{key}");
    }
    assert!(!json.has("NSE:IMC1") && !json.has("NSE:AARTISURF"));
    assert_eq!(json.row("BSE:METAL").class, InstrumentType::Index);
    // The CSV has no series, which would distinguish the other securities.
    assert_eq!(csv.row("NSE:ELECTCAST").isin.as_deref(), Some("INE086A01029"));
    assert_eq!(csv.row("NSE:MOTHERSON").isin.as_deref(), Some("INE775A01035"));
    assert!(!csv.has("NSE:ELECTCAST-W1") && !csv.has("NSE:IMC1") && !csv.has("MCX:GOLDM24OCTFUT"));
}

#[test]
fn price_steps_are_in_rupees() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    // The tick size is ten paise in 2025. Before, the exchange used five for all shares.
    assert_eq!(json.row("NSE:RELIANCE").tick_size, rupees("0.1"));
    assert_eq!(csv.row("NSE:RELIANCE").tick_size, rupees("0.05"));
    assert_eq!(json.row("NFO:NIFTY25JUNFUT").tick_size, rupees("0.1"));
    assert_eq!(csv.row("NFO:NIFTY24SEPFUT").tick_size, rupees("0.05"));
    for dump in [json, csv] {
        assert_eq!(dump.row("MCX:GOLD25AUGFUT").tick_size, rupees("1"));
        let is_currency = |row: &&Row| matches!(row.segment, Segment::NseCurrency | Segment::BseCurrency);
        for row in dump.load.rows.iter().filter(is_currency) {
            assert_eq!(row.tick_size, rupees("0.0025"), "{}", row.symbol);
        }
        let most = dump.load.rows.iter().map(|row| row.tick_size).max();
        assert_eq!(most, Some(rupees("10")));
    }
}

#[test]
fn expiries_are_dates_in_india() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    let first = |dump: &Dump| dump.load.rows.iter().filter_map(|row| row.expiry).min();
    assert_eq!(first(json), date("2025-06-12"));
    assert_eq!(first(csv), date("2024-09-05"));
    assert_eq!(json.row("NFO:NIFTY25JUNFUT").expiry, date("2025-06-26"));
    assert_eq!(json.row("CDS:USDINR25JUNFUT").expiry, date("2025-06-26"));
    assert_eq!(json.row("MCX:GOLD25AUGFUT").expiry, date("2025-08-05"));

    // Until September 2025, contracts of NIFTY expired on a Thursday, or on the day before if it was a holiday.
    let is_nifty = |row: &&Row| row.segment == Segment::NseDerivative && row.underlying.as_deref() == Some("NIFTY");
    for row in json.load.rows.iter().filter(is_nifty) {
        let expiry = row.expiry.unwrap();
        assert!(matches!(expiry.weekday(), Weekday::Wed | Weekday::Thu), "{} on {expiry}", row.symbol);
    }

    // Expiries are milliseconds in the JSON, and dates in the CSV. Of the contracts in both files, only those that the
    // exchanges moved differ: SENSEX from Friday to Tuesday, BANKNIFTY from Wednesday to Thursday, currencies because
    // of a holiday.
    let mut same_count = 0;
    let mut moved: BTreeMap<&str, usize> = BTreeMap::new();
    for row in json.load.rows.iter().filter(|row| row.expiry.is_some()) {
        match csv.by_key.get(&format!("{}:{}", row.exchange, row.symbol)) {
            Some(other) if csv.load.rows[*other].expiry == row.expiry => same_count += 1,
            Some(_) => *moved.entry(row.underlying.as_deref().unwrap()).or_default() += 1,
            None => {}
        }
    }
    assert_eq!(same_count, 1629);
    let expected = [("BANKNIFTY", 26), ("EURINR", 2), ("GBPINR", 2), ("JPYINR", 2), ("SENSEX", 270), ("USDINR", 2)];
    assert_eq!(moved, BTreeMap::from(expected));
}

/// Returns the number of contracts of the file, and the same contracts as a file of Groww, which does not specify the
/// monthly expiries. Contracts of commodities are excluded, because this does not matter for them.
fn as_groww_would(dump: &Dump) -> (usize, String) {
    let mut file =
        "exchange,exchange_token,trading_symbol,instrument_type,segment,underlying_symbol,lot_size,expiry_date,\
        strike_price,tick_size\n"
            .to_owned();
    let mut count = 0;
    for row in &dump.load.rows {
        let (exchange, segment) = match row.segment {
            Segment::NseDerivative => ("NSE", "FNO"),
            Segment::BseDerivative => ("BSE", "FNO"),
            Segment::NseCurrency => ("NSE", "CURRENCY"),
            Segment::BseCurrency => ("BSE", "CURRENCY"),
            _ => continue,
        };
        let underlying = row.underlying.as_deref().expect("a contract has an underlying");
        let expiry = row.expiry.expect("a contract expires");
        let (kind, lot_size, tick_size) = (row.class.as_str(), row.lot_size, row.tick_size);
        let strike = row.strike.map(|strike| strike.to_string()).unwrap_or_default();
        count += 1;
        file += &format!(
            "{exchange},{count},{},{kind},{segment},{underlying},{lot_size},{expiry},{strike},{tick_size}\n",
            row.symbol
        );
    }
    (count, file)
}

#[test]
fn monthly_expiries_follow_from_all_expiries() {
    for (dump, contracts) in [(kite(), 39_941), (upstox_json(), 58_088)] {
        let Some(dump) = dump else { return };

        let (count, file) = as_groww_would(dump);
        let load =
            read_file(Broker::Groww, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(())).unwrap();

        assert_eq!(count, contracts);
        assert_eq!(load.rows.len(), contracts);
        assert_eq!(load.rejected_total(), 0);
        for row in &load.rows {
            let key = format!("{}:{}", row.exchange, row.symbol);
            assert_eq!(dump.row(&key).expiry, row.expiry, "{key}");
        }
    }
}

#[test]
fn a_catalogue_of_kites_file_finds_every_key() {
    let Some(dump) = kite() else { return };
    assert_eq!(check_catalogue_of(dump).len(), 39_941);
}

#[test]
fn a_catalogue_of_upstoxs_json_finds_every_key() {
    let Some(dump) = upstox_json() else { return };
    let catalogue = check_catalogue_of(dump);

    // The catalog also has eight aliases of indices, and 5947 symbols without their series.
    assert_eq!(catalogue.len(), 95_701 + 8 + 5947);
    let alias = catalogue.get(catalogue.find("NSE:AARTISURF").unwrap());
    assert_eq!(catalogue.key(alias.group()), "NSE:AARTISURF-BE");
    let alias = catalogue.get(catalogue.find("NSE:NIFTY").unwrap());
    assert_eq!(catalogue.key(alias.group()), "NSE:NIFTY 50");
    let listing = catalogue.get(catalogue.find("BSE:RELIANCE").unwrap());
    assert_eq!(catalogue.key(listing.group()), "NSE:RELIANCE");
}

#[test]
fn a_catalogue_of_upstoxs_csv_finds_every_key() {
    let Some(dump) = upstox_csv() else { return };
    // The catalog also has aliases of indices, and symbols of government securities without their series.
    assert_eq!(check_catalogue_of(dump).len(), 81_968);
}

/// Builds a catalog, and asserts that every key has the values of its row in the file.
fn check_catalogue_of(dump: &Dump) -> Catalogue {
    let mut builder = Builder::new();
    for row in &dump.load.rows {
        builder.add(row.clone(), true);
    }
    for (key, index) in &dump.by_key {
        builder.add_token(dump.broker, key.clone(), &dump.load.rows[*index].token);
    }
    let catalogue =
        builder.build("1".to_owned(), vec![Source { broker: Some(dump.broker), file_date: None, loaded_at: None }]);

    assert_eq!(dump.by_key.len(), dump.load.rows.len());
    assert_eq!(catalogue.instrument_count(), dump.load.rows.len());
    assert_eq!(catalogue.token_counts(), BTreeMap::from([(dump.broker, dump.load.rows.len())]));
    for (key, index) in &dump.by_key {
        let row = &dump.load.rows[*index];
        let instrument = catalogue.get(catalogue.find(key).unwrap_or_else(|| panic!("`{key}` is not found")));
        assert_eq!(instrument.key(), key);
        assert_eq!(instrument.symbol(), row.symbol.as_str(), "{key}");
        assert_eq!(instrument.exchange(), row.exchange, "{key}");
        assert_eq!(instrument.class(), row.class, "{key}");
        assert_eq!(instrument.segment(), row.segment, "{key}");
        assert_eq!(instrument.expiry(), row.expiry, "{key}");
        assert_eq!(instrument.strike(), row.strike, "{key}");
        assert_eq!(instrument.tick_size(), row.tick_size, "{key}");
        assert_eq!(instrument.lot_size(), row.lot_size, "{key}");
        assert_eq!(instrument.isin(), row.isin.as_deref(), "{key}");
        assert_eq!(instrument.series(), row.series.as_deref(), "{key}");
        assert_eq!(instrument.token(dump.broker), Some(row.token.as_str()), "{key}");
    }
    catalogue
}
