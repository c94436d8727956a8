//! Outages of the config service: at startup, later, and during a restart.

use registry_store::SettingsStore;
use serde_json::json;

use super::*;
use crate::support::body;

#[tokio::test(flavor = "multi_thread")]
async fn a_config_service_absent_at_startup_degrades_readiness() {
    let (standin, folder) = (Standin::stopped(&[(TTL, "60")]).await, TempDir::new().unwrap());
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder)), (TTL, "61")]).await;

    let while_down = ready(&service).await;
    let ttl_while_down = ttl(&service).await;
    standin.start_again().await;
    until_ttl(&service, "60", "config_service").await;
    let after = ready(&service).await;

    let check = &while_down["checks"]["config_service"];
    assert_eq!(while_down["degraded"], true);
    assert_eq!(check["status"], "unavailable");
    assert_ne!(check["breaker"], "closed");
    let why = "failed to read settings: config service connection failed: connection refused";
    assert_eq!(check["detail"], why);
    assert_eq!(ttl_while_down, ("61".to_owned(), "environment".to_owned()));
    assert_eq!(after["checks"]["config_service"]["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_database_url_is_fetched_after_an_outage() {
    let folder = TempDir::new().unwrap();
    let standin = Standin::stopped(&[("DATABASE_URL", &database_in(&folder))]).await;
    let service = service(&standin, &[]).await;

    let before = service.client.get("/ready").await.status;
    standin.start_again().await;
    ready(&service).await;

    assert_eq!(before, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn last_good_settings_survive_in_the_folder_and_database() {
    let (standin, folder) = (Standin::start(&[(TTL, "60")]).await, TempDir::new().unwrap());
    let url = database_in(&folder);
    let variables = [("DATABASE_URL", url.as_str()), (TTL, "61")];
    let first = service(&standin, &variables).await;
    ready(&first).await;
    let store = SqliteStore::new(&folder.path().join("database.sqlite"));
    eventually("the database has the last good settings", SOON, async || {
        let kept = store.last_good().await.ok()?;
        (kept.get(TTL)?.value.as_deref() == Some("60")).then_some(())
    })
    .await;
    store.close().await;
    standin.stop().await;
    let (ended, data_dir) = first.stop();
    ended.await.unwrap().unwrap();

    // The file in the folder takes precedence over the database, and the database alone is sufficient.
    let file = std::fs::read_to_string(data_dir.path().join("settings_last_good.json")).unwrap();
    let with_folder = service_in(data_dir, &standin, &variables).await;
    ready(&with_folder).await;
    let from_folder = ttl(&with_folder).await;
    let without_folder = service(&standin, &variables).await;
    ready(&without_folder).await;

    let last_good = ("60".to_owned(), "last_good".to_owned());
    assert_eq!(from_folder, last_good.clone());
    assert_eq!(ttl(&without_folder).await, last_good);
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap()[TTL]["value"], "60");
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshes_handle_changed_invalid_and_deleted_settings() {
    let (standin, folder) = (Standin::start(&[(TTL, "60")]).await, TempDir::new().unwrap());
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder))]).await;
    ready(&service).await;
    let client = &service.client;
    let version = async || service.client.read("planner/config").await["version"].clone();
    let first = version().await;
    let key_of_plan = async || client.plan("u", &body(&["NSE:TCS"])).await["plan_data"]["cache_key"].clone();
    let (key, same_key) = (key_of_plan().await, key_of_plan().await);

    standin.set(TTL, "59");
    refresh(&service);
    until_ttl(&service, "59", "config_service").await;
    let second = version().await;
    let other_key = key_of_plan().await;
    standin.set(TTL, "0");
    refresh(&service);
    until_ttl(&service, "59", "last_good").await;
    let degraded = ready(&service).await;
    standin.remove(TTL);
    refresh(&service);
    until_ttl(&service, "300", "default").await;

    assert_ne!(first, second);
    let check = &degraded["checks"]["config_service"];
    assert_eq!(check["status"], "degraded");
    assert_eq!(check["detail"], json!(format!("out of range: {TTL}")));
    assert_eq!(ready(&service).await["checks"]["config_service"]["status"], "ok");
    assert_eq!(key, same_key);
    assert_ne!(key, other_key, "the snapshot is another one, and with it every plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_reports_a_rejected_api_key() {
    let (standin, folder) = (Standin::start(&[]).await, TempDir::new().unwrap());
    let key = [("DATABASE_URL", database_in(&folder)), ("INTERNAL_API_KEY", "fake-other-key".to_owned())];
    let key: Vec<(&str, &str)> = key.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let service = service(&standin, &key).await;

    let ready = ready(&service).await;

    let check = &ready["checks"]["config_service"];
    assert_eq!(check["status"], "unavailable");
    assert_eq!(check["breaker"], "closed");
    let why = "failed to read settings: the config service rejected the API key (401)";
    assert_eq!(check["detail"], why);
}
