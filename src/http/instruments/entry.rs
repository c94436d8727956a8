//! An instrument as callers see it.

use registry_planning::catalogue::Instrument;
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::{InstrumentType, format_time};
use serde::Serialize;
use utoipa::ToSchema;

/// An instrument. A property that it does not have is null.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstrumentEntry<'a> {
    /// The key of the instrument: `EXCHANGE:SYMBOL`.
    instrument_key: &'a str,
    /// The part of the key after the colon.
    symbol: &'a str,
    /// The name of the instrument. It may be empty.
    name: &'a str,
    /// The part of the key before the colon.
    #[schema(value_type = registry_planning::vocabulary::Exchange)]
    exchange: &'static str,
    /// The segment. Tokens of brokers are unique within a segment.
    #[schema(value_type = registry_planning::vocabulary::Segment)]
    segment: &'static str,
    /// The type of the instrument.
    #[schema(value_type = registry_planning::vocabulary::InstrumentType)]
    instrument_type: &'static str,
    /// The ISIN, if known.
    #[schema(required)]
    isin: Option<&'a str>,
    /// The symbol of the underlying, if the instrument is a contract.
    #[schema(required)]
    underlying_symbol: Option<&'a str>,
    /// The strike of an option, in rupees.
    #[schema(value_type = Option<f64>, required)]
    strike: Option<Amount>,
    /// The last trading date of a contract.
    #[schema(required)]
    expiry: Option<chrono::NaiveDate>,
    /// The number of units in a lot; 0 for an index, and if no broker's file has it.
    lot_size: u32,
    /// The smallest price step in rupees; 0 for an index.
    #[schema(value_type = f64)]
    tick_size: Amount,
    /// Whether the instrument is in the last accepted file of a broker.
    is_active: bool,
    /// Whether the instrument is an index.
    is_index: bool,
    /// The time of the last load whose file contained the instrument, if known.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_updated: Option<String>,
}

impl<'a> InstrumentEntry<'a> {
    pub(crate) fn of(instrument: &Instrument<'a>) -> Self {
        InstrumentEntry {
            instrument_key: instrument.key(),
            symbol: instrument.symbol(),
            name: instrument.name(),
            exchange: instrument.exchange().as_str(),
            segment: instrument.segment().as_str(),
            instrument_type: instrument.class().as_str(),
            isin: instrument.isin(),
            underlying_symbol: instrument.underlying(),
            strike: instrument.strike(),
            expiry: instrument.expiry(),
            lot_size: instrument.lot_size(),
            tick_size: instrument.tick_size(),
            is_active: instrument.is_active(),
            is_index: instrument.class() == InstrumentType::Index,
            last_updated: instrument.last_updated().map(format_time),
        }
    }
}
