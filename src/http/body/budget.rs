//! A bound on the memory of all request bodies together.
//!
//! 4,096 requests may be in flight, and each may have a body of 2 MiB, or 4 MiB for a plan. A body therefore needs a
//! share of a budget before it is read, and keeps the share as long as its bytes.

use std::time::Duration;

use metrics::counter;
use registry_actors::trace::{Stage, measured_async};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{BODY_BYTES_MAX, BODY_TIMEOUT, PLAN_BODY_BYTES_MAX};
use crate::http::endpoints::PLAN_ENDPOINT;
use crate::http::problem::Problem;
use crate::metrics::REQUESTS_SHED;

/// Maximum size of a body that needs no share if its size is known, bytes. The number of requests in flight bounds
/// these bodies to 32 MiB, so that large bodies never delay them.
const FREE_BYTES_MAX: usize = 8 << 10;

/// The bytes that bodies may have together.
pub(crate) struct Budget {
    bytes: Semaphore,
    body_bytes_max: usize,
    /// Maximum time for which a body waits for its share.
    timeout: Duration,
}

/// Bodies of requests for plans. They have a budget of their own, because other requests can keep their bodies for
/// seconds, for example while changes of profiles wait for the database.
pub(crate) static PLANS: Budget = Budget::of(16 << 20, PLAN_BODY_BYTES_MAX, BODY_TIMEOUT);
/// All other bodies. The values parsed from a body need up to twice its bytes.
pub(crate) static BODIES: Budget = Budget::of(16 << 20, BODY_BYTES_MAX, BODY_TIMEOUT);
/// Bodies of imports that wait or are being read. They have a budget of their own, because an import takes seconds,
/// which other requests must not wait for.
pub(crate) static IMPORTS: Budget = Budget::of(16 << 20, BODY_BYTES_MAX, BODY_TIMEOUT);

/// The share of a body in a budget. It is returned when it is dropped.
pub(crate) struct Share {
    permit: Option<SemaphorePermit<'static>>,
}

impl Budget {
    const fn of(bytes: usize, body_bytes_max: usize, timeout: Duration) -> Self {
        Budget { bytes: Semaphore::const_new(bytes), body_bytes_max, timeout }
    }

    pub(super) fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    pub(super) fn of_path(path: &str) -> &'static Self {
        if path == PLAN_ENDPOINT.1 { &PLANS } else { &BODIES }
    }

    /// Takes the share of a body of this length, before the body is read. A body of unknown length gets the largest
    /// share. A body that is too large gets none, because its bytes are discarded.
    ///
    /// # Errors
    /// 503 if the share does not become free in time.
    pub(super) async fn share(&'static self, length: Option<usize>) -> Result<Share, Problem> {
        let length = length.unwrap_or(self.body_bytes_max);
        if length <= FREE_BYTES_MAX || length > self.body_bytes_max {
            return Ok(Share { permit: None });
        }
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if let Ok(permit) = self.bytes.try_acquire_many(length) {
            return Ok(Share { permit: Some(permit) });
        }
        let permit = tokio::time::timeout(self.timeout, self.bytes.acquire_many(length));
        match measured_async(Stage::Queue, permit).await {
            Ok(Ok(permit)) => Ok(Share { permit: Some(permit) }),
            Ok(Err(_)) | Err(_) => {
                counter!(REQUESTS_SHED).increment(1);
                Err(Problem::overloaded())
            }
        }
    }
}

impl Share {
    /// Whether the share holds bytes of the budget.
    pub(super) fn is_taken(&self) -> bool {
        self.permit.is_some()
    }

    /// Returns what a body of this length does not need.
    pub(super) fn shrink(&mut self, length: usize) {
        if length <= FREE_BYTES_MAX {
            self.permit = None;
        } else if let Some(permit) = &mut self.permit {
            let surplus = permit.num_permits().saturating_sub(length);
            drop(permit.split(surplus));
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use futures_util::FutureExt;

    use std::time::Instant;

    use super::super::JsonBody;
    use super::*;
    use crate::http::blocking::occupy_computations;

    const MIB: usize = 1 << 20;

    fn budget(bytes: usize) -> &'static Budget {
        budget_with(bytes, Duration::from_secs(120))
    }

    fn budget_with(bytes: usize, timeout: Duration) -> &'static Budget {
        Box::leak(Box::new(Budget::of(bytes, BODY_BYTES_MAX, timeout)))
    }

    fn available(budget: &Budget) -> usize {
        budget.bytes.available_permits()
    }

    fn chunked(bytes: usize) -> Body {
        let chunk = std::io::Result::Ok(axum::body::Bytes::from(vec![b' '; bytes]));
        Body::from_stream(futures_util::stream::once(async { chunk }))
    }

