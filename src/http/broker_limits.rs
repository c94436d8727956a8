//! The limits of brokers in effect.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::Response;
use registry_planning::capacity::{BrokerCapacity, Limits};
use registry_planning::vocabulary::Broker;
use serde::Serialize;
use utoipa::ToSchema;

use super::catalog::no_such_broker;
use super::context::{AppState, RequestContext, snapshot};
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;
use super::schema::parameters;

/// An account of the settings.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountEntry<'a> {
    /// The name of the account. Connections of plans have it, so that a feed handler finds the API key.
    name: &'a str,
    /// The name of its tier.
    tier: &'a str,
}

/// The limits of a broker in effect.
#[derive(Serialize, ToSchema)]
pub(crate) struct LimitsAnswer<'a> {
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    /// The name of the broker in words.
    name: &'a str,
    /// The tier that the limits belong to.
    tier: &'a str,
    /// The default tier.
    default_tier: &'a str,
    /// The names of all tiers, from the lowest to the highest.
    tiers: Vec<&'a str>,
    /// The accounts of the settings.
    accounts: Vec<AccountEntry<'a>>,
    /// The limits of an account of the tier.
    limits: &'a Limits,
}

/// Returns the limits of a broker in effect.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/brokers/{broker_id}/limits", tag = "catalog",
    operation_id = "get_broker_limits",
    summary = "Get the limits of a broker",
    description = "Returns the limits of an account in effect. Each figure has its source, the day on which the source was checked, the values of other sources, and whether the file of limits in the settings overrides it.",
    params(parameters::BrokerPath, parameters::TierQuery),
    responses(
        (status = 200, description = "The limits.", body = LimitsAnswer<'_>),
        (status = 404, description = "The broker does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn limits(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let broker = path.ok().and_then(|Path(broker_id)| Broker::parse(&broker_id)).ok_or_else(no_such_broker)?;
    let snapshot = snapshot(&state)?;
    Ok(framed(&context, LimitsAnswer::of(broker, snapshot.brokers.capacity().of(broker), &uri)?))
}

impl<'a> LimitsAnswer<'a> {
    /// Returns the limits of the tier in the query.
    ///
    /// # Errors
    /// 422 with all faults of the query.
    pub(super) fn of(broker: Broker, capacity: &'a BrokerCapacity, uri: &Uri) -> Result<Self, Problem> {
        let mut parameters = Parameters::of(uri);
        let tier = tier(&mut parameters, capacity);
        parameters.check()?;
        let of = |position: usize| capacity.tiers[position].name.as_str();
        let tier = &capacity.tiers[tier.unwrap_or(capacity.default_tier)];
        Ok(LimitsAnswer {
            broker_id: broker.as_str(),
            name: &capacity.name,
            tier: &tier.name,
            default_tier: of(capacity.default_tier),
            tiers: capacity.tiers.iter().map(|tier| tier.name.as_str()).collect(),
            accounts: capacity
                .accounts
                .iter()
                .map(|account| AccountEntry { name: &account.name, tier: of(account.tier) })
                .collect(),
            limits: &tier.limits,
        })
    }
}

fn tier(parameters: &mut Parameters, capacity: &BrokerCapacity) -> Option<usize> {
    let known: Vec<&str> = capacity.tiers.iter().map(|tier| tier.name.as_str()).collect();
    let expected = format!("one of {}", known.join(", "));
    parameters.optional("tier", &expected, |text| known.iter().position(|known| *known == text))
}
