//! `catalog`: examines the stored catalog.

mod report;

use anyhow::bail;
use registry_planning::vocabulary::counted;
use registry_store::background::Priority;

use self::report::Report;
use super::output::print_json;
use super::resolve;
use crate::settings::ProcessSettings;

#[derive(clap::Subcommand)]
pub(super) enum CatalogCommand {
    /// Check whether the files of several brokers fit together; exit with 1 if one of them is at fault.
    ///
    /// Reports instruments with two keys, contradictions by field and broker, indices without a common key, and suspicious
    /// units of lot sizes and price steps. The exit code is 1 if an instrument has two keys in files of one date, or if a
    /// unit is suspicious. The other findings can have a cause in the market, and do not change the exit code.
    Check(CheckArguments),
}

#[derive(clap::Args)]
pub(super) struct CheckArguments {
    /// Print the findings as JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Maximum number of examples of each finding.
    #[arg(long, value_name = "N", default_value_t = 5)]
    examples: usize,
}

pub(super) async fn run(command: CatalogCommand, settings: &ProcessSettings) -> anyhow::Result<()> {
    match command {
        CatalogCommand::Check(arguments) => check(&arguments, settings).await,
    }
}

async fn check(arguments: &CheckArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let store = resolve(settings).await?.store;
    let stored = store.catalogue(Priority::Normal).await?;
    store.close().await;
    let Some(stored) = stored else {
        bail!("no file of a broker was accepted yet; run `ingest` first");
    };
    let findings = stored.catalogue.check();
    let report = Report::new(&stored.catalogue, &findings, arguments.examples);
    if arguments.json {
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
