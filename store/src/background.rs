//! Runs long work on a thread of its own, whose priority may be below that of the threads that serve requests.
//!
//! tokio's blocking threads are shared, and a lowered priority cannot be raised again without privilege. Each piece of
//! work therefore has its own thread, which ends with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::oneshot;
use tracing::{Span, debug};

/// The priority of a piece of work.
///
/// A thread inherits the priority of the one that creates it, and keeps it: work of low priority must not open a
/// connection of SQLite, which has a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// As the threads that serve requests: for work that somebody waits for, such as a start, and for work within a
    /// transaction, whose locks others wait for.
    Normal,
    /// Below the threads that serve requests: for work that nobody waits for and that holds no lock.
    Low,
}

/// The number that is added to the nice value of the process for work of low priority. The sum is at most 19.
///
/// Linux weighs threads that compete for a processor by their nice values: 1,024 at 0, 110 at 10, 15 at 19, and 3 in
/// the idle class. At 10 a request hardly notices the work: it gets nine tenths of the processor, and preempts the work
/// when it arrives. The work still completes on a processor that is always busy, in ten times its time and not in
/// hundreds.
const NICE: i32 = 10;

/// The work stopped without a result: it panicked, or no thread could be created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BackgroundError(String);

/// Runs `work` within the span of the caller.
///
/// # Cancel safety
/// Work that has started is completed, even if nobody waits for it any more.
///
/// # Errors
/// [`BackgroundError`].
pub fn run<T: Send + 'static>(
    priority: Priority,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, BackgroundError>> + Send {
    let (done, result) = oneshot::channel();
    let span = Span::current();
    let begun = thread::Builder::new().name("background".to_owned()).spawn(move || {
        if priority == Priority::Low {
            lower_priority();
        }
        let outcome = span.in_scope(|| catch_unwind(AssertUnwindSafe(work)));
        let _ = done.send(outcome.map_err(|_| BackgroundError("the background thread panicked".to_owned())));
    });
    async move {
        begun.map_err(|fault| BackgroundError(format!("failed to create a background thread: {fault}")))?;
        result
            .await
            .unwrap_or_else(|_| Err(BackgroundError("the background thread stopped without a result".to_owned())))
    }
}

/// Lowers the priority of this thread. On Linux a nice value belongs to a thread; elsewhere it belongs to the process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(fault) = rustix::process::nice(NICE) {
        debug!(%fault, "failed to lower the priority of a background thread");
    }
    #[cfg(not(target_os = "linux"))]
    debug!(nice = NICE, "background threads have the priority of the process");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_returns_its_result_or_reports_a_panic() {
        assert_eq!(run(Priority::Low, || 7).await, Ok(7));
        assert_eq!(
            run(Priority::Low, || -> u8 { panic!("panic injected by a test") }).await,
            Err(BackgroundError("the background thread panicked".to_owned()))
        );
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn only_work_of_low_priority_has_a_nice_value() {
        use crate::testing::scheduling::{Scheduling, of_this_thread};
        let process = of_this_thread();
        let low = Scheduling { nice: (process.nice + NICE).min(19), ..process.clone() };

        assert_eq!(run(Priority::Low, of_this_thread).await, Ok(low));
        assert_eq!(run(Priority::Normal, of_this_thread).await, Ok(process.clone()));
        assert_eq!(of_this_thread(), process);
    }
}
