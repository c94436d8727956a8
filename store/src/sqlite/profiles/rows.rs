//! Reads rows of the tables of profiles.

use chrono::{DateTime, Utc};
use registry_planning::json::Document;
use registry_planning::profile::{Action, BesideKeys, ConflictStatus, ConflictType, Draft, Profile, Standing};
use registry_planning::request::SubscriptionType;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{QueryBuilder, Row};

use super::super::super::documents::corrupt;
use super::super::super::error::StoreError;
use super::super::super::profiles::{AuditEntry, Conflict, NewEntry, ProfileVersion};
use super::super::{fault, milliseconds};

/// Selects all columns of profiles; a condition may follow.
pub(super) const PROFILES: &str = "
    select profile_id, user_id, profile_name, subscription_type, instruments, preferences, validation_rules, max_instruments,
        is_active, version, created_at, updated_at, expires_at
    from subscription_profiles
    where true";

/// Selects all columns of conflicts; a condition may follow.
pub(super) const CONFLICTS: &str = "
    select conflict_id, profile_id, user_id, conflict_type, conflict_data, status, resolution_strategy, resolution_data,
        created_at, resolved_at
    from subscription_conflicts
    where true";

/// Reads the profile of an id.
pub(super) fn profile_query(profile_id: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(PROFILES);
    query.push(" and profile_id = ").push_bind(profile_id);
    query
}

pub(super) fn profile(row: &SqliteRow) -> Result<Profile, StoreError> {
    Ok(Profile {
        profile_id: column(row, "profile_id")?,
        user_id: column(row, "user_id")?,
        draft: Draft {
            profile_name: column(row, "profile_name")?,
            subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
            instruments: document(row, "instruments")?,
            preferences: document(row, "preferences")?,
            validation_rules: document(row, "validation_rules")?,
            max_instruments: column(row, "max_instruments")?,
            expires_at: optional_time(row, "expires_at")?,
        },
        is_active: column(row, "is_active")?,
        version: column(row, "version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn standing(row: &SqliteRow) -> Result<Standing, StoreError> {
    Ok(Standing {
        profile_id: column(row, "profile_id")?,
        profile_name: column(row, "profile_name")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        created_at: time(row, "created_at")?,
        instruments: column(row, "instrument_count")?,
        shared: column(row, "shared")?,
        beside_keys: BesideKeys::of(&document::<Document>(row, "preferences")?.values()),
    })
}

pub(super) fn version(row: &SqliteRow) -> Result<ProfileVersion, StoreError> {
    Ok(ProfileVersion {
        profile: document(row, "document")?,
        action: word(row, "action", Action::parse)?,
        actor: document(row, "actor")?,
    })
}

pub(super) fn conflict(row: &SqliteRow) -> Result<Conflict, StoreError> {
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

pub(super) fn audit_entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
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

pub(super) fn column<'r, T>(row: &'r SqliteRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    row.try_get(name).map_err(fault)
}

/// Reads a column with one word of a closed list.
pub(super) fn word<T>(row: &SqliteRow, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: &str = column(row, name)?;
    parse(text).ok_or_else(|| corrupt(name, text))
}

/// Reads a JSON column.
pub(super) fn document<T: DeserializeOwned>(row: &SqliteRow, name: &str) -> Result<T, StoreError> {
    serde_json::from_str(column(row, name)?).map_err(|e| StoreError::Data(format!("invalid column `{name}`: {e}")))
}

fn optional_document<T: DeserializeOwned>(row: &SqliteRow, name: &str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = column(row, name)?;
    let fault = |e| StoreError::Data(format!("invalid column `{name}`: {e}"));
    text.map(serde_json::from_str).transpose().map_err(fault)
}

fn time(row: &SqliteRow, name: &str) -> Result<DateTime<Utc>, StoreError> {
    milliseconds(name, column(row, name)?)
}

pub(super) fn optional_time(row: &SqliteRow, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let time: Option<i64> = column(row, name)?;
    time.map(|time| milliseconds(name, time)).transpose()
}
