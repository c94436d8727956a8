//! The compared services, each with its own database.

use std::cell::RefCell;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::header::HeaderMap;
use reqwest::{Client, Url};
use tokio::net::TcpStream;

use crate::cgroup::Group;
use crate::child::Child;
use crate::database::Database;
use crate::exposition;

const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout of an ingest; a catalog of 250,000 instruments takes seconds.
const INGEST_TIMEOUT: Duration = Duration::from_secs(300);

/// The timeout of a request that no work is measured with.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const BASE: &str = "api/v1/internal/instrument-registry";
pub(crate) const KEY_HEADER: &str = "x-internal-api-key";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceKind {
    Registry,
    /// The yardstick in this repository.
    Yardstick,
    /// An external yardstick, which prints nothing when it is ready.
    Anchor,
}

impl ServiceKind {
    /// Returns the load generator's name of the response format.
    pub(crate) fn dialect(self) -> &'static str {
        if self == ServiceKind::Registry { "registry" } else { "yardstick" }
    }

    pub(crate) fn table(self) -> &'static str {
        match self {
            ServiceKind::Registry => "instrument_registry.subscription_plans",
            ServiceKind::Yardstick => "yardstick.plans",
            ServiceKind::Anchor => "anchor.plans",
        }
    }
}

/// A service. Dropping it kills the process.
pub(crate) struct Service {
    pub(crate) kind: ServiceKind,
    pub(crate) program: PathBuf,
    pub(crate) database: Database,
    /// The folder for data and output, which no other service uses.
    pub(crate) folder: PathBuf,
    /// Environment variables in addition to those of every instance; only the registry gets them.
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) key: Option<String>,
    pub(crate) client: Client,
    pub(crate) running: RefCell<Option<Running>>,
    /// The last field, so that the group is removed after its processes.
    pub(crate) group: Option<Group>,
}

pub(crate) struct Running {
    child: Child,
    url: Url,
}

impl Service {
    /// Ingests a broker's files one after the other, starts the service and waits until it is ready.
    pub(crate) async fn start(self, dumps: &[PathBuf]) -> anyhow::Result<Self> {
        for dump in dumps {
            let mut command = self.command();
            command.arg("ingest").arg(dump).args(["--broker", "kite"]);
            let mut child = Child::start(command, &self.folder.join("ingest"))?;
            let is_ingested = child.wait(INGEST_TIMEOUT).await?.success();
            anyhow::ensure!(is_ingested, "failed to ingest the catalog: {} {}", child.output()?, child.error_output());
        }
        self.run().await?;
        Ok(self)
    }

    /// Restarts the service, which clears its memory.
    pub(crate) async fn restart(&self) -> anyhow::Result<()> {
        if let Some(running) = self.running.take() {
            running.child.stop().await;
        }
        self.run().await
    }

    pub(crate) async fn plans_stored(&self) -> anyhow::Result<u64> {
        self.database.count(self.kind.table()).await
    }

    pub(crate) fn url(&self) -> anyhow::Result<Url> {
        self.with_running(|running| running.url.clone())
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.with_running(|running| running.child.pid())
    }

    /// Returns a client that sends the key with each request.
    pub(crate) fn new_client(&self, timeout: Duration) -> anyhow::Result<Client> {
        client(timeout, self.key.as_deref())
    }

    /// Sends a GET request. Returns the body of a 2xx response and the time until it was complete.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<(String, Duration)> {
        let (request, since) = (self.client.get(self.url()?.join(path)?), Instant::now());
        let answer = async { request.send().await?.error_for_status()?.text().await };
        Ok((answer.await.with_context(|| format!("failed to get {path}"))?, since.elapsed()))
    }

    /// Returns the sum of a metric over the label sets that contain all of these labels, such as `status="200"`.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> anyhow::Result<f64> {
        Ok(exposition::sum(&self.get("metrics").await?.0, name, labels))
    }

    fn with_running<T>(&self, read: impl FnOnce(&Running) -> T) -> anyhow::Result<T> {
        let running = self.running.borrow();
        Ok(read(running.as_ref().context("the service is not running because a restart failed")?))
    }

    async fn run(&self) -> anyhow::Result<()> {
        let mut command = self.command();
        let mut announced = None;
        match self.kind {
            ServiceKind::Registry => {
                command.arg("serve");
            }
            ServiceKind::Yardstick => {
                command.arg("0").arg(self.database.url.as_str());
            }
            ServiceKind::Anchor => {
                // Another program can still take the port before the service does.
                let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                announced = Some(Url::parse(&format!("http://127.0.0.1:{port}"))?);
                command.arg(port.to_string()).arg(self.database.url.as_str());
            }
        }
        if let Some(group) = &self.group {
            command = group.enter(&command);
        }
        let mut child = Child::start(command, &self.folder.join("serve"))?;
        let url = match announced {
            Some(url) => child.until(READY_TIMEOUT, "reachable", async |_| reached(&url).await).await?,
            None => {
                child.until(READY_TIMEOUT, "listening", async |child| printed_address(&child.output().ok()?)).await?
            }
        };
        if self.kind == ServiceKind::Registry {
            let ready = url.join("ready")?;
            let is_ready = async |_: &Child| self.client.get(ready.clone()).send().await.ok()?.error_for_status().ok();
            child.until(READY_TIMEOUT, "ready", is_ready).await?;
        }
        self.running.replace(Some(Running { child, url }));
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if self.kind == ServiceKind::Registry {
            // These variables may be set for another service.
            command.env_remove("CONFIG_SERVICE_URL").env_remove("REDIS_URL");
            command.env("DATABASE_URL", self.database.url.as_str()).env("DATA_DIR", self.folder.join("data"));
            command.env("PORT", "0").env("LOG_LEVEL", "warn");
            command.envs(self.key.as_ref().map(|key| ("INTERNAL_API_KEY", key)));
            command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        }
        command
    }
}

/// Returns a client for services of this machine, which sends the key with each request.
pub(crate) fn client(timeout: Duration, key: Option<&str>) -> anyhow::Result<Client> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert(KEY_HEADER, key.parse()?);
    }
    let client = Client::builder().tls_certs_only([]).no_proxy().timeout(timeout).default_headers(headers);
    client.build().context("failed to create an HTTP client")
}

/// Finds the address in a line such as `… listens on http://127.0.0.1:8901`.
fn printed_address(output: &str) -> Option<Url> {
    let (whole_lines, _) = output.rsplit_once('\n')?;
    let url = whole_lines.lines().find_map(|line| Some(line.split_once(" listens on ")?.1))?;
    Url::parse(url.trim()).ok()
}

/// Returns the URL if a service accepts connections there.
async fn reached(url: &Url) -> Option<Url> {
    TcpStream::connect((url.host_str()?, url.port()?)).await.ok().map(|_| url.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_a_complete_line() {
        let url = |output: &str| printed_address(output).map(|url| url.to_string());

        assert_eq!(url("warm\nyardstick listens on http://127.0.0.1:41"), None);
        assert_eq!(
            url("warm\nyardstick listens on http://127.0.0.1:4123\n"),
            Some("http://127.0.0.1:4123/".to_owned())
        );
        assert_eq!(url(""), None);
    }

    #[tokio::test]
    async fn a_listening_service_is_reachable() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();

        assert!(reached(&url).await.is_some());
        drop(listener);
        assert!(reached(&url).await.is_none());
    }
}
