//! Memory and completion under ordinary but heavy use: 384 MB, 250,000 instruments, large profiles, and callers who
//! hang up. It asserts no speed. Every response must be complete and correct, every acknowledged plan must be read
//! back, and the process must survive with a bounded peak of memory.
//!
//! * `seed` creates what is stored; `bodies` creates large requests;
//! * `caller` waits for responses, `hangups` does not;
//! * `lists` and `export`, and `abandoned` are the steps; `course` runs them and writes the report.

mod abandoned;
mod bodies;
mod caller;
mod course;
mod export;
mod hangups;
mod lists;
mod seed;

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use futures_util::stream::{self, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::abandoned::ImportResult;
use self::caller::{Caller, RequestBody};
use self::course::{Course, StepOutcome, WORK};
use self::seed::Seed;
use crate::catalogue;
use crate::cgroup::{Share, USUAL_PERIOD_US};
use crate::field::{Field, Instance};
use crate::row::Row;
use crate::service::{BASE, Service};

const MEMORY_MB: u64 = 384;
const PROFILES_BASE: &str = "api/v1/internal/subscription-profiles";

/// The number of file descriptors of this program and of the service, which inherits the limit.
const FILES_MIN: u64 = 8_192;
const KEYS: usize = 6_000;
const PAGE: usize = 1_000;

/// The user and the number of the plans that are created before everything else.
const PLANS_USER: &str = "pressure-plans";
const PLANS: usize = 300;

/// The number of their instruments: the maximum.
const PLAN_INSTRUMENTS: usize = 5_000;

/// The number of instruments of a plan that is created during the steps, and the pause between two of these plans.
const INSTRUMENTS_MEANWHILE: usize = 100;
const PAUSE_MEANWHILE: Duration = Duration::from_millis(50);
const READERS: usize = 8;

/// The settings that allow the largest plans and profiles. The timeouts are longer than usual, because a slow machine
/// must not decide whether a response is complete.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "5000"),
    ("INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER", "10000"),
    ("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT", "false"),
    ("INSTRUMENT_REGISTRY_SUBSCRIPTION_TIMEOUT", "300"),
    ("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "300"),
];

/// Runs all steps. Requires root and control groups.
pub(super) async fn bounded(field: &Field) -> anyhow::Result<Vec<Row>> {
    let processors = thread::available_parallelism().map_or(1, usize::from) as f64;
    let share = Share { processors, period_us: USUAL_PERIOD_US, memory_mb: Some(MEMORY_MB) };
    let group = match field.group(WORK, share) {
        Ok(group) => Some(group),
        Err(skipped) => return Ok(skipped),
    };
    allow_files()?;
    let dumps = catalogue::write_large(&field.file(""))?;
    let environment = ENVIRONMENT.map(|(name, value)| (name, value.to_owned())).to_vec();
    let registry = field.new_registry(Instance { purpose: "pressure", environment, group, dumps }).await?;
    let mut course = Course::new(field, &registry)?;
    let ended = Box::pin(steps(&mut course, &registry)).await;
    course.end(ended)
}

async fn steps(course: &mut Course<'_>, service: &Service) -> anyhow::Result<()> {
    let caller = &Caller::new(service)?;
    let seed = course.step("profiles stored", seed::fill(service, caller)).await?;
    let keys = &keys(caller).await?;
    let plans = async {
        let mut plans = Vec::with_capacity(PLANS);
        for number in 0..PLANS {
            // Each has another set of instruments, so that none is a repeat.
            plans.push(create_plan(caller, PLANS_USER, &keys[number..number + PLAN_INSTRUMENTS]).await?);
        }
        Ok((plans, StepOutcome::default()))
    };
    let mut acknowledged = course.step("300 plans of 5,000 instruments", plans).await?;
    let create = async |number| create_plan(caller, "pressure-meanwhile", window(keys, number)).await;
    let requests = read_and_abandon(course, service, caller, &seed, keys);
    let (imported, created) = meanwhile(requests, PAUSE_MEANWHILE, create).await;
    let imported = imported?;
    course.check("other requests afterwards", afterwards(caller, keys, &mut acknowledged)).await?;
    let note = format!("{} plans requested", created.len());
    let created = StepOutcome::of(created.into_iter().map(|plan| plan.map(|plan| acknowledged.push(plan)))).noted(note);
    anyhow::ensure!(acknowledged.len() > PLANS + 1, "no plan was acknowledged meanwhile");
    course.check("plans created meanwhile", async { created }).await?;
    let read = acknowledged.iter().map(|plan| async { plan.read_back(caller).await.context(plan.plan_id.clone()) });
    let read = stream::iter(read).buffer_unordered(READERS).collect::<Vec<_>>();
    course.check("acknowledged plans read back", async { StepOutcome::of(read.await) }).await?;
    course.check("imported profiles read back", abandoned::read_back(caller, &imported)).await
}

/// Reads the lists, each alone and then all together, and sends requests whose callers hang up.
async fn read_and_abandon(
    course: &mut Course<'_>,
    service: &Service,
    caller: &Caller,
    seed: &Seed,
    keys: &[String],
) -> anyhow::Result<Vec<ImportResult>> {
    let lists = lists::all(seed);
    for list in &lists {
        course.check(list.name, lists::read_lists(caller, std::slice::from_ref(list), seed)).await?;
    }
    course.check("all lists together", lists::read_lists(caller, &lists, seed)).await?;
    abandoned::run(course, service, caller, keys).await
}

/// Repeats `other`, with a pause, until `work` is over. Returns the results of both.
async fn meanwhile<T, O>(
    work: impl Future<Output = T>,
    pause: Duration,
    other: impl AsyncFn(usize) -> O,
) -> (T, Vec<O>) {
    let is_over = Cell::new(false);
    let work = async {
        let done = work.await;
        is_over.set(true);
        done
    };
    let others = async {
        let mut results = Vec::new();
        while !is_over.get() {
            results.push(other(results.len()).await);
            tokio::time::sleep(pause).await;
        }
        results
    };
    tokio::join!(Box::pin(work), others)
}

/// Sends a request of each kind.
async fn afterwards(caller: &Caller, keys: &[String], acknowledged: &mut Vec<Plan>) -> StepOutcome {
    let paths = ["health", "ready", "metrics"].map(ToOwned::to_owned).into_iter();
    let paths = paths.chain([
        format!("{BASE}/subscriptions/plans?limit=200"),
        format!("{PROFILES_BASE}/users/{}/profiles", seed::USER),
    ]);
    let mut results = vec![search(caller).await];
    for path in paths {
        results.push(caller.get(&path).await.map(drop));
    }
    let plan = create_plan(caller, "pressure-afterwards", &keys[..PAGE]).await;
    results.push(plan.map(|plan| acknowledged.push(plan)));
    StepOutcome::of(results)
}

/// Searches, which takes a long time if abandoned work comes first.
async fn search(caller: &Caller) -> anyhow::Result<()> {
    let body = RequestBody::json(&json!({ "query": "STOCK123" }));
    let found: Value = caller.post(&format!("{BASE}/search?page_size=50"), &body).await?.parse()?;
    anyhow::ensure!(found["instruments"][0].is_object(), "the search found nothing");
    Ok(())
}

async fn keys(caller: &Caller) -> anyhow::Result<Vec<String>> {
    let mut keys = Vec::with_capacity(KEYS);
    for offset in (0..KEYS).step_by(PAGE) {
        keys.extend(seed::options(caller, &format!("is_active=true&limit={PAGE}&offset={offset}")).await?);
    }
    anyhow::ensure!(keys.len() == KEYS, "expected {KEYS} instruments, got {}", keys.len());
    Ok(keys)
}

/// A plan that the service acknowledged, and must be read back byte for byte.
struct Plan {
    plan_id: String,
    document: String,
}

impl Plan {
    async fn read_back(&self, caller: &Caller) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Stored<'a> {
            #[serde(borrow)]
            plan: &'a RawValue,
        }
        let answer = caller.get(&format!("{BASE}/subscriptions/plans/{}", self.plan_id)).await?;
        let is_same = answer.parse::<Stored<'_>>()?.plan.get() == self.document;
        anyhow::ensure!(is_same, "differs from the acknowledged plan");
        Ok(())
    }
}

