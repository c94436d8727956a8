//! The brokers that the fields of an instrument come from, and their contradictions.

use std::collections::BTreeMap;

use registry_planning::catalogue::{Catalogue, Contradiction, Field, Instrument};
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::Broker;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::schema::types;

/// A field on which the files of brokers contradict each other.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContradictionEntry<'a> {
    #[schema(value_type = types::InstrumentField)]
    field: &'static str,
    /// The value of each broker that has one. The first one is the value of the instrument.
    values: Vec<BrokerValue<'a>>,
}

/// The value of a field in the file of a broker.
#[derive(Serialize, ToSchema)]
pub(crate) struct BrokerValue<'a> {
    #[schema(value_type = Broker)]
    broker_id: &'static str,
    /// The value as text. Amounts are in rupees.
    value: &'a str,
}

/// Returns the broker of each field that the response contains and that has a value.
pub(super) fn sources(instrument: &Instrument<'_>) -> BTreeMap<&'static str, &'static str> {
    let fields = [
        (Field::Name, !instrument.name().is_empty()),
        (Field::Isin, instrument.isin().is_some()),
        (Field::Underlying, instrument.underlying().is_some()),
        (Field::Expiry, instrument.expiry().is_some()),
        (Field::Strike, instrument.strike().is_some()),
        (Field::LotSize, instrument.lot_size() != 0),
        (Field::TickSize, instrument.tick_size() != Amount::ZERO),
    ];
    let source = |(field, has_value): (Field, bool)| {
        let broker = instrument.source(field).filter(|_| has_value)?;
        Some((field.as_str(), broker.as_str()))
    };
    fields.into_iter().filter_map(source).collect()
}

pub(super) fn contradictions<'a>(catalogue: &'a Catalogue, instrument: &Instrument<'a>) -> Vec<ContradictionEntry<'a>> {
    let entry = |contradiction: &'a Contradiction| ContradictionEntry {
        field: contradiction.field.as_str(),
        values: contradiction
            .values
            .iter()
            .map(|(broker, value)| BrokerValue { broker_id: broker.as_str(), value })
            .collect(),
    };
    catalogue.contradictions_of(instrument.key()).iter().map(entry).collect()
}
