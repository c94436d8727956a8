//! Brokers' files and the catalog of them.

use chrono::{NaiveDate, TimeDelta};
use registry_planning::catalogue::{Catalogue, Contradiction, Field, Instrument, Source};
use registry_planning::dump::Row;
use registry_planning::ingest::FileContent;
use registry_planning::ingest::diff::diff;
use registry_planning::ingest::gate::GateResult;
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::{Broker, Exchange, InstrumentType, Segment};

use super::{Database, prepared, t0};
use crate::background::Priority;
use crate::testing::equity;
use crate::{LoadRecord, Offer, Store, StoreError};

pub(super) fn tuesday() -> NaiveDate {
    "2026-11-24".parse().unwrap()
}

pub(crate) fn offer_of(broker: Broker, mut rows: Vec<Row>) -> Offer {
    // As in every file after it was read.
    rows.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
    let rows_read = rows.len() as u64 + 3 + 2 + 1;
    let rejected = [("fault injected by a test", 3)].into();
    let skipped = [("not carried", 2)].into();
    let load = FileContent {
        rows,
        rows_read,
        rejected,
        skipped,
        duplicates: 1,
        content_hash: [5; 32],
        ..FileContent::default()
    };
    Offer { broker, source: "a test".into(), file_date: Some(tuesday()), loaded_at: t0(), load }
}

/// Compares the file with the broker's last one.
pub(crate) async fn compared_load(store: &dyn Store, offer: Offer) -> LoadRecord {
    let last = store.last_load(offer.broker).await.unwrap();
    let before = last.as_ref().map_or(vec![], |last| last.file(&offer.load.rows).unwrap().rows);
    let gate_result = GateResult { diff: diff(&before, &offer.load.rows), ..GateResult::default() };
    LoadRecord::new(offer, last.as_ref(), gate_result).unwrap()
}

pub(super) async fn accept(store: &dyn Store, broker: Broker, rows: &[Row]) -> i64 {
    let record = compared_load(store, offer_of(broker, rows.to_vec())).await;
    store.accept_load(&record).await.unwrap()
}

pub(super) async fn catalogue(store: &dyn Store) -> Catalogue {
    store.catalogue(Priority::Normal).await.unwrap().unwrap().catalogue
}

pub(super) fn get<'a>(catalogue: &'a Catalogue, key: &str) -> Instrument<'a> {
    catalogue.get(catalogue.find(key).unwrap_or_else(|| panic!("{key} is missing")))
}

/// Returns the row of a broker's file for an instrument.
fn row_of(instrument: Instrument<'_>, broker: Broker, alias: Option<String>) -> Row {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Row {
        exchange: instrument.exchange(),
        symbol: instrument.symbol().to_owned(),
        alias,
        name: instrument.name().to_owned(),
        segment: instrument.segment(),
        class: instrument.class(),
        isin: text(instrument.isin()),
        series: text(instrument.series()),
        underlying: text(instrument.underlying()),
        expiry: instrument.expiry(),
        strike: instrument.strike(),
        tick_size: instrument.tick_size(),
        lot_size: instrument.lot_size(),
        token: instrument.token(broker).unwrap_or_default().to_owned(),
    }
}

pub(super) fn shares() -> [Row; 3] {
    [equity("NSE", "TCS", "INE467B01029"), equity("NSE", "INFY", "INE009A01021"), equity("BSE", "TCS", "INE467B01029")]
}

/// Returns the keys of all active or of all inactive instruments.
fn keys(catalogue: &Catalogue, active: bool) -> Vec<&str> {
    catalogue.instruments().filter(|instrument| instrument.is_active() == active).map(|i| i.key()).collect()
}

pub(crate) async fn no_catalog_exists_before_the_first_load(database: &dyn Database) {
    let store = prepared(database).await;

    assert_eq!(store.catalogue_version().await, Ok(None));
    assert!(store.catalogue(Priority::Normal).await.unwrap().is_none());
}

