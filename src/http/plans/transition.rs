//! The way from one plan to the next: the difference between two plans, and the schedule of the messages.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use registry_actors::cache::CachedPlan;
use registry_actors::snapshot::Snapshot;
use registry_planning::json::ObjectWriter;
use registry_planning::plan::Plan;
use registry_planning::subscriptions::{PlanSubscriptions, SubscriptionForm};
use registry_planning::transition::{
    ActionCounts, Batch, NotComparable, PlanAction, ReadyTime, Schedule, ScheduleOptions, check_comparable, diff,
    has_requests, request_schedule, schedule, write_batches,
};
use registry_planning::vocabulary::Broker;
use utoipa::ToSchema;

use super::subscriptions::{
    connection_fault, connection_of, expected_form, format_fault, without_subscriptions, without_tokens,
};
use super::{PlanId, find_plan};
use crate::http::context::{AppState, RequestContext, deadline, snapshot};
use crate::http::portions::{computed_object, large_object};
use crate::http::problem::{Fault, Problem};
use crate::http::query::Parameters;
use crate::http::response::write_request_fields;
use crate::http::schema::{parameters, types};

/// The expected size of the part of a response about one instrument, in bytes.
const INSTRUMENT_BYTES: usize = 360;

/// The maximum length of the id of a plan, in bytes.
const PLAN_ID_BYTES_MAX: usize = 100;

/// The difference between two plans.
#[derive(ToSchema)]
#[allow(dead_code)] // The response is written field by field; this is its documentation.
pub(crate) struct PlanDiffAnswer<'a> {
    /// The plan.
    plan_id: String,
    /// The earlier plan. Absent if the difference is to an empty plan.
    #[schema(nullable = false)]
    from: Option<String>,
    /// The broker of both plans.
    broker: Broker,
    /// The instruments that differ: those of the plan in its order, then those of the earlier plan alone in its order.
    actions: Vec<PlanAction<'a>>,
    /// The number of actions of each kind.
    counts: ActionCounts,
    /// The number of subscribed instruments of both plans that do not differ.
    unchanged: u32,
}

/// A message of a schedule.
#[derive(ToSchema)]
#[allow(dead_code)] // Like the response.
pub(crate) struct ScheduledBatch<'a> {
    #[schema(inline)]
    #[serde(flatten)]
    batch: Batch<'a>,
    /// The arguments of the calls of the SDK. Absent if the format is `json`.
    #[schema(nullable = false)]
    messages: Option<Vec<serde_json::Value>>,
}

/// The messages that lead from one plan to the next.
#[derive(ToSchema)]
#[allow(dead_code)] // Like the response about a difference.
pub(crate) struct ScheduleAnswer<'a> {
    /// The plan.
    plan_id: String,
    /// The earlier plan. Absent if nothing is subscribed before.
    #[schema(nullable = false)]
    from: Option<String>,
    /// The broker.
    broker: Broker,
    /// The format of the messages.
    #[schema(value_type = types::SubscriptionFormat)]
    format: String,
    /// The messages in the order in which they are sent. After each of them the open subscriptions exceed no limit.
    batches: Vec<ScheduledBatch<'a>>,
    /// The time until the last instrument is subscribed in its mode, in milliseconds.
    time_to_ready_ms: u64,
    /// The same for the instruments of each priority: the pinned first, then by descending priority.
    ready: Vec<ReadyTime>,
    /// Warnings about the schedule.
    warnings: Vec<String>,
}

