//! Sending the load.
//!
//! Each thread has a runtime, connections, a tally and a ledger of its own, so that between two requests nothing is locked
//! and nothing is handed over. What they share is a counter of requests.

mod course;
mod shard;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};

pub(crate) use self::course::Stage;
use self::course::{Course, Turn};
use self::shard::{Prepared, Shard, Wire};
use crate::answer::Outcome;
use crate::ledger::Ledger;
use crate::pacer::Pacer;
use crate::prepared::Prepared as Plan;
use crate::profile::Life;
use crate::progress::Progress;
use crate::tally::Tally;
use crate::wire::Connection;

/// Connections that a thread opens at once: a listening socket has room for no more than some hundred that are not yet
/// accepted.
const OPENING_MAX: usize = 32;

/// How long a connection waits after it broke: a registry that is gone would else be asked a hundred thousand times a
/// second.
const PAUSE: Duration = Duration::from_millis(10);

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Load {
    /// Counts and latencies.
    pub(crate) tally: Tally,
    /// Every acknowledged plan.
    pub(crate) ledger: Ledger,
    /// Requests of an open loop that should have begun within the time and found no free connection.
    pub(crate) unsent: u64,
    /// The index of the next request.
    pub(crate) next_index: u64,
}

/// One connection and what it remembers.
struct Caller {
    connection: Connection,
    /// The request under way.
    request: Vec<u8>,
    life: Life,
    number: usize,
    wake: Rc<Notify>,
}

/// Sends the requests of `stage` over `connections`, from `first_index` on. At the time bound no request is begun; those
/// under way are waited for, at most for the timeout of an answer.
///
/// # Errors
///
/// When a connection cannot be opened before the start, or a thread cannot be made or ended by a panic.
pub(crate) fn run(
    plan: &Arc<Plan>,
    stage: Stage,
    connections: usize,
    first_index: u64,
    progress: Progress,
) -> anyhow::Result<Load> {
    let threads = plan.settings.service.threads.min(connections);
    let course = Arc::new(Course::new(plan, stage, connections, threads, first_index));
    let workers: Vec<_> = (0..threads)
        .map(|number| {
            let (plan, course) = (plan.clone(), course.clone());
            let callers: Vec<usize> = (number..connections).step_by(threads).collect();
            thread::spawn(move || work(&plan, &course, &callers))
        })
        .collect();
    course.start_when_ready();
    // Short runs, as of tests, should not wait for the next second.
    let (look, looks_in_a_second) = (Duration::from_millis(20), 50);
    for looks in 0_u64.. {
        if workers.iter().all(thread::JoinHandle::is_finished) {
            break;
        }
        if looks.is_multiple_of(looks_in_a_second) {
            progress.show(&course.describe());
        }
        thread::sleep(look);
    }
    progress.clear();
    let mut load = Load { tally: Tally::new(), ledger: Ledger::default(), unsent: 0, next_index: 0 };
    for worker in workers {
        let (tally, ledger) = worker.join().map_err(|_| anyhow!("a sending thread panicked"))??;
        load.tally.merge(tally);
        for fault in load.ledger.merge(ledger) {
            load.tally.fault(&fault);
        }
    }
    if course.is_together() {
        for fault in load.ledger.several_plans() {
            load.tally.fault(&fault);
        }
    }
    load.unsent = course.unsent();
    load.next_index = course.next_index();
    Ok(load)
}

/// Drives the callers of one thread until the load is sent.
fn work(plan: &Arc<Plan>, course: &Arc<Course>, callers: &[usize]) -> anyhow::Result<(Tally, Ledger)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("failed to start a runtime").inspect_err(|_| course.give_up())?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let opened = open(plan, callers).await;
        if opened.is_err() {
            course.has_failed.store(true, Ordering::Relaxed);
        }
        // Nothing is under way on this thread yet, so it may block.
        course.wait_for_start();
        let opened = opened?;
        if course.has_failed.load(Ordering::Relaxed) {
            return Ok((Tally::new(), Ledger::default()));
        }
        let shard = Rc::new(RefCell::new(Shard::new(plan.clone(), course.clone())));
        let pacer = Rc::new(Pacer::default());
        let timer = {
            let pacer = pacer.clone();
            tokio::task::spawn_local(async move { pacer.run().await })
        };
        let mut driven = JoinSet::new();
        for caller in opened {
            driven.spawn_local(drive(caller, plan.clone(), course.clone(), shard.clone(), pacer.clone()));
        }
        while let Some(ended) = driven.join_next().await {
            ended.context("failed to run a connection")?;
        }
        if timer.is_finished() {
            timer.await.context("failed to run the pacer")?.context("failed to run the pacer")?;
        } else {
            timer.abort();
        }
        let shard = Rc::into_inner(shard).context("a connection still runs")?.into_inner();
        Ok(shard.into_parts())
    })
}

/// Opens all connections of a thread, some at a time.
async fn open(plan: &Plan, callers: &[usize]) -> anyhow::Result<Vec<Caller>> {
    let service = &plan.settings.service;
    let addresses: Arc<[_]> = service.target.addresses.clone().into();
    let mut opened = Vec::with_capacity(callers.len());
    for some in callers.chunks(OPENING_MAX) {
        let mut opening = JoinSet::new();
        for &number in some {
            let mut connection = Connection::new(addresses.clone(), service.timeout);
            opening.spawn_local(async move {
                connection.open().await?;
                Ok::<_, crate::fault::Fault>(Caller {
                    connection,
                    request: Vec::new(),
                    life: Life::default(),
                    number,
                    wake: Rc::default(),
                })
            });
        }
        while let Some(one) = opening.join_next().await {
            let caller = one.context("failed to open a connection")?;
            let base = &service.target.base;
            opened.push(
                caller.map_err(|fault| anyhow!("failed to open {} connections to {base}: {fault}", callers.len()))?,
            );
        }
    }
    Ok(opened)
}

/// Sends one request after the other over the connection of `caller`.
async fn drive(mut caller: Caller, plan: Arc<Plan>, course: Arc<Course>, shard: Rc<RefCell<Shard>>, pacer: Rc<Pacer>) {
    while let Some(Turn { index, beginning }) = course.next_turn().await {
        let Caller { connection, request, life, number, wake } = &mut caller;
        let Prepared { kind, wire, expectation } = shard.borrow_mut().prepare(index, *number, life, request);
        if let Some(beginning) = beginning {
            pacer.until(beginning, wake).await;
        }
        let begun = beginning.unwrap_or_else(Instant::now);
        let wire = match wire {
            Wire::Own => request.as_slice(),
            Wire::Pool(place) => &plan.pool[place],
            Wire::Echo(place) => &plan.echoes[place],
        };
        let answer = connection.exchange(wire).await;
        let ended = Instant::now();
        let is_broken = answer.is_err();
        shard.borrow_mut().settle(kind, &expectation, *number, life, answer, begun, ended);
        if is_broken {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// What a line of progress says of the outcomes that there were.
pub(crate) fn outcomes(count: impl Fn(Outcome) -> u64) -> String {
    let outcomes: Vec<_> = Outcome::ALL
        .into_iter()
        .filter(|&outcome| count(outcome) > 0)
        .map(|outcome| format!("{} {}", outcome.as_str(), count(outcome)))
        .collect();
    outcomes.join(", ")
}
