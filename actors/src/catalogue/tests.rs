use std::fs;
use std::sync::Arc;

use chrono::Utc;
use registry_planning::dump::Broker;
use registry_planning::load::selection::Selection;
use registry_store::idempotency::KeyedRequest;
use registry_store::jobs::{Job, JobStatus};
use registry_store::{Refusal, StoredFault};
use tempfile::TempDir;
use tokio::time::{Duration, sleep};

use super::ingest::Force;
use super::jobs::source::Source;
use super::jobs::spool::Spool;
use super::jobs::{IngestSettings, JobRequest, PRIORITY_DEFAULT};
use crate::system::{System, SystemParts};
use crate::testing::{CapturedLog, FakeStore, engine_of, equity, parts, settle, soon, until};

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
async fn the_demonstration_is_served_until_the_first_load_which_is_served_within_five_seconds() {
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
async fn without_the_demonstration_an_empty_catalogue_is_served() {
    let system = engine_of(parts(&FakeStore::new())).await;

    assert_eq!(version(&system), "none");
    assert!(system.snapshot().unwrap().catalogue.is_empty());
    assert_eq!(is_reached(&system).await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn before_the_database_has_answered_nothing_is_served() {
    let store = FakeStore::new();
    store.go_down();
    let system = System::start(with_demonstration(&store)).await.unwrap();

    tokio::time::sleep(60 * SECOND).await;
    let early = system.snapshot().is_some();
    let was_reached = is_reached(&system).await;
    store.set_catalogue(3, vec![equity("NSE", "TCS", "INE467B01029")]);
    store.come_up();
    tokio::time::sleep(6 * SECOND).await;

    assert_eq!((early, was_reached), (false, Some(false)));
    assert_eq!(version(&system), "3");
}

#[tokio::test(start_paused = true)]
async fn every_new_version_is_followed_and_equal_content_keeps_the_hash() {
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
    // Who took the first one still has it.
    assert!(first.catalogue.find("NSE:INFY").is_some());
    assert!(third.catalogue.find("NSE:INFY").is_none());
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
async fn a_database_that_goes_down_leaves_the_last_good_catalogue_and_is_followed_again() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let system = engine_of(parts(&store)).await;
    store.go_down();
    store.set_catalogue(2, vec![equity("NSE", "INFY", "INE009A01021")]);

    tokio::time::sleep(60 * SECOND).await;
    let while_down = version(&system);
    store.come_up();
    // The breaker's longest pause, and a round.
    tokio::time::sleep(15 * SECOND).await;

    assert_eq!((while_down.as_str(), version(&system).as_str()), ("1", "2"));
}

/// A bug: after a crash nothing had been reached as far as `/ready` could tell, although a catalogue was served.
#[tokio::test(start_paused = true)]
async fn a_crash_while_the_database_is_down_leaves_the_catalogue_reached() {
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
async fn a_crash_leaves_the_catalogue_in_place_and_the_successor_follows_on() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let system = engine_of(parts(&store)).await;

    assert!(system.crash("catalogue"));
    settle().await;
    let after_crash = version(&system);
    store.set_catalogue(2, vec![equity("NSE", "INFY", "INE009A01021")]);
    tokio::time::sleep(5 * SECOND).await;

    assert_eq!((after_crash.as_str(), version(&system).as_str()), ("1", "2"));
    assert_eq!(system.persistence.plan("plan_1".into(), soon()).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_followed_within_five_seconds_until_they_stand_no_more() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    let refusal = Refusal {
        refusal_id: 7,
        broker: Broker::Kite,
        source: "a file".into(),
        refused_at: "2026-11-24T03:45:00Z".parse().unwrap(),
        faults: vec![StoredFault { gate: "rows".into(), detail: "too few".into() }],
    };
    let before = system.catalogue.refusals();

    store.set_refusals(vec![refusal.clone()]);
    tokio::time::sleep(5 * SECOND).await;
    let standing = system.catalogue.refusals();
    assert!(system.crash("catalogue"));
    tokio::time::sleep(SECOND).await;
    let after_crash = system.catalogue.refusals();
    store.set_refusals(vec![]);
    tokio::time::sleep(5 * SECOND).await;

    assert_eq!((before.len(), &standing[..], after_crash), (0, &[refusal][..], standing.clone()));
    assert_eq!(system.catalogue.refusals().len(), 0);
}

/// A load of a file of Kite's with one share, which the gates let pass or not.
fn request(force: Force) -> JobRequest {
    let file = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                instrument_type,segment,exchange\n256,1,ACME,ACME LIMITED,0,,0,0.05,1,EQ,NSE,NSE\n";
    JobRequest {
        broker: Broker::Kite,
        selection: Selection::default(),
        priority: PRIORITY_DEFAULT,
        source: Source::Upload { name: "kite.csv".to_owned(), spool: Spool::Memory(file.as_bytes().to_vec(), None) },
        file_date: None,
        force,
        slot: None,
        keyed: None,
    }
}

async fn upload(system: &System, force: Force) -> Job {
    system.catalogue.submit(request(force), soon()).await.unwrap()
}

async fn read_job(system: &System, job_id: &str) -> Job {
    system.catalogue.job(job_id, soon()).await.unwrap().expect("the job is stored")
}

/// Files are read on threads of their own, so that the clock goes on.
#[tokio::test]
async fn a_job_completes_once_its_version_is_served() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();

    let job_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;
    settle().await;
    let held = read_job(&system, &job_id).await;
    let served_while_held = version(&system);
    store.release_all_reads();
    while !read_job(&system, &job_id).await.status.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    assert_eq!(held.status, JobStatus::Running);
    assert_eq!(served_while_held, "none");
    assert_eq!(version(&system), "1");
    let done = read_job(&system, &job_id).await;
    assert_eq!(done.status, JobStatus::Completed);
    assert_eq!(done.version, Some(1));
    assert!(done.errors.is_empty(), "{:?}", done.errors);
}

#[tokio::test]
async fn a_refused_job_fails_once_the_refusal_is_reported() {
    let (store, log) = (FakeStore::new(), CapturedLog::start());
    let folder = TempDir::new().unwrap();
    let (spool, refused) = (folder.path().to_owned(), folder.path().join("refused"));
    let ingest = IngestSettings { spool, refused: refused.clone(), ..IngestSettings::default() };
    let system = engine_of(SystemParts { ingest, ..parts(&store) }).await;

    let job_id = upload(&system, Force::No).await.job_id;
    while !read_job(&system, &job_id).await.status.is_finished() {
        tokio::task::yield_now().await;
    }

    assert_eq!(read_job(&system, &job_id).await.status, JobStatus::Failed);
    assert_eq!(system.catalogue.refusals().len(), 1);
    assert_eq!(fs::read_dir(refused).unwrap().count(), 1);
    let line = log.line("file rejected: catalog unchanged").unwrap();
    assert_eq!(line["broker"], "kite");
    let rejected_at = system.catalogue.refusals()[0].refused_at;
    assert_eq!(line["rejected_at"], registry_planning::plan::format_time(rejected_at));
    assert_eq!(log.line("job failed: file rejected").unwrap()["job_id"], job_id);
}

/// A job that the database creates after the deadline has its key, so that nobody could ask for it again.
#[tokio::test(start_paused = true)]
async fn a_job_with_a_key_that_is_created_late_is_run() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    let keyed = KeyedRequest { scope: "ingest".to_owned(), key: "k".to_owned(), digest: [1; 32], now: Utc::now() };
    let request = JobRequest { keyed: Some(Arc::new(keyed)), ..request(Force::Yes) };
    store.hold_inserts();

    let (submitted, ()) = tokio::join!(system.catalogue.submit(request, soon()), async {
        sleep(15 * SECOND).await;
        store.release_all_inserts();
    });

    let job_id = submitted.unwrap().job_id;
    while !read_job(&system, &job_id).await.status.is_finished() {
        tokio::task::yield_now().await;
    }
    assert_eq!(read_job(&system, &job_id).await.status, JobStatus::Completed);
}

#[tokio::test]
async fn a_job_whose_version_cannot_be_served_completes_with_a_note() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();

    let job_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;
    tokio::time::pause();
    tokio::time::sleep(31 * SECOND).await;
    settle().await;

    let done = read_job(&system, &job_id).await;
    assert_eq!(done.status, JobStatus::Completed);
    assert_eq!(done.version, Some(1));
    assert_eq!(done.errors, ["version 1 is stored, but this service failed to serve it within 30 s"]);
}

#[tokio::test]
async fn a_service_that_stops_does_not_wait_to_serve_a_version() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();

    let job_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;
    system.catalogue.stop_jobs(soon()).await;

    let done = read_job(&system, &job_id).await;
    assert_eq!(done.status, JobStatus::Completed);
    assert!(done.errors.is_empty(), "{:?}", done.errors);
}
