//! `ingest`: loads a broker's file and makes it the last accepted one of the broker, or replaces the trading calendar.

mod calendar;
mod served;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use chrono::{DateTime, NaiveDate, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use registry_actors::ingest::{Force, GateResult, Offering, date_in, offer, rejected_files, store_rejected_file};
use registry_planning::dump::{DumpError, Limits, is_json};
use registry_planning::ingest::gate::GateFault;
use registry_planning::ingest::selection::{Filters, Mode, Selection};
use registry_planning::ingest::{FileContent, QuarantinedRow, read_file};
use registry_planning::vocabulary::{Broker, counted};
use registry_store::{Offer, RejectedFileRecord, Store};
use serde_json::{Value, json};

use super::output::{harmless, print_error, print_json, print_line, table};
use super::{IngestArguments, resolve};
use crate::settings::ProcessSettings;

pub(super) async fn run(arguments: IngestArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    if let Some(path) = &arguments.calendar {
        return calendar::run(path, &arguments, settings).await;
    }
    let (Some(path), Some(broker)) = (arguments.file.clone(), arguments.broker) else {
        bail!("expected a file and --broker, or --calendar")
    };
    if arguments.mode == Mode::OnDemand && arguments.segments.is_empty() {
        bail!("--mode on_demand requires --segments");
    }
    if let Some(remote) = arguments.common.server(settings)? {
        return served::run(&arguments, &path, broker, &remote, &settings.ingest().limits).await;
    }
    let IngestArguments { file_date, mode, segments, force, common, .. } = arguments;
    let selection = Selection { mode, filters: Filters { segments, ..Filters::default() } };
    let source = file_name(&path)?;
    let file_date = file_date.or_else(|| date_in(&source));
    let loaded_at = Utc::now();
    let read = {
        let (path, limits) = (path.clone(), settings.ingest().limits);
        tokio::task::spawn_blocking(move || read_broker_file(&path, broker, &limits))
            .await
            .context("failed to read the file")??
    };
    let load = match read {
        Ok(load) => load,
        Err(fault) => return unreadable(&path, broker, source, fault, loaded_at, settings).await,
    };
    let summary = Summary::of(&load, File::open(&path).is_ok_and(is_json));

    let store = resolve(settings).await?.store;
    let spinner = bar(None, "comparing with the last file and storing");
    let offer = Offer { broker, source, file_date, loaded_at, load };
    let force = if force { Force::Yes } else { Force::No };
    let outcome = decide(store, Offering { offer, selection, gates: settings.gates, force }).await?;
    spinner.finish_and_clear();
    match outcome.version {
        Some(version) if common.json => print_json(&summary.accepted(version, broker, file_date, &outcome)),
        None => {
            if !common.json {
                summary.show(&outcome.diff_counts, false)?;
                show_warnings(&outcome)?;
            }
            let may_be_forced = outcome.faults.iter().all(GateFault::can_be_overruled);
            let kept = save_refused_copy(&path, broker, loaded_at, settings);
            bail!(refusal(&path, broker, &outcome, may_be_forced, kept))
        }
        Some(version) => {
            summary.show(&outcome.diff_counts, true)?;
            accepted(version, &summary, broker, file_date, &outcome)
        }
    }
}

/// Returns the name of the file without its folder.
fn file_name(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.contains(char::is_control) {
        bail!("file name must not contain control characters, got {name:?}");
    }
    Ok(name)
}

/// Evaluates and stores the file in a separate task: the work of the store must not be canceled halfway.
async fn decide(store: Arc<dyn Store>, offering: Offering) -> anyhow::Result<GateResult> {
    let decided = tokio::spawn(async move {
        let outcome = offer(&*store, offering, &|| false).await;
        store.close().await;
        outcome
    });
    let outcome = decided.await.context("failed to store the catalog")?.context("failed to store the catalog")?;
    outcome.context("failed to store the catalog")
}

fn accepted(
    version: i64,
    summary: &Summary,
    broker: Broker,
    file_date: Option<NaiveDate>,
    outcome: &GateResult,
) -> anyhow::Result<()> {
    show_warnings(outcome)?;
    for fault in &outcome.faults {
        print_line(&format!("overruled by --force: {fault}"))?;
    }
    let dated = file_date.map_or_else(|| "(file date unknown)".to_owned(), |date| format!("of {date}"));
    let kept = counted(summary.kept, "instrument");
    print_line(&format!("catalog version {version}: {kept} from the {} file {dated}", broker.as_str()))
}

fn show_warnings(outcome: &GateResult) -> anyhow::Result<()> {
    outcome.warnings.iter().try_for_each(|warning| print_line(&format!("warning: {warning}")))
}

/// Returns the message about a refused file: every failed gate with its figure and limit, the path of the copy, and the
/// options that accept the file. The one that deactivates instruments is the last.
fn refusal(path: &Path, broker: Broker, outcome: &GateResult, may_be_forced: bool, kept: String) -> String {
    let mut lines = vec![format!("{}: {} file rejected; the catalog is unchanged", path.display(), broker.as_str())];
    lines.extend(outcome.faults.iter().map(|fault| format!("  {fault}")));
    lines.push(kept);
    let is_part = !outcome.part.is_empty();
    if is_part {
        let segments: Vec<&str> = outcome.part.iter().map(|segment| segment.as_str()).collect();
        lines.push(format!(
            "the file seems to contain only a part of the broker's instruments: run the command again with --segments {} \
             or --mode incremental",
            segments.join(",")
        ));
    }
    if may_be_forced {
        let removed = outcome.diff_counts.get("removed").copied().unwrap_or(0);
        let effect = match removed {
            0 => String::new(),
            _ => format!("; this deactivates the {} that it does not contain", counted(removed, "instrument")),
        };
        let condition = if is_part { "only if the file is complete" } else { "to accept the file anyway" };
        lines.push(format!("{condition}, run the command again with --force{effect}"));
    }
    lines.join("\n")
}

/// Saves a copy of a refused file for inspection, and returns its path, or the reason why it was not saved.
fn save_refused_copy(path: &Path, broker: Broker, at: DateTime<Utc>, settings: &ProcessSettings) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match File::open(path) {
        Ok(file) => rejected_files::save_copy(file, &name, broker, at, &settings.refused_path()),
        Err(fault) => format!("failed to keep a copy for inspection: {fault}"),
    }
}

