//! Sends the load.
//!
//! Each thread has its own runtime, connections, tally and ledger, so that no locks and no handover are needed between
//! two requests. The threads share a counter of requests.

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
use self::shard::Shard;
use crate::ledger::Ledger;
use crate::pacer::Pacer;
use crate::prepared::Prepared as Plan;
use crate::profile::Life;
use crate::tally::Tally;
use crate::wire::Connection;

/// Maximum number of connections that a thread opens at once: the queue of a listening socket holds only a few hundred
/// connections that are not yet accepted.
const OPENING_MAX: usize = 32;

/// The pause of a connection after a failure. Without it, an unreachable registry would get a hundred thousand
/// connection attempts per second.
const PAUSE: Duration = Duration::from_millis(10);

/// The interval at which the progress is shown and the end is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The results of a load.
#[derive(Debug)]
pub(crate) struct Load {
    /// Counts and latencies.
    pub(crate) tally: Tally,
    /// Every acknowledged plan.
    pub(crate) ledger: Ledger,
    /// Requests of an open loop that were due within the time and found no free connection.
    pub(crate) unsent: u64,
    /// The index of the next request.
    pub(crate) next_index: u64,
}

/// One connection and its state.
struct Caller {
    connection: Connection,
    /// The current request.
    request: Vec<u8>,
    life: Life,
    number: usize,
    wake: Rc<Notify>,
}

/// Sends the requests of `stage` over `connections`, from `first_index` on. At the end of its time no new request
/// starts, and the requests in flight are awaited, at most for the timeout of a response.
///
/// # Errors
///
/// If a connection cannot be opened before the start, or a thread cannot be created or panics.
pub(crate) fn run(plan: &Arc<Plan>, stage: Stage, connections: usize, first_index: u64) -> anyhow::Result<Load> {
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
    let bar = registry_loadtest::progress(course.describe(), course.time.as_secs());
    // Short runs, such as tests, must not wait for the next second.
    while !workers.iter().all(thread::JoinHandle::is_finished) {
        bar.set_message(course.outcomes());
        thread::sleep(LOOK_EVERY);
    }
    bar.finish_and_clear();
    let mut load = Load { tally: Tally::new(), ledger: Ledger::default(), unsent: 0, next_index: 0 };
    for worker in workers {
        let (tally, ledger) = worker.join().map_err(|_| anyhow!("a sending thread panicked"))??;
        load.tally.merge(tally);
        load.ledger.merge(ledger).iter().for_each(|fault| load.tally.faults.add(fault));
    }
    if course.is_together() {
        load.ledger.several_plans().for_each(|fault| load.tally.faults.add(&fault));
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
        // The thread has no request in flight yet, so it may block.
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

/// Opens all connections of a thread, several at a time.
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

/// Sends requests one after the other over the connection of `caller`.
async fn drive(mut caller: Caller, plan: Arc<Plan>, course: Arc<Course>, shard: Rc<RefCell<Shard>>, pacer: Rc<Pacer>) {
    while let Some(Turn { index, beginning }) = course.next_turn().await {
        let Caller { connection, request, life, number, wake } = &mut caller;
        let prepared = shard.borrow_mut().prepare(&plan, index, *number, life, request);
        if let Some(beginning) = beginning {
            pacer.until(beginning, wake).await;
        }
        let begun = beginning.unwrap_or_else(Instant::now);
        let answer = connection.exchange(prepared.rendered.unwrap_or(request)).await;
        let is_broken = answer.is_err();
        shard.borrow_mut().record_answer(&prepared, *number, life, answer, begun);
        if is_broken {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
