//! The priorities of the threads that a load leaves behind.

use std::sync::Arc;

use registry_store::jobs::JobStatus;
use registry_store::sqlite::SqliteStore;
use registry_store::testing::scheduling::{of_all_threads, of_this_thread};
use tempfile::TempDir;
use tokio::time::{Duration, sleep};

use super::super::Force;
use super::{read_job, upload};
use crate::persistence::StoreSlot;
use crate::system::SystemParts;
use crate::testing::{FakeStore, engine_of, parts};

#[tokio::test]
async fn connections_of_a_load_have_the_priority_of_the_process() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(SqliteStore::new(&folder.path().join("registry.db")));
    let store = Arc::new(StoreSlot::filled(store));
    let system = engine_of(SystemParts { store, ..parts(&FakeStore::new()) }).await;

    let job_id = upload(&system, Force::Yes).await.job_id;
    while !read_job(&system, &job_id).await.status.is_finished() {
        sleep(Duration::from_millis(1)).await;
    }

    assert_eq!(read_job(&system, &job_id).await.status, JobStatus::Completed);
    let threads = of_all_threads();
    let connections: Vec<_> = threads.iter().filter(|(name, _)| name.starts_with("sqlx-sqlite")).collect();
    assert!(connections.len() >= 3, "{threads:?}");
    for (name, scheduling) in connections {
        assert_eq!(*scheduling, of_this_thread(), "{name}");
    }
}
