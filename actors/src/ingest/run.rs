//! One job, from its source to its end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::dump::{Broker, DumpError};
use registry_planning::load::gate::GateFault;
use registry_planning::load::selection::Selection;
use registry_planning::load::{FileLoad, read_file};
use registry_store::background;
use registry_store::jobs::{Job, JobStatus};
use registry_store::{Offer, RefusalRecord, StoreError};
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior, sleep, timeout};
use tracing::{Instrument, Span, error, info, warn};

use super::super::actor::CatalogueMessage;
use super::super::ingest::{Force, Offering, Outcome, date_in, offer};
use super::super::refused;
use super::fetch::fetch;
use super::source::{Origin, Source, open};
use super::spool::{Spool, SpoolWriter};
use super::{IngestSettings, JobRequest, Live, LiveJobs, count};
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{CallError, Mailbox};

/// How often a job says how far it is.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// How long saying so may take.
const SIGN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a file may take to arrive.
const ARRIVE_WITHIN: Duration = Duration::from_secs(660);
/// How long reading it may take: the longest one takes seconds.
const READ_WITHIN: Duration = Duration::from_secs(600);
/// How long a reading that is not wanted any more is waited for.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
/// How long comparing and storing may take.
const OFFER_TIMEOUT: Duration = Duration::from_secs(600);
/// How often the end of a job is tried to be kept; another service calls it dead before that.
const LAST_WORDS: u32 = 60;

/// How long it may take until this service serves what a job has stored. A job whose catalogue cannot be read ends then.
const SERVED_WITHIN: Duration = Duration::from_secs(30);
/// How soon an actor that ended is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Parts of the way, percent: what is fetched, and what is read. The rest is comparing and storing.
const FETCHED: u8 = 20;
const READ: u8 = 70;

/// A job with its request.
pub(in super::super) struct Task {
    pub(in super::super) live: Arc<Live>,
    pub(in super::super) selection: Selection,
    pub(in super::super) source: Source,
    pub(in super::super) file_date: Option<NaiveDate>,
    pub(in super::super) force: Force,
    /// The span of the request, which names it in logs.
    pub(in super::super) span: Span,
}

impl Task {
    pub(in super::super) fn new(live: Arc<Live>, request: JobRequest) -> Self {
        let JobRequest { selection, source, file_date, force, .. } = request;
        Task { live, selection, source, file_date, force, span: Span::current() }
    }
}

/// The settings and handles that a job works with.
#[derive(Clone)]
pub(in super::super) struct Surroundings {
    pub(in super::super) settings: Arc<IngestSettings>,
    pub(in super::super) persistence: PersistenceHandle,
    pub(in super::super) live: Arc<LiveJobs>,
    /// The actor that serves what the job stores.
    pub(in super::super) catalogue: Mailbox<CatalogueMessage>,
}

/// How a job ends.
enum End {
    Accepted(Outcome, i64),
    /// The file was refused, which is stored, with the reasons.
    Refused(Vec<String>),
    /// With the reasons.
    Failed(Vec<String>),
    /// Nobody wants it any more.
    Unwanted,
}

/// How far a file is read.
#[derive(Default)]
struct Progress {
    rows: AtomicU64,
    percent: AtomicU8,
}

/// Does a job, and keeps how it ended once what it stored is served here. The caller sees to it that one runs at a time.
pub(in super::super) async fn run(task: Task, surroundings: Surroundings) {
    let Surroundings { settings, persistence, live, catalogue } = surroundings;
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
                End::Accepted(..) | End::Refused(_) => is_served(&catalogue, &live).await,
                End::Failed(_) | End::Unwanted => true,
            };
            (end, is_served)
        };
        watch(tokio::spawn(work.in_current_span()), &this, &progress, &persistence).await
    };
    finish(&this, &progress, end, is_served);
    keep(&this, &persistence).await;
    live.remove(&this.job().job_id);
}

