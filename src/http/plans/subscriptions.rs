//! Returns the subscriptions of a plan: as a list, or as the arguments of the broker's SDK.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use registry_actors::cache::CachedPlan;
use registry_actors::snapshot::Snapshot;
use registry_planning::plan::Plan;
use registry_planning::request::PlanRequest;
use registry_planning::subscriptions::{PlanSubscriptions, Subscription, SubscriptionForm};
use registry_planning::vocabulary::{Broker, SubscriptionType};
use registry_store::{Page, Portion, PortionLimit, Position, RowOutline, rows_within};
use serde::Serialize;
use utoipa::ToSchema;

use super::tags::{entity_tag, with_tag};
use super::{PlanId, find_plan};
use crate::http::context::{AppState, RequestContext, deadline, snapshot};
use crate::http::portions::{Format, Memory, Reader, RowSource, hold};
use crate::http::problem::{Fault, Problem};
use crate::http::query::{Parameters, whole};
use crate::http::response::{FramedAnswer, is_known_to_caller};
use crate::http::schema::{parameters, types};

/// The maximum number of entries that are written at once.
const ENTRIES_MAX: usize = 500;

/// The subscriptions of a plan.
#[derive(ToSchema)]
#[allow(dead_code)] // The response is written in portions; this is its documentation.
pub(crate) struct SubscriptionsAnswer<'a> {
    /// The broker of the plan.
    broker: Broker,
    /// The format of the response.
    #[schema(value_type = types::SubscriptionFormat)]
    format: &'a str,
    /// The subscriptions in the order in which they are sent. Absent if the format is that of an SDK.
    #[schema(nullable = false)]
    subscriptions: Option<Vec<Subscription<'a>>>,
    /// The connections with their messages. Absent if the format is `json`.
    #[schema(nullable = false)]
    connections: Option<Vec<ConnectionMessages>>,
    /// The instruments that no message subscribes, because no file of the broker lists them or because the SDK has no word for
    /// their segment. Absent if the format is `json`.
    #[schema(nullable = false)]
    without_token: Option<Vec<String>>,
}

/// A connection, and the messages that subscribe its instruments.
#[derive(ToSchema)]
#[allow(dead_code)] // Like the response.
pub(crate) struct ConnectionMessages {
    /// The number of the connection, from 1.
    #[schema(minimum = 1)]
    connection: u32,
    /// The account that opens the connection.
    account: String,
    /// The endpoint of the connection.
    endpoint: String,
    /// The arguments of the calls of the SDK, in the order of the calls. Their form depends on the broker.
    messages: Vec<serde_json::Value>,
}

