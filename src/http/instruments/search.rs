//! Search for instruments.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::Utc;
use registry_planning::catalogue::Catalogue;
use registry_planning::catalogue::search::{
    Field, Filters, Highlight, MatchKind, Page, Query, Reach, SortBy, SortOrder,
};
use registry_planning::plan::describe::trading_date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{InstrumentEntry, LookupCounts, counted};
use crate::http::blocking::run_blocking;
use crate::http::body::{Fields, JsonBody};
use crate::http::context::{AppState, RequestContext, deadline, snapshot};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::parameters;
use crate::metrics::Lookup;

/// Maximum length of a query. No key is longer.
const QUERY_CHARACTERS_MAX: usize = 100;
const PAGE_SIZE_MAX: u32 = 500;
const PAGE_SIZE: u32 = 50;

/// The query and its filters. Every field may be absent or null.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) struct SearchBody {
    /// A part of a symbol, name, ISIN or underlying. If it is absent, null or empty, every instrument matches.
    #[schema(max_length = 100, pattern = r"^[^\u0000]*$")]
    query: Option<String>,
    /// The filters that an instrument must match. If they are absent or null, the search is not filtered.
    filters: Option<Filters>,
    /// The sort key. If it is absent or null, it is `relevance`: the closest match comes first.
    sort_by: Option<SortBy>,
    /// The sort order. If it is absent or null, it is `asc`.
    sort_order: Option<SortOrder>,
    /// Whether to highlight and count matches. If it is absent or null, it is true.
    include_metadata: Option<bool>,
    /// Whether mistyped words match. If it is absent or null, it is true.
    fuzzy_search: Option<bool>,
}

/// A part of a field that matches the query.
#[derive(Serialize, ToSchema)]
pub(crate) struct HighlightEntry {
    field: Field,
    /// The position of the first character, from 0.
    start: usize,
    /// The position after the last character.
    end: usize,
}

/// An instrument that matches.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchHit<'a> {
    #[serde(flatten)]
    instrument: InstrumentEntry<'a>,
    /// The way in which the instrument matches. Absent if `include_metadata` is false.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    kind: Option<MatchKind>,
    /// The parts that match. Absent if `include_metadata` is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    highlight: Option<Vec<HighlightEntry>>,
}

/// The position of a page in its list.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchPagination {
    /// The page number, from 1.
    page: u32,
    /// The maximum number of entries on the page.
    page_size: u32,
    /// The number of instruments that match, on all pages.
    total_count: u64,
    /// The number of pages. 0 if no instrument matches.
    total_pages: u64,
    /// Whether there is a next page.
    has_next: bool,
    /// Whether there is a previous page. False if no instrument matches.
    has_previous: bool,
}

/// Information about the search.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchMetadata<'a> {
    /// The query without surrounding whitespace.
    query: &'a str,
    /// The sort key.
    sort_by: SortBy,
    /// The sort order.
    sort_order: SortOrder,
    /// Whether mistyped words match.
    fuzzy_search: bool,
    /// The number of instruments by the way in which they match.
    #[schema(value_type = BTreeMap<String, u64>)]
    matches: BTreeMap<&'static str, u64>,
    /// The version of the catalog. Pages are consistent with each other only if they have the same version.
    catalogue_version: &'a str,
    /// The time that the search took, in microseconds.
    search_time_us: u64,
}

/// A page of hits.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchAnswer<'a> {
    /// The instruments that match, in the requested order.
    instruments: Vec<SearchHit<'a>>,
    pagination: SearchPagination,
    /// Information about the search. Absent if `include_metadata` is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    search_metadata: Option<SearchMetadata<'a>>,
}

