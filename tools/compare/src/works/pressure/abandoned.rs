//! Imports and lookups whose callers hang up, with many idle connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Deserialize;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::bodies;
use super::caller::{Caller, Content};
use super::course::{Course, Outcome};
use super::hangups::{Abandoned, Destination};
use super::{PROFILES_BASE, search};
use crate::exposition;
use crate::row::Target;
use crate::service::BASE;

const IMPORTS: usize = 200;

/// The number of imports whose callers wait for the response.
const PATIENT_IMPORTS: usize = 10;

const LOOKUPS: usize = 3_000;

/// The number of lookups at a time.
const PARALLEL_LOOKUPS: usize = 300;

/// The number of different lookups.
const LOOKUP_BODIES: usize = 8;

const IDLE: usize = 2_000;

/// The patience of the most patient caller of an import and of a lookup.
const IMPORT_PATIENCE: Duration = Duration::from_secs(3);
const LOOKUP_PATIENCE: Duration = Duration::from_millis(60);

/// The pause between two checks of health, and between two looks at the metrics.
const PAUSE: Duration = Duration::from_millis(200);

/// The time until all requests are counted.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);

/// The time until a search is answered after the callers have hung up.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

const REQUESTS: &str = "instrument_registry_http_requests_total";

/// A profile that an import reported as created.
pub(super) struct Imported {
    profile_id: String,
    instrument_count: usize,
}

#[derive(Deserialize)]
struct ImportAnswer {
    results: Vec<ImportResult>,
}

#[derive(Deserialize)]
struct ImportResult {
    status: String,
    profile_id: Option<String>,
    instrument_count: Option<usize>,
    detail: Option<String>,
}

/// Runs the steps, and returns the profiles of imports that succeeded.
pub(super) fn run(
    course: &mut Course<'_>,
    caller: &Caller,
    destination: &Destination,
    keys: &[String],
) -> anyhow::Result<Vec<Imported>> {
    let probe = caller.without_connections()?;
    let idle = course.step("2,000 idle connections", async {
        let idle = destination.open_idle(IDLE).await?;
        let health = probe.get("health").await.map(drop);
        Ok((idle, Outcome::of([health])))
    })?;
    let health = course.field.network().wait(async { anyhow::Ok(Health::watch(&probe)) })?;

    let before = course.field.network().wait(counts(caller, "/import"))?;
    let (imported, sent) = course.step("200 abandoned imports", async { imports(caller, destination, keys).await })?;
    counted(course, caller, "/import", before, sent)?;

    let before = course.field.network().wait(counts(caller, ":batchResolve"))?;
    let sent = course.step("3,000 abandoned lookups", async {
        let bodies: Vec<Content> = (0..LOOKUP_BODIES).map(|number| bodies::lookup(number, keys)).collect();
        let abandoned = |number: usize| Abandoned {
            path: format!("{BASE}/instruments:batchResolve"),
            content: bodies[number % bodies.len()].clone(),
            part: 1.0,
            patience: LOOKUP_PATIENCE.mul_f64(fastrand::f64()),
        };
        let sent = destination.hang_up_all(LOOKUPS, PARALLEL_LOOKUPS, abandoned).await?;
        let since = Instant::now();
        let found = search(caller).await;
        let took = since.elapsed();
        let outcome = Outcome::of([found]).noted(format!("a search after them took {:.1} s", took.as_secs_f64()));
        let is_late = took > ANSWERED_WITHIN;
        Ok((sent, if is_late { outcome.fault(format!("the search took {took:?}")) } else { outcome }))
    })?;
    counted(course, caller, ":batchResolve", before, sent)?;
    course.step("health checks meanwhile", async { Ok(((), health.stop().await?)) })?;
    drop(idle);
    Ok(imported)
}

/// Reads the profiles of successful imports.
pub(super) async fn read_back(caller: &Caller, imported: &[Imported]) -> anyhow::Result<Outcome> {
    #[derive(Deserialize)]
    struct Answer {
        profile: Stored,
    }
    #[derive(Deserialize)]
    struct Stored {
        instruments: Vec<String>,
    }
    let mut results = Vec::with_capacity(imported.len());
    for Imported { profile_id, instrument_count } in imported {
        let read = async {
            let answer = caller.get(&format!("{PROFILES_BASE}/{profile_id}")).await?;
            let Answer { profile } = serde_json::from_slice(&answer.body).context("failed to parse the profile")?;
            let count = profile.instruments.len();
            anyhow::ensure!(count == *instrument_count, "expected {instrument_count} instruments, got {count}");
            Ok(())
        };
        results.push(read.await.with_context(|| profile_id.clone()));
    }
    Ok(Outcome::of(results))
}

