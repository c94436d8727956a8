//! Stores an upload while it arrives.

use std::path::PathBuf;
use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use registry_actors::ingest::spool::{Spool, SpoolError, SpoolWriter};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

use crate::http::context::AppState;
use crate::http::idempotency::RequestHasher;
use crate::http::problem::Problem;

/// Permits for concurrent uploads. Each needs space on the disk or in memory.
static PERMITS: Semaphore = Semaphore::const_new(2);
const CHUNK_TIMEOUT: Duration = Duration::from_secs(30);
const ARRIVE_WITHIN: Duration = Duration::from_secs(600);

/// Reads the whole file. Adds its bytes to the hasher, if there is one, and returns it.
///
/// # Errors
/// 503 if no permit is free, 408 after a timeout, 413 if it is too large.
pub(super) async fn take(
    state: &AppState,
    body: Body,
    hasher: Option<RequestHasher>,
) -> Result<(Spool, Option<RequestHasher>), Problem> {
    let permit = PERMITS.try_acquire().map_err(|_| {
        let pause = Duration::from_secs(5);
        Problem::unavailable("overloaded", "too many concurrent uploads; retry later", pause)
    })?;
    let (folder, bytes_max) = (state.ingest.spool.clone(), state.ingest.limits.bytes_max);
    // The task keeps the permit: if the caller hangs up, the body ends with an error, but a write to a disk that
    // does not respond goes on.
    let storing = async move {
        let _permit = permit;
        store(folder, bytes_max, body, hasher).await
    };
    tokio::spawn(storing.in_current_span()).await.map_err(|fault| {
        tracing::error!(%fault, "upload task panicked or was canceled");
        Problem::internal()
    })?
}

async fn store(
    folder: PathBuf,
    bytes_max: u64,
    body: Body,
    mut hasher: Option<RequestHasher>,
) -> Result<(Spool, Option<RequestHasher>), Problem> {
    let mut spool = SpoolWriter::new(folder, bytes_max).await;
    spool.reserve().map_err(problem)?;
    let mut chunks = body.into_data_stream();
    let deadline = Instant::now() + ARRIVE_WITHIN;
    loop {
        let next_chunk = timeout(CHUNK_TIMEOUT, chunks.next());
        let chunk = match timeout_at(deadline, next_chunk).await {
            Err(_) => return Err(Problem::body_timeout(ARRIVE_WITHIN)),
            Ok(Err(_)) => return Err(Problem::body_timeout(CHUNK_TIMEOUT)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => chunk,
        };
        let chunk = chunk.map_err(|fault| {
            tracing::debug!(%fault, "failed to read uploaded file to its end");
            Problem::unreadable_body(&fault)
        })?;
        if let Some(hasher) = &mut hasher {
            hasher.update(&chunk);
        }
        spool.write(&chunk).await.map_err(problem)?;
    }
    if spool.length() == 0 {
        return Err(Problem::bad_request("empty_body", "uploaded file is empty"));
    }
    Ok((spool.finish().await.map_err(problem)?, hasher))
}

fn problem(fault: SpoolError) -> Problem {
    match fault {
        SpoolError::TooLarge { .. } => Problem::file_too_large(fault.to_string()),
        SpoolError::AtCapacity => Problem::unavailable("overloaded", fault.to_string(), Duration::from_secs(10)),
        SpoolError::Io(fault) => {
            tracing::error!(%fault, "failed to write uploaded file to DATA_DIR");
            Problem::unavailable(
                "no_room",
                "failed to write the uploaded file to DATA_DIR; retry later",
                Duration::from_secs(60),
            )
        }
    }
}