pub(crate) async fn the_catalog_equals_the_file(database: &dyn Database) {
    // Thousands of rows: shares, indices with aliases, futures and options.
    let mut rows = registry_planning::demo::rows(tuesday());
    for (number, row) in rows.iter_mut().enumerate() {
        row.token = format!("token {number}");
    }
    let store = prepared(database).await;

    let version = accept(&*store, Broker::Kite, &rows).await;
    let stored = store.catalogue(Priority::Normal).await.unwrap().unwrap();

    let catalogue = stored.catalogue;
    assert_eq!(stored.version, version);
    assert_eq!(catalogue.version(), version.to_string());
    let source = Source { broker: Some(Broker::Kite), file_date: Some(tuesday()), loaded_at: Some(t0()) };
    assert_eq!(catalogue.sources(), [source]);
    assert!(!catalogue.is_demonstration());
    assert_eq!(catalogue.instrument_count(), rows.len());
    assert_eq!(catalogue.token_counts(), [(Broker::Kite, rows.len())].into());
    for row in rows {
        let key = format!("{}:{}", row.exchange, row.symbol);
        let instrument = get(&catalogue, &key);
        assert!(instrument.is_active(), "{key}");
        if let Some(alias) = &row.alias {
            let alias = get(&catalogue, &format!("{}:{alias}", row.exchange));
            assert!(alias.is_alias(), "{key}");
            assert_eq!(alias.group(), instrument.id(), "{key}");
        }
        assert_eq!(row_of(instrument, Broker::Kite, row.alias.clone()), row);
    }
}

pub(crate) async fn the_version_increases_with_every_load(database: &dyn Database) {
    let store = prepared(database).await;

    let mut versions = Vec::new();
    for broker in [Broker::Kite, Broker::Upstox, Broker::Kite] {
        versions.push(accept(&*store, broker, &shares()).await);
        assert_eq!(store.catalogue_version().await.unwrap(), versions.last().copied());
        assert_eq!(store.catalogue(Priority::Normal).await.unwrap().unwrap().version, versions[versions.len() - 1]);
    }

    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
}

pub(crate) async fn missing_instruments_are_inactive_until_they_return(database: &dyn Database) {
    let store = prepared(database).await;

    accept(&*store, Broker::Kite, &shares()).await;
    accept(&*store, Broker::Kite, &shares()[..1]).await;
    let shrunk = catalogue(&*store).await;
    accept(&*store, Broker::Kite, &shares()[..2]).await;
    let grown = catalogue(&*store).await;

    assert_eq!(keys(&shrunk, true), ["NSE:TCS"]);
    assert_eq!(keys(&shrunk, false), ["BSE:TCS", "NSE:INFY"]);
    assert_eq!(get(&shrunk, "NSE:INFY").isin(), Some("INE009A01021"));
    assert_eq!(shrunk.token_counts(), [(Broker::Kite, 1)].into());
    assert_eq!(keys(&grown, true), ["NSE:INFY", "NSE:TCS"]);
    assert_eq!(get(&grown, "NSE:INFY").token(Broker::Kite), Some("NSE-INFY"));
}

/// Rows that do not change are not written, because writes delay other writers.
pub(crate) async fn the_tables_show_when_a_row_last_changed(database: &dyn Database) {
    let store = prepared(database).await;
    let accept_at = async |rows: &[Row], second: i64| {
        let offer = Offer { loaded_at: t0() + TimeDelta::seconds(second), ..offer_of(Broker::Kite, rows.to_vec()) };
        store.accept_load(&compared_load(&*store, offer).await).await.unwrap();
    };
    let [tcs, infy, bse] = shares();
    let changed = Row { lot_size: 7, ..tcs.clone() };
    let moved = Row { token: "another token".into(), ..infy.clone() };

    accept_at(&[tcs, infy, bse.clone()], 0).await;
    accept_at(&[changed.clone(), moved.clone()], 1).await;
    accept_at(&[changed, moved, bse], 2).await;

    assert_eq!(database.updated("instruments").await, ["BSE:TCS 2", "NSE:INFY 0", "NSE:TCS 1"]);
    assert_eq!(database.updated("broker_tokens").await, ["BSE:TCS 2", "NSE:INFY 1", "NSE:TCS 0"]);
}

pub(crate) async fn an_empty_file_deactivates_all_instruments(database: &dyn Database) {
    let store = prepared(database).await;

    accept(&*store, Broker::Kite, &shares()).await;
    accept(&*store, Broker::Kite, &[]).await;

    let catalogue = catalogue(&*store).await;
    assert_eq!(keys(&catalogue, true), [""; 0]);
    assert_eq!(catalogue.instrument_count(), 3);
}

pub(crate) async fn files_of_two_brokers_merge_into_one_instrument(database: &dyn Database) {
    let full = Row { name: "TATA CONSULTANCY".into(), token: "1".into(), ..shares()[0].clone() };
    let bare = Row { name: String::new(), isin: None, series: None, token: "NSE_EQ|2".into(), ..full.clone() };
    let orders = [
        [(Broker::Kite, full.clone()), (Broker::Upstox, bare.clone())],
        [(Broker::Upstox, bare.clone()), (Broker::Kite, full.clone())],
        [(Broker::Upstox, bare), (Broker::Kite, full.clone())],
    ];
    let store = prepared(database).await;

    for files in orders {
        for (broker, row) in files {
            accept(&*store, broker, &[row]).await;
        }
        let catalogue = catalogue(&*store).await;

        assert_eq!(catalogue.instrument_count(), 1);
        let brokers: Vec<_> = catalogue.sources().iter().map(|source| source.broker).collect();
        assert_eq!(brokers, [Some(Broker::Kite), Some(Broker::Upstox)]);
        let instrument = get(&catalogue, "NSE:TCS");
        assert_eq!(row_of(instrument, Broker::Kite, None), full);
        assert_eq!(instrument.token(Broker::Upstox), Some("NSE_EQ|2"));
    }
}

