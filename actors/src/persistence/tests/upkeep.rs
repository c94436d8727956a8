//! What the actor does without being asked, and by the way.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use registry_planning::plan::Plan;

use super::{ready, started};
use crate::config::SettingsTable;
use crate::persistence::PersistenceHandle;
use crate::snapshot::SnapshotCell;
use crate::testing::{FakeStore, parent, plan, settle, soon};

/// A plan made so many days ago.
fn aged(days: i64, number: usize) -> Plan {
    let mut plan = plan("u");
    plan.plan_id = format!("plan_{days}_{number}");
    plan.created_at = Utc::now() - TimeDelta::days(days);
    plan
}

/// A bug: at the start, when nothing else is known yet, deleting was put off by an hour.
#[tokio::test(start_paused = true)]
async fn plans_past_their_retention_are_deleted_soon_after_the_start_and_every_hour() {
    let store = FakeStore::new();
    (0..2500).for_each(|number| store.put(aged(31, number)));
    store.put(aged(29, 0));
    let (persistence, snapshots) = (PersistenceHandle::new(), Arc::new(SnapshotCell::default()));
    persistence.spawn(Arc::clone(&store) as _, Arc::clone(&snapshots), parent().await).await.unwrap();
    settle().await;
    let before = store.plan_ids().len();

    snapshots.set_settings(SettingsTable::default(), Utc::now());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let at_first = store.plan_ids();
    store.put(aged(40, 0));
    tokio::time::sleep(Duration::from_secs(3600)).await;

    assert_eq!(before, 2501);
    assert_eq!(at_first, ["plan_29_0"]);
    assert_eq!(store.plan_ids(), ["plan_29_0"]);
}

#[tokio::test(start_paused = true)]
async fn deleting_on_demand_says_how_many_went() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    (0..2500).for_each(|number| store.put(aged(8, number)));
    store.put(aged(6, 0));

    let deleted = persistence.delete_old_plans(7, soon()).await;

    assert_eq!(deleted, Ok(2500));
    assert_eq!(store.plan_ids(), ["plan_6_0"]);
    assert_eq!(persistence.delete_old_plans(7, soon()).await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn without_settings_nothing_is_deleted() {
    let store = FakeStore::new();
    store.put(aged(5000, 0));
    let _persistence = started(&store).await;

    tokio::time::sleep(Duration::from_secs(7200)).await;

    assert_eq!(store.plan_ids().len(), 1);
}
