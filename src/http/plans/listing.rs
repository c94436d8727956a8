//! Lists plans by page or by cursor.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use registry_actors::persistence::Op;
use registry_planning::instrument::Amount;
use registry_planning::plan::PlanStatus;
use registry_planning::vocabulary::{SubscriptionType, format_time};
use registry_store::{PlanFilter, PlanPage, PlanSummary, Position, Store};
use serde::Serialize;
use utoipa::ToSchema;

use super::deadline;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::ids::is_id;
use crate::http::pagination::Pagination;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::{parameters, types};

/// A plan in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanEntry {
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
    /// The time when the plan was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// The time when the plan expires. An expired plan is not reused, but it can still be read.
    #[schema(value_type = String, format = DateTime)]
    expires_at: String,
}

/// The filters in effect.
#[derive(Serialize, ToSchema)]
pub(crate) struct Filters {
    /// The user whose plans are listed. Absent if the request does not select a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user_id: Option<String>,
    /// The type of the listed plans. Absent if the request does not select a type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    subscription_type: Option<SubscriptionType>,
    /// The status of the listed plans. Absent if the request does not select a status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<PlanStatus>,
}

/// A page of plans.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListAnswer {
    /// The entries, newest first.
    plans: Vec<PlanEntry>,
    pagination: Pagination,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    filters_applied: Filters,
}

/// Lists plans, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/plans", tag = "plans",
    operation_id = "list_plans",
    summary = "List plans",
    description = "Returns a page of the plans that match every filter, newest first.",
    params(parameters::PlanListQuery, parameters::Page200, parameters::AfterPlan),
    responses(
        (status = 200, description = "A page of plans.", body = ListAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let filter = PlanFilter {
        user_id: parameters.optional_user_id(),
        subscription_type: parameters.optional_word("subscription_type"),
        status: parameters.optional_word("status"),
        profile_id: None,
    };
    let limit = parameters.within("limit", 1..=200);
    let offset = parameters.offset();
    let cursor = parameters.optional("cursor", "a `next_cursor` of an earlier response", parse_cursor);
    if offset.is_some() && cursor.is_some() {
        parameters.fault("cursor", "cannot be combined with `offset`".to_owned());
    }
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let (limit, offset) = (limit.unwrap_or(50), offset.unwrap_or(0));
    let position = cursor.map_or(Position::Offset(offset), Position::After);
    let deadline = deadline(&context, &snapshot);
    let selected = filter.clone();
    let list = move |store: Arc<dyn Store>| async move { store.plans(&selected, &position, limit).await };
    let page = state.system.persistence.run(Op::Plans, deadline.into(), list).await?;
    let PlanPage { items: plans, total, total_is_lower_bound, has_next } = page;
    let next_cursor = plans.last().filter(|_| has_next).map(|plan| cursor_of(&plan.plan_id));
    Ok(framed(
        &context,
        ListAnswer {
            plans: plans.into_iter().map(PlanEntry::from).collect(),
            pagination: Pagination { total, total_is_lower_bound, limit, offset, has_next },
            next_cursor,
            filters_applied: Filters {
                user_id: filter.user_id,
                subscription_type: filter.subscription_type,
                status: filter.status,
            },
        },
    ))
}

/// A cursor is the last id of the previous page. Callers must not parse it: the prefix identifies the format.
fn cursor_of(plan_id: &str) -> String {
    plan_id.replacen("plan_", "after-", 1)
}

fn parse_cursor(text: &str) -> Option<String> {
    let plan_id = format!("plan_{}", text.strip_prefix("after-")?);
    is_id(&plan_id, "plan_").then_some(plan_id)
}

impl From<PlanSummary> for PlanEntry {
    fn from(plan: PlanSummary) -> Self {
        let time = |time: DateTime<Utc>| format_time(time);
        PlanEntry {
            plan_id: plan.plan_id,
            user_id: plan.user_id,
            plan_name: plan.plan_name,
            subscription_type: plan.subscription_type,
            status: plan.status,
            estimated_cost: plan.estimated_cost,
            created_at: time(plan.created_at),
            expires_at: time(plan.expires_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_unchanged_after_a_round_trip() {
        let plan_id = format!("plan_{}", "0af".repeat(10) + "12");

        assert_eq!(parse_cursor(&cursor_of(&plan_id)), Some(plan_id));
        for other in ["", "after-", "after-xyz", "plan_00", &format!("after-{}", "G".repeat(32))] {
            assert_eq!(parse_cursor(other), None, "{other}");
        }
    }
}
