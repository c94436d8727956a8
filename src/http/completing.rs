//! Work that completes even if its caller hangs up.

use std::time::Instant;

use metrics::counter;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::problem::Problem;
use crate::metrics::REQUESTS_SHED;

/// A bounded number of tasks at once. The permit moves into the task.
pub(crate) struct CompletingTasks {
    permits: Semaphore,
}

impl CompletingTasks {
    pub(crate) const fn new(running_max: usize) -> Self {
        CompletingTasks { permits: Semaphore::const_new(running_max) }
    }

    /// Starts the work as soon as a permit is free, and waits for its result. Work that has not started when the caller
    /// hangs up is not started; work that has started completes.
    ///
    /// # Errors
    /// 503 if no permit becomes free before the deadline: nothing was done then.
    pub(crate) async fn run<T: Send + 'static>(
        &'static self,
        deadline: Instant,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(Ok(permit)) = tokio::time::timeout_at(deadline.into(), self.permits.acquire()).await else {
            counter!(REQUESTS_SHED).increment(1);
            return Err(Problem::overloaded());
        };
        let work = async move {
            let _permit = permit;
            work.await
        };
        tokio::spawn(work.in_current_span()).await.map_err(|fault| {
            tracing::error!(%fault, "task panicked or was canceled");
            Problem::internal()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use axum::http::StatusCode;
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    fn tasks(running_max: usize) -> &'static CompletingTasks {
        Box::leak(Box::new(CompletingTasks::new(running_max)))
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(120)
    }

    #[tokio::test]
    async fn started_work_completes_and_abandoned_work_never_starts() {
        let tasks = tasks(1);
        let started = Arc::new(AtomicUsize::new(0));
        let (release, released) = oneshot::channel::<()>();
        let ((begun, begin), (ended, end)) = (oneshot::channel(), oneshot::channel());
        let mut first = Box::pin(tasks.run(soon(), async move {
            let _ = begun.send(());
            let _ = released.await;
            let _ = ended.send("completed");
        }));
        assert!(first.as_mut().now_or_never().is_none());
        begin.await.unwrap();
        let mut waiting: Vec<_> = (0..200)
            .map(|_| {
                let started = Arc::clone(&started);
                Box::pin(tasks.run(soon(), async move { started.fetch_add(1, Ordering::Relaxed) }))
            })
            .collect();
        assert!(waiting.iter_mut().all(|caller| caller.as_mut().now_or_never().is_none()));

        drop(first);
        drop(waiting);

        assert_eq!(tasks.permits.available_permits(), 0);
        release.send(()).unwrap();
        assert_eq!(end.await, Ok("completed"));
        assert_eq!(tasks.run(soon(), async { "next" }).await.ok(), Some("next"));
        assert_eq!(started.load(Ordering::Relaxed), 0);
        assert_eq!(tasks.permits.available_permits(), 1);
    }

    #[tokio::test]
    async fn work_that_gets_no_permit_in_time_is_rejected() {
        let tasks = tasks(1);
        let (release, released) = oneshot::channel::<()>();
        let mut first = Box::pin(tasks.run(soon(), async move { released.await.unwrap() }));
        assert!(first.as_mut().now_or_never().is_none());

        let second = tasks.run(Instant::now(), async {}).await.unwrap_err();

        assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(second.code, "overloaded");
        release.send(()).unwrap();
        first.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_is_an_internal_error() {
        let tasks = tasks(1);

        let fault = tasks.run(soon(), async { panic!("panic injected by a test") }).await.unwrap_err();

        assert_eq!(fault.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(tasks.permits.available_permits(), 1);
    }
}
