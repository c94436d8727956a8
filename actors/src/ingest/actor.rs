//! The actor of jobs: creates and queues them, runs one at a time, and submits the scheduled ones.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use registry_planning::ingest::selection::Selection;
use registry_planning::vocabulary::Broker;
use registry_store::idempotency::{KeyClaim, KeyedRequest};
use registry_store::jobs::{Created, Job, JobStatus, STALE_AFTER};
use registry_store::{Store, StoreError};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, error, warn};
use uuid::Uuid;

use super::evaluation::Force;
use super::jobs::{JobRequest, LiveJob, LiveJobs, PRIORITY_DEFAULT, RECENT_MAX, SubmitError, save_job};
use super::metrics::count;
use super::run::{JobContext, JobTask, run, store_result};
use super::schedule::{self, Due};
use super::settings::{IngestSettings, ScheduledSource};
use crate::catalogue::CatalogueHandle;
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::identity::in_current_actor;
use crate::runtime::mailbox::{Behaviour, CallError, Message, Myself, Reply};
use crate::trace::{RequestTrace, scoped};

/// Interval of the heartbeats of queued jobs, and of the checks of the schedules.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Number of checks from one read of the jobs of other services to the next.
const ORPHANS_EVERY: u64 = 5;
/// Time until the result of a scheduled job is checked.
const CHECK_AFTER: Duration = Duration::from_secs(5);
/// Delay before a job that the database did not acknowledge is created again under its key.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Timeout of a small query.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for which the creation of a job with a key is retried. Longer than [`TIMEOUT`] and everything that the
/// database may still do after it: a connection and a transaction take 8 s.
const KEYED_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) enum IngestMessage {
    Submit {
        request: Box<JobRequest>,
        trace: Option<Arc<RequestTrace>>,
        reply: Reply<Result<Job, SubmitError>>,
    },
    JobTried(Box<JobCreation>),
    JobEnded,
    Cancel {
        job_id: String,
        reply: Reply<Option<Job>>,
    },
    JobsDue,
    /// The database responds for the first time since the start of the actor.
    DatabaseResponded,
    OrphansFailed,
}

impl Message for IngestMessage {
    fn kind(&self) -> &'static str {
        match self {
            IngestMessage::Submit { .. } => "submit",
            IngestMessage::JobTried(_) => "job_tried",
            IngestMessage::JobEnded => "job_ended",
            IngestMessage::Cancel { .. } => "cancel",
            IngestMessage::JobsDue => "jobs_due",
            IngestMessage::DatabaseResponded => "database_responded",
            IngestMessage::OrphansFailed => "orphans_failed",
        }
    }
}

/// The result of creating a job in the database.
pub(crate) struct JobCreation {
    job: Job,
    request: JobRequest,
    trace: Option<Arc<RequestTrace>>,
    outcome: Result<Created, PersistenceError>,
    /// `None` for a scheduled job.
    reply: Option<Reply<Result<Job, SubmitError>>>,
}

pub(crate) struct IngestActor {
    pub(super) settings: Arc<IngestSettings>,
    pub(super) live: Arc<LiveJobs>,
    pub(super) persistence: PersistenceHandle,
    pub(super) catalogue: CatalogueHandle,
}

pub(crate) struct State {
    me: Myself<IngestMessage>,
    queue: Vec<JobTask>,
    is_running: bool,
    checks: u64,
    /// The task that reads the last jobs of all services.
    job_read: Option<JoinHandle<()>>,
    timetable: BTreeMap<Broker, ScheduleEntry>,
}

/// The next attempt of a schedule, or the next check of the last one.
struct ScheduleEntry {
    due: Due,
    attempt: u32,
    at: DateTime<Utc>,
    is_creating: bool,
}

impl Behaviour for IngestActor {
    type Message = IngestMessage;
    type State = State;

