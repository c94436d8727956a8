//! Whether a feed can stream an instrument.

use chrono::NaiveDate;

use super::{Catalogue, InstrumentId};
use crate::vocabulary::Broker;

/// Whether a feed can stream a key, in ascending worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Availability {
    /// The catalog does not contain the key.
    Unknown,
    /// The instrument is inactive, expired, or not listed by the requested broker.
    Dead,
    /// The instrument is active, not expired, and listed by the requested broker.
    Streamable,
}

impl Availability {
    /// Returns the availability of an instrument on a trading date at a broker; if no broker is given, at any of them.
    pub(crate) fn of(
        id: Option<InstrumentId>,
        catalogue: &Catalogue,
        broker: Option<Broker>,
        as_of: NaiveDate,
    ) -> Availability {
        let Some(id) = id else { return Availability::Unknown };
        let instrument = catalogue.get(id);
        let is_alive = instrument.is_active() && !instrument.is_expired_on(as_of);
        if is_alive && broker.is_none_or(|broker| catalogue.is_listed_by(broker, id)) {
            Availability::Streamable
        } else {
            Availability::Dead
        }
    }
}
