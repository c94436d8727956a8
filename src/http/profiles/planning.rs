//! Lists the plans of a profile, and creates new ones.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use registry_actors::cache::Ready;
use registry_actors::persistence::Op;
use registry_planning::instrument::Amount;
use registry_planning::json::ObjectWriter;
use registry_planning::plan::diff::{PlanDiff, diff};
use registry_planning::plan::{Plan, PlanStatus};
use registry_planning::profile::Profile;
use registry_planning::transition::{self, PlanAction};
use registry_planning::vocabulary::{SubscriptionType, format_time};
use registry_store::{PlanFilter, PlanSummary, Store};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ProfileId, deadline, find_profile};
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::ids::is_id;
use crate::http::pagination::{Pagination, Paging, cursor_after};
use crate::http::plans::{self, write_plan};
use crate::http::portions::large_object;
use crate::http::problem::Problem;
use crate::http::profile_state::is_usable;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::{parameters, types};

/// A page of plans.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfilePlansAnswer {
    /// The entries, newest first.
    plans: Vec<ProfilePlanEntry>,
    /// The current version of the profile.
    profile_version: u32,
    pagination: Pagination,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A plan of a profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfilePlanEntry {
    /// The id of the plan.
    #[schema(value_type = types::PlanId)]
    plan_id: String,
    /// The user that the plan is for.
    user_id: String,
    /// The name of the plan.
    plan_name: String,
    /// The use of the instruments.
    subscription_type: SubscriptionType,
    /// The status of the plan.
    status: PlanStatus,
    /// The configured cost of all instruments for a trading day, in USD.
    #[schema(value_type = f64)]
    estimated_cost: Amount,
    /// The version of the profile that the plan was created from.
    #[schema(required)]
    profile_version: Option<u32>,
    /// Whether the plan can still be reused.
    is_live: bool,
    /// Whether the plan can still be reused although the profile has changed since then, is inactive or has expired.
    is_stale: bool,
    /// The time when the plan was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// The time when the plan expires. An expired plan is not reused, but it can still be read.
    #[schema(value_type = String, format = DateTime)]
    expires_at: String,
}

impl ProfilePlanEntry {
    fn of(plan: PlanSummary, profile: &Profile, now: DateTime<Utc>) -> Self {
        let profile_version = plan.profile.map(|reference| reference.version);
        let is_live = plan.expires_at > now;
        let is_current = profile_version == Some(profile.version) && is_usable(profile, now).is_ok();
        ProfilePlanEntry {
            plan_id: plan.plan_id,
            user_id: plan.user_id,
            plan_name: plan.plan_name,
            subscription_type: plan.subscription_type,
            status: plan.status,
            estimated_cost: plan.estimated_cost,
            profile_version,
            is_live,
            is_stale: is_live && !is_current,
            created_at: format_time(plan.created_at),
            expires_at: format_time(plan.expires_at),
        }
    }
}

