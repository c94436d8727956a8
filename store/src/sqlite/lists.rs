//! Reads pages of lists.

use sqlx::sqlite::SqliteRow;

use super::{SqliteStore, fault};
use crate::error::StoreError;
use crate::paging::{Page, Portion, PortionLimit, Position, first_keys};
use crate::sql::list::{List, outline};

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

    /// Reads the keys and sizes of a page, counts the rows of all pages, and reads the first rows.
    pub(super) async fn portion<T>(
        &self,
        list: &List<'_>,
        position: &Position,
        limit: PortionLimit,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Portion<T>, StoreError> {
        let rows = list.outline(position, limit.rows).build().fetch_all(&self.readers).await.map_err(fault)?;
        let counted: i64 = list.count().build_query_scalar().fetch_one(&self.readers).await.map_err(fault)?;
        let outline = Page::of(rows.iter(), outline, limit.rows, counted)?;
        let keys = first_keys(&outline, limit.bytes);
        Ok(Portion { rows: self.rows_of(list, &keys, read).await?, outline, read: keys.len() })
    }

    pub(super) async fn rows_of<T>(
        &self,
        list: &List<'_>,
        keys: &[String],
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        list.rows_of(keys).build().fetch_all(&self.readers).await.map_err(fault)?.iter().map(read).collect()
    }
}
