//! Starts with the service up or down, and with data of an earlier process.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

/// Returns a process that has ended and had received 60 from the service. The service is down.
async fn ended() -> Process {
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.refresh().await;
    until("it is in the database", || process.store.kept_settings().contains_key(TTL)).await;
    process.service.go_down();
    process
}

async fn settings(process: &Process) -> (String, Origin) {
    until("the settings are loaded", || process.snapshots.current().is_some()).await;
    process.value(TTL).await
}

#[tokio::test(start_paused = true)]
async fn without_the_service_a_start_takes_the_last_good_values_of_the_file() {
    let before = ended().await;
    before.store.keep_setting(TTL, Some("59"), DateTime::UNIX_EPOCH);

    let process = before.restarted(&[(TTL, "61")]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn what_another_replica_was_told_later_goes_before_the_file() {
    for (said_later, expected) in [(Some("59"), ("59", Origin::LastGood)), (None, ("61", Origin::Environment))] {
        let before = ended().await;
        before.store.keep_setting(TTL, said_later, Utc::now() + TimeDelta::seconds(1));

        let process = before.restarted(&[(TTL, "61")]).await;

        until("the database was asked", || process.ttl() == expected.0).await;
        assert_eq!(process.value(TTL).await, owned(expected.0, expected.1));
        // The file is updated, and the older value does not return.
        settle().await;
        assert_eq!(process.store.kept_settings().get(TTL).map(String::as_str), said_later);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_answered_leaves_what_another_replica_was_told_later() {
    let before = ended().await;
    before.store.keep_setting(TTL, Some("88"), Utc::now() + TimeDelta::seconds(1));
    before.service.come_up();
    before.service.state().unanswered.insert(TTL);

    let process = before.restarted(&[]).await;
    until("the database was asked", || process.ttl() == "88").await;
    tokio::time::sleep(60 * SECOND).await;

    assert_eq!(process.value(TTL).await, owned("88", Origin::LastGood));
    assert_eq!(process.store.kept_settings()[TTL], "88");
}

#[tokio::test(start_paused = true)]
async fn without_service_and_file_a_start_takes_those_of_the_database() {
    let before = ended().await;
    std::fs::remove_file(before.file()).unwrap();

    let process = before.restarted(&[(TTL, "61")]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_holds_something_else_is_as_good_as_none() {
    let before = ended().await;
    std::fs::write(before.file(), "not this").unwrap();

    let process = before.restarted(&[]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_kept_a_start_takes_the_environment() {
    let process = Process::new(&[(TTL, "61")]).await;
    process.service.go_down();
    process.spawn().await;

    assert_eq!(settings(&process).await, owned("61", Origin::Environment));
    assert_eq!(process.value(TIMEOUT).await, owned("30", Origin::Default));
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_the_database_before_it_does_without_last_good_values() {
    let process = Process::new(&[(TTL, "61")]).await;
    process.service.go_down();
    process.store.keep_setting(TTL, Some("60"), Utc::now());
    process.store.go_down();
    process.spawn().await;

    tokio::time::sleep(60 * SECOND).await;
    let while_down = process.config.report(soon()).await.unwrap();
    process.store.come_up();

    assert_eq!(while_down, None);
    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_comes_up_late_ends_the_waiting_for_the_database() {
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
async fn a_value_out_of_range_at_the_start_gives_way_to_the_last_good_one() {
    let before = ended().await;
    before.service.come_up();
    before.service.set(TTL, "0");

    let process = before.restarted(&[(TTL, "61")]).await;

    assert_eq!(settings(&process).await, owned("60", Origin::LastGood));
    assert_eq!(process.value(TIMEOUT).await.1, Origin::Default);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_was_away_is_given_the_settings_later() {
    let process = Process::new(&[]).await;
    process.service.set(TTL, "60");
    process.store.go_down();
    process.spawn().await;
    settings(&process).await;

    tokio::time::sleep(20 * SECOND).await;
    process.store.come_up();
    tokio::time::sleep(20 * SECOND).await;

    assert_eq!(process.store.kept_settings(), BTreeMap::from([(TTL.to_owned(), "60".to_owned())]));
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_written_to_changes_nothing() {
    let process = Process::new(&[]).await;
    // A folder in place of the file: even root cannot rename a file over it.
    std::fs::create_dir_all(process.file().join("in the way")).unwrap();
    process.service.set(TTL, "60");
    process.spawn().await;

    assert_eq!(settings(&process).await, owned("60", Origin::ConfigService));
    until("it is in the database", || process.store.kept_settings().contains_key(TTL)).await;
}
