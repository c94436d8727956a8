//! One job, from its source to its end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::dump::DumpError;
use registry_planning::ingest::gate::GateFault;
use registry_planning::ingest::selection::Selection;
use registry_planning::ingest::{FileContent, read_file};
use registry_planning::vocabulary::Broker;
use registry_store::Store;
use registry_store::background::{self, Priority};
use registry_store::jobs::{Job, JobStatus};
use registry_store::{Offer, RejectedFileRecord, StoreError};
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior, sleep, timeout};
use tracing::{Instrument, Span, error, info, warn};

use super::evaluation::{Force, GateResult, Offering, date_in, offer, store_rejected_file};
use super::fetch::fetch;
use super::jobs::{JobRequest, LiveJob, LiveJobs, save_job};
use super::metrics::count;
use super::rejected_files;
use super::settings::IngestSettings;
use super::source::{Origin, Source, open};
use super::spool::{Spool, SpoolWriter};
use crate::catalogue::CatalogueHandle;
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::identity::in_current_actor;
use crate::runtime::mailbox::CallError;
use crate::trace::{RequestTrace, scoped};

/// Interval of the heartbeats of a job, which carry its progress.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(660);
/// Timeout of reading a file. The longest one takes seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(600);
/// Maximum time to wait for a canceled reading to end.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of comparing and storing.
const OFFER_TIMEOUT: Duration = Duration::from_secs(600);
/// Maximum number of attempts to store the result of a job. By the last attempt, other services consider the job stale.
const STORE_ATTEMPTS: u32 = 60;

/// Maximum time until this service serves the result of a job. After that the job completes without it.
const SERVE_TIMEOUT: Duration = Duration::from_secs(30);
/// Delay before the catalogue actor is called again after it stopped.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Progress in percent after fetching and after reading. The rest is comparing and storing.
const FETCHED_PERCENT: u8 = 20;
const READ_PERCENT: u8 = 70;

pub(super) struct JobTask {
    pub(super) live: Arc<LiveJob>,
    pub(super) selection: Selection,
    pub(super) source: Source,
    pub(super) file_date: Option<NaiveDate>,
    pub(super) force: Force,
    /// The span of the request, which identifies it in logs.
    pub(super) span: Span,
    /// The trace of the request, which the calls of the job carry on. `None` for a scheduled job.
    pub(super) trace: Option<Arc<RequestTrace>>,
}

impl JobTask {
    pub(super) fn new(live: Arc<LiveJob>, request: JobRequest, trace: Option<Arc<RequestTrace>>) -> Self {
        let JobRequest { selection, source, file_date, force, .. } = request;
        JobTask { live, selection, source, file_date, force, span: Span::current(), trace }
    }
}

#[derive(Clone)]
pub(super) struct JobContext {
    pub(super) settings: Arc<IngestSettings>,
    pub(super) persistence: PersistenceHandle,
    pub(super) live: Arc<LiveJobs>,
    pub(super) catalogue: CatalogueHandle,
}

enum JobEnd {
    /// The file was accepted, as the new version of the catalog.
    Accepted(GateResult, i64),
    /// The file was rejected, with the reasons. The rejection is stored.
    Rejected(Vec<String>),
    /// The job failed, with the reasons.
    Failed(Vec<String>),
    Canceled,
}

/// The progress of reading a file.
#[derive(Default)]
struct Progress {
    rows: AtomicU64,
    percent: AtomicU8,
}

