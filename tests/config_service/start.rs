//! The choice of the database by `DATABASE_URL` in the environment and in the config service.

use registry_actors::config::SecretKey;
use registry_actors::settings::SETTINGS;
use reqwest::Method;

use super::*;
use crate::support::{Answer, body};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_url_the_service_is_alive_but_not_ready() {
    let standin = Standin::start(&[(TTL, "60")]).await;
    let service = service(&standin, &[]).await;
    // After the answer that `DATABASE_URL` is not set, the service retries.
    eventually("DATABASE_URL is requested twice", SOON, async || {
        let asked = standin.seen().iter().filter(|(path, _)| path.contains("/DATABASE_URL/")).count();
        (asked >= 2).then_some(())
    })
    .await;

    let health = service.client.get("/health").await;
    let ready = service.client.get("/ready").await;
    let plan = service.client.ask("u", &body(&["NSE:TCS"])).await;

    assert_eq!(health.status, 200);
    assert_eq!(ready.status, 503);
    let ready: Value = serde_json::from_str(&ready.text).unwrap();
    assert_eq!(ready["status"], "not_ready");
    assert_eq!(ready["reason"], "database not reached yet");
    assert_eq!(ready["checks"]["database"]["detail"], "waiting for DATABASE_URL");
    assert_eq!(ready["checks"]["config_service"]["status"], "ok");
    plan.problem(503, "not_ready");
    assert!(!service.database().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_database_url_is_used_without_a_restart() {
    let (standin, folder) = (Standin::start(&[(TTL, "60")]).await, TempDir::new().unwrap());
    let service = service(&standin, &[]).await;

    let before = service.client.get("/ready").await.status;
    standin.set("DATABASE_URL", &database_in(&folder));
    let ready = ready(&service).await;
    let plan = service.client.plan("u", &body(&["NSE:TCS"])).await;

    assert_eq!(before, 503);
    assert_eq!(ready["checks"]["config_service"]["status"], "ok");
    assert_eq!(ready["checks"]["config_service"]["breaker"], "closed");
    assert!(ready["checks"]["config_service"]["age_seconds"].as_u64().unwrap() < 30, "{ready}");
    assert_eq!(ready["checks"]["redis"]["status"], "not_configured");
    assert_eq!(plan["status"], "created");
    assert_eq!(ttl(&service).await, ("60".to_owned(), "config_service".to_owned()));
    assert!(folder.path().join("database.sqlite").exists() && !service.database().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_database_url_is_ignored_until_corrected() {
    let folder = TempDir::new().unwrap();
    let standin = Standin::start(&[("DATABASE_URL", "sqlite://elsewhere")]).await;
    let service = service(&standin, &[]).await;
    let keys = SETTINGS.len() + SecretKey::ALL.len();
    eventually("every key is requested", SOON, async || (standin.seen().len() >= keys).then_some(())).await;

    let before = service.client.get("/ready").await.status;
    standin.set("DATABASE_URL", &database_in(&folder));
    refresh(&service);
    ready(&service).await;

    assert_eq!(before, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_database_url_is_replaced_on_refresh() {
    let folder = TempDir::new().unwrap();
    // The path of the database file is a folder.
    let nowhere = format!("postgres://{}", folder.path().display());
    let standin = Standin::start(&[("DATABASE_URL", &nowhere)]).await;
    let service = service(&standin, &[]).await;
    eventually("the database fails to open", SOON, async || {
        let ready: Value = serde_json::from_str(&service.client.get("/ready").await.text).ok()?;
        ready["checks"]["database"]["detail"].as_str()?.starts_with("sqlite; failed to open").then_some(())
    })
    .await;

    let before = service.client.get("/ready").await.status;
    standin.set("DATABASE_URL", &database_in(&folder));
    refresh(&service);
    ready(&service).await;

    assert_eq!(before, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_url_of_the_environment_takes_precedence() {
    let (standin, folder) =
        (Standin::start(&[("DATABASE_URL", "postgres:///nowhere/at/all")]).await, TempDir::new().unwrap());
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder))]).await;

    ready(&service).await;

    assert!(folder.path().join("database.sqlite").exists());
    // The service requests only secrets that are not in the environment.
    let asked = |key: &str| standin.seen().iter().any(|(path, _)| path.contains(&format!("/{key}/")));
    assert!(!asked("DATABASE_URL") && asked("REDIS_URL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_of_older_config_services_are_accepted() {
    let folder = TempDir::new().unwrap();
    let values = [("DATABASE_URL", database_in(&folder)), (TTL, "60".to_owned())];
    let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let standin = Standin::start_legacy(&values).await;
    let service = service(&standin, &[]).await;

    ready(&service).await;

    assert_eq!(ttl(&service).await, ("60".to_owned(), "config_service".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refresh_has_one_correlation_id() {
    let folder = TempDir::new().unwrap();
    let standin = Standin::start(&[]).await;
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder))]).await;
    ready(&service).await;

    refresh(&service);
    eventually("the refresh has requested the keys", SOON, async || {
        (standin.seen().iter().filter(|(_, id)| id == "of-a-test").count() >= 8).then_some(())
    })
    .await;
    let request = service.client.request_without_key(Method::GET, "/metrics");
    let metrics = Answer::to(request).await.text;

    // All requests of the first refresh have one other correlation id.
    let seen = standin.seen();
    let first: Vec<&String> = seen.iter().map(|(_, id)| id).take_while(|id| **id != "of-a-test").collect();
    assert!(first.iter().all(|id| *id == first[0] && id.len() == 36), "{seen:?}");
    for series in ["settings_age_seconds", "settings_origins{origin=\"default\"}", "settings_refused_keys"] {
        assert!(metrics.contains(&format!("instrument_registry_{series} ")), "{series}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_one_refresh_have_one_trace() {
    let folder = TempDir::new().unwrap();
    let standin = Standin::start(&[("DATABASE_URL", &database_in(&folder))]).await;
    let service = service(&standin, &[]).await;
    ready(&service).await;

    refresh(&service);
    let first_of_refresh = eventually("the refresh has started", SOON, async || {
        standin.seen().iter().position(|(_, id)| id == "of-a-test")
    });
    let second = first_of_refresh.await;

    let traceparents = standin.traceparents();
    let trace_id = |call: usize| traceparents[call].split('-').nth(1).map(str::to_owned);
    assert_eq!(trace_id(0).map(|id| id.len()), Some(32), "{traceparents:?}");
    assert_eq!(trace_id(0), trace_id(1));
    assert_ne!(trace_id(0), trace_id(second));
}