pub(crate) async fn an_instrument_is_active_while_any_broker_lists_it(database: &dyn Database) {
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &shares()).await;
    accept(&*store, Broker::Upstox, &shares()).await;

    accept(&*store, Broker::Kite, &shares()[1..]).await;
    let of_upstox = catalogue(&*store).await;
    accept(&*store, Broker::Upstox, &shares()[1..]).await;
    let of_none = catalogue(&*store).await;

    assert!(get(&of_upstox, "NSE:TCS").is_active());
    assert_eq!(get(&of_upstox, "NSE:TCS").token(Broker::Kite), None);
    assert_eq!(get(&of_upstox, "NSE:TCS").token(Broker::Upstox), Some("NSE-TCS"));
    assert!(!get(&of_none, "NSE:TCS").is_active());
}

pub(crate) async fn the_newest_file_determines_an_instrument(database: &dyn Database) {
    let option = Row {
        exchange: Exchange::Nfo,
        segment: Segment::NseDerivative,
        class: InstrumentType::Call,
        isin: None,
        series: None,
        underlying: Some("TCS".into()),
        expiry: Some(tuesday()),
        strike: Some(Amount::from_ten_thousandths(35_000_000)),
        ..equity("NSE", "TCS26NOV3500CE", "")
    };
    let changed = Row {
        name: "another name".into(),
        class: InstrumentType::Put,
        underlying: Some("TATA".into()),
        expiry: tuesday().succ_opt(),
        strike: Some(Amount::from_ten_thousandths(36_000_000)),
        tick_size: Amount::from_ten_thousandths(100),
        lot_size: 7,
        token: "another token".into(),
        ..option.clone()
    };
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &[option]).await;

    accept(&*store, Broker::Kite, std::slice::from_ref(&changed)).await;

    let catalogue = catalogue(&*store).await;
    assert_eq!(row_of(get(&catalogue, "NFO:TCS26NOV3500CE"), Broker::Kite, None), changed);
}

pub(crate) async fn equal_loads_have_equal_hashes_also_after_reopening(database: &dyn Database) {
    let mut reversed = shares().to_vec();
    reversed.reverse();
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &shares()).await;
    let before = catalogue(&*store).await;
    store.close().await;

    let store = prepared(database).await;
    let reopened = catalogue(&*store).await;
    accept(&*store, Broker::Kite, &reversed).await;
    let again = catalogue(&*store).await;
    accept(&*store, Broker::Kite, &shares()[..2]).await;
    let other = catalogue(&*store).await;

    assert_eq!(reopened.content_hash(), before.content_hash());
    assert_eq!(again.content_hash(), before.content_hash());
    assert_ne!(again.version(), before.version());
    assert_ne!(other.content_hash(), before.content_hash());
}

pub(crate) async fn fields_missing_from_a_new_file_are_not_served(database: &dyn Database) {
    let full = Row { alias: Some("OTHER".into()), ..shares()[0].clone() };
    let bare = Row { alias: None, name: String::new(), isin: None, series: None, ..full.clone() };
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, std::slice::from_ref(&full)).await;
    let before = catalogue(&*store).await;

    accept(&*store, Broker::Kite, &[bare]).await;
    let after = catalogue(&*store).await;
    database.forget_archives().await;
    let from_tables = catalogue(&*store).await;

    assert!(before.find("NSE:OTHER").is_some());
    for catalogue in [after, from_tables] {
        let tcs = get(&catalogue, "NSE:TCS");
        assert_eq!(tcs.name(), "");
        assert_eq!(tcs.isin(), None);
        assert_eq!(tcs.series(), None);
        assert_eq!(catalogue.find("NSE:OTHER"), None);
    }
}

