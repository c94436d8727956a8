//! The entity tags of plans and of their subscriptions.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use registry_planning::plan::{CatalogueReference, Plan};

/// Returns a weak tag, because the correlation id and the time in the response differ each time. If `catalogue`
/// compares the catalog of the plan with the current one, the tag belongs to the comparison.
pub(super) fn entity_tag(plan: &Plan, catalogue: &CatalogueReference) -> String {
    let content = &plan.metadata.content_hash[..plan.metadata.content_hash.len().min(32)];
    match (&catalogue.current, catalogue.stale_instruments) {
        (Some(current), Some(stale)) => format!("W/\"{content}-{current}-{stale}\""),
        _ => format!("W/\"{content}\""),
    }
}

/// Adds the tag to a response. A plan never changes, so callers can cache it, but they must revalidate it.
pub(super) fn with_tag(mut response: Response, tag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}
