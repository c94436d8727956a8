//! Finds instruments by symbol, ISIN or key, and lists them.

pub(crate) mod batch;
mod entry;
mod origin;
pub(crate) mod search;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use chrono::Utc;
use registry_planning::catalogue::search::Filters;
use registry_planning::catalogue::{Catalogue, Instrument, InstrumentId};
use registry_planning::help::{Help, Helper};
use registry_planning::instrument::KEY_CHARACTERS_MAX;
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, Exchange};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::entry::InstrumentEntry;
use self::origin::{ContradictionEntry, contradictions, sources};
use super::context::{AppState, RequestContext, snapshot};
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;
use super::schema::parameters;
use crate::metrics::{ERROR, Lookup, NOT_FOUND, SUCCESS, count_lookup};

/// The maximum offset. The catalog is in memory, so that a large offset costs no more than a small one.
const OFFSET_MAX: u64 = i64::MAX as u64;
pub(super) const BOOLEANS: &str = "true or false";

/// The position of a page in its list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListPagination {
    /// The number of instruments that match the filters.
    total: u64,
    /// The maximum number of entries on the page.
    limit: u32,
    /// The `offset` of the request. 0 if it is absent.
    offset: u64,
    /// Whether there is a next page.
    has_next: bool,
}

/// The instruments with a symbol or an ISIN.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResolveAnswer<'a> {
    /// The number of instruments.
    count: usize,
    /// The instruments, the most likely one first.
    instruments: Vec<InstrumentEntry<'a>>,
    /// The reason why no instrument matches. Absent if an instrument matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// Suggested keys. Absent if an instrument matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    suggestions: Option<Vec<String>>,
}

