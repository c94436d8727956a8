//! Reads pages of lists.

use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::connections::Connections;
use crate::error::StoreError;
use crate::paging::{Page, Position};
use crate::sql::list::List;

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
}
