//! The service in this process, on a separate port and in a separate folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use instrument_registry::app::App;
use instrument_registry::boot::Openers;
use instrument_registry::settings::ProcessSettings;
use instrument_registry::telemetry::init_metrics;
use metrics_exporter_prometheus::PrometheusHandle;
use registry_actors::system::System;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Client, KEY, SOON, eventually};

pub(crate) struct Service {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) engine: Arc<System>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    folder: TempDir,
}

impl Service {
    /// Starts the service with the built-in settings, and waits until it is ready.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts the service with these environment variables, and waits until it is ready.
    pub(crate) async fn with(variables: &[(&str, &str)]) -> Self {
        let service = Self::run(TempDir::new().expect("a folder can be made"), variables).await;
        eventually("the service is ready", SOON, async || service.engine.snapshot()).await;
        service
    }

    /// Starts the service with a folder at the path of the database, which therefore cannot be opened.
    pub(crate) async fn without_database() -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        std::fs::create_dir(settings(folder.path(), &[]).database_path()).expect("a folder can be made");
        Self::run(folder, &[]).await
    }

    /// Removes the folder at the path of the database, so that the service can open the database.
    pub(crate) fn give_database(&self) {
        std::fs::remove_dir(self.database()).expect("it is an empty folder");
    }

    async fn run(folder: TempDir, variables: &[(&str, &str)]) -> Self {
        Self::run_with(folder, variables, Openers::default()).await
    }

    /// Starts the service in this folder, with these openers for the servers of its URLs. Does not wait until it is
    /// ready.
    pub(crate) async fn run_with(folder: TempDir, variables: &[(&str, &str)], openers: Openers) -> Self {
        let settings = settings(folder.path(), variables);
        let app = App::start_with(&settings, metrics(), openers).await.expect("the service starts");
        let address = app.address().expect("a listener has an address");
        let engine = app.system();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        Service { client: Client::new(address), address, engine, stop, running, folder }
    }

    /// Returns the path of the SQLite database.
    pub(crate) fn database(&self) -> PathBuf {
        settings(self.folder.path(), &[]).database_path()
    }

    /// Starts the shutdown. Returns the task of the service, which ends with it, and the data folder.
    pub(crate) fn stop(self) -> (JoinHandle<anyhow::Result<()>>, TempDir) {
        self.stop.send(()).expect("it is running");
        (self.running, self.folder)
    }

    /// Repeats `meanwhile` until the service ends, and returns the result of the service.
    pub(crate) async fn ended(mut self, mut meanwhile: impl AsyncFnMut()) -> anyhow::Result<()> {
        let running = &mut self.running;
        let ended = eventually("the service ends", SOON, async || {
            meanwhile().await;
            timeout(Duration::from_millis(50), &mut *running).await.ok()
        });
        ended.await.expect("the task does not panic")
    }
}

fn settings(data_dir: &Path, variables: &[(&str, &str)]) -> ProcessSettings {
    ProcessSettings::read(|key| {
        let given = variables.iter().find(|(name, _)| *name == key);
        match (given, key) {
            (Some((_, value)), _) => Some((*value).to_owned()),
            (_, "PORT") => Some("0".to_owned()),
            // A service with a key for the config service receives its own key from there.
            (_, "INTERNAL_API_KEY") if !variables.iter().any(|(name, _)| *name == "CONFIG_SERVICE_API_KEY") => {
                Some(KEY.to_owned())
            }
            (_, "DATA_DIR") => Some(data_dir.display().to_string()),
            _ => None,
        }
    })
    .expect("the settings are valid")
}

/// Returns the recorder of metrics. A process has only one, so the services of all tests share it.
fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| init_metrics().expect("no other recorder is installed")).clone()
}