/// Finds every instrument of a symbol, of an ISIN, or of both.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/instruments/resolve", tag = "instruments",
    operation_id = "resolve_instruments",
    summary = "Find instruments by symbol or ISIN",
    description = "Returns every instrument with a symbol, an ISIN, or both, the most likely one first. At least \
        one of `symbol` and `isin` is required. If nothing matches, the response contains the reason and suggested \
        keys.",
    params(parameters::ResolveQuery),
    responses(
        (status = 200, description = "The instruments. The list may be empty.", body = ResolveAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn resolve(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    counted(Lookup::Resolve, answer_resolve(&state, &context, &uri))
}

fn answer_resolve(state: &AppState, context: &RequestContext, uri: &Uri) -> Result<(Response, LookupCounts), Problem> {
    let mut parameters = Parameters::of(uri);
    if !parameters.has("symbol") && !parameters.has("isin") {
        parameters.fault("symbol", "is required if `isin` is absent".to_owned());
    }
    let symbol = parameters.optional("symbol", "1 to 100 characters", |text| {
        (1..=KEY_CHARACTERS_MAX).contains(&text.chars().count()).then(|| text.to_owned())
    });
    let isin = parameters.optional("isin", "12 capital letters or digits", parse_isin);
    let filters = Filters {
        exchanges: parameters.optional_word("exchange").into_iter().collect(),
        instrument_types: parameters.optional_word("instrument_type").into_iter().collect(),
        ..Filters::default()
    };
    parameters.check()?;

    let snapshot = snapshot(state)?;
    let catalogue = &snapshot.catalogue;
    let as_of = trading_date(Utc::now());
    let found = catalogue.resolve(symbol.as_deref(), isin.as_deref(), &filters, as_of);
    let help = found.is_empty().then(|| {
        let of = |symbol, isin| catalogue.resolve(symbol, isin, &Filters::default(), as_of);
        let unfiltered = of(symbol.as_deref(), isin.as_deref());
        if !unfiltered.is_empty() {
            return helped(&excluded_by(&filters), catalogue, unfiltered);
        }
        let Some(symbol) = symbol.as_deref() else { return helped(UNKNOWN_ISIN, catalogue, Vec::new()) };
        let mut of_symbol = of(Some(symbol), None);
        if of_symbol.is_empty() {
            return help_with_symbol(catalogue, symbol, filters.exchanges.first().copied());
        }
        // The symbol exists, so an ISIN was sent, too.
        let of_isin = of(None, isin.as_deref());
        let detail = if of_isin.is_empty() { UNKNOWN_ISIN } else { "no instrument has both this symbol and this ISIN" };
        of_symbol.extend(of_isin);
        helped(detail, catalogue, of_symbol)
    });
    let (detail, suggestions) = help.map(|help| (help.detail, help.suggestions)).unzip();
    let answer = framed(
        context,
        ResolveAnswer {
            count: found.len(),
            instruments: found.iter().map(|id| InstrumentEntry::of(&catalogue.get(*id))).collect(),
            detail,
            suggestions,
        },
    );
    Ok((answer, LookupCounts::of(!found.is_empty())))
}

fn parse_isin(text: &str) -> Option<String> {
    let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (text.len() == 12 && text.bytes().all(is_allowed)).then(|| text.to_owned())
}

const UNKNOWN_ISIN: &str = "the catalog has no instrument with this ISIN";

fn helped(detail: &str, catalogue: &Catalogue, suggestions: Vec<InstrumentId>) -> Help {
    let suggestions = suggestions.into_iter().map(|id| catalogue.key(id).to_owned()).collect();
    Help { detail: detail.to_owned(), suggestions }
}

/// Names the filters of the request, which exclude every instrument.
fn excluded_by(filters: &Filters) -> String {
    let exchanges = filters.exchanges.iter().map(|exchange| format!("exchange `{exchange}`"));
    let types = filters.instrument_types.iter().map(|of| format!("instrument_type `{}`", of.as_str()));
    let sent: Vec<String> = exchanges.chain(types).collect();
    let remedy = if sent.len() == 1 { "remove the filter" } else { "remove one or both filters" };
    format!("instruments match, but none with {}; {remedy}", sent.join(" and "))
}

/// Returns suggestions for a symbol: from the exchange of the request, or else from the first one with a similar
/// symbol.
fn help_with_symbol(catalogue: &Catalogue, symbol: &str, exchange: Option<Exchange>) -> Help {
    let mut helper = Helper::new(catalogue, trading_date(Utc::now()));
    if symbol.contains(':') && exchange.is_none() {
        return helper.unknown(symbol);
    }
    let exchanges = match exchange {
        Some(exchange) => vec![exchange],
        None => vec![Exchange::Nse, Exchange::Bse, Exchange::Mcx, Exchange::Cds],
    };
    let mut helps = exchanges.into_iter().map(|exchange| helper.unknown(&format!("{exchange}:{symbol}")));
    let first = helps.next().unwrap_or(Help { detail: String::new(), suggestions: Vec::new() });
    if first.suggestions.is_empty() {
        return helps.find(|help| !help.suggestions.is_empty()).unwrap_or(first);
    }
    first
}

/// A page of instruments.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstrumentsAnswer<'a> {
    /// The instruments, sorted by exchange, then symbol.
    instruments: Vec<InstrumentEntry<'a>>,
    pagination: ListPagination,
}

/// Lists instruments by exchange, then symbol.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/instruments", tag = "instruments",
    operation_id = "list_instruments",
    summary = "List instruments",
    description = "Returns a page of the instruments that match every filter, sorted by exchange, then symbol.",
    params(parameters::InstrumentListQuery),
    responses(
        (status = 200, description = "A page of instruments.", body = InstrumentsAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    counted(Lookup::List, answer_list(&state, &context, &uri))
}

fn answer_list(state: &AppState, context: &RequestContext, uri: &Uri) -> Result<(Response, LookupCounts), Problem> {
    let mut parameters = Parameters::of(uri);
    let filters = Filters {
        exchanges: parameters.optional_word("exchange").into_iter().collect(),
        instrument_types: parameters.optional_word("instrument_type").into_iter().collect(),
        is_active: Some(parameters.optional("is_active", BOOLEANS, |text| text.parse().ok()).unwrap_or(true)),
        ..Filters::default()
    };
    let limit = parameters.within("limit", 1..=1000);
    let offset = parameters.within("offset", 0..=OFFSET_MAX);
    parameters.check()?;

    let snapshot = snapshot(state)?;
    let (limit, offset) = (limit.unwrap_or(100), offset.unwrap_or(0));
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let (ids, total) = snapshot.catalogue.list(&filters, skipped, limit as usize);
    let answer = framed(
        context,
        InstrumentsAnswer {
            instruments: ids.iter().map(|id| InstrumentEntry::of(&snapshot.catalogue.get(*id))).collect(),
            pagination: ListPagination {
                total: total as u64,
                limit,
                offset,
                has_next: skipped.saturating_add(ids.len()) < total,
            },
        },
    );
    Ok((answer, LookupCounts::of(!ids.is_empty())))
}

/// One instrument.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstrumentAnswer<'a> {
    instrument: InstrumentEntry<'a>,
    /// The broker of the file that each field with a value comes from. Empty for the demonstration catalog.
    #[schema(value_type = BTreeMap<String, Broker>)]
    sources: BTreeMap<&'static str, &'static str>,
    /// The fields on which the files of brokers contradict each other.
    contradictions: Vec<ContradictionEntry<'a>>,
}

/// Reads one instrument by its key, or by an alias of it.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/instruments/{instrument_key}", tag = "instruments",
    operation_id = "get_instrument",
    summary = "Get an instrument",
    description = "Returns the instrument with this key or alias, the broker whose file each field comes from, and the \
        fields on which brokers contradict each other.",
    params(parameters::KeyPath),
    responses(
        (status = 200, description = "The instrument.", body = InstrumentAnswer<'_>),
        (status = 404, description = "The instrument does not exist. `detail` suggests keys."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn read_instrument(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    InstrumentPath(key): InstrumentPath,
    uri: Uri,
) -> Result<Response, Problem> {
    let answer = || {
        Parameters::of(&uri).check()?;
        let snapshot = snapshot(&state)?;
        let instrument = find_instrument(&snapshot.catalogue, &key)?;
        let answer = framed(
            &context,
            InstrumentAnswer {
                instrument: InstrumentEntry::of(&instrument),
                sources: sources(&instrument),
                contradictions: contradictions(&snapshot.catalogue, &instrument),
            },
        );
        Ok((answer, LookupCounts::of(true)))
    };
    counted(Lookup::Instrument, answer())
}

/// The key in the path. Text that cannot be decoded is unknown.
pub(crate) struct InstrumentPath(String);

impl<S: Send + Sync> FromRequestParts<S> for InstrumentPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(key)) => Ok(InstrumentPath(key)),
            Err(_) => {
                count_lookup(Lookup::Instrument, NOT_FOUND, 1);
                Err(Problem::not_found("instrument key in the path is not valid UTF-8"))
            }
        }
    }
}

