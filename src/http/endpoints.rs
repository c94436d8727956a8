//! Methods and paths of the API.

pub(crate) const BASE: &str = "/api/v1/internal/instrument-registry";

pub(super) const PLAN_ENDPOINT: (&str, &str) = ("POST", "/api/v1/internal/instrument-registry/subscriptions/plan");
pub(super) const READ_ENDPOINT: (&str, &str) =
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}");
/// The endpoints whose duration operators alert on.
pub(crate) const PLAN_ENDPOINTS: [(&str, &str); 2] = [PLAN_ENDPOINT, READ_ENDPOINT];
