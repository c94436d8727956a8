//! Everything that takes part: the programs, the servers, and the services that run.

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

/// Redis has sixteen databases where nobody has said otherwise.
const REDIS_DATABASES: u32 = 16;

/// Seeds of a run begin anywhere below this, so that Redis knows none of them from a run before.
const SEED_START_MAX: u64 = 1 << 40;

pub(crate) struct Field {
    pub(crate) loader: Loader,
    pub(crate) rounds: u64,
    pub(crate) seconds: u64,
    /// How many answers a second the other side gives to a mixed load at most, once that was looked for.
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
    /// Last, for what is above has files in it.
    scratch: TempDir,
}

/// A service that is started when it is first asked for.
type Slot = RefCell<Option<Rc<Service>>>;

struct Programs {
    registry: PathBuf,
    yardstick: PathBuf,
    anchor: Option<PathBuf>,
}

/// What an instance of ours has of its own.
#[derive(Default)]
pub(crate) struct Instance {
    pub(crate) purpose: &'static str,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) group: Option<Group>,
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

    /// Ours, as most works want it.
    pub(crate) fn registry(&self) -> anyhow::Result<Rc<Service>> {
        taken(&self.registry, || self.new_registry(Instance { purpose: "registry", ..Instance::default() }))
    }

    pub(crate) fn yardstick(&self) -> anyhow::Result<Rc<Service>> {
        taken(&self.yardstick, || self.other("yardstick", Kind::Yardstick, &self.programs.yardstick))
    }

    /// None where none was given.
    pub(crate) fn anchor(&self) -> anyhow::Result<Option<Rc<Service>>> {
        let Some(program) = &self.programs.anchor else { return Ok(None) };
        taken(&self.anchor, || self.other("anchor", Kind::Anchor, program)).map(Some)
    }

    /// What ours is measured against where plans are concerned.
    pub(crate) fn naive(&self) -> anyhow::Result<Rc<Service>> {
        self.anchor()?.map_or_else(|| self.yardstick(), Ok)
    }

    /// Another instance of ours, with a database of its own, and none of Redis' that another has.
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
        Service::start_with(setup, &self.network, &self.catalogue.dump)
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

    /// A file that nobody else writes.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Measures both sides in turns, the first of a round being the second of the next.
    pub(crate) fn alternate(
        &self,
        work: &str,
        unit: &str,
        mut ours: impl FnMut(u64) -> anyhow::Result<f64>,
        mut other: impl FnMut(u64) -> anyhow::Result<f64>,
    ) -> anyhow::Result<Pairs> {
        let mut pairs = Pairs::default();
        for round in 0..self.rounds {
            // Both send the same requests.
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

    /// Tells whoever watches how far it is.
    pub(crate) fn say(&self, text: &str) {
        // Without standard error nobody watches.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// # Errors
    /// After a signal.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.network.interruption.check()
    }

    /// Forgets services that may be in a bad way, so that the next who asks gets new ones.
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