/// Lists the plans of a profile, newest first, and marks stale ones.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/{profile_id}/plans", tag = "profiles",
    operation_id = "list_profile_plans",
    summary = "List the plans of a profile",
    description = "Returns a page of the plans that were created from a profile, newest first. `is_stale` marks plans \
        that do not match the current profile.",
    params(parameters::ProfilePath, parameters::Page200, parameters::AfterProfilePlan),
    responses(
        (status = 200, description = "A page of plans.", body = ProfilePlansAnswer),
        (status = 404, description = "The profile does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let paging = Paging::read(&mut parameters, 50, 200, |text| is_id(text, "plan_"));
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let (deadline, persistence) = (deadline(&context, &snapshot), &state.system.persistence);
    let profile = find_profile(persistence, &profile_id, deadline).await?;
    let filter = PlanFilter { profile_id: Some(profile_id), ..PlanFilter::default() };
    let (position, limit) = (paging.position.clone(), paging.limit);
    let list = move |store: Arc<dyn Store>| async move { store.plans(&filter, &position, limit).await };
    let page = persistence.run(Op::Plans, deadline.into(), list).await?;
    let pagination = paging.pagination(&page);
    let next_cursor = page.items.last().filter(|_| page.has_next).map(|plan| cursor_after(&plan.plan_id));
    let now = Utc::now();
    Ok(framed(
        &context,
        ProfilePlansAnswer {
            plans: page.items.into_iter().map(|plan| ProfilePlanEntry::of(plan, &profile, now)).collect(),
            profile_version: profile.version,
            pagination,
            next_cursor,
        },
    ))
}

/// The expected size of an action in the response, in bytes.
const ACTION_BYTES: usize = 180;

/// A plan that was created from a profile, and its difference from the previous one.
#[derive(ToSchema)]
#[allow(dead_code)] // The response is written around the plan's JSON; this is its documentation.
pub(crate) struct ReplanAnswer {
    /// The id of the plan.
    #[schema(value_type = types::PlanId)]
    plan_id: String,
    /// `created`, or `cached` if nothing has changed since the previous plan.
    #[schema(value_type = types::ReplanOrigin)]
    status: &'static str,
    /// Whether the plan was reused.
    cache_hit: bool,
    /// The plan.
    plan_data: Plan,
    /// The time that it took to create or find the plan, in milliseconds.
    duration_ms: u64,
    /// The correlation id of the request.
    correlation_id: String,
    /// The time from the arrival of the request to the response, in milliseconds.
    response_time_ms: u64,
    /// Always true: defaults come from the settings.
    config_driven: bool,
    /// Always `v1`.
    #[schema(value_type = types::ApiVersion)]
    api_version: &'static str,
    /// The previous plan of the profile. Null if there is none.
    #[schema(value_type = Option<types::PlanId>, required)]
    previous_plan_id: Option<String>,
    /// The difference from the previous plan, even if that was created with other options. Null if there is none.
    #[schema(required)]
    diff: Option<PlanDiff>,
    /// One action for each instrument whose connection, mode or token differs from the previous plan. Absent if one of the
    /// plans has no subscriptions, or if they are at different brokers.
    #[schema(nullable = false)]
    actions: Option<Vec<PlanAction<'static>>>,
}

/// Creates a plan from the current version of a profile, and compares it with the previous plan of the profile.
#[utoipa::path(
    post, path = "/api/v1/internal/subscription-profiles/{profile_id}/replan", tag = "profiles",
    operation_id = "replan_profile",
    summary = "Create a plan from a profile",
    description = "Creates a plan from the current version of a profile and compares it with the profile's \
        previous plan. A plan at a broker keeps the placement of the previous plan if that is at the same broker.",
    params(parameters::ProfilePath),
    responses(
        (status = 200, description = "The plan and its difference from the previous one.", body = ReplanAnswer),
        (status = 404, description = "The profile does not exist."),
        (status = 409, description = "The profile is inactive or has expired (`profile_inactive`, `profile_expired`), or the instruments that it pins exceed a limit of the broker (`pinned_over_capacity`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn replan(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    body.optional_fields()?.finish(Parameters::of(&uri).finish())?;
    let started_at = std::time::Instant::now();
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    let persistence = &state.system.persistence;
    let profile = find_profile(persistence, &profile_id, deadline).await?;
    is_usable(&profile, Utc::now())?;

    // Read the previous plan before the new one is created, because the new one is then the newest.
    let read = move |store: Arc<dyn Store>| async move { store.newest_plan_of(&profile_id).await };
    let previous: Option<Plan> = match persistence.run(Op::NewestPlan, deadline.into(), read).await? {
        Some(plan_id) => persistence.plan(plan_id, deadline.into()).await?,
        None => None,
    };
    let request = plans::request_from(&profile, plans::PlanOverrides::default(), &snapshot)?;
    let request = plans::replacing(&state, &context, &snapshot, request, previous.as_ref()).await?;
    let brokers = Arc::clone(&snapshot.brokers);
    let (ready, is_reused): (Ready, bool) = plans::cached_or_new_plan(&state, request, snapshot, deadline).await?;

    // If nothing has changed, it is the previous plan, and the difference is empty.
    let difference = previous.as_ref().map(|previous| diff(previous, &ready.cached.plan, &brokers));
    let compared = previous.as_ref().map_or(0, |plan| plan.instruments.len()) + ready.cached.plan.instruments.len();
    let (bytes, took) = (ready.json().len() + compared * ACTION_BYTES, started_at.elapsed());
    let write = move |answer: &mut ObjectWriter<'_>| {
        write_plan(answer, &context, took, &ready, is_reused);
        answer.field("previous_plan_id", &previous.as_ref().map(|plan| &plan.plan_id));
        answer.field("diff", &difference);
        let compared = previous.as_ref().and_then(|previous| transition::diff(Some(previous), &ready.cached.plan).ok());
        if let Some(compared) = compared {
            answer.field("actions", &compared.actions);
        }
    };
    large_object(bytes, deadline, write).await
}