/// Searches symbol, name, ISIN and underlying.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/search", tag = "instruments",
    operation_id = "search_instruments",
    summary = "Search instruments",
    description = "Searches symbols, names, ISINs and underlyings. Without a query, every instrument that matches \
        the filters is returned.",
    params(parameters::SearchQuery),
    request_body(content = Option<SearchBody>, description = "The query and its filters. The body may be empty."),
    responses(
        (status = 200, description = "A page of hits.", body = SearchAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn search(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    counted(Lookup::Search, answer(&state, context, &uri, &body).await)
}

pub(in crate::http) struct SearchRequest {
    query: Query,
    page: u32,
    page_size: u32,
    has_metadata: bool,
}

async fn answer(
    state: &AppState,
    context: RequestContext,
    uri: &Uri,
    body: &JsonBody,
) -> Result<(Response, LookupCounts), Problem> {
    let request = parse_search(uri, body)?;
    let snapshot = snapshot(state)?;
    let deadline = deadline(&context, &snapshot);
    run_blocking(deadline, move || {
        let answer = SearchAnswer::of(&snapshot.catalogue, &request);
        (framed(&context, &answer), LookupCounts::of(answer.pagination.total_count > 0))
    })
    .await
}

impl<'a> SearchAnswer<'a> {
    pub(in crate::http) fn of(catalogue: &'a Catalogue, request: &'a SearchRequest) -> Self {
        let started_at = Instant::now();
        let page = catalogue.search(&request.query);
        let search_time_us = u64::try_from(started_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        SearchAnswer {
            instruments: hits(catalogue, &page, request.has_metadata),
            pagination: pagination(request, page.total),
            search_metadata: request.has_metadata.then(|| metadata(catalogue, request, &page, search_time_us)),
        }
    }
}

/// Parses a search, and reports all faults of query and body at once.
pub(in crate::http) fn parse_search(uri: &Uri, body: &JsonBody) -> Result<SearchRequest, Problem> {
    let mut parameters = Parameters::of(uri);
    let page = parameters.within("page", 1..=u32::MAX);
    let page_size = parameters.within("page_size", 1..=PAGE_SIZE_MAX);
    let mut fields = body.optional_fields()?;
    let text = fields.optional_text("query", 0, QUERY_CHARACTERS_MAX);
    let filters = read_filters(&mut fields);
    let sort_by = fields.optional_word("sort_by");
    let sort_order = fields.optional_word("sort_order");
    let has_metadata = fields.optional_bool("include_metadata").unwrap_or(true);
    let is_fuzzy = fields.optional_bool("fuzzy_search").unwrap_or(true);
    fields.finish(parameters.finish())?;

    let (page, page_size) = (page.unwrap_or(1), page_size.unwrap_or(PAGE_SIZE));
    let query = Query {
        text: text.unwrap_or_default().trim().to_owned(),
        filters,
        reach: if is_fuzzy { Reach::Near } else { Reach::Part },
        sort_by: sort_by.unwrap_or(SortBy::Relevance),
        sort_order: sort_order.unwrap_or(SortOrder::Ascending),
        offset: (page as usize - 1).saturating_mul(page_size as usize),
        limit: page_size as usize,
        as_of: trading_date(Utc::now()),
    };
    Ok(SearchRequest { query, page, page_size, has_metadata })
}

fn read_filters(fields: &mut Fields<'_>) -> Filters {
    let mut inner = fields.optional_object("filters");
    let filters = Filters {
        exchanges: inner.optional_words("exchanges"),
        instrument_types: inner.optional_words("instrument_types"),
        asset_classes: inner.optional_words("asset_classes"),
        is_active: inner.optional_bool("is_active"),
        has_options: inner.optional_bool("has_options"),
        min_lot_size: inner.optional_integer("min_lot_size", 0, u32::MAX),
        max_lot_size: inner.optional_integer("max_lot_size", 0, u32::MAX),
    };
    if let (Some(min), Some(max)) = (filters.min_lot_size, filters.max_lot_size)
        && min > max
    {
        inner.fault("min_lot_size", format!("expected at most `max_lot_size` ({max}), got {min}"));
    }
    fields.close(inner);
    filters
}

fn hits<'a>(catalogue: &'a Catalogue, page: &Page, has_metadata: bool) -> Vec<SearchHit<'a>> {
    let entry = |mark: Highlight| HighlightEntry { field: mark.field, start: mark.start, end: mark.end };
    let hits = page.hits.iter().map(|hit| {
        let instrument = catalogue.get(hit.id);
        let highlight = || page.highlights(hit, &instrument).into_iter().map(entry).collect();
        SearchHit {
            instrument: InstrumentEntry::of(&instrument),
            kind: has_metadata.then_some(hit.kind),
            highlight: has_metadata.then(highlight),
        }
    });
    hits.collect()
}

fn pagination(request: &SearchRequest, total: usize) -> SearchPagination {
    let (total, page_size) = (total as u64, u64::from(request.page_size));
    let total_pages = total.div_ceil(page_size);
    SearchPagination {
        page: request.page,
        page_size: request.page_size,
        total_count: total,
        total_pages,
        has_next: u64::from(request.page) < total_pages,
        has_previous: request.page > 1 && total > 0,
    }
}

fn metadata<'a>(
    catalogue: &'a Catalogue,
    request: &'a SearchRequest,
    page: &Page,
    search_time_us: u64,
) -> SearchMetadata<'a> {
    SearchMetadata {
        query: &request.query.text,
        sort_by: request.query.sort_by,
        sort_order: request.query.sort_order,
        fuzzy_search: request.query.reach == Reach::Near,
        matches: page.by_kind.iter().map(|(kind, count)| (kind.as_str(), *count as u64)).collect(),
        catalogue_version: catalogue.version(),
        search_time_us,
    }
}