pub(crate) async fn the_catalog_reports_contradictions_and_sources(database: &dyn Database) {
    let kite = Row { lot_size: 75, isin: None, ..shares()[0].clone() };
    let store = prepared(database).await;
    accept(&*store, Broker::Upstox, &shares()[..1]).await;
    accept(&*store, Broker::Kite, &[kite]).await;

    let catalogue = catalogue(&*store).await;

    let tcs = get(&catalogue, "NSE:TCS");
    assert_eq!(tcs.lot_size(), 75);
    assert_eq!(tcs.isin(), Some("INE467B01029"));
    assert_eq!(tcs.source(Field::LotSize), Some(Broker::Kite));
    assert_eq!(tcs.source(Field::Isin), Some(Broker::Upstox));
    let values = vec![(Broker::Kite, "75".to_owned()), (Broker::Upstox, "1".to_owned())];
    assert_eq!(catalogue.contradictions(), [Contradiction { key: "NSE:TCS".into(), field: Field::LotSize, values }]);
}

/// Earlier releases accepted files of any date.
pub(crate) async fn a_file_date_in_the_future_is_ignored(database: &dyn Database) {
    let store = prepared(database).await;
    let dated = async |broker, file_date: &str, row: Row| {
        let offer = Offer { file_date: Some(file_date.parse().unwrap()), ..offer_of(broker, vec![row]) };
        store.accept_load(&compared_load(&*store, offer).await).await.unwrap()
    };
    let named = |name: &str| Row { name: name.into(), ..shares()[0].clone() };
    dated(Broker::Kite, "9999-12-31", named("future")).await;
    dated(Broker::Upstox, "2026-11-25", named("tomorrow")).await;

    let catalogue = catalogue(&*store).await;
    let last = store.last_load(Broker::Kite).await.unwrap().unwrap();
    let versions = store.versions(None, 10).await.unwrap();

    assert_eq!(last.file_date, None);
    assert_eq!(catalogue.file_date(), tuesday().succ_opt());
    assert_eq!(get(&catalogue, "NSE:TCS").name(), "tomorrow", "the file of an unknown date is not the base");
    assert_eq!(versions[1].file_date, Some("9999-12-31".parse().unwrap()), "history shows what was stored");
}

pub(crate) async fn an_instrument_with_a_new_key_has_a_successor(database: &dyn Database) {
    let store = prepared(database).await;
    // Only the token shows that they are one share.
    let named = |symbol: &str| Row { isin: None, token: "5".into(), ..equity("NSE", symbol, "") };
    let successor = |catalogue: &Catalogue| {
        let successor = catalogue.successor(get(catalogue, "NSE:OLD").id())?;
        Some(catalogue.key(successor).to_owned())
    };

    for (file, expected) in [
        ([shares()[0].clone(), named("OLD")], None),
        ([shares()[0].clone(), named("NEW")], Some("NSE:NEW")),
        ([shares()[1].clone(), named("NEW")], Some("NSE:NEW")),
        ([shares()[1].clone(), named("OLD")], None),
    ] {
        accept(&*store, Broker::Kite, &file).await;

        assert_eq!(successor(&catalogue(&*store).await).as_deref(), expected);
    }
}

/// Earlier releases stored no archives.
pub(crate) async fn loads_without_an_archive_are_read_from_the_tables(database: &dyn Database) {
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &shares()).await;
    accept(&*store, Broker::Kite, &shares()[..2]).await;
    let last = async || {
        let last = store.last_load(Broker::Kite).await.unwrap().unwrap();
        (last.version, last.file_date, last.instruments.state().unwrap())
    };
    let (archived, last_archived) = (catalogue(&*store).await, last().await);

    database.forget_archives().await;
    let from_tables = catalogue(&*store).await;
    let last_from_tables = last().await;
    accept(&*store, Broker::Kite, &shares()[1..]).await;
    let archived_again = catalogue(&*store).await;

    assert_eq!(from_tables.content_hash(), archived.content_hash());
    assert_eq!(last_from_tables, last_archived);
    assert_eq!(keys(&archived_again, true), ["BSE:TCS", "NSE:INFY"]);
    assert_eq!(keys(&archived_again, false), ["NSE:TCS"]);
}

pub(crate) async fn a_load_that_fails_midway_keeps_the_last_one(database: &dyn Database) {
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &shares()[..1]).await;
    let before = catalogue(&*store).await;
    database.refuse_bad().await;
    let bad = [shares()[1].clone(), equity("NSE", "BAD", "INE009A01021")];

    let refused = store.accept_load(&compared_load(&*store, offer_of(Broker::Kite, bad.to_vec())).await).await;

    assert!(matches!(refused, Err(StoreError::Data(_))), "{refused:?}");
    let after = catalogue(&*store).await;
    assert_eq!(after.version(), before.version());
    assert_eq!(after.content_hash(), before.content_hash());
    database.forget_archives().await;
    assert_eq!(catalogue(&*store).await.content_hash(), before.content_hash(), "the tables neither");
}