/// Runs a job, and stores its result once this service serves it. The caller ensures that one job runs at a time.
pub(super) async fn run(task: JobTask, context: JobContext) {
    let JobContext { settings, persistence, live, catalogue } = context;
    let this = Arc::clone(&task.live);
    let progress = Arc::new(Progress::default());
    {
        let job = this.job();
        info!(job_id = job.job_id, broker = job.broker.as_str(), source = job.source, "job started");
    }
    let (end, is_served) = {
        let work = work(task, settings, persistence.clone(), Arc::clone(&progress));
        let live = Arc::clone(&this);
        let work = async move {
            let end = work.await;
            let is_served = match end {
                JobEnd::Accepted(..) | JobEnd::Rejected(_) => wait_until_served(&catalogue, &live).await,
                JobEnd::Failed(_) | JobEnd::Canceled => true,
            };
            (end, is_served)
        };
        send_heartbeats(tokio::spawn(in_current_actor(work).in_current_span()), &this, &progress, &persistence).await
    };
    finish(&this, &progress, end, is_served);
    store_result(&this, &persistence).await;
    let job_id = this.job().job_id.clone();
    live.remove(&job_id);
}

/// Waits until this service serves everything that is stored now, so that a caller that sees the finished job also sees
/// its result. Returns `false` if that takes longer than [`SERVE_TIMEOUT`]. A service that shuts down does not wait.
async fn wait_until_served(catalogue: &CatalogueHandle, live: &LiveJob) -> bool {
    let deadline = Instant::now() + SERVE_TIMEOUT;
    loop {
        let answer = tokio::select! {
            answer = catalogue.catch_up(deadline) => answer,
            () = live.cancellation.shutdown() => return true,
        };
        match answer {
            Ok(()) => return true,
            Err(CallError::Gone(_)) if Instant::now() < deadline => sleep(RETRY_AFTER).await,
            Err(_) => return false,
        }
    }
}

/// Sends heartbeats with the progress of the job until it ends.
async fn send_heartbeats(
    mut work: tokio::task::JoinHandle<(JobEnd, bool)>,
    this: &LiveJob,
    progress: &Progress,
    persistence: &PersistenceHandle,
) -> (JobEnd, bool) {
    let mut heartbeat = tokio::time::interval(HEARTBEAT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            end = &mut work => return end.unwrap_or_else(|fault| {
                error!(%fault, "job task failed");
                (JobEnd::Failed(vec!["internal error; see the log of the service".to_owned()]), true)
            }),
            _ = heartbeat.tick() => {
                let job = with_progress(this, progress);
                let saved = save_job(persistence, job, HEARTBEAT_TIMEOUT);
                // The job was canceled, or failed as stale by another service. An unavailable database does not cancel
                // it.
                if let Ok(false) = saved.await {
                    this.cancellation.request();
                }
            }
        }
    }
}

/// Returns the job with its progress.
fn with_progress(this: &LiveJob, progress: &Progress) -> Job {
    let mut job = this.job();
    job.processed = progress.rows.load(Ordering::Relaxed);
    job.progress = progress.percent.load(Ordering::Relaxed);
    job.clone()
}

fn finish(this: &LiveJob, progress: &Progress, end: JobEnd, is_served: bool) {
    with_progress(this, progress);
    let mut job = this.job();
    let now = Utc::now();
    match end {
        JobEnd::Accepted(result, version) => {
            job.version = Some(version);
            job.new = result.diff_counts.get("added").copied().unwrap_or(0) as u64;
            job.updated = result.updated as u64;
            job.warnings = result.warnings.iter().map(ToString::to_string).collect();
            let not_served = || {
                let seconds = SERVE_TIMEOUT.as_secs();
                format!("version {version} is stored, but this service failed to serve it within {seconds} s")
            };
            let errors: Vec<String> = (!is_served).then(not_served).into_iter().collect();
            info!(job_id = job.job_id, version, is_served, "job completed");
            job.finish(JobStatus::Completed, errors, now);
        }
        JobEnd::Rejected(reasons) => {
            warn!(job_id = job.job_id, broker = job.broker.as_str(), ?reasons, "job failed: file rejected");
            job.finish(JobStatus::Failed, reasons, now);
        }
        JobEnd::Failed(reasons) => {
            warn!(job_id = job.job_id, broker = job.broker.as_str(), ?reasons, "job failed");
            job.finish(JobStatus::Failed, reasons, now);
        }
        JobEnd::Canceled => {
            let (status, reason) = this.cancellation.status().unwrap_or((JobStatus::Cancelled, None));
            let (broker, status_word) = (job.broker.as_str(), status.as_str());
            match status {
                JobStatus::Cancelled => info!(job_id = job.job_id, broker, status = status_word, "job canceled"),
                _ => info!(job_id = job.job_id, broker, status = status_word, "job stopped"),
            }
            job.finish(status, reason.map(str::to_owned).into_iter().collect(), now);
        }
    }
    count(&job);
}