/// Returns the subscriptions of a plan.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/subscriptions", tag = "plans",
    operation_id = "get_plan_subscriptions",
    summary = "Get the subscriptions of a plan",
    description = "Returns the instruments of a plan with the broker's tokens, the connections and the modes. With the format \
        `json`, it is a list. With the id of the plan's broker as the format, it is the arguments of the broker's official \
        Python SDK, grouped by connection and message. The tokens are those of the catalog that the plan was created from.",
    params(parameters::PlanPath, parameters::SubscriptionsQuery, parameters::IfNoneMatch),
    responses(
        (status = 200, description = "The subscriptions.", body = SubscriptionsAnswer<'_>, headers(("ETag" = String, description = "The weak entity tag of the subscriptions, for `If-None-Match`."))),
        (status = 304, description = "The `ETag` in `If-None-Match` is still valid."),
        (status = 404, description = "The plan does not exist."),
        (status = 409, description = "The plan names no broker (`plan_without_broker`), has no subscriptions (`plan_without_subscriptions`), or has no token of the broker and the format is that of the SDK (`plan_without_tokens`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn read_subscriptions(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let connection = connection_of(&mut parameters);
    let format = parameters.optional("format", &expected_form(), SubscriptionForm::parse);
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let cached = find_plan(&state, &context, &snapshot, plan_id).await?;
    let format = format.unwrap_or(SubscriptionForm::List);
    let selected = Selection::of(cached, connection, format, &snapshot)?;
    let response = if is_known_to_caller(&headers, &selected.tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let deadline = deadline(&context, &snapshot);
        let form = selected.form(&context);
        let memory = hold(selected.plan.json.len() + selected.plan.plan.heap_bytes(), deadline).await?;
        let reader = Reader::of(selected.rows(memory));
        let page = reader.whole_page(Position::Offset(0), u32::MAX, deadline).await?;
        page.respond(form, &context, deadline).await?
    };
    Ok(with_tag(response, &selected.tag))
}

pub(super) fn connection_of(parameters: &mut Parameters) -> Option<u32> {
    parameters.optional("connection", "a positive integer", |text| whole(text).filter(|connection| *connection > 0))
}

/// Describes the words of all forms, for messages.
pub(super) fn expected_form() -> String {
    format!("one of json, {}", Broker::WORDS)
}

struct Selection {
    plan: Arc<CachedPlan>,
    broker: Broker,
    format: SubscriptionForm,
    positions: Range<usize>,
    parts: Vec<ListPart>,
    tag: String,
}

#[derive(Clone)]
enum ListPart {
    Entries(Range<usize>),
    Messages { connection: u32, instruments_max: u32 },
}

impl Selection {
    fn of(
        cached: Arc<CachedPlan>,
        connection: Option<u32>,
        format: SubscriptionForm,
        snapshot: &Snapshot,
    ) -> Result<Self, Problem> {
        let plan = &cached.plan;
        let subscriptions = PlanSubscriptions::of(plan).ok_or_else(|| without_subscriptions(plan))?;
        let faults = faults(subscriptions, connection, format);
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let broker = subscriptions.broker();
        let is_sdk = format != SubscriptionForm::List;
        if is_sdk && subscriptions.lacks_tokens() {
            return Err(without_tokens(broker));
        }
        let positions = subscriptions.positions(connection);
        let instruments_max = subscriptions.instruments_per_message(snapshot.brokers.capacity());
        let parts = if is_sdk {
            let connections = subscriptions.connection_numbers();
            let connections = connections.filter(|number| connection.is_none_or(|connection| connection == *number));
            connections.map(|connection| ListPart::Messages { connection, instruments_max }).collect()
        } else {
            let starts = positions.clone().step_by(ENTRIES_MAX);
            starts.map(|start| ListPart::Entries(start..positions.end.min(start + ENTRIES_MAX))).collect()
        };
        // A plan never changes, but the figures of brokers, from which the size of messages comes, can be overridden.
        let mut tag = entity_tag(plan, &plan.metadata.catalogue);
        if is_sdk {
            tag.insert_str(tag.len() - 1, &format!("-{instruments_max}"));
        }
        Ok(Selection { broker, format, positions, parts, tag, plan: cached })
    }

    /// Returns the rows of the response. `memory` is the share of the plan, which the response holds.
    fn rows(&self, memory: Option<Memory>) -> PlanRows {
        PlanRows { plan: Arc::clone(&self.plan), parts: self.parts.clone(), _memory: memory }
    }

    /// Returns the form of the response. Its frame computes the instruments without a token.
    fn form(&self, context: &RequestContext) -> Format<PlanRow> {
        let (plan, context) = (Arc::clone(&self.plan), context.clone());
        let (broker, format, positions) = (self.broker, self.format, self.positions.clone());
        let frame = move || {
            let is_sdk = format != SubscriptionForm::List;
            let subscriptions = PlanSubscriptions::of(&plan.plan).filter(|_| is_sdk);
            let empty = |is_present: bool| is_present.then_some([(); 0]);
            let frame = AnswerFrame {
                broker,
                format: format.as_str(),
                subscriptions: empty(!is_sdk),
                connections: empty(is_sdk),
                without_token: subscriptions.map(|subscriptions| subscriptions.without_token(positions.clone())),
            };
            serde_json::to_vec(&FramedAnswer::of(&context, frame))
        };
        Format::json(frame, |row, text| row.write(text))
    }
}

/// The response with an empty list, which is its first one.
#[derive(Serialize)]
struct AnswerFrame<'a> {
    broker: Broker,
    format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriptions: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_token: Option<Vec<&'a str>>,
}

/// Returns the faults of the parameters with regard to the plan.
fn faults(subscriptions: PlanSubscriptions<'_>, connection: Option<u32>, format: SubscriptionForm) -> Vec<Fault> {
    let numbers: Vec<u32> = subscriptions.connection_numbers().collect();
    let mut faults: Vec<Fault> = connection_fault(connection, &numbers).into_iter().collect();
    faults.extend(format_fault(format, subscriptions.broker()));
    faults
}

/// Returns the fault of a connection that is not one of these.
pub(super) fn connection_fault(connection: Option<u32>, numbers: &[u32]) -> Option<Fault> {
    let connection = connection.filter(|connection| !numbers.contains(connection))?;
    let detail = if numbers.is_empty() {
        format!("the plan has no connections, got `{connection}`")
    } else {
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        format!("expected a connection of the plan ({}), got `{connection}`", numbers.join(", "))
    };
    Some(Fault { pointer: "/query/connection".to_owned(), detail })
}

/// Returns the fault of a form that is not one of a plan at this broker.
pub(super) fn format_fault(form: SubscriptionForm, broker: Broker) -> Option<Fault> {
    form.fault_at(broker).map(|detail| Fault { pointer: "/query/format".to_owned(), detail })
}

/// Rejects a request for a plan that would have no subscriptions, before the plan is created.
///
/// # Errors
/// 409, as for the subscriptions of such a plan.
pub(super) fn require_subscriptions(request: &PlanRequest, snapshot: &Snapshot) -> Result<(), Problem> {
    if request.feed.broker.is_none() {
        return Err(without_broker());
    }
    match snapshot.brokers.usual_mode(request.subscription_type) {
        Some(_) => Ok(()),
        None => Err(not_streamed(request.subscription_type)),
    }
}

pub(super) fn without_subscriptions(plan: &Plan) -> Problem {
    let broker = plan.metadata.feed.as_ref().and_then(|feed| feed.broker);
    let Some(broker) = broker else { return without_broker() };
    if plan.metadata.broker_part.is_some() {
        return not_streamed(plan.subscription_type);
    }
    let detail = format!("the plan was created before subscriptions at {broker} were stored; create it again");
    Problem::of(StatusCode::CONFLICT, "plan_without_subscriptions", detail)
}

fn without_broker() -> Problem {
    let detail = "the plan names no broker; create a plan with `broker` to get subscriptions";
    Problem::of(StatusCode::CONFLICT, "plan_without_broker", detail)
}

fn not_streamed(subscription_type: SubscriptionType) -> Problem {
    let detail = format!("{subscription_type} data has no subscriptions; create a plan for `live_feed` or `alerts`");
    Problem::of(StatusCode::CONFLICT, "plan_without_subscriptions", detail)
}

/// Returns the problem of a plan without a token of its broker.
pub(super) fn without_tokens(broker: Broker) -> Problem {
    let detail = format!(
        "no file of {broker} lists an instrument of the plan; ingest a file of {broker} and create the plan again, or use \
         `format=json`"
    );
    Problem::of(StatusCode::CONFLICT, "plan_without_tokens", detail)
}

/// The parts of the list as rows, whose ids are their positions.
struct PlanRows {
    plan: Arc<CachedPlan>,
    parts: Vec<ListPart>,
    /// The share of the plan: it may be in no cache, and its reader may be slow.
    _memory: Option<Memory>,
}

struct PlanRow {
    plan: Arc<CachedPlan>,
    part: ListPart,
}

impl PlanRows {
    fn outline(&self) -> Vec<RowOutline> {
        let Some(subscriptions) = PlanSubscriptions::of(&self.plan.plan) else { return Vec::new() };
        let positions = |part: &ListPart| match part {
            ListPart::Entries(positions) => positions.clone(),
            ListPart::Messages { connection, .. } => subscriptions.positions(Some(*connection)),
        };
        let bytes = |part: &ListPart| subscriptions.estimated_bytes(positions(part)) as u64;
        self.parts
            .iter()
            .enumerate()
            .map(|(key, part)| RowOutline { key: key.to_string(), bytes: bytes(part) })
            .collect()
    }

    fn row(&self, position: usize) -> Option<PlanRow> {
        Some(PlanRow { plan: Arc::clone(&self.plan), part: self.parts.get(position)?.clone() })
    }
}

impl RowSource for PlanRows {
    type Row = PlanRow;

    fn operation(&self) -> &'static str {
        "subscriptions"
    }

    async fn portion(
        &self,
        _position: Position,
        limit: PortionLimit,
        _deadline: Instant,
    ) -> Result<Portion<PlanRow>, Problem> {
        let items = self.outline();
        let read = rows_within(&items, limit.bytes).min(items.len());
        let rows = (0..read).filter_map(|position| self.row(position)).collect();
        let total = items.len() as u64;
        Ok(Portion { outline: Page { items, total, total_is_lower_bound: false, has_next: false }, rows, read })
    }

    async fn rows_of(&self, keys: Vec<String>, _deadline: Instant) -> Result<Vec<PlanRow>, Problem> {
        Ok(keys.iter().filter_map(|key| self.row(key.parse().ok()?)).collect())
    }
}

impl PlanRow {
    fn write(&self, text: &mut Vec<u8>) -> anyhow::Result<()> {
        let subscriptions = PlanSubscriptions::of(&self.plan.plan).context("the plan has no subscriptions")?;
        match &self.part {
            ListPart::Entries(positions) => subscriptions.write_entries(positions.clone(), text),
            ListPart::Messages { connection, instruments_max } => {
                subscriptions.write_messages(*connection, *instruments_max, text);
            }
        }
        Ok(())
    }
}
