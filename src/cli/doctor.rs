//! `doctor`: checks the environment of a service, or a running service. Each finding has a remedy.

mod catalog;
mod dependencies;
mod machine;
mod served;

use std::time::{Duration, Instant};

use anyhow::bail;
use registry_planning::vocabulary::counted;
use serde::Serialize;
use tokio::time::timeout;

use self::dependencies::Dependencies;
use super::options::Common;
use super::output::{painted, print_json, print_line, table};
use crate::settings::{ProcessSettings, SettingsFaults};

/// The time between the deadline of a dependency and that of its check, so that the finding has the remedy of the
/// dependency.
const DEADLINE_MARGIN: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(super) struct DoctorArguments {
    /// Exit with 1 after a warning, too.
    #[arg(long)]
    strict: bool,
    /// Deadline of each check.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    #[command(flatten)]
    common: Common,
}

/// The status of a check, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum FindingStatus {
    Skipped,
    Ok,
    Warning,
    Failed,
}

impl FindingStatus {
    const fn as_str(self) -> &'static str {
        match self {
            FindingStatus::Skipped => "skipped",
            FindingStatus::Ok => "ok",
            FindingStatus::Warning => "warning",
            FindingStatus::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    status: FindingStatus,
    detail: String,
    /// The step to take, if possible as a command.
    remedy: Option<String>,
}

impl Finding {
    fn ok(detail: impl Into<String>) -> Self {
        Finding { status: FindingStatus::Ok, detail: detail.into(), remedy: None }
    }

    fn skipped(detail: impl Into<String>) -> Self {
        Finding { status: FindingStatus::Skipped, detail: detail.into(), remedy: None }
    }

