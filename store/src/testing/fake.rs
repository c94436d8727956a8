//! An in-memory store that fails, rejects, hangs and panics on request. It never blocks a thread, so that a paused
//! clock advances.

mod arrange;
mod calendar;
mod keys;
mod profiles;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::catalogue::{Builder, Source};
use registry_planning::dump::Row;
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::ingest::gate::GateFault;
use registry_planning::plan::Plan;
use registry_planning::profile::Profile;
use registry_planning::vocabulary::{Broker, SubscriptionType};
use tokio::sync::Semaphore;

use crate::background::Priority;
use crate::idempotency::{Claimed, KeyClaim, KeyedPlan, StoredAnswer};
use crate::jobs::{Created, Job};
use crate::{
    CatalogueStore, ConnectionCounts, JobStore, KeyStore, Lane, LastAccepted, LastGoodSetting, LastGoodSettings,
    LoadDiff, LoadRecord, LoadSummary, PlanFilter, PlanPage, PlanStore, Position, RejectedFile, RejectedFileRecord,
    SettingsStore, Store, StoreError, StoredCalendar, StoredCatalogue, StoredFault, merge_last_good,
};

/// More calls than any test makes.
const UNLIMITED: usize = 1 << 20;

/// An in-memory store whose faults and contents a test arranges.
pub struct FakeStore {
    state: Mutex<State>,
    /// Permits for inserts. Each insert uses up one.
    inserts: Semaphore,
    /// Permits for reads of plans, profiles and catalogs. Each read uses up one.
    reads: Semaphore,
    /// Permits for lists of loads. Each list uses up one.
    lists: Semaphore,
    /// Permits for retention of plans. Each call uses up one.
    deletions: Semaphore,
}

#[derive(Default)]
struct State {
    plans: BTreeMap<String, Arc<Plan>>,
    calls: Calls,
    batches_in_flight_max: usize,
    /// The error of every call, if set.
    fault: Option<StoreError>,
    /// The results of the next inserts, one for each.
    insert_answers: VecDeque<Result<(), StoreError>>,
    /// The errors of the next lists of loads, one for each.
    list_answers: VecDeque<StoreError>,
    /// The user whose plans are rejected because of their data.
    refused_user: Option<String>,
    /// The plan whose row cannot be read.
    broken_plan: Option<String>,
    keys: keys::Keys,
    panics_at_insert: bool,
    /// The methods that panic at their next call.
    panics_at: Vec<&'static str>,
    hangs_at_prepare: bool,
    hangs_at_ping: bool,
    hangs_at_close: bool,
    catalogue: Option<(i64, Vec<Row>)>,
    calendars: Vec<StoredCalendar>,
    rejected_files: Vec<RejectedFile>,
    /// The error of every read of the last loads.
    summaries: Option<StoreError>,
    /// The errors of the next stored rejections, one for each.
    rejection_answers: VecDeque<StoreError>,
    last_good: LastGoodSettings,
    jobs: Vec<Job>,
    canceled_jobs: Vec<String>,
    profiles: BTreeMap<String, Profile>,
    /// The profile whose row cannot be read.
    broken_profile: Option<String>,
    /// The times of the entries of the audit log.
    audited: Vec<DateTime<Utc>>,
}

/// The calls that have reached the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Number of calls of `prepare`.
    pub prepares: usize,
    /// Number of calls of `ping`.
    pub pings: usize,
    /// Number of reads of plans and catalogs.
    pub reads: usize,
    /// Priorities with which catalogs were to be built, in order of arrival.
    pub catalogues: Vec<Priority>,
    /// Number of lists of loads.
    pub lists: usize,
    /// Number of calls of `delete_plans_before`.
    pub deletions: usize,
    /// Number of rows of each insert, in order of arrival.
    pub batches: Vec<usize>,
    /// Number of inserts in progress.
    pub in_flight: usize,
    /// Highest number of inserts that were in progress at the same time.
    pub in_flight_max: usize,
    /// Number of calls of `reject_load`.
    pub rejected_files: usize,
    /// Number of calls of `close`.
    pub closes: usize,
}