/// Refuses a file that is not in the broker's format. If the refusal could not be stored, the message contains that
/// too.
async fn unreadable(
    path: &Path,
    broker: Broker,
    source: String,
    fault: DumpError,
    refused_at: DateTime<Utc>,
    settings: &ProcessSettings,
) -> anyhow::Result<()> {
    let fault = anyhow!(fault);
    let faults = vec![GateFault { gate: "readable", detail: format!("{fault:#}") }];
    let record = RejectedFileRecord { broker, source, rejected_at: refused_at, faults, quarantine: Vec::new() };
    let told = async {
        let store = resolve(settings).await?.store;
        let told = store_rejected_file(&*store, &record).await;
        store.close().await;
        told.context("failed to record the rejection")
    };
    if let Err(fault) = told.await {
        print_error(&format!("warning: a running service does not report this rejection: {fault:#}"));
    }
    let kept = save_refused_copy(path, broker, refused_at, settings);
    Err(anyhow!("{}: {} file rejected: {fault:#}\n{kept}", path.display(), broker.as_str()))
}

struct Summary {
    read: u64,
    kept: usize,
    rejected: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, u64>,
    duplicates: u64,
    /// Whether a row is a JSON element, and not a line.
    is_json: bool,
    /// The first row that was left out for each reason.
    quarantine: Vec<QuarantinedRow>,
}

