//! Calls that are cancelled half way, which is what a timeout, a closed connection and a killed actor come to.
//!
//! The stores go through a proxy in the test's own thread, so that no answer is there before its call has waited once.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use test_servers::Proxy;

use super::{LIMITS, TestDatabase, assert_sound, insert, prepared};
use crate::testing::{equity, plan};
use crate::tests::postgres::values::load;
use crate::{CatalogueStore, PlanStore};

/// Polls `work` so many times, then drops it. `true` where it was done by then.
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

/// Cancels the work at its every poll, and asserts each time that nothing acknowledged afterwards is lost.
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

/// sqlx 0.9.0 loses an acknowledged write behind a cancelled `begin`: sqlx issue 4393.
#[tokio::test]
async fn a_cancelled_begin_swallows_no_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    assert_sound(&store, &database).await;

    cancel_everywhere(&database, &store, || store.begin_and_release()).await;
}

#[tokio::test]
async fn a_cancelled_insert_swallows_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    let plan = plan("cancelled");

    cancel_everywhere(&database, &store, || insert(&store, &plan)).await;
}

#[tokio::test]
async fn a_cancelled_load_swallows_no_later_write_and_is_stored_wholly_or_not_at_all() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    let record = load(vec![equity("NSE", "TCS", "INE467B01029")]);

    cancel_everywhere(&database, &store, || store.accept_load(&record)).await;

    let catalogue = store.catalogue().await.unwrap().unwrap().catalogue;
    assert_eq!(catalogue.len(), 1);
}

#[tokio::test]
async fn a_cancelled_reading_of_the_catalogue_swallows_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    store.accept_load(&load(vec![equity("NSE", "TCS", "INE467B01029")])).await.unwrap();

    cancel_everywhere(&database, &store, || store.catalogue()).await;
}

#[tokio::test]
async fn a_cancelled_listing_swallows_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    let filter = crate::PlanFilter::default();

    cancel_everywhere(&database, &store, || store.plans(&filter, &crate::Position::Offset(0), 10)).await;
}

/// What a bulk transaction sets for itself ends with it.
#[tokio::test]
async fn a_transactions_settings_stay_in_it() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;

    store.accept_load(&load(vec![])).await.unwrap();
    store.catalogue().await.unwrap();

    assert_eq!(
        store.settings(&["statement_timeout", "transaction_isolation", "transaction_read_only"]).await,
        ["5s", "read committed", "off"]
    );
    let mut admin = database.admin().await;
    admin.until_sessions(1, "true").await;
}
