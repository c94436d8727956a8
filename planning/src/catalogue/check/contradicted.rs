//! Contradictions by field and brokers.

use std::collections::BTreeMap;

use super::{Contradiction, Field};
use crate::vocabulary::Broker;

/// The instruments on which two brokers contradict each other in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement<'a> {
    /// The field whose values differ.
    pub field: Field,
    /// The broker whose values the catalog uses.
    pub used: Broker,
    /// The broker whose values differ and are not used.
    pub other: Broker,
    /// The contradictions that contain both, in the order of keys.
    pub contradictions: Vec<&'a Contradiction>,
}

/// Groups contradictions by field, by the broker whose value is used, and by each broker with another value.
pub(super) fn disagreements(contradictions: &[Contradiction]) -> Vec<Disagreement<'_>> {
    let mut grouped: BTreeMap<(Field, Broker, Broker), Vec<&Contradiction>> = BTreeMap::new();
    for contradiction in contradictions {
        for other in contradiction.others() {
            let used = contradiction.values[0].0;
            grouped.entry((contradiction.field, used, other)).or_default().push(contradiction);
        }
    }
    let disagreement = |((field, used, other), contradictions)| Disagreement { field, used, other, contradictions };
    grouped.into_iter().map(disagreement).collect()
}
