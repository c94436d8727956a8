//! Resolves thousands of keys at once.

use std::sync::Arc;

use crate::http::schema::types;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::Utc;
use registry_planning::catalogue::Catalogue;
use registry_planning::help::Helper;
use registry_planning::instrument::split_key;
use registry_planning::keys::KeyList;
use registry_planning::plan::Reason;
use registry_planning::plan::describe::trading_date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{InstrumentEntry, LookupCounts, counted};
use crate::http::blocking::run_blocking;
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::metrics::Lookup;

const KEYS_MAX: usize = 5000;

/// The keys to resolve.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) struct BatchBody {
    /// The keys, in general `EXCHANGE:SYMBOL`.
    #[schema(value_type = Vec<types::RequestedKey>, min_items = 1, max_items = 5000)]
    instruments: Vec<String>,
}

/// The result for one key.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchEntry<'a> {
    /// The key as the caller sent it.
    requested: &'a str,
    /// The instrument. Absent if the key was not resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    instrument: Option<InstrumentEntry<'a>>,
    /// The reason why the key was not resolved. Absent if the key was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<types::UnresolvedReason>, nullable = false)]
    reason: Option<Reason>,
    /// The description of the reason. Absent if the key was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// Suggested keys. Absent if the key was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    suggestions: Option<Vec<String>>,
}

/// The result for each key.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchAnswer<'a> {
    /// The number of keys in the request.
    count: usize,
    /// The number of keys that were resolved.
    resolved: usize,
    /// The number of keys that were not resolved.
    unresolved: usize,
    /// One result for each key, in the order of the request.
    results: Vec<BatchEntry<'a>>,
}

/// Resolves up to 5000 keys: an instrument or a reason for each.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/instruments:batchResolve", tag = "instruments",
    operation_id = "batch_resolve_instruments",
    summary = "Resolve many keys",
    description = "Returns the instrument of each key, or the reason why the key was not resolved, in the order of the \
        request.",
    request_body(content = BatchBody, description = "The keys to resolve."),
    responses(
        (status = 200, description = "One result for each key.", body = BatchAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn resolve(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    counted(Lookup::BatchResolve, answer(&state, context, &uri, body).await)
}

async fn answer(
    state: &AppState,
    context: RequestContext,
    uri: &Uri,
    body: JsonBody,
) -> Result<(Response, LookupCounts), Problem> {
    let mut fields = body.fields()?;
    let keys = fields.keys("instruments", 1, KEYS_MAX);
    fields.finish(Parameters::of(uri).finish())?;
    // If a value is missing here, a fault was reported above.
    let keys = keys.ok_or_else(Problem::internal)?;

    let snapshot = snapshot(state)?;
    let deadline = crate::http::context::deadline(&context, &snapshot);
    run_blocking(deadline, move || {
        // Its share of the budget of bodies covers the keys too.
        let _body = body;
        let results = results(&keys, &snapshot.catalogue);
        let resolved = results.iter().filter(|result| result.instrument.is_some()).count();
        let found = LookupCounts { found: resolved as u64, missing: (results.len() - resolved) as u64 };
        let answer = framed(
            &context,
            BatchAnswer { count: results.len(), resolved, unresolved: results.len() - resolved, results },
        );
        (answer, found)
    })
    .await
}

fn results<'a>(keys: &'a KeyList, catalogue: &'a Catalogue) -> Vec<BatchEntry<'a>> {
    let mut helper = Helper::new(catalogue, trading_date(Utc::now()));
    let result = |requested: &'a str| match catalogue.find(requested) {
        Some(id) => BatchEntry {
            requested,
            instrument: Some(InstrumentEntry::of(&catalogue.get(catalogue.target(id)))),
            reason: None,
            detail: None,
            suggestions: None,
        },
        None => {
            let help = helper.unknown(requested);
            BatchEntry {
                requested,
                instrument: None,
                reason: Some(if split_key(requested).is_ok() { Reason::Unknown } else { Reason::Malformed }),
                detail: Some(help.detail),
                suggestions: Some(help.suggestions),
            }
        }
    };
    keys.iter().map(result).collect()
}
