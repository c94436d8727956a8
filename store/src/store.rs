//! What a database must offer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::dump::Broker;
use registry_planning::load::diff::ChangeKind;
use registry_planning::plan::Plan;
use registry_planning::profile::Profile;
use registry_planning::request::SubscriptionType;

use super::error::StoreError;
use super::idempotency::{Claimed, KeyClaim, KeyedPlan, StoredAnswer};
use super::jobs::{Created, Job};
use super::loads::{LastAccepted, LoadDiff, LoadRecord, LoadSummary, Refusal, RefusalRecord, StoredCatalogue};
use super::paging::{Page, Position};
use super::plans::{PlanFilter, PlanPage};
use super::profiles::{
    AuditEntry, Change, Changed, Conflict, ConflictFilter, ProfileFilter, ProfileStats, ProfileVersion,
};
use super::settings::LastGoodSettings;

/// The value of the field `dependency` of log lines, and of the label of metrics, about the database.
pub const DEPENDENCY: &str = "database";

/// Connections to a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Those that work, or are being made.
    pub busy: usize,
    /// Those that wait for work.
    pub idle: usize,
}

/// A database. Methods are safe to call at the same time; a call that is under way must not be cancelled, so callers
/// run it in a task of its own.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Its name for people and metrics: `sqlite`, `postgres`.
    fn backend(&self) -> &'static str;

    /// How many batches may be written at the same time.
    fn batches_in_flight_max(&self) -> usize;

    /// How many other calls may be under way at the same time.
    fn jobs_in_flight_max(&self) -> usize;

    /// Its connections.
    fn connections(&self) -> ConnectionCounts;

    /// Connects and brings the schema up to date. Called until it succeeds, before anything else.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// Asks whether it is there.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What the config service last said. May hold keys of another release.
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError>;

    /// Keeps what the config service said, all or none of it; of each key only where nothing later is kept. Keys that are
    /// not in it stay as they are.
    async fn save_last_good(&self, said: &LastGoodSettings) -> Result<(), StoreError>;

    /// Stores all plans or none. A plan whose id is stored already is left as it is, so that a caller who does not know
    /// whether they are stored may store them again: the next attempt uses no connection that was made before this one failed.
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError>;

    /// Stores answers that are kept for idempotency keys, each with its plan, all or none. A key that has an answer already
    /// keeps it, and its new plan is not stored. One result per row, in their order.
    async fn insert_keyed_plans(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError>;

    /// Reads the answer that is kept for an idempotency key at `now`.
    async fn stored_answer(
        &self,
        scope: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>, StoreError>;

    /// Deletes idempotency keys that are free again at `now`, `limit` at most, and returns how many.
    async fn delete_expired_keys(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Reads the plans of these ids, in any order. Those that are not there are left out, and of an id that stands more
    /// than once the plan is there once.
    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError>;

    /// Reads a plan.
    async fn plan(&self, plan_id: &str) -> Result<Option<Plan>, StoreError> {
        Ok(self.plans_by_id(&[plan_id.to_owned()]).await?.pop())
    }

    /// Lists plans, newest first.
    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError>;

    /// Deletes plans made before `cutoff`, `limit` at most, and says how many. A plan that is the answer to an idempotency
    /// key stays as long as the key.
    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// How many plans of each type are not expired at `now`.
    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError>;

    /// The version of the catalogue; `None` where no load was ever accepted.
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError>;

    /// Reads and builds the catalogue; `None` where no load was ever accepted.
    async fn catalogue(&self) -> Result<Option<StoredCatalogue>, StoreError>;

    /// Reads a broker's last accepted load; `None` where it has none.
    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError>;

    /// Makes a load the broker's last accepted one, wholly or not at all, and gives the catalogue's new version. What
    /// the file no longer has becomes inactive.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] where the broker's last load is another one than that which the record was judged
    /// beside: it must be judged again.
    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError>;

    /// Keeps that a file was not accepted.
    async fn refuse_load(&self, record: &RefusalRecord) -> Result<(), StoreError>;

    /// The refusals after which no load of their broker was accepted, newest first; a hundred at most.
    async fn refusals(&self) -> Result<Vec<Refusal>, StoreError>;

    /// Lists accepted loads, newest first, `limit` at most; those before the version `before` where there is one.
    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError>;

    /// The first changes that a load made, `limit` at most, of one kind alone where there is one; `None` where there is
    /// no such load.
    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError>;

    /// Keeps a new job, unless its broker has one that is not finished, or its slot has one. Finished ones beyond the last
    /// few hundred of the broker are dropped.
    async fn create_job(&self, job: &Job) -> Result<Created, StoreError>;

    /// Stores a new job as [`Store::create_job`] does, together with the answer that is kept for its idempotency key: both
    /// or neither. A key that has an answer already is [`Created::Answered`], whatever other jobs there are.
    async fn create_keyed_job(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError>;

    /// Keeps how far a job is, which is also a sign of life, and says whether it is still wanted: nobody has asked for its
    /// end, and it is not finished. One that is finished stays as it is.
    async fn save_job(&self, job: &Job) -> Result<bool, StoreError>;

    /// Reads a job.
    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError>;

    /// Keeps that a job is not wanted any more, and reads it as it is. Its service sees it at its next sign of life.
    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError>;

    /// Fails the jobs of which there was no sign for so long, and gives them.
    async fn fail_silent_jobs(&self, silent: Duration) -> Result<Vec<Job>, StoreError>;

    /// Decides a change of profiles and makes it, wholly or not at all, while nobody else changes profiles of its user.
    /// Conflicts that are in the way are kept.
    async fn change_profile(&self, change: &Change) -> Result<Changed, StoreError>;

    /// Reads a profile, in use or not.
    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError>;

    /// Lists profiles, newest first.
    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Profile>, StoreError>;

    /// Lists the versions of a profile, newest first; none of one that is not there. [`Position::After`] names a version.
    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileVersion>, StoreError>;

    /// Lists the entries of the audit log about a profile, newest first. [`Position::After`] names an entry's number.
    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError>;

    /// Lists a user's conflicts, newest first.
    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Conflict>, StoreError>;

    /// Counts profiles, those in use at `now` apart, conflicts and entries of the audit log.
    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError>;

    /// The ids of profiles in use whose time was over at `now`, `limit` at most, those first that are so the longest.
    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Allows the entries of the audit log made before `cutoff` to be deleted, deletes them, `limit` at most, and says how
    /// many. What was allowed once stays so.
    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Ends all connections.
    async fn close(&self);
}
