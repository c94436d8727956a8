//! The ingest actor: loads brokers' files as jobs, one at a time, on request and on schedule.
//!
//! The state of a job is stored in the database, so that every replica can report it and it outlives the service. The
//! service that runs a job sends a heartbeat every second. The jobs of this service are also in memory: up to a second
//! newer than in the database, and available during an outage of the database.

mod actor;
mod evaluation;
mod fetch;
mod jobs;
pub(crate) mod metrics;
pub mod rejected_files;
mod run;
mod schedule;
mod settings;
pub mod source;
pub mod spool;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use registry_store::jobs::Job;
use tokio::time::Instant;

use self::actor::{IngestActor, IngestMessage};
pub use self::evaluation::{Force, GateResult, Offering, date_in, offer, store_rejected_file};
use self::jobs::LiveJobs;
pub use self::jobs::{JobRequest, PRIORITY_DEFAULT, SubmitError};
pub use self::settings::{IngestSettings, ScheduledSource};
use crate::catalogue::CatalogueHandle;
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};
use crate::runtime::{ActorCell, SpawnErr};
use crate::trace;

/// Capacity of the mailbox. Few calls arrive, because a broker has at most one unfinished job.
const CAPACITY: usize = 64;

/// The handle of the ingest actor, with the unfinished jobs that outlive it.
#[derive(Clone)]
pub struct IngestHandle {
    mailbox: Mailbox<IngestMessage>,
    live: Arc<LiveJobs>,
    persistence: PersistenceHandle,
    catalogue: CatalogueHandle,
}

impl IngestHandle {
    pub(crate) fn new(persistence: PersistenceHandle, catalogue: CatalogueHandle) -> Self {
        IngestHandle { mailbox: Mailbox::new("ingest", CAPACITY), live: Arc::default(), persistence, catalogue }
    }

    pub(crate) async fn spawn(
        &self,
        settings: Arc<IngestSettings>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let (live, persistence, catalogue) = (Arc::clone(&self.live), self.persistence.clone(), self.catalogue.clone());
        self.mailbox.spawn(IngestActor { settings, live, persistence, catalogue }, supervisor).await
    }

    /// Submits a job that loads a broker's file, and returns the job as it was created.
    ///
    /// # Errors
    /// [`SubmitError`]. The file that came with the request is dropped.
    pub async fn submit(&self, request: JobRequest, deadline: Instant) -> Result<Job, SubmitError> {
        let (request, trace) = (Box::new(request), trace::current());
        self.mailbox.call(deadline, |reply| IngestMessage::Submit { request, trace, reply }).await?
    }

    /// Returns a job of any service on the database, or `None` if no job has that id.
    ///
    /// # Errors
    /// [`PersistenceError`], except for a job of this service.
    pub async fn job(&self, job_id: &str, deadline: Instant) -> Result<Option<Job>, PersistenceError> {
        if let Some(live) = self.live.get(job_id) {
            return Ok(Some(live.job().clone()));
        }
        let job_id = job_id.to_owned();
        self.persistence.run(Op::Job, deadline, move |store| async move { store.job(&job_id).await }).await
    }

    /// Returns the last jobs of all services on the database, newest first, without asking the database or the actor:
    /// those of other services as they were a few seconds ago.
    pub fn recent_jobs(&self) -> Vec<Job> {
        self.live.recent()
    }

    /// Cancels a job and returns its current state: a running job ends a little later, a finished one does not change.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn cancel(&self, job_id: &str, deadline: Instant) -> Result<Option<Job>, PersistenceError> {
        if self.live.get(job_id).is_some() {
            let job_id = job_id.to_owned();
            let job = self.mailbox.call(deadline, |reply| IngestMessage::Cancel { job_id, reply }).await?;
            if job.is_some() {
                return Ok(job);
            }
        }
        let job_id = job_id.to_owned();
        self.persistence.run(Op::CancelJob, deadline, move |store| async move { store.cancel_job(&job_id).await }).await
    }

    /// Stops the jobs of this service and waits until their results are stored, until `deadline` at most.
    pub(crate) async fn stop_jobs(&self, deadline: Instant) {
        self.live.stop();
        while !self.live.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the state of the actor, or an error after `timeout`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn inspect(&self, timeout: Duration) -> Result<Inspection, CallError> {
        self.mailbox.inspect(timeout).await
    }

    pub(crate) fn actor(&self) -> Option<ActorCell> {
        self.mailbox.actor()
    }

    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn crash(&self) -> Result<(), CallError> {
        self.mailbox.crash()
    }
}
