//! Queries and rows of the tables of profiles.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use registry_planning::json::Document;
use registry_planning::profile::{
    Action, ConflictStatus, ConflictType, DistinguishingPreferences, Draft, ExistingProfile, Profile,
};
use registry_planning::vocabulary::SubscriptionType;
use serde::de::DeserializeOwned;
use sqlx::QueryBuilder;

use super::Dialect;
use super::columns::{Columns, column, document, optional, optional_document, word};
use super::list::{KeyColumn, List};
use super::plans::of_type;
use crate::error::StoreError;
use crate::profiles::{
    AuditEntry, Conflict, ConflictFilter, NewEntry, ProfileFilter, ProfileStats, ProfileSummary, ProfileVersion,
    StoredProfile,
};

const PROFILES: &str = "profile_id, user_id, profile_name, subscription_type, instruments, preferences, validation_rules, \
    max_instruments, is_active, version, created_at, updated_at, expires_at";

const SUMMARIES: &str = "profile_id, user_id, profile_name, subscription_type, instrument_count, max_instruments, \
    is_active, version, created_at, updated_at, expires_at";

const CONFLICTS: &str = "conflict_id, profile_id, user_id, conflict_type, conflict_data, status, resolution_strategy, \
    resolution_data, created_at, resolved_at";

const AUDIT_ENTRIES: &str =
    "audit_id, profile_id, user_id, action, actor, old_data, new_data, correlation_id, created_at";

pub(crate) const VERSION: &str = "
    select document
    from profile_versions
    where profile_id = $1
        and version = $2";

pub(crate) const BY_TYPE: &str = "
    select subscription_type, count(*) as profiles
    from subscription_profiles
    group by subscription_type";

/// Lists profiles without their documents.
pub(crate) fn profiles<DB: Dialect>(filter: &ProfileFilter) -> List<'_> {
    profiles_with::<DB>(SUMMARIES, filter)
}

pub(crate) fn whole_profiles<DB: Dialect>(filter: &ProfileFilter) -> List<'_> {
    profiles_with::<DB>(PROFILES, filter).with_documents(&["instruments", "preferences", "validation_rules"])
}

fn profiles_with<'f, DB: Dialect>(columns: &'static str, filter: &'f ProfileFilter) -> List<'f> {
    List::new(columns, "subscription_profiles", KeyColumn::Text("profile_id"))
        .equal_to("user_id", filter.user_id.as_deref())
        .literally(filter.subscription_type.map(|kind| of_type::<DB>(kind, filter.user_id.is_some())))
        // Each value has its own index.
        .literally(filter.is_active.map(|is_active| DB::is("is_active", is_active)))
}

pub(crate) fn versions(profile_id: &str) -> List<'_> {
    List::new("action, actor, document", "profile_versions", KeyColumn::Number("version"))
        .with_documents(&["actor", "document"])
        .equal("profile_id", profile_id)
}

pub(crate) fn audit_entries(profile_id: &str) -> List<'_> {
    List::new(AUDIT_ENTRIES, "subscription_audit_log", KeyColumn::Number("audit_id"))
        .with_documents(&["actor", "old_data", "new_data"])
        .equal("profile_id", profile_id)
}

pub(crate) fn conflicts<DB: Dialect>(filter: &ConflictFilter) -> List<'_> {
    let is_ended =
        DB::REPEATS_INDEX_CONDITIONS && filter.status.is_some_and(|status| status != ConflictStatus::Pending);
    List::new(CONFLICTS, "subscription_conflicts", KeyColumn::Text("conflict_id"))
        .with_documents(&["conflict_data", "resolution_data"])
        .equal("user_id", &filter.user_id)
        // Pending conflicts have their own index, and so have the others.
        .literally(filter.status.map(|status| format!("status = '{status}'")))
        .literally(is_ended.then(|| "status <> 'pending'".to_owned()))
        .equal_to("conflict_type", filter.conflict_type.map(ConflictType::as_str))
}

pub(crate) fn profile_query<DB: Dialect>(profile_id: &str) -> QueryBuilder<DB> {
    let mut query = QueryBuilder::new(format!("select {PROFILES} from subscription_profiles where profile_id = "));
    DB::push_text(&mut query, profile_id);
    query
}

pub(crate) fn conflict_query<DB: Dialect>(conflict_id: &str) -> QueryBuilder<DB> {
    let mut query = QueryBuilder::new(format!("select {CONFLICTS} from subscription_conflicts where conflict_id = "));
    DB::push_text(&mut query, conflict_id);
    query
}

