//! Follows the stored catalogue, and does the jobs that load brokers' files into it.

mod jobs;

use std::sync::Arc;

use chrono::{NaiveDate, Utc};
use metrics::gauge;
use registry_planning::catalogue::{Catalogue, hex};
use registry_planning::demo;
use registry_planning::dump::Broker;
use registry_planning::plan::describe::trading_date;
use registry_store::Refusal;
use registry_store::jobs::Job;
use tokio::time::{Duration, Instant};
use tracing::{info, warn};

use self::jobs::{Jobs, Tried};
use super::empty;
use super::jobs::{IngestSettings, JobRequest, LiveJobs, SubmitError};
use super::refusals::Refusals;
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{Behaviour, Inspection, Mailbox, Message, Myself, Reply};
use crate::snapshot::SnapshotCell;

/// How often the version is looked at: a catalogue ingested by another process is served within five seconds.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
/// How soon a first load that failed is tried again.
const FIRST_LOAD_RETRY: Duration = Duration::from_millis(100);
/// How long the version's query may take.
const VERSION_TIMEOUT: Duration = Duration::from_secs(2);
/// How long reading a whole catalogue may take.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Which catalogue is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// The stored one of this version.
    Stored(i64),
    /// The demonstration of this trading date.
    Demonstration(NaiveDate),
    /// None was ever loaded, and the demonstration is off.
    Empty,
}

pub(crate) enum CatalogueMessage {
    FollowDue {
        generation: u64,
    },
    Followed {
        outcome: Result<Followed, PersistenceError>,
    },
    Submit {
        request: Box<JobRequest>,
        reply: Reply<Result<Job, SubmitError>>,
    },
    JobTried(Box<Tried>),
    JobEnded,
    Cancel {
        job_id: String,
        reply: Reply<Option<Job>>,
    },
    /// Answered once everything that is stored by now is served.
    CatchUp {
        reply: Reply<()>,
    },
    JobsDue,
    OrphansFailed,
}

/// What the database says.
pub(crate) struct Followed {
    /// Where it is another than the one served.
    catalogue: Option<(Served, Arc<Catalogue>)>,
    refusals: Vec<Refusal>,
}

impl Message for CatalogueMessage {
    fn kind(&self) -> &'static str {
        match self {
            CatalogueMessage::FollowDue { .. } => "follow_due",
            CatalogueMessage::Followed { .. } => "followed",
            CatalogueMessage::Submit { .. } => "submit",
            CatalogueMessage::JobTried(_) => "job_tried",
            CatalogueMessage::JobEnded => "job_ended",
            CatalogueMessage::Cancel { .. } => "cancel",
            CatalogueMessage::CatchUp { .. } => "catch_up",
            CatalogueMessage::JobsDue => "jobs_due",
            CatalogueMessage::OrphansFailed => "orphans_failed",
        }
    }
}

pub(crate) struct CatalogueActor {
    pub(super) has_demonstration: bool,
    pub(super) persistence: PersistenceHandle,
    pub(super) snapshots: Arc<SnapshotCell>,
    pub(super) refusals: Arc<Refusals>,
    pub(super) ingest: Arc<IngestSettings>,
    pub(super) live: Arc<LiveJobs>,
    /// Its own handle, for jobs that outlive it.
    pub(super) mailbox: Mailbox<CatalogueMessage>,
}

pub(crate) struct State {
    me: Myself<CatalogueMessage>,
    served: Option<Served>,
    is_failing: bool,
    following: Following,
    jobs: Jobs,
}

/// When the database is looked at.
#[derive(Default)]
struct Following {
    /// Of the timer that counts; an older one is stale.
    generation: u64,
    is_under_way: bool,
    /// Something was stored since it began.
    again: bool,
    /// Who waits for what was stored before the one under way began, or before one that failed.
    answered_next: Vec<Reply<()>>,
    /// Who waits for what was stored since.
    waiting: Vec<Reply<()>>,
}

impl Behaviour for CatalogueActor {
    type Message = CatalogueMessage;
    type State = State;

    fn start(&self, me: Myself<CatalogueMessage>) -> State {
        me.tell(CatalogueMessage::FollowDue { generation: 0 });
        me.tell(CatalogueMessage::JobsDue);
        State { me, served: None, is_failing: false, following: Following::default(), jobs: Jobs::default() }
    }

    fn handle(&self, message: CatalogueMessage, state: &mut State) {
        match message {
            CatalogueMessage::FollowDue { generation } if generation == state.following.generation => {
                self.follow(state);
            }
            CatalogueMessage::FollowDue { .. } => {}
            CatalogueMessage::Followed { outcome } => self.followed(outcome, state),
            CatalogueMessage::Submit { request, reply } => self.submit(*request, Some(reply), state),
            CatalogueMessage::JobTried(tried) => self.tried(*tried, state),
            CatalogueMessage::JobEnded => self.ended(state),
            CatalogueMessage::Cancel { job_id, reply } => reply.send(self.cancel(&job_id, state)),
            CatalogueMessage::CatchUp { reply } => {
                state.following.waiting.push(reply);
                self.follow_now(state);
            }
            CatalogueMessage::JobsDue => self.look_after_jobs(state),
            CatalogueMessage::OrphansFailed => {}
        }
    }

