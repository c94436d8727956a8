//! The service with a config service that is reachable, unreachable or late, and the rotation of secrets.

mod command_line;
mod operations;
mod outage;
mod rotation;
mod start;

use std::path::Path;
use std::sync::Arc;

use instrument_registry::boot::Openers;
use registry_actors::tls::Tls;
use registry_store::Store;
use registry_store::sqlite::SqliteStore;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{SOON, Service, Standin, eventually};

const TTL: &str = "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL";

/// Returns openers that treat the rest of a `postgres://` URL as the path of an SQLite file, so that `DATABASE_URL` can
/// be tested without a server.
fn openers() -> Openers {
    fn open(url: &str, _: &Tls) -> anyhow::Result<Arc<dyn Store>> {
        Ok(Arc::new(SqliteStore::new(Path::new(url.strip_prefix("postgres://").expect("the form was checked")))))
    }
    Openers { store: open, ..Openers::default() }
}

/// Returns the URL of a database in this folder, for `openers`.
fn database_in(folder: &TempDir) -> String {
    format!("postgres://{}/database.sqlite", folder.path().display())
}

/// Starts the service with a config service and these variables, in a new data folder. Does not wait until it is ready.
async fn service(standin: &Standin, variables: &[(&str, &str)]) -> Service {
    service_in(TempDir::new().expect("a folder can be made"), standin, variables).await
}

async fn service_in(data_dir: TempDir, standin: &Standin, variables: &[(&str, &str)]) -> Service {
    let url = standin.url();
    let mut all = vec![("CONFIG_SERVICE_URL", url.as_str())];
    all.extend(variables);
    Service::run_with(data_dir, &all, openers()).await
}

async fn ready(service: &Service) -> Value {
    eventually("the service is ready", SOON, async || {
        let answer = service.client.get("/ready").await;
        (answer.status == 200).then(|| answer.json())
    })
    .await
}

/// Returns the current time to live of cached plans in seconds, and the origin of the value.
async fn ttl(service: &Service) -> (String, String) {
    let config = service.client.read("planner/config").await;
    let text = |value: &Value| value.as_str().expect("the value is a string").to_owned();
    (text(&config["configuration"][TTL]), text(&config["sources"][TTL]))
}

/// Waits until the time to live of cached plans has this value and origin.
async fn until_ttl(service: &Service, value: &str, origin: &str) {
    let wanted = (value.to_owned(), origin.to_owned());
    eventually("the setting is in force", SOON, async || (ttl(service).await == wanted).then_some(())).await;
}

/// Starts a refresh of the settings, like SIGHUP.
fn refresh(service: &Service) {
    service.engine.config.refresh("of-a-test".into()).expect("the actor runs");
}
