//! Transactions that claim idempotency keys.

use std::time::Duration;

use super::{Arc, LIMITS, Limits, TestDatabase, prepared};
use crate::idempotency::Claimed;
use crate::jobs::Created;
use crate::profiles::CommandOutcome;
use crate::tests::contract::jobs::queued;
use crate::tests::contract::keys::{job_claim, keyed_creation, row};
use crate::{JobStore, KeyStore, ProfileStore};

/// A load may take longer than the timeout of a plan, a job or a profile.
#[tokio::test]
async fn keyed_writes_have_the_statement_timeout() {
    let Some(database) = TestDatabase::new() else { return };
    let limits = Limits { bulk: Duration::from_millis(1), ..LIMITS };
    let store = Arc::new(prepared(&database.url(), limits).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute("begin; lock table instrument_registry.idempotency_keys in exclusive mode").await;

    let plan = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.insert_keyed_plans(&[row(1, "plan")]).await }
    });
    let job = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.create_keyed_job(&queued("job_1"), &job_claim(1, "job")).await }
    });
    let profile = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.change_profile(&keyed_creation(1, "profile")).await }
    });
    admin.until_sessions(3, "wait_event_type = 'Lock'").await;
    locker.execute("rollback").await;

    assert_eq!(plan.await.unwrap(), Ok(vec![Claimed::Stored]));
    assert_eq!(job.await.unwrap(), Ok(Created::Yes));
    let changed = profile.await.unwrap();
    assert!(matches!(changed, Ok(CommandOutcome::Kept(..))), "{changed:?}");
}
