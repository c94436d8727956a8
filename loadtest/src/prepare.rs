//! Creates the input of a run before the clock starts: keys, limits, rendered requests, and plans to repeat or read.

use std::fmt::Arguments;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::args::Dialect;
use crate::keys::{KEYS_MAX, Keys, Marks};
use crate::kind::RequestKind;
use crate::ledger::Ledger;
use crate::run::{Plan, Stage, run};
use crate::settings::{Service, Settings, enough};
use crate::site::{INSTRUMENTS, PLANS};
use crate::tally::Tally;
use crate::wire::Connection;
use crate::workload::Workload;

/// The number of instruments in a page of the catalog: the maximum of the contract.
const CATALOGUE_PAGE: usize = 1_000;

/// Connections that create the pool: enough to be fast, and few enough that no request is rejected.
const POOL_CONNECTIONS_MAX: usize = 32;

/// Maximum memory for rendered requests. Others are rendered when they are sent.
const POOL_BYTES_MAX: usize = 512 << 20;

/// The longest key with its quotes and a comma.
const KEY_BYTES: usize = 20;

/// Maximum number of instruments of a plan: of the yardstick, and in the contract.
const YARDSTICK_LIMIT: usize = 1_000;
const CONTRACT_LIMIT: usize = 5_000;

/// Reads keys and limits from the registry, and creates the plans of the pool if the mix has no new ones. Also returns
/// the results of their creation, for the report.
pub(crate) fn prepare(settings: Settings) -> anyhow::Result<(Plan, Tally, Ledger)> {
    use RequestKind::{Describe, Echo, Hello, List, New, Read, Reorder, Repeat};
    let Settings { service, mut workload, ids } = settings;
    let (scenario, is_registry) = (workload.scenario.clone(), service.dialect == Dialect::Registry);
    let mix = &scenario.mix;
    // Plans with given ids are read without instruments.
    let without: &[RequestKind] = if ids.is_empty() { &[Hello] } else { &[Hello, Read, Describe, List] };
    let needs_keys = mix.has_others_than(without);
    let asks_for_plans = mix.has(&[New, Repeat, Reorder, Read, Describe, List]);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start a runtime")?;
    let limit = runtime.block_on(async {
        let mut connection = Connection::new(service.target.addresses.clone().into(), service.timeout);
        if needs_keys && workload.keys.len() == 0 {
            let is_catalogue = is_registry && mix.has_others_than(&[Hello, Echo]);
            workload.keys =
                if is_catalogue { catalogue(&service, &mut connection).await? } else { Keys::of_the_yardstick() };
        }
        match service.dialect {
            Dialect::Yardstick => Ok(YARDSTICK_LIMIT),
            Dialect::Registry if asks_for_plans => limit(&service, &mut connection).await,
            Dialect::Registry => Ok(CONTRACT_LIMIT),
        }
    })?;
    if needs_keys {
        enough(&workload.keys, &scenario.sizes, "the catalog; use --keys with a longer list")?;
    }
    let is_repeated = mix.has(&[Repeat, Reorder]) || !mix.has(&[New]);
    let needs_pool = !mix.has(&[New]) && ids.is_empty() && asks_for_plans;
    let longest = scenario.sizes.iter().max().unwrap_or(&0) * KEY_BYTES;
    let fitting = (POOL_BYTES_MAX / longest.max(1)) as u64;
    let pool = scenario.pool;
    let places = if needs_pool && pool <= fitting { pool } else { 0 };
    let rendered = ready_requests(&workload, places, |user, body, out| service.site.create_plan(user, body, out));
    let places = if mix.has(&[Echo]) { pool.min(fitting) } else { 0 };
    let bytes = scenario.answer_bytes;
    let echoes = ready_requests(&workload, places, |_, body, out| {
        service.site.send("POST", format_args!("/echo?n={bytes}"), body, out);
    });
    let connections = scenario.connections.clamp(1, POOL_CONNECTIONS_MAX);
    let (pool, acknowledged) = (rendered, Vec::new());
    let mut prepared = Plan { service, ids, workload, limit, is_repeated, pool, echoes, acknowledged };
    if !needs_pool {
        return Ok((prepared, Tally::new(), Ledger::default()));
    }
    let made = run(&prepared, Stage::Pool, connections)?;
    prepared.acknowledged = made.ledger.acknowledgements();
    Ok((prepared, made.tally, made.ledger))
}

/// Renders the first `places` plan requests of the pool with `write`, which gets the user and the body.
fn ready_requests(workload: &Workload, places: u64, write: impl Fn(&str, &[u8], &mut Vec<u8>)) -> Vec<Box<[u8]>> {
    let (mut marks, mut drawn, mut body, mut out) = (Marks::default(), Vec::new(), Vec::new(), Vec::new());
    let one = |place| {
        let request = workload.plan_request_of(place);
        workload.instruments(place, &mut marks, &mut drawn);
        body.clear();
        workload.write_body(request, &drawn, &mut body);
        write(&workload.user_id(request.user), &body, &mut out);
        out.as_slice().into()
    };
    (0..places).map(one).collect()
}

/// Reads every active instrument, up to [`KEYS_MAX`].
async fn catalogue(service: &Service, connection: &mut Connection) -> anyhow::Result<Keys> {
    let mut keys = Vec::new();
    loop {
        let offset = keys.len();
        let path = format_args!("{INSTRUMENTS}/instruments?is_active=true&limit={CATALOGUE_PAGE}&offset={offset}");
        let (status, page) = get(service, connection, "the catalog", path).await?;
        if status != 200 {
            bail!("failed to read the catalog: status `{status}`; use --keys with a list of keys");
        }
        let instruments = page["instruments"].as_array().context("the catalog has no list of instruments")?;
        keys.extend(instruments.iter().filter_map(|entry| entry["instrument_key"].as_str()).map(str::to_owned));
        let is_full = instruments.len() == CATALOGUE_PAGE;
        if !is_full || page["pagination"]["has_next"] != true || keys.len() >= KEYS_MAX {
            break;
        }
    }
    Keys::collect(keys.iter().map(String::as_str)).context("failed to select keys from the catalog")
}

/// Reads the maximum number of instruments of a plan from the registry's settings.
async fn limit(service: &Service, connection: &mut Connection) -> anyhow::Result<usize> {
    let path = format_args!("{PLANS}/planner/config");
    let (_, config) = get(service, connection, "the settings of the planner", path).await?;
    let max = &config["configuration"]["INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN"];
    // Without the settings, the limit of the contract applies.
    let max = max.as_str().and_then(|max| max.parse().ok());
    Ok(max.unwrap_or(CONTRACT_LIMIT).min(CONTRACT_LIMIT))
}

/// Returns the status and the body of a response. The body is `null` if it is not JSON.
async fn get(
    service: &Service,
    connection: &mut Connection,
    what: &str,
    path: Arguments<'_>,
) -> anyhow::Result<(u16, Value)> {
    let mut request = Vec::new();
    service.site.bare("GET", path, &mut request);
    let answer = connection.exchange(&request).await;
    let answer = answer.with_context(|| format!("failed to read {what} from {}", service.target.base))?;
    Ok((answer.status, serde_json::from_slice(answer.body).unwrap_or_default()))
}
