//! The figures of the catalog, and the tokens of brokers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, FromRequestParts, Path, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;
use chrono::{NaiveDate, Utc};
use registry_planning::catalogue::summary::{Counts, Summary};
use registry_planning::catalogue::{Catalogue, ContradictionCounts};
use registry_planning::ingest::gate::credible_date;
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, format_time};
use serde::Serialize;
use utoipa::ToSchema;

use super::blocking::run_blocking;
use super::context::{AppState, RequestContext, deadline, snapshot};
use super::instruments::{BOOLEANS, LookupCounts, counted, find_instrument};
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;
use super::schema::{parameters, types};
use crate::metrics::{Lookup, NOT_FOUND, count_lookup};

/// An older file is stale: at most a weekend and a holiday are between two files.
const CURRENT_DAYS_MAX: i64 = 4;

/// The age of the catalog data.
#[derive(Serialize, ToSchema)]
pub(crate) struct Freshness {
    /// The state of the data.
    #[schema(value_type = types::FreshnessStatus)]
    status: &'static str,
    /// The trading date of the newest file, if known.
    #[schema(required)]
    newest_file_date: Option<NaiveDate>,
    /// The number of days since that date.
    #[schema(required)]
    age_days: Option<i64>,
}

/// A number of instruments.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountsEntry {
    /// The number of instruments, active and inactive.
    total: usize,
    /// The number of instruments in the last accepted file of a broker.
    active: usize,
    /// The number of instruments that are not in the last accepted file of any broker.
    inactive: usize,
}

/// The number of fields on which the files of brokers contradict each other.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContradictionCountsEntry {
    /// The number of contradictions: one for each field of an instrument.
    total: usize,
    /// The number of contradictions by field.
    #[schema(value_type = BTreeMap<String, u64>)]
    by_field: BTreeMap<&'static str, usize>,
    /// The number of contradictions by broker whose value is not used.
    #[schema(value_type = BTreeMap<String, u64>)]
    by_broker: BTreeMap<&'static str, usize>,
}

/// The number of active instruments with missing or outdated data, and of contradictions.
#[derive(Serialize, ToSchema)]
pub(crate) struct QualityEntry {
    /// The number of instruments without a name.
    without_name: usize,
    /// The number of cash securities without an ISIN.
    without_isin: usize,
    /// The number of instruments without a lot size, excluding indices.
    without_lot_size: usize,
    /// The number of instruments without a tick size, excluding indices.
    without_tick_size: usize,
    /// The number of instruments without a token of any broker.
    without_token: usize,
    /// The number of contracts whose last trading date has passed.
    expired: usize,
    contradictions: ContradictionCountsEntry,
}

/// Detailed figures of the catalog.
#[derive(Serialize, ToSchema)]
pub(crate) struct DetailedStats {
    /// The number of instruments by exchange: all, active and inactive ones.
    #[schema(value_type = BTreeMap<String, CountsEntry>)]
    by_exchange: BTreeMap<&'static str, CountsEntry>,
    /// The number of instruments by type: all, active and inactive ones.
    #[schema(value_type = BTreeMap<String, CountsEntry>)]
    by_type: BTreeMap<&'static str, CountsEntry>,
    quality_metrics: QualityEntry,
}

/// The figures of the catalog.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryAnswer<'a> {
    /// The number of instruments, active and inactive.
    total_instruments: usize,
    /// The number of instruments in the last accepted file of a broker.
    active_instruments: usize,
    /// The number of instruments that are not in the last accepted file of any broker.
    inactive_instruments: usize,
    /// The number of instruments by exchange.
    #[schema(value_type = BTreeMap<String, u64>)]
    exchanges: BTreeMap<&'static str, usize>,
    /// The number of instruments by type.
    #[schema(value_type = BTreeMap<String, u64>)]
    instrument_types: BTreeMap<&'static str, usize>,
    /// The time of the last update of an instrument, if known.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_updated: Option<String>,
    data_freshness: Freshness,
    /// The detailed figures. Absent if the request excludes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detailed_stats: Option<DetailedStats>,
    /// The version of the catalog.
    version: &'a str,
}

