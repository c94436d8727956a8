//! The environment of all measurements: programs, servers and running services.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Context;
use reqwest::Url;
use tempfile::TempDir;

use crate::args::Args;
use crate::catalogue::Catalogue;
use crate::cgroup::Group;
use crate::database::Server;
use crate::figures::Pairs;
use crate::interruption::Interruption;
use crate::loader::Loader;
use crate::network::Network;
use crate::report::Step;
use crate::service::{Kind, Service, Setup};

/// The number of databases in Redis' default configuration.
const REDIS_DATABASES: u32 = 16;

/// The first seed of a run is random and below this, so that Redis has no plan of an earlier run with the same seed.
const SEED_START_MAX: u64 = 1 << 40;

pub(crate) struct Field {
    pub(crate) loader: Loader,
    pub(crate) rounds: u64,
    pub(crate) seconds: u64,
    /// The baseline's maximum rate of a mixed load, if it was measured already.
    pub(crate) naive_most: Cell<Option<Step>>,
    registry: Slot,
    yardstick: Slot,
    anchor: Slot,
    programs: Programs,
    redis_url: Option<Url>,
    catalogue: Catalogue,
    server: Server,
    network: Network,
    made: Cell<u32>,
    /// The last field, so that the folder is removed after the services that have files in it.
    scratch: TempDir,
}

/// A service that is started when it is first used.
type Slot = RefCell<Option<Rc<Service>>>;

struct Programs {
    registry: PathBuf,
    yardstick: PathBuf,
    anchor: Option<PathBuf>,
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
    pub(crate) fn new(args: &Args, interruption: Interruption) -> anyhow::Result<Self> {
        let scratch =
            tempfile::Builder::new().prefix("registry-compare-").tempdir().context("failed to create a folder")?;
        let network = Network::new(interruption.clone())?;
        let redis_url = args.redis_url.as_deref().map(Url::parse).transpose().context("failed to parse --redis-url")?;
        let catalogue = Catalogue::write(scratch.path())?;
        let loader = Loader {
            program: args.loadtest.clone(),
            keys: catalogue.keys.clone(),
            folder: scratch.path().join("loadtest"),
            interruption,
            next_seed: Cell::new(fastrand::u64(..SEED_START_MAX)),
        };
        let programs = Programs {
            registry: args.registry.clone(),
            yardstick: args.yardstick.clone(),
            anchor: args.anchor.clone(),
        };
        Ok(Self {
            loader,
            rounds: args.rounds,
            seconds: args.seconds,
            naive_most: Cell::new(None),
            registry: Slot::default(),
            yardstick: Slot::default(),
            anchor: Slot::default(),
            programs,
            redis_url,
            catalogue,
            server: Server::new(&args.database_url, &network)?,
            network,
            made: Cell::new(0),
            scratch,
        })
    }

    /// Returns the registry with the settings that most works use.
    pub(crate) fn registry(&self) -> anyhow::Result<Rc<Service>> {
        taken(&self.registry, || self.new_registry(Instance { purpose: "registry", ..Instance::default() }))
    }

    pub(crate) fn yardstick(&self) -> anyhow::Result<Rc<Service>> {
        taken(&self.yardstick, || self.other("yardstick", Kind::Yardstick, &self.programs.yardstick))
    }

    /// Returns the external yardstick, if one was given.
    pub(crate) fn anchor(&self) -> anyhow::Result<Option<Rc<Service>>> {
        let Some(program) = &self.programs.anchor else { return Ok(None) };
        taken(&self.anchor, || self.other("anchor", Kind::Anchor, program)).map(Some)
    }

    /// Returns the baseline for plans: the external yardstick if one was given, otherwise the yardstick.
    pub(crate) fn naive(&self) -> anyhow::Result<Rc<Service>> {
        self.anchor()?.map_or_else(|| self.yardstick(), Ok)
    }

    /// Starts another instance of the registry, with its own database and its own number of a Redis database.
    pub(crate) fn new_registry(&self, instance: Instance) -> anyhow::Result<Service> {
        self.say(&format!("starting the registry ({})", instance.purpose));
        let number = self.made.replace(self.made.get() + 1);
        let mut environment = instance.environment;
        if let Some(url) = &self.redis_url {
            let mut url = url.clone();
            url.set_path(&(number % REDIS_DATABASES).to_string());
            environment.push(("REDIS_URL", url.to_string()));
        }
        let setup = Setup {
            kind: Kind::Registry,
            program: self.programs.registry.clone(),
            database: self.server.create(instance.purpose)?,
            folder: self.scratch.path().join(format!("{}-{number}", instance.purpose)),
            environment,
            group: instance.group,
            key: Some(new_key()?),
        };
        if instance.dumps.is_empty() {
            return Service::start_with(setup, &self.network, std::slice::from_ref(&self.catalogue.dump));
        }
        Service::start_with(setup, &self.network, &instance.dumps)
    }

    fn other(&self, purpose: &'static str, kind: Kind, program: &std::path::Path) -> anyhow::Result<Service> {
        self.say(&format!("starting the {purpose}"));
        let setup = Setup {
            kind,
            program: program.to_owned(),
            database: self.server.create(purpose)?,
            folder: self.scratch.path().join(purpose),
            environment: Vec::new(),
            group: None,
            key: None,
        };
        Service::start(setup, &self.network)
    }

    /// Returns the path of a file in the temporary folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Measures both sides in each round, and swaps their order from round to round.
    pub(crate) fn alternate(
        &self,
        work: &str,
        unit: &str,
        mut ours: impl FnMut(u64) -> anyhow::Result<f64>,
        mut other: impl FnMut(u64) -> anyhow::Result<f64>,
    ) -> anyhow::Result<Pairs> {
        let mut pairs = Pairs::default();
        for round in 0..self.rounds {
            // Both sides get the same requests.
            let seed = self.loader.seed();
            let (own, others) = if round % 2 == 0 {
                let own = ours(seed)?;
                (own, other(seed)?)
            } else {
                let others = other(seed)?;
                (ours(seed)?, others)
            };
            let number = round + 1;
            self.say(&format!("{work} {number}/{}: service {own:.3}, baseline {others:.3} {unit}", self.rounds));
            pairs.ours.push(own);
            pairs.other.push(others);
        }
        Ok(pairs)
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Prints the progress to standard error.
    pub(crate) fn say(&self, text: &str) {
        // A closed standard error is not a failure.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Fails if a signal has arrived.
    ///
    /// # Errors
    /// A signal has arrived.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.network.interruption.check()
    }

    /// Drops all services, because they may be faulty after an error; the next work starts new ones.
    pub(crate) fn clear(&self) {
        for slot in [&self.registry, &self.yardstick, &self.anchor] {
            slot.take();
        }
    }
}

fn taken(slot: &Slot, start: impl FnOnce() -> anyhow::Result<Service>) -> anyhow::Result<Rc<Service>> {
    let mut slot = slot.borrow_mut();
    if let Some(service) = &*slot {
        return Ok(Rc::clone(service));
    }
    Ok(Rc::clone(slot.insert(Rc::new(start()?))))
}

fn new_key() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("failed to create an API key: {error}"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
