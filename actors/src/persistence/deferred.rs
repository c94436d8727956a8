//! A store whose database is not known yet, because the config service has not returned its URL.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::dump::Broker;
use registry_planning::load::diff::ChangeKind;
use registry_planning::plan::Plan;
use registry_planning::profile::Profile;
use registry_planning::request::SubscriptionType;
use registry_store::idempotency::{Claimed, KeyClaim, KeyedPlan, StoredAnswer};
use registry_store::jobs::{Created, Job};
use registry_store::profiles::{
    AuditEntry, Change, Changed, Conflict, ConflictFilter, ProfileFilter, ProfileStats, ProfileVersion,
};
use registry_store::{
    CatalogueStore, ConnectionCounts, JobStore, KeyStore, Lane, LastAccepted, LastGoodSettings, LoadDiff, LoadRecord,
    LoadSummary, Page, PlanFilter, PlanPage, PlanStore, Position, ProfileStore, Refusal, RefusalRecord, SettingsStore,
    Store, StoreError, StoredCatalogue,
};
use tokio::sync::Notify;

/// Forwards all calls to the store that [`DeferredStore::set`] provides. Before that, [`Store::prepare`] waits, and all
/// other calls fail with [`StoreError::Unavailable`]. Until a store is prepared, it can be replaced, so that a wrong
/// URL can be corrected.
#[derive(Default)]
pub struct DeferredStore {
    state: Mutex<State>,
    given: Notify,
}

#[derive(Default)]
struct State {
    store: Option<Arc<dyn Store>>,
    is_prepared: bool,
}

impl DeferredStore {
    /// Creates a store without a database.
    pub fn new() -> Self {
        DeferredStore::default()
    }

    /// Provides the store. Returns `false` if another store is already prepared, which is kept.
    pub fn set(&self, store: Arc<dyn Store>) -> bool {
        {
            let mut state = self.state();
            if state.is_prepared {
                return false;
            }
            state.store = Some(store);
        }
        self.given.notify_waiters();
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Result<Arc<dyn Store>, StoreError> {
        let store = self.state().store.clone();
        store.ok_or_else(|| StoreError::Unavailable("DATABASE_URL is not known yet".to_owned()))
    }
}

#[async_trait]
impl Store for DeferredStore {
    fn backend(&self) -> &'static str {
        self.get().map_or("waiting for DATABASE_URL", |store| store.backend())
    }

    fn batches_in_flight_max(&self) -> usize {
        self.get().map_or(1, |store| store.batches_in_flight_max())
    }

    fn permits(&self, lane: Lane) -> usize {
        self.get().map_or(1, |store| store.permits(lane))
    }

    fn connections(&self) -> ConnectionCounts {
        self.get().map_or(ConnectionCounts::default(), |store| store.connections())
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        loop {
            // The notification is enabled before the check, so that a store that is set in between is not missed.
            let mut given = std::pin::pin!(self.given.notified());
            given.as_mut().enable();
            let Ok(store) = self.get() else {
                given.await;
                continue;
            };
            // If the store is replaced, nobody waits for it any more.
            let prepared = tokio::select! {
                prepared = store.prepare() => prepared,
                () = given => continue,
            };
            let mut state = self.state();
            let is_current = state.store.as_ref().is_some_and(|current| Arc::ptr_eq(current, &store));
            if is_current {
                state.is_prepared |= prepared.is_ok();
                return prepared;
            }
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.get()?.ping().await
    }

    async fn close(&self) {
        if let Ok(store) = self.get() {
            store.close().await;
        }
    }
}

#[async_trait]
impl PlanStore for DeferredStore {
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        self.get()?.insert_plans(plans).await
    }

    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
        self.get()?.plans_by_id(ids).await
    }

    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError> {
        self.get()?.plans(filter, position, limit).await
    }

    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.get()?.delete_plans_before(cutoff, limit).await
    }

    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
        self.get()?.count_unexpired(now).await
    }
}

#[async_trait]
impl KeyStore for DeferredStore {
    async fn insert_keyed_plans(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
        self.get()?.insert_keyed_plans(rows).await
    }

    async fn stored_answer(
        &self,
        scope: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        self.get()?.stored_answer(scope, key, now).await
    }

    async fn delete_expired_keys(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.get()?.delete_expired_keys(now, limit).await
    }
}

#[async_trait]
impl CatalogueStore for DeferredStore {
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError> {
        self.get()?.catalogue_version().await
    }

    async fn catalogue(&self) -> Result<Option<StoredCatalogue>, StoreError> {
        self.get()?.catalogue().await
    }

    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
        self.get()?.last_load(broker).await
    }

    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError> {
        self.get()?.accept_load(record).await
    }

    async fn refuse_load(&self, record: &RefusalRecord) -> Result<(), StoreError> {
        self.get()?.refuse_load(record).await
    }

    async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        self.get()?.refusals().await
    }

    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError> {
        self.get()?.versions(before, limit).await
    }

    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError> {
        self.get()?.diff(version, kind, limit).await
    }
}

