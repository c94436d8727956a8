//! The expected load of one instrument of a plan.

use super::ExplainedConnection;
use crate::accounts::accounts_of;
use crate::allocate::packet_bytes;
use crate::basis::Basis;
use crate::broker::{Loads, rate_amount, rounded};
use crate::instrument::Amount;
use crate::plan::Plan;
use crate::vocabulary::{InstrumentType, Mode};

pub(super) struct InstrumentLoad {
    pub(super) messages_per_second: Amount,
    pub(super) bytes_per_second: u64,
}

impl InstrumentLoad {
    /// Returns the load of a kept instrument; `None` if it has no subscription.
    pub(super) fn of(
        plan: &Plan,
        key: &str,
        connections: Option<&[ExplainedConnection]>,
        basis: Basis<'_>,
    ) -> Option<InstrumentLoad> {
        let Basis { catalogue, brokers } = basis;
        let class = catalogue.find(key).map(|id| catalogue.get(id).class());
        let Some(part) = &plan.metadata.broker_part else {
            return Self::without_broker(plan, key, class, basis);
        };
        let connections = connections.filter(|connections| !connections.is_empty())?;
        let accounts = accounts_of(&part.request.request().feed, part.allocation.broker, brokers);
        let (mut messages, mut bytes) = (0.0, 0.0);
        for connection in connections {
            let rate = brokers.messages_per_second(class, connection.mode);
            messages += rate;
            let account = accounts.iter().find(|account| account.name == connection.account);
            let packet = account.map_or(0, |account| packet_bytes(account.limits, class, connection.mode));
            bytes += rate * f64::from(packet);
        }
        Some(InstrumentLoad { messages_per_second: rate_amount(messages), bytes_per_second: rounded(bytes) })
    }

    fn without_broker(
        plan: &Plan,
        key: &str,
        class: Option<InstrumentType>,
        basis: Basis<'_>,
    ) -> Option<InstrumentLoad> {
        let mode: Mode = plan.mode_of(key, basis.brokers)?;
        let loads: Loads = [((class, Some(mode)), 1)].into();
        let estimate = basis.brokers.estimate(plan.subscription_type, None, &loads);
        Some(InstrumentLoad {
            messages_per_second: rate_amount(basis.brokers.messages_per_second(class, mode)),
            bytes_per_second: estimate.bandwidth_bytes_per_second,
        })
    }
}
