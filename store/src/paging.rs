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

/// A row of a list whose documents were not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOutline {
    /// The id of the row, as in [`Position::After`].
    pub key: String,
    /// The size of its documents in bytes, as text.
    pub bytes: u64,
}

/// The limits of a page whose rows contain documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortionLimit {
    /// Maximum number of rows of the page.
    pub rows: u32,
    /// Maximum size of the documents that are read. The first row is always read.
    pub bytes: u64,
}

/// A page of a list whose rows contain documents, and the first of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion<T> {
    /// All rows of the page.
    pub outline: Page<RowOutline>,
    /// The first rows, as many as [`PortionLimit::bytes`] allows.
    pub rows: Vec<T>,
    /// The number of rows of the outline that were requested. A row that was deleted meanwhile is not among `rows`.
    pub read: usize,
}

/// Returns how many of the rows may be read at once: as many as do not exceed the size, but at least one.
pub fn rows_within<'r>(rows: impl IntoIterator<Item = &'r RowOutline>, bytes_max: u64) -> usize {
    let mut total: u64 = 0;
    let is_within = |(position, row): &(usize, &RowOutline)| {
        total = total.saturating_add(row.bytes);
        *position == 0 || total <= bytes_max
    };
    rows.into_iter().enumerate().take_while(is_within).count()
}

/// Returns the keys of the first rows of a page, as many as may be read at once.
pub(crate) fn first_keys(outline: &Page<RowOutline>, bytes_max: u64) -> Vec<String> {
    let count = rows_within(&outline.items, bytes_max);
    outline.items.iter().take(count).map(|row| row.key.clone()).collect()
}

/// Parses the cursor of a numbered list. An invalid cursor becomes 0, after which there is no item, because all numbers
/// are positive.
pub(crate) fn number(cursor: &str) -> i64 {
    cursor.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_has_at_least_one_row() {
        let within = |sizes: &[u64], bytes_max| {
            let rows: Vec<RowOutline> =
                sizes.iter().map(|bytes| RowOutline { key: String::new(), bytes: *bytes }).collect();
            rows_within(&rows, bytes_max)
        };

        assert_eq!(within(&[], 10), 0);
        assert_eq!(within(&[11, 1], 10), 1);
        assert_eq!(within(&[11, 0], 10), 1);
        assert_eq!(within(&[5, 5, 1], 10), 2);
        assert_eq!(within(&[5, 6, 1], 10), 1);
        assert_eq!(within(&[0, 0, u64::MAX, 0], 10), 2);
        assert_eq!(within(&[u64::MAX, u64::MAX], u64::MAX), 2);
    }
}
