//! Ingest of brokers' files: start, progress, cancellation.

pub(crate) mod rejections;
mod request;
mod upload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Extension, FromRequest, Path, Request, State};
use axum::http::{Uri, header};
use axum::response::Response;
use registry_actors::ingest::{JobRequest, SubmitError};
use registry_planning::vocabulary::{Broker, format_time};
use registry_store::idempotency::KeyedRequest;
use registry_store::jobs::Job;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::request::IngestBody;
use self::request::{IngestRequest, parse_ingest_body, parse_upload_query};
use super::body::JsonBody;
use super::catalog::no_such_broker;
use super::context::{AppState, RequestContext};
use super::endpoints::BASE;
use super::idempotency::{self, KeyGuard, RequestHasher, answer_to, parse, replayed, stored_answer};
use super::operations::Operator;
use super::path::PathText;
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;
use super::schema::{parameters, types};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A job that was queued.
#[derive(Serialize, ToSchema)]
pub(crate) struct IngestAnswer<'a> {
    #[schema(value_type = types::JobId)]
    job_id: &'a str,
    /// The status of the job.
    #[schema(value_type = types::QueuedStatus)]
    status: &'static str,
    /// The path for reading the job.
    tracking_url: String,
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    #[schema(value_type = registry_planning::ingest::selection::Mode)]
    mode: &'static str,
}

/// The status and progress of a job.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobAnswer<'a> {
    #[schema(value_type = types::JobId)]
    job_id: &'a str,
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    /// The way in which the file replaces the last load of the broker.
    #[schema(value_type = registry_planning::ingest::selection::Mode)]
    mode: &'static str,
    /// The priority. The queued job with the highest priority runs first.
    #[schema(minimum = 1, maximum = 10)]
    priority: u8,
    /// The path or URL of the file.
    source: &'a str,
    /// The status: `queued`, `running`, `completed`, `failed` or `cancelled`.
    #[schema(value_type = types::JobState)]
    status: &'static str,
    /// The progress in percent.
    #[schema(maximum = 100)]
    progress: u8,
    /// The number of rows that were read.
    processed_instruments: u64,
    /// The number of rows that were rejected because they cannot be read, or because nothing distinguishes them.
    rejected_rows: u64,
    /// The number of rows that were skipped because they belong to an exchange that the service does not carry.
    skipped_rows: u64,
    /// The number of rows that were dropped because they are equal to an earlier row.
    duplicate_rows: u64,
    /// The number of instruments that differ from the previous load.
    updated_instruments: u64,
    /// The number of instruments that the previous load did not have.
    new_instruments: u64,
    /// The reasons why the job failed: every gate that rejected the file, with its figure, the remedy if there is one, and
    /// the place of the kept file.
    errors: &'a [String],
    /// Unusual properties of an accepted file, for example a small segment that is missing.
    warnings: &'a [String],
    /// The version of the catalog that the job created. Absent if the job did not create one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<i64>,
    /// The time when the job was queued.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// The time when the job started to run. Absent if it has not started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    started_at: Option<String>,
    /// The time when the job completed, failed or was canceled. Absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    finished_at: Option<String>,
}

