//! Renders requests as bytes.

use std::fmt::Arguments;
use std::io::Write;

use crate::plan_id::PlanId;
use crate::settings::Service;

const PLANS: &str = "/api/v1/internal/instrument-registry/subscriptions";
const INSTRUMENTS: &str = "/api/v1/internal/instrument-registry";
const PROFILES: &str = "/api/v1/internal/subscription-profiles";

/// The number of plans in the page of a list.
pub(crate) const LIST_LIMIT: usize = 50;
/// The number of instruments in a page of a search.
pub(crate) const PAGE_SIZE: usize = 20;
/// The number of instruments in a page of the catalog: the maximum of the contract.
pub(crate) const CATALOGUE_PAGE: usize = 1_000;

/// The parts of a request that are the same for all requests to one registry.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The path before `/api`.
    path: String,
    /// Every header except those of a body, after the path.
    headers: String,
}

impl Site {
    /// Creates the common parts for `service`.
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
        self.with_body("POST", format_args!("{PLANS}/plan?user_id={user_id}"), body, out);
    }

    /// Reads a plan back.
    pub(crate) fn read_plan(&self, plan_id: PlanId, out: &mut Vec<u8>) {
        self.bare("GET", format_args!("{PLANS}/plans/{plan_id}"), out);
    }

    /// Requests the detailed description of a plan.
    pub(crate) fn describe_plan(&self, plan_id: PlanId, out: &mut Vec<u8>) {
        let body = br#"{"description_level":"detailed"}"#;
        self.with_body("POST", format_args!("{PLANS}/plan/{plan_id}/describe"), body, out);
    }

    /// Lists the newest plans of a user.
    pub(crate) fn list_plans(&self, user_id: &str, out: &mut Vec<u8>) {
        self.bare("GET", format_args!("{PLANS}/plans?user_id={user_id}&limit={LIST_LIMIT}"), out);
    }

    /// Reads the planner's settings.
    pub(crate) fn planner_config(&self, out: &mut Vec<u8>) {
        self.bare("GET", format_args!("{PLANS}/planner/config"), out);
    }

    /// Reads a page of [`CATALOGUE_PAGE`] active instruments.
    pub(crate) fn list_instruments(&self, offset: usize, out: &mut Vec<u8>) {
        let query = format_args!("{INSTRUMENTS}/instruments?is_active=true&limit={CATALOGUE_PAGE}&offset={offset}");
        self.bare("GET", query, out);
    }

    /// Searches for instruments. `query` must contain JSON escapes where needed.
    pub(crate) fn search(&self, query: &str, out: &mut Vec<u8>) {
        let body = format!(r#"{{"query":"{query}"}}"#);
        self.with_body("POST", format_args!("{INSTRUMENTS}/search?page=1&page_size={PAGE_SIZE}"), body.as_bytes(), out);
    }

    /// Creates a profile.
    pub(crate) fn create_profile(&self, body: &[u8], out: &mut Vec<u8>) {
        self.with_body("POST", format_args!("{PROFILES}/"), body, out);
    }

    /// Reads a profile.
    pub(crate) fn read_profile(&self, profile_id: &str, out: &mut Vec<u8>) {
        self.bare("GET", format_args!("{PROFILES}/{profile_id}"), out);
    }

    /// Changes fields of a profile.
    pub(crate) fn change_profile(&self, profile_id: &str, body: &[u8], out: &mut Vec<u8>) {
        self.with_body("PUT", format_args!("{PROFILES}/{profile_id}"), body, out);
    }

    /// Lists the active profiles of a user.
    pub(crate) fn list_profiles(&self, user_id: &str, out: &mut Vec<u8>) {
        self.bare("GET", format_args!("{PROFILES}/users/{user_id}/profiles?is_active=true&limit=100"), out);
    }

    /// Deactivates a profile.
    pub(crate) fn deactivate_profile(&self, profile_id: &str, out: &mut Vec<u8>) {
        self.bare("DELETE", format_args!("{PROFILES}/{profile_id}"), out);
    }

    /// Requests this number of bytes from the yardstick.
    pub(crate) fn hello(&self, bytes: usize, out: &mut Vec<u8>) {
        self.bare("GET", format_args!("/hello?n={bytes}"), out);
    }

    /// Requests this number of bytes from the yardstick, with a body that it only reads.
    pub(crate) fn echo(&self, bytes: usize, body: &[u8], out: &mut Vec<u8>) {
        self.with_body("POST", format_args!("/echo?n={bytes}"), body, out);
    }

    fn bare(&self, method: &str, path: Arguments<'_>, out: &mut Vec<u8>) {
        out.clear();
        let _ = write!(out, "{method} {}{path}{}\r\n", self.path, self.headers);
    }

    fn with_body(&self, method: &str, path: Arguments<'_>, body: &[u8], out: &mut Vec<u8>) {
        out.clear();
        let length = body.len();
        // Writing to memory cannot fail.
        let _ = write!(
            out,
            "{method} {}{path}{}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
            self.path, self.headers
        );
        out.extend_from_slice(body);
    }
}