/// Stores the result of a job. Retries while the database is unavailable.
pub(super) async fn store_result(this: &LiveJob, persistence: &PersistenceHandle) {
    for _ in 0..STORE_ATTEMPTS {
        let job = this.job().clone();
        match save_job(persistence, job, HEARTBEAT_TIMEOUT).await {
            Ok(_) => return,
            Err(fault) if fault.is_permanent() => {
                error!(job_id = this.job().job_id, %fault, "failed to store the result of a job");
                return;
            }
            // The service shuts down: the next one fails the job as stale.
            Err(_) if this.cancellation.is_shutdown() => return,
            Err(_) => tokio::time::sleep(HEARTBEAT_EVERY).await,
        }
    }
    error!(job_id = this.job().job_id, "failed to store the result of a job");
}

async fn work(
    task: JobTask,
    settings: Arc<IngestSettings>,
    persistence: PersistenceHandle,
    progress: Arc<Progress>,
) -> JobEnd {
    let JobTask { live, selection, source, file_date, force, span: _, trace } = task;
    let broker = live.job().broker;
    let (shown, name) = (source.describe(), source.file_name());
    let is_upload = matches!(source, Source::Upload { .. });
    let input = tokio::select! {
        input = timeout(ARRIVAL_TIMEOUT, scoped(trace, arrive(source, &settings, &progress))) => input,
        () = live.cancellation.requested() => return JobEnd::Canceled,
    };
    let input = match input {
        Ok(Ok(input)) => input,
        Ok(Err(why)) => return JobEnd::Failed(vec![why]),
        Err(_) => {
            return JobEnd::Failed(vec![format!(
                "timeout: the file did not arrive within {} s",
                ARRIVAL_TIMEOUT.as_secs()
            )]);
        }
    };
    let loaded_at = Utc::now();
    let file = Arc::new(ArrivedFile { input: std::sync::Mutex::new(input), name, is_upload, broker, loaded_at });
    let read = {
        let (file, live, progress) = (Arc::clone(&file), Arc::clone(&live), Arc::clone(&progress));
        let limits = settings.limits;
        background::run(Priority::Low, move || file.read(&limits, &live, &progress))
    };
    let read = tokio::select! {
        read = timeout(READ_TIMEOUT, read) => read,
        // The reading ends between two pieces of the file, unless the disk does not respond.
        () = async { live.cancellation.requested().await; sleep(CANCEL_TIMEOUT).await } => return JobEnd::Canceled,
    };
    let read = match read {
        Ok(read) => read,
        Err(_) => {
            return JobEnd::Failed(vec![format!("timeout: the file was not read within {} s", READ_TIMEOUT.as_secs())]);
        }
    };
    let load = match read {
        Err(fault) => return JobEnd::Failed(vec![format!("failed to read the file: {fault}")]),
        Ok(Err(DumpError::Stopped)) => return JobEnd::Canceled,
        Ok(Err(fault)) => {
            let fault = GateFault { gate: "readable", detail: chain(&fault) };
            return reject(&file, shown, fault, &live, &settings, &persistence).await;
        }
        Ok(Ok(load)) => load,
    };
    progress.percent.store(READ_PERCENT, Ordering::Relaxed);
    live.job().count_rows(load.rejected_total(), load.skipped_total(), load.duplicates);

    let file_date = file_date.or_else(|| date_in(&file.name));
    let offering = Offering {
        offer: Offer { broker, source: shown, file_date, loaded_at, load },
        selection,
        gates: settings.gates,
        force,
    };
    let job = Arc::clone(&live);
    let deadline = Instant::now() + OFFER_TIMEOUT;
    let offered = persistence.run(Op::Offer, deadline, move |store| {
        // The work between the responses of the database takes time too: it builds statements for a whole file. It has
        // normal priority, because it holds a transaction open, and opens connections whose threads inherit it.
        let runtime = Handle::current();
        let offered = background::run(Priority::Normal, move || {
            runtime.block_on(offer(&*store, offering, &move || job.cancellation.is_requested()))
        });
        async move {
            offered.await.unwrap_or_else(|fault| Err(StoreError::Data(format!("failed to store the file: {fault}"))))
        }
    });
    match offered.await {
        Err(fault) => {
            // Work that is still in progress must stop before it stores anything.
            live.cancellation.request();
            JobEnd::Failed(vec![describe(&fault)])
        }
        Ok(None) => JobEnd::Canceled,
        Ok(Some(result)) => match result.version {
            Some(version) => JobEnd::Accepted(result, version),
            None => {
                let mut reasons: Vec<String> = result.faults.iter().map(ToString::to_string).collect();
                reasons.extend(advice(&result, file.is_upload));
                reasons.push(file.save_copy(settings.rejected_files.clone()).await);
                JobEnd::Rejected(reasons)
            }
        },
    }
}