/// Returns the instrument of a key or an alias.
///
/// # Errors
/// 404 with suggestions.
pub(super) fn find_instrument<'a>(catalogue: &'a Catalogue, key: &str) -> Result<Instrument<'a>, Problem> {
    if let Some(id) = catalogue.find(key) {
        return Ok(catalogue.get(catalogue.target(id)));
    }
    let help = Helper::new(catalogue, trading_date(Utc::now())).unknown(key);
    let unsaid: Vec<String> = help
        .suggestions
        .iter()
        .map(|key| format!("`{key}`"))
        .filter(|suggestion| !help.detail.contains(suggestion.as_str()))
        .collect();
    let perhaps = if unsaid.is_empty() { String::new() } else { format!("; suggestions: {}", unsaid.join(", ")) };
    Err(Problem::not_found(format!("{}{perhaps}", help.detail)))
}

/// Counts the keys of a lookup that were found and those that were not.
#[derive(Clone, Copy)]
pub(crate) struct LookupCounts {
    pub(crate) found: u64,
    pub(crate) missing: u64,
}

impl LookupCounts {
    pub(crate) fn of(is_found: bool) -> Self {
        LookupCounts { found: u64::from(is_found), missing: u64::from(!is_found) }
    }
}

pub(super) fn counted(lookup: Lookup, outcome: Result<(Response, LookupCounts), Problem>) -> Result<Response, Problem> {
    match &outcome {
        Ok((_, found)) => {
            count_lookup(lookup, SUCCESS, found.found);
            count_lookup(lookup, NOT_FOUND, found.missing);
        }
        Err(problem) if problem.status == StatusCode::NOT_FOUND => count_lookup(lookup, NOT_FOUND, 1),
        Err(_) => count_lookup(lookup, ERROR, 1),
    }
    outcome.map(|(response, _)| response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isin_has_twelve_capital_letters_and_digits() {
        assert!(parse_isin("INE467B01029").is_some());
        for text in ["", "INE467B0102", "ine467b01029", "INE467B010299", "INE467B0102₹"] {
            assert_eq!(parse_isin(text), None, "{text}");
        }
    }
}
