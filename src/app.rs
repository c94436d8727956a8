//! The service: bound, started, served, drained.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum_server::Handle;
use metrics_exporter_prometheus::PrometheusHandle;
use registry_actors::system::System;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::boot::{self, Openers};
use crate::connections::BoundedAcceptor;
use crate::http::{self, ApiKeys, AppState, BASE, FingerprintKey, Measures, ThrottledLog};
use crate::metrics;
use crate::settings::{ApiKeyOrigin, ProcessSettings};

/// From the first signal to the end of the process.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(10);
/// What HTTP may take of it; the rest is for storing what was accepted.
const DRAIN_WITHIN: Duration = Duration::from_secs(6);
/// How long a connection may take to send the headers of its next request. Longer than the 90 s for which clients keep
/// an idle connection, or they would find it closed just as they use it again.
const HEADERS_WITHIN: Duration = Duration::from_secs(100);
/// Connections that may be open: far more than the platform's services need, far fewer than file descriptors.
const CONNECTIONS_MAX: usize = 4096;

/// How often readiness is looked at while the service starts.
const READY_POLL: Duration = Duration::from_millis(20);

/// The bound and started service.
pub struct App {
    state: Arc<AppState>,
    listener: TcpListener,
    handle: Handle<SocketAddr>,
    key: KeyOrigin,
    /// Takes what the config service gives later.
    late: Option<JoinHandle<()>>,
}

/// Where the API key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The environment named it.
    Environment,
    /// The config service gives it.
    ConfigService,
    /// It was made just now, and is in this file.
    Made {
        /// The key.
        key: String,
        /// Its file.
        path: PathBuf,
    },
    /// It was made at an earlier start, and is in this file.
    Kept {
        /// Its file.
        path: PathBuf,
    },
}

impl App {
    /// Binds the port, makes or reads the key, and starts the engine. Requests are answered once [`App::run`] runs.
    ///
    /// # Errors
    /// Where the port is taken, or the data folder or the database's URL cannot be used.
    pub async fn start(settings: &ProcessSettings, metrics: PrometheusHandle) -> anyhow::Result<Self> {
        Self::start_with(settings, metrics, Openers::default()).await
    }

    /// As [`App::start`], with other ways to open what URLs name: for tests.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start_with(
        settings: &ProcessSettings,
        metrics: PrometheusHandle,
        openers: Openers,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(settings.listen)
            .with_context(|| format!("failed to listen on {} (PORT and BIND_ADDRESS)", settings.listen))?;
        listener.set_nonblocking(true).context("failed to make the listener non-blocking")?;
        let (api_keys, origin) = match settings.api_key_origin() {
            ApiKeyOrigin::Environment(key) => (ApiKeys::new(key.expose()), KeyOrigin::Environment),
            ApiKeyOrigin::ToBeTold => (ApiKeys::default(), KeyOrigin::ConfigService),
            ApiKeyOrigin::Made => {
                let (key, origin) = make_or_read_key(&settings.data_dir)?;
                if settings.database_url.is_some() {
                    warn!(
                        "INTERNAL_API_KEY is not set: each replica of the same database has its own generated API key"
                    );
                }
                (ApiKeys::new(&key), origin)
            }
        };
        let api_keys = Arc::new(api_keys);
        let fingerprint_key =
            FingerprintKey::random().context("failed to get random bytes from the operating system")?;
        metrics::register(&http::ENDPOINTS);
        let boot = boot::prepare(settings, &api_keys, openers)?;
        let system = System::start(boot.parts).await?;
        let late = boot.late.map(|late| tokio::spawn(late.follow(system.config.secrets())));
        let state = Arc::new(AppState {
            system: Arc::new(system),
            api_keys,
            fingerprint_key,
            is_legacy_encoding: settings.is_legacy_encoding,
            metrics,
            measures: Measures::new(&http::ENDPOINTS),
            throttled_log: ThrottledLog::default(),
            ingest: settings.ingest(),
            is_draining: AtomicBool::new(false),
            permits: Semaphore::new(http::REQUESTS_MAX),
            keys_in_flight: http::KeysInFlight::default(),
        });
        Ok(App { state, listener, handle: Handle::new(), key: origin, late })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where its key comes from.
    pub fn key(&self) -> &KeyOrigin {
        &self.key
    }

