//! Pages of lists: the parameters of a query that select one, and its description in the response.

use registry_store::Position;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Parameters;

/// The position of a page in its list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pagination {
    /// The number of entries that match the filters, at most 10,000.
    pub(crate) total: u64,
    /// Present and true if there are more entries than `total`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) total_is_lower_bound: bool,
    /// The maximum number of entries on the page.
    pub(crate) limit: u32,
    /// The `offset` of the request. 0 if it is absent.
    pub(crate) offset: u64,
    /// Whether there is a next page.
    pub(crate) has_next: bool,
}

pub(super) struct Paging {
    pub(super) limit: u32,
    pub(super) offset: u64,
    pub(super) position: Position,
}

impl Paging {
    /// Reads `limit`, `offset` and `cursor`. `is_cursor` accepts the id in a valid cursor.
    pub(super) fn read(parameters: &mut Parameters, default: u32, max: u32, is_cursor: fn(&str) -> bool) -> Self {
        let limit = parameters.within("limit", 1..=max);
        let offset = parameters.offset();
        let cursor = read_cursor(parameters, is_cursor);
        if offset.is_some() && cursor.is_some() {
            parameters.fault("cursor", "cannot be combined with `offset`".to_owned());
        }
        let offset = offset.unwrap_or(0);
        Paging {
            limit: limit.unwrap_or(default),
            offset,
            position: cursor.map_or(Position::Offset(offset), Position::After),
        }
    }

    pub(super) fn pagination<T>(&self, page: &registry_store::Page<T>) -> Pagination {
        Pagination {
            total: page.total,
            total_is_lower_bound: page.total_is_lower_bound,
            limit: self.limit,
            offset: self.offset,
            has_next: page.has_next,
        }
    }
}

/// A cursor is the last id of the previous page. The prefix shows callers that it is not an id.
const CURSOR_PREFIX: &str = "after-";

/// Reads the id in `cursor`. `is_cursor` accepts the id in a valid cursor.
pub(super) fn read_cursor(parameters: &mut Parameters, is_cursor: fn(&str) -> bool) -> Option<String> {
    parameters.optional("cursor", "a `next_cursor` of an earlier response", |text| {
        text.strip_prefix(CURSOR_PREFIX).filter(|id| is_cursor(id)).map(ToOwned::to_owned)
    })
}

pub(super) fn cursor_after(id: impl std::fmt::Display) -> String {
    format!("{CURSOR_PREFIX}{id}")
}
