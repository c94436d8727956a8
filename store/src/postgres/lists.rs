//! Reads pages of lists.

use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::connections::Connections;
use crate::error::StoreError;
use crate::paging::{Page, Portion, PortionLimit, Position, first_keys};
use crate::sql::list::{List, outline};

impl Connections {
    /// Reads a page of a list, and counts the rows of all pages.
    pub(super) async fn page<T>(
        &self,
        list: &List<'_>,
        position: &Position,
        limit: u32,
        read: impl Fn(&PgRow) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let both = || {
            async |connection: &mut PgConnection| {
                let rows = list.rows(position, limit).build().fetch_all(&mut *connection).await?;
                let counted: i64 = list.count().build_query_scalar().fetch_one(connection).await?;
                Ok((rows, counted))
            }
        };
        let (rows, counted) = self.list(both).await?;
        Page::of(rows.iter(), read, limit, counted)
    }

    /// Reads the keys and sizes of a page, counts the rows of all pages, and reads the first rows.
    pub(super) async fn portion<T>(
        &self,
        list: &List<'_>,
        position: &Position,
        limit: PortionLimit,
        read: impl Fn(&PgRow) -> Result<T, StoreError>,
    ) -> Result<Portion<T>, StoreError> {
        let both = || {
            async |connection: &mut PgConnection| {
                let rows = list.outline(position, limit.rows).build().fetch_all(&mut *connection).await?;
                let counted: i64 = list.count().build_query_scalar().fetch_one(connection).await?;
                Ok((rows, counted))
            }
        };
        let (rows, counted) = self.list(both).await?;
        let outline = Page::of(rows.iter(), outline, limit.rows, counted)?;
        let keys = first_keys(&outline, limit.bytes);
        Ok(Portion { rows: self.rows_of(list, &keys, read).await?, outline, read: keys.len() })
    }

    pub(super) async fn rows_of<T>(
        &self,
        list: &List<'_>,
        keys: &[String],
        read: impl Fn(&PgRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = || async |connection: &mut PgConnection| list.rows_of(keys).build().fetch_all(connection).await;
        self.list(rows).await?.iter().map(read).collect()
    }
}