impl FakeStore {
    /// Creates an empty store that works.
    pub fn new() -> Arc<Self> {
        let state = State { batches_in_flight_max: 1, ..State::default() };
        Arc::new(FakeStore {
            state: Mutex::new(state),
            inserts: Semaphore::new(UNLIMITED),
            reads: Semaphore::new(UNLIMITED),
            lists: Semaphore::new(UNLIMITED),
            deletions: Semaphore::new(UNLIMITED),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Sets the errors of the next stored rejections, one for each.
    pub fn answer_rejections(&self, faults: impl IntoIterator<Item = StoreError>) {
        self.state().rejection_answers = faults.into_iter().collect();
    }

    /// Fails every read of the last loads.
    pub fn fail_summaries(&self, fault: StoreError) {
        self.state().summaries = Some(fault);
    }

    /// Returns the calls so far.
    pub fn calls(&self) -> Calls {
        self.state().calls.clone()
    }

    /// Returns the number of inserts so far.
    pub fn insert_count(&self) -> usize {
        self.state().calls.batches.len()
    }

    /// Returns the ids of all stored plans, oldest first.
    pub fn plan_ids(&self) -> Vec<String> {
        self.state().plans.keys().cloned().collect()
    }

    /// Adds a plan without a call.
    pub fn put(&self, plan: Plan) {
        self.state().plans.insert(plan.plan_id.clone(), Arc::new(plan));
    }

    fn answer(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        match &state.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(state),
        }
    }

    fn panic_if_requested(&self, method: &str) {
        let mut state = self.state();
        if let Some(position) = state.panics_at.iter().position(|told| *told == method) {
            state.panics_at.remove(position);
            drop(state);
            panic!("panic injected by a test");
        }
    }

    fn insert(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        let mut state = self.answer()?;
        if std::mem::take(&mut state.panics_at_insert) {
            drop(state);
            panic!("panic injected by a test");
        }
        if let Some(answer) = state.insert_answers.pop_front() {
            answer?;
        }
        if plans.iter().any(|plan| state.refused_user.as_ref() == Some(&plan.user_id)) {
            return Err(StoreError::Data("fault injected by a test".to_owned()));
        }
        for plan in plans {
            state.plans.entry(plan.plan_id.clone()).or_insert_with(|| Arc::clone(plan));
        }
        Ok(())
    }
}

fn no_lists() -> StoreError {
    StoreError::Data("the fake store does not support lists".to_owned())
}

#[async_trait]
impl Store for FakeStore {
    fn backend(&self) -> &'static str {
        "fake"
    }

    fn permits(&self, lane: Lane) -> usize {
        match lane {
            Lane::Point => 4,
            Lane::Change | Lane::Keyed | Lane::List | Lane::Upkeep => 2,
        }
    }

    fn batches_in_flight_max(&self) -> usize {
        self.state().batches_in_flight_max
    }

    fn connections(&self) -> ConnectionCounts {
        ConnectionCounts::default()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.state().calls.prepares += 1;
        self.panic_if_requested("prepare");
        if self.state().hangs_at_prepare {
            std::future::pending::<()>().await;
        }
        self.answer().map(drop)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.state().calls.pings += 1;
        self.panic_if_requested("ping");
        if self.state().hangs_at_ping {
            std::future::pending::<()>().await;
        }
        self.answer().map(drop)
    }

    async fn close(&self) {
        self.state().calls.closes += 1;
        if self.state().hangs_at_close {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl PlanStore for FakeStore {
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        {
            let calls = &mut self.state().calls;
            calls.batches.push(plans.len());
            calls.in_flight += 1;
            calls.in_flight_max = calls.in_flight_max.max(calls.in_flight);
        }
        self.inserts.acquire().await.unwrap().forget();
        self.state().calls.in_flight -= 1;
        self.insert(plans)
    }

    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
        self.state().calls.reads += 1;
        self.reads.acquire().await.unwrap().forget();
        let state = self.answer()?;
        if state.broken_plan.as_ref().is_some_and(|broken| ids.contains(broken)) {
            return Err(StoreError::Data("fault injected by a test".to_owned()));
        }
        Ok(state.plans.iter().filter(|(id, _)| ids.contains(id)).map(|(_, plan)| Plan::clone(plan)).collect())
    }

    async fn plans(&self, _: &PlanFilter, _: &Position, _: u32) -> Result<PlanPage, StoreError> {
        Err(no_lists())
    }

    async fn newest_plan_of(&self, profile_id: &str) -> Result<Option<String>, StoreError> {
        let state = self.answer()?;
        let is_of =
            |plan: &&Arc<Plan>| plan.metadata.profile.as_ref().is_some_and(|profile| profile.profile_id == profile_id);
        Ok(state.plans.values().filter(is_of).map(|plan| plan.plan_id.clone()).max())
    }

    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.panic_if_requested("delete_plans_before");
        self.state().calls.deletions += 1;
        self.deletions.acquire().await.unwrap().forget();
        let mut state = self.answer()?;
        let old = state.plans.values().filter(|plan| plan.created_at < cutoff).take(limit as usize);
        let old: Vec<String> = old.map(|plan| plan.plan_id.clone()).collect();
        old.iter().for_each(|plan_id| drop(state.plans.remove(plan_id)));
        Ok(old.len() as u64)
    }

    async fn count_unexpired(&self, _: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
        self.panic_if_requested("count_unexpired");
        self.answer().map(|_| BTreeMap::new())
    }
}

#[async_trait]
impl KeyStore for FakeStore {
    async fn insert_keyed_plans(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
        self.insert_keyed(rows).await
    }

    async fn stored_answer(
        &self,
        scope: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        Ok(self.answer()?.keys.get(scope, key, now))
    }

