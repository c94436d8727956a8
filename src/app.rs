//! The life of the service: bind, start, serve, drain.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum_server::{Handle, Server};
use metrics_exporter_prometheus::PrometheusHandle;
use registry_actors::system::{CLOSE_TIMEOUT_MIN, System};
use registry_actors::trace;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::boot::{self, LateSecrets, Openers};
use crate::connections::{BoundedAcceptor, Limits, descriptors};
use crate::http::{self, ApiKeys, AppState, BASE, FingerprintKey, Measures, ThrottledLog};
use crate::limits::{self, BrokerLimits};
use crate::memory;
use crate::metrics;
use crate::settings::{ApiKeyOrigin, ProcessSettings};
use crate::status::RecentHistory;

/// The deadline from the first signal to the end of the process.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(10);
/// The part of [`SHUTDOWN_WITHIN`] for HTTP. The rest is for storing accepted plans.
const DRAIN_WITHIN: Duration = Duration::from_secs(6);
/// The part of it until accepted plans are stored. After that, closing the connections to the database may still take
/// [`CLOSE_TIMEOUT_MIN`] if it hangs, and the process needs a moment to end.
const STORE_WITHIN: Duration =
    SHUTDOWN_WITHIN.saturating_sub(CLOSE_TIMEOUT_MIN).saturating_sub(Duration::from_millis(500));
/// Maximum time for exporting the last spans, while accepted plans are stored.
const EXPORT_WITHIN: Duration = Duration::from_secs(2);
/// Maximum time until the export has begun and ended.
const EXPORT_ENDS_WITHIN: Duration = Duration::from_millis(2500);
/// Maximum number of open connections: far more than the platform's services need.
pub(crate) const CONNECTIONS_MAX: usize = 4096;
/// Maximum number of open connections to the probe port: a few hosts that probe it and scrape metrics.
pub(crate) const PROBE_CONNECTIONS_MAX: usize = 64;
/// Maximum number of connections that the operating system completes before they are accepted. Callers beyond it wait
/// for a second, because they repeat the start of the connection then.
const BACKLOG: i32 = 1024;
/// Maximum size of the head of a request. It is also the size of the buffers of a connection, so it bounds the memory
/// that callers without a key can use.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The interval between two checks of readiness during the start.
const READY_POLL: Duration = Duration::from_millis(20);

/// The bound and started service.
pub struct App {
    state: Arc<AppState>,
    listener: TcpListener,
    connections_max: usize,
    /// Serves only probes and metrics.
    probe_listener: Option<TcpListener>,
    key: KeyOrigin,
    /// Receives the values that the config service provides later.
    late: Option<JoinHandle<()>>,
}

/// The origin of the API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The environment contains it.
    Environment,
    /// The config service provides it.
    ConfigService,
    /// This start generated the key and stored it in this file.
    Made {
        /// The key.
        key: String,
        /// The file with the key.
        path: PathBuf,
    },
    /// An earlier start generated the key and stored it in this file.
    Kept {
        /// The file with the key.
        path: PathBuf,
    },
}

impl App {
    /// Binds the port, generates or reads the key, and starts the actors. [`App::run`] handles requests.
    ///
    /// # Errors
    /// If another process uses the port, or the data folder or the URL of the database cannot be used.
    pub async fn start(settings: &ProcessSettings, metrics: PrometheusHandle) -> anyhow::Result<Self> {
        Self::start_with(settings, metrics, Openers::default()).await
    }

