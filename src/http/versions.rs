//! The versions of the catalog, and their changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use registry_actors::persistence::Op;
use registry_planning::ingest::diff::{Change, ChangeKind};
use registry_planning::vocabulary::{Broker, format_time};
use registry_store::{LoadDiff, LoadSummary, Store, StoredFault};
use serde::Serialize;
use utoipa::ToSchema;

use super::context::{AppState, RequestContext};
use super::path::PathText;
use super::problem::Problem;
use super::query::{Parameters, whole};
use super::response::framed;
use super::schema::{parameters, types};

const TIMEOUT: Duration = Duration::from_secs(10);

/// An accepted load.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionEntry {
    /// The version of the catalog that the load created.
    version: i64,
    /// The SHA-256 of the rows that were kept.
    #[schema(value_type = types::Sha256)]
    content_hash: String,
    /// The path or URL of the file.
    source: String,
    /// The broker that the file belongs to.
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    /// The time when the service started to read the file.
    #[schema(value_type = String, format = DateTime)]
    loaded_at: String,
    /// The trading date of the file, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    file_date: Option<chrono::NaiveDate>,
    /// The number of instruments in the file.
    instruments: u64,
    /// The number of rows of the file, without the header.
    rows_read: u64,
    /// The number of rows that were rejected, by reason. Absent if empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rejected: BTreeMap<String, u64>,
    /// The number of rows that were skipped because the service does not carry them, by reason. Absent if empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    skipped: BTreeMap<String, u64>,
    /// The number of rows that were dropped because they are equal to an earlier row.
    duplicates: u64,
    /// The number of changes since the previous load of the broker, by kind. Kinds without a change are absent. Null if the
    /// load was accepted before changes were recorded.
    #[schema(required)]
    diff_counts: Option<BTreeMap<String, u64>>,
    /// The gates that rejected the file and that an operator overruled. Absent if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overruled: Vec<Overruled>,
    /// Unusual properties of the file that did not reject it. Absent if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Overruled>,
}

/// A gate that an operator overruled, or that accepted a file with a warning.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overruled {
    /// The name of the gate.
    gate: String,
    /// The figure that the gate found and the one that it allows.
    detail: String,
}

/// A page of accepted loads.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionsAnswer {
    /// The entries, newest first.
    versions: Vec<VersionEntry>,
    /// The `before` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_before: Option<i64>,
}

/// A change between two loads of a broker.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeEntry {
    /// The kind of the change.
    #[schema(value_type = ChangeKind)]
    kind: &'static str,
    /// The new key of the instrument, or the old one if it was removed.
    instrument_key: String,
    /// The old value. For a reused token, the key that it belonged to. Empty if the instrument was added.
    before: String,
    /// The new value. For a reused token, the token. Empty if the instrument was removed.
    after: String,
}

/// The changes of a load.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiffAnswer {
    /// The version of the catalog that the load created.
    version: i64,
    /// The broker that the load belongs to.
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    /// The number of changes of the load, by kind.
    diff_counts: BTreeMap<String, u64>,
    /// The changes, sorted by kind, then key.
    changes: Vec<ChangeEntry>,
    /// Whether there are more changes that match the request.
    has_more: bool,
}

