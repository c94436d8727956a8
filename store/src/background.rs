//! Runs long work on a thread whose priority is below that of the threads that serve requests.
//!
//! tokio's blocking threads are shared, and a lowered priority cannot be raised again. Each piece of work therefore has
//! its own thread, which ends with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::oneshot;
use tracing::{Span, debug};

/// The work stopped without a result: it panicked, or no thread could be created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Ended(String);

/// Runs `work` within the span of the caller.
///
/// # Cancel safety
/// Work that has started is completed, even if nobody waits for it any more.
///
/// # Errors
/// [`Ended`].
pub fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, Ended>> + Send {
    let (done, result) = oneshot::channel();
    let span = Span::current();
    let begun = thread::Builder::new().name("background".to_owned()).spawn(move || {
        give_way();
        let outcome = span.in_scope(|| catch_unwind(AssertUnwindSafe(work)));
        let _ = done.send(outcome.map_err(|_| Ended("the background thread panicked".to_owned())));
    });
    async move {
        begun.map_err(|fault| Ended(format!("failed to create a background thread: {fault}")))?;
        result.await.unwrap_or_else(|_| Err(Ended("the background thread stopped without a result".to_owned())))
    }
}

/// A thread with this policy is preempted as soon as another thread needs the processor. With a nice value alone it
/// could finish its time slice of some milliseconds, which would delay requests. It holds no lock that requests wait
/// for.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let this = thread_priority::thread_native_id();
        if let Err(fault) = thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, policy) {
            debug!(?fault, "failed to lower the priority of a background thread");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_returns_its_result_or_reports_a_panic() {
        assert_eq!(run(|| 7).await, Ok(7));
        assert_eq!(
            run(|| -> u8 { panic!("panic injected by a test") }).await,
            Err(Ended("the background thread panicked".to_owned()))
        );
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn only_background_threads_have_the_low_priority() {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};
        let normal = |policy| Ok(Ok(ThreadSchedulePolicy::Normal(policy)));

        assert_eq!(run(thread_schedule_policy).await, normal(NormalThreadSchedulePolicy::Idle));
        assert_eq!(Ok(thread_schedule_policy()), normal(NormalThreadSchedulePolicy::Other));
    }
}
