//! Long computations, which must not block the threads that serve requests.

use std::time::Instant;

use tokio::sync::Semaphore;

use super::problem::Problem;

/// Bounds the computations that visit the whole catalog. More at once would not finish earlier, but need more memory.
static PERMITS: Semaphore = Semaphore::const_new(4);

/// Runs work that can take milliseconds on the blocking pool, as soon as a permit is free.
///
/// # Errors
/// 504 if no permit becomes free before the deadline.
pub(crate) async fn run_blocking<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let permit = tokio::time::timeout_at(deadline.into(), PERMITS.acquire()).await;
    let _permit = permit.map_err(|_| Problem::deadline_exceeded())?;
    tokio::task::spawn_blocking(work).await.map_err(|fault| {
        tracing::error!(%fault, "catalog task panicked or was canceled");
        Problem::internal()
    })
}
