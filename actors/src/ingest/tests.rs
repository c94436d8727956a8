#[cfg(target_os = "linux")]
mod priority;

use std::fs;
use std::sync::Arc;

use chrono::Utc;
use registry_planning::ingest::selection::Selection;
use registry_planning::vocabulary::Broker;
use registry_store::StoreError;
use registry_store::idempotency::KeyedRequest;
use registry_store::jobs::{Job, JobStatus};
use tempfile::TempDir;
use tokio::time::{Duration, sleep};

use super::source::Source;
use super::spool::Spool;
use super::{Force, IngestSettings, JobRequest, PRIORITY_DEFAULT};
use crate::system::{System, SystemParts};
use crate::testing::{CapturedLog, FakeStore, engine_of, equity, parts, run_ready_tasks, soon, until};

const SECOND: Duration = Duration::from_secs(1);

fn version(system: &System) -> String {
    system.snapshot().unwrap().catalogue.version().to_owned()
}

/// Returns a request to load a file of Kite with one share, which fails the gates unless they are overruled.
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

/// Returns the parts of an engine that keeps its files in the folder.
fn parts_in(folder: &TempDir, store: &Arc<FakeStore>) -> SystemParts {
    let (spool, rejected_files) = (folder.path().to_owned(), folder.path().join("refused"));
    SystemParts { ingest: IngestSettings { spool, rejected_files, ..IngestSettings::default() }, ..parts(store) }
}

async fn upload(system: &System, force: Force) -> Job {
    system.ingest.submit(request(force), soon()).await.unwrap()
}

async fn read_job(system: &System, job_id: &str) -> Job {
    system.ingest.job(job_id, soon()).await.unwrap().expect("the job is stored")
}

/// Files are read on separate threads, so the clock is not paused.
#[tokio::test]
async fn a_job_completes_once_its_version_is_served() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();

    let job_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;
    run_ready_tasks().await;
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
async fn a_job_with_a_rejected_file_fails_once_it_is_reported() {
    let (store, folder, log) = (FakeStore::new(), TempDir::new().unwrap(), CapturedLog::start());
    let system = engine_of(parts_in(&folder, &store)).await;

    let job_id = upload(&system, Force::No).await.job_id;
    while !read_job(&system, &job_id).await.status.is_finished() {
        tokio::task::yield_now().await;
    }

    assert_eq!(read_job(&system, &job_id).await.status, JobStatus::Failed);
    assert_eq!(system.catalogue.rejected_files().len(), 1);
    assert_eq!(fs::read_dir(folder.path().join("refused")).unwrap().count(), 1);
    let line = log.line("file rejected: catalog unchanged").unwrap();
    assert_eq!(line["broker"], "kite");
    let rejected_at = system.catalogue.rejected_files()[0].rejected_at;
    assert_eq!(line["rejected_at"], registry_planning::vocabulary::format_time(rejected_at));
    assert_eq!(log.line("job failed: file rejected").unwrap()["job_id"], job_id);
}

fn garbage() -> JobRequest {
    let spool = Spool::Memory(b"garbage".to_vec(), None);
    JobRequest { source: Source::Upload { name: "a\u{1}ä.csv".to_owned(), spool }, ..request(Force::No) }
}

fn rejected_data() -> StoreError {
    StoreError::Data("fault injected by a test".to_owned())
}

#[tokio::test]
async fn a_rejection_with_an_unstorable_text_still_alerts() {
    let (store, folder) = (FakeStore::new(), TempDir::new().unwrap());
    let system = engine_of(parts_in(&folder, &store)).await;
    store.answer_rejections([rejected_data()]);

    let job_id = system.ingest.submit(garbage(), soon()).await.unwrap().job_id;
    while !read_job(&system, &job_id).await.status.is_finished() {
        tokio::task::yield_now().await;
    }

    let rejected_files = system.catalogue.rejected_files();
    assert_eq!(rejected_files.len(), 1);
    assert_eq!(rejected_files[0].source, "a??.csv");
    assert_eq!(store.calls().rejected_files, 2);
}

#[tokio::test]
async fn a_permanent_failure_to_store_a_rejection_is_not_retried() {
    let (store, folder, log) = (FakeStore::new(), TempDir::new().unwrap(), CapturedLog::start());
    let system = engine_of(parts_in(&folder, &store)).await;
    store.answer_rejections(std::iter::repeat_n(rejected_data(), 100));

    let job_id = system.ingest.submit(garbage(), soon()).await.unwrap().job_id;
    while !read_job(&system, &job_id).await.status.is_finished() {
        tokio::task::yield_now().await;
    }

    let job = read_job(&system, &job_id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.errors[1].starts_with("failed to store the rejection: "), "{:?}", job.errors);
    assert_eq!(store.calls().rejected_files, 2);
    assert_eq!(log.line("failed to store the rejection of a file").unwrap()["broker"], "kite");
}

