//! Creates the input of a run before the clock starts: keys, limits, rendered requests, and plans to repeat or read.

use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::args::Dialect;
use crate::keys::{KEYS_MAX, Keys, Marks};
use crate::kind::Kind;
use crate::kind::Mix;
use crate::ledger::Ledger;
use crate::prepared::Prepared;
use crate::profile;
use crate::run::{Stage, run};
use crate::settings::{Service, Settings, enough};
use crate::site::{CATALOGUE_PAGE, Site};
use crate::tally::Tally;
use crate::wire::{Answer, Connection};
use crate::workload::Workload;

/// Connections that create the pool: enough to be fast, and few enough that no request is rejected.
const POOL_CONNECTIONS_MAX: usize = 32;

/// Maximum memory for rendered requests. Others are rendered when they are sent.
const POOL_BYTES_MAX: usize = 512 << 20;

/// The longest key with its quotes and a comma.
const KEY_BYTES: usize = 20;

/// Maximum number of instruments of a plan: of the yardstick, and in the contract.
const YARDSTICK_LIMIT: usize = 1_000;
const CONTRACT_LIMIT: usize = 5_000;

/// Reads keys and limits from the registry, and creates the plans of the pool if the mix has no new ones. Also returns the
/// results of their creation, for the report.
///
/// # Errors
///
/// If the registry cannot be reached, has too few keys, or lacks a capability that the scenario needs.
pub(crate) fn prepare(settings: Settings) -> anyhow::Result<(Arc<Prepared>, Tally, Ledger)> {
    let site = Site::new(&settings.service);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start a runtime")?;
    let (keys, limit) = runtime.block_on(async {
        let mut desk = Desk::new(&settings.service, &site);
        let keys = match &settings.keys {
            _ if !needs_keys(&settings) => Keys::default(),
            Some(keys) => keys.clone(),
            None if settings.service.dialect == Dialect::Yardstick || is_raw(&settings.mix) => Keys::of_the_yardstick(),
            None => desk.catalogue().await?,
        };
        if needs_keys(&settings) {
            enough(&keys, &settings.scenario.plans.sizes, "the catalog; use --keys with a longer list")?;
        }
        if settings.mix.has(&[Kind::Profile]) {
            desk.look_for_profiles(&keys).await?;
        }
        if settings.mix.has(&[Kind::Search]) {
            desk.look_for_search().await?;
        }
        let limit = match settings.service.dialect {
            Dialect::Yardstick => YARDSTICK_LIMIT,
            Dialect::Registry if asks_for_plans(&settings.mix) => desk.limit().await?,
            Dialect::Registry => CONTRACT_LIMIT,
        };
        anyhow::Ok((keys, limit))
    })?;
    let workload = Workload {
        keys,
        sizes: settings.scenario.plans.sizes.clone(),
        users: settings.scenario.plans.users,
        broker: settings.broker.clone(),
        seed: settings.seed,
        mix: settings.mix,
        pool: settings.scenario.raw.pool,
    };
    let is_repeated = settings.mix.has(&[Kind::Repeat, Kind::Reorder]) || !workload.has_new();
    let needs_pool = !workload.has_new() && settings.ids.is_empty() && asks_for_plans(&settings.mix);
    let longest = settings.scenario.plans.sizes.iter().max().unwrap_or(&0) * KEY_BYTES;
    let is_ready = longest * settings.scenario.raw.pool as usize <= POOL_BYTES_MAX;
    let places = |is_wanted: bool| if is_wanted { settings.scenario.raw.pool } else { 0 };
    let write = |user: &str, body: &[u8], out: &mut Vec<u8>| site.create_plan(user, body, out);
    let pool = ready_requests(&workload, places(needs_pool && is_ready), write);
    let write = |_: &str, body: &[u8], out: &mut Vec<u8>| site.echo(settings.scenario.raw.answer_bytes, body, out);
    let fitting = (POOL_BYTES_MAX / longest.max(1)) as u64;
    let echoes = ready_requests(&workload, places(settings.mix.has(&[Kind::Echo])).min(fitting), write);
    let prepared = Prepared { settings, site, workload, limit, is_repeated, pool, echoes, acknowledged: Vec::new() };
    let prepared = Arc::new(prepared);
    if !needs_pool {
        return Ok((prepared, Tally::new(), Ledger::default()));
    }
    let connections = prepared.settings.scenario.connections.clamp(1, POOL_CONNECTIONS_MAX);
    let made = run(&prepared, Stage::Pool, connections, 0)?;
    let mut prepared = Arc::into_inner(prepared).context("threads of the pool still run")?;
    prepared.acknowledged = made.ledger.acknowledgements();
    Ok((Arc::new(prepared), made.tally, made.ledger))
}

