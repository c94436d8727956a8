//! Ingestion jobs as they are stored.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::ingest::selection::Mode;
use registry_planning::vocabulary::Broker;
use serde::{Deserialize, Serialize};

use super::documents::json;
use super::error::StoreError;
use super::idempotency::{KeyClaim, StoredAnswer};

/// Number of finished jobs that are kept per broker: more than half a year of trading days.
pub(super) const JOBS_KEPT: i64 = 200;
/// Time without a heartbeat after which a job is stale. Its replica sends one every second.
pub const STALE_AFTER: Duration = Duration::from_secs(15);
/// The error of a job whose replica has stopped.
pub const ORPHANED: &str =
    "its replica stopped or sent no heartbeat for 15 s; see catalog/versions for the accepted files";

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum JobStatus {
    /// It waits until another job finishes.
    Queued,
    /// It is in progress.
    Running,
    /// Its file was accepted.
    Completed,
    /// Its file was rejected, or it could not be completed.
    Failed,
    /// A caller canceled it.
    Cancelled,
}

impl JobStatus {
    /// Returns its word in the API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether the state is final.
    pub const fn is_finished(self) -> bool {
        matches!(self, JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled)
    }
}

/// A requested load of a broker's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// `job_` and 32 hexadecimal digits of a UUID v7, so that ids ascend with time.
    pub job_id: String,
    /// The broker of the file.
    #[serde(with = "broker_id")]
    pub broker: Broker,
    /// The effect on instruments that are missing from the file.
    pub mode: Mode,
    /// 1 to 10. Of the waiting jobs the one with the highest priority starts first.
    pub priority: u8,
    /// The source of the file, for messages.
    pub source: String,
    /// The scheduled time and the attempt; `None` if a caller requested the job.
    pub slot: Option<String>,
    /// The state. A finished job never changes.
    pub status: JobStatus,
    /// The progress in percent, 0 to 100.
    pub progress: u8,
    /// Number of rows that were read from the file.
    pub processed: u64,
    /// Number of rejected rows.
    #[serde(default)]
    pub rejected: u64,
    /// Number of rows of something that the service does not carry.
    #[serde(default)]
    pub skipped: u64,
    /// Number of rows that are equal to an earlier row.
    #[serde(default)]
    pub duplicates: u64,
    /// Number of instruments that differ from the previous load.
    pub updated: u64,
    /// Number of instruments that are not in the previous load.
    pub new: u64,
    /// The reasons of the failure.
    pub errors: Vec<String>,
    /// Unusual properties of the file that did not reject it.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The version of the catalog that it created.
    pub version: Option<i64>,
    /// The time of the request.
    pub created_at: DateTime<Utc>,
    /// The time at which it left the queue.
    pub started_at: Option<DateTime<Utc>>,
    /// The time at which it finished.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Job {
    /// Stores the numbers of rows that are not kept.
    pub fn count_rows(&mut self, rejected: u64, skipped: u64, duplicates: u64) {
        self.rejected = rejected;
        self.skipped = skipped;
        self.duplicates = duplicates;
    }

    /// Finishes the job.
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
    use registry_planning::vocabulary::Broker;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(broker: &Broker, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(broker.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Broker, D::Error> {
        let id = String::deserialize(deserializer)?;
        Broker::parse(&id).ok_or_else(|| de::Error::custom("unknown broker id"))
    }
}

/// The result of creating a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was created.
    Yes,
    /// Not created: this job of the same broker is not finished.
    Busy(Job),
    /// Not created: this job already exists for the same scheduled time.
    Taken(Job),
    /// Not created: its idempotency key already has this response.
    Answered(StoredAnswer),
}

/// The table of jobs, which the replicas on a database share.
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

    /// Reads a job; `None` if the id is unknown.
    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError>;

    /// Lists up to `limit` jobs of all brokers, newest first.
    async fn latest_jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError>;

    /// Marks a job as not wanted, and reads it. Its replica notices at the next heartbeat.
    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError>;

    /// Fails the jobs without a heartbeat for `stale_after`, and returns them.
    async fn fail_stale_jobs(&self, stale_after: Duration) -> Result<Vec<Job>, StoreError>;
}

pub(super) fn document(job: &Job) -> Result<String, StoreError> {
    json(job)
}

pub(super) fn job(document: &str) -> Result<Job, StoreError> {
    serde_json::from_str(document).map_err(|e| StoreError::Data(format!("invalid column `document`: {e}")))
}

/// Returns a stale job as failed.
pub(super) fn orphaned(document: &str, now: DateTime<Utc>) -> Result<Job, StoreError> {
    let mut orphan = job(document)?;
    orphan.finish(JobStatus::Failed, vec![ORPHANED.to_owned()], now);
    Ok(orphan)
}
