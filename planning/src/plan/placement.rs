//! The placement of a plan, for the plan that follows it.

use std::sync::Arc;

use super::Plan;
use crate::previous::{PreviousConnection, PreviousPlacement, PreviousPlan};

impl Plan {
    /// Returns the reference of a plan that follows this one. `None` if this plan has no subscriptions.
    pub fn as_previous(&self) -> Option<PreviousPlan> {
        let part = self.metadata.broker_part.as_ref()?;
        let subscriptions = part.subscriptions.as_ref()?;
        let connections = part.allocation.connections.iter().flatten().map(|of| PreviousConnection {
            connection: of.connection,
            account: of.account.clone(),
            endpoint: of.endpoint.clone(),
        });
        let placement = PreviousPlacement {
            connections: connections.collect(),
            keys: Arc::clone(&self.instruments),
            places: subscriptions.legs.iter().map(|leg| (leg.instrument, leg.connection)).collect(),
        };
        Some(PreviousPlan { plan_id: self.plan_id.clone(), placement: Some(Arc::new(placement)) })
    }
}
