//! The place of the store, whose database may be unknown at the start.

use std::sync::Arc;

use registry_store::{ConnectionCounts, Store, StoreError};
use tokio::sync::watch;

/// Holds the store. It is empty until the config service has returned the URL of the database. Until a store is
/// prepared, it can be replaced, so that a wrong URL can be corrected.
#[derive(Default)]
pub struct StoreSlot {
    content: watch::Sender<Content>,
}

#[derive(Default)]
struct Content {
    store: Option<Arc<dyn Store>>,
    is_prepared: bool,
}

impl StoreSlot {
    /// Creates an empty slot, in which [`StoreSlot::set`] puts a store once its URL is known.
    pub fn new() -> Self {
        StoreSlot::default()
    }

    /// Creates a slot that holds the store.
    pub fn filled(store: Arc<dyn Store>) -> Self {
        StoreSlot { content: watch::Sender::new(Content { store: Some(store), is_prepared: false }) }
    }

    /// Puts the store into the slot. Returns `false` if another store is already prepared, which is kept.
    pub fn set(&self, store: Arc<dyn Store>) -> bool {
        self.content.send_if_modified(|content| {
            if !content.is_prepared {
                content.store = Some(store);
            }
            !content.is_prepared
        })
    }

    /// Returns the name of the backend, for logs and reports.
    pub fn backend(&self) -> &'static str {
        self.get().map_or("waiting for DATABASE_URL", |store| store.backend())
    }

    /// Returns the host and port of the server. `None` without one.
    pub(crate) fn address(&self) -> Option<String> {
        self.get()?.address().map(str::to_owned)
    }

    /// Counts the connections; none if the slot is empty.
    pub fn connections(&self) -> ConnectionCounts {
        self.get().map_or_else(ConnectionCounts::default, |store| store.connections())
    }

    /// Closes the connections of the store.
    pub(crate) async fn close(&self) {
        if let Some(store) = self.get() {
            store.close().await;
        }
    }

    /// Waits for a store, prepares it and returns it.
    pub(crate) async fn prepare(&self) -> Result<Arc<dyn Store>, StoreError> {
        let mut changes = self.content.subscribe();
        loop {
            let store = changes.borrow_and_update().store.clone();
            let Some(store) = store else {
                // The slot, which is borrowed, holds the sender.
                let _ = changes.changed().await;
                continue;
            };
            tokio::select! {
                prepared = store.prepare() => {
                    if self.end_preparing(&store, prepared.is_ok()) {
                        return prepared.map(|()| store);
                    }
                }
                // Nobody waits any more for a store that was replaced.
                _ = changes.changed() => {}
            }
        }
    }

    /// Returns whether the store is still the current one.
    fn end_preparing(&self, store: &Arc<dyn Store>, is_prepared: bool) -> bool {
        let mut is_current = false;
        self.content.send_if_modified(|content| {
            is_current = content.store.as_ref().is_some_and(|current| Arc::ptr_eq(current, store));
            content.is_prepared |= is_current && is_prepared;
            false
        });
        is_current
    }

    fn get(&self) -> Option<Arc<dyn Store>> {
        self.content.borrow().store.clone()
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinHandle;

    use super::*;
    use crate::testing::{FakeStore, run_ready_tasks};

    fn prepare(slot: &Arc<StoreSlot>) -> JoinHandle<Result<Arc<dyn Store>, StoreError>> {
        let slot = Arc::clone(slot);
        tokio::spawn(async move { slot.prepare().await })
    }

    #[tokio::test(start_paused = true)]
    async fn preparing_waits_until_the_store_is_known() {
        let (slot, store) = (Arc::new(StoreSlot::new()), FakeStore::new());
        let preparing = prepare(&slot);
        run_ready_tasks().await;
        assert!(!preparing.is_finished());
        assert_eq!(slot.backend(), "waiting for DATABASE_URL");
        assert_eq!(slot.connections(), ConnectionCounts::default());

        let is_taken = slot.set(Arc::clone(&store) as _);

        assert!(is_taken);
        assert!(preparing.await.unwrap().is_ok());
        assert_eq!(store.calls().prepares, 1);
        assert_eq!(slot.backend(), "fake");
    }

    #[tokio::test(start_paused = true)]
    async fn a_prepared_store_stays() {
        let (slot, first, second) = (StoreSlot::new(), FakeStore::new(), FakeStore::new());
        slot.set(Arc::clone(&first) as _);
        slot.prepare().await.map(drop).unwrap();

        let is_taken = slot.set(Arc::clone(&second) as _);
        slot.prepare().await.map(drop).unwrap();

        assert!(!is_taken);
        assert_eq!(first.calls().prepares, 2);
        assert_eq!(second.calls().prepares, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_cannot_be_prepared_is_replaced() {
        let (slot, first, second) = (StoreSlot::new(), FakeStore::new(), FakeStore::new());
        first.go_down();
        slot.set(Arc::clone(&first) as _);
        assert!(slot.prepare().await.is_err());

        let is_taken = slot.set(Arc::clone(&second) as _);

        assert!(is_taken);
        assert!(slot.prepare().await.is_ok());
        assert_eq!(second.calls().prepares, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_while_it_is_prepared_is_replaced() {
        let (slot, first, second) = (Arc::new(StoreSlot::new()), FakeStore::new(), FakeStore::new());
        first.hang_at_prepare();
        slot.set(Arc::clone(&first) as _);
        let preparing = prepare(&slot);
        run_ready_tasks().await;

        slot.set(Arc::clone(&second) as _);

        assert!(preparing.await.unwrap().is_ok());
        assert_eq!(first.calls().prepares, 1);
        assert_eq!(second.calls().prepares, 1);
    }
}
