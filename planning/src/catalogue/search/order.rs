//! Orders results by a field.

use std::cmp::Ordering;

use super::stages::Stages;
use super::{Catalogue, Hit, InstrumentId, Query, SortBy, SortOrder};

/// Returns a page of all results, sorted by the field that the query names, then by key. Instruments without the field
/// are last in both directions.
pub(super) fn page(catalogue: &Catalogue, stages: &Stages<'_>, query: &Query) -> Vec<Hit> {
    let mut hits: Vec<Hit> = stages.hits().collect();
    let end = query.offset.saturating_add(query.limit).min(hits.len());
    let is_reversed = query.sort_order == SortOrder::Descending;
    let compare =
        |a: &Hit, b: &Hit| compare(catalogue, query.sort_by, is_reversed, a.id, b.id).then_with(|| a.id.cmp(&b.id));
    // Only the results up to the end of the page need to be sorted.
    if end < hits.len() {
        hits.select_nth_unstable_by(end, compare);
        hits.truncate(end);
    }
    hits.sort_unstable_by(compare);
    hits.drain(..query.offset.min(end));
    hits
}

fn compare(catalogue: &Catalogue, by: SortBy, is_reversed: bool, a: InstrumentId, b: InstrumentId) -> Ordering {
    let turned = |ordering: Ordering| if is_reversed { ordering.reverse() } else { ordering };
    let records = (&catalogue.records[a.index()], &catalogue.records[b.index()]);
    match by {
        SortBy::Relevance => Ordering::Equal,
        SortBy::Symbol => turned(catalogue.get(a).symbol().cmp(catalogue.get(b).symbol())),
        SortBy::Name => turned(catalogue.get(a).name().cmp(catalogue.get(b).name())),
        SortBy::LotSize => turned(records.0.lot_size.cmp(&records.1.lot_size)),
        SortBy::Expiry => lacking_last(records.0.expiry, records.1.expiry, turned),
        SortBy::Strike => lacking_last(records.0.strike, records.1.strike, turned),
    }
}

fn lacking_last<T: Ord>(a: Option<T>, b: Option<T>, turned: impl Fn(Ordering) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => turned(a.cmp(&b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