/// Returns the remedy for a file that seems to contain a part of the instruments only.
fn advice(result: &GateResult, is_upload: bool) -> Option<String> {
    let segments: Vec<&str> = result.part.iter().map(|segment| segment.as_str()).collect();
    let removed = result.diff_counts.get("removed").copied().unwrap_or(0);
    let remedy = if is_upload {
        format!("upload with the query parameter `segments={}` or `mode=incremental`", segments.join(","))
    } else {
        format!(
            "request with `\"filters\": {{\"segments\": [\"{}\"]}}` or `\"mode\": \"incremental\"`",
            segments.join("\", \"")
        )
    };
    (!segments.is_empty()).then(|| {
        format!(
            "the file seems to contain only a part of the broker's instruments: repeat the {remedy}; `force` deactivates \
             the {removed} instruments that it does not contain"
        )
    })
}

fn describe(fault: &PersistenceError) -> String {
    match fault {
        PersistenceError::UnknownOutcome | PersistenceError::Call(CallError::DeadlineExceeded(_)) => {
            "the outcome is unknown because the database stopped responding while the file was stored; see \
             catalog/versions for whether the file was accepted"
                .to_owned()
        }
        other => format!("failed to store the file: {other}"),
    }
}

/// Rejects a file that is not a file of the broker.
async fn reject(
    file: &Arc<ArrivedFile>,
    source: String,
    fault: GateFault,
    live: &LiveJob,
    settings: &IngestSettings,
    persistence: &PersistenceHandle,
) -> JobEnd {
    let mut reasons = vec![fault.to_string()];
    let record = RejectedFileRecord {
        broker: file.broker,
        source,
        rejected_at: file.loaded_at,
        faults: vec![fault],
        quarantine: Vec::new(),
    };
    // The write is retried while the database is unavailable. Without the record nobody would be alerted.
    for attempt in 1..=STORE_ATTEMPTS {
        let record = record.clone();
        let store = move |store: Arc<dyn Store>| async move { store_rejected_file(&*store, &record).await };
        match persistence.run(Op::RejectLoad, Instant::now() + HEARTBEAT_TIMEOUT, store).await {
            Ok(()) => break,
            Err(fault) if fault.is_permanent() || attempt == STORE_ATTEMPTS || live.cancellation.is_requested() => {
                error!(broker = file.broker.as_str(), %fault, "failed to store the rejection of a file");
                reasons.push(format!("failed to store the rejection: {fault}"));
                break;
            }
            Err(_) => sleep(HEARTBEAT_EVERY).await,
        }
    }
    reasons.push(file.save_copy(settings.rejected_files.clone()).await);
    JobEnd::Rejected(reasons)
}

