//! Renders requests as bytes.

use std::fmt::Arguments;
use std::io::Write;

use crate::plan_id::PlanId;
use crate::settings::Service;

/// The paths of plans, of the catalog and of profiles.
pub(crate) const PLANS: &str = "/api/v1/internal/instrument-registry/subscriptions";
pub(crate) const INSTRUMENTS: &str = "/api/v1/internal/instrument-registry";
pub(crate) const PROFILES: &str = "/api/v1/internal/subscription-profiles";

#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The path before `/api`.
    path: String,
    /// Every header except those of a body, after the path.
    headers: String,
}

impl Site {
    pub(crate) fn new(service: &Service) -> Self {
        let host = &service.target.authority;
        let key = match service.key.0.as_str() {
            "" => String::new(),
            key => format!("X-Internal-API-Key: {key}\r\n"),
        };
        let headers = format!(" HTTP/1.1\r\nHost: {host}\r\n{key}");
        Self { path: service.target.path.clone(), headers }
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
