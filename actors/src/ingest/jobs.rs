//! Loads of brokers' files that were asked for: each a job, of which one runs at a time.
//!
//! A job's state is in the database, so that every replica answers for it and it outlives the service; its service gives a
//! sign of life every second. What this service does is at hand too, newer by a second and there while the database is
//! away.

pub(super) mod fetch;
pub(super) mod run;
pub(super) mod schedule;
pub mod source;
pub mod spool;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use dashmap::DashMap;
use metrics::counter;
use registry_planning::dump::{Broker, Limits};
use registry_planning::load::gate::GateSettings;
use registry_planning::load::selection::{Mode, Selection};
use registry_store::idempotency::{KeyedRequest, StoredAnswer};
use registry_store::jobs::{Job, JobStatus};
use tokio::sync::{Notify, Semaphore};

use self::source::{Origin, Source};
use super::ingest::Force;
use crate::persistence::PersistenceError;
use crate::runtime::mailbox::CallError;

/// Jobs that ended, by broker, mode and how.
const INGESTION_JOBS: &str = "instrument_registry_ingestion_jobs_total";

/// What a broker's files are subject to, and where they come from by themselves.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// What a file must fulfil.
    pub gates: GateSettings,
    /// How long a file may be.
    pub limits: Limits,
    /// Below which callers may name files; `None`: nowhere.
    pub folder: Option<PathBuf>,
    /// From which callers may have files fetched, and to which redirects may lead.
    pub origins: Vec<Origin>,
    /// Where files rest between arrival and reading.
    pub spool: PathBuf,
    /// Where refused files are kept.
    pub refused: PathBuf,
    /// Where each broker's file comes from when nobody says.
    pub feeds: BTreeMap<Broker, Feed>,
    /// How long it takes until a scheduled load that failed is tried again; doubled each time.
    pub retry_after: Duration,
}

/// Where a broker's file comes from when nobody says, and when it is fetched without being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// A file's path or a URL. The operator's own word: it needs no folder and no list.
    pub source: String,
    /// Times of day in Asia/Kolkata; may be empty.
    pub at: Vec<NaiveTime>,
}

impl Feed {
    /// The source, which is opened later; `None` where it is no URL that can be fetched, and no path.
    pub fn source(&self) -> Option<Source> {
        match source::is_url(&self.source) {
            true => source::fetchable(&self.source).map(Source::Url),
            false => {
                (!self.source.is_empty()).then(|| Source::File { path: PathBuf::from(&self.source), opened: None })
            }
        }
    }
}

impl Default for IngestSettings {
    /// Takes uploads only.
    fn default() -> Self {
        IngestSettings {
            gates: GateSettings::default(),
            limits: Limits::default(),
            folder: None,
            origins: Vec::new(),
            spool: PathBuf::from("data"),
            refused: PathBuf::from("data/refused"),
            feeds: BTreeMap::new(),
            retry_after: Duration::from_secs(60),
        }
    }
}

/// A load of a broker's file, as it is asked for.
#[derive(Debug)]
pub struct JobRequest {
    /// Whose file.
    pub broker: Broker,
    /// How much of the broker's instruments it speaks for.
    pub selection: Selection,
    /// 1 to 10: of those that wait the highest goes first.
    pub priority: u8,
    /// Where it comes from.
    pub source: Source,
    /// Its trading date; where absent, the one in its name.
    pub file_date: Option<NaiveDate>,
    /// Whether the gates may be overruled.
    pub force: Force,
    /// The time of the schedule and the attempt; `None`: a caller asked.
    pub slot: Option<String>,
    /// The request whose idempotency key the job is kept for, as it is at first.
    pub keyed: Option<Arc<KeyedRequest>>,
}

/// Priority of what says none.
pub const PRIORITY_DEFAULT: u8 = 5;