    fn start(&self, me: Myself<IngestMessage>) -> State {
        me.tell(IngestMessage::JobsDue);
        let responded = self.catalogue.database_responded();
        me.run(async move {
            responded.await;
            IngestMessage::DatabaseResponded
        });
        State { me, queue: Vec::new(), is_running: false, checks: 0, job_read: None, timetable: BTreeMap::new() }
    }

    fn handle(&self, message: IngestMessage, state: &mut State) {
        match message {
            IngestMessage::Submit { request, trace, reply } => self.submit(*request, trace, Some(reply), state),
            IngestMessage::JobTried(creation) => self.created(*creation, state),
            IngestMessage::JobEnded => self.ended(state),
            IngestMessage::Cancel { job_id, reply } => reply.send(self.cancel(&job_id, state)),
            IngestMessage::JobsDue => self.check_jobs(state),
            // Fails the jobs of an earlier service, which have no heartbeat.
            IngestMessage::DatabaseResponded => self.fail_orphans(state),
            IngestMessage::OrphansFailed => {}
        }
    }
}

impl IngestActor {
    fn submit(
        &self,
        request: JobRequest,
        trace: Option<Arc<RequestTrace>>,
        reply: Option<Reply<Result<Job, SubmitError>>>,
        state: &State,
    ) {
        let job = Job {
            job_id: format!("job_{}", Uuid::now_v7().simple()),
            broker: request.broker,
            mode: request.selection.mode,
            priority: request.priority,
            source: request.source.describe(),
            slot: request.slot.clone(),
            status: JobStatus::Queued,
            progress: 0,
            processed: 0,
            rejected: 0,
            skipped: 0,
            duplicates: 0,
            updated: 0,
            new: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
            version: None,
            created_at: Utc::now(),
            started_at: None,
            finished_at: None,
        };
        let persistence = self.persistence.clone();
        let claim = request.keyed.as_ref().map(|keyed| job_claim(keyed, &job));
        state.me.run(async move {
            let create = async {
                match claim {
                    None => create(&persistence, job.clone()).await,
                    Some(Ok(claim)) => create_keyed(&persistence, &job, &claim).await,
                    Some(Err(fault)) => Err(fault.into()),
                }
            };
            let outcome = scoped(trace.clone(), create).await;
            IngestMessage::JobTried(Box::new(JobCreation { job, request, trace, outcome, reply }))
        });
    }

    fn created(&self, creation: JobCreation, state: &mut State) {
        let JobCreation { job, request, trace, outcome, reply } = creation;
        if reply.is_none() {
            state.record_attempt(job.broker, &outcome, self.settings.retry_after);
        }
        let answer = match outcome {
            Ok(Created::Yes) => {
                let task = JobTask::new(self.live.insert(job.clone()), request, trace);
                state.queue.push(task);
                self.run_next(state);
                Ok(job)
            }
            Ok(Created::Busy(other)) => Err(SubmitError::Busy(Box::new(other))),
            Ok(Created::Taken(other)) => Err(SubmitError::Taken(Box::new(other))),
            Ok(Created::Answered(answer)) => Err(SubmitError::Answered(Box::new(answer))),
            Err(fault) => Err(fault.into()),
        };
        if let Some(reply) = reply {
            reply.send(answer);
        }
    }

    /// Cancels a job of this service. Returns `None` if it is not a job of this service, or has ended.
    fn cancel(&self, job_id: &str, state: &mut State) -> Option<Job> {
        let live = self.live.get(job_id)?;
        live.cancellation.request();
        self.dequeue_canceled(&live, state);
        let job = live.job().clone();
        Some(job)
    }

    /// Ends a canceled job that is still queued.
    fn dequeue_canceled(&self, live: &Arc<LiveJob>, state: &mut State) {
        let waiting = state.queue.iter().position(|task| Arc::ptr_eq(&task.live, live));
        if let Some(position) = waiting {
            state.queue.remove(position);
            let (status, reason) = live.cancellation.status().unwrap_or((JobStatus::Cancelled, None));
            self.end(live, status, reason.map(str::to_owned).into_iter().collect());
        }
    }

