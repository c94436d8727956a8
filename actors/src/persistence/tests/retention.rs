//! Work on timers: counts, retention and the expiry of profiles.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use registry_planning::plan::Plan;
use registry_planning::profile::Profile;

use super::{ready, save, started};
use crate::persistence::PersistenceHandle;
use crate::settings::SettingsTable;
use crate::snapshot::SnapshotCell;
use crate::testing::{
    CapturedLog, FakeStore, brokers, parent, plan_of_user, profile, run_ready_tasks, slot, soon, until,
};

/// Returns a plan that was created this number of days ago.
fn aged(days: i64, number: usize) -> Plan {
    let mut plan = plan_of_user("u");
    plan.plan_id = format!("plan_{days}_{number}");
    plan.created_at = Utc::now() - TimeDelta::days(days);
    plan
}

/// Regression: at the start, before the settings were known, the deletion was postponed by an hour.
#[tokio::test(start_paused = true)]
async fn old_plans_are_deleted_after_the_start_and_every_hour() {
    let store = FakeStore::new();
    (0..2500).for_each(|number| store.put(aged(31, number)));
    store.put(aged(29, 0));
    let (persistence, snapshots) = (PersistenceHandle::new(), Arc::new(SnapshotCell::new(brokers())));
    persistence.spawn(slot(&store), Arc::clone(&snapshots), parent().await).await.unwrap();
    run_ready_tasks().await;
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
async fn deletion_on_demand_returns_the_number_of_plans() {
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

#[tokio::test(start_paused = true)]
async fn old_audit_log_entries_are_deleted_like_plans() {
    let store = FakeStore::new();
    store.put_audit_entries(2500, Utc::now() - TimeDelta::days(366));
    store.put_audit_entries(1, Utc::now() - TimeDelta::days(364));
    let (persistence, snapshots) = (PersistenceHandle::new(), Arc::new(SnapshotCell::new(brokers())));
    persistence.spawn(slot(&store), Arc::clone(&snapshots), parent().await).await.unwrap();
    run_ready_tasks().await;
    let before = store.audit_entry_count();

    snapshots.set_settings(SettingsTable::default(), Utc::now());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let at_first = store.audit_entry_count();
    store.put_audit_entries(1, Utc::now() - TimeDelta::days(400));
    tokio::time::sleep(Duration::from_secs(3600)).await;

    assert_eq!(before, 2501);
    assert_eq!(at_first, 1);
    assert_eq!(store.audit_entry_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn deletion_of_audit_entries_returns_number_and_cutoff() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.put_audit_entries(2500, Utc::now() - TimeDelta::days(8));
    store.put_audit_entries(3, Utc::now() - TimeDelta::days(6));

    let (deleted, cutoff) = persistence.delete_old_audit_entries(7, soon()).await.unwrap();

    assert_eq!(deleted, 2500);
    assert_eq!(store.audit_entry_count(), 3);
    let age = Utc::now() - cutoff - TimeDelta::days(7);
    assert!(age >= TimeDelta::zero() && age < TimeDelta::minutes(10), "{age}");
    assert_eq!(persistence.delete_old_audit_entries(7, soon()).await.unwrap().0, 0);
}

/// Returns a profile that expired this number of seconds ago.
fn expired(number: u32, seconds: i64) -> Profile {
    let mut profile = profile(&format!("profile_{number:032x}"));
    profile.draft.expires_at = Some(Utc::now() - TimeDelta::seconds(seconds));
    profile
}

#[tokio::test(start_paused = true)]
async fn expired_profiles_are_deactivated_every_thirty_seconds() {
    let (store, log) = (FakeStore::new(), CapturedLog::start());
    // More than one query reads.
    (0..1200).for_each(|number| store.put_profile(expired(number, 1)));
    store.put_profile(expired(2000, -3600));
    let persistence = ready(&store).await;
    until("only one is left", || store.active_profiles().len() == 1).await;

    store.put_profile(expired(3000, 1));
    run_ready_tasks().await;
    let at_first = store.active_profiles().len();
    tokio::time::sleep(Duration::from_secs(31)).await;

    assert_eq!(at_first, 2);
    assert_eq!(log.line("deactivated expired profiles").unwrap()["count"], 1200);
    assert_eq!(store.active_profiles(), [expired(2000, 0).profile_id]);
    drop(persistence);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_cannot_be_deactivated_does_not_affect_others() {
    let (store, log) = (FakeStore::new(), CapturedLog::start());
    (1..=600).for_each(|number| store.put_profile(expired(number, 1)));
    store.break_profile(&expired(1, 0).profile_id);

    let _persistence = ready(&store).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    assert_eq!(store.active_profiles(), [expired(1, 0).profile_id]);
    assert_eq!(log.line("failed to deactivate expired profile").unwrap()["profile.id"], expired(1, 0).profile_id);
}

#[tokio::test(start_paused = true)]
async fn expired_profiles_wait_during_an_outage() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    run_ready_tasks().await;
    store.go_down();
    store.put_profile(expired(1, 1));

    tokio::time::sleep(Duration::from_secs(61)).await;
    let meanwhile = store.active_profiles().len();
    store.come_up();
    tokio::time::sleep(Duration::from_secs(61)).await;

    assert_eq!(meanwhile, 1);
    assert_eq!(store.active_profiles().len(), 0);
    drop(persistence);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_upkeep_ends_only_its_run() {
    let store = FakeStore::new();
    let operations = ["count_unexpired", "expired_profiles", "delete_plans_before", "delete_expired_keys"];
    operations.into_iter().chain(["delete_audit_before"]).for_each(|method| store.panic_at(method));
    store.put(aged(31, 0));
    store.put_profile(expired(1, 1));
    let (persistence, snapshots) = (PersistenceHandle::new(), Arc::new(SnapshotCell::new(brokers())));
    snapshots.set_settings(SettingsTable::default(), Utc::now());
    persistence.spawn(slot(&store), snapshots, parent().await).await.unwrap();
    run_ready_tasks().await;

    assert_eq!(store.plan_ids(), ["plan_31_0"]);
    assert_eq!(store.active_profiles().len(), 1);
    tokio::time::sleep(Duration::from_secs(3660)).await;

    assert_eq!(save(&persistence, plan_of_user("u")).await.unwrap(), Ok(()));
    assert!(!store.plan_ids().contains(&"plan_31_0".to_owned()));
    assert!(store.active_profiles().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_for_one_profile_does_not_affect_others() {
    let store = FakeStore::new();
    (1..=3).for_each(|number| store.put_profile(expired(number, 1)));
    store.panic_at("change_profile");

    let _persistence = ready(&store).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    assert_eq!(store.active_profiles(), [expired(1, 0).profile_id]);
}
