//! What the actor does without being asked: counts, deletes what has outlived its retention, and puts out of use what has
//! expired.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use metrics::gauge;
use registry_planning::request::SubscriptionType;
use registry_store::profiles::{Actor, Change, Changed, What};
use registry_store::{Store, StoreError};
use tracing::{info, warn};
use uuid::Uuid;

use super::{PersistenceMessage, State};
use crate::config::Settings;
use crate::persistence::profiles::change_profile;
use crate::persistence::{Finding, Op, contained};

/// How often the number of unexpired plans is counted for the metrics.
const COUNT_EVERY: Duration = Duration::from_secs(30);
/// How often plans and entries of the audit log past their retention are deleted.
const DELETE_EVERY: Duration = Duration::from_secs(3600);
/// How soon deleting is tried again while the retention is not known yet, as at the start.
const DELETE_RETRY: Duration = Duration::from_secs(10);
/// Rows deleted by one statement: small enough that writers hardly notice.
const DELETE_ROWS: u32 = 1000;
/// How often profiles whose time is over are put out of use. Nothing is planned from them meanwhile.
const EXPIRE_EVERY: Duration = Duration::from_secs(30);
/// Expired profiles that are looked for at once.
const EXPIRE_ROWS: u32 = 500;

impl State {
    pub(super) fn count_unexpired(&mut self) {
        self.me.tell_after(COUNT_EVERY, PersistenceMessage::CountDue);
        self.run_upkeep(Op::CountUnexpired, move |store| async move {
            let counted = store.count_unexpired(Utc::now()).await;
            let finding = Finding::of(&counted);
            let Ok(counts) = counted else { return finding };
            for kind in SubscriptionType::ALL {
                #[allow(clippy::cast_precision_loss)]
                let count = counts.get(kind).copied().unwrap_or(0) as f64;
                gauge!("instrument_registry_subscription_plans_active", "subscription_type" => kind.as_str())
                    .set(count);
            }
            finding
        });
    }

    /// Deletes plans, keys and audit log entries past their retention, which is unknown before there are settings.
    pub(super) fn delete_old(&mut self, settings: Option<&Settings>) {
        let Some(settings) = settings else {
            self.me.tell_after(DELETE_RETRY, PersistenceMessage::DeleteDue);
            return;
        };
        self.me.tell_after(DELETE_EVERY, PersistenceMessage::DeleteDue);
        let retention_days = settings.plan_retention_days;
        self.run_upkeep(Op::DeleteOldPlans, move |store| async move {
            let deleted = delete_old_plans(&*store, retention_days).await;
            match &deleted {
                Ok(0) => {}
                Ok(count) => info!(count, "deleted plans past their retention"),
                Err(fault) => warn!(%fault, "failed to delete plans past their retention"),
            }
            Finding::of(&deleted)
        });
        self.run_upkeep(Op::DeleteExpiredKeys, move |store| async move {
            let deleted = delete_expired_keys(&*store, Utc::now()).await;
            match &deleted {
                Ok(0) => {}
                Ok(count) => info!(count, "deleted expired idempotency keys"),
                Err(fault) => warn!(%fault, "failed to delete expired idempotency keys"),
            }
            Finding::of(&deleted)
        });
        let retention_days = settings.audit_retention_days;
        self.run_upkeep(Op::DeleteOldAuditEntries, move |store| async move {
            let deleted = delete_old_audit_entries(&*store, retention_days).await;
            match &deleted {
                Ok((0, _)) => {}
                Ok((count, cutoff)) => {
                    info!(count, %cutoff, "deleted audit log entries past their retention");
                }
                Err(fault) => warn!(%fault, "failed to delete audit log entries past their retention"),
            }
            Finding::of(&deleted)
        });
    }

    pub(super) fn expire_profiles(&mut self) {
        self.me.tell_after(EXPIRE_EVERY, PersistenceMessage::ExpireDue);
        // When very many expire at once it takes longer than the time between two looks.
        let Ok(turn) = Arc::clone(&self.expiring).try_lock_owned() else { return };
        self.run_upkeep(Op::ExpireProfiles, move |store| async move {
            let expired = expire_profiles(&*store).await;
            drop(turn);
            match &expired {
                Ok(0) => {}
                Ok(count) => info!(count, "deactivated expired profiles"),
                Err(fault) => warn!(%fault, "failed to deactivate expired profiles"),
            }
            Finding::of(&expired)
        });
    }
}

/// Deletes plans past their retention, a little at a time.
pub(crate) async fn delete_old_plans(store: &dyn Store, retention_days: u32) -> Result<u64, StoreError> {
    let cutoff = Utc::now() - TimeDelta::days(retention_days.into());
    let mut total = 0;
    loop {
        let deleted = store.delete_plans_before(cutoff, DELETE_ROWS).await?;
        total += deleted;
        if deleted < u64::from(DELETE_ROWS) {
            return Ok(total);
        }
    }
}

/// Deletes idempotency keys that are free again at `now`, a little at a time.
pub(crate) async fn delete_expired_keys(store: &dyn Store, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let deleted = store.delete_expired_keys(now, DELETE_ROWS).await?;
        total += deleted;
        if deleted < u64::from(DELETE_ROWS) {
            return Ok(total);
        }
    }
}

/// Deletes entries of the audit log past their retention, a little at a time, and says before which moment they were made.
pub(crate) async fn delete_old_audit_entries(
    store: &dyn Store,
    retention_days: u32,
) -> Result<(u64, DateTime<Utc>), StoreError> {
    let cutoff = (Utc::now() - TimeDelta::days(retention_days.into())).trunc_subsecs(3);
    let mut total = 0;
    loop {
        let deleted = store.delete_audit_before(cutoff, DELETE_ROWS).await?;
        total += deleted;
        if deleted < u64::from(DELETE_ROWS) {
            return Ok((total, cutoff));
        }
    }
}

/// Puts profiles whose time is over out of use, and says how many. Each is a change of its own, as if its user had asked.
async fn expire_profiles(store: &dyn Store) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let now = Utc::now().trunc_subsecs(3);
        let expired = store.expired_profiles(now, EXPIRE_ROWS).await?;
        let correlation_id = Uuid::now_v7().to_string();
        let looked_for = expired.len();
        let mut done = 0;
        for profile_id in expired {
            let what = What::Expire { profile_id: profile_id.clone() };
            let change =
                Change { what, actor: Actor::system(), correlation_id: correlation_id.clone(), now, claim: None };
            match contained(change_profile(store, &change)).await {
                Ok(Changed::Done(_)) => done += 1,
                // Another replica was first, or the user has put its end off.
                Ok(_) => {}
                // One that cannot be read or written keeps no other in use.
                Err(StoreError::Data(fault)) => {
                    warn!(profile.id = %profile_id, fault, "failed to deactivate expired profile");
                }
                Err(StoreError::Busy) => {
                    let fault = "conflicting concurrent update";
                    warn!(profile.id = %profile_id, fault, "failed to deactivate expired profile; retrying later");
                }
                Err(fault) => return Err(fault),
            }
        }
        total += done;
        // Where nothing could be done, more of the same waits until the next time.
        if done == 0 || looked_for < EXPIRE_ROWS as usize {
            return Ok(total);
        }
    }
}
