//! Loads of brokers' files that were asked for, as they are stored.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::dump::Broker;
use registry_planning::load::selection::Mode;
use serde::{Deserialize, Serialize};

use super::documents::json;
use super::error::StoreError;
use super::idempotency::{KeyClaim, StoredAnswer};

/// Finished jobs that are kept of a broker: half a year of trading days and more.
pub(super) const JOBS_KEPT: i64 = 200;
/// How long a job that nobody gives a sign of may be alive: its service gives one every second.
pub const SILENT_MAX: Duration = Duration::from_secs(15);
/// What is said of a job whose service is gone.
pub const ORPHANED: &str =
    "its replica stopped or sent no heartbeat for 15 s; see catalog/versions for the accepted files";

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It waits for another one to end.
    Queued,
    /// It is being done.
    Running,
    /// Its file was accepted.
    Completed,
    /// Its file was not accepted.
    Failed,
    /// A caller did not want it any more.
    Cancelled,
}

impl JobStatus {
    /// Its word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            JobStatus::Queued => "queued",
            JobStatus::Running => "running",
            JobStatus::Completed => "completed",
            JobStatus::Failed => "failed",
            JobStatus::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will change any more.
    pub const fn is_finished(self) -> bool {
        matches!(self, JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled)
    }
}

/// A load of a broker's file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// `job_` and 32 hexadecimal digits of a UUID v7, so that ids grow with time.
    pub job_id: String,
    /// Whose file.
    #[serde(with = "broker_id")]
    pub broker: Broker,
    /// What becomes of instruments that the file lacks.
    pub mode: Mode,
    /// 1 to 10: of those that wait the highest goes first.
    pub priority: u8,
    /// Where the file comes from, for people.
    pub source: String,
    /// The time of the schedule that asked for it, and the attempt; `None`: a caller did.
    pub slot: Option<String>,
    /// Where it is.
    pub status: JobStatus,
    /// 0 to 100.
    pub progress: u8,
    /// Rows read.
    pub processed: u64,
    /// Instruments that differ from the load before.
    pub updated: u64,
    /// Instruments that the load before did not have.
    pub new: u64,
    /// Why it failed.
    pub errors: Vec<String>,
    /// The catalogue's version that it made.
    pub version: Option<i64>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it left the queue.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Job {
    /// Ends it.
    pub fn finish(&mut self, status: JobStatus, errors: Vec<String>, now: DateTime<Utc>) {
        self.status = status;
        self.errors = errors;
        self.finished_at = Some(now);
        if status == JobStatus::Completed {
            self.progress = 100;
        }
    }
}

mod broker_id {
    use registry_planning::dump::Broker;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(broker: &Broker, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(broker.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Broker, D::Error> {
        let id = String::deserialize(deserializer)?;
        Broker::parse(&id).ok_or_else(|| de::Error::custom("unknown broker id"))
    }
}

/// Whether a job was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was.
    Yes,
    /// It was not: this one of the same broker is not finished.
    Busy(Job),
    /// It was not: this one was made of the same time of the schedule.
    Taken(Job),
    /// It was not: its idempotency key has this answer.
    Answered(StoredAnswer),
}

/// The table of jobs.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Stores a new job, unless its broker has an unfinished one or its slot already has a job. Deletes finished jobs of the
    /// broker beyond the last few hundred.
    async fn create_job(&self, job: &Job) -> Result<Created, StoreError>;

    /// Stores a new job as [`JobStore::create_job`] does, together with the response for its idempotency key: both or
    /// neither. If the key already has a response, returns [`Created::Answered`], whatever other jobs there are.
    async fn create_keyed_job(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError>;

    /// Stores the state of a job, which is also its heartbeat. Returns whether the job is still wanted: it is neither
    /// canceled nor finished. A finished job is not changed.
    async fn save_job(&self, job: &Job) -> Result<bool, StoreError>;

    /// Reads a job.
    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError>;

    /// Marks a job as not wanted, and reads it. Its replica notices at the next heartbeat.
    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError>;

    /// Fails the jobs without a heartbeat for `silent`, and returns them.
    async fn fail_silent_jobs(&self, silent: Duration) -> Result<Vec<Job>, StoreError>;
}

pub(super) fn document(job: &Job) -> Result<String, StoreError> {
    json(job)
}

pub(super) fn job(document: &str) -> Result<Job, StoreError> {
    serde_json::from_str(document).map_err(|e| StoreError::Data(format!("invalid column `document`: {e}")))
}

/// What becomes of a job that nobody gives a sign of.
pub(super) fn orphaned(document: &str, now: DateTime<Utc>) -> Result<Job, StoreError> {
    let mut orphan = job(document)?;
    orphan.finish(JobStatus::Failed, vec![ORPHANED.to_owned()], now);
    Ok(orphan)
}
