//! Parses large bodies outside the threads that serve requests.

use std::time::Instant;

use super::JsonBody;
use crate::http::blocking::run_unless_quick;
use crate::http::problem::Problem;

/// Maximum size of a body that is parsed on the threads that serve requests, bytes.
const QUICK_BYTES_MAX: usize = 256 << 10;

impl JsonBody {
    /// Runs work on the body: on the threads for computations if the body is large, with a copy that keeps its share.
    ///
    /// # Errors
    /// As [`run_blocking`](crate::http::blocking::run_blocking).
    pub(in crate::http) async fn parsed<T: Send + 'static>(
        &self,
        deadline: Instant,
        parse: impl FnOnce(&JsonBody) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let body = self.clone();
        let is_quick = body.bytes.len() <= QUICK_BYTES_MAX;
        run_unless_quick(is_quick, deadline, move || parse(&body)).await
    }
}