    fn inspect(&self, _: &State) -> Inspection {
        Inspection { reached: Some(self.snapshots.has_catalogue()), ..Inspection::default() }
    }
}

impl CatalogueActor {
    /// Reads the stored catalogue if it is another than the one served. Building is done off the request threads.
    fn follow(&self, state: &mut State) {
        state.following.is_under_way = true;
        let waiting = std::mem::take(&mut state.following.waiting);
        state.following.answered_next.extend(waiting);
        let (persistence, served) = (self.persistence.clone(), state.served);
        let (today, has_demonstration) = (trading_date(Utc::now()), self.has_demonstration);
        state.me.run(async move {
            let outcome = async {
                let version = persistence.catalogue_version(Instant::now() + VERSION_TIMEOUT).await?;
                let wanted = match version {
                    Some(version) => Served::Stored(version),
                    None if has_demonstration => Served::Demonstration(today),
                    None => Served::Empty,
                };
                let refusals = persistence.refusals(Instant::now() + VERSION_TIMEOUT).await?;
                let catalogue = match served == Some(wanted) {
                    true => None,
                    false => Some(load(&persistence, wanted).await?),
                };
                Ok(Followed { catalogue, refusals })
            };
            CatalogueMessage::Followed { outcome: outcome.await }
        });
    }

    fn followed(&self, outcome: Result<Followed, PersistenceError>, state: &mut State) {
        self.database_answers(outcome.is_ok(), state);
        match outcome {
            Ok(Followed { catalogue, refusals }) => {
                if std::mem::take(&mut state.is_failing) {
                    info!("stored catalog recovered");
                }
                self.refusals.follow(refusals);
                if let Some((served, catalogue)) = catalogue {
                    self.publish(served, catalogue, state);
                }
                state.following.answered_next.drain(..).for_each(|reply| reply.send(()));
            }
            Err(fault) => {
                // While the database is being prepared at start, this is expected.
                if state.served.is_some() && !std::mem::replace(&mut state.is_failing, true) {
                    warn!(%fault, "stored catalog unavailable: serving the last known one");
                }
            }
        }
        state.following.is_under_way = false;
        if std::mem::take(&mut state.following.again) {
            self.follow(state);
            return;
        }
        state.following.generation += 1;
        let delay = if state.served.is_some() { FOLLOW_EVERY } else { FIRST_LOAD_RETRY };
        let generation = state.following.generation;
        state.me.tell_after(delay, CatalogueMessage::FollowDue { generation });
    }

    /// Looks at the database without waiting for the timer.
    fn follow_now(&self, state: &mut State) {
        if state.following.is_under_way {
            state.following.again = true;
        } else {
            state.following.generation += 1;
            self.follow(state);
        }
    }

    fn publish(&self, served: Served, catalogue: Arc<Catalogue>, state: &mut State) {
        let instruments = catalogue.instrument_count();
        info!(
            catalogue.version = catalogue.version(),
            catalogue.hash = &hex(catalogue.content_hash())[..12],
            instruments,
            "serving catalog"
        );
        #[allow(clippy::cast_precision_loss)]
        {
            gauge!("instrument_registry_catalogue_instruments").set(instruments as f64);
            let counts = catalogue.token_counts();
            for broker in Broker::ALL {
                let tokens = counts.get(&broker).copied().unwrap_or(0) as f64;
                gauge!("instrument_registry_broker_tokens_active", "broker_id" => broker.as_str()).set(tokens);
            }
            gauge!("instrument_registry_catalogue_loaded_timestamp_seconds").set(Utc::now().timestamp() as f64);
        }
        self.snapshots.set_catalogue(catalogue);
        state.served = Some(served);
    }
}

async fn load(persistence: &PersistenceHandle, wanted: Served) -> Result<(Served, Arc<Catalogue>), PersistenceError> {
    match wanted {
        Served::Stored(_) => {
            let stored = persistence.catalogue(Instant::now() + LOAD_TIMEOUT).await?;
            let stored =
                stored.ok_or_else(|| PersistenceError::Refused("the stored catalog no longer exists".to_owned()))?;
            Ok((Served::Stored(stored.version), Arc::new(stored.catalogue)))
        }
        Served::Demonstration(date) => {
            let built = tokio::task::spawn_blocking(move || demo::catalogue(date)).await;
            let catalogue = built
                .map_err(|e| PersistenceError::Refused(format!("failed to build the demonstration catalog: {e}")))?;
            Ok((wanted, Arc::new(catalogue)))
        }
        Served::Empty => Ok((wanted, Arc::new(empty()))),
    }
}
