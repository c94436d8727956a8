//! Jobs: their requests, and the ones of this service that are not finished.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;
use dashmap::DashMap;
use registry_planning::ingest::selection::Selection;
use registry_planning::vocabulary::Broker;
use registry_store::Store;
use registry_store::idempotency::{KeyedRequest, StoredAnswer};
use registry_store::jobs::{Job, JobStatus};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Duration, Instant};

use super::evaluation::Force;
use super::source::Source;
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::CallError;

/// A request to load a broker's file.
#[derive(Debug)]
pub struct JobRequest {
    /// The broker of the file.
    pub broker: Broker,
    /// The instruments of the broker that the file covers.
    pub selection: Selection,
    /// The priority, 1 to 10. The queued job with the highest priority runs first.
    pub priority: u8,
    /// The source of the file.
    pub source: Source,
    /// The trading date of the file. If absent, the date in its name.
    pub file_date: Option<NaiveDate>,
    /// Whether the gates may be overruled.
    pub force: Force,
    /// The scheduled time and the attempt; `None` if a caller submitted the job.
    pub slot: Option<String>,
    /// The request for whose idempotency key the new job is stored.
    pub keyed: Option<Arc<KeyedRequest>>,
}

/// The priority of a request that names none.
pub const PRIORITY_DEFAULT: u8 = 5;

/// The reason why a job was not created.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Another job of the broker is not finished.
    #[error("job {} of this broker is not finished", .0.job_id)]
    Busy(Box<Job>),
    /// A job for this scheduled time already exists.
    #[error("job {} already exists for this scheduled time", .0.job_id)]
    Taken(Box<Job>),
    /// The idempotency key of the request already has this answer.
    #[error("a response is already recorded for this idempotency key")]
    Answered(Box<StoredAnswer>),
    /// The job could not be stored.
    #[error(transparent)]
    Persistence(#[from] PersistenceError),
    /// The actor did not respond.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Whether a job is to stop before it completes, and why.
#[derive(Debug, Default)]
pub(super) struct Cancellation {
    /// 0 not requested, 1 canceled, 2 the service shuts down.
    state: AtomicU8,
    changed: Notify,
}

impl Cancellation {
    /// Returns the final status of the job and, if it failed, the reason. `None` while no cancellation is requested.
    pub(super) fn status(&self) -> Option<(JobStatus, Option<&'static str>)> {
        match self.state.load(Ordering::Relaxed) {
            0 => None,
            1 => Some((JobStatus::Cancelled, None)),
            _ => Some((JobStatus::Failed, Some("the service shut down before the job completed"))),
        }
    }

    pub(super) fn is_shutdown(&self) -> bool {
        self.state.load(Ordering::Relaxed) == 2
    }

    pub(super) fn is_requested(&self) -> bool {
        self.status().is_some()
    }

    fn set(&self, state: u8) {
        // A shutdown takes precedence over a cancellation.
        self.state.fetch_max(state, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    pub(super) fn request(&self) {
        self.set(1);
    }

    pub(super) async fn requested(&self) {
        self.until(|| self.is_requested()).await;
    }

    pub(super) async fn shutdown(&self) {
        self.until(|| self.is_shutdown()).await;
    }

    async fn until(&self, condition: impl Fn() -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if condition() {
                return;
            }
            changed.await;
        }
    }
}

/// A job of this service that is not finished.
#[derive(Debug)]
pub(super) struct LiveJob {
    job: Mutex<Job>,
    pub(super) cancellation: Cancellation,
}

impl LiveJob {
    pub(super) fn new(job: Job) -> Self {
        LiveJob { job: Mutex::new(job), cancellation: Cancellation::default() }
    }

    pub(super) fn job(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The jobs of this service that are not finished, by id. They outlive the actor.
#[derive(Debug)]
pub(super) struct LiveJobs {
    jobs: DashMap<String, Arc<LiveJob>>,
    /// The permit to run a job. A load takes the memory of a whole file, so one runs at a time, also after a restart of
    /// the actor.
    pub(super) permit: Arc<Semaphore>,
    /// The last jobs of this service that left, newest last.
    left: Mutex<VecDeque<Job>>,
    /// The last jobs of all services on the database when it was last read. `None` until then.
    stored: Mutex<Option<Vec<Job>>>,
}

/// Maximum number of jobs that [`LiveJobs::recent`] returns.
pub(super) const RECENT_MAX: u32 = 20;

impl Default for LiveJobs {
    fn default() -> Self {
        LiveJobs {
            jobs: DashMap::new(),
            permit: Arc::new(Semaphore::new(1)),
            left: Mutex::default(),
            stored: Mutex::default(),
        }
    }
}

impl LiveJobs {
    pub(super) fn get(&self, job_id: &str) -> Option<Arc<LiveJob>> {
        self.jobs.get(job_id).map(|live| Arc::clone(&live))
    }

    pub(super) fn insert(&self, job: Job) -> Arc<LiveJob> {
        let job_id = job.job_id.clone();
        let live = Arc::new(LiveJob::new(job));
        self.jobs.insert(job_id, Arc::clone(&live));
        live
    }

    pub(super) fn all(&self) -> Vec<Arc<LiveJob>> {
        self.jobs.iter().map(|live| Arc::clone(&live)).collect()
    }

    pub(super) fn remove(&self, job_id: &str) {
        let Some((_, live)) = self.jobs.remove(job_id) else { return };
        let job = live.job().clone();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.push_back(job);
        if left.len() > RECENT_MAX as usize {
            left.pop_front();
        }
    }

    pub(super) fn follow(&self, stored: Vec<Job>) {
        *self.stored.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored);
    }

    /// Whether the jobs of the database were read.
    pub(super) fn is_followed(&self) -> bool {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Returns the last jobs, newest first: those of this service as they are now, others as they were last read.
    pub(super) fn recent(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.jobs.iter().map(|live| live.job().clone()).collect();
        jobs.extend(self.left.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        jobs.extend(self.stored.lock().unwrap_or_else(PoisonError::into_inner).iter().flatten().cloned());
        // Ids ascend with time. The sort is stable, so that the newest state of a job is the first one.
        jobs.sort_by(|a, b| b.job_id.cmp(&a.job_id));
        jobs.dedup_by(|a, b| a.job_id == b.job_id);
        jobs.truncate(RECENT_MAX as usize);
        jobs
    }

    /// Stops all jobs because the service shuts down.
    pub(super) fn stop(&self) {
        self.jobs.iter().for_each(|live| live.cancellation.set(2));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

/// Stores the state of a job, which is also its heartbeat. Returns whether it is still wanted.
pub(super) async fn save_job(
    persistence: &PersistenceHandle,
    job: Job,
    timeout: Duration,
) -> Result<bool, PersistenceError> {
    let save = move |store: Arc<dyn Store>| async move { store.save_job(&job).await };
    persistence.run(Op::SaveJob, Instant::now() + timeout, save).await
}
