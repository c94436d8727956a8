//! Takes a file that is sent, as it arrives.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use registry_actors::ingest::spool::{Spool, SpoolError, SpoolWriter};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::http::context::AppState;
use crate::http::idempotency::RequestHasher;
use crate::http::problem::Problem;

/// Files that may arrive at once: each takes room on the disk, or in memory.
static PLACES: Semaphore = Semaphore::const_new(2);
/// How long the sender may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long a file may take to arrive.
const ARRIVE_WITHIN: Duration = Duration::from_secs(600);
/// Bytes of a file that is too long that are still read, and thrown away: a connection that is closed on bytes nobody read
/// is reset, and its caller may never see the answer.
const DRAINED_BYTES_MAX: usize = 64 << 20;

/// Takes the whole file, and has it hashed on its way if anybody asks for that.
///
/// # Errors
/// 503 while as many arrive as may, 408 where it does not come, 413 where it is too long.
pub(super) async fn take(
    state: &AppState,
    body: Body,
    mut hasher: Option<&mut RequestHasher>,
) -> Result<Spool, Problem> {
    let _place = PLACES.try_acquire().map_err(|_| {
        let pause = Duration::from_secs(5);
        Problem::unavailable("overloaded", "too many concurrent uploads; retry later", pause)
    })?;
    let settings = &state.ingest;
    let mut spool = SpoolWriter::new(settings.spool.clone(), settings.limits.bytes_max).await;
    spool.reserve().map_err(problem)?;
    let mut chunks = body.into_data_stream();
    let deadline = Instant::now() + ARRIVE_WITHIN;
    loop {
        let silence = timeout(SILENCE_MAX, chunks.next());
        let chunk = match timeout_at(deadline, silence).await {
            Err(_) => return Err(Problem::body_timeout(ARRIVE_WITHIN)),
            Ok(Err(_)) => return Err(Problem::body_timeout(SILENCE_MAX)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => chunk,
        };
        let chunk = chunk.map_err(|fault| {
            tracing::debug!(%fault, "failed to read uploaded file to its end");
            Problem::bad_request("unreadable_body", "failed to read the request body to its end")
        })?;
        if let Some(hasher) = &mut hasher {
            hasher.update(&chunk);
        }
        if let Err(fault) = spool.write(&chunk).await {
            drain(&mut chunks).await;
            return Err(problem(fault));
        }
    }
    if spool.length() == 0 {
        return Err(Problem::bad_request("empty_body", "uploaded file is empty"));
    }
    spool.finish().await.map_err(problem)
}

async fn drain(chunks: &mut axum::body::BodyDataStream) {
    let drained = async {
        let mut length = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            length += chunk.len();
            if length > DRAINED_BYTES_MAX {
                return;
            }
        }
    };
    let _ = timeout(SILENCE_MAX, drained).await;
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
