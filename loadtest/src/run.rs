//! The loop: each connection sends its next request when the answer to the last one is there; with a rate, no earlier than
//! the rate wants it, and its latency begins when the rate wants it, so that a service that falls behind shows it.
//!
//! Connections check their own answers and send what they saw to one collector, which owns the tally and the
//! ledger, so that nothing is locked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::answer::{self, Outcome, Verdict};
use crate::args::Settings;
use crate::client::Connection;
use crate::ledger::Ledger;
use crate::progress::Progress;
use crate::tally::Tally;
use crate::workload::PlanRequest;

/// Observations that may wait for the collector; beyond it connections wait, which shows as lower throughput
/// and never as latency.
const OBSERVATIONS_MAX: usize = 4_096;

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Load {
    /// Counts and latencies.
    pub(crate) tally: Tally,
    /// Every acknowledged plan.
    pub(crate) ledger: Ledger,
    /// Time from the first request to the last answer.
    pub(crate) elapsed: Duration,
}

/// One request and how it ended.
#[derive(Debug)]
struct Observation {
    origin: u64,
    is_repeat: bool,
    latency: Duration,
    verdict: Verdict,
}

/// Sends requests until they are used up or the time is. At the time bound no request is begun; those under
/// way are waited for, at most for the timeout of an answer.
///
/// # Errors
///
/// When a connection cannot be prepared or its task ended by a panic.
pub(crate) async fn run(settings: &Arc<Settings>, progress: Progress) -> anyhow::Result<Load> {
    let started = Instant::now();
    let deadline = started + settings.bounds.time;
    let next_index = Arc::new(AtomicU64::new(0));
    let (observed, observations) = mpsc::channel(OBSERVATIONS_MAX);
    let mut connections = JoinSet::new();
    for _ in 0..settings.connections {
        let connection = Connection::new(settings)?;
        let (settings, next_index, observed) = (settings.clone(), next_index.clone(), observed.clone());
        connections.spawn(drive(connection, settings, next_index, (started, deadline), observed));
    }
    // The collector ends when the last connection drops its sender.
    drop(observed);

    let (tally, ledger) = collect(observations, settings.bounds.requests, started, progress).await;
    let elapsed = started.elapsed();
    while let Some(ended) = connections.join_next().await {
        ended.context("drive a connection")?;
    }
    Ok(Load { tally, ledger, elapsed })
}

/// Sends one request after the other over `connection`.
async fn drive(
    mut connection: Connection,
    settings: Arc<Settings>,
    next_index: Arc<AtomicU64>,
    (started, deadline): (Instant, Instant),
    observed: mpsc::Sender<Observation>,
) {
    while Instant::now() < deadline {
        let index = next_index.fetch_add(1, Ordering::Relaxed);
        if index >= settings.bounds.requests {
            return;
        }
        let mut request = settings.workload.request(index);
        let wanted = settings.bounds.rate.map(|rate| started + Duration::from_secs_f64(index as f64 / f64::from(rate)));
        if let Some(wanted) = wanted {
            if wanted >= deadline {
                return;
            }
            sleep_until(wanted).await;
        }
        let (latency, verdict) = ask(&mut connection, &mut request, wanted).await;
        let origin = request.origin;
        let observation = Observation { origin, is_repeat: origin != index, latency, verdict };
        if observed.send(observation).await.is_err() {
            return;
        }
    }
}

/// Sends `request`, whose body is taken, and checks the answer. The latency begins when the request was `wanted`, or is
/// sent, and ends with the last byte of the body; the check is not in it.
async fn ask(
    connection: &mut Connection,
    request: &mut PlanRequest<'_>,
    wanted: Option<Instant>,
) -> (Duration, Verdict) {
    let body = std::mem::take(&mut request.body);
    let sent = wanted.unwrap_or_else(Instant::now);
    let answer = connection.create_plan(&request.user_id, body).await;
    let latency = sent.elapsed();
    let verdict = match answer {
        Ok(answer) => answer::check_created(request, &answer),
        Err(fault) => Verdict::failed(fault),
    };
    (latency, verdict)
}

async fn collect(
    mut observations: mpsc::Receiver<Observation>,
    requests: u64,
    started: Instant,
    progress: Progress,
) -> (Tally, Ledger) {
    let mut tally = Tally::new();
    let mut ledger = Ledger::default();
    let mut ticks = progress.ticks();
    loop {
        tokio::select! {
            observation = observations.recv() => match observation {
                Some(observation) => enter(observation, &mut tally, &mut ledger),
                None => break,
            },
            _ = ticks.tick() => progress.show(&describe(&tally, requests, started.elapsed())),
        }
    }
    progress.clear();
    (tally, ledger)
}

fn enter(observation: Observation, tally: &mut Tally, ledger: &mut Ledger) {
    let Observation { origin, is_repeat, latency, verdict } = observation;
    let mut outcome = verdict.outcome;
    if let Some(fault) = verdict.fault {
        tally.fault(&fault);
    }
    if let Some(acknowledgement) = verdict.acknowledgement
        && let Err(fault) = ledger.record(origin, acknowledgement)
    {
        outcome = Outcome::Failed;
        tally.fault(&fault);
    }
    tally.record(outcome, latency, is_repeat);
}

fn describe(tally: &Tally, requests: u64, elapsed: Duration) -> String {
    let outcomes: Vec<_> = Outcome::ALL.map(|outcome| format!("{} {}", outcome.as_str(), tally.count(outcome))).into();
    format!("{:>4} s  {} of {requests} requests: {}", elapsed.as_secs(), tally.total(), outcomes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::ledger::{Acknowledgement, Digest, PlanId};

    fn created(origin: u64, instruments: &[&str]) -> Observation {
        let plan_id = PlanId::parse("plan_0192f3a4b5c67d8e9f00112233445566").expect("the form is right");
        let acknowledgement = Some(Acknowledgement { plan_id, digest: Digest::of(instruments) });
        Observation {
            origin,
            is_repeat: false,
            latency: Duration::from_millis(1),
            verdict: Verdict { outcome: Outcome::Created, acknowledgement, fault: None },
        }
    }

    #[test]
    fn an_answer_that_contradicts_the_ledger_counts_as_failed() {
        let (mut tally, mut ledger) = (Tally::new(), Ledger::default());

        enter(created(0, &["NSE:TCS"]), &mut tally, &mut ledger);
        enter(created(1, &["NSE:INFY"]), &mut tally, &mut ledger);

        assert_eq!((tally.count(Outcome::Created), tally.count(Outcome::Failed)), (1, 1));
        assert_eq!(tally.faults().count("changed"), 1);
    }

    #[test]
    fn a_faulty_answer_that_acknowledges_a_plan_enters_the_ledger_and_counts_once() {
        let (mut tally, mut ledger) = (Tally::new(), Ledger::default());
        let mut observation = created(0, &["NSE:TCS"]);
        observation.verdict.outcome = Outcome::Failed;
        observation.verdict.fault = Some(Fault::Shape("…".into()));

        enter(observation, &mut tally, &mut ledger);

        assert_eq!((tally.total(), tally.plans(), ledger.len()), (1, 0, 1));
        assert_eq!(tally.faults().count("shape"), 1);
    }
}