impl Summary {
    fn of(load: &FileContent, is_json: bool) -> Self {
        Summary {
            is_json,
            read: load.rows_read,
            kept: load.rows.len(),
            rejected: load.rejected.clone(),
            skipped: load.skipped.clone(),
            duplicates: load.duplicates,
            quarantine: load.quarantine.clone(),
        }
    }

    /// Returns the accepted file in the form of a version of the catalog.
    fn accepted(&self, version: i64, broker: Broker, file_date: Option<NaiveDate>, outcome: &GateResult) -> Value {
        let faults = |faults: &[GateFault]| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({
            "version": version, "broker_id": broker.as_str(), "file_date": file_date, "instruments": self.kept,
            "rows_read": self.read, "rejected": self.rejected, "skipped": self.skipped, "duplicates": self.duplicates,
            "diff_counts": outcome.diff_counts, "overruled": faults(&outcome.faults),
            "warnings": faults(&outcome.warnings),
        })
    }

    fn show(&self, diff_counts: &BTreeMap<&'static str, usize>, is_accepted: bool) -> anyhow::Result<()> {
        let mut rows = table(&["rows", "count"]);
        rows.add_row(["read".to_owned(), self.read.to_string()]);
        rows.add_row(["kept".to_owned(), self.kept.to_string()]);
        for (outcome, reasons) in [("rejected", &self.rejected), ("skipped", &self.skipped)] {
            rows.add_row([outcome.to_owned(), reasons.values().sum::<u64>().to_string()]);
            for (reason, count) in reasons {
                rows.add_row([format!("  {reason}"), count.to_string()]);
            }
        }
        rows.add_row(["duplicates".to_owned(), self.duplicates.to_string()]);
        print_line(&rows.to_string())?;
        self.show_left_out()?;
        let (heading, none) = match is_accepted {
            true => ("changes since the last file", "no changes since the last file"),
            false => ("changes that the file would make", "the file would make no changes"),
        };
        let mut changes = table(&[heading, "count"]);
        for (kind, count) in diff_counts {
            changes.add_row([(*kind).to_owned(), count.to_string()]);
        }
        if diff_counts.is_empty() { print_line(none) } else { print_line(&changes.to_string()) }
    }

    /// Prints the first row that was left out for each reason. More of them are stored.
    fn show_left_out(&self) -> anyhow::Result<()> {
        let mut shown = BTreeSet::new();
        for row in self.quarantine.iter().filter(|row| shown.insert(row.reason)) {
            let text = harmless(&row.text).replace('\n', " ");
            let place = if self.is_json { "element" } else { "line" };
            let member = row.member.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default();
            print_line(&format!("first example, {place} {}{member}: {}: `{text}`", row.line, row.reason))?;
        }
        Ok(())
    }
}

/// Reads the file. An error in opening or reading it does not refuse it; an error in its content does.
fn read_broker_file(path: &Path, broker: Broker, limits: &Limits) -> anyhow::Result<Result<FileContent, DumpError>> {
    let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let bytes = file.metadata().with_context(|| format!("failed to get the size of {}", path.display()))?.len();
    let progress = bar(Some(bytes), "reading");
    let load = read_file(broker, progress.wrap_read(file), limits, &mut |rows| {
        progress.set_message(format!("reading: {rows} rows"));
        ControlFlow::Continue(())
    });
    progress.finish_and_clear();
    match load {
        Err(DumpError::Io(fault)) => Err(anyhow!(fault).context(format!("failed to read {}", path.display()))),
        load => Ok(load),
    }
}

/// Creates a progress bar of this number of bytes, or a spinner. It is hidden if standard error is not a terminal.
fn bar(bytes: Option<u64>, message: &'static str) -> ProgressBar {
    let bar = match bytes {
        Some(bytes) => {
            let style = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes}");
            ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        None => {
            let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            spinner.enable_steady_tick(std::time::Duration::from_millis(100));
            spinner
        }
    };
    bar.with_message(message)
}
