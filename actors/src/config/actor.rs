//! Fetches the settings on a timer and on request, and tracks whether the source responds at all.
//!
//! A fetch is at least five requests, so a fetch without any response opens the breaker at once. While the breaker is
//! open, the actor sends probes; a successful probe is followed by a refresh.

mod apply;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use metrics::counter;
use tokio::time::{Duration, Instant};
use tracing::{Instrument, Span, debug, info_span};
use uuid::Uuid;

use super::SettingsReport;
use super::last_good::LastGood;
use super::memory::Memory;
use super::service::{CONNECT_TIMEOUT, DEPENDENCY, REQUEST_TIMEOUT};
use super::source::{Answers, SettingsSource, SourceError};
use crate::persistence::PersistenceError;
use crate::runtime::breaker::{BreakerSettings, BreakerState, CallOutcome, ForcedState, Permit};
use crate::runtime::guard::{ForcedChange, Guard};
use crate::runtime::mailbox::{Behaviour, Inspection, Message, Myself, Reply};
use crate::runtime::running_time::timed;
use crate::snapshot::SnapshotCell;
use crate::trace::{RequestTrace, SpanDescription, SpanKind, TraceContext};

/// The retry interval of a source that failed before its first response, or while this process was too busy to see one.
const FIRST_FETCH_RETRY: Duration = Duration::from_secs(1);
/// The retry interval while the config service lacks a secret without which no request can be served.
const MISSING_SECRET_RETRY: Duration = Duration::from_secs(2);
/// The duration from which a fetch counts as slow: longer than the source's own timeouts.
const SLOW_FETCH: Duration = Duration::from_secs(10);
/// Time after which a probe is lost. Even the request of a delayed process ends before.
const PROBE_TIMEOUT: Duration = REQUEST_TIMEOUT.saturating_mul(2);
/// Maximum time between two probes, before jitter: a service that has recovered is used within ten seconds, even if the
/// last probe hung until its timeout.
const PROBE_EVERY_MAX: Duration = Duration::from_secs(6);

pub(crate) enum ConfigMessage {
    Report { reply: Reply<Option<SettingsReport>> },
    Refresh { correlation_id: Arc<str> },
    RefreshDue { generation: u64 },
    Fetched { span: Span, permit: Permit, outcome: Result<Answers, SourceError> },
    ProbeDue { generation: u64 },
    Probed { permit: Permit, outcome: CallOutcome },
    LastGoodRead { last_good: Option<LastGood> },
    LastGoodDue,
    LastGoodFound { outcome: Result<LastGood, PersistenceError> },
    SaveDue,
    Saved { file: Option<Result<(), String>>, outcome: Result<(), PersistenceError> },
    RefreshNow { correlation_id: Arc<str>, reply: Reply<&'static str> },
    Force { forced: Option<ForcedState>, reply: Reply<ForcedChange> },
}

impl Message for ConfigMessage {
    fn kind(&self) -> &'static str {
        match self {
            ConfigMessage::Report { .. } => "report",
            ConfigMessage::Refresh { .. } => "refresh",
            ConfigMessage::RefreshDue { .. } => "refresh_due",
            ConfigMessage::Fetched { .. } => "fetched",
            ConfigMessage::ProbeDue { .. } => "probe_due",
            ConfigMessage::Probed { .. } => "probed",
            ConfigMessage::LastGoodRead { .. } => "last_good_read",
            ConfigMessage::LastGoodDue => "last_good_due",
            ConfigMessage::LastGoodFound { .. } => "last_good_found",
            ConfigMessage::SaveDue => "save_due",
            ConfigMessage::Saved { .. } => "saved",
            ConfigMessage::RefreshNow { .. } => "refresh_now",
            ConfigMessage::Force { .. } => "force",
        }
    }
}

pub(crate) struct ConfigActor {
    pub(crate) source: Arc<dyn SettingsSource>,
    /// `None` if the source cannot change.
    pub(crate) refresh_every: Option<Duration>,
    pub(crate) snapshots: Arc<SnapshotCell>,
    pub(crate) memory: Arc<Memory>,
}

pub(crate) struct State {
    me: Myself<ConfigMessage>,
    guard: Guard<ConfigMessage>,
    /// Counts fetches; a refresh timer of an older count is stale.
    fetch_generation: u64,
    is_fetching: bool,
    /// The correlation id of a refresh that was requested during a fetch, which may have read older values.
    requested_refresh: Option<Arc<str>>,
    /// The callers that wait for a refresh, each with the number of the first fetch that began after its call.
    awaiting: Vec<(u64, Reply<&'static str>)>,
    failures_in_row: u32,
    /// The last response of the source and its time. It is applied again when last good values have been loaded.
    latest: Option<(Answers, DateTime<Utc>)>,
    is_seeking_last_good: bool,
    /// Whether the last good values were requested from the database since the source last responded for every key.
    is_store_read: bool,
    /// Values out of range by key. Each is logged once.
    refused: BTreeMap<&'static str, String>,
    is_file_stale: bool,
    /// Whether the log already reports that the file cannot be written.
    is_file_failing: bool,
    is_store_stale: bool,
    is_saving: bool,
}

impl Behaviour for ConfigActor {
    type Message = ConfigMessage;
    type State = State;