/// Returns the figures of the catalog.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/catalog/summary", tag = "catalog",
    operation_id = "get_catalog_summary",
    summary = "Get a summary of the catalog",
    description = "Counts the instruments of the catalog by exchange and type, and reports the age of the data. The \
        detailed figures contain the missing data, and the contradictions between brokers.",
    params(parameters::SummaryQuery),
    responses(
        (status = 200, description = "The figures of the catalog.", body = SummaryAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn summary(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let has_stats = parameters.optional("include_stats", BOOLEANS, |text| text.parse().ok()).unwrap_or(true);
    parameters.check()?;
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    run_blocking(deadline, move || framed(&context, SummaryAnswer::of(&snapshot.catalogue, has_stats))).await
}

impl<'a> SummaryAnswer<'a> {
    pub(super) fn of(catalogue: &'a Catalogue, has_stats: bool) -> Self {
        let today = trading_date(Utc::now());
        let summary = catalogue.summary(today);
        SummaryAnswer {
            total_instruments: summary.all.total(),
            active_instruments: summary.all.active,
            inactive_instruments: summary.all.inactive,
            exchanges: summary.by_exchange.iter().map(|(name, counts)| (name.as_str(), counts.total())).collect(),
            instrument_types: summary.by_class.iter().map(|(name, counts)| (name.as_str(), counts.total())).collect(),
            last_updated: catalogue.last_updated().map(format_time),
            data_freshness: freshness(catalogue, today),
            detailed_stats: has_stats.then(|| detailed(&summary)),
            version: catalogue.version(),
        }
    }
}

fn freshness(catalogue: &Catalogue, today: NaiveDate) -> Freshness {
    let newest_file_date = credible_date(catalogue.file_date(), today);
    // The age of a file of tomorrow is 0, too.
    let age_days = newest_file_date.map(|date| (today - date).num_days().max(0));
    let status = match age_days {
        _ if catalogue.is_empty() => "empty",
        _ if catalogue.is_demonstration() => "demonstration",
        Some(days) if days <= CURRENT_DAYS_MAX => "current",
        Some(_) => "stale",
        None => "unknown",
    };
    Freshness { status, newest_file_date, age_days }
}

fn detailed(summary: &Summary) -> DetailedStats {
    let entry =
        |counts: &Counts| CountsEntry { total: counts.total(), active: counts.active, inactive: counts.inactive };
    let quality = &summary.quality;
    DetailedStats {
        by_exchange: summary.by_exchange.iter().map(|(name, counts)| (name.as_str(), entry(counts))).collect(),
        by_type: summary.by_class.iter().map(|(name, counts)| (name.as_str(), entry(counts))).collect(),
        quality_metrics: QualityEntry {
            without_name: quality.without_name,
            without_isin: quality.without_isin,
            without_lot_size: quality.without_lot_size,
            without_tick_size: quality.without_tick_size,
            without_token: quality.without_token,
            expired: quality.expired,
            contradictions: contradictions(&summary.contradictions),
        },
    }
}

fn contradictions(counts: &ContradictionCounts) -> ContradictionCountsEntry {
    ContradictionCountsEntry {
        total: counts.total,
        by_field: counts.by_field.iter().map(|(field, count)| (field.as_str(), *count)).collect(),
        by_broker: counts.by_broker.iter().map(|(broker, count)| (broker.as_str(), *count)).collect(),
    }
}

/// The uses of a broker that the service supports.
#[derive(Serialize, ToSchema)]
pub(crate) struct BrokerSupport {
    /// Whether the service reads files of the broker.
    files: bool,
    /// Whether plans can be made for the feed of the broker.
    plans: bool,
}

/// A broker.
#[derive(Serialize, ToSchema)]
pub(crate) struct BrokerEntry {
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    /// The uses of the broker that the service supports.
    supports: BrokerSupport,
    /// Whether the service ever accepted a file of the broker.
    is_loaded: bool,
    /// The trading date of the broker's last accepted file, if known.
    #[schema(required)]
    file_date: Option<NaiveDate>,
    /// The number of tokens of active instruments.
    active_tokens: usize,
}

/// Every broker.
#[derive(Serialize, ToSchema)]
pub(crate) struct BrokersAnswer {
    /// The number of brokers.
    count: usize,
    /// The brokers.
    brokers: Vec<BrokerEntry>,
}

/// Lists the brokers, and the last load of each.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/brokers", tag = "catalog", operation_id = "list_brokers",
    summary = "List brokers",
    description = "Returns every broker with the uses that the service supports, and the date and the active tokens of its last accepted file.",
    responses(
        (status = 200, description = "Every broker.", body = BrokersAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn brokers(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    run_blocking(deadline, move || framed(&context, BrokersAnswer::of(&snapshot.catalogue))).await
}

impl BrokersAnswer {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let tokens = catalogue.token_counts();
        let brokers: Vec<BrokerEntry> = Broker::ALL
            .into_iter()
            .map(|broker| {
                let source = catalogue.sources().iter().find(|source| source.broker == Some(broker));
                BrokerEntry {
                    broker_id: broker.as_str(),
                    // Every broker has limits, which are all that a plan requires.
                    supports: BrokerSupport { files: broker.has_files(), plans: true },
                    is_loaded: source.is_some(),
                    file_date: source.and_then(|source| source.file_date),
                    active_tokens: tokens.get(&broker).copied().unwrap_or(0),
                }
            })
            .collect();
        BrokersAnswer { count: brokers.len(), brokers }
    }
}

/// The token that identifies an instrument in the feed of a broker.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenMapping<'a> {
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    /// The key of the instrument: `EXCHANGE:SYMBOL`.
    instrument_key: &'a str,
    /// The token that identifies the instrument in the feed of the broker.
    broker_token: &'a str,
    /// Whether the instrument is in the last accepted file of a broker.
    is_active: bool,
    /// The time of the last load whose file contained the instrument, if known.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_updated: Option<String>,
}

/// The token of one instrument.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer<'a> {
    token_mapping: TokenMapping<'a>,
}

/// Returns the token of an instrument in the feed of a broker.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/brokers/{broker_id}/tokens/{instrument_key}", tag = "catalog",
    operation_id = "get_broker_token",
    summary = "Get the token of an instrument",
    description = "Returns the token that identifies an instrument in the feed of a broker.",
    params(parameters::BrokerPath, parameters::KeyPath),
    responses(
        (status = 200, description = "The token.", body = TokenAnswer<'_>),
        (status = 404, description = "The broker or the instrument does not exist, or the broker has no token for it."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn token(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    TokenPath { broker_id, key }: TokenPath,
    uri: Uri,
) -> Result<Response, Problem> {
    let answer = || {
        Parameters::of(&uri).check()?;
        let snapshot = snapshot(&state)?;
        let broker = Broker::parse(&broker_id).ok_or_else(no_such_broker)?;
        let instrument = find_instrument(&snapshot.catalogue, &key)?;
        let token = instrument.token(broker).ok_or_else(|| {
            let (broker, key) = (broker, instrument.key());
            let id = broker.as_str();
            Problem::not_found(match snapshot.catalogue.has_tokens_of(broker) {
                true => format!("broker {id} has no token for `{key}`"),
                false => format!("broker {id} has no token for `{key}`: the catalog has no file of {id}"),
            })
        })?;
        let answer = framed(
            &context,
            TokenAnswer {
                token_mapping: TokenMapping {
                    broker_id: broker.as_str(),
                    instrument_key: instrument.key(),
                    broker_token: token,
                    is_active: instrument.is_active(),
                    last_updated: instrument.last_updated().map(format_time),
                },
            },
        );
        Ok((answer, LookupCounts::of(true)))
    };
    counted(Lookup::BrokerToken, answer())
}

pub(super) fn no_such_broker() -> Problem {
    let known: Vec<&str> = Broker::ALL.iter().map(|broker| broker.as_str()).collect();
    Problem::not_found(format!("unknown broker; expected one of {}", known.join(", ")))
}

/// The broker and key in the path. Text that cannot be decoded is neither.
pub(crate) struct TokenPath {
    broker_id: String,
    key: String,
}

impl<S: Send + Sync> FromRequestParts<S> for TokenPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path((broker_id, key))) => Ok(TokenPath { broker_id, key }),
            Err(_) => {
                count_lookup(Lookup::BrokerToken, NOT_FOUND, 1);
                Err(Problem::not_found("broker id or instrument key in the path is not valid UTF-8"))
            }
        }
    }
}