/// Renders the first `places` plan requests of the pool with `write`, which gets the user and the body.
fn ready_requests(workload: &Workload, places: u64, write: impl Fn(&str, &[u8], &mut Vec<u8>)) -> Vec<Box<[u8]>> {
    let (mut marks, mut drawn, mut body, mut out) = (Marks::default(), Vec::new(), Vec::new(), Vec::new());
    let one = |place| {
        let ask = workload.ask_of(place);
        workload.instruments(place, &mut marks, &mut drawn);
        body.clear();
        workload.write_body(ask, &drawn, &mut body);
        write(&workload.user_id(ask.user), &body, &mut out);
        out.as_slice().into()
    };
    (0..places).map(one).collect()
}

/// Whether requests contain instruments. Plans with given ids are read without them.
fn needs_keys(settings: &Settings) -> bool {
    use Kind::{Describe, Hello, List, Read};
    let without: &[Kind] = if settings.ids.is_empty() { &[Hello] } else { &[Hello, Read, Describe, List] };
    settings.mix.has_others_than(without)
}

/// Whether all requests go to the raw endpoints of the yardstick.
fn is_raw(mix: &Mix) -> bool {
    !mix.has_others_than(&[Kind::Hello, Kind::Echo])
}

/// Whether plans are created or read.
fn asks_for_plans(mix: &Mix) -> bool {
    use Kind::{Describe, List, New, Read, Reorder, Repeat};
    mix.has(&[New, Repeat, Reorder, Read, Describe, List])
}

/// Sends requests one by one.
struct Desk<'a> {
    site: &'a Site,
    base: &'a str,
    connection: Connection,
    request: Vec<u8>,
}

#[derive(Deserialize)]
struct CataloguePage {
    instruments: Vec<CatalogueEntry>,
    pagination: CataloguePages,
}

#[derive(Deserialize)]
struct CatalogueEntry {
    instrument_key: String,
}

#[derive(Deserialize)]
struct CataloguePages {
    has_next: bool,
}

#[derive(Deserialize)]
struct PlannerConfig {
    configuration: PlannerConfiguration,
}

#[derive(Deserialize)]
struct PlannerConfiguration {
    #[serde(rename = "INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN")]
    max_instruments: String,
}

impl<'a> Desk<'a> {
    fn new(service: &'a Service, site: &'a Site) -> Self {
        let connection = Connection::new(service.target.addresses.clone().into(), service.timeout);
        Self { site, base: &service.target.base, connection, request: Vec::new() }
    }

    async fn ask(&mut self, what: &str, write: impl FnOnce(&Site, &mut Vec<u8>)) -> anyhow::Result<Answer<'_>> {
        write(self.site, &mut self.request);
        let base = self.base;
        self.connection.exchange(&self.request).await.with_context(|| format!("failed to read {what} from {base}"))
    }

    /// Reads every active instrument, up to [`KEYS_MAX`].
    async fn catalogue(&mut self) -> anyhow::Result<Keys> {
        let mut keys = Vec::new();
        loop {
            let offset = keys.len();
            let answer = self.ask("the catalog", |site, out| site.list_instruments(offset, out)).await?;
            if answer.status != 200 {
                bail!("failed to read the catalog: status `{}`; use --keys with a list of keys", answer.status);
            }
            let page: CataloguePage = serde_json::from_slice(answer.body).context("failed to read the catalog")?;
            let is_full = page.instruments.len() == CATALOGUE_PAGE;
            keys.extend(page.instruments.into_iter().map(|entry| entry.instrument_key));
            if !is_full || !page.pagination.has_next || keys.len() >= KEYS_MAX {
                break;
            }
        }
        Keys::collect(keys.iter().map(String::as_str)).context("failed to select keys from the catalog")
    }

    /// Reads the maximum number of instruments of a plan from the registry's settings.
    async fn limit(&mut self) -> anyhow::Result<usize> {
        let answer = self.ask("the settings of the planner", |site, out| site.planner_config(out)).await?;
        let config = serde_json::from_slice::<PlannerConfig>(answer.body).ok();
        // Without the settings, the limit of the contract applies.
        let max = config.and_then(|config| config.configuration.max_instruments.parse().ok());
        Ok(max.unwrap_or(CONTRACT_LIMIT).min(CONTRACT_LIMIT))
    }

    /// Fails if the registry has no profiles. The profile that is created for this check is deactivated.
    async fn look_for_profiles(&mut self, keys: &Keys) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Made {
            profile_id: String,
        }
        let mut body = Vec::new();
        profile::write_creation("load-look", keys, &[0], &mut body);
        let answer = self.ask("profiles", |site, out| site.create_profile(&body, out)).await?;
        if answer.status == 404 {
            bail!("this registry does not support profiles: creating one returned status `404`");
        }
        if let Ok(Made { profile_id }) = serde_json::from_slice(answer.body) {
            self.ask("profiles", |site, out| site.deactivate_profile(&profile_id, out)).await?;
        }
        Ok(())
    }

    /// Fails if the registry has no search.
    async fn look_for_search(&mut self) -> anyhow::Result<()> {
        let answer = self.ask("search results", |site, out| site.search("A", out)).await?;
        if answer.status == 404 {
            bail!("this registry does not support search: a query returned status `404`");
        }
        Ok(())
    }
}