    fn start(&self, me: Myself<ConfigMessage>) -> State {
        let breaker = BreakerSettings {
            consecutive_failures: 1,
            slow_call: SLOW_FETCH,
            shortest_timeout: CONNECT_TIMEOUT,
            open_duration_max: PROBE_EVERY_MAX,
            probe_timeout: PROBE_TIMEOUT,
            ..BreakerSettings::default()
        };
        let probe_due = |generation| ConfigMessage::ProbeDue { generation };
        let state = State {
            guard: Guard::new(DEPENDENCY, breaker, me.clone(), probe_due),
            me,
            fetch_generation: 0,
            is_fetching: false,
            requested_refresh: None,
            awaiting: Vec::new(),
            failures_in_row: 0,
            latest: None,
            is_seeking_last_good: false,
            is_store_read: false,
            refused: BTreeMap::new(),
            is_file_stale: true,
            is_file_failing: false,
            is_store_stale: true,
            is_saving: false,
        };
        if self.memory.lock().last_good.is_some() {
            state.me.tell(refresh());
        } else {
            self.read_file(&state);
        }
        state
    }

    fn handle(&self, message: ConfigMessage, state: &mut State) {
        match message {
            ConfigMessage::Report { reply } => reply.send(self.report()),
            ConfigMessage::Refresh { correlation_id } => self.fetch(correlation_id, state),
            ConfigMessage::RefreshDue { generation } if generation == state.fetch_generation => {
                self.fetch(fresh_id(), state);
            }
            ConfigMessage::RefreshDue { .. } => {}
            ConfigMessage::Fetched { span, permit, outcome } => {
                span.in_scope(|| self.fetched(permit, outcome, state));
            }
            ConfigMessage::ProbeDue { generation } => self.probe(generation, state),
            ConfigMessage::Probed { permit, outcome } => self.probed(permit, outcome, state),
            ConfigMessage::LastGoodRead { last_good } => {
                self.memory.lock().last_good = last_good;
                state.me.tell(refresh());
            }
            ConfigMessage::LastGoodDue => self.read_store(state),
            ConfigMessage::LastGoodFound { outcome } => self.last_good_found(outcome, state),
            ConfigMessage::SaveDue => self.save(state),
            ConfigMessage::Saved { file, outcome } => self.saved(file, &outcome, state),
            ConfigMessage::RefreshNow { correlation_id, reply } => {
                state.awaiting.push((state.fetch_generation + 1, reply));
                self.fetch(correlation_id, state);
            }
            ConfigMessage::Force { forced, reply } => {
                reply.send(state.guard.force(forced));
                // While the breaker is open, no refresh is scheduled.
                if state.guard.state() == BreakerState::Closed {
                    state.refresh_after(Duration::ZERO);
                }
            }
        }
    }

    fn inspect(&self, state: &State) -> Inspection {
        let has_service = self.memory.fallback.is_some();
        Inspection {
            breaker: has_service.then(|| state.guard.state().as_str()),
            circuit: has_service.then(|| state.guard.report()),
            reached: Some(self.snapshots.settings().is_some()),
            ..Inspection::default()
        }
    }
}

fn fresh_id() -> Arc<str> {
    Uuid::now_v7().to_string().into()
}

/// Begins the trace of calls that no request caused.
fn new_trace() -> Arc<RequestTrace> {
    RequestTrace::begin(TraceContext::fresh(), Instant::now())
}

/// Ends the span of calls of the config service.
fn end_trace(trace: &RequestTrace, name: &str, has_failed: bool) {
    trace.end(|| {
        let attributes = vec![("peer.service", DEPENDENCY.into())];
        SpanDescription { name: name.to_owned(), kind: SpanKind::Client, attributes, has_failed }
    });
}

fn refresh() -> ConfigMessage {
    ConfigMessage::Refresh { correlation_id: fresh_id() }
}

impl ConfigActor {
    fn report(&self) -> Option<SettingsReport> {
        self.snapshots.settings().map(|(table, last_updated)| SettingsReport::of(&table, last_updated))
    }

    fn fetch(&self, correlation_id: Arc<str>, state: &mut State) {
        if state.is_fetching {
            state.requested_refresh = Some(correlation_id);
            return;
        }
        let Ok(permit) = state.guard.try_acquire() else {
            debug!(dependency = DEPENDENCY, %correlation_id, "skipped settings refresh: config service unavailable");
            self.count_refresh("not_permitted");
            state.refreshed("not_permitted", u64::MAX);
            return;
        };
        state.is_fetching = true;
        state.fetch_generation += 1;
        let (source, has_service) = (Arc::clone(&self.source), self.memory.fallback.is_some());
        let trace = new_trace();
        let (trace_id, span_id) = (trace.context().trace_id(), trace.context().span_id());
        let span = info_span!("settings_refresh", %correlation_id, trace_id, span_id);
        state.me.run(async move {
            let fetch = trace.scope(source.fetch(&correlation_id));
            let (permit, outcome) = timed(permit, fetch).instrument(span.clone()).await;
            if has_service {
                end_trace(&trace, "settings_refresh", outcome.is_err());
            }
            ConfigMessage::Fetched { span, permit, outcome }
        });
    }

