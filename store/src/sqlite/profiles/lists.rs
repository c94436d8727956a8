//! Lists in pages, newest first.

use registry_planning::profile::{ConflictStatus, Profile};
use sqlx::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};

use super::super::super::error::StoreError;
use super::super::super::paging::{COUNT_MAX, Position};
use super::super::super::paging::{Page, number};
use super::super::super::profiles::{AuditEntry, Conflict, ConflictFilter, ProfileFilter, ProfileVersion};

use super::super::fault;
use super::rows;

/// A table that is listed.
struct List {
    /// The select of all columns.
    select: &'static str,
    table: &'static str,
    key: Key,
}

/// The column that ascends with time.
#[derive(Clone, Copy)]
enum Key {
    Text(&'static str),
    Number(&'static str),
}

pub(super) async fn profiles(
    pool: &SqlitePool,
    filter: &ProfileFilter,
    position: &Position,
    limit: u32,
) -> Result<Page<Profile>, StoreError> {
    let list = List { select: rows::PROFILES, table: "subscription_profiles", key: Key::Text("profile_id") };
    let filtered = |query: &mut QueryBuilder<Sqlite>| {
        if let Some(user_id) = &filter.user_id {
            query.push(" and user_id = ").push_bind(user_id.clone());
        }
        if let Some(kind) = filter.subscription_type {
            query.push(" and subscription_type = ").push_bind(kind.as_str());
        }
        if let Some(is_active) = filter.is_active {
            // Not a parameter, because the query planner does not see parameters and each value has its own index.
            query.push(if is_active { " and is_active = 1" } else { " and is_active = 0" });
        }
    };
    list.page(pool, filtered, position, limit, rows::profile).await
}

pub(super) async fn versions(
    pool: &SqlitePool,
    profile_id: &str,
    position: &Position,
    limit: u32,
) -> Result<Page<ProfileVersion>, StoreError> {
    let select = "select action, actor, document from profile_versions where true";
    let list = List { select, table: "profile_versions", key: Key::Number("version") };
    list.page(pool, of_profile(profile_id), position, limit, rows::version).await
}

pub(super) async fn audit_entries(
    pool: &SqlitePool,
    profile_id: &str,
    position: &Position,
    limit: u32,
) -> Result<Page<AuditEntry>, StoreError> {
    let select = "
        select audit_id, profile_id, user_id, action, actor, old_data, new_data, correlation_id, created_at
        from subscription_audit_log
        where true";
    let list = List { select, table: "subscription_audit_log", key: Key::Number("audit_id") };
    list.page(pool, of_profile(profile_id), position, limit, rows::audit_entry).await
}

pub(super) async fn conflicts(
    pool: &SqlitePool,
    filter: &ConflictFilter,
    position: &Position,
    limit: u32,
) -> Result<Page<Conflict>, StoreError> {
    let list = List { select: rows::CONFLICTS, table: "subscription_conflicts", key: Key::Text("conflict_id") };
    let filtered = |query: &mut QueryBuilder<Sqlite>| {
        query.push(" and user_id = ").push_bind(filter.user_id.clone());
        if let Some(status) = filter.status {
            // Not a parameter, because pending conflicts have their own index. It is a word of a closed list.
            query.push(format_args!(" and status = '{status}'"));
            if status != ConflictStatus::Pending {
                // Implied, but SQLite uses the partial index of the others only if the condition is in the query.
                query.push(" and status <> 'pending'");
            }
        }
        if let Some(kind) = filter.conflict_type {
            query.push(" and conflict_type = ").push_bind(kind.as_str());
        }
    };
    list.page(pool, filtered, position, limit, rows::conflict).await
}

fn of_profile(profile_id: &str) -> impl Fn(&mut QueryBuilder<Sqlite>) {
    move |query| {
        query.push(" and profile_id = ").push_bind(profile_id.to_owned());
    }
}

impl List {
    /// Reads the page, and counts the rows that `filtered` selects.
    async fn page<T>(
        &self,
        pool: &SqlitePool,
        filtered: impl Fn(&mut QueryBuilder<Sqlite>),
        position: &Position,
        limit: u32,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let List { select, table, key } = self;
        let mut query = QueryBuilder::<Sqlite>::new(*select);
        filtered(&mut query);
        let (Key::Text(name) | Key::Number(name)) = key;
        if let Position::After(last) = position {
            query.push(format_args!(" and {name} < "));
            match key {
                Key::Text(_) => query.push_bind(last.clone()),
                Key::Number(_) => query.push_bind(number(last)),
            };
        }
        query.push(format_args!(" order by {name} desc limit ")).push_bind(i64::from(limit) + 1);
        if let Position::Offset(offset) = position {
            query.push(" offset ").push_bind(i64::try_from(*offset).unwrap_or(i64::MAX));
        }
        // Counting stops at one more than the reported maximum, so that the cost of a list does not depend on the size
        // of the table.
        let mut count = QueryBuilder::<Sqlite>::new(format!("select count(*) from (select 1 from {table} where true"));
        filtered(&mut count);
        count.push(" limit ").push_bind(i64::try_from(COUNT_MAX).unwrap_or(i64::MAX) + 1).push(")");

        let rows = query.build().fetch_all(pool).await.map_err(fault)?;
        let counted: i64 = count.build_query_scalar().fetch_one(pool).await.map_err(fault)?;
        Page::of(rows.iter(), read, limit, counted)
    }
}
