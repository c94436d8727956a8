//! The compared services, each with its own database.

use std::cell::RefCell;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use reqwest::Url;

use crate::cgroup::Group;
use crate::child::Child;
use crate::database::Database;
use crate::network::Network;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// The timeout of an ingest; a catalog of 250,000 instruments takes seconds.
const INGESTED_WITHIN: Duration = Duration::from_secs(300);

/// The base path of the API of the registry.
pub(crate) const BASE: &str = "api/v1/internal/instrument-registry";

/// The program of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The instrument registry.
    Registry,
    /// The yardstick in this repository.
    Yardstick,
    /// An external yardstick, which prints nothing when it is ready.
    Anchor,
}

impl Kind {
    /// Returns the load generator's name of the response format.
    pub(crate) fn dialect(self) -> &'static str {
        match self {
            Kind::Registry => "registry",
            Kind::Yardstick | Kind::Anchor => "yardstick",
        }
    }

    /// Returns the table of plans.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Kind::Registry => "instrument_registry.subscription_plans",
            Kind::Yardstick => "yardstick.plans",
            Kind::Anchor => "anchor.plans",
        }
    }
}

/// The configuration of a service.
pub(crate) struct Setup {
    pub(crate) kind: Kind,
    pub(crate) program: PathBuf,
    pub(crate) database: Database,
    /// The folder for data and output, which no other service uses.
    pub(crate) folder: PathBuf,
    /// Environment variables in addition to those of every instance; only the registry gets them.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// The control group that limits the service.
    pub(crate) group: Option<Group>,
    /// The API key of the registry.
    pub(crate) key: Option<String>,
}

/// A running service. Dropping it kills the process and drops the database.
pub(crate) struct Service {
    running: RefCell<Option<Running>>,
    setup: Setup,
    network: Network,
}

struct Running {
    child: Child,
    url: Url,
}

impl Service {
    /// Starts a service and waits until it is ready.
    pub(crate) fn start(setup: Setup, network: &Network) -> anyhow::Result<Self> {
        let service = Self { running: RefCell::default(), setup, network: network.clone() };
        service.run()?;
        Ok(service)
    }

    /// Ingests a broker's files one after the other, starts the service and waits until it is ready.
    pub(crate) fn start_with(setup: Setup, network: &Network, dumps: &[PathBuf]) -> anyhow::Result<Self> {
        for dump in dumps {
            let mut command = command(&setup);
            command.arg("ingest").arg(dump).args(["--broker", "kite"]);
            let mut child = Child::start(command, &setup.folder.join("ingest"), &network.interruption)?;
            let status = child.wait(INGESTED_WITHIN)?;
            let is_ingested = status.success();
            anyhow::ensure!(is_ingested, "failed to ingest the catalog: {} {}", child.output()?, child.complaint());
        }
        Self::start(setup, network)
    }

    /// Restarts the service, which clears its memory.
    pub(crate) fn restart(&self) -> anyhow::Result<()> {
        if let Some(running) = self.running.take() {
            running.child.stop();
        }
        self.run()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.setup.kind
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.setup.key.as_deref()
    }

    /// Returns the control group that limits the service.
    pub(crate) fn group(&self) -> Option<&Group> {
        self.setup.group.as_ref()
    }

    pub(crate) fn database(&self) -> &Database {
        &self.setup.database
    }

    /// Counts the stored plans.
    pub(crate) fn plans_stored(&self) -> anyhow::Result<u64> {
        self.setup.database.count(self.setup.kind.table())
    }

    /// Returns the current URL.
    pub(crate) fn url(&self) -> anyhow::Result<Url> {
        self.with_running(|running| running.url.clone())
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.with_running(|running| running.child.pid())
    }

