//! Reads every acknowledged plan back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use registry_loadtest::report::Verification;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

use crate::answer::{check_stored, unread};
use crate::args::Dialect;
use crate::fault::{Fault, Faults};
use crate::ledger::{Acknowledgement, Ledger};
use crate::settings::Service;
use crate::site::Site;
use crate::wire::Connection;

/// Maximum number of attempts for a plan if the registry rejects the request or is unreachable. A rejection does not
/// show whether the plan exists.
const ATTEMPTS_MAX: u32 = 3;

/// Maximum pause between two attempts, whatever `Retry-After` requests.
const PAUSE_MAX: Duration = Duration::from_secs(2);

type Finding = Result<(), Fault>;

/// The state that the connections share.
struct Reading {
    plans: Vec<Acknowledgement>,
    next: Cell<usize>,
    deadline: Instant,
    found: RefCell<(Verification, Faults)>,
}

/// Reads all plans of `ledger` back over `connections`, within `time`. Plans that were not started by then count as
/// unread.
///
/// # Errors
///
/// If the runtime cannot be created, or a task panics.
pub(crate) fn verify(
    service: &Service,
    connections: usize,
    time: Duration,
    ledger: &Ledger,
) -> anyhow::Result<(Verification, Faults)> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start a runtime")?;
    let reading = Rc::new(Reading {
        plans: ledger.acknowledgements(),
        next: Cell::new(0),
        deadline: Instant::now() + time,
        found: RefCell::default(),
    });
    LocalSet::new().block_on(&runtime, async {
        let mut driven = JoinSet::new();
        for _ in 0..connections.min(reading.plans.len()) {
            let connection = Connection::new(service.target.addresses.clone().into(), service.timeout);
            driven.spawn_local(drive(connection, Site::new(service), service.dialect, reading.clone()));
        }
        let bar = registry_loadtest::progress("reading plans back: {pos} of {len}", reading.plans.len() as u64);
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                ended = driven.join_next() => match ended {
                    Some(ended) => ended.context("failed to run a connection")?,
                    None => break,
                },
                _ = ticks.tick() => bar.set_position(reading.next.get() as u64),
            }
        }
        bar.finish_and_clear();
        anyhow::Ok(())
    })?;
    let Reading { plans, next, found, .. } = Rc::into_inner(reading).context("a connection still runs")?;
    let (mut verification, mut faults) = found.into_inner();
    // Plans are started in order, so all plans after the first unstarted one are unstarted too.
    let begun = next.get().min(plans.len());
    if let [first, ..] = &plans[begun..] {
        let left = (plans.len() - begun) as u64;
        let cause = format!("timeout after {}s", time.as_secs());
        faults.add_many(&unread(first.plan_id, &cause), left);
        verification.unread += left;
    }
    Ok((verification, faults))
}

async fn drive(mut connection: Connection, site: Site, dialect: Dialect, reading: Rc<Reading>) {
    let (mut request, mut rest) = (Vec::new(), Vec::new());
    while Instant::now() < reading.deadline {
        let place = reading.next.get();
        let Some(&plan) = reading.plans.get(place) else { return };
        reading.next.set(place + 1);
        site.read_plan(plan.plan_id, &mut request);
        let finding = read_back(&mut connection, &request, dialect, plan, reading.deadline, &mut rest).await;
        let (verification, faults) = &mut *reading.found.borrow_mut();
        enter(&finding, verification, faults);
    }
}

/// Reads one plan. If the registry rejects the request or is unreachable, retries after a pause.
async fn read_back(
    connection: &mut Connection,
    request: &[u8],
    dialect: Dialect,
    plan: Acknowledgement,
    deadline: Instant,
    rest: &mut Vec<u8>,
) -> Finding {
    let plan_id = plan.plan_id;
    let mut attempt = 1;
    loop {
        let (pause, finding) = match connection.exchange(request).await {
            Ok(answer) if answer.status == 503 => {
                let pause = answer.retry_after.map_or(PAUSE_MAX, Duration::from_secs);
                (pause, check_stored(dialect, plan_id, Some(plan), &answer, &mut None, rest))
            }
            Ok(answer) => return check_stored(dialect, plan_id, Some(plan), &answer, &mut None, rest),
            Err(fault) => (PAUSE_MAX, Err(unread(plan_id, &fault))),
        };
        let pause = pause.min(PAUSE_MAX);
        if attempt == ATTEMPTS_MAX || Instant::now() + pause >= deadline {
            return finding;
        }
        sleep(pause).await;
        attempt += 1;
    }
}

fn enter(finding: &Finding, verification: &mut Verification, faults: &mut Faults) {
    match finding {
        Ok(()) => verification.intact += 1,
        Err(fault) => {
            faults.add(fault);
            match &*fault.kind {
                "lost" => verification.lost += 1,
                "different" => verification.different += 1,
                _ => verification.unread += 1,
            }
        }
    }
}