    #[tokio::test]
    async fn a_body_is_rejected_while_the_budget_is_exhausted() {
        let budget = budget_with(3 * MIB, Duration::ZERO);
        let first = JsonBody::read_within(budget, Body::from(vec![b' '; 2 * MIB])).await.unwrap();
        assert_eq!(available(budget), MIB);

        let second = JsonBody::read_within(budget, Body::from(vec![b' '; 2 * MIB])).await;

        let fault = second.err().unwrap();
        assert_eq!(fault.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(fault.code, "overloaded");
        drop(first);
        assert_eq!(available(budget), 3 * MIB);
        JsonBody::read_within(budget, Body::from(vec![b' '; 2 * MIB])).await.unwrap();
        assert_eq!(available(budget), 3 * MIB);
    }

    #[tokio::test]
    async fn a_body_waits_for_its_share() {
        let budget = budget(2 * MIB);
        let first = JsonBody::read_within(budget, Body::from(vec![b' '; 2 * MIB])).await.unwrap();
        let mut second = Box::pin(JsonBody::read_within(budget, Body::from(vec![b' '; MIB])));
        assert!(second.as_mut().now_or_never().is_none());

        drop(first);

        assert_eq!(second.await.unwrap().bytes().len(), MIB);
    }

    #[test]
    fn requests_for_plans_have_a_budget_of_their_own() {
        assert!(std::ptr::eq(Budget::of_path(PLAN_ENDPOINT.1), &PLANS));
        assert!(std::ptr::eq(Budget::of_path("/api/v1/internal/instrument-registry/search"), &BODIES));
        assert!(!std::ptr::eq(&PLANS, &BODIES));
    }

    #[tokio::test]
    async fn small_bodies_never_wait() {
        let budget = budget(2 * MIB);
        let _first = JsonBody::read_within(budget, Body::from(vec![b' '; 2 * MIB])).await.unwrap();

        let small = JsonBody::read_within(budget, Body::from(vec![b' '; FREE_BYTES_MAX])).now_or_never();

        assert_eq!(small.unwrap().unwrap().bytes().len(), FREE_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_returns_its_surplus() {
        let budget = budget(2 * MIB);

        let body = JsonBody::read_within(budget, chunked(MIB)).await.unwrap();

        assert_eq!(available(budget), MIB);
        drop(body);
        let small = JsonBody::read_within(budget, chunked(10)).await.unwrap();
        assert_eq!(available(budget), 2 * MIB);
        drop(small);
        assert_eq!(available(budget), 2 * MIB);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_needs_no_share() {
        let budget = budget(2 * MIB);
        let _first = JsonBody::read_within(budget, Body::from(vec![b' '; 2 * MIB])).await.unwrap();

        let large = JsonBody::read_within(budget, Body::from(vec![b' '; 2 * MIB + 1])).await;

        assert_eq!(large.err().unwrap().status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_of_a_plan_may_have_four_mebibytes() {
        let large = JsonBody::read_within(&PLANS, Body::from(vec![b' '; 4 * MIB])).await;
        let larger = JsonBody::read_within(&PLANS, Body::from(vec![b' '; 4 * MIB + 1])).await;

        assert_eq!(large.unwrap().bytes().len(), 4 * MIB);
        let fault = larger.err().unwrap();
        assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(fault.detail, "request body exceeds 4194304 bytes");
    }

    #[tokio::test]
    async fn large_bodies_are_parsed_on_the_threads_for_computations() {
        let budget = budget(2 * MIB);
        let deadline = Instant::now() + Duration::from_secs(120);
        let large = JsonBody::read_within(budget, Body::from(vec![b' '; MIB])).await.unwrap();
        let small = JsonBody::read_within(budget, Body::from(vec![b' '; 256 << 10])).await.unwrap();
        let busy = occupy_computations().await;

        let parsed = small.parsed(deadline, |body| body.bytes().len()).now_or_never();
        assert_eq!(parsed.unwrap().ok(), Some(256 << 10));
        let mut waiting = Box::pin(large.parsed(deadline, |body| body.bytes().len()));
        assert!(waiting.as_mut().now_or_never().is_none());

        drop(busy);
        assert_eq!(waiting.await.ok(), Some(MIB));
    }

    #[tokio::test]
    async fn a_copy_of_a_body_keeps_its_share() {
        let budget = budget(2 * MIB);
        let body = JsonBody::read_within(budget, Body::from(vec![b' '; MIB])).await.unwrap();
        let copy = body.clone();

        drop(body);

        assert_eq!(available(budget), MIB);
        drop(copy);
        assert_eq!(available(budget), 2 * MIB);
    }

    #[tokio::test]
    async fn an_abandoned_body_returns_its_share() {
        let budget = budget(2 * MIB);
        let never = Body::from_stream(futures_util::stream::pending::<std::io::Result<axum::body::Bytes>>());
        let mut reading = Box::pin(JsonBody::read_within(budget, never));
        assert!(reading.as_mut().now_or_never().is_none());
        assert_eq!(available(budget), 0);

        drop(reading);

        assert_eq!(available(budget), 2 * MIB);
    }
}