/// Sends all imports at once. Returns the profiles of those with a response, and how many requests were sent.
async fn imports(
    caller: &Caller,
    destination: &Destination,
    keys: &[String],
) -> anyhow::Result<((Vec<Imported>, u64), Outcome)> {
    let files = bodies::imports(keys);
    let mut patient = JoinSet::new();
    for number in 0..PATIENT_IMPORTS {
        let (caller, file) = (caller.clone(), files[number % files.len()].clone());
        patient.spawn(async move {
            let answer = caller.post(&import_path(number), &file.content).await?;
            let parsed: ImportAnswer = serde_json::from_slice(&answer.body).context("failed to parse an import")?;
            anyhow::Ok((file.profiles, answer.requests, parsed))
        });
    }
    let abandoned = IMPORTS - PATIENT_IMPORTS;
    let mut sent = destination
        .hang_up_all(abandoned, abandoned, |index| {
            let number = PATIENT_IMPORTS + index;
            Abandoned {
                path: import_path(number),
                content: files[number % files.len()].content.clone(),
                // A quarter of the callers hang up while they send the body.
                part: if number.is_multiple_of(4) { fastrand::f64() } else { 1.0 },
                patience: IMPORT_PATIENCE.mul_f64(fastrand::f64()),
            }
        })
        .await?;
    let (mut imported, mut results) = (Vec::new(), Vec::new());
    for answer in patient.join_all().await {
        results.push(answer.and_then(|(expected, requests, answer)| {
            sent += requests;
            let created = created(&answer)?;
            anyhow::ensure!(created.len() == expected, "expected {expected} profiles, got {}", created.len());
            imported.extend(created);
            Ok(())
        }));
    }
    Ok(((imported, sent), Outcome::of(results)))
}

fn import_path(number: usize) -> String {
    format!("{PROFILES_BASE}/users/pressure-import-{number}/import")
}

/// Returns the profiles that an import created.
fn created(answer: &ImportAnswer) -> anyhow::Result<Vec<Imported>> {
    let of = |result: &ImportResult| {
        let detail = result.detail.as_deref().unwrap_or_default();
        anyhow::ensure!(result.status == "created", "a profile is {}: {detail}", result.status);
        let profile_id = result.profile_id.clone().context("a created profile has no id")?;
        let instrument_count = result.instrument_count.context("a created profile has no count")?;
        Ok(Imported { profile_id, instrument_count })
    };
    answer.results.iter().map(of).collect()
}

/// The responses to POST requests of an endpoint.
#[derive(Clone, Copy)]
struct Counts {
    all: f64,
    /// Those whose callers hung up.
    hung_up: f64,
}

async fn counts(caller: &Caller, endpoint: &str) -> anyhow::Result<Counts> {
    let answer = caller.get("metrics").await?;
    let text = String::from_utf8(answer.body)?;
    let endpoint = format!("{endpoint}\"");
    let labels = ["method=\"POST\"", endpoint.as_str()];
    Ok(Counts {
        all: exposition::sum_with(&text, REQUESTS, &labels),
        hung_up: exposition::sum_with(&text, REQUESTS, &[labels[0], labels[1], "status=\"499\""]),
    })
}

/// Waits until all requests that were sent are counted.
fn counted(course: &mut Course<'_>, caller: &Caller, endpoint: &str, before: Counts, sent: u64) -> anyhow::Result<()> {
    let wait = async {
        let since = Instant::now();
        loop {
            let Counts { all, hung_up } = counts(caller, endpoint).await?;
            let now = Counts { all: all - before.all, hung_up: hung_up - before.hung_up };
            if now.all >= sent as f64 || since.elapsed() > COUNTED_WITHIN {
                return anyhow::Ok(now);
            }
            sleep(PAUSE).await;
        }
    };
    let now = course.field.network().wait(wait)?;
    let note = format!("{sent} requests sent; {} counted as 499", now.hung_up);
    course.figure(&format!("requests to …{endpoint} in the metrics"), "", now.all, Target::Exactly(sent as f64), &note);
    course.figure(&format!("requests to …{endpoint} with 499"), "", now.hung_up, Target::AtLeast(1.0), "");
    Ok(())
}

/// Checks the health again and again, each time over another connection.
struct Health {
    is_stopped: Arc<AtomicBool>,
    task: JoinHandle<Vec<anyhow::Result<()>>>,
}

impl Health {
    fn watch(probe: &Caller) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (stopped, probe) = (Arc::clone(&is_stopped), probe.clone());
        let task = tokio::spawn(async move {
            let mut results = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                results.push(probe.get("health").await.map(drop));
                sleep(PAUSE).await;
            }
            results
        });
        Self { is_stopped, task }
    }

    async fn stop(self) -> anyhow::Result<Outcome> {
        self.is_stopped.store(true, Ordering::Relaxed);
        Ok(Outcome::of(self.task.await.context("the health checks panicked")?))
    }
}