    /// Ends a job that did not start.
    fn end(&self, this: &Arc<LiveJob>, status: JobStatus, errors: Vec<String>) {
        {
            let mut job = this.job();
            job.finish(status, errors, Utc::now());
            count(&job);
        }
        let (this, live, persistence) = (Arc::clone(this), Arc::clone(&self.live), self.persistence.clone());
        tokio::spawn(in_current_actor(async move {
            store_result(&this, &persistence).await;
            let job_id = this.job().job_id.clone();
            live.remove(&job_id);
        }));
    }

    /// Starts the queued job with the highest priority; of several, the oldest.
    fn run_next(&self, state: &mut State) {
        if state.is_running {
            return;
        }
        let next = state.queue.iter().enumerate().max_by_key(|(position, task)| {
            let priority = task.live.job().priority;
            (priority, std::cmp::Reverse(*position))
        });
        let Some((position, _)) = next else { return };
        let task = state.queue.remove(position);
        state.is_running = true;
        {
            let mut job = task.live.job();
            job.status = JobStatus::Running;
            job.started_at = Some(Utc::now());
        }
        let context = JobContext {
            settings: Arc::clone(&self.settings),
            persistence: self.persistence.clone(),
            live: Arc::clone(&self.live),
            catalogue: self.catalogue.clone(),
        };
        // A load may outlive the actor. The next actor must not start another load at the same time.
        let permit = Arc::clone(&self.live.permit);
        let span = task.span.clone();
        let work = async move {
            let _permit = permit.acquire_owned().await;
            run(task, context).await;
        };
        let done = tokio::spawn(in_current_actor(work).instrument(span.clone()));
        span.in_scope(|| {
            state.me.run(async move {
                if let Err(fault) = done.await {
                    error!(%fault, "job task failed");
                }
                IngestMessage::JobEnded
            });
        });
    }

    fn ended(&self, state: &mut State) {
        state.is_running = false;
        self.run_next(state);
    }

    /// Sends heartbeats of the queued jobs, fails lost and stale jobs, and submits the scheduled jobs that are due.
    fn check_jobs(&self, state: &mut State) {
        state.me.tell_after(CHECK_EVERY, IngestMessage::JobsDue);
        for task in &state.queue {
            let (job, live, persistence) = (task.live.job().clone(), Arc::clone(&task.live), self.persistence.clone());
            tokio::spawn(in_current_actor(async move {
                if let Ok(false) = save_job(&persistence, job, TIMEOUT).await {
                    live.cancellation.request();
                }
            }));
        }
        let queued = state.queue.iter().map(|task| &task.live);
        let canceled: Vec<Arc<LiveJob>> = queued.filter(|live| live.cancellation.is_requested()).cloned().collect();
        for live in canceled {
            self.dequeue_canceled(&live, state);
        }
        self.fail_lost(state);
        state.checks += 1;
        // After an outage of the database the heartbeats of all jobs are stale at first.
        let is_responding = self.catalogue.database_responds_since().is_some_and(|since| since.elapsed() > STALE_AFTER);
        if is_responding && state.checks.is_multiple_of(ORPHANS_EVERY) {
            self.fail_orphans(state);
        }
        let is_due = state.checks % ORPHANS_EVERY == 1 || !self.live.is_followed();
        // Reads must not accumulate while the database is slow.
        let is_read_done = state.job_read.as_ref().is_none_or(JoinHandle::is_finished);
        if self.catalogue.database_responds_since().is_some() && is_due && is_read_done {
            state.job_read = Some(self.follow_stored());
        }
        self.submit_due(state);
    }