/// Why a job was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The broker's other one is not finished.
    #[error("job {} of this broker is not finished", .0.job_id)]
    Busy(Box<Job>),
    /// Of this time of the schedule there is one already.
    #[error("job {} already exists for this scheduled time", .0.job_id)]
    Taken(Box<Job>),
    /// The request's idempotency key has this answer.
    #[error("a response is already recorded for this idempotency key")]
    Answered(Box<StoredAnswer>),
    /// It could not be kept.
    #[error(transparent)]
    Persistence(#[from] PersistenceError),
    /// The actor did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Whether a job is still wanted.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// 0 wanted, 1 cancelled, 2 the service stops.
    state: AtomicU8,
    changed: Notify,
}

impl Wanted {
    /// Why it is not wanted any more: its status and, where it has failed by that, a reason.
    pub(super) fn end(&self) -> Option<(JobStatus, Option<&'static str>)> {
        match self.state.load(Ordering::Relaxed) {
            0 => None,
            1 => Some((JobStatus::Cancelled, None)),
            _ => Some((JobStatus::Failed, Some("the service shut down before the job completed"))),
        }
    }

    /// Whether that is because the service stops.
    pub(super) fn is_stopping(&self) -> bool {
        self.state.load(Ordering::Relaxed) == 2
    }

    pub(super) fn is_so(&self) -> bool {
        self.end().is_none()
    }

    fn set(&self, state: u8) {
        // A service that stops has the last word.
        self.state.fetch_max(state, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    pub(super) fn cancel(&self) {
        self.set(1);
    }

    /// Waits until it is not wanted any more.
    pub(super) async fn no_more(&self) {
        self.until(|| !self.is_so()).await;
    }

    /// Waits until the service stops.
    pub(super) async fn stopping(&self) {
        self.until(|| self.is_stopping()).await;
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
pub(super) struct Live {
    job: Mutex<Job>,
    pub(super) wanted: Wanted,
}

impl Live {
    pub(super) fn new(job: Job) -> Self {
        Live { job: Mutex::new(job), wanted: Wanted::default() }
    }

    pub(super) fn job(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The jobs of this service that are not finished, by id. Outlive the actor.
#[derive(Debug)]
pub(super) struct LiveJobs {
    jobs: DashMap<String, Arc<Live>>,
    /// A load takes the memory of a whole file: one at a time, also after the actor was restarted.
    pub(super) place: Arc<Semaphore>,
}

impl Default for LiveJobs {
    fn default() -> Self {
        LiveJobs { jobs: DashMap::new(), place: Arc::new(Semaphore::new(1)) }
    }
}

impl LiveJobs {
    pub(super) fn get(&self, job_id: &str) -> Option<Arc<Live>> {
        self.jobs.get(job_id).map(|live| Arc::clone(&live))
    }

    pub(super) fn insert(&self, job: Job) -> Arc<Live> {
        let job_id = job.job_id.clone();
        let live = Arc::new(Live::new(job));
        self.jobs.insert(job_id, Arc::clone(&live));
        live
    }

    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        self.jobs.iter().map(|live| Arc::clone(&live)).collect()
    }

    pub(super) fn remove(&self, job_id: &str) {
        self.jobs.remove(job_id);
    }

    /// Tells all of them that the service stops.
    pub(super) fn stop(&self) {
        self.jobs.iter().for_each(|live| live.wanted.set(2));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

/// Counts a job that ended.
pub(super) fn count(job: &Job) {
    let (broker, mode) = (job.broker.as_str(), job.mode.as_str());
    counter!(INGESTION_JOBS, "broker_id" => broker, "mode" => mode, "status" => job.status.as_str()).increment(1);
}

/// Describes the jobs' metric and sets it to 0.
pub(crate) fn register() {
    metrics::describe_counter!(INGESTION_JOBS, "Number of finished jobs by broker, mode and status");
    for broker in Broker::ALL {
        for mode in Mode::ALL {
            for status in [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled] {
                let (broker, mode, status) = (broker.as_str(), mode.as_str(), status.as_str());
                counter!(INGESTION_JOBS, "broker_id" => broker, "mode" => mode, "status" => status).absolute(0);
            }
        }
    }
}
