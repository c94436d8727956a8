use std::sync::Arc;

use chrono::Utc;
use registry_planning::calendar::Calendar;
use registry_planning::vocabulary::Broker;
use registry_store::background::Priority;
use registry_store::{CalendarRecord, CalendarStore, RejectedFile, StoreError, StoredFault};
use tokio::time::Duration;

use crate::snapshot::Snapshot;
use crate::system::{System, SystemParts};
use crate::testing::{FakeStore, engine_of, equity, parts, run_ready_tasks, soon};

const SECOND: Duration = Duration::from_secs(1);

fn with_demonstration(store: &Arc<FakeStore>) -> SystemParts {
    SystemParts { has_demonstration: true, ..parts(store) }
}

fn version(system: &System) -> String {
    system.snapshot().unwrap().catalogue.version().to_owned()
}

async fn is_reached(system: &System) -> Option<bool> {
    system.catalogue.inspect(SECOND).await.unwrap().reached
}

#[tokio::test(start_paused = true)]
async fn the_first_load_replaces_the_demonstration_within_5_s() {
    let store = FakeStore::new();
    let system = engine_of(with_demonstration(&store)).await;
    let demonstration = system.snapshot().unwrap();

    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    tokio::time::sleep(5 * SECOND).await;

    assert!(demonstration.catalogue.is_demonstration());
    assert!(demonstration.catalogue.find("NSE:RELIANCE").is_some());
    let stored = system.snapshot().unwrap();
    assert_eq!(stored.catalogue.version(), "1");
    assert!(!stored.catalogue.is_demonstration());
    assert_eq!(stored.catalogue.len(), 1);
    assert_ne!(stored.hash, demonstration.hash);
}

#[tokio::test(start_paused = true)]
async fn without_the_demonstration_an_empty_catalog_is_served() {
    let system = engine_of(parts(&FakeStore::new())).await;

    assert_eq!(version(&system), "none");
    assert!(system.snapshot().unwrap().catalogue.is_empty());
    assert_eq!(is_reached(&system).await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_served_before_the_database_responds() {
    let store = FakeStore::new();
    store.go_down();
    let system = System::start(with_demonstration(&store)).await.unwrap();

    tokio::time::sleep(60 * SECOND).await;
    let early = system.snapshot().is_some();
    let was_reached = is_reached(&system).await;
    store.set_catalogue(3, vec![equity("NSE", "TCS", "INE467B01029")]);
    store.come_up();
    tokio::time::sleep(6 * SECOND).await;

    assert!(!early);
    assert_eq!(was_reached, Some(false));
    assert_eq!(version(&system), "3");
}

#[tokio::test(start_paused = true)]
async fn new_versions_are_followed_and_equal_content_keeps_the_hash() {
    let store = FakeStore::new();
    let rows = vec![equity("NSE", "TCS", "INE467B01029"), equity("NSE", "INFY", "INE009A01021")];
    store.set_catalogue(1, rows.clone());
    let system = engine_of(parts(&store)).await;
    let first = system.snapshot().unwrap();

    store.set_catalogue(2, rows.clone());
    tokio::time::sleep(5 * SECOND).await;
    let second = system.snapshot().unwrap();
    store.set_catalogue(3, rows[..1].to_vec());
    tokio::time::sleep(5 * SECOND).await;
    let third = system.snapshot().unwrap();

    assert_eq!([&first, &second, &third].map(|snapshot| snapshot.catalogue.version()), ["1", "2", "3"]);
    assert_eq!(second.hash, first.hash);
    assert_ne!(third.hash, first.hash);
    // A caller that holds the first snapshot keeps it.
    assert!(first.catalogue.find("NSE:INFY").is_some());
    assert!(third.catalogue.find("NSE:INFY").is_none());
}

/// Callers wait for the first catalog; until the next one is built, the first one is served.
#[tokio::test(start_paused = true)]
async fn only_the_first_catalog_is_built_with_normal_priority() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let _system = engine_of(parts(&store)).await;

    store.set_catalogue(2, vec![equity("NSE", "INFY", "INE009A01021")]);
    tokio::time::sleep(5 * SECOND).await;

    assert_eq!(store.calls().catalogues, [Priority::Normal, Priority::Low]);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_version_is_not_read_again() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let system = engine_of(parts(&store)).await;
    let first = system.snapshot().unwrap();

    tokio::time::sleep(60 * SECOND).await;

    assert!(Arc::ptr_eq(&system.snapshot().unwrap(), &first));
}

#[tokio::test(start_paused = true)]
async fn a_catalog_is_served_although_its_loads_cannot_be_read() {
    let store = FakeStore::new();
    store.fail_summaries(StoreError::Data("fault injected by a test".to_owned()));
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);

    let system = engine_of(parts(&store)).await;

    assert_eq!(version(&system), "1");
}