async fn create_plan(caller: &Caller, user: &str, keys: &[String]) -> anyhow::Result<Plan> {
    #[derive(Deserialize)]
    struct Created<'a> {
        plan_id: String,
        #[serde(borrow)]
        plan_data: &'a RawValue,
    }
    let body = json!({ "plan_name": "Pressure", "subscription_type": "live_feed", "instruments": keys });
    let path = format!("{BASE}/subscriptions/plan?user_id={user}");
    let answer = caller.post(&path, &RequestBody::json(&body)).await?;
    let Created { plan_id, plan_data } = answer.parse()?;
    Ok(Plan { plan_id, document: plan_data.get().to_owned() })
}

/// Returns different keys for each number.
fn window(keys: &[String], number: usize) -> &[String] {
    let starts = keys.len() / 2;
    let (first, more) = (number % starts, number / starts);
    &keys[first..first + INSTRUMENTS_MEANWHILE + more]
}

fn allow_files() -> anyhow::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let [current, maximum] = [current, maximum].map(|limit| limit.map(|limit| limit.max(FILES_MIN)));
    let raised = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    raised.with_context(|| format!("failed to allow {FILES_MIN} open files"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_different() {
        let keys: Vec<String> = (0..500).map(|number| number.to_string()).collect();

        assert_eq!(window(&keys, 3).len(), INSTRUMENTS_MEANWHILE);
        assert_eq!(window(&keys, 3)[0], "3");
        assert_eq!(window(&keys, 253).len(), INSTRUMENTS_MEANWHILE + 1);
        assert_eq!(window(&keys, 253)[0], "3");
    }
}
