//! The placement of a plan, for the plan that follows it, and the moves between two placements.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::Plan;
use crate::previous::{PlacedConnection, PreviousPlacement, PreviousPlan};

/// A subscription that another plan has on another connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlacementMove {
    /// The key of the instrument.
    pub instrument: String,
    /// The connection in the old plan.
    pub from: PlacedConnection,
    /// The connection in the new plan.
    pub to: PlacedConnection,
}

/// Returns the moves from one plan to another, in the order of the subscriptions of the new plan. Instruments that only
/// one of the plans contains do not move.
pub fn moves(old: &Plan, new: &Plan) -> Vec<PlacementMove> {
    let (Some(old), Some(new)) = (placement_of(old), placement_of(new)) else { return Vec::new() };
    let mut places: HashMap<(&str, &str), &PlacedConnection> = HashMap::new();
    for (connection, keys) in old.by_connection() {
        places.extend(keys.into_iter().map(|key| ((key, connection.endpoint.as_str()), connection)));
    }
    let of_connection = |(to, keys): (&PlacedConnection, Vec<&str>)| {
        let moved = keys.into_iter().filter_map(|key| {
            let from = places.get(&(key, to.endpoint.as_str())).filter(|from| **from != to)?;
            Some(PlacementMove { instrument: key.to_owned(), from: PlacedConnection::clone(from), to: to.clone() })
        });
        moved.collect::<Vec<_>>()
    };
    new.by_connection().flat_map(of_connection).collect()
}

fn placement_of(plan: &Plan) -> Option<Arc<PreviousPlacement>> {
    plan.as_previous()?.placement
}

impl Plan {
    /// Returns the reference of a plan that follows this one. `None` if this plan has no subscriptions.
    pub fn as_previous(&self) -> Option<PreviousPlan> {
        let part = self.metadata.broker_part.as_ref()?;
        let subscriptions = part.subscriptions.as_ref()?;
        let connections = part.allocation.connections.iter().flatten().map(|of| PlacedConnection {
            connection: of.connection,
            account: of.account.clone(),
            endpoint: of.endpoint.clone(),
        });
        let placement = PreviousPlacement {
            connections: connections.collect(),
            keys: Arc::clone(&self.instruments),
            places: subscriptions.legs.iter().map(|leg| (leg.instrument, leg.connection)).collect(),
        };
        Some(PreviousPlan { plan_id: self.plan_id.clone(), placement: Some(Arc::new(placement)), is_rebalanced: false })
    }
}