/// Waits until this service serves what is stored by now: whoever reads that the job has ended finds what it did. `false` if
/// it does not within [`SERVED_WITHIN`]. A service that stops serves nothing any more.
async fn is_served(catalogue: &Mailbox<CatalogueMessage>, live: &Live) -> bool {
    let deadline = Instant::now() + SERVED_WITHIN;
    loop {
        let catch_up = catalogue.call_outside_bound(deadline, |reply| CatalogueMessage::CatchUp { reply });
        let answer = tokio::select! {
            answer = catch_up => answer,
            () = live.wanted.stopping() => return true,
        };
        match answer {
            Ok(()) => return true,
            Err(CallError::Gone(_)) if Instant::now() < deadline => sleep(ASK_AGAIN).await,
            Err(_) => return false,
        }
    }
}

/// Says how far the job is until it has ended.
async fn watch(
    mut work: tokio::task::JoinHandle<(End, bool)>,
    this: &Live,
    progress: &Progress,
    persistence: &PersistenceHandle,
) -> (End, bool) {
    let mut sign = tokio::time::interval(SIGN_EVERY);
    sign.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            end = &mut work => return end.unwrap_or_else(|fault| {
                error!(%fault, "job task failed");
                (End::Failed(vec!["internal error; see the log of the service".to_owned()]), true)
            }),
            _ = sign.tick() => {
                let job = shown(this, progress);
                let kept = persistence.save_job(job, Instant::now() + SIGN_TIMEOUT);
                // What nobody wants any more, or another service took for dead, ends here too. That the database is
                // away is no such word.
                if let Ok(false) = kept.await {
                    this.wanted.cancel();
                }
            }
        }
    }
}

/// The job with how far it is.
fn shown(this: &Live, progress: &Progress) -> Job {
    let mut job = this.job();
    job.processed = progress.rows.load(Ordering::Relaxed);
    job.progress = progress.percent.load(Ordering::Relaxed);
    job.clone()
}

