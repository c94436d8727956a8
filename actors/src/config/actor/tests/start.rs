//! Starts with the service up or down, and with data of an earlier process.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

/// Returns a process that has ended and had received 60 from the service. The service is down.
async fn ended() -> Process {
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.refresh().await;
    until("it is in the database", || process.store.stored_settings().contains_key(TTL)).await;
    process.service.go_down();
    process
}

async fn settings(process: &Process) -> (String, Origin) {
    until("the settings are loaded", || process.snapshots.current().is_some()).await;
    process.value(TTL).await
}

#[tokio::test(start_paused = true)]
async fn a_start_without_service_uses_the_file() {
    let before = ended().await;
    before.store.store_setting(TTL, Some("59"), DateTime::UNIX_EPOCH);

    let process = before.restarted(&[(TTL, "61")]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn a_later_value_of_another_replica_wins_over_the_file() {
    for (said_later, expected) in [(Some("59"), ("59", Origin::LastGood)), (None, ("61", Origin::Environment))] {
        let before = ended().await;
        before.store.store_setting(TTL, said_later, Utc::now() + TimeDelta::seconds(1));

        let process = before.restarted(&[(TTL, "61")]).await;

        until("the database was asked", || process.ttl() == expected.0).await;
        assert_eq!(process.value(TTL).await, owned(expected.0, expected.1));
        // The file is updated, and the older value does not return.
        run_ready_tasks().await;
        assert_eq!(process.store.stored_settings().get(TTL).map(String::as_str), said_later);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_without_response_keeps_a_later_value_of_a_replica() {
    let before = ended().await;
    before.store.store_setting(TTL, Some("88"), Utc::now() + TimeDelta::seconds(1));
    before.service.come_up();
    before.service.state().unanswered.insert(TTL);

    let process = before.restarted(&[]).await;
    until("the database was asked", || process.ttl() == "88").await;
    tokio::time::sleep(60 * SECOND).await;

    assert_eq!(process.value(TTL).await, owned("88", Origin::LastGood));
    assert_eq!(process.store.stored_settings()[TTL], "88");
}

#[tokio::test(start_paused = true)]
async fn a_start_without_service_and_file_uses_the_database() {
    let before = ended().await;
    std::fs::remove_file(before.file()).unwrap();

    let process = before.restarted(&[(TTL, "61")]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_file_counts_as_missing() {
    let before = ended().await;
    std::fs::write(before.file(), "not this").unwrap();

    let process = before.restarted(&[]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn a_start_without_last_good_values_uses_the_environment() {
    let process = Process::new(&[(TTL, "61")]).await;
    process.service.go_down();
    process.spawn().await;

    assert_eq!(settings(&process).await, owned("61", Origin::Environment));
    assert_eq!(process.value(TIMEOUT).await, owned("30", Origin::Default));
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_last_good_values_of_the_database() {
    let process = Process::new(&[(TTL, "61")]).await;
    process.service.go_down();
    process.store.store_setting(TTL, Some("60"), Utc::now());
    process.store.go_down();
    process.spawn().await;

    tokio::time::sleep(60 * SECOND).await;
    let while_down = process.config.report(soon()).await.unwrap();
    process.store.come_up();

    assert_eq!(while_down, None);
    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn a_late_service_ends_the_wait_for_the_database() {
    let process = Process::new(&[]).await;
    process.service.go_down();
    process.service.set(TTL, "60");
    process.store.go_down();
    process.spawn().await;
    tokio::time::sleep(5 * SECOND).await;

    process.service.come_up();

    assert_eq!(settings(&process).await, owned("60", Origin::ConfigService));
}

#[tokio::test(start_paused = true)]
async fn a_value_out_of_range_at_the_start_yields_to_the_last_good() {
    let before = ended().await;
    before.service.come_up();
    before.service.set(TTL, "0");

    let process = before.restarted(&[(TTL, "61")]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
    assert_eq!(process.value(TIMEOUT).await.1, Origin::Default);
}

#[tokio::test(start_paused = true)]
async fn settings_are_stored_after_a_database_outage() {
    let process = Process::new(&[]).await;
    process.service.set(TTL, "60");
    process.store.go_down();
    process.spawn().await;
    settings(&process).await;

    tokio::time::sleep(20 * SECOND).await;
    process.store.come_up();
    tokio::time::sleep(20 * SECOND).await;

    assert_eq!(process.store.stored_settings(), BTreeMap::from([(TTL.to_owned(), "60".to_owned())]));
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_not_writable_changes_nothing() {
    let process = Process::new(&[]).await;
    // A folder in place of the file: even root cannot rename a file over it.
    std::fs::create_dir_all(process.file().join("in the way")).unwrap();
    process.service.set(TTL, "60");
    process.spawn().await;

    assert_eq!(settings(&process).await, owned("60", Origin::ConfigService));
    until("it is in the database", || process.store.stored_settings().contains_key(TTL)).await;
}
