//! Pages of lists, the same in every database.

use super::error::StoreError;

/// A list counts exactly up to this many items.
pub const COUNT_MAX: u64 = 10_000;

/// The start of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// After this number of items.
    Offset(u64),
    /// After the item with this id.
    After(String),
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Number of items of all pages, at most [`COUNT_MAX`].
    pub total: u64,
    /// Whether there are more than `total`.
    pub total_is_lower_bound: bool,
    /// Whether there are items after this page.
    pub has_next: bool,
}

impl<T> Page<T> {
    /// Creates a page of the first `limit` rows. One more row means that there is a next page. A count above
    /// [`COUNT_MAX`] is a lower bound.
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

/// Parses the cursor of a numbered list. An invalid cursor becomes 0, after which there is no item, because all numbers are
/// positive.
pub(crate) fn number(cursor: &str) -> i64 {
    cursor.parse().unwrap_or(0)
}
