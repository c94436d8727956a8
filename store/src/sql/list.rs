//! Lists in pages, newest first.

use registry_planning::profile::Profile;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{PgConnection, QueryBuilder};

use super::super::super::error::StoreError;
use super::super::super::paging::{COUNT_MAX, Position};
use super::super::super::paging::{Page, number};
use super::super::super::profiles::{AuditEntry, Conflict, ConflictFilter, ProfileFilter, ProfileVersion};
use super::super::connections::Connections;
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
    connections: &Connections,
    filter: &ProfileFilter,
    position: &Position,
    limit: u32,
) -> Result<Page<Profile>, StoreError> {
    let list = List { select: rows::PROFILES, table: "subscription_profiles", key: Key::Text("profile_id") };
    let filtered = |query: &mut QueryBuilder<Postgres>| {
        if let Some(user_id) = &filter.user_id {
            query.push(" and user_id = ").push_bind(user_id.clone());
        }
        if let Some(kind) = filter.subscription_type {
            query.push(" and subscription_type = ").push_bind(kind.as_str());
        }
        if let Some(is_active) = filter.is_active {
            // Not a parameter, so that the index of either value can be used with any query plan.
            query.push(if is_active { " and is_active" } else { " and not is_active" });
        }
    };
    list.page(connections, filtered, position, limit, rows::profile).await
}

pub(super) async fn versions(
    connections: &Connections,
    profile_id: &str,
    position: &Position,
    limit: u32,
) -> Result<Page<ProfileVersion>, StoreError> {
    let select = "select action, actor::text, document::text from profile_versions where true";
    let list = List { select, table: "profile_versions", key: Key::Number("version") };
    list.page(connections, of_profile(profile_id), position, limit, rows::version).await
}

pub(super) async fn audit_entries(
    connections: &Connections,
    profile_id: &str,
    position: &Position,
    limit: u32,
) -> Result<Page<AuditEntry>, StoreError> {
    let select = "
        select audit_id, profile_id, user_id, action, actor::text, old_data::text, new_data::text, correlation_id, created_at
        from subscription_audit_log
        where true";
    let list = List { select, table: "subscription_audit_log", key: Key::Number("audit_id") };
    list.page(connections, of_profile(profile_id), position, limit, rows::audit_entry).await
}

pub(super) async fn conflicts(
    connections: &Connections,
    filter: &ConflictFilter,
    position: &Position,
    limit: u32,
) -> Result<Page<Conflict>, StoreError> {
    let list = List { select: rows::CONFLICTS, table: "subscription_conflicts", key: Key::Text("conflict_id") };
    let filtered = |query: &mut QueryBuilder<Postgres>| {
        query.push(" and user_id = ").push_bind(filter.user_id.clone());
        if let Some(status) = filter.status {
            // Not a parameter, because pending conflicts have their own index. It is a word of a closed list.
            query.push(format_args!(" and status = '{status}'"));
        }
        if let Some(kind) = filter.conflict_type {
            query.push(" and conflict_type = ").push_bind(kind.as_str());
        }
    };
    list.page(connections, filtered, position, limit, rows::conflict).await
}

fn of_profile(profile_id: &str) -> impl Fn(&mut QueryBuilder<Postgres>) {
    move |query| {
        query.push(" and profile_id = ").push_bind(profile_id.to_owned());
    }
}

impl List {
    /// Reads the page, and counts the rows that `filtered` selects.
    async fn page<T>(
        &self,
        connections: &Connections,
        filtered: impl Fn(&mut QueryBuilder<Postgres>),
        position: &Position,
        limit: u32,
        read: impl Fn(&PgRow) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let answer = || {
            async |connection: &mut PgConnection| {
                let rows = self.rows(&filtered, position, limit).build().fetch_all(&mut *connection).await?;
                let counted: i64 = self.count(&filtered).build_query_scalar().fetch_one(connection).await?;
                Ok((rows, counted))
            }
        };
        let (rows, counted) = connections.list(answer).await?;
        Page::of(rows.iter(), read, limit, counted)
    }

    fn rows(
        &self,
        filtered: impl Fn(&mut QueryBuilder<Postgres>),
        position: &Position,
        limit: u32,
    ) -> QueryBuilder<Postgres> {
        let List { select, key, .. } = self;
        let mut query = QueryBuilder::<Postgres>::new(*select);
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
        query
    }

    /// Counting stops at one more than the reported maximum, so that the cost of a list does not depend on the size of
    /// the table.
    fn count(&self, filtered: impl Fn(&mut QueryBuilder<Postgres>)) -> QueryBuilder<Postgres> {
        let select = format!("select count(*) from (select from {} where true", self.table);
        let mut count = QueryBuilder::<Postgres>::new(select);
        filtered(&mut count);
        count.push(" limit ").push_bind(i64::try_from(COUNT_MAX).unwrap_or(i64::MAX) + 1).push(") as counted");
        count
    }
}
