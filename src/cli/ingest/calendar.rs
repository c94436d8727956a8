//! `ingest --calendar`: replaces the trading calendar.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use registry_planning::calendar::{Calendar, EntryKind, FILE_BYTES_MAX, LISTED_MAX};
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::Exchange;
use registry_store::{CalendarRecord, Store};
use serde_json::json;

use super::file_name;
use crate::cli::output::{print_json, print_line, table};
use crate::cli::{IngestArguments, catalogue, resolve};
use crate::settings::ProcessSettings;

pub(super) async fn run(path: &Path, arguments: &IngestArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    arguments.common.reject_server("ingest --calendar")?;
    let source = file_name(path)?;
    let calendar = read_calendar(path)?;
    let loaded_at = Utc::now();
    let store = resolve(settings).await?.store;
    let record = CalendarRecord { source, loaded_at, calendar };
    let outcome = replace(Arc::clone(&store), record, arguments.force, settings).await;
    store.close().await;
    match outcome? {
        CalendarReplacement::Rejected(objections) => bail!(
            "{}: calendar rejected; the calendar in effect is unchanged\n  {}\nto accept the calendar anyway, run the \
             command again with --force",
            path.display(),
            listed(&objections).join("\n  ")
        ),
        CalendarReplacement::Accepted { version, record, overruled, uncovered } if arguments.common.json => {
            let warnings = warnings(&record.calendar, &uncovered, loaded_at);
            let source = record.source;
            print_json(&json!({"version": version, "source": source, "overruled": overruled, "warnings": warnings}))
        }
        CalendarReplacement::Accepted { version, record, overruled, uncovered } => {
            overruled.iter().try_for_each(|objection| print_line(&format!("overruled by --force: {objection}")))?;
            report(version, &record, &uncovered, loaded_at)
        }
    }
}

/// Reads the file, and reports all of its faults at once.
fn read_calendar(path: &Path) -> anyhow::Result<Calendar> {
    let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let mut bytes = Vec::new();
    let mut limited = file.take(FILE_BYTES_MAX + 1);
    limited.read_to_end(&mut bytes).with_context(|| format!("failed to read {}", path.display()))?;
    let place = path.display();
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bail!("{place}: calendar rejected: expected at most {FILE_BYTES_MAX} bytes, got more");
    }
    let Ok(text) = String::from_utf8(bytes) else { bail!("{place}: calendar rejected: expected UTF-8 text") };
    Calendar::parse(&text).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let faults = listed(&faults).join("\n  ");
        anyhow::anyhow!("{place}: calendar rejected; the calendar in effect is unchanged\n  {faults}")
    })
}

enum CalendarReplacement {
    Rejected(Vec<String>),
    Accepted {
        version: i64,
        record: CalendarRecord,
        overruled: Vec<String>,
        /// The exchanges with contracts in the catalog whose holidays the calendar does not know today.
        uncovered: Vec<Exchange>,
    },
}

/// Compares the calendar with the catalog and the one in effect, and stores it.
async fn replace(
    store: Arc<dyn Store>,
    record: CalendarRecord,
    is_forced: bool,
    settings: &ProcessSettings,
) -> anyhow::Result<CalendarReplacement> {
    let catalogue = catalogue(&*store, settings, record.loaded_at).await.context("failed to read the catalog")?;
    let in_effect = store.calendar_after(0).await;
    // An unreadable calendar must not prevent its replacement.
    let in_effect = in_effect.ok().flatten().map(|stored| stored.record.calendar).unwrap_or_default();
    let objections = record.calendar.objections(&in_effect, &catalogue);
    if !objections.is_empty() && !is_forced {
        return Ok(CalendarReplacement::Rejected(objections));
    }
    let uncovered = record.calendar.uncovered(&catalogue, trading_date(record.loaded_at));
    // Run in a separate task, because the work of the store must not be canceled halfway.
    let saved = tokio::spawn(async move { store.save_calendar(&record).await.map(|version| (version, record)) });
    let (version, record) =
        saved.await.context("failed to store the calendar")?.context("failed to store the calendar")?;
    Ok(CalendarReplacement::Accepted { version, record, overruled: objections, uncovered })
}

/// Prints the accepted calendar, and the reasons why it does not suffice.
fn report(version: i64, record: &CalendarRecord, uncovered: &[Exchange], now: DateTime<Utc>) -> anyhow::Result<()> {
    let calendar = &record.calendar;
    let entries = calendar.entries();
    let count = |exchange: Exchange, kind: EntryKind| {
        entries.iter().filter(|entry| entry.exchange == exchange && entry.kind == kind).count().to_string()
    };
    let mut rows = table(&["exchange", "from", "to", "holidays", "special sessions"]);
    for (exchange, coverage) in calendar.coverage() {
        rows.add_row([
            exchange.to_string(),
            coverage.from.to_string(),
            coverage.to.to_string(),
            count(*exchange, EntryKind::Holiday),
            count(*exchange, EntryKind::Session),
        ]);
    }
    print_line(&rows.to_string())?;
    for warning in warnings(calendar, uncovered, now) {
        print_line(&format!("warning: {warning}"))?;
    }
    print_line(&format!("calendar version {version}: {} from `{}`", exchanges(calendar), record.source))
}

fn warnings(calendar: &Calendar, uncovered: &[Exchange], now: DateTime<Utc>) -> Vec<String> {
    let mut warnings: Vec<String> = calendar.warning(trading_date(now)).into_iter().collect();
    if !uncovered.is_empty() {
        let uncovered: Vec<&str> = uncovered.iter().map(|exchange| exchange.as_str()).collect();
        let uncovered = uncovered.join(", ");
        warnings.push(format!(
            "the catalog has contracts of {uncovered}, whose holidays of today's year the calendar does not contain"
        ));
    }
    warnings
}

fn exchanges(calendar: &Calendar) -> String {
    calendar.coverage().keys().map(|exchange| exchange.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns the first lines, and counts the others.
fn listed(lines: &[String]) -> Vec<String> {
    let mut listed: Vec<String> = lines.iter().take(LISTED_MAX).cloned().collect();
    if lines.len() > LISTED_MAX {
        listed.push(format!("and {} more", lines.len() - LISTED_MAX));
    }
    listed
}
