//! The actor's jobs: taken, queued, run one at a time, and made by itself when a schedule says so.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use registry_planning::dump::Broker;
use registry_planning::load::selection::Selection;
use registry_store::StoreError;
use registry_store::idempotency::{KeyClaim, KeyedRequest};
use registry_store::jobs::{Created, Job, JobStatus, SILENT_MAX};
use tokio::time::{Instant, sleep};
use tracing::{Instrument, error, warn};
use uuid::Uuid;

use super::super::ingest::Force;
use super::super::jobs::run::{Surroundings, Task, keep, run};
use super::super::jobs::schedule::{self, Due};
use super::super::jobs::{Feed, JobRequest, Live, PRIORITY_DEFAULT, SubmitError, count};
use super::{CatalogueActor, CatalogueMessage, State};
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{CallError, Reply};

/// How often jobs that wait give a sign of life, and schedules are looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often jobs of services that are gone are looked for.
const ORPHANS_EVERY: u64 = 5;
/// How long a job of a schedule is left alone until it is looked at.
const CHECK_AFTER: Duration = Duration::from_secs(5);
/// How soon it is asked what became of a job that the database did not acknowledge.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How long a small question to the database may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it is asked whether a job with a key was created. Longer than [`TIMEOUT`] and everything that the database may
/// still do after it: a connection and a transaction take 8 s.
const KEYED_TIMEOUT: Duration = Duration::from_secs(30);

/// What became of a new job.
pub(crate) struct Tried {
    job: Job,
    request: JobRequest,
    outcome: Result<Created, PersistenceError>,
    /// `None`: a schedule made it.
    reply: Option<Reply<Result<Job, SubmitError>>>,
}

/// The part of the actor's state that is about jobs.
#[derive(Default)]
pub(crate) struct Jobs {
    queue: Vec<Task>,
    is_running: bool,
    looks: u64,
    /// Since when the database has answered. After it was away nobody's signs of life are to be seen at first.
    answering_since: Option<Instant>,
    has_answered: bool,
    timetable: BTreeMap<Broker, Entry>,
}

/// When a schedule's next attempt is made, or the last one looked at.
struct Entry {
    due: Due,
    attempt: u32,
    at: DateTime<Utc>,
    /// While the database is asked.
    is_asking: bool,
}

