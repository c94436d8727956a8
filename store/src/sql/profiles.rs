//! Reads rows of the tables of profiles.

use registry_planning::json::Document;
use registry_planning::profile::{Action, BesideKeys, ConflictStatus, ConflictType, Draft, Profile, Standing};
use registry_planning::request::SubscriptionType;
use sqlx::QueryBuilder;
use sqlx::postgres::{PgRow, Postgres};

use super::super::super::documents::corrupt;
use super::super::super::error::StoreError;
use super::super::super::profiles::{AuditEntry, Conflict, NewEntry, ProfileVersion};
use super::super::columns::{column, document, keys, optional_document, optional_time, time, word};

/// Selects all columns of profiles; a condition may follow.
pub(super) const PROFILES: &str = "
    select profile_id, user_id, profile_name, subscription_type, instruments, preferences::text, validation_rules::text,
        max_instruments, is_active, version, created_at, updated_at, expires_at
    from subscription_profiles
    where true";

/// Selects all columns of conflicts; a condition may follow.
pub(super) const CONFLICTS: &str = "
    select conflict_id, profile_id, user_id, conflict_type, conflict_data::text, status, resolution_strategy,
        resolution_data::text, created_at, resolved_at
    from subscription_conflicts
    where true";

/// Reads the profile of an id.
pub(super) fn profile_query(profile_id: &str) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(PROFILES);
    query.push(" and profile_id = ").push_bind(profile_id.to_owned());
    query
}

pub(super) fn profile(row: &PgRow) -> Result<Profile, StoreError> {
    let max_instruments: Option<i32> = column(row, "max_instruments")?;
    Ok(Profile {
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        draft: Draft {
            profile_name: column(row, "profile_name")?,
            subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
            instruments: keys(row, "instruments")?,
            preferences: document(row, "preferences")?,
            validation_rules: document(row, "validation_rules")?,
            max_instruments: max_instruments.map(|number| whole("max_instruments", number.into())).transpose()?,
            expires_at: optional_time(row, "expires_at")?,
        },
        is_active: column(row, "is_active")?,
        version: whole("version", column::<i32>(row, "version")?.into())?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn standing(row: &PgRow) -> Result<Standing, StoreError> {
    Ok(Standing {
        profile_id: column(row, "profile_id")?,
        profile_name: column(row, "profile_name")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        created_at: time(row, "created_at")?,
        instruments: whole("instrument_count", column::<i32>(row, "instrument_count")?.into())?,
        shared: whole("shared", column(row, "shared")?)?,
        beside_keys: BesideKeys::of(&document::<Document>(row, "preferences")?.values()),
    })
}

pub(super) fn version(row: &PgRow) -> Result<ProfileVersion, StoreError> {
    Ok(ProfileVersion {
        profile: document(row, "document")?,
        action: word(row, "action", Action::parse)?,
        actor: document(row, "actor")?,
    })
}

pub(super) fn conflict(row: &PgRow) -> Result<Conflict, StoreError> {
    Ok(Conflict {
        conflict_id: column(row, "conflict_id")?,
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        conflict_type: word(row, "conflict_type", ConflictType::parse)?,
        conflict_data: document(row, "conflict_data")?,
        status: word(row, "status", ConflictStatus::parse)?,
        resolution_strategy: column(row, "resolution_strategy")?,
        resolution_data: optional_document(row, "resolution_data")?,
        created_at: time(row, "created_at")?,
        resolved_at: optional_time(row, "resolved_at")?,
    })
}

pub(super) fn audit_entry(row: &PgRow) -> Result<AuditEntry, StoreError> {
    let entry = NewEntry {
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        action: word(row, "action", Action::parse)?,
        actor: document(row, "actor")?,
        old_data: optional_document(row, "old_data")?,
        new_data: optional_document(row, "new_data")?,
        correlation_id: column(row, "correlation_id")?,
        created_at: time(row, "created_at")?,
    };
    Ok(AuditEntry { audit_id: column(row, "audit_id")?, entry })
}

fn whole(name: &str, number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| corrupt(name, &number.to_string()))
}
