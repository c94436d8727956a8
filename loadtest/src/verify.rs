//! Reads every acknowledged plan back.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::join_all;
use registry_loadtest::report::Verification;
use tokio::time::sleep;

use crate::answer::{check_stored, unread};
use crate::args::Dialect;
use crate::fault::{Fault, Faults};
use crate::ledger::{Acknowledgement, Ledger};
use crate::settings::Service;
use crate::wire::{Answer, Connection};

/// Maximum number of attempts for a plan if the registry rejects the request or is unreachable. A rejection does not
/// show whether the plan exists.
const ATTEMPTS_MAX: u32 = 3;

/// Maximum pause between two attempts, whatever `Retry-After` requests.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Reads all plans of `ledger` back over `connections`, within `time`. Plans that were not started by then count as
/// unread.
pub(crate) fn verify(
    service: &Service,
    connections: usize,
    time: Duration,
    ledger: &Ledger,
) -> anyhow::Result<(Verification, Faults)> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start a runtime")?;
    let (plans, deadline) = (ledger.acknowledgements(), Instant::now() + time);
    let (next, mut faults) = (Cell::new(0), Faults::default());
    let bar = registry_loadtest::progress("reading plans back: {pos} of {len}", plans.len() as u64);
    let read = async |_| {
        let mut connection = Connection::new(service.target.addresses.clone().into(), service.timeout);
        let (mut request, mut found) = (Vec::new(), Vec::new());
        while Instant::now() < deadline
            && let Some(&plan) = plans.get(next.get())
        {
            next.set(next.get() + 1);
            bar.inc(1);
            service.site.read_plan(plan.plan_id, &mut request);
            found.extend(read_back(&mut connection, &request, service.dialect, plan, deadline).await.err());
        }
        found
    };
    let found = runtime.block_on(async { join_all((0..connections.min(plans.len())).map(read)).await });
    bar.finish_and_clear();
    // Plans are started in order, so all plans after the first unstarted one are unstarted too.
    let left = (plans.len() - next.get()) as u64;
    let mut verification = Verification { intact: next.get() as u64, unread: left, ..Verification::default() };
    for fault in found.into_iter().flatten() {
        faults.add(&fault);
        verification.intact -= 1;
        match &*fault.kind {
            "lost" => verification.lost += 1,
            "different" => verification.different += 1,
            _ => verification.unread += 1,
        }
    }
    if let Some(first) = plans.get(next.get()) {
        let cause = format!("timeout after {}s", time.as_secs());
        faults.add_many(&unread(first.plan_id, &cause), left);
    }
    Ok((verification, faults))
}

/// Reads one plan. If the registry rejects the request or is unreachable, retries after a pause.
async fn read_back(
    connection: &mut Connection,
    request: &[u8],
    dialect: Dialect,
    plan: Acknowledgement,
    deadline: Instant,
) -> Result<(), Fault> {
    let check =
        |answer: &Answer<'_>| check_stored(dialect, plan.plan_id, Some(plan), answer, &mut None, &mut Vec::new());
    for attempt in 1.. {
        let (pause, finding) = match connection.exchange(request).await {
            Ok(answer) if answer.status == 503 => {
                (answer.retry_after.map_or(PAUSE_MAX, Duration::from_secs).min(PAUSE_MAX), check(&answer))
            }
            Ok(answer) => return check(&answer),
            Err(fault) => (PAUSE_MAX, Err(unread(plan.plan_id, &fault))),
        };
        if attempt == ATTEMPTS_MAX || Instant::now() + pause >= deadline {
            return finding;
        }
        sleep(pause).await;
    }
    unreachable!("the last attempt returns")
}
