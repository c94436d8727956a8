//! The environment of all measurements: programs, servers and running services.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Context;
use reqwest::Url;
use tempfile::TempDir;

use crate::args::Args;
use crate::catalogue;
use crate::cgroup::{Group, Share};
use crate::database::Server;
use crate::loader::{Load, Loader, Step};
use crate::row::{Pairs, Row};
use crate::service::{ANSWER_TIMEOUT, Service, ServiceKind, client};

/// The number of databases in Redis' default configuration.
const REDIS_DATABASES: usize = 16;

/// The first seed of a run is random and below this, so that Redis has no plan of an earlier run with the same seed.
const SEED_START_MAX: u64 = 1 << 40;

pub(crate) struct Field {
    pub(crate) loader: Loader,
    pub(crate) rounds: u64,
    pub(crate) seconds: u64,
    /// The baseline's maximum rate of a mixed load, if it was measured already.
    pub(crate) naive_most: Cell<Option<Step>>,
    /// The services that are started when they are first used.
    services: RefCell<Vec<Rc<Service>>>,
    programs: [Option<PathBuf>; 3],
    redis_url: Option<Url>,
    dump: PathBuf,
    server: Server,
    made: Cell<usize>,
    /// The last field, so that the folder is removed after the services that have files in it.
    scratch: TempDir,
}

/// The settings in which instances of the registry differ.
#[derive(Default)]
pub(crate) struct Instance {
    pub(crate) purpose: &'static str,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) group: Option<Group>,
    /// The files to ingest before the start, one after the other. Without any, it is the catalog that all sides know.
    pub(crate) dumps: Vec<PathBuf>,
}

impl Field {
    pub(crate) fn new(args: &Args) -> anyhow::Result<Self> {
        let scratch =
            tempfile::Builder::new().prefix("registry-compare-").tempdir().context("failed to create a folder")?;
        let redis_url = args.redis_url.as_deref().map(Url::parse).transpose().context("failed to parse --redis-url")?;
        let (dump, keys) = catalogue::write(scratch.path())?;
        let loader = Loader {
            program: args.loadtest.clone(),
            keys,
            folder: scratch.path().join("loadtest"),
            next_seed: Cell::new(fastrand::u64(..SEED_START_MAX)),
        };
        Ok(Self {
            loader,
            rounds: args.rounds,
            seconds: args.seconds,
            naive_most: Cell::new(None),
            services: RefCell::default(),
            programs: [Some(args.registry.clone()), Some(args.yardstick.clone()), args.anchor.clone()],
            redis_url,
            dump,
            server: Server::new(&args.database_url)?,
            made: Cell::new(0),
            scratch,
        })
    }

    /// Returns the registry with the settings that most works use.
    pub(crate) async fn registry(&self) -> anyhow::Result<Rc<Service>> {
        self.service(ServiceKind::Registry).await
    }

    pub(crate) async fn yardstick(&self) -> anyhow::Result<Rc<Service>> {
        self.service(ServiceKind::Yardstick).await
    }

    pub(crate) async fn anchor(&self) -> anyhow::Result<Option<Rc<Service>>> {
        Ok(if self.program(ServiceKind::Anchor).is_some() {
            Some(self.service(ServiceKind::Anchor).await?)
        } else {
            None
        })
    }

    /// Returns the baseline for plans: the external yardstick if one was given, otherwise the yardstick.
    pub(crate) async fn naive(&self) -> anyhow::Result<Rc<Service>> {
        let anchor = self.anchor().await?;
        if let Some(anchor) = anchor { Ok(anchor) } else { self.yardstick().await }
    }

    async fn service(&self, kind: ServiceKind) -> anyhow::Result<Rc<Service>> {
        if let Some(service) = self.services.borrow().iter().find(|service| service.kind == kind) {
            return Ok(Rc::clone(service));
        }
        let instance = Instance { purpose: "shared", ..Instance::default() };
        let service = Rc::new(self.start(kind, instance).await?);
        self.services.borrow_mut().push(Rc::clone(&service));
        Ok(service)
    }

