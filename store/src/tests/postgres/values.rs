//! Values that a row can have.

use registry_planning::dump::Row;
use registry_planning::ingest::FileContent;
use registry_planning::ingest::diff::diff;
use registry_planning::ingest::gate::{GateFault, GateResult};
use registry_planning::vocabulary::Broker;

use super::{Arc, LIMITS, StoreError, TestDatabase, assert_sound, insert, prepared};
use crate::background::Priority;
use crate::testing::{equity, plan_for, plan_of_user, request};
use crate::{CatalogueStore, LoadRecord, Offer, PlanStore, RejectedFileRecord};

#[tokio::test]
async fn the_instruments_of_plans_can_be_unnested() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    for keys in [&["NSE:TCS", "NSE:INFY"][..], &["NSE:TCS"], &[]] {
        let plan = plan_of_user("u");
        insert(&store, &plan_for(&request("u", keys), plan.plan_id, plan.created_at)).await.unwrap();
    }

    let held = "select key || ' ' || count(*) from instrument_registry.subscription_plans, unnest(instruments) as key \
                group by key order by key";

    assert_eq!(database.admin().await.texts(held).await, ["NSE:INFY 1", "NSE:TCS 2"]);
}

/// A text of PostgreSQL cannot contain U+0000, but a caller may send it in a key.
#[tokio::test]
async fn keys_with_zero_bytes_quotes_and_braces_read_back_equal() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let keys = [
        "a\0b",
        "\0",
        "NSE:A\0",
        "NSE:\u{1f}",
        "NSE:\u{10ffff}",
        "\\u0000",
        r##"NSE:{\,"}"##,
        "NSE:NULL",
        "NSE:ÄÖ",
        "NSE:TCS",
    ];
    let plan = plan_of_user("u");
    let mut request = request("u", &keys);
    request.options.filtering_strictness = registry_planning::vocabulary::FilteringStrictness::Lenient;
    let plan = plan_for(&request, plan.plan_id, plan.created_at);
    let malformed = |key: &&&str| plan.rejected.iter().any(|rejection| rejection.instrument == ***key);
    assert_eq!(keys.iter().filter(malformed).count(), 6);

    insert(&store, &plan).await.unwrap();

    assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_does_not_break_the_store() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let (mut zero, mut separated, mut empty) = (plan_of_user("u"), plan_of_user("u"), plan_of_user("u"));
    zero.plan_name = "a\0b".into();
    separated.instruments = Arc::new(["NSE:A\u{1f}NSE:B"].iter().collect());
    empty.instruments = Arc::new([""].iter().collect());

    for plan in [zero, separated, empty] {
        let refused = insert(&store, &plan).await;
        assert!(matches!(refused, Err(StoreError::Data(_))), "{refused:?}");
    }

    assert_eq!(store.plan("a\0b").await, Ok(None));
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_file_with_a_zero_byte_in_its_name_is_accepted_or_rejected() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let mut record = load(vec![equity("NSE", "TCS", "INE467B01029")]);
    record.offer.source = "a\0.csv".to_owned();
    let rejected_file = RejectedFileRecord {
        broker: Broker::Upstox,
        source: record.offer.source.clone(),
        rejected_at: record.offer.loaded_at,
        faults: vec![GateFault { gate: "readable", detail: "got `\0`".to_owned() }],
        quarantine: Vec::new(),
    };

    store.accept_load(&record).await.unwrap();
    store.reject_load(&rejected_file).await.unwrap();

    assert_eq!(store.versions(None, 1).await.unwrap()[0].source, "a\u{fffd}.csv");
    let rejected_files = store.rejected_files().await.unwrap();
    assert_eq!(rejected_files[0].source, "a\u{fffd}.csv");
    assert_eq!(rejected_files[0].faults[0].detail, "got `\0`");
}