/// The kinds of changes.
/// Lists the versions of the catalog, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/catalog/versions", tag = "catalog",
    operation_id = "list_catalog_versions",
    summary = "List catalog versions",
    description = "Returns a page of the accepted loads, newest first. Each load is a version of the catalog.",
    params(parameters::CatalogVersionsQuery),
    responses(
        (status = 200, description = "A page of versions.", body = VersionsAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let limit = parameters.within("limit", 1..=200);
    let before = parameters.optional("before", "a `next_before` of an earlier response", whole);
    parameters.check()?;

    let limit: u32 = limit.unwrap_or(50);
    // One entry more than the page shows whether there is a next page.
    let list = move |store: Arc<dyn Store>| async move { store.versions(before, limit + 1).await };
    let loads = state.system.persistence.run(Op::Versions, deadline(), list).await?;
    Ok(framed(&context, VersionsAnswer::of(loads, limit)))
}

impl VersionsAnswer {
    /// Returns the first `limit` loads; one more shows that there is a next page.
    pub(super) fn of(mut loads: Vec<LoadSummary>, limit: u32) -> Self {
        let has_next = loads.len() > limit as usize;
        loads.truncate(limit as usize);
        VersionsAnswer {
            next_before: loads.last().filter(|_| has_next).map(|load| load.version),
            versions: loads.into_iter().map(VersionEntry::from).collect(),
        }
    }
}

/// Returns the changes of a version since the previous load of the broker.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/catalog/versions/{version}/diff", tag = "catalog",
    operation_id = "get_catalog_diff",
    summary = "Get the changes of a catalog version",
    description = "Returns the changes of a version since the previous load of the same broker, sorted by kind, then key.",
    params(parameters::CatalogVersionPath, parameters::CatalogDiffQuery),
    responses(
        (status = 200, description = "The first changes.", body = DiffAnswer),
        (status = 404, description = "The version does not exist, or it was loaded before changes were recorded."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn diff(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(version): PathText,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let kind = parameters.optional_word("kind");
    let limit = parameters.within("limit", 1..=5000);
    parameters.check()?;

    let limit: u32 = limit.unwrap_or(100);
    let version: i64 = whole(&version).ok_or_else(unknown)?;
    let read = move |store: Arc<dyn Store>| async move { store.diff(version, kind, limit + 1).await };
    let diff = state.system.persistence.run(Op::Diff, deadline(), read).await?;
    Ok(framed(&context, DiffAnswer::of(diff, limit)?))
}

fn unknown() -> Problem {
    Problem::not_found("unknown catalog version")
}

impl DiffAnswer {
    /// Returns the first `limit` changes; one more shows that there are more.
    ///
    /// # Errors
    /// 404 if the version does not exist, or has no changes.
    pub(super) fn of(diff: Option<LoadDiff>, limit: u32) -> Result<Self, Problem> {
        let LoadDiff { load, changes } = diff.ok_or_else(unknown)?;
        let mut changes = changes.ok_or_else(|| {
            Problem::not_found(
                "no changes are recorded for this catalog version, because it was loaded before changes were recorded",
            )
        })?;
        let has_more = changes.len() > limit as usize;
        changes.truncate(limit as usize);
        Ok(DiffAnswer {
            version: load.version,
            broker_id: load.broker.as_str(),
            diff_counts: load.diff_counts.unwrap_or_default(),
            changes: changes.into_iter().map(ChangeEntry::from).collect(),
            has_more,
        })
    }
}

fn deadline() -> tokio::time::Instant {
    (Instant::now() + TIMEOUT).into()
}

impl From<LoadSummary> for VersionEntry {
    fn from(load: LoadSummary) -> Self {
        let shown = |StoredFault { gate, detail }| Overruled { gate, detail };
        VersionEntry {
            version: load.version,
            content_hash: load.content_hash,
            source: load.source,
            broker_id: load.broker.as_str(),
            loaded_at: format_time(load.loaded_at),
            file_date: load.file_date,
            instruments: load.instruments,
            rows_read: load.rows_read,
            rejected: load.rejected,
            skipped: load.skipped,
            duplicates: load.duplicates,
            diff_counts: load.diff_counts,
            overruled: load.overruled.into_iter().map(shown).collect(),
            warnings: load.warnings.into_iter().map(shown).collect(),
        }
    }
}

impl From<Change> for ChangeEntry {
    fn from(change: Change) -> Self {
        ChangeEntry {
            kind: change.kind.as_str(),
            instrument_key: change.key,
            before: change.before,
            after: change.after,
        }
    }
}
