//! Methods and paths of the API.

/// The path of the internal API.
pub(crate) const BASE: &str = "/api/v1/internal/instrument-registry";

pub(super) const PLAN_ENDPOINT: (&str, &str) = ("POST", "/api/v1/internal/instrument-registry/subscriptions/plan");
pub(super) const READ_ENDPOINT: (&str, &str) =
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}");
/// Every route: method and template. Also the closed list of values of the label `endpoint` of metrics.
pub(crate) const ENDPOINTS: [(&str, &str); 63] = [
    PLAN_ENDPOINT,
    ("POST", "/api/v1/internal/instrument-registry/subscriptions/plan/{plan_id}/describe"),
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans"),
    READ_ENDPOINT,
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/subscriptions"),
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/explain"),
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/diff"),
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/schedule"),
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/verify"),
    ("POST", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/rebalance"),
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/planner/config"),
    ("POST", "/api/v1/internal/instrument-registry/subscriptions/planner/cleanup"),
    ("GET", "/api/v1/internal/instrument-registry/catalog/versions"),
    ("GET", "/api/v1/internal/instrument-registry/catalog/versions/{version}/diff"),
    ("GET", "/api/v1/internal/instrument-registry/instruments/resolve"),
    ("GET", "/api/v1/internal/instrument-registry/instruments"),
    ("GET", "/api/v1/internal/instrument-registry/instruments/{instrument_key}"),
    ("POST", "/api/v1/internal/instrument-registry/instruments:batchResolve"),
    ("POST", "/api/v1/internal/instrument-registry/search"),
    ("GET", "/api/v1/internal/instrument-registry/catalog/summary"),
    ("GET", "/api/v1/internal/instrument-registry/calendar"),
    ("GET", "/api/v1/internal/instrument-registry/brokers"),
    ("GET", "/api/v1/internal/instrument-registry/brokers/{broker_id}/limits"),
    ("GET", "/api/v1/internal/instrument-registry/brokers/{broker_id}/tokens/{instrument_key}"),
    ("POST", "/api/v1/internal/instrument-registry/brokers/{broker_id}/ingest"),
    ("DELETE", "/api/v1/internal/instrument-registry/brokers/{broker_id}/rejections"),
    ("GET", "/api/v1/internal/instrument-registry/jobs/{job_id}"),
    ("DELETE", "/api/v1/internal/instrument-registry/jobs/{job_id}"),
    ("GET", "/api/v1/internal/instrument-registry/status"),
    ("GET", "/api/v1/internal/instrument-registry/status/stream"),
    ("POST", "/api/v1/internal/instrument-registry/admin/settings/refresh"),
    ("POST", "/api/v1/internal/instrument-registry/admin/breakers/{dependency}"),
    ("PUT", "/api/v1/internal/instrument-registry/admin/log-level"),
    ("POST", "/api/v1/internal/subscription-profiles"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}"),
    ("PUT", "/api/v1/internal/subscription-profiles/{profile_id}"),
    ("DELETE", "/api/v1/internal/subscription-profiles/{profile_id}"),
    ("POST", "/api/v1/internal/subscription-profiles/{profile_id}/activate"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}/audit"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}/versions"),
    ("POST", "/api/v1/internal/subscription-profiles/{profile_id}/versions/{version}/restore"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}/plans"),
    ("POST", "/api/v1/internal/subscription-profiles/{profile_id}/replan"),
    ("GET", "/api/v1/internal/subscription-profiles/users/{user_id}/profiles"),
    ("GET", "/api/v1/internal/subscription-profiles/users/{user_id}/export"),
    ("POST", "/api/v1/internal/subscription-profiles/users/{user_id}/import"),
    ("GET", "/api/v1/internal/subscription-profiles/conflicts/users/{user_id}"),
    ("POST", "/api/v1/internal/subscription-profiles/conflicts/{conflict_id}/resolve"),
    ("GET", "/api/v1/internal/subscription-profiles/attention"),
    ("GET", "/api/v1/internal/subscription-profiles/admin/stats"),
    ("POST", "/api/v1/internal/subscription-profiles/admin/cleanup-audit-logs"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/dashboard"),
    ("GET", "/dashboard/{file}"),
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/"),
    ("GET", "/docs/errors"),
    ("GET", "/docs/errors/"),
    ("GET", "/docs/{file}"),
];

/// The endpoints whose duration operators alert on.
pub(crate) const PLAN_ENDPOINTS: [(&str, &str); 2] = [PLAN_ENDPOINT, READ_ENDPOINT];

/// Returns the template of a path, for a request that the router has not seen. As in the router, constant parts of a
/// template win over parameters.
pub(super) fn template(path: &str) -> Option<&'static str> {
    let matching = ENDPOINTS.iter().map(|(_, template)| *template).filter(|template| is_of(template, path));
    matching.min_by_key(|template| template.matches('{').count())
}

/// Whether the template matches the path.
fn is_of(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let mut matches = |expected: &str| {
        parts.next().is_some_and(|part| if expected.starts_with('{') { !part.is_empty() } else { part == expected })
    };
    template.split('/').all(&mut matches) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_template() {
        for (_, expected) in ENDPOINTS {
            let path = expected.replace('{', "a").replace('}', "z");

            assert_eq!(template(&path), Some(expected));
        }
    }

    #[test]
    fn other_paths_have_no_template() {
        let deeper = format!("{BASE}/subscriptions/plans/a/b");
        let empty = format!("{BASE}/subscriptions/plans/");

        for path in ["", "//", "/docs/errors/x", "/nothing", "/health/", BASE, &deeper, &empty] {
            assert_eq!(template(path), None, "{path}");
        }
    }
}