fn finish(this: &Live, progress: &Progress, end: End, is_served: bool) {
    shown(this, progress);
    let mut job = this.job();
    let now = Utc::now();
    match end {
        End::Accepted(outcome, version) => {
            job.version = Some(version);
            job.new = outcome.diff_counts.get("added").copied().unwrap_or(0) as u64;
            job.updated = outcome.updated as u64;
            let not_served = || {
                let seconds = SERVED_WITHIN.as_secs();
                format!("version {version} is stored, but this service failed to serve it within {seconds} s")
            };
            let errors: Vec<String> = (!is_served).then(not_served).into_iter().collect();
            info!(job_id = job.job_id, version, is_served, "job completed");
            job.finish(JobStatus::Completed, errors, now);
        }
        End::Refused(reasons) => {
            warn!(job_id = job.job_id, broker = job.broker.as_str(), ?reasons, "job failed: file rejected");
            job.finish(JobStatus::Failed, reasons, now);
        }
        End::Failed(reasons) => {
            warn!(job_id = job.job_id, broker = job.broker.as_str(), ?reasons, "job failed");
            job.finish(JobStatus::Failed, reasons, now);
        }
        End::Unwanted => {
            let (status, reason) = this.wanted.end().unwrap_or((JobStatus::Cancelled, None));
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

/// Keeps how a job ended: while the database is away it is tried again.
pub(in super::super) async fn keep(this: &Live, persistence: &PersistenceHandle) {
    for _ in 0..LAST_WORDS {
        let job = this.job().clone();
        match persistence.save_job(job, Instant::now() + SIGN_TIMEOUT).await {
            Ok(_) | Err(PersistenceError::Refused(_)) => return,
            // The service stops: its successor takes the job for dead.
            Err(_) if this.wanted.is_stopping() => return,
            Err(_) => tokio::time::sleep(SIGN_EVERY).await,
        }
    }
    error!(job_id = this.job().job_id, "failed to store the result of a job");
}

async fn work(
    task: Task,
    settings: Arc<IngestSettings>,
    persistence: PersistenceHandle,
    progress: Arc<Progress>,
) -> End {
    let Task { live, selection, source, file_date, force, span: _ } = task;
    let broker = live.job().broker;
    let (shown, name) = (source.describe(), source.file_name());
    let input = tokio::select! {
        input = timeout(ARRIVE_WITHIN, arrive(source, &settings, &progress)) => input,
        () = live.wanted.no_more() => return End::Unwanted,
    };
    let input = match input {
        Ok(Ok(input)) => input,
        Ok(Err(why)) => return End::Failed(vec![why]),
        Err(_) => {
            return End::Failed(vec![format!("timeout: the file did not arrive within {} s", ARRIVE_WITHIN.as_secs())]);
        }
    };
    let loaded_at = Utc::now();
    let file = Arc::new(File { input: std::sync::Mutex::new(input), name, broker, loaded_at });
    let read = {
        let (file, live, progress) = (Arc::clone(&file), Arc::clone(&live), Arc::clone(&progress));
        let limits = settings.limits;
        background::run(move || file.read(&limits, &live, &progress))
    };
    let read = tokio::select! {
        read = timeout(READ_WITHIN, read) => read,
        // It ends by itself between two pieces of the file. Only a disk that is gone keeps it.
        () = async { live.wanted.no_more().await; sleep(GIVE_UP_AFTER).await } => return End::Unwanted,
    };
    let read = match read {
        Ok(read) => read,
        Err(_) => {
            return End::Failed(vec![format!("timeout: the file was not read within {} s", READ_WITHIN.as_secs())]);
        }
    };
    let load = match read {
        Err(fault) => return End::Failed(vec![format!("failed to read the file: {fault}")]),
        Ok(Err(DumpError::Stopped)) => return End::Unwanted,
        Ok(Err(fault)) => {
            let fault = GateFault { gate: "readable", detail: chain(&fault) };
            return refuse(&file, shown, fault, &live, &settings, &persistence).await;
        }
        Ok(Ok(load)) => load,
    };
    progress.percent.store(READ, Ordering::Relaxed);

    let file_date = file_date.or_else(|| date_in(&file.name));
    let offering = Offering {
        offer: Offer { broker, source: shown, file_date, loaded_at, load },
        selection,
        gates: settings.gates,
        force,
    };
    let wanted = Arc::clone(&live);
    let deadline = Instant::now() + OFFER_TIMEOUT;
    let offered = persistence.run(Op::Offer, deadline, move |store| {
        // Also what is done between the database's answers takes its time: statements for a whole file are written there.
        let runtime = Handle::current();
        let offered =
            background::run(move || runtime.block_on(offer(&*store, offering, &move || wanted.wanted.is_so())));
        async move {
            offered.await.unwrap_or_else(|fault| Err(StoreError::Data(format!("failed to store the file: {fault}"))))
        }
    });
    match offered.await {
        Err(fault) => {
            // What is still under way is to end before it is stored.
            live.wanted.cancel();
            End::Failed(vec![told(&fault)])
        }
        Ok(None) => End::Unwanted,
        Ok(Some(outcome)) => match outcome.version {
            Some(version) => End::Accepted(outcome, version),
            None => {
                let mut reasons: Vec<String> = outcome.faults.iter().map(ToString::to_string).collect();
                reasons.push(file.keep(settings.refused.clone()).await);
                End::Refused(reasons)
            }
        },
    }
}

fn told(fault: &PersistenceError) -> String {
    match fault {
        PersistenceError::UnknownOutcome | PersistenceError::Call(CallError::DeadlineExceeded(_)) => {
            "the outcome is unknown because the database stopped responding while the file was stored; see \
             catalog/versions for whether the file was accepted"
                .to_owned()
        }
        other => format!("failed to store the file: {other}"),
    }
}

/// Refuses a file that is none of the broker's.
async fn refuse(
    file: &Arc<File>,
    source: String,
    fault: GateFault,
    live: &Live,
    settings: &IngestSettings,
    persistence: &PersistenceHandle,
) -> End {
    let mut reasons = vec![fault.to_string()];
    let record = RefusalRecord {
        broker: file.broker,
        source,
        refused_at: file.loaded_at,
        faults: vec![fault],
        quarantine: Vec::new(),
    };
    // While the database is away it is tried again: nobody would be alarmed otherwise.
    for attempt in 1..=LAST_WORDS {
        match persistence.refuse_load(record.clone(), Instant::now() + SIGN_TIMEOUT).await {
            Ok(()) => break,
            Err(fault) if attempt == LAST_WORDS || !live.wanted.is_so() => {
                reasons.push(format!("failed to store the rejection: {fault}"));
                break;
            }
            Err(_) => sleep(SIGN_EVERY).await,
        }
    }
    reasons.push(file.keep(settings.refused.clone()).await);
    End::Refused(reasons)
}

/// Gets hold of the file.
async fn arrive(source: Source, settings: &IngestSettings, progress: &Progress) -> Result<Spool, String> {
    match source {
        Source::Upload { spool, .. } => Ok(spool),
        Source::File { opened: Some(file), .. } => Ok(Spool::File(file)),
        Source::File { path, opened: None } => {
            let opened = background::run(move || open(&path).map_err(|e| (path, e))).await;
            let opened = opened.map_err(|e| format!("failed to open the file: {e}"))?;
            opened.map(Spool::File).map_err(|(path, e)| format!("failed to open {}: {e}", path.display()))
        }
        Source::Url(url) => {
            let spool = SpoolWriter::new(settings.spool.clone(), settings.limits.bytes_max).await;
            // Where the operator's own source stands, redirects may stay.
            let mut origins = settings.origins.clone();
            origins.push(Origin::of(&url));
            let on_progress = |bytes: u64, length: Option<u64>| {
                progress.percent.store(part(bytes, length.unwrap_or(0), FETCHED), Ordering::Relaxed);
            };
            fetch(&url, &origins, spool, &on_progress).await
        }
    }
}

/// How far a step is that takes so many percent of the whole.
fn part(done: u64, of: u64, percent: u8) -> u8 {
    if of == 0 {
        return 0;
    }
    u8::try_from(done.min(of) * u64::from(percent) / of).unwrap_or(percent)
}

/// A file at hand.
struct File {
    input: std::sync::Mutex<Spool>,
    name: String,
    broker: Broker,
    loaded_at: DateTime<Utc>,
}

impl File {
    fn read(
        &self,
        limits: &registry_planning::dump::Limits,
        live: &Live,
        progress: &Progress,
    ) -> Result<FileLoad, DumpError> {
        let mut input = self.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let length = input.length()?;
        let start = progress.percent.load(Ordering::Relaxed);
        let bytes = AtomicU64::new(0);
        let counted = Counted { reader: input.reader()?, bytes: &bytes };
        read_file(self.broker, counted, limits, &mut |rows| {
            progress.rows.store(rows, Ordering::Relaxed);
            let percent = start + part(bytes.load(Ordering::Relaxed), length, READ - start);
            progress.percent.store(percent, Ordering::Relaxed);
            if live.wanted.is_so() { std::ops::ControlFlow::Continue(()) } else { std::ops::ControlFlow::Break(()) }
        })
    }

    /// Keeps it for inspection, and says where, or why not.
    async fn keep(self: &Arc<Self>, folder: std::path::PathBuf) -> String {
        let file = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || file.keep_now(&folder)).await;
        kept.unwrap_or_else(|fault| format!("failed to keep a copy for inspection: {fault}"))
    }

    fn keep_now(&self, folder: &Path) -> String {
        let mut input = self.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match input.reader() {
            Ok(reader) => refused::keep(reader, &self.name, self.broker, self.loaded_at, folder),
            Err(fault) => format!("failed to keep a copy for inspection: {fault}"),
        }
    }
}

struct Counted<'a, R> {
    reader: R,
    bytes: &'a AtomicU64,
}

impl<R: std::io::Read> std::io::Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A fault with its causes.
fn chain(fault: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(fault), |fault| fault.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