    async fn delete_expired_keys(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.panic_if_requested("delete_expired_keys");
        Ok(self.answer()?.keys.delete_expired(now, limit))
    }
}

#[async_trait]
impl CatalogueStore for FakeStore {
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.answer()?.catalogue.as_ref().map(|(version, _)| *version))
    }

    async fn catalogue(&self, priority: Priority) -> Result<Option<StoredCatalogue>, StoreError> {
        self.state().calls.reads += 1;
        self.state().calls.catalogues.push(priority);
        self.reads.acquire().await.unwrap().forget();
        let Some((version, rows)) = self.answer()?.catalogue.clone() else { return Ok(None) };
        let mut builder = Builder::new();
        for row in rows {
            builder.add(row, true);
        }
        let source = Source { broker: Some(Broker::Kite), file_date: None, loaded_at: None };
        Ok(Some(StoredCatalogue { version, catalogue: builder.build(version.to_string(), vec![source]) }))
    }

    async fn last_load(&self, _: Broker) -> Result<Option<LastAccepted>, StoreError> {
        self.answer().map(|_| None)
    }

    /// Replaces the catalog with the load.
    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError> {
        let catalogue = &mut self.answer()?.catalogue;
        let version = catalogue.as_ref().map_or(1, |(version, _)| version + 1);
        *catalogue = Some((version, record.offer.load.rows.clone()));
        Ok(version)
    }

    async fn reject_load(&self, record: &RejectedFileRecord) -> Result<(), StoreError> {
        self.state().calls.rejected_files += 1;
        let mut state = self.answer()?;
        if let Some(fault) = state.rejection_answers.pop_front() {
            return Err(fault);
        }
        let rejected_files = &mut state.rejected_files;
        let stored = |fault: &GateFault| StoredFault { gate: fault.gate.to_owned(), detail: fault.detail.clone() };
        rejected_files.push(RejectedFile {
            rejection_id: i64::try_from(rejected_files.len()).unwrap() + 1,
            broker: record.broker,
            source: record.source.clone(),
            rejected_at: record.rejected_at,
            faults: record.faults.iter().map(stored).collect(),
        });
        Ok(())
    }

    async fn rejected_files(&self) -> Result<Vec<RejectedFile>, StoreError> {
        Ok(self.answer()?.rejected_files.clone())
    }

    async fn dismiss_rejected_files(&self, broker: Broker) -> Result<u64, StoreError> {
        let rejected_files = &mut self.answer()?.rejected_files;
        let count = rejected_files.len();
        rejected_files.retain(|rejected_file| rejected_file.broker != broker);
        Ok((count - rejected_files.len()) as u64)
    }

    async fn last_summaries(&self) -> Result<Vec<LoadSummary>, StoreError> {
        match &self.answer()?.summaries {
            Some(fault) => Err(fault.clone()),
            None => Ok(Vec::new()),
        }
    }

    async fn versions(&self, _: Option<i64>, _: u32) -> Result<Vec<LoadSummary>, StoreError> {
        self.state().calls.lists += 1;
        self.lists.acquire().await.unwrap().forget();
        let mut state = self.answer()?;
        match state.list_answers.pop_front() {
            Some(fault) => Err(fault),
            None => Ok(Vec::new()),
        }
    }

    async fn diff(&self, _: i64, _: Option<ChangeKind>, _: u32) -> Result<Option<LoadDiff>, StoreError> {
        self.answer().map(|_| None)
    }
}

#[async_trait]
impl JobStore for FakeStore {
    async fn create_job(&self, job: &Job) -> Result<Created, StoreError> {
        let jobs = &mut self.answer()?.jobs;
        let of_broker = || jobs.iter().filter(|other| other.broker == job.broker);
        if let Some(taken) = of_broker().find(|other| job.slot.is_some() && other.slot == job.slot) {
            return Ok(Created::Taken(taken.clone()));
        }
        if let Some(busy) = of_broker().find(|other| !other.status.is_finished()) {
            return Ok(Created::Busy(busy.clone()));
        }
        jobs.push(job.clone());
        Ok(Created::Yes)
    }

    async fn create_keyed_job(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError> {
        self.create_keyed(job, claim).await
    }

    async fn save_job(&self, job: &Job) -> Result<bool, StoreError> {
        let mut state = self.answer()?;
        let is_wanted = !state.canceled_jobs.contains(&job.job_id);
        let kept = state.jobs.iter_mut().find(|kept| kept.job_id == job.job_id && !kept.status.is_finished());
        Ok(kept.map(|kept| *kept = job.clone()).is_some() && is_wanted)
    }

    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        Ok(self.answer()?.jobs.iter().find(|job| job.job_id == job_id).cloned())
    }

    async fn latest_jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        Ok(self.answer()?.jobs.iter().rev().take(limit as usize).cloned().collect())
    }

    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        self.answer()?.canceled_jobs.push(job_id.to_owned());
        self.job(job_id).await
    }

    async fn fail_stale_jobs(&self, _: Duration) -> Result<Vec<Job>, StoreError> {
        self.answer().map(|_| Vec::new())
    }
}

#[async_trait]
impl SettingsStore for FakeStore {
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError> {
        Ok(self.answer()?.last_good.clone())
    }

    async fn save_last_good(&self, settings: &LastGoodSettings) -> Result<(), StoreError> {
        merge_last_good(&mut self.answer()?.last_good, settings.clone());
        Ok(())
    }
}
