//! The files of several brokers together: every security is one instrument, regardless of the order of the files.

use std::collections::BTreeSet;

use registry_planning::catalogue::Instrument;
use registry_planning::ingest::archive::StoredInstruments;
use registry_planning::merge::{self, Part};
use registry_planning::vocabulary::Exchange;

use super::*;

/// The newest file with securities of each broker, and its date: the last day of the month if the name has no day.
const FILES: [(Broker, &str, &str); 4] = [
    (Broker::Kite, "kite_nse_2025-10.csv.gz", "2025-10-31"),
    (Broker::Upstox, "upstox_complete_2025-06-12.json.gz", "2025-06-12"),
    (Broker::Dhan, "dhan_compact_nse_cash_2025-08.csv.gz", "2025-08-31"),
    (Broker::Fyers, "fyers_nse_cm_2025-11-10.csv.gz", "2025-11-10"),
];

/// The archives of `FILES`, with their brokers and dates.
struct StoredFiles(Vec<(Broker, Option<NaiveDate>, StoredInstruments)>);

fn stored_files() -> Option<&'static StoredFiles> {
    static STORED: LazyLock<Option<StoredFiles>> = LazyLock::new(|| {
        let load = |(broker, name, of)| {
            let dump = read_dump(broker, name)?;
            let followed = StoredInstruments::none().followed_by(&dump.load.rows).expect("nothing is read");
            Some((broker, date(of), StoredInstruments::Archive(followed.archive.into())))
        };
        FILES.into_iter().map(load).collect::<Option<_>>().map(StoredFiles)
    });
    if STORED.is_none() {
        writeln!(io::stderr(), "skipped: identity: a file is not in {}", folder().display())
            .expect("it can be written");
    }
    STORED.as_ref()
}

/// Merges the files of the brokers in this order, all with one date if `is_of_one_date`.
fn merged(files: &StoredFiles, brokers: &[Broker], is_of_one_date: bool) -> Catalogue {
    let part = |broker: &Broker| {
        let (broker, of, stored) = files.0.iter().find(|(other, ..)| other == broker).expect("its file is read");
        let file_date = if is_of_one_date { date("2025-10-31") } else { *of };
        Part { broker: *broker, file_date, loaded_at: None, rows: stored.rows().expect("it is an archive") }
    };
    merge::catalogue(brokers.iter().map(part).collect(), "1".to_owned()).expect("they can be merged")
}

/// Returns the symbol of an NSE security without its series.
fn base_symbol<'a>(instrument: &Instrument<'a>) -> &'a str {
    let series = instrument.series().unwrap_or("EQ");
    instrument.symbol().strip_suffix(series).and_then(|rest| rest.strip_suffix('-')).unwrap_or(instrument.symbol())
}

/// Returns the symbols of NSE that belong to two instruments although no broker lists them separately: the symbols with
/// equal series, and the number of symbols with different series.
fn doubled(catalogue: &Catalogue) -> (Vec<&str>, usize) {
    let brokers = |instrument: &Instrument<'_>| -> BTreeSet<Broker> {
        Broker::WITH_FILES.into_iter().filter(|broker| instrument.token(*broker).is_some()).collect()
    };
    let mut of_symbol: BTreeMap<&str, Vec<Instrument<'_>>> = BTreeMap::new();
    let is_security = |instrument: &Instrument<'_>| {
        instrument.is_active() && instrument.exchange() == Exchange::Nse && instrument.class() != InstrumentType::Index
    };
    for instrument in catalogue.instruments().filter(is_security) {
        of_symbol.entry(base_symbol(&instrument)).or_default().push(instrument);
    }
    let (mut same_series, mut other_series) = (Vec::new(), 0);
    for (symbol, instruments) in of_symbol {
        let pairs = instruments.iter().enumerate().flat_map(|(at, a)| instruments[..at].iter().map(move |b| (a, b)));
        let separate: Vec<_> = pairs.filter(|(a, b)| brokers(a).is_disjoint(&brokers(b))).collect();
        if separate.iter().any(|(a, b)| a.series() == b.series()) {
            same_series.push(symbol);
        } else {
            other_series += usize::from(!separate.is_empty());
        }
    }
    (same_series, other_series)
}