    /// Fails jobs that were in the queue of an earlier actor, which was lost with it.
    fn fail_lost(&self, state: &State) {
        for live in self.live.all() {
            let is_waiting = live.job().status == JobStatus::Queued;
            if is_waiting && !state.queue.iter().any(|task| Arc::ptr_eq(&task.live, &live)) {
                self.end(
                    &live,
                    JobStatus::Failed,
                    vec!["the job queue was lost because an actor restarted; submit the job again".to_owned()],
                );
            }
        }
    }

    /// Fails the jobs whose service no longer sends heartbeats.
    fn fail_orphans(&self, state: &State) {
        let persistence = self.persistence.clone();
        state.me.run(async move {
            let fail = |store: Arc<dyn Store>| async move { store.fail_stale_jobs(STALE_AFTER).await };
            let failed = persistence.run(Op::FailStaleJobs, Instant::now() + TIMEOUT, fail).await;
            for job in failed.unwrap_or_default() {
                warn!(job_id = job.job_id, broker = job.broker.as_str(), "job failed: no heartbeat from its replica");
                count(&job);
            }
            IngestMessage::OrphansFailed
        });
    }

    /// Reads the last jobs of all services, for operators.
    fn follow_stored(&self) -> JoinHandle<()> {
        let (persistence, live) = (self.persistence.clone(), Arc::clone(&self.live));
        tokio::spawn(in_current_actor(async move {
            let read = |store: Arc<dyn Store>| async move { store.latest_jobs(RECENT_MAX).await };
            if let Ok(jobs) = persistence.run(Op::LatestJobs, Instant::now() + TIMEOUT, read).await {
                live.follow(jobs);
            }
        }))
    }

    fn submit_due(&self, state: &mut State) {
        let now = Utc::now();
        for (broker, source) in &self.settings.sources {
            let Some(entry) = state.entry(*broker, source, self.settings.retry_after, now) else { continue };
            if entry.at > now || entry.is_creating {
                continue;
            }
            let Some(source) = source.source() else { continue };
            entry.is_creating = true;
            let request = JobRequest {
                broker: *broker,
                selection: Selection::default(),
                priority: PRIORITY_DEFAULT,
                source,
                file_date: None,
                force: Force::No,
                slot: Some(entry.due.slot(entry.attempt)),
                keyed: None,
            };
            self.submit(request, None, None, state);
        }
    }
}

async fn create(persistence: &PersistenceHandle, job: Job) -> Result<Created, PersistenceError> {
    let create = move |store: Arc<dyn Store>| async move { store.create_job(&job).await };
    persistence.run(Op::CreateJob, Instant::now() + TIMEOUT, create).await
}

/// Creates a job with the answer of its key. If the outcome is unknown or late, the creation is retried under the same
/// key: the claim waits for the transaction that was not acknowledged, and shows its result. Otherwise a stored job
/// could have no service that runs it, while its key refers to it.
async fn create_keyed(
    persistence: &PersistenceHandle,
    job: &Job,
    claim: &KeyClaim,
) -> Result<Created, PersistenceError> {
    let until = Instant::now() + KEYED_TIMEOUT;
    let create = || {
        let (job, claim) = (job.clone(), claim.clone());
        let create = move |store: Arc<dyn Store>| async move { store.create_keyed_job(&job, &claim).await };
        persistence.run(Op::CreateKeyedJob, Instant::now() + TIMEOUT, create)
    };
    let mut outcome = create().await;
    let mut is_unknown = false;
    while outcome.as_ref().is_err_and(may_be_stored) && Instant::now() + RETRY_AFTER < until {
        is_unknown = true;
        sleep(RETRY_AFTER).await;
        // Whatever the failure of a retry, the first attempt may have been stored, unless the database rejects the
        // data.
        outcome = create().await.map_err(|fault| match fault.is_permanent() {
            true => fault,
            false => PersistenceError::UnknownOutcome,
        });
    }
    match outcome {
        Ok(Created::Answered(stored)) if is_unknown && stored.answer == claim.answer => Ok(Created::Yes),
        outcome => outcome,
    }
}