#[async_trait]
impl JobStore for DeferredStore {
    async fn create_job(&self, job: &Job) -> Result<Created, StoreError> {
        self.get()?.create_job(job).await
    }

    async fn create_keyed_job(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError> {
        self.get()?.create_keyed_job(job, claim).await
    }

    async fn save_job(&self, job: &Job) -> Result<bool, StoreError> {
        self.get()?.save_job(job).await
    }

    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        self.get()?.job(job_id).await
    }

    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        self.get()?.cancel_job(job_id).await
    }

    async fn fail_silent_jobs(&self, silent: Duration) -> Result<Vec<Job>, StoreError> {
        self.get()?.fail_silent_jobs(silent).await
    }
}

#[async_trait]
impl ProfileStore for DeferredStore {
    async fn change_profile(&self, change: &Change) -> Result<Changed, StoreError> {
        self.get()?.change_profile(change).await
    }

    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        self.get()?.profile(profile_id).await
    }

    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Profile>, StoreError> {
        self.get()?.profiles(filter, position, limit).await
    }

    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileVersion>, StoreError> {
        self.get()?.profile_versions(profile_id, position, limit).await
    }

    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError> {
        self.get()?.audit_entries(profile_id, position, limit).await
    }

    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Conflict>, StoreError> {
        self.get()?.conflicts(filter, position, limit).await
    }

    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
        self.get()?.profile_stats(now).await
    }

    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        self.get()?.expired_profiles(now, limit).await
    }

    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.get()?.delete_audit_before(cutoff, limit).await
    }
}

#[async_trait]
impl SettingsStore for DeferredStore {
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError> {
        self.get()?.last_good().await
    }

    async fn save_last_good(&self, said: &LastGoodSettings) -> Result<(), StoreError> {
        self.get()?.save_last_good(said).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeStore, settle};

    #[tokio::test(start_paused = true)]
    async fn before_the_store_is_known_preparing_waits_and_everything_else_is_unavailable() {
        let deferred = Arc::new(DeferredStore::new());
        let preparing = {
            let deferred = Arc::clone(&deferred);
            tokio::spawn(async move { deferred.prepare().await })
        };
        settle().await;

        let unknown = StoreError::Unavailable("DATABASE_URL is not known yet".to_owned());
        assert!(!preparing.is_finished());
        assert_eq!(deferred.ping().await, Err(unknown.clone()));
        assert_eq!(deferred.last_good().await, Err(unknown));
        assert_eq!(deferred.backend(), "waiting for DATABASE_URL");
    }

    #[tokio::test(start_paused = true)]
    async fn once_the_store_is_known_it_is_prepared_and_asked() {
        let (deferred, store) = (Arc::new(DeferredStore::new()), FakeStore::new());
        let preparing = {
            let deferred = Arc::clone(&deferred);
            tokio::spawn(async move { deferred.prepare().await })
        };
        settle().await;

        let is_first = deferred.set(Arc::clone(&store) as _);
        preparing.await.unwrap().unwrap();

        assert!(is_first);
        assert_eq!(store.calls().prepares, 1);
        assert_eq!(deferred.ping().await, Ok(()));
        assert_eq!(deferred.backend(), "fake");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_was_prepared_stays() {
        let (deferred, first, second) = (DeferredStore::new(), FakeStore::new(), FakeStore::new());
        deferred.set(Arc::clone(&first) as _);
        deferred.prepare().await.unwrap();

        let is_taken = deferred.set(Arc::clone(&second) as _);
        deferred.ping().await.unwrap();

        assert!(!is_taken);
        assert_eq!((first.calls().pings, second.calls().pings), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_cannot_be_prepared_gives_way_to_another() {
        let (deferred, first, second) = (Arc::new(DeferredStore::new()), FakeStore::new(), FakeStore::new());
        first.go_down();
        deferred.set(Arc::clone(&first) as _);
        let refused = deferred.prepare().await;

        let is_taken = deferred.set(Arc::clone(&second) as _);
        let prepared = deferred.prepare().await;

        assert!(refused.is_err() && is_taken);
        assert_eq!((prepared, second.calls().prepares), (Ok(()), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_while_it_is_prepared_gives_way_to_another() {
        let (deferred, first, second) = (Arc::new(DeferredStore::new()), FakeStore::new(), FakeStore::new());
        first.hang_at_prepare();
        deferred.set(Arc::clone(&first) as _);
        let preparing = {
            let deferred = Arc::clone(&deferred);
            tokio::spawn(async move { deferred.prepare().await })
        };
        settle().await;

        deferred.set(Arc::clone(&second) as _);

        assert_eq!(preparing.await.unwrap(), Ok(()));
        assert_eq!((first.calls().prepares, second.calls().prepares), (1, 1));
    }
}
