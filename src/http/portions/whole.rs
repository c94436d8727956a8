//! Large responses that are written as a whole.

use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::response::Response;
use metrics::counter;
use registry_planning::json::ObjectWriter;

use super::memory::{Memory, Pool, WHOLE};
use crate::http::blocking::run_blocking;
use crate::http::problem::Problem;
use crate::http::response::{json_bytes, json_object, object_bytes};
use crate::metrics::REQUESTS_SHED;

/// Maximum size of a response, or of a plan, that needs no share of the memory for large ones, in bytes. The number of
/// requests bounds smaller ones.
const SMALL_RESPONSE_BYTES_MAX: usize = 256 << 10;

/// Returns a response with a JSON object of about this size in bytes. A large one is written on the threads for
/// computations, and has a share of the memory until it is sent.
///
/// # Errors
/// 503 if other responses need the memory until the deadline, and those of the threads.
pub(in crate::http) async fn large_object(
    bytes: usize,
    deadline: Instant,
    write: impl FnOnce(&mut ObjectWriter<'_>) + Send + 'static,
) -> Result<Response, Problem> {
    if bytes <= SMALL_RESPONSE_BYTES_MAX {
        return Ok(json_object(bytes, write));
    }
    Box::pin(large_object_within(&WHOLE, bytes, deadline, write)).await
}

/// Returns a response with a JSON object of about this size in bytes, whose content takes milliseconds to compute.
/// Unlike [`large_object`], a small one is written on the threads for computations, too.
///
/// # Errors
/// As [`large_object`].
pub(in crate::http) async fn computed_object(
    bytes: usize,
    deadline: Instant,
    write: impl FnOnce(&mut ObjectWriter<'_>) + Send + 'static,
) -> Result<Response, Problem> {
    if bytes <= SMALL_RESPONSE_BYTES_MAX {
        return Ok(json_bytes(run_blocking(deadline, move || object_bytes(bytes, write)).await?));
    }
    Box::pin(large_object_within(&WHOLE, bytes, deadline, write)).await
}

async fn large_object_within(
    pool: &'static Pool,
    bytes: usize,
    deadline: Instant,
    write: impl FnOnce(&mut ObjectWriter<'_>) + Send + 'static,
) -> Result<Response, Problem> {
    let memory = share_of_whole(pool, bytes, deadline).await?;
    let write = move || WrittenObject { text: object_bytes(bytes, write), _memory: memory };
    Ok(json_bytes(Body::from(Bytes::from_owner(run_blocking(deadline, write).await?))))
}

/// Returns a share of the memory for something of this size that a response holds until it is sent; `None` if it is
/// small.
///
/// # Errors
/// 503 if other responses need the memory until the deadline.
pub(in crate::http) async fn hold(bytes: usize, deadline: Instant) -> Result<Option<Memory>, Problem> {
    if bytes <= SMALL_RESPONSE_BYTES_MAX {
        return Ok(None);
    }
    share_of_whole(&WHOLE, bytes, deadline).await.map(Some)
}

async fn share_of_whole(pool: &'static Pool, bytes: usize, deadline: Instant) -> Result<Memory, Problem> {
    let memory = Memory::reserve(pool, bytes as u64, deadline).await;
    memory.inspect_err(|_| counter!(REQUESTS_SHED).increment(1))
}

/// A response that is being sent. Its share of the memory is released with it.
struct WrittenObject {
    text: Vec<u8>,
    _memory: Memory,
}

impl AsRef<[u8]> for WrittenObject {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::to_bytes;
    use axum::http::StatusCode;
    use futures_util::FutureExt;

    use super::*;
    use crate::http::blocking::occupy_computations;

    const KIB: usize = 1024;
    const TIMEOUT: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn a_large_response_is_written_on_the_threads_for_computations() {
        let deadline = Instant::now() + TIMEOUT;
        let write = |object: &mut ObjectWriter<'_>| object.field("text", &"x".repeat(SMALL_RESPONSE_BYTES_MAX));
        let busy = occupy_computations().await;

        assert!(large_object(SMALL_RESPONSE_BYTES_MAX, deadline, write).now_or_never().is_some());
        let mut large = Box::pin(large_object(SMALL_RESPONSE_BYTES_MAX + 1, deadline, write));
        assert!(large.as_mut().now_or_never().is_none());

        drop(busy);
        let body = to_bytes(large.await.unwrap().into_body(), usize::MAX).await.unwrap();
        assert_eq!(body.len(), SMALL_RESPONSE_BYTES_MAX + "{\"text\":\"\"}".len());
    }

    #[tokio::test]
    async fn a_small_computation_leaves_the_threads_of_requests() {
        let deadline = Instant::now() + TIMEOUT;
        let busy = occupy_computations().await;

        let mut computed = Box::pin(computed_object(16, deadline, |object| object.field("a", &1)));
        assert!(computed.as_mut().now_or_never().is_none());

        drop(busy);
        let body = to_bytes(computed.await.unwrap().into_body(), usize::MAX).await.unwrap();
        assert_eq!(&body[..], b"{\"a\":1}");
    }

    #[tokio::test]
    async fn large_responses_wait_until_others_are_sent() {
        let pool: &'static Pool = Box::leak(Box::new(Pool::new(1024)));
        let response =
            |bytes| large_object_within(pool, bytes, Instant::now() + TIMEOUT, |object| object.field("a", &1));
        let plan = share_of_whole(pool, 400 * KIB, Instant::now() + TIMEOUT).await.unwrap();
        let first = response(600 * KIB).await.unwrap();
        let mut second = Box::pin(response(500 * KIB));
        assert!(second.as_mut().now_or_never().is_none());

        drop(first);
        assert_eq!(second.await.unwrap().status(), StatusCode::OK);

        assert_eq!(pool.load().bytes, 400 * KIB, "a plan whose subscriptions are sent");
        drop(plan);
        assert_eq!(pool.load().bytes, 0);
        let all = share_of_whole(pool, 2000 * KIB, Instant::now()).await;
        assert_eq!(all.map(|_| ()).map_err(|problem| problem.code), Ok(()), "all of it is enough for any response");
        assert!(hold(SMALL_RESPONSE_BYTES_MAX, Instant::now()).await.unwrap().is_none());
    }
}
