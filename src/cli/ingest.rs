//! `ingest`: reads a broker's file and makes it the broker's last accepted one.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use chrono::{NaiveDate, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use registry_actors::persistence::LoadRecord;
use registry_planning::load::{FileLoad, read_file};

use super::{IngestArguments, resolve, say, table};
use crate::settings::ProcessSettings;

pub(super) async fn run(arguments: IngestArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let IngestArguments { file: path, broker, file_date } = arguments;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file_date = file_date.or_else(|| date_in(&name));
    let load = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || read(&path, broker)).await.context("read the file")??
    };
    report(&load)?;
    if load.rows.is_empty() {
        bail!("{} was refused: none of its {} rows could be kept", path.display(), load.rows_read);
    }

    let store = resolve(settings).await?.store;
    let spinner = bar(None, "storing");
    let kept = load.rows.len();
    let record = LoadRecord { broker, source: name, file_date, loaded_at: Utc::now(), load };
    // In a task of its own: the store's work must not be cancelled half way.
    let accepted = tokio::spawn(async move {
        let version = store.accept_load(&record).await;
        store.close().await;
        version
    });
    let version = accepted.await.context("store the catalogue")?.context("store the catalogue")?;
    spinner.finish_and_clear();
    let dated = file_date.map_or_else(|| "date unknown".to_owned(), |date| format!("of {date}"));
    say(&format!("catalogue version {version}: {kept} instruments from {}'s file, {dated}", broker.as_str()))
}

fn read(path: &Path, broker: registry_planning::dump::Broker) -> anyhow::Result<FileLoad> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let bytes = file.metadata().with_context(|| format!("look at {}", path.display()))?.len();
    let progress = bar(Some(bytes), "reading");
    let load = read_file(broker, progress.wrap_read(file), &mut |rows| {
        progress.set_message(format!("reading, {rows} rows"));
    });
    progress.finish_and_clear();
    load.with_context(|| format!("{} was refused as a file of {}", path.display(), broker.as_str()))
}

/// A progress bar over so many bytes, or a spinner. Draws nothing where standard error is no terminal.
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

fn report(load: &FileLoad) -> anyhow::Result<()> {
    let mut table = table(&["rows", "count"]);
    table.add_row(["read".to_owned(), load.rows_read.to_string()]);
    table.add_row(["kept".to_owned(), load.rows.len().to_string()]);
    table.add_row(["rejected".to_owned(), load.rejected_total().to_string()]);
    for (reason, count) in &load.rejected {
        table.add_row([format!("  {reason}"), count.to_string()]);
    }
    say(&table.to_string())?;
    examples(load)
}

/// Shows the first row that was left out for each reason.
fn examples(load: &FileLoad) -> anyhow::Result<()> {
    let mut shown = BTreeSet::new();
    for row in load.quarantine.iter().filter(|row| shown.insert(row.reason)) {
        // What stands in a file must not steer the terminal.
        let text: String = row.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        say(&format!("first at {}: {}: `{text}`", row.line, row.reason))?;
    }
    Ok(())
}

/// The first `YYYY-MM-DD` in a file's name that is a date.
fn date_in(name: &str) -> Option<NaiveDate> {
    (0..name.len()).filter_map(|start| name.get(start..start + 10)).find_map(|part| {
        let is_written_out = part.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        is_written_out.then(|| part.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_found_in_a_files_name() {
        let date = |text: &str| Some(text.parse::<NaiveDate>().unwrap());

        assert_eq!(date_in("kite_nfo_bfo_2026-08-17.csv.gz"), date("2026-08-17"));
        assert_eq!(date_in("9999-99-99_2026-08-17"), date("2026-08-17"));
        assert_eq!(date_in("kite_2026-8-17.csv"), None);
        assert_eq!(date_in("ä.csv"), None);
    }
}
