//! Finds the instruments that a broker lists and that are nearest to one that it does not list.

use chrono::NaiveDate;

use super::Help;
use crate::catalogue::{Catalogue, Instrument, InstrumentId};
use crate::vocabulary::Broker;

/// The maximum number of suggestions: the nearest contracts on both sides.
const NEAREST_MAX: usize = 2;

/// Describes the instruments that a broker lists instead of another one: the same security on another exchange or in another
/// series, or the nearest contracts of the same underlying.
pub(super) fn nearest(catalogue: &Catalogue, id: InstrumentId, broker: Broker, as_of: NaiveDate) -> Option<Help> {
    let instrument = catalogue.get(catalogue.target(id));
    let is_usable = |other: &Instrument<'_>| {
        other.id() != instrument.id()
            && other.is_active()
            && !other.is_alias()
            && !other.is_expired_on(as_of)
            && other.token(broker).is_some()
    };
    match (instrument.underlying(), instrument.expiry()) {
        (Some(underlying), Some(expiry)) => {
            let nearest = nearest_contracts(catalogue, &instrument, underlying, expiry, is_usable);
            help(&nearest, |key| format!("the nearest contract that it lists is `{key}`"))
        }
        _ => {
            let of_isin = instrument.isin().map(|isin| catalogue.with_isin(isin)).unwrap_or_default();
            let mut listings: Vec<Instrument<'_>> =
                of_isin.into_iter().map(|id| catalogue.get(id)).filter(is_usable).collect();
            listings.sort_by_key(|other| (other.series() != instrument.series(), other.id()));
            listings.truncate(NEAREST_MAX);
            help(&listings, |key| format!("it lists the same security as `{key}`"))
        }
    }
}

fn help(nearest: &[Instrument<'_>], detail: impl Fn(&str) -> String) -> Option<Help> {
    let first = nearest.first()?;
    Some(Help::new(detail(first.key()), nearest.iter().map(|other| other.key().to_owned()).collect()))
}

/// Returns the contracts of the same type and underlying with the nearest expiry, then with the nearest strikes.
fn nearest_contracts<'a>(
    catalogue: &'a Catalogue,
    instrument: &Instrument<'_>,
    underlying: &str,
    expiry: NaiveDate,
    is_usable: impl Fn(&Instrument<'_>) -> bool,
) -> Vec<Instrument<'a>> {
    let strike = |of: &Instrument<'_>| of.strike().map_or(0, |strike| strike.ten_thousandths());
    let wanted = strike(instrument);
    let distance = |other: &Instrument<'_>| {
        let days = other.expiry().map_or(i64::MAX, |other| (other - expiry).num_days().abs());
        (days, (strike(other) - wanted).abs(), other.id())
    };
    let mut contracts: Vec<Instrument<'a>> = catalogue
        .with_prefix(instrument.exchange(), underlying)
        .map(|id| catalogue.get(id))
        .filter(|other| other.underlying() == Some(underlying) && other.class() == instrument.class())
        .filter(is_usable)
        .collect();
    contracts.sort_by_cached_key(distance);
    contracts.truncate(NEAREST_MAX);
    contracts
}