/// Starts the ingest of a broker's file: a source that is named, or an upload.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/brokers/{broker_id}/ingest", tag = "ingest",
    operation_id = "ingest_broker_file",
    summary = "Ingest a file of a broker",
    description = "Queues a job that ingests a file of the broker: the source in the JSON body, or the file that is \
        sent as `application/octet-stream`. The file replaces the last load of the broker only if every gate \
        accepts it. The scope of an `Idempotency-Key` is the broker. The repeated response is the job as it was \
        queued.",
    params(parameters::FileBrokerPath, parameters::IngestQuery, parameters::IdempotencyKey),
    request_body(
        content(
            (Option<IngestBody> = "application/json"),
            (types::Upload = "application/octet-stream"),
        ),
        description = "The source and its options, or the file itself, plain, gzipped or in a zip archive.",
    ),
    responses(
        (status = 200, description = "The job is queued.", body = IngestAnswer<'_>),
        (status = 404, description = "The broker does not exist."),
        (status = 409, description = "The broker has an unfinished job (`job_in_progress`), or a request with the same `Idempotency-Key` is in flight (`idempotency_key_in_flight`)."),
        (status = 413, description = "A JSON body exceeds 2 MiB, or a file exceeds its own limit."),
        (status = 415, description = "The body is neither `application/json` nor `application/octet-stream`."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn ingest(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    broker: BrokerPath,
    operator: Operator,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let BrokerPath(broker) = broker;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let key = idempotency::key_of(request.headers())?;
    let scope = || format!("ingest/{}", broker.as_str());
    let guard = key.map(|key| state.keys_in_flight.enter(scope(), key));
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let parameters = Parameters::of(&uri);
    let (parsed, keyed) = match kind.as_str() {
        "application/octet-stream" => {
            let parsed = parse_upload_query(parameters)?;
            let hasher = guard.as_ref().map(|_| RequestHasher::new("upload", &uri));
            let (spool, hasher) = upload::take(&state, request.into_body(), hasher).await?;
            let keyed = guard.as_ref().zip(hasher).map(|(guard, hasher)| guard.request(hasher));
            if let Some(job) = stored_job(&state, guard.as_ref().zip(keyed.as_ref())).await? {
                return Ok(replayed(taken(&job, &context)));
            }
            (parsed.with_upload(spool), keyed)
        }
        // A request without a content type has an empty body.
        "application/json" | "" => {
            let body = JsonBody::from_request(request, &()).await?;
            let hash = || RequestHasher::new("document", &uri).with_body(body.bytes());
            let keyed = guard.as_ref().map(|guard| guard.request(hash()));
            if let Some(job) = stored_job(&state, guard.as_ref().zip(keyed.as_ref())).await? {
                return Ok(replayed(taken(&job, &context)));
            }
            (parse_ingest_body(broker, &body, parameters, &state.ingest).await?, keyed)
        }
        _ => return Err(Problem::unsupported_media_type("application/json or application/octet-stream")),
    };
    let IngestRequest { selection, priority, source, file_date, force } = parsed;
    let request =
        JobRequest { broker, selection, priority, source, file_date, force, slot: None, keyed: keyed.clone() };
    match (state.system.ingest.submit(request, deadline()).await, keyed) {
        (Err(SubmitError::Answered(stored)), Some(keyed)) => {
            let job = parse(&answer_to(&keyed, *stored)?)?;
            Ok(replayed(taken(&job, &context)))
        }
        (job, _) => {
            let job = job?;
            operator.audit("ingest", broker.as_str(), "", &job.job_id);
            Ok(taken(&job, &context))
        }
    }
}

/// Returns the job that was stored for the idempotency key of the request.
async fn stored_job(
    state: &AppState,
    keyed: Option<(&KeyGuard<'_>, &Arc<KeyedRequest>)>,
) -> Result<Option<Job>, Problem> {
    let Some((guard, keyed)) = keyed else { return Ok(None) };
    let stored = stored_answer(&state.system.persistence, guard, keyed, Instant::now() + TIMEOUT).await?;
    stored.as_deref().map(parse).transpose()
}

fn taken(job: &Job, context: &RequestContext) -> Response {
    framed(
        context,
        IngestAnswer {
            job_id: &job.job_id,
            status: job.status.as_str(),
            tracking_url: format!("{BASE}/jobs/{}", job.job_id),
            broker_id: job.broker.as_str(),
            mode: job.mode.as_str(),
        },
    )
}

/// Returns the status and progress of a job.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/jobs/{job_id}", tag = "ingest", operation_id = "get_job",
    summary = "Get a job",
    description = "Returns the status and progress of a job. The last 200 jobs of each broker are kept.",
    params(parameters::JobPath),
    responses(
        (status = 200, description = "The job.", body = JobAnswer<'_>),
        (status = 404, description = "The job does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn read_job(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(job_id): PathText,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    check(&job_id)?;
    let job = state.system.ingest.job(&job_id, deadline()).await?;
    Ok(shown(&job.ok_or_else(no_such_job)?, &context))
}

/// Cancels a job. A finished job does not change. A running job ends a little later; its file may be accepted before.
#[utoipa::path(
    delete, path = "/api/v1/internal/instrument-registry/jobs/{job_id}", tag = "ingest", operation_id = "cancel_job",
    summary = "Cancel a job",
    description = "Cancels a job. A finished job does not change. A running job stops shortly afterwards, unless \
        its file is already being accepted.",
    params(parameters::JobPath),
    responses(
        (status = 200, description = "The job.", body = JobAnswer<'_>),
        (status = 404, description = "The job does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn cancel(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(job_id): PathText,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    check(&job_id)?;
    let job = state.system.ingest.cancel(&job_id, deadline()).await?;
    Ok(shown(&job.ok_or_else(no_such_job)?, &context))
}

fn shown(job: &Job, context: &RequestContext) -> Response {
    framed(
        context,
        JobAnswer {
            job_id: &job.job_id,
            broker_id: job.broker.as_str(),
            mode: job.mode.as_str(),
            priority: job.priority,
            source: &job.source,
            status: job.status.as_str(),
            progress: job.progress,
            processed_instruments: job.processed,
            rejected_rows: job.rejected,
            skipped_rows: job.skipped,
            duplicate_rows: job.duplicates,
            updated_instruments: job.updated,
            new_instruments: job.new,
            errors: &job.errors,
            warnings: &job.warnings,
            version: job.version,
            created_at: format_time(job.created_at),
            started_at: job.started_at.map(format_time),
            finished_at: job.finished_at.map(format_time),
        },
    )
}

/// Rejects a malformed id, so that the database is not queried for it.
fn check(job_id: &str) -> Result<(), Problem> {
    let digits = job_id.strip_prefix("job_").unwrap_or_default();
    let is_id = digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let malformed = "unknown job id; expected `job_` followed by 32 lowercase hexadecimal digits";
    if is_id { Ok(()) } else { Err(Problem::not_found(malformed)) }
}

fn no_such_job() -> Problem {
    Problem::not_found("unknown job id; only the last 200 jobs of a broker are kept")
}

fn deadline() -> tokio::time::Instant {
    (Instant::now() + TIMEOUT).into()
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Busy(job) | SubmitError::Taken(job) => Problem::busy(format!(
                "job {} of this broker is {}; retry after it finishes",
                job.job_id,
                job.status.as_str()
            )),
            // Only requests with a key get this error, which is handled above.
            SubmitError::Answered(_) => Problem::internal(),
            SubmitError::Persistence(fault) => fault.into(),
            SubmitError::Call(fault) => fault.into(),
        }
    }
}

pub(crate) struct BrokerPath(Broker);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for BrokerPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        match path.ok().and_then(|Path(broker_id)| Broker::parse(&broker_id)) {
            Some(broker) if broker.has_files() => Ok(BrokerPath(broker)),
            Some(broker) => {
                let known = Broker::WORDS_WITH_FILES;
                Err(Problem::not_found(format!("no file of {broker} is read; expected one of {known}")))
            }
            None => Err(no_such_broker()),
        }
    }
}
