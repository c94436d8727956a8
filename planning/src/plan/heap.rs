//! The memory that a plan uses.

use std::sync::Arc;

use super::{Metadata, Plan};
use crate::heap::{Heap, arc};
use crate::keys::KeyList;

impl Plan {
    /// Returns the size of all blocks of memory that the plan owns, without its own size.
    pub fn heap_bytes(&self) -> usize {
        let texts = [&self.plan_id, &self.user_id, &self.plan_name, &self.description];
        let checks = &self.validation_results;
        texts.into_iter().map(Heap::heap_bytes).sum::<usize>()
            + shared(&self.instruments)
            + checks.optimization_applied.heap_bytes()
            + checks.unknown_instruments.heap_bytes()
            + self.rejected.heap_bytes()
            + metadata(&self.metadata, &self.instruments)
    }
}

/// The metadata usually shares the list of instruments with the plan.
fn metadata(metadata: &Metadata, instruments: &Arc<KeyList>) -> usize {
    let result = &metadata.optimization_result;
    let own = &result.optimized_instruments;
    let catalogue = &metadata.catalogue;
    let list = if Arc::ptr_eq(own, instruments) { 0 } else { shared(own) };
    list + result.optimization_strategy.heap_bytes()
        + result.performance_impact.heap_bytes()
        + result.exchange_distribution.heap_bytes()
        + catalogue.version.heap_bytes()
        + catalogue.content_hash.heap_bytes()
        + catalogue.planned.heap_bytes()
        + catalogue.current.heap_bytes()
        + metadata.content_hash.heap_bytes()
        + metadata.warnings.heap_bytes()
        + metadata.profile.as_ref().map_or(0, |profile| profile.profile_id.heap_bytes())
        + metadata.feed.as_ref().map_or(0, |feed| feed.modes.heap_bytes())
        + metadata.broker_part.as_deref().map_or(0, |part| part.heap_bytes(instruments))
}

fn shared(list: &Arc<KeyList>) -> usize {
    arc::<KeyList>() + list.heap_bytes()
}
