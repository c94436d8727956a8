//! The catalogue actor: loads the stored catalog and the trading calendar, follows their versions, and publishes each
//! in one step.

mod actor;
mod calendar;
pub(crate) mod metrics;
mod rejected_files;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::vocabulary::Broker;
use registry_store::{LoadSummary, RejectedFile, Store};
use tokio::sync::watch;
use tokio::time::Instant;

use self::actor::{CatalogueActor, CatalogueMessage};
use self::rejected_files::RejectedFiles;
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};
use crate::runtime::{ActorCell, SpawnErr};
use crate::snapshot::SnapshotCell;

/// Only a finished job sends a call, and one job runs at a time.
const CAPACITY: usize = 64;

/// The handle of the catalogue actor, with the rejected files and loads that outlive it.
#[derive(Clone)]
pub struct CatalogueHandle {
    mailbox: Mailbox<CatalogueMessage>,
    rejected_files: Arc<RejectedFiles>,
    loads: Arc<ArcSwap<Vec<LoadSummary>>>,
    responds_since: Arc<watch::Sender<Option<Instant>>>,
    persistence: PersistenceHandle,
}

impl CatalogueHandle {
    pub(crate) fn new(persistence: PersistenceHandle) -> Self {
        let mailbox = Mailbox::new("catalogue", CAPACITY);
        let (rejected_files, loads, responds_since) = Default::default();
        CatalogueHandle { mailbox, rejected_files, loads, responds_since, persistence }
    }

    pub(crate) async fn spawn(
        &self,
        has_demonstration: bool,
        snapshots: Arc<SnapshotCell>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let (rejected_files, responds_since) = (Arc::clone(&self.rejected_files), Arc::clone(&self.responds_since));
        let (persistence, loads) = (self.persistence.clone(), Arc::clone(&self.loads));
        let actor = CatalogueActor { has_demonstration, persistence, snapshots, rejected_files, loads, responds_since };
        self.mailbox.spawn(actor, supervisor).await
    }

    /// Waits until everything that is stored now is served.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn catch_up(&self, deadline: Instant) -> Result<(), CallError> {
        self.mailbox.call_outside_bound(deadline, |reply| CatalogueMessage::CatchUp { reply }).await
    }

    /// Returns the time since which the database has responded every time that the actor looked at it.
    pub(crate) fn database_responds_since(&self) -> Option<Instant> {
        *self.responds_since.borrow()
    }

    /// Waits until the database responds, or this handle and all its clones are dropped.
    pub(crate) fn database_responded(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut responds_since = self.responds_since.subscribe();
        async move {
            let _ = responds_since.wait_for(Option::is_some).await;
        }
    }

    /// Returns the rejected files after which no file of their broker was accepted, newest first.
    pub fn rejected_files(&self) -> Arc<Vec<RejectedFile>> {
        self.rejected_files.in_effect()
    }

    /// Returns the last accepted load of each broker, as it was read after the served catalog.
    pub fn last_loads(&self) -> Arc<Vec<LoadSummary>> {
        self.loads.load_full()
    }

    /// Deletes the rejected files of a broker, and returns their number. They are no longer in effect once the actor
    /// has [caught up](Self::catch_up).
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn dismiss_rejected_files(&self, broker: Broker, deadline: Instant) -> Result<u64, PersistenceError> {
        let dismiss = move |store: Arc<dyn Store>| async move { store.dismiss_rejected_files(broker).await };
        self.persistence.run(Op::DismissRejectedFiles, deadline, dismiss).await
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

/// Returns the catalog of a database without a load if the demonstration is turned off.
pub fn empty() -> Catalogue {
    Builder::new().build("none".to_owned(), Vec::new())
}