    /// Starts like [`App::start`], with other ways to open URLs, for tests.
    ///
    /// # Errors
    /// Like [`App::start`].
    pub async fn start_with(
        settings: &ProcessSettings,
        metrics: PrometheusHandle,
        openers: Openers,
    ) -> anyhow::Result<Self> {
        let probe_connections_max = settings.probe_listen.map(|_| PROBE_CONNECTIONS_MAX);
        let connections_max = descriptors::reserve(CONNECTIONS_MAX, probe_connections_max)?;
        let listener = bind(settings.listen, "PORT")?;
        let probe_listener = settings.probe_listen.map(|address| bind(address, "PROBE_PORT")).transpose()?;
        let (api_keys, origin) = match settings.api_key_origin() {
            ApiKeyOrigin::Environment(key) => (ApiKeys::new(key.expose()), KeyOrigin::Environment),
            ApiKeyOrigin::FromConfigService => (ApiKeys::default(), KeyOrigin::ConfigService),
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
        memory::limit_at_start();
        metrics::register(http::endpoints(), &http::PLAN_ENDPOINTS);
        limits::register();
        let boot = boot::prepare(settings, &api_keys, openers)?;
        let system = Arc::new(System::start(boot.parts).await?);
        let limits = Arc::new(BrokerLimits::new(settings.capacity_source.clone(), Arc::clone(&system)));
        let secret_faults = boot.late.as_ref().map(LateSecrets::faults).unwrap_or_default();
        let late = boot.late.map(|late| tokio::spawn(late.follow(system.config.secrets())));
        let recent = Arc::new(RecentHistory::begin());
        tokio::spawn(Arc::clone(&recent).follow());
        let state = Arc::new(AppState {
            system,
            limits,
            api_keys,
            secret_faults,
            fingerprint_key,
            is_legacy_encoding: settings.is_legacy_encoding,
            has_server_timing: settings.has_server_timing,
            metrics,
            measures: Measures::new(http::endpoints()),
            throttled_log: ThrottledLog::default(),
            ingest: settings.ingest(),
            is_draining: AtomicBool::new(false),
            permits: Semaphore::new(http::REQUESTS_MAX),
            keys_in_flight: http::KeysInFlight::default(),
            stale_counts: http::StaleCounts::default(),
            recent,
            status_streams: http::StatusStreams::default(),
        });
        Ok(App { state, listener, connections_max, probe_listener, key: origin, late })
    }

    /// Returns the address of the listener.
    ///
    /// # Errors
    /// If the operating system does not return it.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the address of the listener for probes, if there is one.
    ///
    /// # Errors
    /// If the operating system does not return it.
    pub fn probe_address(&self) -> io::Result<Option<SocketAddr>> {
        self.probe_listener.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Returns the origin of the API key.
    pub fn key(&self) -> &KeyOrigin {
        &self.key
    }

    /// Waits until settings, catalog and key are loaded, so that plans can be requested.
    pub fn ready(&self) -> impl Future<Output = ()> + Send + 'static {
        let state = Arc::clone(&self.state);
        async move {
            while state.system.snapshot().is_none() || !state.api_keys.is_known() {
                tokio::time::sleep(READY_POLL).await;
            }
        }
    }

    /// Returns the actors, for tests that stop them.
    pub fn system(&self) -> Arc<System> {
        Arc::clone(&self.state.system)
    }

    /// Returns the limits of brokers, which SIGHUP reloads.
    pub fn limits(&self) -> Arc<BrokerLimits> {
        Arc::clone(&self.state.limits)
    }

    /// Serves until `stop` is done or an actor escalates, then drains.
    ///
    /// # Errors
    /// If the server fails, or an actor exceeds its restart limit.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let App { state, listener, connections_max, probe_listener, key: _, late } = self;
        let handle = Handle::new();
        let acceptor = BoundedAcceptor::new("main", Limits::new(connections_max));
        let service = http::FastPathMaker(http::service(Arc::clone(&state), connections_max));
        let serving = server(listener, acceptor, &handle)?.serve(service);
        tokio::pin!(serving);
        let probes = probe_listener.map(|listener| Probes::start(listener, &state)).transpose()?;

        let escalated = tokio::select! {
            result = &mut serving => {
                result.context("failed to serve HTTP")?;
                None
            }
            () = stop => None,
            actor = state.system.escalated() => Some(actor),
        };
        let deadline = Instant::now() + STORE_WITHIN;
        info!("draining connections");
        if let Some(late) = late {
            late.abort();
        }
        state.is_draining.store(true, Ordering::Relaxed);
        state.status_streams.drain();
        handle.graceful_shutdown(Some(DRAIN_WITHIN));
        let served = serving.await;
        let export_deadline = Instant::now() + EXPORT_ENDS_WITHIN;
        let exporting = tokio::task::spawn_blocking(|| trace::shut_down_exporter(EXPORT_WITHIN));
        state.system.shutdown(deadline.into()).await;
        end_export(exporting, export_deadline).await;
        drop(probes);
        served.context("failed to serve HTTP")?;
        match escalated {
            Some(actor) => bail!("the {actor} actor exceeded its restart limit"),
            None => Ok(()),
        }
    }
}

/// Waits for the export of the last spans. Lookups that hang may occupy all threads for blocking work, so that it never
/// begins.
async fn end_export(exporting: JoinHandle<()>, deadline: Instant) {
    if tokio::time::timeout_at(deadline.into(), exporting).await.is_err() {
        warn!("failed to export the last traces: deadline exceeded");
    }
}

fn bind(address: SocketAddr, port: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("failed to listen on {address} ({port} and BIND_ADDRESS)"))?;
    // Replaces the backlog of 128 that the standard library sets.
    rustix::net::listen(&listener, BACKLOG).with_context(|| format!("failed to listen on {address}"))?;
    Ok(listener)
}

