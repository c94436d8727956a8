//! Calls that are canceled in progress, as by a timeout, a closed connection or a stopped actor.
//!
//! The stores use a proxy in the thread of the test, so that every call waits at least once for its response.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use test_servers::Proxy;

use super::{LIMITS, TestDatabase, assert_sound, insert, prepared};
use crate::background::Priority;
use crate::testing::{equity, plan_of_user};
use crate::tests::postgres::values::load;
use crate::{CatalogueStore, PlanStore};

/// Polls `work` this number of times, then drops it. Returns whether it was done.
async fn cancelled_after<T>(polls: usize, work: impl Future<Output = T>) -> bool {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| {
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Cancels the work at each of its polls, and asserts each time that no later acknowledged write is lost.
pub(super) async fn cancel_everywhere<T, F: Future<Output = T>>(
    database: &TestDatabase,
    store: &super::PostgresStore,
    work: impl Fn() -> F,
) {
    let mut polls = 1;
    while !cancelled_after(polls, work()).await {
        assert_sound(store, database).await;
        polls += 1;
    }
    assert!(polls > 1, "the work was never cancelled");
    assert_sound(store, database).await;
    let mut admin = database.admin().await;
    admin.until_sessions(0, "state like 'idle in transaction%'").await;
}

/// sqlx 0.9.0 loses an acknowledged write after a canceled `begin`: sqlx issue 4393.
#[tokio::test]
async fn a_canceled_begin_loses_no_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    assert_sound(&store, &database).await;

    cancel_everywhere(&database, &store, || store.begin_and_release()).await;
}

#[tokio::test]
async fn a_canceled_insert_loses_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    let plan = plan_of_user("cancelled");

    cancel_everywhere(&database, &store, || insert(&store, &plan)).await;
}

#[tokio::test]
async fn a_canceled_load_is_atomic_and_loses_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    let record = load(vec![equity("NSE", "TCS", "INE467B01029")]);

    cancel_everywhere(&database, &store, || store.accept_load(&record)).await;

    let catalogue = store.catalogue(Priority::Normal).await.unwrap().unwrap().catalogue;
    assert_eq!(catalogue.len(), 1);
}

#[tokio::test]
async fn a_canceled_catalog_read_loses_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    store.accept_load(&load(vec![equity("NSE", "TCS", "INE467B01029")])).await.unwrap();

    cancel_everywhere(&database, &store, || store.catalogue(Priority::Normal)).await;
}

#[tokio::test]
async fn a_canceled_list_loses_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    let filter = crate::PlanFilter::default();

    cancel_everywhere(&database, &store, || store.plans(&filter, &crate::Position::Offset(0), 10)).await;
}

/// The settings of a bulk transaction end with it.
#[tokio::test]
async fn settings_of_a_transaction_end_with_it() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;

    store.accept_load(&load(vec![])).await.unwrap();
    store.catalogue(Priority::Normal).await.unwrap();

    assert_eq!(
        store.settings(&["statement_timeout", "transaction_isolation", "transaction_read_only"]).await,
        ["5s", "read committed", "off"]
    );
    let mut admin = database.admin().await;
    admin.until_sessions(1, "true").await;
}
