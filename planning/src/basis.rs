//! The data that plans are created from.

use crate::broker::BrokerModels;
use crate::catalogue::Catalogue;

/// The catalog and the broker models that a plan is created from.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The catalog.
    pub catalogue: &'a Catalogue,
    /// The broker models.
    pub brokers: &'a BrokerModels,
}
