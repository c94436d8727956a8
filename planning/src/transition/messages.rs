//! The messages of a schedule as arguments of the broker's SDK.

use super::schedule::{Batch, BatchAction};
use crate::subscriptions::{MessageUse, SubscriptionForm, Target, sent_count, write_batch};
use crate::vocabulary::Broker;

impl<'a> Batch<'a> {
    fn targets(&self) -> impl Iterator<Item = Target<'a>> {
        let mode = self.mode;
        let tokens = self.tokens.iter().zip(&self.segments);
        tokens.filter_map(move |(token, segment)| Some(Target { token: *token, segment: *segment, mode: mode? }))
    }

    /// Returns the number of messages that the SDK sends.
    pub(super) fn sent(&self, broker: Broker) -> u64 {
        self.message_use().map_or(1, |of| sent_count(broker, of, self.targets()))
    }

    fn message_use(&self) -> Option<MessageUse> {
        match self.action {
            BatchAction::Subscribe => Some(MessageUse::Subscribe),
            BatchAction::Unsubscribe => Some(MessageUse::Unsubscribe),
            BatchAction::ChangeMode => Some(MessageUse::ChangeMode),
            BatchAction::Close | BatchAction::Request => None,
        }
    }
}

/// Appends the messages of a schedule as a JSON array. In the form of an SDK, each has the arguments of its calls in
/// `messages`.
///
/// # Panics
/// Never: a message serializes to JSON.
pub fn write_batches(form: SubscriptionForm, batches: &[Batch<'_>], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, batch) in batches.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, batch).expect("a message serializes to JSON");
        if let SubscriptionForm::Sdk(broker) = form {
            out.pop();
            out.extend_from_slice(b",\"messages\":");
            write_messages(broker, batch, index + 1, out);
            out.push(b'}');
        }
    }
    out.push(b']');
}

/// Appends the arguments of the calls of the broker's SDK for a message, as a JSON array. `number` is that of the
/// message in its schedule, from 1. The array is empty if the connection closes, and for a historical request.
fn write_messages(broker: Broker, batch: &Batch<'_>, number: usize, out: &mut Vec<u8>) {
    match (batch.message_use(), batch.connection) {
        (Some(of), Some(connection)) => write_batch(broker, of, connection, number, batch.targets(), out),
        _ => out.extend_from_slice(b"[]"),
    }
}
