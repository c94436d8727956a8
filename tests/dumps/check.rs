//! The check of a registry with the newest file of each broker.

use std::collections::BTreeSet;

use registry_planning::catalogue::Instrument;
use registry_planning::catalogue::check::Doubled;
use registry_planning::ingest::archive::{Archive, StoredInstruments};
use registry_planning::merge::{self, Part};

use super::*;

/// A broker's file in the form in which the database stores it.
struct StoredFile {
    broker: Broker,
    file_date: Option<NaiveDate>,
    archive: Vec<u8>,
}

impl StoredFile {
    /// Combines several files of one broker into one.
    fn new(dumps: &[&Dump], of: &str) -> Self {
        let mut rows: Vec<Row> = dumps.iter().flat_map(|dump| dump.load.rows.iter().cloned()).collect();
        rows.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
        let archive = StoredInstruments::none().followed_by(&rows).expect("nothing is read").archive;
        StoredFile { broker: dumps[0].broker, file_date: date(of), archive }
    }

    fn part(&self) -> Part<'_> {
        let rows = Archive::new(&self.archive).expect("it is an archive");
        Part { broker: self.broker, file_date: self.file_date, loaded_at: None, rows: Box::new(rows) }
    }
}

fn merged<'a>(files: impl IntoIterator<Item = &'a StoredFile>) -> Catalogue {
    let parts = files.into_iter().map(StoredFile::part).collect();
    merge::catalogue(parts, "1".to_owned()).expect("they can be merged")
}

/// Returns the newest file of each broker.
fn newest() -> Option<&'static [StoredFile; 4]> {
    static FILES: LazyLock<Option<[StoredFile; 4]>> = LazyLock::new(|| {
        let (kite, upstox) = (kite()?, upstox_json()?);
        let shares = read_dump(Broker::Kite, "kite_nse_2025-10.csv.gz")?;
        let fyers = read_dump(Broker::Fyers, "fyers_nse_cm_2025-11-10.csv.gz")?;
        let dhan = read_dump(Broker::Dhan, "dhan_compact_nse_cash_2025-08.csv.gz")?;
        Some([
            StoredFile::new(&[&shares, kite], "2025-10-01"),
            StoredFile::new(&[upstox], "2025-06-12"),
            StoredFile::new(&[&fyers], "2025-11-10"),
            StoredFile::new(&[&dhan], "2025-08-01"),
        ])
    });
    FILES.as_ref()
}

/// Returns the registry of the newest files.
fn registry() -> Option<&'static Catalogue> {
    static REGISTRY: LazyLock<Option<Catalogue>> = LazyLock::new(|| Some(merged(newest()?)));
    REGISTRY.as_ref()
}

/// Returns the two instruments of each pair of keys.
fn instruments<'a>(catalogue: &'a Catalogue, pairs: &[Doubled<'a>]) -> Vec<[Instrument<'a>; 2]> {
    let get = |key: &str| catalogue.get(catalogue.find(key).expect("a finding has a key of the catalog"));
    pairs.iter().map(|pair| pair.keys.map(get)).collect()
}

#[test]
fn the_order_of_brokers_does_not_change_the_registry() {
    let (Some(files), Some(registry)) = (newest(), registry()) else { return };

    let reversed = merged(files.iter().rev());

    assert_eq!(reversed.content_hash(), registry.content_hash());
    assert_eq!(reversed.contradictions(), registry.contradictions());
    assert_eq!(reversed.token_counts(), registry.token_counts());
    for (a, b) in reversed.instruments().zip(registry.instruments()) {
        assert_eq!(a.key(), b.key());
        assert_eq!(a.base(), b.base(), "{}", a.key());
    }
}

#[test]
fn no_security_is_doubled_in_the_registry() {
    let Some(registry) = registry() else { return };

    let findings = registry.check();

    assert_eq!(findings.doubled, []);
    // The four files are of four months. Shares moved between `EQ` and `BE`, between `SM` and `ST`, and partly paid
    // ones between `E1` and `X1`.
    let moved = instruments(registry, &findings.series_differs_by_date);
    assert!((600..=700).contains(&moved.len()), "{}", moved.len());
    let series: BTreeSet<&str> = moved.iter().flatten().filter_map(Instrument::series).collect();
    assert!(series.is_subset(&BTreeSet::from(["EQ", "BE", "BZ", "SM", "ST", "SZ", "E1", "X1"])), "{series:?}");
    for [first, second] in moved {
        assert_ne!(first.series().unwrap_or("EQ"), second.series().unwrap_or("EQ"), "{}", first.key());
    }
    // These shares were renamed and moved to another series between June and November.
    let renamed: Vec<[&str; 2]> = findings.symbol_differs_by_date.iter().map(|pair| pair.keys).collect();
    assert!(renamed.contains(&["NSE:HGM-BE", "NSE:HOVS"]), "{renamed:?}");
    assert!(renamed.len() <= 10, "{renamed:?}");
}

#[test]
fn kite_of_october_and_upstox_of_june_differ_in_series() {
    let Some([kite, upstox, ..]) = newest() else { return };

    let catalogue = merged([kite, upstox]);
    let findings = catalogue.check();

    assert_eq!(findings.doubled, []);
    assert_eq!(findings.symbol_differs_by_date, []);
    let count = findings.series_differs_by_date.len();
    assert!((430..=450).contains(&count), "{count}");
}

#[test]
fn every_index_of_the_registry_has_one_key() {
    let Some(registry) = registry() else { return };

    let findings = registry.check();

    assert_eq!(findings.doubled_indices, []);
    let single: Vec<&str> = findings.single_indices.iter().map(|single| single.key).collect();
    // Two test instruments of the exchange, and an index that was created after the files of the other brokers.
    assert_eq!(single, ["NSE:INDEX1 NSETEST", "NSE:INDEX2 NSETEST", "NSE:Nifty500 MQVLv50"]);
}

#[test]
fn no_unit_of_the_registry_is_suspicious() {
    let Some(registry) = registry() else { return };

    let findings = registry.check();

    assert_eq!(findings.suspicious_units, []);
}

#[test]
fn the_older_form_of_upstox_fits_the_other_files() {
    let (Some(csv), Some([kite, _, fyers, dhan])) = (upstox_csv(), newest()) else { return };

    let csv = StoredFile::new(&[csv], "2024-09-05");
    let catalogue = merged([kite, &csv, fyers, dhan]);
    let findings = catalogue.check();

    assert_eq!(findings.doubled, []);
    assert_eq!(findings.doubled_indices, []);
    assert_eq!(findings.suspicious_units, []);
}