impl CatalogueActor {
    pub(super) fn submit(&self, request: JobRequest, reply: Option<Reply<Result<Job, SubmitError>>>, state: &State) {
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
            updated: 0,
            new: 0,
            errors: Vec::new(),
            version: None,
            created_at: Utc::now(),
            started_at: None,
            finished_at: None,
        };
        let persistence = self.persistence.clone();
        let claim = request.keyed.as_ref().map(|keyed| job_claim(keyed, &job));
        state.me.run(async move {
            let outcome = match claim {
                None => persistence.create_job(job.clone(), Instant::now() + TIMEOUT).await,
                Some(Ok(claim)) => create_keyed(&persistence, &job, &claim).await,
                Some(Err(fault)) => Err(fault.into()),
            };
            CatalogueMessage::JobTried(Box::new(Tried { job, request, outcome, reply }))
        });
    }

    pub(super) fn tried(&self, tried: Tried, state: &mut State) {
        let Tried { job, request, outcome, reply } = tried;
        if reply.is_none() {
            state.jobs.scheduled(job.broker, &outcome, self.ingest.retry_after);
        }
        let answer = match outcome {
            Ok(Created::Yes) => {
                let task = Task::new(self.live.insert(job.clone()), request);
                state.jobs.queue.push(task);
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

    /// Ends a job of this service. `None`: it is not one of those, or has ended.
    pub(super) fn cancel(&self, job_id: &str, state: &mut State) -> Option<Job> {
        let live = self.live.get(job_id)?;
        live.wanted.cancel();
        self.drop_unwanted(&live, state);
        let job = live.job().clone();
        Some(job)
    }

    /// Ends a job that waits, and is not wanted any more.
    fn drop_unwanted(&self, live: &Arc<Live>, state: &mut State) {
        let waiting = state.jobs.queue.iter().position(|task| Arc::ptr_eq(&task.live, live));
        if let Some(position) = waiting {
            state.jobs.queue.remove(position);
            let (status, reason) = live.wanted.end().unwrap_or((JobStatus::Cancelled, None));
            self.end(live, status, reason.map(str::to_owned).into_iter().collect());
        }
    }

    /// Ends a job that was not begun.
    fn end(&self, this: &Arc<Live>, status: JobStatus, errors: Vec<String>) {
        {
            let mut job = this.job();
            job.finish(status, errors, Utc::now());
            count(&job);
        }
        let (this, live, persistence) = (Arc::clone(this), Arc::clone(&self.live), self.persistence.clone());
        tokio::spawn(async move {
            keep(&this, &persistence).await;
            let job_id = this.job().job_id.clone();
            live.remove(&job_id);
        });
    }

    /// Begins the job of the highest priority; of several, the one that has waited longest.
    pub(super) fn run_next(&self, state: &mut State) {
        if state.jobs.is_running {
            return;
        }
        let next = state.jobs.queue.iter().enumerate().max_by_key(|(position, task)| {
            let priority = task.live.job().priority;
            (priority, std::cmp::Reverse(*position))
        });
        let Some((position, _)) = next else { return };
        let task = state.jobs.queue.remove(position);
        state.jobs.is_running = true;
        {
            let mut job = task.live.job();
            job.status = JobStatus::Running;
            job.started_at = Some(Utc::now());
        }
        let surroundings = Surroundings {
            settings: Arc::clone(&self.ingest),
            persistence: self.persistence.clone(),
            live: Arc::clone(&self.live),
            catalogue: self.mailbox.clone(),
        };
        // A load may outlive the actor, whose successor must not begin another one beside it.
        let place = Arc::clone(&self.live.place);
        let span = task.span.clone();
        let work = async move {
            let _place = place.acquire_owned().await;
            run(task, surroundings).await;
        };
        let done = tokio::spawn(work.instrument(span.clone()));
        span.in_scope(|| {
            state.me.run(async move {
                if let Err(fault) = done.await {
                    error!(%fault, "job task failed");
                }
                CatalogueMessage::JobEnded
            });
        });
    }

    pub(super) fn ended(&self, state: &mut State) {
        state.jobs.is_running = false;
        self.run_next(state);
    }

    /// Gives signs of life for the jobs that wait, fails those that nobody will do, and makes those that are due.
    pub(super) fn look_after_jobs(&self, state: &mut State) {
        state.me.tell_after(LOOK_EVERY, CatalogueMessage::JobsDue);
        for task in &state.jobs.queue {
            let (job, live, persistence) = (task.live.job().clone(), Arc::clone(&task.live), self.persistence.clone());
            tokio::spawn(async move {
                if let Ok(false) = persistence.save_job(job, Instant::now() + TIMEOUT).await {
                    live.wanted.cancel();
                }
            });
        }
        let waiting = state.jobs.queue.iter().map(|task| &task.live);
        let unwanted: Vec<Arc<Live>> = waiting.filter(|live| !live.wanted.is_so()).cloned().collect();
        for live in unwanted {
            self.drop_unwanted(&live, state);
        }
        self.fail_forgotten(state);
        state.jobs.looks += 1;
        let is_answering = state.jobs.answering_since.is_some_and(|since| since.elapsed() > SILENT_MAX);
        if is_answering && state.jobs.looks.is_multiple_of(ORPHANS_EVERY) {
            self.fail_orphans(state);
        }
        self.make_what_is_due(state);
    }

    /// Jobs that waited when an actor before this one ended went with its queue.
    fn fail_forgotten(&self, state: &State) {
        for live in self.live.all() {
            let is_waiting = live.job().status == JobStatus::Queued;
            if is_waiting && !state.jobs.queue.iter().any(|task| Arc::ptr_eq(&task.live, &live)) {
                self.end(
                    &live,
                    JobStatus::Failed,
                    vec!["the job queue was lost because an actor restarted; submit the job again".to_owned()],
                );
            }
        }
    }

    /// Takes whether the database answers. When it does for the first time, jobs of a service before this one have failed.
    pub(super) fn database_answers(&self, is_answering: bool, state: &mut State) {
        if !is_answering {
            state.jobs.answering_since = None;
            return;
        }
        state.jobs.answering_since.get_or_insert_with(Instant::now);
        let is_first = !std::mem::replace(&mut state.jobs.has_answered, true);
        if is_first {
            self.fail_orphans(state);
        }
    }

    fn fail_orphans(&self, state: &State) {
        let persistence = self.persistence.clone();
        state.me.run(async move {
            let failed = persistence.fail_silent_jobs(Instant::now() + TIMEOUT).await;
            for job in failed.unwrap_or_default() {
                warn!(job_id = job.job_id, broker = job.broker.as_str(), "job failed: no heartbeat from its replica");
                count(&job);
            }
            CatalogueMessage::OrphansFailed
        });
    }

    fn make_what_is_due(&self, state: &mut State) {
        let now = Utc::now();
        for (broker, feed) in &self.ingest.feeds {
            let Some(entry) = state.jobs.entry(*broker, feed, self.ingest.retry_after, now) else { continue };
            if entry.at > now || entry.is_asking {
                continue;
            }
            let Some(source) = feed.source() else { continue };
            entry.is_asking = true;
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
            self.submit(request, None, state);
        }
    }
}

/// Creates a job with its answer. If the outcome is unknown, or not there in time, it is asked for under the same key: the
/// claim waits for the transaction that was not answered, and shows what it has done. Without this, a job that was stored
/// would have nobody to do it, and its key would name it for as long as it is kept.
async fn create_keyed(
    persistence: &PersistenceHandle,
    job: &Job,
    claim: &KeyClaim,
) -> Result<Created, PersistenceError> {
    let until = Instant::now() + KEYED_TIMEOUT;
    let create = || persistence.create_keyed_job(job.clone(), claim.clone(), Instant::now() + TIMEOUT);
    let mut outcome = create().await;
    let mut is_unknown = false;
    while outcome.as_ref().is_err_and(may_be_stored) && Instant::now() + ASK_AGAIN_AFTER < until {
        is_unknown = true;
        sleep(ASK_AGAIN_AFTER).await;
        // Whatever fails now, the first attempt may have been stored.
        outcome = create().await.map_err(|_| PersistenceError::UnknownOutcome);
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

/// The claim of a request's key for this job.
fn job_claim(request: &Arc<KeyedRequest>, job: &Job) -> Result<KeyClaim, StoreError> {
    let answer = serde_json::to_string(job).map_err(|e| StoreError::Data(e.to_string()))?;
    Ok(KeyClaim { request: Arc::clone(request), plan_id: None, answer })
}

impl Jobs {
    fn entry(&mut self, broker: Broker, feed: &Feed, retry_after: Duration, now: DateTime<Utc>) -> Option<&mut Entry> {
        let entry = match self.timetable.entry(broker) {
            Occupied(entry) => entry.into_mut(),
            Vacant(place) => place.insert(Entry::new(schedule::next(&feed.at, None, now)?, retry_after)),
        };
        // The next time of day is as good as another attempt.
        let is_next_due = schedule::next(&feed.at, Some(entry.due), now).is_some_and(|next| next.at <= now);
        if (entry.is_over() || is_next_due) && !entry.is_asking {
            *entry = Entry::new(schedule::next(&feed.at, Some(entry.due), now)?, retry_after);
        }
        Some(entry)
    }

    /// Takes what became of a schedule's attempt.
    fn scheduled(&mut self, broker: Broker, outcome: &Result<Created, PersistenceError>, retry_after: Duration) {
        let Some(entry) = self.timetable.get_mut(&broker) else { return };
        entry.is_asking = false;
        let now = Utc::now();
        match outcome {
            Ok(Created::Taken(job)) => match job.status {
                JobStatus::Queued | JobStatus::Running => entry.wait(now, CHECK_AFTER.min(retry_after)),
                // Who cancelled it did not want it.
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
            // The broker's other job may bring the same file, or not; or the database is away. A schedule has no key.
            Ok(Created::Busy(_) | Created::Answered(_)) | Err(_) => entry.wait(now, retry_after),
        }
    }
}

impl Entry {
    fn new(due: Due, retry_after: Duration) -> Self {
        let mut entry = Entry { due, attempt: 0, at: due.at, is_asking: false };
        entry.jitter(retry_after);
        entry
    }

    fn is_over(&self) -> bool {
        self.attempt >= schedule::ATTEMPTS
    }

    fn wait(&mut self, from: DateTime<Utc>, pause: Duration) {
        self.at = from + TimeDelta::from_std(pause).unwrap_or(TimeDelta::zero());
    }

    /// So that not every service of a broker's customers comes in the same second.
    fn jitter(&mut self, retry_after: Duration) {
        self.wait(self.at, retry_after.mul_f64(fastrand::f64() / 2.0));
    }
}
