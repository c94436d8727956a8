//! Work of the actor on timers: counts unexpired plans, deletes rows past their retention, and deactivates expired
//! profiles.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use metrics::gauge;
use registry_planning::vocabulary::SubscriptionType;
use registry_store::profiles::{Actor, Change, CommandOutcome, ProfileCommand};
use registry_store::{Store, StoreError};
use tracing::{info, warn};
use uuid::Uuid;

use super::{PersistenceMessage, State};
use crate::persistence::profiles::change_profile;
use crate::persistence::{Finding, Op, contained};
use crate::settings::Settings;

/// Interval of the count of unexpired plans for the metrics.
const COUNT_EVERY: Duration = Duration::from_secs(30);
/// Interval of the deletion of rows past their retention.
const DELETE_EVERY: Duration = Duration::from_secs(3600);
/// Delay of the deletion if the retention is not known yet, as at the start.
const DELETE_RETRY: Duration = Duration::from_secs(10);
/// Maximum number of rows that a statement deletes: few enough to hardly delay writers.
const DELETE_ROWS: u32 = 1000;
/// Interval of the deactivation of expired profiles, which are rejected by plan requests in the meantime.
const EXPIRE_EVERY: Duration = Duration::from_secs(30);
/// Maximum number of expired profiles that are read at a time.
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
                let count = counts.get(&kind).copied().unwrap_or(0) as f64;
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
        // If very many profiles expire at once, this takes longer than the interval.
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

/// Deletes plans past their retention in small steps, and returns their number.
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

/// Deletes idempotency keys that have expired at `now` in small steps, and returns their number.
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

/// Deletes audit log entries past their retention in small steps, and returns their number and the cutoff.
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

/// Deactivates expired profiles, and returns their number. Each deactivation is a separate change, as by a request.
async fn expire_profiles(store: &dyn Store) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let now = Utc::now().trunc_subsecs(3);
        let expired = store.expired_profiles(now, EXPIRE_ROWS).await?;
        let correlation_id = Uuid::now_v7().to_string();
        let looked_for = expired.len();
        let mut done = 0;
        for profile_id in expired {
            let command = ProfileCommand::Expire { profile_id: profile_id.clone() };
            let change =
                Change { command, actor: Actor::system(), correlation_id: correlation_id.clone(), now, claim: None };
            match contained(change_profile(store, &change)).await {
                Ok(CommandOutcome::Done(_)) => done += 1,
                // Another replica was first, or the user has extended the expiry.
                Ok(_) => {}
                // A profile that cannot be read or written does not prevent the deactivation of others.
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
        // If nothing could be done, the rest waits for the next interval.
        if done == 0 || looked_for < EXPIRE_ROWS as usize {
            return Ok(total);
        }
    }
}
