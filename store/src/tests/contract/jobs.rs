//! Ingestion jobs.

use std::time::Duration;

use registry_planning::ingest::selection::Mode;
use registry_planning::vocabulary::Broker;

use super::{Database, prepared, seconds, t0};
use crate::jobs::{Created, Job, JobStatus, ORPHANED};

const LONG: Duration = Duration::from_secs(3600);

pub(super) fn numbered(number: u32, broker: Broker, slot: Option<&str>) -> Job {
    let job = queued(&format!("job_{number:032x}"));
    Job { broker, slot: slot.map(str::to_owned), ..job }
}

/// Returns a queued job of Kite.
pub(crate) fn queued(job_id: &str) -> Job {
    Job {
        job_id: job_id.to_owned(),
        broker: Broker::Kite,
        mode: Mode::Incremental,
        priority: 7,
        source: "of a ₹ test's \"own\"".to_owned(),
        slot: None,
        status: JobStatus::Queued,
        progress: 0,
        processed: 0,
        rejected: 0,
        skipped: 0,
        duplicates: 0,
        updated: 0,
        new: 0,
        errors: vec![],
        warnings: vec![],
        version: None,
        created_at: t0(),
        started_at: None,
        finished_at: None,
    }
}

fn finished(mut job: Job, status: JobStatus) -> Job {
    job.finish(status, vec!["why".to_owned()], t0() + seconds(2));
    job
}

pub(crate) async fn a_job_reads_back_as_it_was_last_saved(database: &dyn Database) {
    let store = prepared(database).await;
    let mut job = numbered(1, Broker::Kite, Some("2026-11-24T02:45:00Z#0"));

    assert_eq!(store.job(&job.job_id).await, Ok(None));
    assert_eq!(store.create_job(&job).await, Ok(Created::Yes));
    assert_eq!(store.job(&job.job_id).await, Ok(Some(job.clone())));
    (job.status, job.progress, job.processed) = (JobStatus::Running, 42, u64::from(u32::MAX));
    job.started_at = Some(t0() + seconds(1));
    assert_eq!(store.save_job(&job).await, Ok(true));
    (job.updated, job.new, job.version) = (1, 2, Some(3));
    let done = finished(job, JobStatus::Completed);
    assert_eq!(store.save_job(&done).await, Ok(true));
    store.close().await;
    let reopened = prepared(database).await;

    assert_eq!(reopened.job(&done.job_id).await, Ok(Some(done.clone())));
    // A finished job does not change.
    assert_eq!(reopened.save_job(&finished(done.clone(), JobStatus::Failed)).await, Ok(false));
    assert_eq!(reopened.job(&done.job_id).await, Ok(Some(done)));
    reopened.close().await;
}

pub(crate) async fn the_latest_jobs_are_listed(database: &dyn Database) {
    let store = prepared(database).await;
    let jobs =
        [(1, Broker::Kite), (2, Broker::Upstox), (3, Broker::Dhan)].map(|(at, broker)| numbered(at, broker, None));
    for job in &jobs {
        store.create_job(job).await.unwrap();
    }

    assert_eq!(store.latest_jobs(2).await, Ok(vec![jobs[2].clone(), jobs[1].clone()]));
    assert_eq!(store.latest_jobs(20).await.unwrap().len(), 3);
}

pub(crate) async fn a_broker_has_one_unfinished_job(database: &dyn Database) {
    let store = prepared(database).await;
    let first = numbered(1, Broker::Kite, None);
    store.create_job(&first).await.unwrap();

    assert_eq!(store.create_job(&numbered(2, Broker::Kite, None)).await, Ok(Created::Busy(first.clone())));
    assert_eq!(store.create_job(&numbered(3, Broker::Upstox, None)).await, Ok(Created::Yes));
    store.save_job(&finished(first, JobStatus::Failed)).await.unwrap();
    assert_eq!(store.create_job(&numbered(4, Broker::Kite, None)).await, Ok(Created::Yes));
    assert_eq!(store.job(&numbered(2, Broker::Kite, None).job_id).await, Ok(None));
    store.close().await;
}