    /// Sends a GET request with the key. Returns the body and the time until it was complete. A path without a leading
    /// `/` is relative to the registry's base path.
    pub(crate) fn get(&self, path_and_query: &str) -> anyhow::Result<(String, Duration)> {
        let path = match path_and_query.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None => format!("{BASE}/{path_and_query}"),
        };
        self.network.time(&self.url()?.join(&path)?, self.key())
    }

    /// Returns the URL of a list of plans.
    pub(crate) fn plans_url(&self, query: &str) -> anyhow::Result<Url> {
        Ok(self.url()?.join(&format!("{BASE}/subscriptions/plans?{query}"))?)
    }

    fn with_running<T>(&self, ask: impl FnOnce(&Running) -> T) -> anyhow::Result<T> {
        let running = self.running.borrow();
        Ok(ask(running.as_ref().context("the service is not running because a restart failed")?))
    }

    fn run(&self) -> anyhow::Result<()> {
        let setup = &self.setup;
        let mut command = command(setup);
        let mut announced = None;
        match setup.kind {
            Kind::Registry => {
                command.arg("serve");
            }
            Kind::Yardstick => {
                command.arg("0").arg(setup.database.url.as_str());
            }
            Kind::Anchor => {
                let port = free_port()?;
                announced = Some(Url::parse(&format!("http://127.0.0.1:{port}"))?);
                command.arg(port.to_string()).arg(setup.database.url.as_str());
            }
        }
        if let Some(group) = &setup.group {
            command = group.enter(&command);
        }
        let mut child = Child::start(command, &setup.folder.join("serve"), &self.network.interruption)?;
        let url = match announced {
            Some(url) => child.until(READY_WITHIN, "reachable", |_| Ok(is_reached(&url).then(|| url.clone())))?,
            None => child.until(READY_WITHIN, "listening", |child| Ok(greeted(&child.output()?)))?,
        };
        if setup.kind == Kind::Registry {
            let ready = url.join("ready")?;
            child.until(READY_WITHIN, "ready", |_| {
                self.network.interruption.check()?;
                Ok(self.network.get(&ready, None).ok())
            })?;
        }
        *self.running.borrow_mut() = Some(Running { child, url });
        Ok(())
    }
}

fn command(setup: &Setup) -> Command {
    let mut command = Command::new(&setup.program);
    if setup.kind == Kind::Registry {
        // These variables may be set for another service.
        command.env_remove("CONFIG_SERVICE_URL").env_remove("REDIS_URL");
        command.env("DATABASE_URL", setup.database.url.as_str()).env("DATA_DIR", setup.folder.join("data"));
        command.env("PORT", "0").env("LOG_LEVEL", "warn");
        command.envs(setup.key.as_ref().map(|key| ("INTERNAL_API_KEY", key)));
        command.envs(setup.environment.iter().map(|(name, value)| (name, value)));
    }
    command
}

/// Finds the address in a line such as `… listens on http://127.0.0.1:8901`.
fn greeted(output: &str) -> Option<Url> {
    let (whole_lines, _) = output.rsplit_once('\n')?;
    let url = whole_lines.lines().find_map(|line| Some(line.split_once(" listens on ")?.1))?;
    Url::parse(url.trim()).ok()
}

fn is_reached(url: &Url) -> bool {
    url.socket_addrs(|| None).is_ok_and(|addresses| TcpStream::connect(&*addresses).is_ok())
}

/// Returns a port that is free now. Another program can still take it before the service does.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("failed to find a free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_a_complete_line() {
        let url = |output: &str| greeted(output).map(|url| url.to_string());

        assert_eq!(url("warm\nyardstick listens on http://127.0.0.1:41"), None);
        assert_eq!(
            url("warm\nyardstick listens on http://127.0.0.1:4123\n"),
            Some("http://127.0.0.1:4123/".to_owned())
        );
        assert_eq!(url(""), None);
    }

    #[test]
    fn a_listening_service_is_reachable() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();

        assert!(is_reached(&url));
        drop(listener);
        assert!(!is_reached(&url));
    }
}
