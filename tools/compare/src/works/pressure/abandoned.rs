//! Imports and lookups whose callers hang up, with many idle connections.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::sleep;

use super::bodies;
use super::caller::{Answer, Caller};
use super::course::{Course, Outcome};
use super::hangups::{Abandoned, Destination};
use super::{PROFILES_BASE, search};
use crate::exposition;
use crate::row::Target;
use crate::service::{BASE, Service};

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

/// A profile that an import reported as created.
pub(super) struct Imported {
    profile_id: String,
    instrument_count: usize,
}

/// Runs the steps, and returns the profiles of imports that succeeded.
pub(super) async fn run(
    course: &mut Course<'_>,
    service: &Service,
    caller: &Caller,
    destination: &Destination,
    keys: &[String],
) -> anyhow::Result<Vec<Imported>> {
    // Each request has another connection.
    let probe = || async { Caller::new(service)?.get("health").await.map(drop) };
    let idle = course
        .step("2,000 idle connections", async {
            let idle = destination.open_idle(IDLE).await?;
            Ok((idle, Outcome::of([probe().await])))
        })
        .await?;

    let is_over = Cell::new(false);
    let abandoned = async {
        let abandoned = abandon(course, caller, destination, keys).await;
        is_over.set(true);
        abandoned
    };
    let health = async {
        let mut results = Vec::new();
        while !is_over.get() {
            results.push(probe().await);
            sleep(PAUSE).await;
        }
        results
    };
    let (imported, health) = tokio::join!(abandoned, health);
    let imported = imported?;
    course.step("health checks meanwhile", async { Ok(((), Outcome::of(health))) }).await?;
    drop(idle);
    Ok(imported)
}

async fn abandon(
    course: &mut Course<'_>,
    caller: &Caller,
    destination: &Destination,
    keys: &[String],
) -> anyhow::Result<Vec<Imported>> {
    let before = counts(caller, "/import").await?;
    let step = course.step("200 abandoned imports", async { Ok(imports(caller, destination, keys).await) });
    let (imported, sent) = step.await?;
    counted(course, caller, "/import", before, sent).await?;

    let before = counts(caller, ":batchResolve").await?;
    let bodies: Vec<_> = (0..LOOKUP_BODIES).map(|number| bodies::lookup(number, keys)).collect();
    let abandoned = |number: usize| Abandoned {
        path: format!("{BASE}/instruments:batchResolve"),
        content: &bodies[number % bodies.len()],
        part: 1.0,
        patience: LOOKUP_PATIENCE.mul_f64(fastrand::f64()),
    };
    let lookups = async {
        let sent = destination.hang_up_all(LOOKUPS, PARALLEL_LOOKUPS, abandoned).await;
        let since = Instant::now();
        let mut outcome = Outcome::of([search(caller).await]);
        let took = since.elapsed();
        if took > ANSWERED_WITHIN {
            outcome.faults.push(format!("the search took {took:?}"));
        }
        Ok((sent, outcome.noted(format!("a search after them took {:.1} s", took.as_secs_f64()))))
    };
    let sent = course.step("3,000 abandoned lookups", lookups).await?;
    counted(course, caller, ":batchResolve", before, sent).await?;
    Ok(imported)
}

/// Reads the profiles of successful imports.
pub(super) async fn read_back(caller: &Caller, imported: &[Imported]) -> Outcome {
    let mut results = Vec::with_capacity(imported.len());
    for Imported { profile_id, instrument_count } in imported {
        let read = async {
            let answer = caller.get(&format!("{PROFILES_BASE}/{profile_id}")).await?;
            let profile = answer.parse::<Value>()?;
            let count = profile["profile"]["instruments"].as_array().map_or(0, Vec::len);
            anyhow::ensure!(count == *instrument_count, "expected {instrument_count} instruments, got {count}");
            Ok(())
        };
        results.push(read.await.with_context(|| profile_id.clone()));
    }
    Outcome::of(results)
}

/// Sends all imports at once. Returns the profiles of those with a response, and how many requests were sent.
async fn imports(caller: &Caller, destination: &Destination, keys: &[String]) -> ((Vec<Imported>, u64), Outcome) {
    let files = bodies::imports(keys);
    let path = |number: usize| format!("{PROFILES_BASE}/users/pressure-import-{number}/import");
    let patient = async |number: usize| {
        let file = &files[number % files.len()];
        let answer = caller.post(&path(number), &file.content).await?;
        let created = created(&answer)?;
        anyhow::ensure!(created.len() == file.profiles, "expected {} profiles, got {}", file.profiles, created.len());
        anyhow::Ok((created, answer.requests))
    };
    let abandoned = |index: usize| {
        let number = PATIENT_IMPORTS + index;
        Abandoned {
            path: path(number),
            content: &files[number % files.len()].content,
            // A quarter of the callers hang up while they send the body.
            part: if number.is_multiple_of(4) { fastrand::f64() } else { 1.0 },
            patience: IMPORT_PATIENCE.mul_f64(fastrand::f64()),
        }
    };
    let impatient = IMPORTS - PATIENT_IMPORTS;
    let hung_up = destination.hang_up_all(impatient, impatient, abandoned);
    let (answers, mut sent) = tokio::join!(join_all((0..PATIENT_IMPORTS).map(patient)), hung_up);
    let (mut imported, mut results) = (Vec::new(), Vec::new());
    for answer in answers {
        results.push(answer.map(|(created, requests)| {
            sent += requests;
            imported.extend(created);
        }));
    }
    ((imported, sent), Outcome::of(results))
}

/// Returns the profiles that an import created.
fn created(answer: &Answer) -> anyhow::Result<Vec<Imported>> {
    let answer: Value = answer.parse()?;
    let of = |result: &Value| {
        anyhow::ensure!(result["status"] == "created", "a profile was not created: {result}");
        let profile_id = result["profile_id"].as_str().context("a created profile has no id")?.to_owned();
        let instrument_count = result["instrument_count"].as_u64().context("a created profile has no count")?;
        Ok(Imported { profile_id, instrument_count: instrument_count as usize })
    };
    answer["results"].as_array().context("an import has no results")?.iter().map(of).collect()
}

/// Returns the number of responses to POST requests of an endpoint, and of those whose callers hung up.
async fn counts(caller: &Caller, endpoint: &str) -> anyhow::Result<[f64; 2]> {
    let text = String::from_utf8(caller.get("metrics").await?.body)?;
    let (method, endpoint) = ("method=\"POST\"", format!("{endpoint}\""));
    let count = |labels: &[&str]| exposition::sum(&text, "instrument_registry_http_requests_total", labels);
    Ok([count(&[method, &endpoint]), count(&[method, &endpoint, "status=\"499\""])])
}

/// Waits until all requests that were sent are counted.
async fn counted(
    course: &mut Course<'_>,
    caller: &Caller,
    endpoint: &str,
    before: [f64; 2],
    sent: u64,
) -> anyhow::Result<()> {
    let since = Instant::now();
    let [all, hung_up] = loop {
        let [all, hung_up] = counts(caller, endpoint).await?;
        let now = [all - before[0], hung_up - before[1]];
        if now[0] >= sent as f64 || since.elapsed() > COUNTED_WITHIN {
            break now;
        }
        sleep(PAUSE).await;
    };
    let note = format!("{sent} requests sent; {hung_up} counted as 499");
    course.figure(&format!("requests to …{endpoint} in the metrics"), "", all, Target::Exactly(sent as f64), &note);
    course.figure(&format!("requests to …{endpoint} with 499"), "", hung_up, Target::AtLeast(1.0), "");
    Ok(())
}