/// Returns the difference between two plans.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/diff", tag = "plans",
    operation_id = "get_plan_diff",
    summary = "Compare a plan with an earlier one",
    description = "Returns one action for each instrument whose connection, mode or token differs between two plans of one user \
        at one broker. Without `from`, it is the difference to an empty plan.",
    params(parameters::PlanPath, parameters::FromQuery),
    responses(
        (status = 200, description = "The difference.", body = PlanDiffAnswer<'_>),
        (status = 404, description = "The plan does not exist, or the user of the plan has no plan `from`."),
        (status = 409, description = "One of the plans names no broker (`plan_without_broker`) or has no subscriptions (`plan_without_subscriptions`), or the plans are at different brokers (`plan_at_other_broker`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn read_diff(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let from = from_of(&mut parameters);
    parameters.check()?;
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    let pair = PlanPair::read(&state, &context, &snapshot, plan_id, from).await?;
    pair.check()?;
    let bytes = pair.instrument_count() * INSTRUMENT_BYTES;
    let write = move |answer: &mut ObjectWriter<'_>| {
        pair.write_ids(answer);
        if let Ok(diff) = diff(pair.from(), &pair.to.plan) {
            answer.field("actions", &diff.actions);
            answer.field("counts", &diff.counts);
            answer.field("unchanged", &diff.unchanged);
        }
        write_request_fields(answer, &context);
    };
    large_object(bytes, deadline, write).await
}

/// Returns the schedule of the messages from one plan to the next.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/schedule", tag = "plans",
    operation_id = "get_plan_schedule",
    summary = "Get the messages that lead to a plan",
    description = "Returns the messages that subscribe the instruments of a plan, with the times at which the pace of the broker \
        allows them. With `from`, they lead from an earlier plan of the user at the same broker to this one. After each message \
        the open subscriptions are within the limits. With `connection` alone, they subscribe that connection again after a \
        reconnect. With the id of the broker as the format, each message has the arguments of the broker's official Python SDK. \
        For historical data, they are the requests at the broker's pace.",
    params(parameters::PlanPath, parameters::ScheduleQuery),
    responses(
        (status = 200, description = "The schedule.", body = ScheduleAnswer<'_>),
        (status = 404, description = "The plan does not exist, or the user of the plan has no plan `from`."),
        (status = 409, description = "One of the plans names no broker (`plan_without_broker`) or has no subscriptions (`plan_without_subscriptions`), the plans are at different brokers (`plan_at_other_broker`), or the plan has no token of the broker and the format is that of the SDK (`plan_without_tokens`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn read_schedule(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let from = from_of(&mut parameters);
    let connection = connection_of(&mut parameters);
    let form = parameters.optional("format", &expected_form(), SubscriptionForm::parse);
    parameters.check()?;
    let form = form.unwrap_or(SubscriptionForm::List);
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    let pair = PlanPair::read(&state, &context, &snapshot, plan_id, from).await?;
    if !has_requests(&pair.to.plan) || pair.from.is_some() {
        pair.check()?;
    }
    pair.check_choices(connection, form)?;
    let bytes = pair.instrument_count() * INSTRUMENT_BYTES;
    let write = move |answer: &mut ObjectWriter<'_>| {
        let (basis, options) = (snapshot.basis(), ScheduleOptions { connection });
        let schedule = match request_schedule(&pair.to.plan, basis) {
            Some(schedule) => Ok(schedule),
            None => schedule(pair.from(), &pair.to.plan, options, basis),
        };
        pair.write_ids(answer);
        answer.field("format", form.as_str());
        if let Ok(Schedule { batches, time_to_ready_ms, ready, warnings }) = schedule {
            let mut text = Vec::with_capacity(bytes);
            write_batches(form, &batches, &mut text);
            answer.raw("batches", &text);
            answer.field("time_to_ready_ms", &time_to_ready_ms);
            answer.field("ready", &ready);
            answer.field("warnings", &warnings);
        }
        write_request_fields(answer, &context);
    };
    // The selectors of the request visit the whole catalog.
    computed_object(bytes, deadline, write).await
}

/// Reads the id of the earlier plan.
fn from_of(parameters: &mut Parameters) -> Option<String> {
    parameters.optional("from", "the id of a plan", |text| {
        let is_id = (1..=PLAN_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_id.then(|| text.to_owned())
    })
}

/// A plan and an earlier one of the same user.
struct PlanPair {
    from: Option<Arc<CachedPlan>>,
    to: Arc<CachedPlan>,
}

impl PlanPair {
    async fn read(
        state: &AppState,
        context: &RequestContext,
        snapshot: &Snapshot,
        plan_id: String,
        from: Option<String>,
    ) -> Result<Self, Problem> {
        let to = find_plan(state, context, snapshot, plan_id).await?;
        let Some(from_id) = from else { return Ok(PlanPair { from: None, to }) };
        let unknown = || {
            let detail = format!("the user of the plan has no plan `{from_id}`, which `from` names");
            Problem::of(StatusCode::NOT_FOUND, "not_found", detail)
        };
        let found = find_plan(state, context, snapshot, from_id.clone()).await;
        let from =
            found.map_err(|problem| if problem.status == StatusCode::NOT_FOUND { unknown() } else { problem })?;
        if from.plan.user_id != to.plan.user_id {
            return Err(unknown());
        }
        Ok(PlanPair { from: Some(from), to })
    }

    fn from(&self) -> Option<&Plan> {
        self.from.as_deref().map(|cached| &*cached.plan)
    }

    /// Checks whether the plans can be compared.
    fn check(&self) -> Result<(), Problem> {
        check_comparable(self.from(), &self.to.plan).map_err(|fault| match (fault, self.from()) {
            (NotComparable::EarlierWithoutSubscriptions, Some(from)) => without_subscriptions(from),
            (NotComparable::OtherBroker { .. }, _) => {
                Problem::of(StatusCode::CONFLICT, "plan_at_other_broker", fault.to_string())
            }
            _ => without_subscriptions(&self.to.plan),
        })
    }

    fn check_choices(&self, connection: Option<u32>, form: SubscriptionForm) -> Result<(), Problem> {
        let Some(part) = self.to.plan.metadata.broker_part.as_deref() else { return Ok(()) };
        let broker = part.allocation.broker;
        // The earlier plan may have connections that the plan lacks.
        let plans = [Some(&*self.to.plan), self.from()].into_iter().flatten();
        let mut numbers: Vec<u32> =
            plans.filter_map(PlanSubscriptions::of).flat_map(|of| of.connection_numbers()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let faults: Vec<Fault> =
            connection_fault(connection, &numbers).into_iter().chain(format_fault(form, broker)).collect();
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let lacks_tokens =
            PlanSubscriptions::of(&self.to.plan).is_some_and(|subscriptions| subscriptions.lacks_tokens());
        if form != SubscriptionForm::List && lacks_tokens { Err(without_tokens(broker)) } else { Ok(()) }
    }

    fn instrument_count(&self) -> usize {
        self.to.plan.instruments.len() + self.from().map_or(0, |plan| plan.instruments.len())
    }

    fn write_ids(&self, answer: &mut ObjectWriter<'_>) {
        answer.field("plan_id", &self.to.plan.plan_id);
        if let Some(from) = self.from() {
            answer.field("from", &from.plan_id);
        }
        if let Some(part) = self.to.plan.metadata.broker_part.as_deref() {
            answer.field("broker", &part.allocation.broker);
        }
    }
}