/// If the database creates a job after the deadline, its key refers to it, so that no caller could submit it again.
#[tokio::test(start_paused = true)]
async fn a_job_with_a_key_that_is_created_late_is_run() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    let keyed = KeyedRequest { scope: "ingest".to_owned(), key: "k".to_owned(), digest: [1; 32], now: Utc::now() };
    let request = JobRequest { keyed: Some(Arc::new(keyed)), ..request(Force::Yes) };
    store.hold_inserts();

    let (submitted, ()) = tokio::join!(system.ingest.submit(request, soon()), async {
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
    run_ready_tasks().await;

    let done = read_job(&system, &job_id).await;
    assert_eq!(done.status, JobStatus::Completed);
    assert_eq!(done.version, Some(1));
    assert_eq!(done.errors, ["version 1 is stored, but this service failed to serve it within 30 s"]);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_until_a_version_is_served() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();

    let job_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;
    system.ingest.stop_jobs(soon()).await;

    let done = read_job(&system, &job_id).await;
    assert_eq!(done.status, JobStatus::Completed);
    assert!(done.errors.is_empty(), "{:?}", done.errors);
}

/// Waits until a job has finished.
async fn finished_job(system: &System, job_id: &str) -> Job {
    loop {
        let job = read_job(system, job_id).await;
        if job.status.is_finished() {
            return job;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_job_completes_although_the_ingest_actor_crashes() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();
    let job_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;

    assert!(system.crash("ingest"));
    run_ready_tasks().await;
    store.release_all_reads();

    let done = finished_job(&system, &job_id).await;
    assert_eq!(done.status, JobStatus::Completed);
    assert_eq!(done.version, Some(1));
    assert_eq!(version(&system), "1");
    // The next actor runs the next job.
    let next_id = upload(&system, Force::Yes).await.job_id;
    assert_eq!(finished_job(&system, &next_id).await.status, JobStatus::Completed);
}

#[tokio::test]
async fn a_job_completes_although_the_catalogue_actor_crashes() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();
    let job_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;

    assert!(system.crash("catalogue"));
    run_ready_tasks().await;
    store.release_all_reads();

    let done = finished_job(&system, &job_id).await;
    assert_eq!(done.status, JobStatus::Completed);
    assert!(done.errors.is_empty(), "{:?}", done.errors);
    assert_eq!(version(&system), "1");
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_the_ingest_actor_leaves_the_catalog_served() {
    let store = FakeStore::new();
    store.set_catalogue(1, vec![equity("NSE", "TCS", "INE467B01029")]);
    let system = engine_of(parts(&store)).await;
    let catalogue = system.catalogue.actor().unwrap().get_id();

    assert!(system.crash("ingest"));
    run_ready_tasks().await;
    store.set_catalogue(2, vec![equity("NSE", "INFY", "INE009A01021")]);
    sleep(5 * SECOND).await;

    assert_eq!(version(&system), "2");
    assert_eq!(system.catalogue.actor().unwrap().get_id(), catalogue);
}

#[tokio::test]
async fn a_crash_of_the_catalogue_actor_leaves_queued_jobs() {
    let (store, folder) = (FakeStore::new(), TempDir::new().unwrap());
    let ingest = IngestSettings { rejected_files: folder.path().to_owned(), ..IngestSettings::default() };
    let system = engine_of(SystemParts { ingest, ..parts(&store) }).await;
    let ingest = system.ingest.actor().unwrap().get_id();
    store.hold_reads();
    let running_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;
    let queued = JobRequest { broker: Broker::Dhan, ..request(Force::Yes) };
    let queued_id = system.ingest.submit(queued, soon()).await.unwrap().job_id;

    assert!(system.crash("catalogue"));
    run_ready_tasks().await;
    let status = read_job(&system, &queued_id).await.status;
    store.release_all_reads();

    assert_eq!(status, JobStatus::Queued);
    assert_eq!(finished_job(&system, &running_id).await.status, JobStatus::Completed);
    // A file of Kite is not a file of Dhan: the job has run.
    let errors = finished_job(&system, &queued_id).await.errors;
    assert!(errors[0].starts_with("readable: "), "{errors:?}");
    assert_eq!(system.ingest.actor().unwrap().get_id(), ingest);
}

#[tokio::test]
async fn a_crash_of_the_ingest_actor_fails_queued_jobs() {
    let store = FakeStore::new();
    let system = engine_of(parts(&store)).await;
    store.hold_reads();
    let running_id = upload(&system, Force::Yes).await.job_id;
    until("the catalog is read", || store.calls().reads == 1).await;
    let queued = JobRequest { broker: Broker::Dhan, ..request(Force::Yes) };
    let queued_id = system.ingest.submit(queued, soon()).await.unwrap().job_id;

    assert!(system.crash("ingest"));
    let lost = finished_job(&system, &queued_id).await;
    store.release_all_reads();

    assert_eq!(lost.status, JobStatus::Failed);
    assert_eq!(lost.errors, ["the job queue was lost because an actor restarted; submit the job again"]);
    assert_eq!(finished_job(&system, &running_id).await.status, JobStatus::Completed);
}
