//! `ingest --server`: uploads a file to a running service, and waits for its job.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use registry_planning::dump::{DumpError, Limits};
use registry_planning::vocabulary::Broker;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{IngestArguments, bar, file_name};
use crate::cli::output::{list, print_json, print_line, shown, table};
use crate::cli::remote::{Remote, error_status};

/// The interval between two requests for the state of the job.
const POLL_EVERY: Duration = Duration::from_millis(500);

const POLL_WITHIN: Duration = Duration::from_secs(10);

/// The time for which these requests may fail, so that a restart of the service does not end the command.
const TOLERATED: Duration = Duration::from_secs(30);

fn late() -> anyhow::Error {
    anyhow!("no response within {POLL_WITHIN:?}")
}

/// Whether the same request can succeed later: there was no response, or the service is not available.
fn is_temporary(fault: &anyhow::Error) -> bool {
    error_status(fault).is_none_or(|status| status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS)
}

/// Uploads a file and prints its job when it has finished.
///
/// # Errors
/// If the service does not accept the file.
pub(super) async fn run(
    arguments: &IngestArguments,
    path: &Path,
    broker: Broker,
    remote: &Remote,
    limits: &Limits,
) -> anyhow::Result<()> {
    let content = read_content(path, limits.bytes_max)?;
    let segments: Vec<&str> = arguments.segments.iter().map(|segment| segment.as_str()).collect();
    let query: Vec<_> = [
        ("file_name", Some(file_name(path)?)),
        ("file_date", arguments.file_date.map(|date| date.to_string())),
        ("mode", Some(arguments.mode.as_str().to_owned())),
        ("segments", (!segments.is_empty()).then(|| segments.join(","))),
        ("force", arguments.force.then(|| "true".to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    let progress = bar(None, "uploading");
    let mut job =
        remote.upload(&["brokers", broker.as_str(), "ingest"], &query, "application/octet-stream", content).await?;
    let mut responded_at = Instant::now();
    while matches!(job["status"].as_str(), Some("queued" | "running")) {
        progress.set_message(format!("{}, {} %", shown(&job["status"]), shown(&job["progress"])));
        sleep(POLL_EVERY).await;
        let id = shown(&job["job_id"]);
        match timeout(POLL_WITHIN, remote.get(&["jobs", &id], &[])).await.unwrap_or_else(|_| Err(late())) {
            Ok(current) => (job, responded_at) = (current, Instant::now()),
            Err(fault) if is_temporary(&fault) && responded_at.elapsed() < TOLERATED => {}
            Err(fault) => return Err(fault.context(format!("failed to read the state of job {id}"))),
        }
    }
    progress.finish_and_clear();
    report(&job, arguments.common.json)?;
    if job["status"] != "completed" {
        bail!("{}: {} file not accepted: {}", path.display(), broker.as_str(), shown(&job["errors"]));
    }
    Ok(())
}

/// Reads the file, but not more of it than the limit.
fn read_content(path: &Path, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let too_large = || {
        let fault = DumpError::TooLarge { bytes_max, packed_bytes: None };
        anyhow!(
            "{shown}: file not uploaded: {fault}; if the service accepts larger files, set \
             INSTRUMENT_REGISTRY_INGEST_BYTES_MAX to its limit"
        )
    };
    let file = File::open(path).with_context(|| format!("failed to open {shown}"))?;
    let bytes = file.metadata().with_context(|| format!("failed to get the size of {shown}"))?.len();
    if bytes > bytes_max {
        return Err(too_large());
    }
    // The file can grow, and a device has no size.
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    file.take(bytes_max + 1).read_to_end(&mut content).with_context(|| format!("failed to read {shown}"))?;
    if content.len() as u64 > bytes_max { Err(too_large()) } else { Ok(content) }
}

fn report(job: &Value, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        return print_json(job);
    }
    let mut lines = table(&["job", "state", "rows", "rejected", "skipped", "new", "changed", "version"]);
    let cells = [
        "job_id",
        "status",
        "processed_instruments",
        "rejected_rows",
        "skipped_rows",
        "new_instruments",
        "updated_instruments",
        "version",
    ];
    lines.add_row(cells.map(|name| shown(&job[name])));
    print_line(&lines.to_string())?;
    list(&job["warnings"]).iter().try_for_each(|warning| print_line(&format!("warning: {}", shown(warning))))
}