/// Waits for the arrival of the file, and returns it.
async fn arrive(source: Source, settings: &IngestSettings, progress: &Progress) -> Result<Spool, String> {
    match source {
        Source::Upload { spool, .. } => Ok(spool),
        Source::File { opened: Some(file), .. } => Ok(Spool::File(file)),
        Source::File { path, opened: None } => {
            let opened = background::run(Priority::Normal, move || open(&path).map_err(|e| (path, e))).await;
            let opened = opened.map_err(|e| format!("failed to open the file: {e}"))?;
            opened.map(Spool::File).map_err(|(path, e)| format!("failed to open {}: {e}", path.display()))
        }
        Source::Url(url) => {
            let spool = SpoolWriter::new(settings.spool.clone(), settings.limits.bytes_max).await;
            // Redirects within the origin of the source itself are allowed.
            let mut origins = settings.origins.clone();
            origins.push(Origin::of(&url));
            let on_progress = |bytes: u64, length: Option<u64>| {
                progress
                    .percent
                    .store(partial_progress(bytes, length.unwrap_or(0), FETCHED_PERCENT), Ordering::Relaxed);
            };
            fetch(&url, &origins, &settings.tls, spool, &on_progress).await
        }
    }
}

/// Returns the progress of a step, as part of the `percent` that the whole step contributes to the job.
fn partial_progress(done: u64, total: u64, percent: u8) -> u8 {
    if total == 0 {
        return 0;
    }
    u8::try_from(done.min(total) * u64::from(percent) / total).unwrap_or(percent)
}

struct ArrivedFile {
    input: std::sync::Mutex<Spool>,
    name: String,
    is_upload: bool,
    broker: Broker,
    loaded_at: DateTime<Utc>,
}

impl ArrivedFile {
    fn read(
        &self,
        limits: &registry_planning::dump::Limits,
        live: &LiveJob,
        progress: &Progress,
    ) -> Result<FileContent, DumpError> {
        let mut input = self.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let length = input.length()?;
        let start = progress.percent.load(Ordering::Relaxed);
        let bytes = AtomicU64::new(0);
        let counted = CountingReader { reader: input.reader()?, bytes: &bytes };
        read_file(self.broker, counted, limits, &mut |rows| {
            progress.rows.store(rows, Ordering::Relaxed);
            let percent = start + partial_progress(bytes.load(Ordering::Relaxed), length, READ_PERCENT - start);
            progress.percent.store(percent, Ordering::Relaxed);
            if live.cancellation.is_requested() {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        })
    }

    /// Saves a copy for inspection. Returns a message with its path, or with the reason why it was not saved.
    async fn save_copy(self: &Arc<Self>, folder: std::path::PathBuf) -> String {
        let file = Arc::clone(self);
        let saved = background::run(Priority::Low, move || file.save_copy_now(&folder)).await;
        saved.unwrap_or_else(|fault| format!("failed to keep a copy for inspection: {fault}"))
    }

    fn save_copy_now(&self, folder: &Path) -> String {
        let mut input = self.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match input.reader() {
            Ok(reader) => rejected_files::save_copy(reader, &self.name, self.broker, self.loaded_at, folder),
            Err(fault) => format!("failed to keep a copy for inspection: {fault}"),
        }
    }
}

struct CountingReader<'a, R> {
    reader: R,
    bytes: &'a AtomicU64,
}

impl<R: std::io::Read> std::io::Read for CountingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Returns a fault with its causes.
fn chain(fault: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(fault), |fault| fault.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
