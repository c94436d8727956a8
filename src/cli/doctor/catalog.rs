//! The checks of the stored catalog and of the trading calendar.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use registry_planning::calendar::{Calendar, CalendarState};
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, counted};
use registry_store::{LoadSummary, RejectedFile, Store, StoreError};

use super::{Check, Deadline, Finding};
use crate::http::{file_age, is_stale};
use crate::settings::ProcessSettings;

/// Checks the catalog and the calendar of a store whose schema is current.
pub(super) async fn checks(
    store: Option<&dyn Store>,
    settings: &ProcessSettings,
    deadline: Deadline,
) -> (Check, Check) {
    let Some(store) = store else {
        let skipped = || async { Finding::skipped("no database with a current schema") };
        return tokio::join!(deadline.check("catalog", skipped()), deadline.check("calendar", skipped()));
    };
    let now = Utc::now();
    let calendar = async || Ok(store.calendar_after(0).await?.map(|stored| stored.record.calendar));
    let of_catalog = async {
        let found = async {
            let calendar = calendar().await?.unwrap_or_default();
            Ok(catalog(&store.last_summaries().await?, &store.rejected_files().await?, &calendar, settings, now))
        };
        found.await.unwrap_or_else(unreadable)
    };
    let of_calendar = async { calendar().await.map_or_else(unreadable, |calendar| calendar_finding(calendar, now)) };
    tokio::join!(deadline.check("catalog", of_catalog), deadline.check("calendar", of_calendar))
}

#[allow(clippy::needless_pass_by_value)] // So that it can be given to `unwrap_or_else` by its name.
fn unreadable(fault: StoreError) -> Finding {
    Finding::failed(fault.to_string(), "Check the database.")
}

fn catalog(
    loads: &[LoadSummary],
    refusals: &[RejectedFile],
    calendar: &Calendar,
    settings: &ProcessSettings,
    now: DateTime<Utc>,
) -> Finding {
    let mut findings: Vec<Finding> = loads.iter().filter_map(|load| age(load, calendar, now)).collect();
    if findings.is_empty() {
        let served = if settings.has_demonstration { "the demonstration catalog" } else { "no instrument" };
        let detail = format!("no file accepted yet: {served} is served");
        findings.push(Finding::warning(detail, "instrument-registry ingest FILE --broker BROKER"));
    }
    let refused: BTreeMap<Broker, &RejectedFile> =
        refusals.iter().rev().map(|refusal| (refusal.broker, refusal)).collect();
    findings.extend(refused.into_values().map(refused_file));
    Finding::joined(&findings)
}

/// Compares the last load of a broker with today.
fn age(load: &LoadSummary, calendar: &Calendar, now: DateTime<Utc>) -> Option<Finding> {
    let broker = load.broker.as_str();
    let (date, days) = file_age(load.file_date, Some(load.loaded_at), calendar, trading_date(now))?;
    let detail = format!("{broker}: file of {date}, {} old", counted(days, "trading day"));
    Some(match is_stale(days, now) {
        true => Finding::warning(detail, format!("instrument-registry ingest FILE --broker {broker}")),
        false => Finding::ok(detail),
    })
}

fn refused_file(refusal: &RejectedFile) -> Finding {
    let broker = refusal.broker.as_str();
    let faults: Vec<String> = refusal.faults.iter().map(ToString::to_string).collect();
    let detail = format!("{broker}: file {} rejected: {}", refusal.source, faults.join("; "));
    // No option accepts a file that cannot be read.
    let is_readable = refusal.faults.iter().all(|fault| fault.gate != "readable");
    let forced = if is_readable { ", or the same file with --force" } else { "" };
    Finding::warning(detail, format!("instrument-registry ingest CORRECTED_FILE --broker {broker}{forced}"))
}

fn calendar_finding(calendar: Option<Calendar>, now: DateTime<Utc>) -> Finding {
    let (calendar, today) = (calendar.unwrap_or_default(), trading_date(now));
    match (calendar.state(today), calendar.warning(today)) {
        (_, Some(warning)) => Finding::warning(warning, "instrument-registry ingest --calendar FILE"),
        (CalendarState::Current(end), None) => Finding::ok(format!("complete until {end}")),
        (_, None) => Finding::ok("loaded"),
    }
}
