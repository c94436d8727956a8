//! The trading calendar in effect.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::{NaiveDate, Utc};
use registry_planning::calendar::{Calendar, Entry, EntryKind};
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Exchange, format_time};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::parse_date;
use super::context::{AppState, RequestContext, snapshot};
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;
use super::schema::{parameters, types};

/// A period in which an exchange trades, in the time of Asia/Kolkata.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionEntry {
    /// The time at which it opens.
    #[schema(value_type = types::TimeOfDay)]
    open: String,
    /// The time at which it closes.
    #[schema(value_type = types::TimeOfDay)]
    close: String,
}

/// A day of an exchange, or its regular sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct CalendarEntry<'a> {
    /// The date; of regular sessions the first date on which they apply.
    date: NaiveDate,
    exchange: Exchange,
    kind: EntryKind,
    /// The sessions in the order of time; empty for a holiday.
    sessions: Vec<SessionEntry>,
    /// The description of the loaded file; empty if it has none.
    description: &'a str,
}

/// The holidays that are known of an exchange, and its state today.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverageEntry {
    exchange: Exchange,
    /// The first date whose holidays are known.
    from: NaiveDate,
    /// The last date whose holidays are known. Later, only weekends are known.
    to: NaiveDate,
    /// Whether the exchange trades today.
    trades_today: bool,
    /// Today if the exchange trades today, else the next day on which it does.
    next_trading_day: NaiveDate,
}

/// The trading calendar in effect.
#[derive(Serialize, ToSchema)]
pub(crate) struct CalendarAnswer<'a> {
    /// The version of the calendar; null if none is loaded.
    #[schema(required)]
    version: Option<i64>,
    /// The name of the loaded file; null if none is loaded.
    #[schema(required)]
    source: Option<&'a str>,
    /// The time at which the file was loaded; null if none is loaded.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    loaded_at: Option<String>,
    /// The `as_of` of a plan request of today that has none.
    plan_date: NaiveDate,
    /// The exchanges of the calendar.
    exchanges: Vec<CoverageEntry>,
    /// The number of entries.
    count: usize,
    /// The selected entries by date, then exchange.
    entries: Vec<CalendarEntry<'a>>,
    /// The reasons why the calendar must be loaded or replaced.
    warnings: Vec<String>,
}

/// Returns the trading calendar.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/calendar", tag = "catalog", operation_id = "get_calendar",
    summary = "Get the trading calendar",
    description = "Returns the holidays, special sessions and regular sessions of exchanges that are loaded, the years that they cover, and the default of `as_of`. Without a loaded calendar, only weekends are known. `from` must not be later than `to`.",
    params(parameters::CalendarQuery),
    responses(
        (status = 200, description = "The trading calendar.", body = CalendarAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn calendar(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    let selected = CalendarFilter::of(&uri)?;
    let snapshot = snapshot(&state)?;
    let today = trading_date(Utc::now());
    let (load, calendar) = (snapshot.calendar_load.as_deref(), snapshot.calendar());
    let entries: Vec<CalendarEntry<'_>> =
        calendar.entries().into_iter().filter(|entry| selected.has(entry, calendar)).map(shown).collect();
    Ok(framed(
        &context,
        CalendarAnswer {
            version: load.map(|load| load.version),
            source: load.map(|load| load.record.source.as_str()),
            loaded_at: load.map(|load| format_time(load.record.loaded_at)),
            plan_date: calendar.plan_date(today),
            exchanges: calendar
                .coverage()
                .iter()
                .map(|(exchange, coverage)| CoverageEntry {
                    exchange: *exchange,
                    from: coverage.from,
                    to: coverage.to,
                    trades_today: calendar.is_trading_day(*exchange, today),
                    next_trading_day: calendar.next_trading_day(*exchange, today),
                })
                .collect(),
            count: entries.len(),
            entries,
            warnings: calendar.warning(today).into_iter().collect(),
        },
    ))
}

fn shown(entry: Entry<'_>) -> CalendarEntry<'_> {
    let Entry { date, exchange, kind, sessions, description } = entry;
    let text = |time: chrono::NaiveTime| time.format("%H:%M").to_string();
    let sessions = sessions.iter().map(|own| SessionEntry { open: text(own.open), close: text(own.close) }).collect();
    CalendarEntry { date, exchange, kind, sessions, description }
}

struct CalendarFilter {
    exchange: Option<Exchange>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

impl CalendarFilter {
    /// Parses the query.
    ///
    /// # Errors
    /// 422 with all faults.
    fn of(uri: &Uri) -> Result<Self, Problem> {
        let mut parameters = Parameters::of(uri);
        let selected = CalendarFilter {
            exchange: parameters.optional_word("exchange"),
            from: parameters.optional("from", DATE, parse_date),
            to: parameters.optional("to", DATE, parse_date),
        };
        if let (Some(from), Some(to)) = (selected.from, selected.to)
            && from > to
        {
            parameters.fault("from", format!("must not be later than `to`, got {from} and {to}"));
        }
        parameters.check()?;
        Ok(selected)
    }

    /// Whether the entry applies to the exchange and the period. Regular sessions apply from their date on.
    fn has(&self, entry: &Entry<'_>, calendar: &Calendar) -> bool {
        let is_of_exchange =
            self.exchange.is_none_or(|wanted| calendar.market_of(wanted).unwrap_or(wanted) == entry.exchange);
        let is_late_enough = entry.kind == EntryKind::Regular || self.from.is_none_or(|from| from <= entry.date);
        is_of_exchange && is_late_enough && self.to.is_none_or(|to| entry.date <= to)
    }
}

const DATE: &str = "a date as YYYY-MM-DD";
