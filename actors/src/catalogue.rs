//! The catalogue actor: loads the stored catalogue, follows its versions, and publishes it in one step.

mod actor;
pub mod ingest;
pub mod jobs;
pub(crate) mod metrics;
mod refusals;
pub mod refused;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::{ActorCell, SpawnErr};
use registry_planning::catalogue::{Builder, Catalogue};
use registry_store::Refusal;
use registry_store::jobs::Job;
use tokio::time::Instant;

use self::actor::{CatalogueActor, CatalogueMessage};
use self::jobs::{IngestSettings, JobRequest, LiveJobs, SubmitError};
use self::refusals::Refusals;
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};
use crate::snapshot::SnapshotCell;

/// Beside timers and inspections come jobs, of which a broker has one at a time.
const CAPACITY: usize = 64;

/// The handle of the catalogue actor.
#[derive(Clone)]
pub struct CatalogueHandle {
    mailbox: Mailbox<CatalogueMessage>,
    refusals: Arc<Refusals>,
    live: Arc<LiveJobs>,
    persistence: PersistenceHandle,
}

impl CatalogueHandle {
    pub(crate) fn new(persistence: PersistenceHandle) -> Self {
        let mailbox = Mailbox::new("catalogue", CAPACITY);
        CatalogueHandle { mailbox, refusals: Arc::default(), live: Arc::default(), persistence }
    }

    pub(crate) async fn spawn(
        &self,
        has_demonstration: bool,
        ingest: Arc<IngestSettings>,
        snapshots: Arc<SnapshotCell>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let (refusals, live) = (Arc::clone(&self.refusals), Arc::clone(&self.live));
        let (persistence, mailbox) = (self.persistence.clone(), self.mailbox.clone());
        let actor = CatalogueActor { has_demonstration, persistence, snapshots, refusals, ingest, live, mailbox };
        self.mailbox.spawn(actor, supervisor).await
    }

    /// Has a broker's file loaded. The answer is the job as it was taken.
    ///
    /// # Errors
    /// [`SubmitError`]; what came with the request is dropped then.
    pub async fn submit(&self, request: JobRequest, deadline: Instant) -> Result<Job, SubmitError> {
        let request = Box::new(request);
        self.mailbox.call(deadline, |reply| CatalogueMessage::Submit { request, reply }).await?
    }

    /// A job, whichever service does it; `None` where there is none of that id.
    ///
    /// # Errors
    /// [`PersistenceError`], except of a job of this service.
    pub async fn job(&self, job_id: &str, deadline: Instant) -> Result<Option<Job>, PersistenceError> {
        if let Some(live) = self.live.get(job_id) {
            return Ok(Some(live.job().clone()));
        }
        self.persistence.job(job_id.to_owned(), deadline).await
    }

    /// Says that a job is not wanted any more, and gives it as it is: one that runs ends a little later. One that has
    /// finished stays as it is.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn cancel(&self, job_id: &str, deadline: Instant) -> Result<Option<Job>, PersistenceError> {
        if self.live.get(job_id).is_some() {
            let job_id = job_id.to_owned();
            let job = self.mailbox.call(deadline, |reply| CatalogueMessage::Cancel { job_id, reply }).await?;
            if job.is_some() {
                return Ok(job);
            }
        }
        self.persistence.cancel_job(job_id.to_owned(), deadline).await
    }

    /// Stops the jobs of this service and waits until that is kept, until `deadline` at most.
    pub(crate) async fn stop_jobs(&self, deadline: Instant) {
        self.live.stop();
        while !self.live.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The files that were refused and after which none of their broker was accepted, newest first.
    pub fn refusals(&self) -> Arc<Vec<Refusal>> {
        self.refusals.standing()
    }

    /// How the actor is.
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

/// The catalogue of a database without a load, where the demonstration is turned off.
pub fn empty() -> Catalogue {
    Builder::new().build("none".to_owned(), Vec::new())
}
