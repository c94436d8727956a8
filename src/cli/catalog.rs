//! `catalog`: the figures, the versions and the changes of the catalog, and a check of the stored one.

mod report;

use anyhow::bail;
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::vocabulary::{Broker, counted};
use registry_store::background::Priority;
use serde_json::{Value, json};

use self::report::Report;
use super::local::stored_catalogue;
use super::options::Common;
use super::output::{counts, list, minute, print, print_json, shown, table};
use super::{file_broker, resolve, word};
use crate::http::offline;
use crate::settings::ProcessSettings;

#[derive(clap::Args)]
pub(super) struct CatalogArguments {
    #[command(subcommand)]
    command: Option<CatalogCommand>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Subcommand)]
enum CatalogCommand {
    /// Count the instruments by exchange and type, and show the age and the quality of the data (the default).
    Summary,
    /// List the accepted files, newest first. Each is a version of the catalog.
    Versions(VersionsArguments),
    /// List the changes of a version since the previous file of its broker.
    Diff(DiffArguments),
    /// Check whether the files of several brokers fit together; exit with 1 if one of them is at fault.
    ///
    /// Reports instruments with two keys, contradictions by field and broker, indices without a common key, and suspicious
    /// units of lot sizes and price steps. The exit code is 1 if an instrument has two keys in files of one date, or if a
    /// unit is suspicious. The other findings can have a cause in the market, and do not change the exit code.
    Check(CheckArguments),
    /// Dismiss the rejected files of a broker, which degrade `/ready` until its next accepted file. The catalog does not
    /// change.
    Dismiss(DismissArguments),
}

#[derive(clap::Args)]
struct VersionsArguments {
    /// Number of versions.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Only versions before this one.
    #[arg(long, value_name = "VERSION")]
    before: Option<i64>,
}

#[derive(clap::Args)]
struct DiffArguments {
    /// Version of the catalog.
    version: i64,
    /// Only changes of this kind.
    #[arg(long, value_parser = word::<ChangeKind>)]
    kind: Option<ChangeKind>,
    /// Number of changes.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5000))]
    limit: u32,
}

#[derive(clap::Args)]
struct DismissArguments {
    #[arg(
        value_parser = file_broker,
        help = format!("Broker that published the files: one of {}", Broker::WORDS_WITH_FILES),
    )]
    broker: Broker,
}

#[derive(clap::Args)]
struct CheckArguments {
    /// Maximum number of examples of each finding.
    #[arg(long, value_name = "N", default_value_t = 5)]
    examples: usize,
}

pub(super) async fn run(arguments: CatalogArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let CatalogArguments { command, common } = arguments;
    match command.unwrap_or(CatalogCommand::Summary) {
        CatalogCommand::Summary => summary(&common, settings).await,
        CatalogCommand::Versions(arguments) => versions(&arguments, &common, settings).await,
        CatalogCommand::Diff(arguments) => diff(&arguments, &common, settings).await,
        CatalogCommand::Dismiss(DismissArguments { broker }) => dismiss(broker, &common, settings).await,
        CatalogCommand::Check(arguments) => {
            common.reject_server("catalog check")?;
            check(&arguments, common.json, settings).await
        }
    }
}

async fn summary(common: &Common, settings: &ProcessSettings) -> anyhow::Result<()> {
    let answer = match common.server(settings)? {
        Some(remote) => remote.get(&["catalog", "summary"], &[]).await?,
        None => offline::summary(&stored_catalogue(settings).await?),
    };
    print(common.json, &answer, summary_parts)
}

