//! Compares the instruments of a plan with the current catalog.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::Utc;
use registry_actors::cache::CachedPlan;
use registry_actors::snapshot::Snapshot;
use registry_planning::json::ObjectWriter;
use registry_planning::plan::CatalogueReference;
use registry_planning::plan::describe::trading_date;
use registry_planning::transition::{ActionCounts, PlanAction, diff};
use registry_planning::verify::{Verification, replan, verify as verify_plan};
use registry_planning::vocabulary::hex;
use utoipa::ToSchema;

use super::{PlanId, find_plan, milliseconds};
use crate::http::blocking::run_unless_quick;
use crate::http::context::{AppState, RequestContext, deadline, snapshot};
use crate::http::portions::computed_object;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::write_request_fields;
use crate::http::schema::{parameters, types};
use crate::http::stale_counts::ComparedWith;

/// The size of a verified instrument as JSON without its key, in bytes. Most instruments have no change.
const INSTRUMENT_BYTES: usize = 96;

/// The verification of a plan.
#[derive(ToSchema)]
#[allow(dead_code)] // The response is written field by field; this is its documentation.
pub(crate) struct VerificationAnswer<'a> {
    #[serde(flatten)]
    verification: Verification<'a>,
    /// The difference of the plan that its request gives now to this plan. Absent if the plan has no subscriptions, or if its
    /// pinned instruments do not fit into the limits any more.
    #[schema(nullable = false)]
    replan: Option<ReplanDiff<'a>>,
    /// The time that it took to verify the plan, in milliseconds.
    duration_ms: u64,
    /// Always `v1`.
    #[schema(value_type = types::ApiVersion)]
    api_version: &'static str,
}

/// The difference of a new plan to the stored one.
#[derive(ToSchema)]
#[allow(dead_code)] // Like the response.
pub(crate) struct ReplanDiff<'a> {
    /// The instruments that differ: those of the new plan in its order, then those of the stored plan alone in its order.
    actions: Vec<PlanAction<'a>>,
    /// The number of actions of each kind.
    counts: ActionCounts,
    /// The number of subscribed instruments of both plans that do not differ.
    unchanged: u32,
}

/// Compares a plan with the current catalog.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/verify", tag = "plans",
    operation_id = "verify_plan",
    summary = "Verify a plan",
    description = "Compares the identities, tokens and terms that a plan stored with the current catalog, and returns one verdict \
        for each instrument, with everything that changed. Of several verdicts, the first in the order of `Verdict` applies. A \
        plan without identities, because it names no broker or is for historical data, is compared by its keys. `replan` is what the same \
        request would change now.",
    params(parameters::PlanPath),
    responses(
        (status = 200, description = "The verification.", body = VerificationAnswer<'_>),
        (status = 404, description = "The plan does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn verify(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    let cached = find_plan(&state, &context, &snapshot, plan_id).await?;
    let keys = &cached.plan.instruments;
    let bytes = keys.text_bytes() + keys.len() * INSTRUMENT_BYTES;
    let today = trading_date(Utc::now());
    let write = move |answer: &mut ObjectWriter<'_>| {
        let started_at = Instant::now();
        let Verification { plan_id, basis, as_of, catalogue, counts, stale_instruments, instruments } =
            verify_plan(&cached.plan, snapshot.basis(), today);
        answer.field("plan_id", plan_id);
        answer.field("basis", &basis);
        answer.field("as_of", &as_of);
        answer.field("catalogue", &catalogue);
        answer.field("counts", &counts);
        answer.field("stale_instruments", &stale_instruments);
        answer.field("instruments", &instruments);
        let max_instruments = snapshot.settings.max_instruments_per_plan;
        let new_plan = replan(&cached.plan, snapshot.basis(), max_instruments, today);
        if let Some(diff) = new_plan.as_ref().and_then(|new_plan| diff(Some(&cached.plan), new_plan).ok()) {
            answer.field("replan", &diff);
        }
        answer.field("duration_ms", &milliseconds(started_at.elapsed()));
        answer.field("api_version", "v1");
        write_request_fields(answer, &context);
    };
    computed_object(bytes, deadline, write).await
}

/// Returns the comparison of the catalog of a plan with the current one, if it is a plan at a broker and the content of
/// the catalog has changed.
///
/// # Errors
/// Those of [`run_unless_quick`].
pub(super) async fn compared_catalogue(
    state: &AppState,
    snapshot: &Arc<Snapshot>,
    cached: &Arc<CachedPlan>,
    deadline: Instant,
) -> Result<Option<CatalogueReference>, Problem> {
    let metadata = &cached.plan.metadata;
    let content_hash = *snapshot.catalogue.content_hash();
    if metadata.broker_part.is_none() || metadata.catalogue.content_hash == hex(&content_hash) {
        return Ok(None);
    }
    let with = ComparedWith { content_hash, today: trading_date(Utc::now()) };
    let stale = match state.stale_counts.get(with, &cached.plan.plan_id) {
        Some(stale) => stale,
        None => {
            let (of, now) = (Arc::clone(cached), Arc::clone(snapshot));
            let count = move || verify_plan(&of.plan, now.basis(), with.today).stale_instruments;
            // The search for instruments visits the whole catalog.
            let stale = run_unless_quick(false, deadline, count).await?;
            state.stale_counts.put(with, &cached.plan.plan_id, stale);
            stale
        }
    };
    let mut compared = metadata.catalogue.clone();
    compared.compare(&snapshot.catalogue, stale);
    Ok(Some(compared))
}
