//! Dismisses the rejected files of a broker.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use tracing::warn;
use utoipa::ToSchema;

use super::BrokerPath;
use crate::http::context::{AppState, RequestContext};
use crate::http::operations::{Operator, deadline};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::{parameters, types};

/// The result of dismissing the rejected files of a broker.
#[derive(Serialize, ToSchema)]
pub(crate) struct DismissAnswer {
    #[schema(value_type = types::FileBroker)]
    broker_id: &'static str,
    /// The number of rejections that were deleted.
    dismissed: u64,
}

/// Dismisses the rejected files of a broker.
#[utoipa::path(
    delete, path = "/api/v1/internal/instrument-registry/brokers/{broker_id}/rejections", tag = "operations",
    operation_id = "dismiss_rejections",
    summary = "Dismiss the rejected files of a broker",
    description = "Deletes the rejections of the broker, so that they no longer degrade `/ready`, the status and the metrics. \
        The catalog does not change: the last accepted file stays in service. Other replicas follow within seconds.",
    params(parameters::FileBrokerPath),
    responses(
        (status = 200, description = "No rejection of the broker is in effect.", body = DismissAnswer),
        (status = 404, description = "The broker does not exist, or publishes no file."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn dismiss_rejections(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    BrokerPath(broker): BrokerPath,
    operator: Operator,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let (catalogue, deadline) = (&state.system.catalogue, deadline(&context));
    let dismissed = catalogue.dismiss_rejected_files(broker, deadline).await?;
    operator.audit("dismiss_rejections", broker.as_str(), &dismissed.to_string(), "0");
    if let Err(fault) = catalogue.catch_up(deadline).await {
        warn!(%fault, broker = broker.as_str(), "dismissed rejections stay in effect until the catalog is followed");
    }
    Ok(framed(&context, DismissAnswer { broker_id: broker.as_str(), dismissed }))
}