#[tokio::test(start_paused = true)]
async fn the_last_good_catalog_is_served_during_an_outage() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let system = engine_of(parts(&store)).await;
    store.go_down();
    store.set_catalogue(2, vec![equity("NSE", "INFY", "INE009A01021")]);

    tokio::time::sleep(60 * SECOND).await;
    let while_down = version(&system);
    store.come_up();
    // The longest time that the circuit breaker stays open, and a check.
    tokio::time::sleep(15 * SECOND).await;

    assert_eq!(while_down, "1");
    assert_eq!(version(&system), "2");
}

#[tokio::test(start_paused = true)]
async fn a_stored_calendar_is_served_and_followed() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let save = async |day: &str| {
        let calendar = Calendar::parse(&format!("exchange,date,kind\nNSE,{day},holiday\n")).unwrap();
        let record = CalendarRecord { source: format!("{day}.csv"), loaded_at: Utc::now(), calendar };
        store.save_calendar(&record).await.unwrap()
    };
    save("2026-01-26").await;
    let system = engine_of(parts(&store)).await;
    let first = system.snapshot().unwrap();

    save("2026-01-27").await;
    tokio::time::sleep(5 * SECOND).await;
    let second = system.snapshot().unwrap();
    tokio::time::sleep(60 * SECOND).await;

    let source = |snapshot: &Snapshot| snapshot.calendar_load.as_ref().map(|load| load.record.source.clone());
    assert_eq!(source(&first).unwrap(), "2026-01-26.csv");
    assert_eq!(source(&second).unwrap(), "2026-01-27.csv");
    assert!(Arc::ptr_eq(&system.snapshot().unwrap(), &second), "an unchanged calendar is not read again");
}

/// Regression: after a crash `/ready` reported that nothing had been reached, although a catalog was served.
#[tokio::test(start_paused = true)]
async fn the_catalog_stays_reached_after_a_crash_without_database() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let system = engine_of(parts(&store)).await;
    store.go_down();

    assert!(system.crash("catalogue"));
    tokio::time::sleep(SECOND).await;

    assert_eq!(is_reached(&system).await, Some(true));
    assert_eq!(version(&system), "1");
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_catalog_is_served_and_followed() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let system = engine_of(parts(&store)).await;

    assert!(system.crash("catalogue"));
    run_ready_tasks().await;
    let after_crash = version(&system);
    store.set_catalogue(2, vec![equity("NSE", "INFY", "INE009A01021")]);
    tokio::time::sleep(5 * SECOND).await;

    assert_eq!(after_crash, "1");
    assert_eq!(version(&system), "2");
    assert_eq!(system.persistence.plan("plan_1".into(), soon()).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn rejected_files_are_followed_within_five_seconds() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    let rejected_file = RejectedFile {
        rejection_id: 7,
        broker: Broker::Kite,
        source: "a file".into(),
        rejected_at: "2026-11-24T03:45:00Z".parse().unwrap(),
        faults: vec![StoredFault { gate: "rows".into(), detail: "too few".into() }],
    };
    let before = system.catalogue.rejected_files();

    store.set_rejected_files(vec![rejected_file.clone()]);
    tokio::time::sleep(5 * SECOND).await;
    let in_effect = system.catalogue.rejected_files();
    assert!(system.crash("catalogue"));
    tokio::time::sleep(SECOND).await;
    let after_crash = system.catalogue.rejected_files();
    store.set_rejected_files(vec![]);
    tokio::time::sleep(5 * SECOND).await;

    assert_eq!(before.len(), 0);
    assert_eq!(&in_effect[..], [rejected_file]);
    assert_eq!(after_crash, in_effect);
    assert_eq!(system.catalogue.rejected_files().len(), 0);
}
