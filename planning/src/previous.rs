//! The plan that a new one follows, and the placement of its instruments.

use std::sync::Arc;

use serde::Serialize;

use crate::keys::KeyList;

/// A reference to the plan that a new one follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousPlan {
    /// The id of the earlier plan.
    pub plan_id: String,
    /// The placement of its instruments. `None` in the stored form of a request, which has only the id.
    pub placement: Option<Arc<PreviousPlacement>>,
    /// Whether the new plan balances the connections again, with as few moves as possible. Otherwise the instruments
    /// stay.
    pub is_rebalanced: bool,
}

/// The connections that carry the instruments of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousPlacement {
    /// The connections of the plan, sorted by number.
    pub connections: Vec<PlacedConnection>,
    /// The keys of the instruments, to which `places` refers by position.
    pub keys: Arc<KeyList>,
    /// Positions of instruments, and the number of a connection that carries each.
    pub places: Vec<(u32, u32)>,
}

/// A connection that carries an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlacedConnection {
    /// Its number, from 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub connection: u32,
    /// The account that opens it.
    pub account: String,
    /// The endpoint.
    pub endpoint: String,
}

impl PreviousPlacement {
    /// Returns the connections with the keys of the instruments that each carries, in the order of the plan.
    pub(crate) fn by_connection(&self) -> impl Iterator<Item = (&PlacedConnection, Vec<&str>)> {
        let mut places: Vec<(u32, u32)> = self.places.iter().map(|(position, number)| (*number, *position)).collect();
        places.sort_unstable();
        self.connections.iter().map(move |connection| {
            let start = places.partition_point(|(number, _)| *number < connection.connection);
            let own = places[start..].iter().take_while(|(number, _)| *number == connection.connection);
            (connection, own.map(|(_, position)| self.keys.key(*position as usize)).collect())
        })
    }
}
