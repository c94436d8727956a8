//! Imports and lookups whose callers hang up, with many idle connections.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::bodies;
use super::caller::Caller;
use super::course::{Course, StepOutcome};
use super::hangups::{AbandonedRequest, hang_up_all, open_idle};
use super::{PROFILES_BASE, meanwhile, search};
use crate::exposition;
use crate::row::Target;
use crate::service::{BASE, Service};

const IMPORTS: usize = 200;

/// The number of imports whose callers wait for the response.
const PATIENT_IMPORTS: usize = 10;
const LOOKUPS: usize = 3_000;
const PARALLEL_LOOKUPS: usize = 300;
const DIFFERENT_LOOKUPS: usize = 8;
const IDLE: usize = 2_000;

/// The patience of the most patient caller of an import and of a lookup.
const IMPORT_PATIENCE: Duration = Duration::from_secs(3);
const LOOKUP_PATIENCE: Duration = Duration::from_millis(60);

/// The pause between two checks of health, and between two looks at the metrics.
const PAUSE: Duration = Duration::from_millis(200);

/// The time until all requests are counted.
const COUNT_TIMEOUT: Duration = Duration::from_secs(60);

/// The time until a search is answered after the callers have hung up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
pub(super) struct ImportResult {
    status: String,
    profile_id: String,
    instrument_count: usize,
}

#[derive(Deserialize)]
struct ImportAnswer {
    results: Vec<ImportResult>,
}

/// Runs the steps, and returns the profiles of imports that succeeded.
pub(super) async fn run(
    course: &mut Course<'_>,
    service: &Service,
    caller: &Caller,
    keys: &[String],
) -> anyhow::Result<Vec<ImportResult>> {
    // Each request has another connection.
    let probe = || async { Caller::new(service)?.get("health").await.map(drop) };
    let open = async {
        let idle = open_idle(service, IDLE).await?;
        Ok((idle, StepOutcome::of([probe().await])))
    };
    let idle = course.step("2,000 idle connections", open).await?;
    let (imported, health) = meanwhile(abandon(course, service, caller, keys), PAUSE, async |_| probe().await).await;
    let imported = imported?;
    course.check("health checks meanwhile", async { StepOutcome::of(health) }).await?;
    drop(idle);
    Ok(imported)
}

async fn abandon(
    course: &mut Course<'_>,
    service: &Service,
    caller: &Caller,
    keys: &[String],
) -> anyhow::Result<Vec<ImportResult>> {
    let imports = async { Ok(imports(service, caller, keys).await) };
    let imported = counted(course, caller, "/import", "200 abandoned imports", imports).await?;
    let bodies: Vec<_> = (0..DIFFERENT_LOOKUPS).map(|number| bodies::lookup(number, keys)).collect();
    let abandoned = |number: usize| AbandonedRequest {
        path: format!("{BASE}/instruments:batchResolve"),
        content: &bodies[number % bodies.len()],
        part: 1.0,
        patience: LOOKUP_PATIENCE.mul_f64(fastrand::f64()),
    };
    let lookups = async {
        let sent = hang_up_all(service, LOOKUPS, PARALLEL_LOOKUPS, abandoned).await;
        let since = Instant::now();
        let mut outcome = StepOutcome::of([search(caller).await]);
        let took = since.elapsed();
        if took > ANSWER_TIMEOUT {
            outcome.faults.push(format!("the search took {took:?}"));
        }
        Ok((((), sent), outcome.noted(format!("a search after them took {:.1} s", took.as_secs_f64()))))
    };
    counted(course, caller, ":batchResolve", "3,000 abandoned lookups", lookups).await?;
    Ok(imported)
}

pub(super) async fn read_back(caller: &Caller, imported: &[ImportResult]) -> StepOutcome {
    let mut results = Vec::with_capacity(imported.len());
    for ImportResult { profile_id, instrument_count, .. } in imported {
        let read = async {
            let profile: Value = caller.get(&format!("{PROFILES_BASE}/{profile_id}")).await?.parse()?;
            let count = profile["profile"]["instruments"].as_array().map_or(0, Vec::len);
            anyhow::ensure!(count == *instrument_count, "expected {instrument_count} instruments, got {count}");
            Ok(())
        };
        results.push(read.await.with_context(|| profile_id.clone()));
    }
    StepOutcome::of(results)
}

/// Sends all imports at once. Returns the profiles of those with a response, and how many requests were sent.
async fn imports(service: &Service, caller: &Caller, keys: &[String]) -> ((Vec<ImportResult>, u64), StepOutcome) {
    let files = bodies::imports(keys);
    let path = |number: usize| format!("{PROFILES_BASE}/users/pressure-import-{number}/import");
    let patient = async |number: usize| {
        let (content, profiles) = &files[number % files.len()];
        let answer = caller.post(&path(number), content).await?;
        let ImportAnswer { results } = answer.parse()?;
        let created = results.iter().filter(|result| result.status == "created").count();
        let is_created = created == results.len() && created == *profiles;
        anyhow::ensure!(is_created, "expected {profiles} profiles, got {created} of {} results", results.len());
        anyhow::Ok((results, answer.requests))
    };
    let abandoned = |index: usize| {
        let number = PATIENT_IMPORTS + index;
        AbandonedRequest {
            path: path(number),
            content: &files[number % files.len()].0,
            // A quarter of the callers hang up while they send the body.
            part: if number.is_multiple_of(4) { fastrand::f64() } else { 1.0 },
            patience: IMPORT_PATIENCE.mul_f64(fastrand::f64()),
        }
    };
    let impatient = IMPORTS - PATIENT_IMPORTS;
    let hung_up = hang_up_all(service, impatient, impatient, abandoned);
    let (answers, mut sent) = tokio::join!(join_all((0..PATIENT_IMPORTS).map(patient)), hung_up);
    let mut imported = Vec::new();
    let outcome = StepOutcome::of(answers.into_iter().map(|answer| {
        answer.map(|(created, requests)| {
            sent += requests;
            imported.extend(created);
        })
    }));
    ((imported, sent), outcome)
}

/// Runs a step that sends requests to an endpoint, and waits until the service has counted all of them. The step
/// returns the number of requests after its result.
async fn counted<T>(
    course: &mut Course<'_>,
    caller: &Caller,
    endpoint: &str,
    step: &str,
    work: impl Future<Output = anyhow::Result<((T, u64), StepOutcome)>>,
) -> anyhow::Result<T> {
    let labels = ["method=\"POST\"", &format!("{endpoint}\""), "status=\"499\""];
    let counts = async || {
        let text = String::from_utf8(caller.get("metrics").await?.body)?;
        let count = |labels: &[&str]| exposition::sum(&text, "instrument_registry_http_requests_total", labels);
        anyhow::Ok([count(&labels[..2]), count(&labels)])
    };
    let before = counts().await?;
    let (value, sent) = course.step(step, work).await?;
    let since = Instant::now();
    let [all, hung_up] = loop {
        let [all, hung_up] = counts().await?;
        let now = [all - before[0], hung_up - before[1]];
        if now[0] >= sent as f64 || since.elapsed() > COUNT_TIMEOUT {
            break now;
        }
        sleep(PAUSE).await;
    };
    let note = format!("{sent} requests sent; {hung_up} counted as 499");
    course.figure(&format!("requests to …{endpoint} in the metrics"), "", all, Target::Exactly(sent as f64), &note);
    course.figure(&format!("requests to …{endpoint} with 499"), "", hung_up, Target::AtLeast(1.0), "");
    Ok(value)
}
