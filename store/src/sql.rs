//! Row readers, lists and other queries that are the same in both databases.
//!
//! Statements that differ in more than the words of [`Dialect`] are in the folders of the databases. Both number their
//! parameters: `$1`.

pub(crate) mod calendar;
pub(crate) mod catalogue;
pub(crate) mod columns;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod plans;
pub(crate) mod profiles;
pub(crate) mod settings;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

/// The differences between the databases in shared queries.
pub(crate) trait Dialect: sqlx::Database<Arguments: Default> {
    /// Whether a partial index is used only if the query repeats its condition, even if another one implies it.
    const REPEATS_INDEX_CONDITIONS: bool;
    /// A prefix of a column that keeps the database from using an index of it, if it might choose the wrong one of
    /// several.
    const WITHOUT_INDEX: &'static str;

    /// Returns the condition that a column is true or false, in the form that the partial indexes have.
    fn is(column: &str, value: bool) -> String;

    /// Returns the expression for the size in bytes of a column that holds text, JSON or keys.
    fn bytes(column: &str) -> String;

    fn push_text(query: &mut QueryBuilder<Self>, value: &str);
    fn push_integer(query: &mut QueryBuilder<Self>, value: i64);
    fn push_time(query: &mut QueryBuilder<Self>, value: DateTime<Utc>);
    /// Adds the condition that the column before it is one of these values.
    fn push_any_text(query: &mut QueryBuilder<Self>, values: &[String]);
    /// Adds the condition that the column before it is one of these values.
    fn push_any_integer(query: &mut QueryBuilder<Self>, values: &[i64]);
}