    /// Starts another instance of the registry, with its own database and its own number of a Redis database.
    pub(crate) async fn new_registry(&self, instance: Instance) -> anyhow::Result<Service> {
        self.start(ServiceKind::Registry, instance).await
    }

    async fn start(&self, kind: ServiceKind, instance: Instance) -> anyhow::Result<Service> {
        let Instance { purpose, mut environment, group, mut dumps } = instance;
        self.say(&format!("starting the {kind:?} ({purpose})"));
        let number = self.made.replace(self.made.get() + 1);
        if let Some(url) = &self.redis_url {
            let mut url = url.clone();
            url.set_path(&(number % REDIS_DATABASES).to_string());
            environment.push(("REDIS_URL", url.to_string()));
        }
        let key = (kind == ServiceKind::Registry).then(new_key).transpose()?;
        if kind != ServiceKind::Registry {
            dumps.clear();
        } else if dumps.is_empty() {
            dumps.push(self.dump.clone());
        }
        let client = client(ANSWER_TIMEOUT, key.as_deref())?;
        let service = Service {
            kind,
            program: self.program(kind).cloned().context("no program")?,
            database: self.server.create(purpose).await?,
            folder: self.file(&format!("{purpose}-{number}")),
            environment,
            group,
            key,
            client,
            running: RefCell::default(),
        };
        service.start(&dumps).await
    }

    fn program(&self, kind: ServiceKind) -> Option<&PathBuf> {
        self.programs[kind as usize].as_ref()
    }

    /// Creates a control group, which requires root.
    ///
    /// # Errors
    /// The rows of a work that is skipped because this machine has no control groups.
    pub(crate) fn group(&self, work: &str, share: Share) -> Result<Group, Vec<Row>> {
        Group::make(share).map_err(|error| {
            let why = format!("requires root and control groups: {error:#}");
            self.say(&format!("skipped: {work} {why}"));
            vec![Row::skipped(work, why)]
        })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Measures both sides in each round, and swaps their order from round to round.
    pub(crate) async fn alternate(
        &self,
        work: &str,
        unit: &str,
        mut ours: impl AsyncFnMut(u64) -> anyhow::Result<f64>,
        mut other: impl AsyncFnMut(u64) -> anyhow::Result<f64>,
    ) -> anyhow::Result<Pairs> {
        let mut pairs = Pairs::default();
        for round in 0..self.rounds {
            // Both sides get the same requests.
            let seed = self.loader.seed();
            let (own, others) = if round % 2 == 0 {
                let own = ours(seed).await?;
                (own, other(seed).await?)
            } else {
                let others = other(seed).await?;
                (ours(seed).await?, others)
            };
            let number = round + 1;
            self.say(&format!("{work} {number}/{}: service {own:.3}, baseline {others:.3} {unit}", self.rounds));
            pairs.ours.push(own);
            pairs.other.push(others);
        }
        Ok(pairs)
    }

    /// Measures the rates of good responses to two loads.
    pub(crate) async fn rates(
        &self,
        work: &str,
        unit: &str,
        [(our_load, ours), (other_load, other)]: [(&Load, &Service); 2],
    ) -> anyhow::Result<Pairs> {
        let rate = async |load: &Load, service: &Service, seed| {
            anyhow::Ok(self.loader.run(load.clone().with("seed", seed), service).await?.goodput_per_second)
        };
        let ours = async |seed| rate(our_load, ours, seed).await;
        self.alternate(work, unit, ours, async |seed| rate(other_load, other, seed).await).await
    }

    /// Prints the progress to standard error.
    pub(crate) fn say(&self, text: &str) {
        // A closed standard error is not a failure.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Drops all shared services, because they may be faulty after an error; the next work starts new ones.
    pub(crate) fn clear(&self) {
        self.services.take();
    }

    pub(crate) async fn end(&self) {
        self.clear();
        self.server.drop_all().await;
    }
}

fn new_key() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("failed to create an API key: {error}"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
