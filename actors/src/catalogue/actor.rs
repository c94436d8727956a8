//! Follows the stored catalog, the trading calendar and the rejected files.

use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{NaiveDate, Utc};
use metrics::gauge;
use registry_planning::catalogue::Catalogue;
use registry_planning::demo;
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, hex};
use registry_store::background::Priority;
use registry_store::{LoadSummary, RejectedFile, Store};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};
use tracing::{info, warn};

use super::calendar::{FollowedCalendar, NewerCalendar, newer_calendar};
use super::empty;
use super::rejected_files::RejectedFiles;
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{Behaviour, Inspection, Message, Myself, Reply};
use crate::snapshot::SnapshotCell;

/// Interval of the version checks: a catalog that another process ingested is served within five seconds.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
/// Delay before a failed first load is retried.
const FIRST_LOAD_RETRY: Duration = Duration::from_millis(100);
const VERSION_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of reading a whole catalog.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServedCatalogue {
    /// The stored catalog of this version.
    Stored(i64),
    /// The demonstration catalog of this trading date.
    Demonstration(NaiveDate),
    /// No catalog is stored, and the demonstration is off.
    Empty,
}

pub(crate) enum CatalogueMessage {
    FollowDue {
        generation: u64,
    },
    Followed {
        outcome: Result<StoredState, PersistenceError>,
    },
    /// Answered once everything that is stored now is served.
    CatchUp {
        reply: Reply<()>,
    },
}

/// The data that a check has read from the database.
pub(crate) struct StoredState {
    /// The stored catalog, if it differs from the served one.
    catalogue: Option<(ServedCatalogue, Arc<Catalogue>)>,
    calendar: NewerCalendar,
    rejected_files: Vec<RejectedFile>,
    /// The last load of each broker, if the catalog differs and they were read.
    loads: Option<Vec<LoadSummary>>,
}

impl Message for CatalogueMessage {
    fn kind(&self) -> &'static str {
        match self {
            CatalogueMessage::FollowDue { .. } => "follow_due",
            CatalogueMessage::Followed { .. } => "followed",
            CatalogueMessage::CatchUp { .. } => "catch_up",
        }
    }
}

pub(crate) struct CatalogueActor {
    pub(super) has_demonstration: bool,
    pub(super) persistence: PersistenceHandle,
    pub(super) snapshots: Arc<SnapshotCell>,
    pub(super) rejected_files: Arc<RejectedFiles>,
    /// The last load of each broker. Outlives the actor.
    pub(super) loads: Arc<ArcSwap<Vec<LoadSummary>>>,
    /// The time since which the database has responded. Outlives the actor.
    pub(super) responds_since: Arc<watch::Sender<Option<Instant>>>,
}

pub(crate) struct State {
    me: Myself<CatalogueMessage>,
    served: Option<ServedCatalogue>,
    calendar: FollowedCalendar,
    is_failing: bool,
    /// Whether the last load of each broker was not read for the served catalog.
    are_loads_due: bool,
    following: Following,
}

#[derive(Default)]
struct Following {
    /// The generation of the current timer; an older timer is stale.
    generation: u64,
    is_in_progress: bool,
    /// Whether something was stored since the check began.
    must_repeat: bool,
    /// Callers that the current check answers. If it fails, the next one answers them.
    answered_next: Vec<Reply<()>>,
    /// Callers that came after the current check began. The next check answers them.
    waiting: Vec<Reply<()>>,
}

impl Behaviour for CatalogueActor {
    type Message = CatalogueMessage;
    type State = State;

    fn start(&self, me: Myself<CatalogueMessage>) -> State {
        me.tell(CatalogueMessage::FollowDue { generation: 0 });
        State {
            me,
            served: None,
            calendar: FollowedCalendar::default(),
            is_failing: false,
            are_loads_due: false,
            following: Following::default(),
        }
    }

    fn handle(&self, message: CatalogueMessage, state: &mut State) {
        match message {
            CatalogueMessage::FollowDue { generation } if generation == state.following.generation => {
                self.follow(state);
            }
            CatalogueMessage::FollowDue { .. } => {}
            CatalogueMessage::Followed { outcome } => self.followed(outcome, state),
            CatalogueMessage::CatchUp { reply } => {
                state.following.waiting.push(reply);
                self.follow_now(state);
            }
        }
    }

    fn inspect(&self, _: &State) -> Inspection {
        Inspection { reached: Some(self.snapshots.has_catalogue()), ..Inspection::default() }
    }
}