    fn fetched(&self, permit: Permit, outcome: Result<Answers, SourceError>, state: &mut State) {
        state.is_fetching = false;
        let (call_outcome, label) = match &outcome {
            Ok(answers) if answers.unanswered.is_empty() => (CallOutcome::Success, "ok"),
            Ok(_) => (CallOutcome::Success, "partial"),
            // The source responds. That it rejects the API key is no reason to stop requests.
            Err(SourceError::Unauthorized(_)) => (CallOutcome::Ignored, "unauthorized"),
            Err(SourceError::Unavailable(_)) => (CallOutcome::Failure, "failed"),
        };
        self.count_refresh(label);
        state.failures_in_row = if outcome.is_ok() { 0 } else { state.failures_in_row.saturating_add(1) };
        state.guard.record(permit, call_outcome);
        // A single failure opens the breaker, unless this process was too busy to see a response.
        let is_excused = call_outcome == CallOutcome::Failure && state.guard.state() == BreakerState::Closed;
        match outcome {
            Ok(answers) => self.apply(answers, state),
            Err(_) if is_excused && self.snapshots.settings().is_some() => {}
            Err(fault) => self.continue_with_last_good(&fault, state),
        }
        state.refreshed(label, state.fetch_generation);
        let delay = if is_excused { Some(FIRST_FETCH_RETRY) } else { self.next_refresh(state) };
        if let Some(delay) = delay {
            state.refresh_after(delay);
        }
        if let Some(correlation_id) = state.requested_refresh.take() {
            state.me.tell(ConfigMessage::Refresh { correlation_id });
        }
    }

    /// Counts a refresh of a config service. A source that cannot change is not refreshed.
    fn count_refresh(&self, outcome: &'static str) {
        if self.memory.fallback.is_some() {
            counter!("instrument_registry_settings_refreshes_total", "outcome" => outcome).increment(1);
        }
    }

    /// Returns the time until the next fetch. `None`: no fetch is scheduled.
    fn next_refresh(&self, state: &State) -> Option<Duration> {
        let usual = match (state.failures_in_row, self.snapshots.settings().is_some()) {
            (0, _) => self.refresh_every,
            (_, true) => Some(self.refresh_every.unwrap_or(FIRST_FETCH_RETRY)),
            (_, false) => Some(FIRST_FETCH_RETRY),
        };
        if self.is_secret_missing() {
            return Some(usual.map_or(MISSING_SECRET_RETRY, |usual| usual.min(MISSING_SECRET_RETRY)));
        }
        usual
    }

    fn probe(&self, generation: u64, state: &mut State) {
        let Some(permit) = state.guard.try_probe(generation) else { return };
        let source = Arc::clone(&self.source);
        let (correlation_id, trace) = (fresh_id(), new_trace());
        state.me.run(async move {
            let (permit, answer) = timed(permit, trace.scope(source.probe(&correlation_id))).await;
            end_trace(&trace, "config_service_probe", answer.is_err());
            let outcome = match answer {
                Ok(()) => CallOutcome::Success,
                Err(fault) => {
                    let trace_id = trace.context().trace_id();
                    debug!(dependency = DEPENDENCY, %correlation_id, trace_id, %fault, "probe failed");
                    CallOutcome::Failure
                }
            };
            ConfigMessage::Probed { permit, outcome }
        });
    }

    fn probed(&self, permit: Permit, outcome: CallOutcome, state: &mut State) {
        state.guard.record(permit, outcome);
        if state.guard.state() == BreakerState::Closed {
            // The first retry after an outage is immediate. A service that reports to be healthy but returns no values
            // is retried less often.
            let doublings = state.failures_in_row.checked_sub(2);
            let pause = doublings.map_or(Duration::ZERO, |doublings| Duration::from_secs(1 << doublings.min(8)));
            state.refresh_after(pause.min(self.refresh_every.unwrap_or_default()));
        }
    }
}

impl State {
    /// Replies to the callers that wait for a fetch up to this one.
    fn refreshed(&mut self, outcome: &'static str, fetch_generation: u64) {
        for (_, reply) in self.awaiting.extract_if(.., |(first, _)| *first <= fetch_generation) {
            reply.send(outcome);
        }
    }

    fn refresh_after(&self, delay: Duration) {
        let generation = self.fetch_generation;
        self.me.tell_after(delay.mul_f64(0.9 + fastrand::f64() * 0.2), ConfigMessage::RefreshDue { generation });
    }
}