#[tokio::test]
async fn an_invalid_row_is_an_error_with_the_name_of_its_column() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let mut admin = database.admin().await;

    for (column, value) in [
        ("document", "'{}'"),
        ("metadata", "'{}'"),
        ("rejected", "'[1]'"),
        ("cache_key", "'xyz'"),
        ("optimization_level", "'extreme'"),
        ("instruments", "array[null]"),
        ("created_at", "'infinity'"),
    ] {
        let plan = plan_of_user("u");
        insert(&store, &plan).await.unwrap();
        let id = &plan.plan_id;
        let update =
            format!("update instrument_registry.subscription_plans set {column} = {value} where plan_id = '{id}'");
        admin.execute(&update).await;

        let read = store.plan(id).await;

        assert!(matches!(&read, Err(StoreError::Data(why)) if why.contains(column)), "{column}: {read:?}");
    }
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn an_invalid_stored_catalog_does_not_break_the_store() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    store.accept_load(&load(vec![equity("NSE", "TCS", "INE467B01029")])).await.unwrap();
    let mut admin = database.admin().await;
    let archive = "update instrument_registry.catalogue_loads set archive =";
    admin.execute(&format!("{archive} 'no archive'")).await;
    let read = store.catalogue(Priority::Normal).await.map(|_| ());
    admin.execute(&format!("{archive} null")).await;
    assert!(matches!(&read, Err(StoreError::Data(why)) if why.contains("archive")), "{read:?}");

    for (column, bad, good) in
        [("instrument_type", "'MOON'", "'EQ'"), ("lot_size", "-1", "1"), ("expiry", "'infinity'", "null")]
    {
        admin.execute(&format!("update instrument_registry.instruments set {column} = {bad}")).await;
        let read = store.catalogue(Priority::Normal).await.map(|_| ());
        admin.execute(&format!("update instrument_registry.instruments set {column} = {good}")).await;

        assert!(matches!(&read, Err(StoreError::Data(why)) if why.contains(column)), "{column}: {read:?}");
    }
    assert_eq!(store.catalogue(Priority::Normal).await.unwrap().unwrap().catalogue.len(), 1);
}

#[tokio::test]
async fn a_load_with_rejected_data_leaves_nothing() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let mut admin = database.admin().await;
    let rows = vec![equity("NSE", "TCS", "INE467B01029"), equity("NSE", "BAD", "INE009A01021")];
    admin
        .execute("alter table instrument_registry.broker_tokens add constraint refuse_bad check (symbol <> 'BAD')")
        .await;

    let refused = store.accept_load(&load(rows)).await;

    assert!(matches!(refused, Err(StoreError::Data(_))), "{refused:?}");
    assert_eq!(store.catalogue_version().await, Ok(None));
    assert_eq!(admin.number("select count(*) from instrument_registry.instruments").await, 0);
    assert_sound(&store, &database).await;
}

/// One invalid name must not reject 250,000 instruments.
#[tokio::test]
async fn a_file_with_a_zero_byte_in_a_name_is_accepted() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let row = Row { name: "TATA\0".into(), ..equity("NSE", "TCS", "INE467B01029") };

    store.accept_load(&load(vec![row])).await.unwrap();

    let catalogue = store.catalogue(Priority::Normal).await.unwrap().unwrap().catalogue;
    assert_eq!(catalogue.get(catalogue.find("NSE:TCS").unwrap()).name(), "TATA\0");
    let name = "select name from instrument_registry.instruments";
    assert_eq!(database.admin().await.texts(name).await, ["TATA\u{fffd}"]);
}

/// Returns a first load of a broker.
pub(super) fn load(mut rows: Vec<Row>) -> LoadRecord {
    rows.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
    let gate_result = GateResult { diff: diff::<Row>(&[], &rows), ..GateResult::default() };
    let rows_read = rows.len() as u64;
    let load = FileContent { rows, rows_read, content_hash: [5; 32], ..FileContent::default() };
    let (broker, source) = (Broker::Kite, "a test".to_owned());
    LoadRecord::new(Offer { broker, source, file_date: None, loaded_at: chrono::Utc::now(), load }, None, gate_result)
        .unwrap()
}
