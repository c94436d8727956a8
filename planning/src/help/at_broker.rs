//! Suggests instruments of a broker instead of one that it does not list.

use chrono::NaiveDate;

use super::Help;
use crate::catalogue::{Catalogue, Instrument, InstrumentId};
use crate::dump::symbol::{Contract, Cycle, of_derivative};
use crate::vocabulary::{Broker, InstrumentType};

/// The maximum number of suggestions: the nearest contracts on both sides.
const NEAREST_MAX: usize = 2;

/// The maximum number of contracts that are compared for one key. The longest chain of one expiry has about 500
/// contracts, so that this is enough for the nearest expiries, and all explained keys of a request together take a few
/// milliseconds.
const CANDIDATES_MAX: usize = 2000;

/// Describes the instruments that a broker lists instead of another one: the same security on another exchange or in
/// another series, or the nearest contracts of the same underlying.
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
    let exchange = instrument.exchange();
    let days = |other: &NaiveDate| (*other - expiry).num_days().abs();
    let strike = |of: &Instrument<'_>| of.strike().map_or(0, |strike| strike.ten_thousandths());
    let wanted = strike(instrument);
    let mut expiries: Vec<NaiveDate> =
        catalogue.expiries_of(exchange, underlying).into_iter().map(|expiry| expiry.date).collect();
    expiries.sort_by_key(days);

    let mut left = CANDIDATES_MAX;
    let mut nearest: Vec<Instrument<'a>> = Vec::new();
    for equally_near in expiries.chunk_by(|a, b| days(a) == days(b)) {
        let prefixes = equally_near.iter().flat_map(|expiry| prefixes(underlying, *expiry, instrument.class()));
        let candidates = prefixes.flat_map(|prefix| catalogue.with_prefix(exchange, &prefix)).take(left);
        let candidates: Vec<InstrumentId> = candidates.collect();
        left -= candidates.len();
        let is_like = |other: &Instrument<'_>| {
            other.underlying() == Some(underlying)
                && other.class() == instrument.class()
                && other.expiry().is_some_and(|other| equally_near.contains(&other))
        };
        let mut found: Vec<Instrument<'a>> = candidates.into_iter().map(|id| catalogue.get(id)).collect();
        found.retain(|other| is_like(other) && is_usable(other));
        found.sort_by_cached_key(|other| ((strike(other) - wanted).abs(), other.id()));
        nearest.extend(found);
        if nearest.len() >= NEAREST_MAX || left == 0 {
            break;
        }
    }
    nearest.truncate(NEAREST_MAX);
    nearest
}

/// Returns the prefixes of the symbols of the contracts of an expiry: without a strike, in both notations of the
/// expiry.
fn prefixes(underlying: &str, expiry: NaiveDate, class: InstrumentType) -> [String; 2] {
    [Cycle::Weekly, Cycle::Monthly].map(|cycle| {
        let future = of_derivative(underlying, expiry, cycle, Contract::Future);
        match class {
            InstrumentType::Future => future,
            _ => future.trim_end_matches("FUT").to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::dump::Row;
    use crate::instrument::Amount;
    use crate::testing::future;

    const NOVEMBER: &str = "2026-11-24";
    const DECEMBER: &str = "2026-12-29";

    fn call(underlying: &str, month: &str, expiry: &str, strike: usize) -> Row {
        let mut row = future(underlying, &format!("{underlying}{month}{strike}CE"), expiry);
        row.class = InstrumentType::Call;
        row.strike = Amount::parse(&strike.to_string());
        row
    }

    /// Adds contracts, each with whether Kite lists it.
    fn add(builder: &mut Builder, rows: impl IntoIterator<Item = (Row, bool)>) {
        for (number, (row, is_listed)) in rows.into_iter().enumerate() {
            let key = format!("{}:{}", row.exchange, row.symbol);
            let token = format!("{}{number}", row.symbol);
            builder.add(row, true);
            if is_listed {
                builder.add_token(Broker::Kite, key, &token);
            }
        }
    }

    fn suggestions(builder: Builder, key: &str) -> Vec<String> {
        let catalogue = builder.build("1".into(), vec![]);
        let id = catalogue.find(key).unwrap();
        let help = nearest(&catalogue, id, Broker::Kite, "2026-11-01".parse().unwrap());
        help.map_or_else(Vec::new, |help| help.suggestions)
    }

    #[test]
    fn the_nearest_expiry_precedes_the_nearest_strike() {
        let mut builder = Builder::new();
        let november = [100, 150, 200, 400].map(|strike| (call("NIFTY", "26NOV", NOVEMBER, strike), strike != 200));
        let december = [190, 210].map(|strike| (call("NIFTY", "26DEC", DECEMBER, strike), true));
        add(&mut builder, november.into_iter().chain(december));
        add(&mut builder, [(call("NIFTYNXT50", "26NOV", NOVEMBER, 200), true)]);

        assert_eq!(suggestions(builder, "NFO:NIFTY26NOV200CE"), ["NFO:NIFTY26NOV150CE", "NFO:NIFTY26NOV100CE"]);
    }

    #[test]
    fn a_later_expiry_fills_up_the_suggestions() {
        let mut builder = Builder::new();
        let november = [100, 200].map(|strike| (call("NIFTY", "26NOV", NOVEMBER, strike), strike != 200));
        let december = [150, 210].map(|strike| (call("NIFTY", "26DEC", DECEMBER, strike), true));
        add(&mut builder, november.into_iter().chain(december));

        assert_eq!(suggestions(builder, "NFO:NIFTY26NOV200CE"), ["NFO:NIFTY26NOV100CE", "NFO:NIFTY26DEC210CE"]);
    }

    #[test]
    fn strikes_decide_between_equally_near_expiries() {
        let mut builder = Builder::new();
        let earlier = call("NIFTY", "26N17", "2026-11-17", 300);
        let later = call("NIFTY", "26D01", "2026-12-01", 210);
        add(&mut builder, [(call("NIFTY", "26NOV", NOVEMBER, 200), false), (earlier, true), (later, true)]);

        assert_eq!(suggestions(builder, "NFO:NIFTY26NOV200CE"), ["NFO:NIFTY26D01210CE", "NFO:NIFTY26N17300CE"]);
    }

    #[test]
    fn a_long_chain_does_not_exceed_the_budget() {
        let with_chain = |count: usize| {
            let mut builder = Builder::new();
            add(&mut builder, (1..=count).map(|strike| (call("NIFTY", "26NOV", NOVEMBER, strike), false)));
            add(&mut builder, [(call("NIFTY", "26DEC", DECEMBER, 1), true)]);
            suggestions(builder, "NFO:NIFTY26NOV1CE")
        };

        assert_eq!(with_chain(CANDIDATES_MAX - 1), ["NFO:NIFTY26DEC1CE"]);
        assert_eq!(with_chain(CANDIDATES_MAX), [""; 0]);
    }
}