async fn dismiss(broker: Broker, common: &Common, settings: &ProcessSettings) -> anyhow::Result<()> {
    let answer = match common.server(settings)? {
        Some(remote) => remote.delete(&["brokers", broker.as_str(), "rejections"]).await?,
        None => {
            let store = resolve(settings).await?.store;
            let dismissed = store.dismiss_rejected_files(broker).await;
            store.close().await;
            json!({"broker_id": broker, "dismissed": dismissed?})
        }
    };
    print(common.json, &answer, |answer| {
        let count = answer["dismissed"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        vec![format!("{} of {broker} dismissed", counted(count, "rejection"))]
    })
}

async fn versions(arguments: &VersionsArguments, common: &Common, settings: &ProcessSettings) -> anyhow::Result<()> {
    let VersionsArguments { limit, before } = *arguments;
    let answer = match common.server(settings)? {
        Some(remote) => {
            let before = before.map(|version| ("before", version.to_string()));
            let query: Vec<_> = [("limit", limit.to_string())].into_iter().chain(before).collect();
            remote.get(&["catalog", "versions"], &query).await?
        }
        None => {
            let store = resolve(settings).await?.store;
            let answer = offline::versions(&*store, before, limit).await;
            store.close().await;
            answer?
        }
    };
    print(common.json, &answer, |answer| vec![versions_table(answer)])
}

async fn diff(arguments: &DiffArguments, common: &Common, settings: &ProcessSettings) -> anyhow::Result<()> {
    let DiffArguments { version, kind, limit } = *arguments;
    let answer = match common.server(settings)? {
        Some(remote) => {
            let kind = kind.map(|kind| ("kind", kind.as_str().to_owned()));
            let query: Vec<_> = [("limit", limit.to_string())].into_iter().chain(kind).collect();
            remote.get(&["catalog", "versions", &version.to_string(), "diff"], &query).await?
        }
        None => {
            let store = resolve(settings).await?.store;
            let answer = offline::diff(&*store, version, kind, limit).await;
            store.close().await;
            answer?
        }
    };
    print(common.json, &answer, diff_parts)
}

async fn check(arguments: &CheckArguments, is_json: bool, settings: &ProcessSettings) -> anyhow::Result<()> {
    let store = resolve(settings).await?.store;
    let stored = store.catalogue(Priority::Normal).await?;
    store.close().await;
    let Some(stored) = stored else {
        bail!("no file of a broker was accepted yet; run `ingest` first");
    };
    let findings = stored.catalogue.check();
    let report = Report::new(&stored.catalogue, &findings, arguments.examples);
    if is_json {
        print_json(&report)?;
    } else {
        report.print()?;
    }
    if findings.has_faults() {
        bail!(
            "the files do not fit together: {} with two keys, {}",
            counted(findings.doubled.len(), "instrument"),
            counted(findings.suspicious_units.len(), "suspicious unit"),
        );
    }
    Ok(())
}

fn summary_parts(answer: &Value) -> Vec<String> {
    let freshness = &answer["data_freshness"];
    let age = freshness["age_days"].as_u64().map_or_else(String::new, |days| format!(", {} old", counted(days, "day")));
    let date = freshness["newest_file_date"].as_str().map_or_else(String::new, |date| format!(" of {date}"));
    let heading = format!(
        "catalog version {}: {} instruments, {} active; {} data{date}{age}",
        shown(&answer["version"]),
        shown(&answer["total_instruments"]),
        shown(&answer["active_instruments"]),
        shown(&freshness["status"]),
    );
    let stats = &answer["detailed_stats"];
    let mut parts = vec![heading];
    for (name, groups) in [("exchange", &stats["by_exchange"]), ("type", &stats["by_type"])] {
        let mut lines = table(&[name, "instruments", "active", "inactive"]);
        for (group, of) in groups.as_object().into_iter().flatten() {
            let cells = [&of["total"], &of["active"], &of["inactive"]].map(shown);
            lines.add_row([group.clone()].into_iter().chain(cells));
        }
        parts.push(lines.to_string());
    }
    let quality = &stats["quality_metrics"];
    let mut lines = table(&["active instruments", "count"]);
    let named = [
        ("without a name", "without_name"),
        ("without an ISIN", "without_isin"),
        ("without a lot size", "without_lot_size"),
        ("without a price step", "without_tick_size"),
        ("without a token", "without_token"),
        ("expired", "expired"),
    ];
    for (name, field) in named {
        lines.add_row([name.to_owned(), shown(&quality[field])]);
    }
    lines.add_row(["contradictions of brokers".to_owned(), shown(&quality["contradictions"]["total"])]);
    parts.push(lines.to_string());
    parts
}

fn versions_table(answer: &Value) -> String {
    let mut lines = table(&["version", "broker", "file date", "loaded, UTC", "count", "changes", "source"]);
    for of in list(&answer["versions"]) {
        let [version, broker, date, count, source] =
            ["version", "broker_id", "file_date", "instruments", "source"].map(|name| shown(&of[name]));
        let (loaded_at, changes) = (minute(&of["loaded_at"]), counts(&of["diff_counts"]));
        lines.add_row([version, broker, date, loaded_at, count, changes, source]);
    }
    if lines.is_empty() { "no file of a broker was accepted yet".to_owned() } else { lines.to_string() }
}

fn diff_parts(answer: &Value) -> Vec<String> {
    let mut lines = table(&["change", "instrument", "before", "after"]);
    for of in list(&answer["changes"]) {
        lines.add_row(["kind", "instrument_key", "before", "after"].map(|name| shown(&of[name])));
    }
    let more = if answer["has_more"] == true { "; more changes with a higher --limit" } else { "" };
    let [version, broker] = ["version", "broker_id"].map(|name| shown(&answer[name]));
    let summary = format!("version {version} of {broker}: {}{more}", counts(&answer["diff_counts"]));
    if lines.is_empty() { vec![summary] } else { vec![lines.to_string(), summary] }
}
