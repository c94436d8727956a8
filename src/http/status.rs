//! The status of the service for operators: one document, and a stream of it.

mod build;
mod document;
mod problems;
mod stream;

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::build::StatusFacts;
pub(crate) use self::document::StatusBreaker;
use self::document::StatusDocument;
pub(crate) use self::problems::is_stale;
pub(super) use self::stream::{__path_stream, stream};
use super::context::{AppState, RequestContext};
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;

/// The status.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusAnswer {
    #[serde(flatten)]
    document: StatusDocument,
}

/// Returns the status.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/status", tag = "operations", operation_id = "get_status",
    summary = "Get the status",
    description = "Returns the health with every problem and its remedy, and the recent past of requests, actors, circuit \
        breakers, caches, files and jobs of this process. Responds within a second even if the database, Redis or an actor \
        hangs.",
    responses(
        (status = 200, description = "The status.", body = StatusAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn status(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let (document, _) = StatusFacts::gather(&state).await.document(&state);
    Ok(framed(&context, StatusAnswer { document }))
}
