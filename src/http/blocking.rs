//! Long work, which must not block the threads that serve requests.
//!
//! The permit of a lane moves into the work and is returned when the work ends. A caller that hangs up therefore frees
//! no permit early, and leaves nothing behind in the queue of a thread pool, which has no bound.

use std::sync::LazyLock;
use std::time::Instant;

use metrics::counter;
use registry_actors::trace::{self, Stage, measured_async};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::problem::Problem;
use crate::metrics::REQUESTS_SHED;

/// The number of computations that visit the whole catalog at once. More would not finish earlier, but need more
/// memory.
const COMPUTATIONS_MAX: usize = 4;
/// The number of requests that wait for a computation. Their bodies count against the budget of bodies.
const COMPUTATIONS_WAITING_MAX: usize = 512;
const FILE_CALLS_MAX: usize = 2;
/// The number of requests that wait for a call of the file system.
const FILE_CALLS_WAITING_MAX: usize = 64;

/// Computations have threads of their own: tokio's blocking threads resolve names, which must not wait for
/// computations.
static COMPUTATIONS: LazyLock<Lane> =
    LazyLock::new(|| Lane::with_own_threads("computation", COMPUTATIONS_MAX, COMPUTATIONS_WAITING_MAX));
/// Calls of the file system have threads of their own, too: names must be resolved even if a disk does not respond.
static FILE_CALLS: LazyLock<Lane> =
    LazyLock::new(|| Lane::with_own_threads("file_call", FILE_CALLS_MAX, FILE_CALLS_WAITING_MAX));

/// Runs work that can take milliseconds on the threads for computations, as soon as a permit is free. Work that has not
/// started when the caller hangs up is not run. Work that has started keeps its permit until it ends, even if that is
/// after the deadline.
///
/// # Errors
/// 503 if too many requests wait, 504 if the work is not done before the deadline.
pub(crate) async fn run_blocking<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    COMPUTATIONS.run(deadline, work).await
}

/// Runs work at once if it takes less time than the threads for computations need to begin, otherwise as
/// [`run_blocking`].
///
/// # Errors
/// As [`run_blocking`].
pub(crate) async fn run_unless_quick<T: Send + 'static>(
    is_quick: bool,
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    if is_quick { Ok(work()) } else { Box::pin(run_blocking(deadline, work)).await }
}

/// Takes all permits of the computations: until they are dropped, no computation begins.
#[cfg(test)]
pub(crate) async fn occupy_computations() -> SemaphorePermit<'static> {
    let permits = u32::try_from(COMPUTATIONS_MAX).expect("a small number");
    COMPUTATIONS.running.acquire_many(permits).await.expect("the semaphore is never closed")
}

/// Runs work for a response whose start was sent, as [`run_blocking`] does. It waits even if too many requests wait,
/// because a response that has begun can only be cut off, not rejected. The memory for lists bounds the number of
/// these responses.
///
/// # Errors
/// 504 if the work is not done before the deadline.
pub(crate) async fn run_for_sent_response<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    COMPUTATIONS.run_admitted(deadline, work).await
}

/// Runs a call of the file system on the threads for such calls, as [`run_blocking`] does.
///
/// # Errors
/// As [`run_blocking`].
pub(crate) async fn run_file_call<T: Send + 'static>(
    deadline: Instant,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    FILE_CALLS.run(deadline, call).await
}

/// A bounded number of pieces of work at once, and a bounded number of requests that wait.
struct Lane {
    running: Semaphore,
    waiting: Semaphore,
    /// A runtime that is used only for its blocking threads, as many as there are permits. `None`: those of the
    /// caller's runtime.
    threads: Option<Runtime>,
}

impl Lane {
    fn new(running_max: usize, waiting_max: usize) -> Self {
        Lane { running: Semaphore::new(running_max), waiting: Semaphore::new(waiting_max), threads: None }
    }

    fn with_own_threads(name: &'static str, running_max: usize, waiting_max: usize) -> Self {
        let threads = Builder::new_current_thread().thread_name(name).max_blocking_threads(running_max).build();
        if let Err(fault) = &threads {
            tracing::error!(%fault, threads = name, "failed to create threads: using those of the runtime");
        }
        Lane { threads: threads.ok(), ..Lane::new(running_max, waiting_max) }
    }

