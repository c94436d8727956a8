//! Memory and completion under ordinary but heavy use: 384 MB, 250,000 instruments, large profiles, and callers who hang
//! up. It asserts no speed. Every response must be complete and correct, every acknowledged plan must be read back, and the
//! process must survive with a bounded peak of memory.
//!
//! * `files` and `seed` create what is stored; `bodies` creates large requests;
//! * `caller` waits for responses, `hangups` does not;
//! * `lists` and `export`, `abandoned` and `plans` are the steps; `course` runs them and writes the report.

mod abandoned;
mod bodies;
mod caller;
mod course;
mod export;
mod files;
mod hangups;
mod lists;
mod plans;
mod seed;

use std::sync::Arc;
use std::thread;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;
use serde_json::json;

use self::caller::{Caller, Content};
use self::course::{Course, Outcome};
use self::hangups::Destination;
use self::plans::Writer;
use crate::cgroup::{Group, Share, USUAL_PERIOD_US};
use crate::field::{Field, Instance};
use crate::row::Row;
use crate::service::{BASE, Service};

const MEMORY_MB: u64 = 384;

/// The base path of the profiles.
const PROFILES_BASE: &str = "api/v1/internal/subscription-profiles";

/// The number of file descriptors of this program and of the service, which inherits the limit.
const FILES_MIN: u64 = 8_192;

/// The number of different instruments that plans and imports use.
const KEYS: usize = 6_000;

/// The maximum number of instruments of a page.
const PAGE: usize = 1_000;

/// The settings that allow the largest plans and profiles. The timeouts are longer than usual, because a slow machine must
/// not decide whether a response is complete.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "5000"),
    ("INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER", "10000"),
    ("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT", "false"),
    ("INSTRUMENT_REGISTRY_SUBSCRIPTION_TIMEOUT", "300"),
    ("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "300"),
];

/// Runs all steps. Requires root and control groups.
pub(super) fn bounded(field: &Field) -> anyhow::Result<Vec<Row>> {
    let processors = thread::available_parallelism().map_or(1, usize::from) as f64;
    let share = Share { processors, period_us: USUAL_PERIOD_US, memory_mb: Some(MEMORY_MB) };
    let group = match Group::make(share) {
        Ok(group) => group,
        Err(error) => {
            field.say(&format!("skipped: pressure requires root and control groups: {error:#}"));
            return Ok(vec![Row::skipped("pressure", format!("requires root and control groups: {error:#}"))]);
        }
    };
    allow_files()?;
    let dumps = files::write(field)?;
    let environment = ENVIRONMENT.map(|(name, value)| (name, value.to_owned())).to_vec();
    let registry = field.new_registry(Instance { purpose: "pressure", environment, group: Some(group), dumps })?;
    let mut course = Course::new(field, &registry)?;
    let ended = steps(&mut course, &registry);
    course.end(ended)
}

fn steps(course: &mut Course<'_>, service: &Service) -> anyhow::Result<()> {
    let caller = Caller::new(service)?;
    let destination = Destination::of(service)?;
    let network = course.field.network();
    course.field.say("pressure: storing profiles");
    let seed = Arc::new(seed::fill(service, &caller, network)?);
    course.stored()?;
    let keys = network.wait(keys(&caller))?;
    let mut acknowledged = course.step("300 plans of 5,000 instruments", async {
        let plans = plans::create_all(&caller, &keys).await?;
        Ok((plans, Outcome::of(Vec::<anyhow::Result<()>>::new())))
    })?;
    let writer = network.wait(async { anyhow::Ok(Writer::start(&caller, &keys)) })?;

    let lists = lists::all(&seed);
    for list in &lists {
        let only = std::slice::from_ref(list);
        course.step(list.name, async { Ok(((), lists::read(&caller, only, &seed).await?)) })?;
    }
    course.step("all lists together", async { Ok(((), lists::read(&caller, &lists, &seed).await?)) })?;
    let imported = abandoned::run(course, &caller, &destination, &keys)?;

    course
        .step("other requests afterwards", async { Ok(((), afterwards(&caller, &keys, &mut acknowledged).await)) })?;
    course.step("plans created meanwhile", async {
        let (meanwhile, errors) = writer.stop().await?;
        let note = format!("{} plans acknowledged", meanwhile.len());
        anyhow::ensure!(!meanwhile.is_empty(), "no plan was acknowledged meanwhile");
        acknowledged.extend(meanwhile);
        Ok(((), Outcome::of(errors.into_iter().map(Err)).noted(note)))
    })?;
    course.step("acknowledged plans read back", async { Ok(((), plans::read_back(&caller, acknowledged).await?)) })?;
    course.step("imported profiles read back", async { Ok(((), abandoned::read_back(&caller, &imported).await?)) })
}

/// Sends a request of each kind.
async fn afterwards(caller: &Caller, keys: &[String], acknowledged: &mut Vec<plans::Plan>) -> Outcome {
    let mut results = Vec::new();
    for path in ["health", "ready", "metrics"] {
        results.push(caller.get(path).await.map(drop));
    }
    results.push(search(caller).await);
    results.push(caller.get(&format!("{BASE}/subscriptions/plans?limit=200")).await.map(drop));
    results.push(caller.get(&format!("{PROFILES_BASE}/users/{}/profiles", seed::USER)).await.map(drop));
    let plan = plans::create(caller, "pressure-afterwards", &keys[..PAGE]).await;
    results.push(plan.map(|plan| acknowledged.push(plan)));
    Outcome::of(results)
}

/// Searches, which takes a long time if abandoned work comes first.
async fn search(caller: &Caller) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Found {
        instruments: Vec<serde_json::Value>,
    }
    let body = Content::json(&json!({ "query": "STOCK123" }));
    let answer = caller.post(&format!("{BASE}/search?page_size=50"), &body).await?;
    let found: Found = serde_json::from_slice(&answer.body).context("failed to parse the search")?;
    anyhow::ensure!(!found.instruments.is_empty(), "the search found nothing");
    Ok(())
}

/// Returns the keys of active options.
async fn keys(caller: &Caller) -> anyhow::Result<Vec<String>> {
    let mut keys = Vec::with_capacity(KEYS);
    for offset in (0..KEYS).step_by(PAGE) {
        keys.extend(seed::options(caller, &format!("is_active=true&limit={PAGE}&offset={offset}")).await?);
    }
    anyhow::ensure!(keys.len() == KEYS, "expected {KEYS} instruments, got {}", keys.len());
    Ok(keys)
}

/// Raises the limit of open files.
fn allow_files() -> anyhow::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= FILES_MIN) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(FILES_MIN), maximum: maximum.map(|maximum| maximum.max(FILES_MIN)) };
    setrlimit(Resource::Nofile, raised).with_context(|| format!("failed to allow {FILES_MIN} open files"))
}
