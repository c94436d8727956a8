//! Renders requests as bytes.

use std::fmt::{self, Arguments};
use std::io::Write;

use crate::plan_id::PlanId;
use crate::target::Target;

/// The paths of plans, of the catalog and of profiles.
pub(crate) const PLANS: &str = "/api/v1/internal/instrument-registry/subscriptions";
pub(crate) const INSTRUMENTS: &str = "/api/v1/internal/instrument-registry";
pub(crate) const PROFILES: &str = "/api/v1/internal/subscription-profiles";

#[derive(Clone)]
pub(crate) struct Site {
    /// The path before `/api`.
    path: String,
    /// Every header except those of a body, after the path.
    headers: String,
}

/// Does not show the headers, because they contain the API key.
impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Site {
    pub(crate) fn new(target: &Target, key: &str) -> Self {
        let key = if key.is_empty() { String::new() } else { format!("X-Internal-API-Key: {key}\r\n") };
        let headers = format!(" HTTP/1.1\r\nHost: {}\r\n{key}", target.authority);
        Self { path: target.path.clone(), headers }
    }

    /// Requests a plan. `user_id` must not need escaping in a query.
    pub(crate) fn create_plan(&self, user_id: &str, body: &[u8], out: &mut Vec<u8>) {
        self.send("POST", format_args!("{PLANS}/plan?user_id={user_id}"), body, out);
    }

    pub(crate) fn read_plan(&self, plan_id: PlanId, out: &mut Vec<u8>) {
        self.bare("GET", format_args!("{PLANS}/plans/{plan_id}"), out);
    }

    /// Writes a request without a body.
    pub(crate) fn bare(&self, method: &str, path: Arguments<'_>, out: &mut Vec<u8>) {
        out.clear();
        // Writing to memory cannot fail.
        let _ = write!(out, "{method} {}{path}{}\r\n", self.path, self.headers);
    }

    /// Writes a request with a JSON body.
    pub(crate) fn send(&self, method: &str, path: Arguments<'_>, body: &[u8], out: &mut Vec<u8>) {
        out.clear();
        let Self { path: base, headers } = self;
        let length = body.len();
        let body_headers = format_args!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        let _ = write!(out, "{method} {base}{path}{headers}{body_headers}");
        out.extend_from_slice(body);
    }
}
