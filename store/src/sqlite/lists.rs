//! Reads pages of lists.

use sqlx::sqlite::SqliteRow;

use super::{SqliteStore, fault};
use crate::error::StoreError;
use crate::paging::{Page, Position};
use crate::sql::list::List;

impl SqliteStore {
    /// Reads a page of a list, and counts the rows of all pages.
    pub(super) async fn page<T>(
        &self,
        list: &List<'_>,
        position: &Position,
        limit: u32,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let rows = list.rows(position, limit).build().fetch_all(&self.readers).await.map_err(fault)?;
        let counted: i64 = list.count().build_query_scalar().fetch_one(&self.readers).await.map_err(fault)?;
        Page::of(rows.iter(), read, limit, counted)
    }
}