/// Returns the query for the totals of [`stats`]. Active profiles are counted as all active ones minus the expired ones
/// among them, because each number has an index.
pub(crate) fn totals<DB: Dialect>(now: DateTime<Utc>) -> QueryBuilder<DB> {
    let is_active = DB::is("is_active", true);
    let mut query = QueryBuilder::new(format!(
        "
    select
        (select count(*) from subscription_conflicts) as total_conflicts,
        (select count(*) from subscription_conflicts where status = 'pending') as pending_conflicts,
        (select count(*) from subscription_audit_log) as total_audit_logs,
        (select last_cleanup from audit_retention) as last_cleanup,
        (select count(*) from subscription_profiles where {is_active})
            - (
                select count(*)
                from subscription_profiles
                where {is_active} and expires_at is not null and expires_at <= "
    ));
    DB::push_time(&mut query, now);
    query.push(") as active_profiles");
    query
}

/// Returns the query for the ids of profiles that are active and expired.
pub(crate) fn expired<DB: Dialect>(now: DateTime<Utc>, limit: u32) -> QueryBuilder<DB> {
    let mut query = QueryBuilder::new(format!(
        "select profile_id from subscription_profiles where {} and expires_at is not null and expires_at <= ",
        DB::is("is_active", true)
    ));
    DB::push_time(&mut query, now);
    query.push(" order by expires_at limit ");
    DB::push_integer(&mut query, limit.into());
    query
}

/// Reads the rows of [`BY_TYPE`] and of [`totals`].
pub(crate) fn stats(by_type: &[impl Columns], totals: &impl Columns) -> Result<ProfileStats, StoreError> {
    let of_type = |row| Ok((word(row, "subscription_type", SubscriptionType::parse)?, column(row, "profiles")?));
    let profiles_by_type = by_type.iter().map(of_type).collect::<Result<BTreeMap<_, u64>, StoreError>>()?;
    Ok(ProfileStats {
        total_profiles: profiles_by_type.values().sum(),
        active_profiles: column(totals, "active_profiles")?,
        profiles_by_type,
        total_conflicts: column(totals, "total_conflicts")?,
        pending_conflicts: column(totals, "pending_conflicts")?,
        total_audit_logs: column(totals, "total_audit_logs")?,
        last_cleanup: optional(totals, "last_cleanup")?,
    })
}

pub(crate) fn profile(row: &impl Columns) -> Result<Profile, StoreError> {
    stored_profile(row)?.parse().map_err(|e| StoreError::Data(format!("invalid column `preferences`: {e}")))
}

pub(crate) fn stored_profile(row: &impl Columns) -> Result<StoredProfile, StoreError> {
    Ok(StoredProfile {
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        draft: Draft {
            profile_name: column(row, "profile_name")?,
            subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
            instruments: row.keys("instruments")?,
            preferences: document(row, "preferences")?,
            validation_rules: document(row, "validation_rules")?,
            max_instruments: optional(row, "max_instruments")?,
            expires_at: optional(row, "expires_at")?,
        },
        is_active: column(row, "is_active")?,
        version: column(row, "version")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
    })
}

pub(crate) fn profile_summary(row: &impl Columns) -> Result<ProfileSummary, StoreError> {
    Ok(ProfileSummary {
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        profile_name: column(row, "profile_name")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        instrument_count: column(row, "instrument_count")?,
        max_instruments: optional(row, "max_instruments")?,
        is_active: column(row, "is_active")?,
        version: column(row, "version")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
        expires_at: optional(row, "expires_at")?,
    })
}

pub(crate) fn existing_profile(row: &impl Columns) -> Result<ExistingProfile, StoreError> {
    Ok(ExistingProfile {
        profile_id: column(row, "profile_id")?,
        profile_name: column(row, "profile_name")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        created_at: column(row, "created_at")?,
        instruments: column(row, "instrument_count")?,
        shared: column(row, "shared")?,
        distinguishing: DistinguishingPreferences::of(&document::<Document>(row, "preferences")?.values()),
    })
}

pub(crate) fn version(row: &impl Columns) -> Result<ProfileVersion, StoreError> {
    Ok(ProfileVersion {
        document: document(row, "document")?,
        action: word(row, "action", Action::parse)?,
        actor: document(row, "actor")?,
    })
}

pub(crate) fn conflict<D: DeserializeOwned>(row: &impl Columns) -> Result<Conflict<D>, StoreError> {
    Ok(Conflict {
        conflict_id: column(row, "conflict_id")?,
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        conflict_type: word(row, "conflict_type", ConflictType::parse)?,
        conflict_data: document(row, "conflict_data")?,
        status: word(row, "status", ConflictStatus::parse)?,
        resolution_strategy: optional(row, "resolution_strategy")?,
        resolution_data: optional_document(row, "resolution_data")?,
        created_at: column(row, "created_at")?,
        resolved_at: optional(row, "resolved_at")?,
    })
}

pub(crate) fn audit_entry(row: &impl Columns) -> Result<AuditEntry, StoreError> {
    let entry = NewEntry {
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        action: word(row, "action", Action::parse)?,
        actor: document(row, "actor")?,
        old_data: optional_document(row, "old_data")?,
        new_data: optional_document(row, "new_data")?,
        correlation_id: column(row, "correlation_id")?,
        created_at: column(row, "created_at")?,
    };
    Ok(AuditEntry { audit_id: column(row, "audit_id")?, entry })
}

#[cfg(test)]
mod tests {
    use sqlx::{Postgres, Sqlite};

    use super::*;
    use crate::paging::Position;

    #[test]
    fn summaries_select_no_documents() {
        let filter = ProfileFilter { user_id: Some("u".to_owned()), ..ProfileFilter::default() };
        let statements = [
            profiles::<Postgres>(&filter).rows::<Postgres>(&Position::Offset(0), 10).into_sql(),
            profiles::<Sqlite>(&filter).rows::<Sqlite>(&Position::Offset(0), 10).into_sql(),
        ];

        for statement in statements {
            for document in ["instruments,", "preferences", "validation_rules"] {
                let documents = statement.as_str().replace("max_instruments,", "");
                assert!(!documents.contains(document), "{document} in {statement:?}");
            }
        }
    }
}