    fn warning(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding { status: FindingStatus::Warning, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn failed(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding { status: FindingStatus::Failed, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    /// Joins the findings of one check. The worst status applies, with the details of the problems if there are any.
    fn joined(findings: &[Finding]) -> Self {
        let status = findings.iter().map(|finding| finding.status).max().unwrap_or(FindingStatus::Skipped);
        let shown = findings.iter().filter(|finding| status <= FindingStatus::Ok || finding.status > FindingStatus::Ok);
        let details: Vec<&str> = shown.map(|finding| finding.detail.as_str()).collect();
        let mut remedies: Vec<&str> = findings.iter().filter_map(|finding| finding.remedy.as_deref()).collect();
        remedies.dedup();
        let remedy = (!remedies.is_empty()).then(|| remedies.join("\n"));
        Finding { status, detail: details.join("; "), remedy }
    }
}

#[derive(Serialize)]
struct Check {
    check: String,
    #[serde(flatten)]
    finding: Finding,
    duration_ms: u64,
}

#[derive(Clone, Copy)]
struct Deadline(Duration);

impl Deadline {
    /// Runs a check, which fails if it does not end in time.
    async fn check(self, name: &str, work: impl Future<Output = Finding>) -> Check {
        let started_at = Instant::now();
        let finding = timeout(self.0, work).await.unwrap_or_else(|_| {
            Finding::failed(format!("timeout: no result within {:?}", self.0), "Check the load of the machine.")
        });
        let duration_ms = u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Check { check: name.to_owned(), finding, duration_ms }
    }

    async fn check_blocking(self, name: &str, work: impl FnOnce() -> Finding + Send + 'static) -> Check {
        let crashed = |fault: tokio::task::JoinError| Finding::failed(fault.to_string(), "Report this defect.");
        self.check(name, async { tokio::task::spawn_blocking(work).await.unwrap_or_else(crashed) }).await
    }

    /// Waits for a response of a dependency within its check.
    ///
    /// # Errors
    /// If the response is late.
    async fn response<T>(self, response: impl Future<Output = T>) -> Result<T, String> {
        let within = self.0.saturating_sub(DEADLINE_MARGIN);
        timeout(within, response).await.map_err(|_| format!("no response within {within:?}"))
    }
}

pub(super) async fn run(arguments: &DoctorArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let deadline = Deadline(Duration::from_secs(arguments.timeout));
    let checks = match arguments.common.server(settings)? {
        Some(remote) => served::checks(&remote, deadline).await,
        // The futures of all checks together are large.
        None => Box::pin(local(settings, deadline)).await,
    };
    report(arguments, &checks)
}

/// Reports an environment with which no service can start, so that nothing else can be checked.
pub(super) fn report_invalid(arguments: &DoctorArguments, faults: &SettingsFaults) -> anyhow::Result<()> {
    let remedy = "Correct the named variables; `instrument-registry check-config` lists all of them.";
    let finding = Finding::failed(faults.to_string(), remedy);
    report(arguments, &[Check { check: "configuration".to_owned(), finding, duration_ms: 0 }])
}

/// Checks the environment. The dependencies come first, because later checks read from them.
async fn local(settings: &ProcessSettings, deadline: Deadline) -> Vec<Check> {
    let of_machine = async {
        let data_dir = settings.data_dir.clone();
        let owned = settings.clone();
        tokio::join!(
            deadline.check_blocking("disk", move || machine::disk(&data_dir)),
            deadline.check_blocking("files", move || machine::files(&owned)),
            deadline.check("ports", machine::ports(settings)),
            deadline.check("limits", async { machine::limits(settings) }),
            deadline.check("broker_limits", async { machine::broker_limits(settings) }),
        )
    };
    let of_dependencies = async {
        let dependencies = Dependencies::resolve(settings, deadline).await;
        let (configuration, (database, store), redis, tls, date) = tokio::join!(
            deadline.check("configuration", dependencies.configuration()),
            dependencies.database(),
            deadline.check("redis", dependencies.redis()),
            deadline.check("tls", async { dependencies.tls() }),
            dependencies.service_date(),
        );
        let clock = deadline.check("clock", async { dependencies::clock(database.time, date) }).await;
        let (catalog, calendar) = catalog::checks(store.as_deref(), settings, deadline).await;
        if let Some(store) = store {
            // A store that was only read needs no orderly end.
            let _ = timeout(deadline.0, store.close()).await;
        }
        [configuration, dependencies.service, database.check, redis, tls, catalog, calendar, clock]
    };
    let (of_dependencies, (disk, files, ports, limits, broker_limits)) = tokio::join!(of_dependencies, of_machine);
    of_dependencies.into_iter().chain([broker_limits, disk, files, ports, limits]).collect()
}

/// Prints the checks.
///
/// # Errors
/// If one of them failed; if `--strict` is given, also after a warning.
fn report(arguments: &DoctorArguments, checks: &[Check]) -> anyhow::Result<()> {
    let count = |status: FindingStatus| checks.iter().filter(|check| check.finding.status == status).count();
    let (failed, warnings) = (count(FindingStatus::Failed), count(FindingStatus::Warning));
    let worst =
        checks.iter().map(|check| check.finding.status).max().unwrap_or(FindingStatus::Ok).max(FindingStatus::Ok);
    if arguments.common.json {
        print_json(&serde_json::json!({"status": worst, "checks": checks}))?;
    } else {
        let mut lines = table(&["result", "check", "detail"]);
        for Check { check, finding, .. } in checks {
            let remedy = finding.remedy.as_ref().map_or(String::new(), |remedy| format!("\nremedy: {remedy}"));
            lines.add_row([finding.status.as_str(), check, &format!("{}{remedy}", finding.detail)]);
        }
        print_line(&painted(&lines.to_string()))?;
        let (warned, skipped) = (counted(warnings, "warning"), count(FindingStatus::Skipped));
        print_line(&format!("{} ok, {warned}, {failed} failed, {skipped} skipped", count(FindingStatus::Ok)))?;
    }
    match (failed, warnings) {
        (0, warnings) if warnings > 0 && arguments.strict => bail!("{} with --strict", counted(warnings, "warning")),
        (0, _) => Ok(()),
        (failed, _) => bail!("{} failed", counted(failed, "check")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_findings_have_the_details_of_the_problems() {
        let good = || Finding::ok("a");
        let bad = |status| Finding { status, detail: "b".to_owned(), remedy: Some("fix b".to_owned()) };

        assert_eq!(Finding::joined(&[good(), Finding::ok("c")]), Finding::ok("a; c"));
        assert_eq!(Finding::joined(&[good(), bad(FindingStatus::Warning)]), Finding::warning("b", "fix b"));
        let worst = Finding::joined(&[bad(FindingStatus::Warning), bad(FindingStatus::Failed), good()]);
        assert_eq!(worst, Finding::failed("b; b", "fix b"));
        assert_eq!(Finding::joined(&[]).status, FindingStatus::Skipped);
    }
}
