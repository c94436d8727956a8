//! Sends the load.
//!
//! Each thread has its own runtime, connections, tally and ledger, so that no locks and no handover are needed between
//! two requests. The threads share a counter of requests.

mod course;
mod shard;

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Notify;

use self::course::Course;
pub(crate) use self::course::Stage;
use self::shard::Shard;
use crate::fault::Fault;
use crate::ledger::{Acknowledgement, Ledger};
use crate::pacer::Pacer;
use crate::plan_id::PlanId;
use crate::profile::Life;
use crate::settings::Service;
use crate::tally::Tally;
use crate::wire::Connection;
use crate::workload::Workload;

/// Maximum number of connections that a thread opens at once: the queue of a listening socket holds only a few hundred
/// connections that are not yet accepted.
const OPENING_MAX: usize = 32;

/// The pause of a connection after a failure. Without it, an unreachable registry would get a hundred thousand
/// connection attempts per second.
const PAUSE: Duration = Duration::from_millis(10);

/// The interval at which the progress is shown and the end is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The input of a run, which exists before the clock starts.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) service: Service,
    /// The plans to read. Empty: acknowledged plans.
    pub(crate) ids: Vec<PlanId>,
    pub(crate) workload: Workload,
    /// The maximum number of instruments of a plan in the settings of the registry.
    pub(crate) limit: usize,
    /// Whether a request can be sent more than once.
    pub(crate) is_repeated: bool,
    /// Rendered plan requests by their position in the pool. Empty if they are rendered during the run.
    pub(crate) pool: Vec<Box<[u8]>>,
    /// Rendered requests of the kind `echo`.
    pub(crate) echoes: Vec<Box<[u8]>>,
    /// Plans that were created before the load.
    pub(crate) acknowledged: Vec<Acknowledgement>,
}

/// The results of a load.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) tally: Tally,
    pub(crate) ledger: Ledger,
    /// Requests of an open loop that were due within the time and found no free connection.
    pub(crate) unsent: u64,
}

/// One connection and its state.
struct Caller {
    connection: Connection,
    request: Vec<u8>,
    life: Life,
    number: usize,
    wake: Rc<Notify>,
}

/// Sends the requests of `stage` over `connections`. At the end of its time no new request
/// starts, and the requests in flight are awaited, at most for the timeout of a response.
pub(crate) fn run(plan: &Plan, stage: Stage, connections: usize) -> anyhow::Result<Load> {
    let threads = plan.service.threads.min(connections);
    let course = &Course::new(plan, stage, connections, threads);
    let template = match stage {
        Stage::Pool => "creating plans to repeat: {msg} requests",
        Stage::Load => "{elapsed} of {len} s: {msg} requests",
    };
    let bar = registry_loadtest::progress(template, course.time.as_secs());
    let worked = thread::scope(|scope| {
        let callers = |number: usize| (number..connections).step_by(threads).collect::<Vec<_>>();
        let workers: Vec<_> =
            (0..threads).map(|number| scope.spawn(move || work(plan, course, callers(number)))).collect();
        // Short runs, such as tests, must not wait for the next second.
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            bar.set_message(course.begun().to_string());
            thread::sleep(LOOK_EVERY);
        }
        workers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    bar.finish_and_clear();
    let mut load = Load { tally: Tally::new(), ledger: Ledger::default(), unsent: course.unsent() };
    for worked in worked {
        let (tally, ledger) = worked.map_err(|_| anyhow!("a sending thread panicked"))??;
        load.tally.merge(tally);
        load.ledger.merge(ledger).iter().for_each(|fault| load.tally.faults.add(fault));
    }
    if course.is_together() {
        load.ledger.several_plans().for_each(|fault| load.tally.faults.add(&fault));
    }
    Ok(load)
}

/// Drives the callers of one thread until the load is sent.
fn work(plan: &Plan, course: &Course, callers: Vec<usize>) -> anyhow::Result<(Tally, Ledger)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let opened = runtime.context("failed to start a runtime").and_then(|runtime| {
        let opened = runtime.block_on(open(plan, callers))?;
        Ok((runtime, opened))
    });
    // The thread has no request in flight yet, so it may block.
    let has_started = course.start(opened.is_ok());
    let (runtime, opened) = opened?;
    if !has_started {
        return Ok((Tally::new(), Ledger::default()));
    }
    let (shard, pacer) = (RefCell::new(Shard::new(plan, course)), Pacer::default());
    let driven = async {
        tokio::select! {
            biased;
            _ = join_all(opened.into_iter().map(|caller| drive(caller, course, &shard, &pacer))) => Ok(()),
            ended = pacer.run() => ended.context("failed to run the pacer"),
        }
    };
    // All callers are one task, whose budget for input and output would be that of a single connection.
    runtime.block_on(tokio::task::unconstrained(driven))?;
    let Shard { tally, ledger, .. } = shard.into_inner();
    Ok((tally, ledger))
}

/// Opens all connections of a thread, several at a time.
async fn open(plan: &Plan, callers: Vec<usize>) -> anyhow::Result<Vec<Caller>> {
    let service = &plan.service;
    let (count, base) = (callers.len(), &service.target.base);
    let open = async |number| {
        let mut connection = Connection::new(service.target.addresses.clone().into(), service.timeout);
        connection.open().await?;
        let (request, life, wake) = (Vec::new(), Life::default(), Rc::default());
        Ok::<_, Fault>(Caller { connection, request, life, number, wake })
    };
    let opened = stream::iter(callers).map(open).buffer_unordered(OPENING_MAX).try_collect().await;
    opened.with_context(|| format!("failed to open {count} connections to {base}"))
}

/// Sends requests one after the other over the connection of `caller`.
async fn drive(mut caller: Caller, course: &Course, shard: &RefCell<Shard<'_>>, pacer: &Pacer) {
    while let Some((index, beginning)) = course.next_turn().await {
        let Caller { connection, request, life, number, wake } = &mut caller;
        let prepared = shard.borrow_mut().prepare(index, *number, life, request);
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
