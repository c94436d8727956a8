//! The data that plans are created from.

use crate::broker::BrokerModels;
use crate::catalogue::Catalogue;

/// The catalog and the broker models that a plan is created from.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The catalog that resolves the keys.
    pub catalogue: &'a Catalogue,
    /// The broker models that give the capacity and the rates.
    pub brokers: &'a BrokerModels,
}