pub(crate) async fn one_of_several_jobs_gets_a_slot(database: &dyn Database) {
    let store = prepared(database).await;

    let creating = (1..=8).map(|number| {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move { store.create_job(&numbered(number, Broker::Kite, Some("slot#0"))).await })
    });
    let mut created = 0;
    for outcome in creating.collect::<Vec<_>>() {
        match outcome.await.unwrap().unwrap() {
            Created::Yes => created += 1,
            Created::Taken(other) => assert_eq!(other.slot.as_deref(), Some("slot#0")),
            Created::Busy(other) => panic!("the conflict of the slot is reported first: {other:?}"),
            Created::Answered(answer) => panic!("a schedule has no key: {answer:?}"),
        }
    }
    assert_eq!(created, 1);

    // Also after it is finished. Another attempt or another broker has another slot.
    let Created::Taken(job) = store.create_job(&numbered(9, Broker::Kite, Some("slot#0"))).await.unwrap() else {
        panic!("the slot is taken")
    };
    let done = finished(job, JobStatus::Failed);
    store.save_job(&done).await.unwrap();
    assert_eq!(store.create_job(&numbered(10, Broker::Kite, Some("slot#0"))).await, Ok(Created::Taken(done)));
    assert_eq!(store.create_job(&numbered(11, Broker::Kite, Some("slot#1"))).await, Ok(Created::Yes));
    assert_eq!(store.create_job(&numbered(12, Broker::Dhan, Some("slot#0"))).await, Ok(Created::Yes));
    store.close().await;
}

pub(crate) async fn saving_a_canceled_job_reports_that_it_is_not_wanted(database: &dyn Database) {
    let store = prepared(database).await;
    let job = numbered(1, Broker::Kite, None);
    store.create_job(&job).await.unwrap();

    assert_eq!(store.cancel_job(&job.job_id).await, Ok(Some(job.clone())));
    assert_eq!(store.save_job(&job).await, Ok(false));
    let cancelled = finished(job, JobStatus::Cancelled);
    store.save_job(&cancelled).await.unwrap();

    assert_eq!(store.cancel_job(&cancelled.job_id).await, Ok(Some(cancelled)));
    assert_eq!(store.cancel_job("job_of_nobody").await, Ok(None));
    store.close().await;
}

pub(crate) async fn a_job_without_a_heartbeat_fails(database: &dyn Database) {
    let store = prepared(database).await;
    let (silent, done) = (numbered(1, Broker::Kite, None), numbered(2, Broker::Dhan, None));
    store.create_job(&silent).await.unwrap();
    store.create_job(&done).await.unwrap();
    store.save_job(&finished(done.clone(), JobStatus::Completed)).await.unwrap();

    assert_eq!(store.fail_stale_jobs(LONG).await, Ok(vec![]));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let failed = store.fail_stale_jobs(Duration::from_millis(1)).await.unwrap();

    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].job_id, silent.job_id);
    assert_eq!(failed[0].status, JobStatus::Failed);
    assert_eq!(failed[0].errors, [ORPHANED]);
    assert_eq!(store.job(&silent.job_id).await, Ok(Some(failed[0].clone())));
    assert_eq!(store.create_job(&numbered(3, Broker::Kite, None)).await, Ok(Created::Yes));
    store.close().await;
}

pub(crate) async fn two_hundred_jobs_per_broker_are_kept(database: &dyn Database) {
    let store = prepared(database).await;

    for number in 1..=203 {
        let job = numbered(number, Broker::Kite, None);
        store.create_job(&job).await.unwrap();
        store.save_job(&finished(job, JobStatus::Completed)).await.unwrap();
    }
    store.create_job(&numbered(1000, Broker::Dhan, None)).await.unwrap();

    let is_kept = async |number| store.job(&numbered(number, Broker::Kite, None).job_id).await.unwrap().is_some();
    assert!(!is_kept(3).await);
    assert!(is_kept(4).await);
    assert!(is_kept(203).await);
    store.close().await;
}