    /// Waits until settings, catalogue and key are there, so that a plan can be asked for.
    pub fn ready(&self) -> impl Future<Output = ()> + Send + 'static {
        let state = Arc::clone(&self.state);
        async move {
            while state.system.snapshot().is_none() || !state.api_keys.is_known() {
                tokio::time::sleep(READY_POLL).await;
            }
        }
    }

    /// The engine, for tests that break it.
    pub fn system(&self) -> Arc<System> {
        Arc::clone(&self.state.system)
    }

    /// Serves until `stop` is done or an actor escalates, then drains.
    ///
    /// # Errors
    /// Where the server fails or an actor ended more often than it may.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let App { state, listener, handle, key: _, late } = self;
        let mut server = axum_server::from_tcp(listener).context("failed to serve HTTP")?;
        server.http_builder().http1().header_read_timeout(HEADERS_WITHIN);
        let service = http::FastPathMaker(http::service(Arc::clone(&state)));
        let acceptor = BoundedAcceptor::new(CONNECTIONS_MAX);
        let serving = server.http1_only().acceptor(acceptor).handle(handle.clone()).serve(service);
        tokio::pin!(serving);

        let escalated = tokio::select! {
            result = &mut serving => {
                result.context("failed to serve HTTP")?;
                None
            }
            () = stop => None,
            actor = state.system.escalated() => Some(actor),
        };
        let deadline = Instant::now() + SHUTDOWN_WITHIN - Duration::from_millis(500);
        info!("draining connections");
        if let Some(late) = late {
            late.abort();
        }
        state.is_draining.store(true, Ordering::Relaxed);
        handle.graceful_shutdown(Some(DRAIN_WITHIN));
        let served = serving.await;
        state.system.shutdown(deadline.into()).await;
        served.context("failed to serve HTTP")?;
        match escalated {
            Some(actor) => bail!("the {actor} actor exceeded its restart limit"),
            None => Ok(()),
        }
    }
}

/// A line that can be pasted into a shell and makes a plan. `key` is shell text: a key, or what prints it.
pub fn curl_line(address: SocketAddr, key: &str) -> String {
    // An address that means "all" is no address to call.
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    let host = if address.is_ipv6() && !address.ip().is_unspecified() { format!("[{host}]") } else { host };
    format!(
        "curl -sS -X POST 'http://{host}:{}{BASE}/subscriptions/plan?user_id=demo' -H \"X-Internal-API-Key: {key}\" \
         -H 'Content-Type: application/json' -d '{{\"plan_name\": \"Test Plan\", \"subscription_type\": \"live_feed\", \
         \"instruments\": [\"NSE:RELIANCE\", \"NSE:TCS\", \"NSE:NIFTY 50\"]}}'",
        address.port()
    )
}

/// The key's file within the data folder.
const KEY_FILE: &str = "internal_api_key";

/// Reads the key of an earlier start, or makes one that only this user can read.
fn make_or_read_key(data_dir: &Path) -> anyhow::Result<(String, KeyOrigin)> {
    let path = data_dir.join(KEY_FILE);
    std::fs::create_dir_all(data_dir).with_context(|| {
        format!(
            "failed to create the folder {} (DATA_DIR), where a generated API key is stored; set INTERNAL_API_KEY to \
             generate none",
            data_dir.display()
        )
    })?;
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let key = text.trim().to_owned();
            if key.len() < 32 {
                bail!("{} does not contain an API key; delete the file to generate a new key", path.display());
            }
            Ok((key, KeyOrigin::Kept { path }))
        }
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            let mut random = [0; 32];
            getrandom::fill(&mut random).context("failed to get random bytes from the operating system")?;
            let key = registry_planning::catalogue::hex(&random);
            write_key(&path, &key).with_context(|| format!("failed to write {}", path.display()))?;
            Ok((key.clone(), KeyOrigin::Made { key, path }))
        }
        Err(fault) => Err(fault).with_context(|| format!("failed to read {}", path.display())),
    }
}

/// Writes the key under another name first, so that a process killed in between leaves no empty file; fails where the
/// file is there already.
fn write_key(path: &Path, key: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let _ = std::fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{key}")?;
    file.sync_all()?;
    std::fs::hard_link(&draft, path)?;
    std::fs::remove_file(&draft)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");

        let (made, origin) = make_or_read_key(&data_dir).unwrap();
        let (kept, second) = make_or_read_key(&data_dir).unwrap();

        assert_eq!(made, kept);
        assert_eq!(made.len(), 64);
        assert!(matches!(origin, KeyOrigin::Made { .. }) && matches!(second, KeyOrigin::Kept { .. }));
        let mode = std::fs::metadata(data_dir.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_empty_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(KEY_FILE), "\n").unwrap();

        assert!(make_or_read_key(folder.path()).unwrap_err().to_string().contains("does not contain an API key"));
    }

    #[test]
    fn the_line_to_paste_names_an_address_that_can_be_called() {
        assert!(curl_line("0.0.0.0:8901".parse().unwrap(), "k").contains("http://127.0.0.1:8901/api/v1/"));
        assert!(curl_line("[::1]:80".parse().unwrap(), "k").contains("http://[::1]:80/api/v1/"));
    }
}