/// Returns the ISINs that several active instruments of NSE have in one series, although no broker lists them
/// separately.
fn doubled_isins(catalogue: &Catalogue) -> Vec<&str> {
    let mut seen: HashMap<(&str, &str), Instrument<'_>> = HashMap::new();
    let mut doubled = Vec::new();
    let is_listed = |instrument: &Instrument<'_>| instrument.is_active() && instrument.exchange() == Exchange::Nse;
    for instrument in catalogue.instruments().filter(is_listed) {
        let Some(isin) = instrument.isin() else { continue };
        if let Some(other) = seen.insert((isin, instrument.series().unwrap_or("EQ")), instrument) {
            let both = |broker: Broker| other.token(broker).is_some() && instrument.token(broker).is_some();
            if !Broker::WITH_FILES.into_iter().any(both) {
                doubled.push(isin);
            }
        }
    }
    doubled
}

#[test]
fn securities_of_two_files_differ_by_their_dates_only() {
    let Some(files) = stored_files() else { return };

    for (brokers, differ_by_date) in [
        ([Broker::Kite, Broker::Upstox], 440),
        ([Broker::Kite, Broker::Fyers], 105),
        ([Broker::Kite, Broker::Dhan], 408),
        ([Broker::Upstox, Broker::Fyers], 432),
    ] {
        let catalogue = merged(files, &brokers, false);

        let (same_series, other_series) = doubled(&catalogue);
        assert!(same_series.is_empty(), "{brokers:?}: {same_series:?}");
        assert_eq!(other_series, differ_by_date, "{brokers:?}");
        assert_eq!(doubled_isins(&catalogue), [""; 0], "{brokers:?}");
    }
}

#[test]
fn a_security_that_was_renamed_has_its_new_key() {
    let Some(files) = stored_files() else { return };
    let catalogue = merged(files, &[Broker::Upstox, Broker::Kite, Broker::Fyers], false);

    for (old, new) in
        [("NSE:TATAMOTORS", "NSE:TMPV"), ("NSE:905PEL26-N1", "NSE:905PFL26-N1"), ("NSE:SELAN", "NSE:ANTELOPUS")]
    {
        let alias = catalogue.get(catalogue.find(old).unwrap());
        assert!(alias.is_alias());
        assert_eq!(catalogue.key(catalogue.target(alias.id())), new);
        let share = catalogue.get(catalogue.find(new).unwrap());
        assert!(share.token(Broker::Upstox).is_some() && share.token(Broker::Fyers).is_some(), "{new}");
    }
}

#[test]
fn the_order_of_loading_does_not_change_the_registry() {
    let Some(files) = stored_files() else { return };
    let mut brokers = FILES.map(|(broker, ..)| broker);

    for is_of_one_date in [false, true] {
        let expected = *merged(files, &brokers, is_of_one_date).content_hash();
        brokers.reverse();
        brokers[..3].rotate_left(1);
        assert_eq!(*merged(files, &brokers, is_of_one_date).content_hash(), expected, "{brokers:?}");
    }
}

#[test]
fn the_series_of_government_securities_follows_from_isins() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };
    let nse = |dump: &'static Dump| dump.load.rows.iter().filter(|row| row.segment == Segment::NseEquity);
    let with_isin = |row: &'static Row| Some((row.isin.as_deref()?, row));
    let by_isin: HashMap<&str, &Row> = nse(json).filter_map(with_isin).collect();

    let mut count = 0;
    for row in nse(csv).filter(|row| row.series.is_some()) {
        let Some(other) = by_isin.get(row.isin.as_deref().expect("the series follows from it")) else { continue };
        assert_eq!(row.symbol, other.symbol);
        assert_eq!(row.series, other.series);
        count += 1;
    }
    assert_eq!(count, 3111);
}