impl CatalogueActor {
    /// Reads the stored catalog if it differs from the served one. The catalog is built outside the threads that serve
    /// requests.
    fn follow(&self, state: &mut State) {
        state.following.is_in_progress = true;
        let waiting = std::mem::take(&mut state.following.waiting);
        state.following.answered_next.extend(waiting);
        let (persistence, served) = (self.persistence.clone(), state.served);
        let (known, are_loads_due) = (state.calendar.version(), state.are_loads_due);
        let (today, has_demonstration) = (trading_date(Utc::now()), self.has_demonstration);
        // Callers wait for the first catalog. While a later one is read, the current one is served.
        let priority = if self.snapshots.has_catalogue() { Priority::Low } else { Priority::Normal };
        state.me.run(async move {
            let outcome = async {
                let version = persistence
                    .run(Op::CatalogueVersion, Instant::now() + VERSION_TIMEOUT, |store| async move {
                        store.catalogue_version().await
                    })
                    .await?;
                let target = match version {
                    Some(version) => ServedCatalogue::Stored(version),
                    None if has_demonstration => ServedCatalogue::Demonstration(today),
                    None => ServedCatalogue::Empty,
                };
                let rejected_files = persistence
                    .run(Op::RejectedFiles, Instant::now() + VERSION_TIMEOUT, |store| async move {
                        store.rejected_files().await
                    })
                    .await?;
                let calendar = newer_calendar(&persistence, known).await?;
                let catalogue = match served == Some(target) {
                    true => None,
                    false => Some(load(&persistence, target, priority).await?),
                };
                // Only operators need the loads, so a failure must not delay the catalog.
                let loads = match catalogue.is_some() || are_loads_due {
                    true => last_summaries(&persistence).await.ok(),
                    false => None,
                };
                Ok(StoredState { catalogue, calendar, rejected_files, loads })
            };
            CatalogueMessage::Followed { outcome: outcome.await }
        });
    }

    fn followed(&self, outcome: Result<StoredState, PersistenceError>, state: &mut State) {
        self.record_response(outcome.is_ok());
        match outcome {
            Ok(StoredState { catalogue, calendar, rejected_files, loads }) => {
                if std::mem::take(&mut state.is_failing) {
                    info!("stored catalog recovered");
                }
                self.rejected_files.follow(rejected_files);
                state.are_loads_due = loads.is_none() && (catalogue.is_some() || state.are_loads_due);
                if let Some(loads) = loads {
                    self.loads.store(Arc::new(loads));
                }
                // Before the catalog, so that no plan is created without the calendar.
                state.calendar.follow(calendar, &self.snapshots);
                if let Some((served, catalogue)) = catalogue {
                    self.publish(served, catalogue, state);
                }
                state.following.answered_next.drain(..).for_each(|reply| reply.send(()));
            }
            Err(fault) => {
                // This is expected while the database is being prepared at start.
                if state.served.is_some() && !std::mem::replace(&mut state.is_failing, true) {
                    warn!(%fault, "stored catalog unavailable: serving the last known one");
                }
            }
        }
        state.following.is_in_progress = false;
        if std::mem::take(&mut state.following.must_repeat) {
            self.follow(state);
            return;
        }
        state.following.generation += 1;
        let delay = if state.served.is_some() { FOLLOW_EVERY } else { FIRST_LOAD_RETRY };
        let generation = state.following.generation;
        state.me.tell_after(delay, CatalogueMessage::FollowDue { generation });
    }

    /// Records whether the database responded.
    fn record_response(&self, has_responded: bool) {
        self.responds_since.send_if_modified(|since| {
            let has_changed = since.is_some() != has_responded;
            if has_changed {
                *since = has_responded.then(Instant::now);
            }
            has_changed
        });
    }

    /// Checks the database without waiting for the timer.
    fn follow_now(&self, state: &mut State) {
        if state.following.is_in_progress {
            state.following.must_repeat = true;
        } else {
            state.following.generation += 1;
            self.follow(state);
        }
    }

    fn publish(&self, served: ServedCatalogue, catalogue: Arc<Catalogue>, state: &mut State) {
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
            for broker in Broker::WITH_FILES {
                let tokens = counts.get(&broker).copied().unwrap_or(0) as f64;
                gauge!("instrument_registry_broker_tokens_active", "broker_id" => broker.as_str()).set(tokens);
            }
            gauge!("instrument_registry_catalogue_loaded_timestamp_seconds").set(Utc::now().timestamp() as f64);
        }
        self.snapshots.set_catalogue(catalogue);
        state.served = Some(served);
    }
}

async fn last_summaries(persistence: &PersistenceHandle) -> Result<Vec<LoadSummary>, PersistenceError> {
    let read = |store: Arc<dyn Store>| async move { store.last_summaries().await };
    persistence.run(Op::LastSummaries, Instant::now() + VERSION_TIMEOUT, read).await
}

async fn load(
    persistence: &PersistenceHandle,
    target: ServedCatalogue,
    priority: Priority,
) -> Result<(ServedCatalogue, Arc<Catalogue>), PersistenceError> {
    match target {
        ServedCatalogue::Stored(_) => {
            let read = move |store: Arc<dyn Store>| async move { store.catalogue(priority).await };
            let stored = persistence.run(Op::Catalogue, Instant::now() + LOAD_TIMEOUT, read).await?;
            let stored =
                stored.ok_or_else(|| PersistenceError::Refused("the stored catalog no longer exists".to_owned()))?;
            Ok((ServedCatalogue::Stored(stored.version), Arc::new(stored.catalogue)))
        }
        ServedCatalogue::Demonstration(date) => {
            let built = tokio::task::spawn_blocking(move || demo::catalogue(date)).await;
            let catalogue = built
                .map_err(|e| PersistenceError::Refused(format!("failed to build the demonstration catalog: {e}")))?;
            Ok((target, Arc::new(catalogue)))
        }
        ServedCatalogue::Empty => Ok((target, Arc::new(empty()))),
    }
}
