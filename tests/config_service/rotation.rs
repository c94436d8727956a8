//! API keys that come from the config service and are rotated there.

use super::*;
use crate::support::{KEY, body};

/// A separate key for requests to the config service, so that the service receives its own API key from there.
const OWN_KEY: (&str, &str) = ("CONFIG_SERVICE_API_KEY", KEY);

async fn status_with(service: &Service, key: &str) -> u16 {
    service.client.clone().with_key(key).ask("u", &body(&["NSE:TCS"])).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_and_its_predecessor_are_both_accepted() {
    let folder = TempDir::new().unwrap();
    let standin = Standin::start(&[("INTERNAL_API_KEY", "fake-one")]).await;
    let service = service(&standin, &[OWN_KEY, ("DATABASE_URL", &database_in(&folder))]).await;
    ready(&service).await;

    let before = [status_with(&service, "fake-one").await, status_with(&service, "fake-two").await];
    standin.set("INTERNAL_API_KEY", "fake-two");
    refresh(&service);
    eventually("the new key is accepted", SOON, async || {
        (status_with(&service, "fake-two").await == 200).then_some(())
    })
    .await;
    let old = status_with(&service, "fake-one").await;
    let others = [status_with(&service, KEY).await, status_with(&service, "").await];

    assert_eq!(before, [200, 401]);
    assert_eq!(old, 200);
    // The key for requests to the config service does not authorize requests to this service.
    assert_eq!(others, [401, 401]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_before_the_first_key_get_retry_after() {
    let folder = TempDir::new().unwrap();
    let standin = Standin::start(&[]).await;
    let service = service(&standin, &[OWN_KEY, ("DATABASE_URL", &database_in(&folder))]).await;
    eventually("there are settings and a catalogue", SOON, async || service.engine.snapshot()).await;

    let asked = service.client.ask("u", &body(&["NSE:TCS"])).await;
    let ready_before: Value = serde_json::from_str(&service.client.get("/ready").await.text).unwrap();
    standin.set("INTERNAL_API_KEY", "fake-one");
    ready(&service).await;

    let problem = asked.problem(503, "not_ready");
    assert_eq!(problem["detail"], "API key not yet received from the config service; retry later");
    assert!((1..=4).contains(&asked.header("Retry-After").parse::<u32>().unwrap()), "{asked:?}");
    assert_eq!(ready_before["reason"], "API key not yet received from the config service");
    assert_eq!(status_with(&service, "fake-one").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_environment_and_config_service_are_both_accepted() {
    let folder = TempDir::new().unwrap();
    let standin = Standin::start(&[("INTERNAL_API_KEY", "fake-one")]).await;
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder))]).await;
    ready(&service).await;

    let before = [status_with(&service, KEY).await, status_with(&service, "fake-two").await];
    standin.set("INTERNAL_API_KEY", "fake-two");
    refresh(&service);
    eventually("the new key is accepted", SOON, async || {
        (status_with(&service, "fake-two").await == 200).then_some(())
    })
    .await;

    assert_eq!(before, [200, 401]);
    assert_eq!([status_with(&service, KEY).await, status_with(&service, "other").await], [200, 401]);
}
