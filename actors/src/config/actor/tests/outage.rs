//! Outages of the config service while the process runs.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_last_good_values_and_reports_them() {
    let log = CapturedLog::start();
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.refresh().await;
    let (before, updated) = (process.snapshot(), process.report().await.last_updated);

    process.service.go_down();
    process.refresh().await;
    let while_down = process.value(TTL).await;
    let health = process.health();
    process.service.come_up();
    until("the service is called again", || process.health() == ServiceHealth::Answering).await;

    assert_eq!(while_down, owned("60", Origin::LastGood));
    assert!(matches!(health, ServiceHealth::Failing(_)));
    assert_eq!(process.value(TTL).await, owned("60", Origin::ConfigService));
    let unavailable = "config service unavailable: keeping the last good settings";
    assert_eq!(log.about("config_service"), [unavailable, "config service recovered: all settings refreshed"]);
    // Neither the outage nor the recovery changed a value.
    assert!(Arc::ptr_eq(&process.snapshot(), &before));
    assert_eq!(process.report().await.last_updated, updated);
}

/// Regression: one timeout of a process that waited for a processor counted as an outage.
#[tokio::test(start_paused = true)]
async fn a_timeout_of_a_delayed_process_is_not_an_outage() {
    let log = CapturedLog::start();
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.service.go_down();
    process.service.state().takes = 2 * SECOND;

    let fetches = process.service.fetch_count();
    process.config.refresh("of-a-test".into()).unwrap();
    run_ready_tasks().await;
    tokio::time::advance(2 * SECOND).await;
    run_ready_tasks().await;
    let (breaker, health) = (process.breaker().await, process.health());
    process.service.come_up();
    until("the service is called again", || process.ttl() == "60").await;

    assert_eq!(process.service.fetch_count(), fetches + 2);
    assert_eq!(breaker, "closed");
    assert_eq!(health, ServiceHealth::Answering);
    assert!(log.about("config_service").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_age_counts_from_the_last_full_response() {
    let process = Process::started().await;
    process.refresh().await;
    process.service.go_down();

    tokio::time::sleep(100 * SECOND).await;
    let while_down = process.config.age().unwrap();
    process.service.come_up();
    tokio::time::sleep(13 * SECOND).await;
    let after = process.config.age().unwrap();

    assert!((100..=101).contains(&while_down.as_secs()), "{while_down:?}");
    assert!(after < 13 * SECOND, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_successful_probe_is_followed_by_a_refresh() {
    let process = Process::started().await;
    process.service.go_down();
    process.refresh().await;
    let (fetches, opened) = (process.service.fetch_count(), process.breaker().await);
    let went_down_at = Instant::now();

    tokio::time::sleep(60 * SECOND).await;
    let while_down = process.service.fetch_count();
    let probes = process.service.state().probes.clone();
    process.service.come_up();
    let came_up_at = Instant::now();
    tokio::time::sleep(13 * SECOND).await;
    let refetched_after = process.service.state().fetches[while_down].0 - came_up_at;

    assert_eq!(opened, "open");
    assert_eq!(while_down, fetches);
    let before = std::iter::once(went_down_at).chain(probes.iter().copied());
    let pauses: Vec<Duration> = before.zip(&probes).map(|(before, at)| *at - before).collect();
    // Jitter makes each pause up to a fifth longer.
    for (pause, minimum) in pauses.iter().zip([1, 2, 4, 6, 6, 6].map(|seconds| seconds * SECOND)) {
        assert!((minimum..=minimum.mul_f64(1.21)).contains(pause), "{pauses:?}");
    }
    assert!(pauses.len() >= 6, "{pauses:?}");
    assert!(refetched_after <= 10 * SECOND, "{refetched_after:?}");
    assert_eq!(process.breaker().await, "closed");
}

#[tokio::test(start_paused = true)]
async fn a_recovered_service_is_used_within_10_s() {
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.service.go_down();
    process.refresh().await;
    // By then the pause between probes has reached its maximum.
    tokio::time::sleep(60 * SECOND).await;
    let probes = process.service.state().probes.len();
    until("another probe fails", || process.service.state().probes.len() > probes).await;

    process.service.come_up();
    tokio::time::sleep(10 * SECOND).await;

    assert_eq!(process.breaker().await, "closed");
    assert_eq!(process.value(TTL).await, owned("60", Origin::ConfigService));
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_rejects_a_refresh() {
    let process = Process::started().await;
    process.service.go_down();
    process.refresh().await;
    let fetches = process.service.fetch_count();

    process.config.refresh("of-a-test".into()).unwrap();
    run_ready_tasks().await;

    assert_eq!(process.service.fetch_count(), fetches);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_key_neither_opens_the_breaker_nor_adds_retries() {
    let log = CapturedLog::start();
    let process = Process::started().await;
    process.service.state().fault = Some(SourceError::Unauthorized("fault injected by a test".to_owned()));
    process.refresh().await;
    let fetches = process.service.fetch_count();

    tokio::time::sleep(3 * EVERY).await;

    assert_eq!(process.breaker().await, "closed");
    assert!(matches!(process.health(), ServiceHealth::Rejecting(_)));
    assert_eq!(
        log.about("config_service"),
        ["config service rejected the API key: keeping the current settings"],
        "only once"
    );
    let more = process.service.fetch_count() - fetches;
    assert!((2..=3).contains(&more), "{more}");
}

#[tokio::test(start_paused = true)]
async fn missing_settings_and_a_rejected_key_are_logged_separately() {
    let log = CapturedLog::start();
    let process = Process::new(&[]).await;
    process.service.go_down();
    process.spawn().await;
    until("there are settings", || process.snapshots.current().is_some()).await;

    process.service.come_up();
    process.service.state().fault = Some(SourceError::Unauthorized("fault injected by a test".to_owned()));
    until("the key is rejected", || matches!(process.health(), ServiceHealth::Rejecting(_))).await;

    assert_eq!(
        log.about("config_service"),
        [
            "config service unavailable: no settings yet",
            "config service rejected the API key: keeping the current settings"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_healthy_service_without_values_is_retried_less_often() {
    let process = Process::started().await;
    process.service.state().fault = Some(SourceError::Unavailable("fault injected by a test".to_owned()));
    let fetches = process.service.fetch_count();

    process.config.refresh("of-a-test".into()).unwrap();
    tokio::time::sleep(300 * SECOND).await;

    let times: Vec<Instant> = process.service.state().fetches[fetches..].iter().map(|(at, _)| *at).collect();
    let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[0] <= 2 * SECOND, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= EVERY.mul_f64(1.1) + 2 * SECOND), "{pauses:?}");
    assert!((10..=16).contains(&times.len()), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn the_state_outlives_a_restart_of_the_actor() {
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.service.state().secrets.insert(SecretKey::RedisUrl, Some(Secret::new("redis://fake")));
    process.refresh().await;
    process.service.go_down();
    std::fs::remove_file(process.file()).unwrap();

    process.config.crash().unwrap();
    until("the actor has stopped", || process.config.crash().is_err()).await;
    process.spawn().await;
    run_ready_tasks().await;

    assert_eq!(process.value(TTL).await, owned("60", Origin::LastGood));
    assert_eq!(process.config.secrets().borrow()[&SecretKey::RedisUrl], Some(Secret::new("redis://fake")));
}
