//! The catalogue actor: loads the stored catalogue, follows its versions, and publishes it in one step.

mod actor;
pub mod ingest;
mod refusals;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use ractor::{ActorCell, SpawnErr};
use registry_planning::catalogue::{Builder, Catalogue, Source};
use registry_planning::demo;

use self::actor::{CatalogueActor, CatalogueMessage};
use self::refusals::Refusals;
pub(crate) use self::refusals::{CATALOGUE_REFUSALS, OTHER_GATE};
use crate::mailbox::{CallError, Inspection, Mailbox};
use crate::persistence::{PersistenceHandle, Refusal};
use crate::snapshot::SnapshotCell;

/// Only timers and inspections come to it.
const CAPACITY: usize = 16;

/// The handle of the catalogue actor.
#[derive(Clone)]
pub struct CatalogueHandle {
    mailbox: Mailbox<CatalogueMessage>,
    refusals: Arc<Refusals>,
}

impl CatalogueHandle {
    pub(crate) fn new() -> Self {
        CatalogueHandle { mailbox: Mailbox::new("catalogue", CAPACITY), refusals: Arc::default() }
    }

    pub(crate) async fn spawn(
        &self,
        has_demonstration: bool,
        persistence: PersistenceHandle,
        snapshots: Arc<SnapshotCell>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let refusals = Arc::clone(&self.refusals);
        self.mailbox.spawn(CatalogueActor { has_demonstration, persistence, snapshots, refusals }, supervisor).await
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

/// The demonstration catalogue of a trading date.
pub fn demonstration(trading_date: NaiveDate) -> Catalogue {
    let mut builder = Builder::new();
    let made_for = trading_date.and_time(NaiveTime::MIN).and_utc();
    for row in demo::rows(trading_date) {
        builder.add_updated(row, true, made_for);
    }
    builder.build("demo".to_owned(), vec![Source { broker: None, file_date: None }])
}

/// The catalogue of a database without a load, where the demonstration is turned off.
pub fn empty() -> Catalogue {
    Builder::new().build("none".to_owned(), Vec::new())
}