    async fn run<T: Send + 'static>(
        &'static self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = match self.running.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let _waiting = self.waiting.try_acquire().map_err(|_| {
                    counter!(REQUESTS_SHED).increment(1);
                    Problem::overloaded()
                })?;
                self.wait_for_permit(deadline).await?
            }
        };
        self.run_with(permit, deadline, work).await
    }

    /// Runs work even if too many requests wait.
    async fn run_admitted<T: Send + 'static>(
        &'static self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.wait_for_permit(deadline).await?;
        self.run_with(permit, deadline, work).await
    }

    async fn wait_for_permit(&'static self, deadline: Instant) -> Result<SemaphorePermit<'static>, Problem> {
        let permit = tokio::time::timeout_at(deadline.into(), self.running.acquire());
        let permit = measured_async(Stage::Queue, permit).await;
        let closed = |_| Problem::internal();
        permit.map_err(|_| Problem::deadline_exceeded())?.map_err(closed)
    }

    async fn run_with<T: Send + 'static>(
        &'static self,
        permit: SemaphorePermit<'static>,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (done, result) = oneshot::channel();
        let trace = trace::current();
        let threads = self.threads.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone());
        threads.spawn_blocking(move || {
            let _permit = permit;
            if !done.is_closed() {
                let _ = done.send(trace::within(trace, work));
            }
        });
        let result = tokio::time::timeout_at(deadline.into(), result).await;
        // If there is no result, the work panicked, and the panic hook has logged the location.
        result.map_err(|_| Problem::deadline_exceeded())?.map_err(|_| {
            tracing::error!("computation panicked or was canceled");
            Problem::internal()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use axum::http::StatusCode;
    use futures_util::FutureExt;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(120)
    }

    /// Returns a lane that lives as long as the process: a runtime must not be dropped within another one.
    fn lane(running_max: usize, waiting_max: usize) -> &'static Lane {
        Box::leak(Box::new(Lane::with_own_threads("test", running_max, waiting_max)))
    }

    /// Work that runs until it is released, and reports when it has started.
    struct HeldWork {
        started: mpsc::Receiver<()>,
        release: mpsc::Sender<()>,
    }

    impl HeldWork {
        fn new() -> (Self, impl FnOnce() + Send + 'static) {
            let ((start, started), (release, released)) = (mpsc::channel(), mpsc::channel());
            let work = move || {
                let _ = start.send(());
                let _ = released.recv();
            };
            (HeldWork { started, release }, work)
        }

        fn wait_for_start(&self) {
            self.started.recv_timeout(Duration::from_secs(120)).unwrap();
        }
    }

    #[tokio::test]
    async fn a_permit_is_held_until_abandoned_work_ends() {
        let lane = lane(1, 8);
        let (held, work) = HeldWork::new();
        let mut abandoned = Box::pin(lane.run(soon(), work));
        assert!(abandoned.as_mut().now_or_never().is_none());
        held.wait_for_start();

        drop(abandoned);

        assert_eq!(lane.running.available_permits(), 0);
        held.release.send(()).unwrap();
        assert_eq!(lane.run(soon(), || 7).await.ok(), Some(7));
    }

    #[tokio::test]
    async fn work_of_disconnected_callers_is_never_run() {
        let lane = lane(1, 3000);
        let (held, work) = HeldWork::new();
        let first = tokio::spawn(lane.run(soon(), work));
        while held.started.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        let runs = Arc::new(AtomicUsize::new(0));
        let mut callers: Vec<_> = (0..3000)
            .map(|_| {
                let runs = Arc::clone(&runs);
                Box::pin(lane.run(soon(), move || runs.fetch_add(1, Ordering::Relaxed)))
            })
            .collect();
        assert!(callers.iter_mut().all(|caller| caller.as_mut().now_or_never().is_none()));
        assert_eq!(lane.waiting.available_permits(), 0);

        drop(callers);

        assert_eq!(lane.waiting.available_permits(), 3000);
        held.release.send(()).unwrap();
        assert_eq!(lane.run(soon(), || "next").await.ok(), Some("next"));
        assert_eq!(runs.load(Ordering::Relaxed), 0);
        first.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn work_in_the_queue_of_the_threads_is_skipped() {
        // The lane has one more permit than threads, so that work with a permit waits for a thread.
        let lane = Lane { running: Semaphore::new(2), ..Lane::with_own_threads("test", 1, 8) };
        let lane: &'static Lane = Box::leak(Box::new(lane));
        let (held, work) = HeldWork::new();
        let mut first = Box::pin(lane.run(soon(), work));
        assert!(first.as_mut().now_or_never().is_none());
        held.wait_for_start();
        let has_run = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&has_run);
        let mut second = Box::pin(lane.run(soon(), move || flag.store(true, Ordering::Relaxed)));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(lane.running.available_permits(), 0);

        drop(second);
        held.release.send(()).unwrap();
        first.await.unwrap();

        lane.run(soon(), || ()).await.unwrap();
        assert!(!has_run.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn too_many_waiting_requests_are_rejected() {
        let lane = lane(1, 1);
        let (held, work) = HeldWork::new();
        let mut first = Box::pin(lane.run(soon(), work));
        assert!(first.as_mut().now_or_never().is_none());
        held.wait_for_start();
        let mut second = Box::pin(lane.run(soon(), || ()));
        assert!(second.as_mut().now_or_never().is_none());

        let third = lane.run(soon(), || ()).await.unwrap_err();

        assert_eq!(third.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(third.code, "overloaded");
        held.release.send(()).unwrap();
        first.await.unwrap();
        second.await.unwrap();
    }

    #[tokio::test]
    async fn work_for_a_sent_response_is_never_rejected() {
        let lane = lane(1, 1);
        let (held, work) = HeldWork::new();
        let mut first = Box::pin(lane.run(soon(), work));
        assert!(first.as_mut().now_or_never().is_none());
        held.wait_for_start();
        let mut second = Box::pin(lane.run(soon(), || ()));
        assert!(second.as_mut().now_or_never().is_none());

        let mut third = Box::pin(lane.run_admitted(soon(), || 3));

        assert!(third.as_mut().now_or_never().is_none());
        held.release.send(()).unwrap();
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(third.await.ok(), Some(3));
    }

    #[tokio::test]
    async fn work_that_exceeds_the_deadline_keeps_its_permit() {
        let lane = lane(1, 1);
        let (held, work) = HeldWork::new();

        let late = tokio::time::timeout(Duration::from_secs(120), lane.run(Instant::now(), work)).await;

        assert_eq!(late.unwrap().unwrap_err().status, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(lane.running.available_permits(), 0);
        held.release.send(()).unwrap();
        assert_eq!(lane.run(soon(), || 7).await.ok(), Some(7));
    }

    #[tokio::test]
    async fn work_that_panics_is_an_internal_error() {
        let lane = lane(1, 1);

        let fault = lane.run(soon(), || panic!("panic injected by a test")).await.unwrap_err();

        assert_eq!(fault.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(lane.run(soon(), || 7).await.ok(), Some(7));
    }

    #[test]
    fn computations_block_no_thread_for_names_and_files() {
        let service =
            Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).enable_time().build().unwrap();
        service.block_on(async {
            let lane = lane(4, 8);
            let (helds, works): (Vec<_>, Vec<_>) = (0..4).map(|_| HeldWork::new()).unzip();
            let mut running: Vec<_> = works.into_iter().map(|work| Box::pin(lane.run(soon(), work))).collect();
            assert!(running.iter_mut().all(|work| work.as_mut().now_or_never().is_none()));
            helds.iter().for_each(HeldWork::wait_for_start);

            assert_eq!(tokio::task::spawn_blocking(|| 7).await.unwrap(), 7);

            helds.iter().for_each(|held| held.release.send(()).unwrap());
            for work in running {
                work.await.unwrap();
            }
        });
    }

    #[test]
    fn file_calls_block_no_thread_for_names() {
        let service =
            Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).enable_time().build().unwrap();
        service.block_on(async {
            let (held, call) = HeldWork::new();
            let mut running = Box::pin(run_file_call(soon(), call));
            assert!(running.as_mut().now_or_never().is_none());
            held.wait_for_start();

            let lookup = tokio::task::spawn_blocking(|| 7);
            let looked_up = tokio::time::timeout(Duration::from_secs(120), lookup).await;

            held.release.send(()).unwrap();
            running.await.unwrap();
            assert_eq!(looked_up.unwrap().unwrap(), 7);
        });
    }
}