/// Whether a job may have been stored without an acknowledgment.
fn may_be_stored(fault: &PersistenceError) -> bool {
    matches!(fault, PersistenceError::UnknownOutcome | PersistenceError::Call(CallError::DeadlineExceeded(_)))
}

/// Returns the claim of the idempotency key of a request for this job.
fn job_claim(request: &Arc<KeyedRequest>, job: &Job) -> Result<KeyClaim, StoreError> {
    let answer = serde_json::to_string(job).map_err(|e| StoreError::Data(e.to_string()))?;
    Ok(KeyClaim { request: Arc::clone(request), plan_id: None, answer })
}

impl State {
    fn entry(
        &mut self,
        broker: Broker,
        source: &ScheduledSource,
        retry_after: Duration,
        now: DateTime<Utc>,
    ) -> Option<&mut ScheduleEntry> {
        let entry = match self.timetable.entry(broker) {
            Occupied(entry) => entry.into_mut(),
            Vacant(vacant) => vacant.insert(ScheduleEntry::new(schedule::next(&source.at, None, now)?, retry_after)),
        };
        // The next scheduled time replaces further attempts.
        let is_next_due = schedule::next(&source.at, Some(entry.due), now).is_some_and(|next| next.at <= now);
        if (entry.is_over() || is_next_due) && !entry.is_creating {
            *entry = ScheduleEntry::new(schedule::next(&source.at, Some(entry.due), now)?, retry_after);
        }
        Some(entry)
    }

    /// Records the result of a scheduled attempt.
    fn record_attempt(&mut self, broker: Broker, outcome: &Result<Created, PersistenceError>, retry_after: Duration) {
        let Some(entry) = self.timetable.get_mut(&broker) else { return };
        entry.is_creating = false;
        let now = Utc::now();
        match outcome {
            Ok(Created::Taken(job)) => match job.status {
                JobStatus::Queued | JobStatus::Running => entry.wait(now, CHECK_AFTER.min(retry_after)),
                // A canceled job is not retried.
                JobStatus::Completed | JobStatus::Cancelled => entry.attempt = schedule::ATTEMPTS,
                JobStatus::Failed => {
                    let pause = (retry_after * 2_u32.pow(entry.attempt)).min(schedule::PAUSE_MAX.max(retry_after));
                    entry.attempt += 1;
                    entry.wait(job.finished_at.unwrap_or(now), pause);
                    entry.jitter(retry_after);
                    if entry.is_over() {
                        let attempts = schedule::ATTEMPTS;
                        error!(broker = broker.as_str(), attempts, "scheduled job failed: all attempts failed");
                    }
                }
            },
            Ok(Created::Yes) => entry.wait(now, CHECK_AFTER.min(retry_after)),
            // Another job of the broker is unfinished and may load another file, or the database is unavailable. A
            // scheduled job has no idempotency key, so it is never `Answered`.
            Ok(Created::Busy(_) | Created::Answered(_)) | Err(_) => entry.wait(now, retry_after),
        }
    }
}

impl ScheduleEntry {
    fn new(due: Due, retry_after: Duration) -> Self {
        let mut entry = ScheduleEntry { due, attempt: 0, at: due.at, is_creating: false };
        entry.jitter(retry_after);
        entry
    }

    fn is_over(&self) -> bool {
        self.attempt >= schedule::ATTEMPTS
    }

    fn wait(&mut self, from: DateTime<Utc>, pause: Duration) {
        self.at = from + TimeDelta::from_std(pause).unwrap_or(TimeDelta::zero());
    }

    /// Adds jitter, so that not every customer of a broker fetches in the same second.
    fn jitter(&mut self, retry_after: Duration) {
        self.wait(self.at, retry_after.mul_f64(fastrand::f64() / 2.0));
    }
}
