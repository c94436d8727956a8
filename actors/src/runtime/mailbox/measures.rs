//! Metrics of the messages of an actor.

use metrics::{Histogram, histogram};

use crate::runtime::metrics::{HANDLE_DURATION, MAILBOX_WAIT};

/// The metrics of each kind of message. Cached, because a lookup costs more than a record.
#[derive(Default)]
pub(super) struct Measures(Vec<(&'static str, Measure)>);

pub(super) struct Measure {
    pub(super) wait: Histogram,
    pub(super) handling: Histogram,
}

impl Measures {
    /// Searches linearly: an actor has at most a dozen kinds, and most messages are of the first few.
    pub(super) fn of(&mut self, actor: &'static str, kind: &'static str) -> &Measure {
        let known = self.0.iter().position(|(other, _)| *other == kind);
        let index = known.unwrap_or_else(|| {
            let wait = histogram!(MAILBOX_WAIT, "actor" => actor, "message" => kind);
            let handling = histogram!(HANDLE_DURATION, "actor" => actor, "message" => kind);
            self.0.push((kind, Measure { wait, handling }));
            self.0.len() - 1
        });
        &self.0[index].1
    }
}