/// Returns a server of HTTP/1.1 with bounded connections.
fn server(
    listener: TcpListener,
    acceptor: BoundedAcceptor,
    handle: &Handle<SocketAddr>,
) -> anyhow::Result<Server<SocketAddr, BoundedAcceptor>> {
    let mut server = axum_server::from_tcp(listener).context("failed to serve HTTP")?;
    server.http_builder().http1().max_buf_size(HEAD_BYTES_MAX);
    let errors = acceptor.clone();
    let server = server.http1_only().acceptor(acceptor).handle(handle.clone());
    // If there is an address, the acceptor itself refused the connection.
    Ok(server.accept_error_handler(move |address, fault| {
        if address.is_none() {
            errors.note_error(fault);
        }
    }))
}

/// The server of probes and metrics. It serves until it is dropped, also while the other connections are drained.
struct Probes {
    handle: Handle<SocketAddr>,
}

impl Probes {
    fn start(listener: TcpListener, state: &Arc<AppState>) -> anyhow::Result<Self> {
        let handle = Handle::new();
        let acceptor = BoundedAcceptor::new("probe", Limits::new(PROBE_CONNECTIONS_MAX));
        let service = http::probe_router(Arc::clone(state)).into_make_service();
        let serving = server(listener, acceptor, &handle)?.serve(service);
        tokio::spawn(async move {
            if let Err(fault) = serving.await {
                error!(%fault, "failed to serve the probe port");
            }
        });
        Ok(Probes { handle })
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// Returns a shell command that creates a plan. `key` is shell text: a key, or a command that prints it.
pub fn curl_line(address: SocketAddr, key: &str) -> String {
    // The unspecified address means all interfaces; clients cannot connect to it.
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    let host = if address.is_ipv6() && !address.ip().is_unspecified() { format!("[{host}]") } else { host };
    format!(
        "curl -sS -X POST 'http://{host}:{}{BASE}/subscriptions/plan?user_id=demo' -H \"X-Internal-API-Key: {key}\" \
         -H 'Content-Type: application/json' -d '{{\"plan_name\": \"Test Plan\", \"subscription_type\": \"live_feed\", \
         \"instruments\": [\"NSE:RELIANCE\", \"NSE:TCS\", \"NSE:NIFTY 50\"]}}'",
        address.port()
    )
}

/// The file of the key in the data folder.
pub(crate) const KEY_FILE: &str = "internal_api_key";

/// Reads the key of an earlier start, or generates one that only this user can read.
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
        Ok(text) => Ok((checked_key(&text, &path)?, KeyOrigin::Kept { path })),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            let mut random = [0; 32];
            getrandom::fill(&mut random).context("failed to get random bytes from the operating system")?;
            let key = registry_planning::vocabulary::hex(&random);
            write_key(&path, &key).with_context(|| format!("failed to write {}", path.display()))?;
            Ok((key.clone(), KeyOrigin::Made { key, path }))
        }
        Err(fault) => Err(fault).with_context(|| format!("failed to read {}", path.display())),
    }
}

/// Returns the key that a service with this data folder has generated.
pub(crate) fn kept_api_key(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join(KEY_FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    checked_key(&text, &path)
}

fn checked_key(text: &str, path: &Path) -> anyhow::Result<String> {
    let key = text.trim();
    if key.len() < 32 {
        bail!("{} does not contain an API key; delete the file to generate a new key", path.display());
    }
    Ok(key.to_owned())
}

/// Writes the key under another name first, so that a killed process leaves no empty file. Fails if the file exists.
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
    fn a_shutdown_ends_within_10_s_if_everything_hangs() {
        assert!(STORE_WITHIN + CLOSE_TIMEOUT_MIN < Duration::from_secs(10));
        assert!(DRAIN_WITHIN + Duration::from_secs(2) <= STORE_WITHIN, "accepted plans need time after HTTP");
        assert!(EXPORT_WITHIN < EXPORT_ENDS_WITHIN);
        assert!(DRAIN_WITHIN + EXPORT_ENDS_WITHIN < Duration::from_secs(9));
    }

    #[tokio::test]
    async fn an_export_that_never_begins_does_not_delay_the_end() {
        let exporting = tokio::spawn(std::future::pending());

        end_export(exporting, Instant::now()).await;
    }

    #[test]
    fn a_key_is_generated_once_and_only_its_owner_can_read_it() {
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
    fn an_empty_key_file_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(KEY_FILE), "\n").unwrap();

        assert!(make_or_read_key(folder.path()).unwrap_err().to_string().contains("does not contain an API key"));
    }

    #[test]
    fn the_curl_command_has_an_address_that_can_be_reached() {
        assert!(curl_line("0.0.0.0:8901".parse().unwrap(), "k").contains("http://127.0.0.1:8901/api/v1/"));
        assert!(curl_line("[::1]:80".parse().unwrap(), "k").contains("http://[::1]:80/api/v1/"));
    }
}
