//! Pages, made the same whichever the database.

use super::Page;
use crate::store::{COUNT_MAX, StoreError};

impl<T> Page<T> {
    /// The first `limit` of the rows. One row more says that there are more of them, and a count above [`COUNT_MAX`] that
    /// it is no more than that.
    pub(crate) fn of<R>(
        rows: impl ExactSizeIterator<Item = R>,
        read: impl Fn(R) -> Result<T, StoreError>,
        limit: u32,
        counted: i64,
    ) -> Result<Self, StoreError> {
        let has_next = rows.len() > limit as usize;
        let counted = u64::try_from(counted).unwrap_or(0);
        let items = rows.take(limit as usize).map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, total: counted.min(COUNT_MAX), total_is_lower_bound: counted > COUNT_MAX, has_next })
    }
}

/// The number that a cursor of a numbered list is. After what is no number there comes nothing, since all are above 0.
pub(crate) fn number(cursor: &str) -> i64 {
    cursor.parse().unwrap_or(0)
}
