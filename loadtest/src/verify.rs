//! Reading every acknowledged plan back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::answer;
use crate::args::Settings;
use crate::client::Connection;
use crate::fault::{Fault, Faults};
use crate::ledger::{Acknowledgement, Ledger};
use crate::progress::Progress;

/// How often a plan is asked for while the registry refuses or cannot be reached. A refusal says nothing of
/// whether the plan is there.
const ATTEMPTS_MAX: u32 = 3;

/// The longest pause between two attempts, whatever `Retry-After` asks for.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Plans by what reading them back showed.
///
/// Invariant: the four figures sum to the plans in the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Verification {
    /// As acknowledged.
    pub(crate) intact: u64,
    /// Unknown to the registry.
    pub(crate) lost: u64,
    /// With another id or other instruments.
    pub(crate) different: u64,
    /// Not read, so that nothing is known of them.
    pub(crate) unread: u64,
}

type Finding = Result<(), Fault>;

/// Reads all plans of `ledger` back over as many connections as the load had, within the same time bound.
/// What has not been begun by then counts as unread.
///
/// # Errors
///
/// When a connection cannot be prepared or its task ended by a panic.
pub(crate) async fn verify(
    settings: &Arc<Settings>,
    ledger: &Ledger,
    progress: Progress,
) -> anyhow::Result<(Verification, Faults)> {
    let deadline = Instant::now() + settings.bounds.time;
    let plans: Arc<[Acknowledgement]> = ledger.acknowledgements().into();
    let next_index = Arc::new(AtomicUsize::new(0));
    let (found, findings) = mpsc::channel(settings.connections);
    let mut connections = JoinSet::new();
    for _ in 0..settings.connections.min(plans.len()) {
        let connection = Connection::new(settings)?;
        connections.spawn(drive(connection, plans.clone(), next_index.clone(), deadline, found.clone()));
    }
    // Findings end when the last connection drops its sender.
    drop(found);

    let (mut verification, mut faults) = collect(findings, plans.len(), progress).await;
    while let Some(ended) = connections.join_next().await {
        ended.context("drive a connection")?;
    }
    // Plans are begun in order, so the first that was not begun stands behind all that were.
    let begun = next_index.load(Ordering::Relaxed).min(plans.len());
    if let [first, ..] = &plans[begun..] {
        let left = (plans.len() - begun) as u64;
        let reason = format!("{}s had passed", settings.bounds.time.as_secs());
        faults.add_many(&Fault::Unread { plan_id: first.plan_id, reason }, left);
        verification.unread += left;
    }
    Ok((verification, faults))
}

async fn drive(
    mut connection: Connection,
    plans: Arc<[Acknowledgement]>,
    next_index: Arc<AtomicUsize>,
    deadline: Instant,
    found: mpsc::Sender<Finding>,
) {
    while Instant::now() < deadline {
        let Some(&plan) = plans.get(next_index.fetch_add(1, Ordering::Relaxed)) else {
            return;
        };
        let finding = read_back(&mut connection, plan, deadline).await;
        if found.send(finding).await.is_err() {
            return;
        }
    }
}

/// Reads one plan, again after a pause where the registry refused or could not be reached.
async fn read_back(connection: &mut Connection, plan: Acknowledgement, deadline: Instant) -> Finding {
    let mut attempt = 1;
    loop {
        let answer = connection.read_plan(plan.plan_id).await;
        let (pause, finding) = match answer {
            Ok(answer) if answer.status == 503 => {
                let pause = answer.retry_after.map_or(PAUSE_MAX, Duration::from_secs);
                (pause, answer::check_stored(plan, &answer))
            }
            Ok(answer) => return answer::check_stored(plan, &answer),
            Err(fault) => (PAUSE_MAX, Err(Fault::Unread { plan_id: plan.plan_id, reason: fault.to_string() })),
        };
        let pause = pause.min(PAUSE_MAX);
        if attempt == ATTEMPTS_MAX || Instant::now() + pause >= deadline {
            return finding;
        }
        sleep(pause).await;
        attempt += 1;
    }
}

async fn collect(mut findings: mpsc::Receiver<Finding>, plans: usize, progress: Progress) -> (Verification, Faults) {
    let mut verification = Verification::default();
    let mut faults = Faults::default();
    let mut read = 0;
    let mut ticks = progress.ticks();
    loop {
        tokio::select! {
            finding = findings.recv() => match finding {
                Some(finding) => {
                    read += 1;
                    enter(&finding, &mut verification, &mut faults);
                }
                None => break,
            },
            _ = ticks.tick() => progress.show(&format!("read back {read} of {plans} plans")),
        }
    }
    progress.clear();
    (verification, faults)
}

fn enter(finding: &Finding, verification: &mut Verification, faults: &mut Faults) {
    match finding {
        Ok(()) => verification.intact += 1,
        Err(fault) => {
            faults.add(fault);
            match fault {
                Fault::Lost(_) => verification.lost += 1,
                Fault::Different(_) => verification.different += 1,
                _ => verification.unread += 1,
            }
        }
    }
}
