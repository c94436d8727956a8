//! Explains keys of contracts: another notation, a strike or an expiry that is not listed, an expiry that has passed,
//! an underlying with a typing error.

use chrono::{Datelike, NaiveDate};

use super::written::{Reading, When, kite, readings};
use super::{Help, SUGGESTIONS_MAX, and};
use crate::catalogue::search::Expiry;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::dump::symbol::{Contract, Cycle, of_derivative};
use crate::instrument::Amount;
use crate::vocabulary::{Exchange, InstrumentType};

/// Describes the fault in the symbol of a contract; `None` if it is not the symbol of a contract.
pub(super) fn explain(catalogue: &Catalogue, exchange: Exchange, symbol: &str, as_of: NaiveDate) -> Option<Help> {
    let known = catalogue.underlying_of_symbol(exchange, symbol).and_then(|underlying| {
        let contracts = Contracts { catalogue, exchange, underlying };
        contracts.explain(&readings(&symbol[underlying.len()..], as_of), as_of)
    });
    known.or_else(|| mistyped(catalogue, exchange, symbol, as_of))
}

/// Describes the next expiry of a contract, with the key of that contract.
pub(super) fn next(catalogue: &Catalogue, id: InstrumentId, as_of: NaiveDate) -> Option<Help> {
    let instrument = catalogue.get(id);
    let strike = instrument.strike();
    let contract = match instrument.class() {
        InstrumentType::Future => Contract::Future,
        InstrumentType::Call => Contract::Call(strike?),
        InstrumentType::Put => Contract::Put(strike?),
        _ => return None,
    };
    let contracts = Contracts { catalogue, exchange: instrument.exchange(), underlying: instrument.underlying()? };
    let expiry = contracts.expiries(contract).into_iter().find(|expiry| *expiry >= as_of)?;
    let suggestions = contracts.at(expiry, contract);
    Some(Help::new(format!("the next expiry is {expiry}"), suggestions))
}

/// Describes a contract in Kite's notation whose underlying is similar to an existing one.
fn mistyped(catalogue: &Catalogue, exchange: Exchange, symbol: &str, as_of: NaiveDate) -> Option<Help> {
    let splits = symbol.char_indices().skip(1).map(|(at, _)| symbol.split_at(at));
    let (written, rest) = splits.into_iter().find(|(_, rest)| kite(rest).is_some())?;
    let reading = kite(rest)?;
    let is_traded = |underlying: &&str| !catalogue.expiries_of(exchange, underlying).is_empty();
    let near: Vec<&str> = catalogue.nearest_underlyings(written).into_iter().filter(is_traded).collect();
    let nearest = *near.first()?;
    let mut suggestions = Vec::new();
    for underlying in near.into_iter().take(SUGGESTIONS_MAX) {
        let key = format!("{exchange}:{underlying}{rest}");
        if catalogue.find(&key).is_some() {
            suggestions.push(key);
        }
    }
    if suggestions.is_empty() {
        let contracts = Contracts { catalogue, exchange, underlying: nearest };
        suggestions = contracts.explain(&[reading], as_of).map(|help| help.suggestions).unwrap_or_default();
    }
    // A correct underlying reaches this point if nothing can be suggested.
    let detail = match nearest == written {
        true => format!("all contracts of `{written}` on {exchange} have expired"),
        false => format!("{exchange} has no contracts of `{written}`; nearest: `{nearest}`"),
    };
    Some(Help::new(detail, suggestions))
}

/// The contracts of one underlying on one exchange.
struct Contracts<'a> {
    catalogue: &'a Catalogue,
    exchange: Exchange,
    underlying: &'a str,
}

impl Contracts<'_> {
    /// Describes the fault in a symbol that has these readings and that the catalog does not contain.
    fn explain(&self, readings: &[Reading], as_of: NaiveDate) -> Option<Help> {
        if let Some(help) = readings.iter().find_map(|reading| self.other_notation(reading)) {
            return Some(help);
        }
        let mut unlisted = readings.iter().filter_map(|reading| self.other_strike(reading));
        unlisted.next().or_else(|| self.other_expiry(readings.first()?, as_of))
    }

    /// Returns the expiries of contracts of this kind, ascending.
    fn expiries(&self, contract: Contract) -> Vec<NaiveDate> {
        let expiries = self.catalogue.expiries_of(self.exchange, self.underlying).into_iter();
        let has = |expiry: &Expiry| match contract {
            Contract::Future => expiry.has_futures,
            Contract::Call(_) | Contract::Put(_) => expiry.has_options,
        };
        expiries.filter(has).map(|expiry| expiry.date).collect()
    }

    /// Returns the expiries that may be meant, the most likely first: the last one of a month is named after the month.
    fn expiries_meant(&self, reading: &Reading) -> Vec<NaiveDate> {
        let mut expiries = self.expiries(reading.contract);
        match reading.when {
            When::Day(day) => expiries.retain(|expiry| *expiry == day),
            When::Month(year, month) => {
                expiries.retain(|expiry| (expiry.year(), expiry.month()) == (year, month));
                expiries.reverse();
            }
            When::Unspecified => expiries.clear(),
        }
        expiries
    }

    /// Returns the key of an existing contract and the notation of its expiry.
    fn listed(&self, expiry: NaiveDate, contract: Contract) -> Option<(String, Cycle)> {
        let keys = [Cycle::Weekly, Cycle::Monthly].map(|cycle| {
            let symbol = of_derivative(self.underlying, expiry, cycle, contract);
            (format!("{}:{symbol}", self.exchange), cycle)
        });
        keys.into_iter().find(|(key, _)| self.catalogue.find(key).is_some())
    }

    /// Explains that the contract exists, but that its symbol is written in another way.
    fn other_notation(&self, reading: &Reading) -> Option<Help> {
        let expiries = self.expiries_meant(reading);
        let (key, cycle) = expiries.iter().find_map(|expiry| self.listed(*expiry, reading.contract))?;
        let form = match (reading.contract, cycle) {
            (Contract::Future, _) => "the key of the future is",
            (_, Cycle::Weekly) => "the key of the weekly contract is",
            (_, Cycle::Monthly) => "the key of the monthly contract is",
        };
        Some(Help::new(format!("{form} `{key}`"), vec![key]))
    }

    /// Explains that options with that expiry exist, but not with that strike.
    fn other_strike(&self, reading: &Reading) -> Option<Help> {
        let strike = reading.contract.strike()?;
        let expiry = self.expiries_meant(reading).into_iter().next()?;
        let nearest = self.nearest_strikes(expiry, reading.contract);
        if nearest.is_empty() {
            return None;
        }
        let strikes: Vec<String> = nearest.iter().map(|(strike, _)| strike.to_string()).collect();
        Some(Help::new(
            format!("strike {strike} is not listed for {expiry}; nearest: {}", and(&strikes)),
            nearest.into_iter().map(|(_, key)| key).collect(),
        ))
    }

    /// Explains that no contract expires on that day, or that the expiry has passed.
    fn other_expiry(&self, reading: &Reading, as_of: NaiveDate) -> Option<Help> {
        let expiries = self.expiries(reading.contract);
        let coming: Vec<NaiveDate> = expiries.into_iter().filter(|expiry| *expiry >= as_of).collect();
        let next = *coming.first()?;
        let (what, expiry) = match reading.when {
            When::Unspecified => ("the expiry is missing".to_owned(), next),
            When::Day(day) if day < as_of => (format!("expired on {day}"), next),
            When::Month(year, month) if (year, month) < (as_of.year(), as_of.month()) => {
                (format!("expired in {year}-{month:02}"), next)
            }
            When::Day(day) => {
                (format!("no matching contract of {} expires on {day}", self.underlying), nearest_to(day, &coming)?)
            }
            When::Month(year, month) => {
                let middle = NaiveDate::from_ymd_opt(year, month, 15)?;
                let what = format!("no matching contract of {} expires in {year}-{month:02}", self.underlying);
                (what, nearest_to(middle, &coming)?)
            }
        };
        let which = if expiry == next { "next" } else { "nearest" };
        Some(Help::new(format!("{what}; the {which} expiry is {expiry}"), self.at(expiry, reading.contract)))
    }

    /// Returns the contract at another expiry, or the contracts with the nearest strikes.
    fn at(&self, expiry: NaiveDate, contract: Contract) -> Vec<String> {
        match self.listed(expiry, contract) {
            Some((key, _)) => vec![key],
            None => self.nearest_strikes(expiry, contract).into_iter().map(|(_, key)| key).collect(),
        }
    }

    /// Returns the next lower and the next higher strike, with their keys; if one side has none, the next two of the
    /// other side.
    fn nearest_strikes(&self, expiry: NaiveDate, contract: Contract) -> Vec<(Amount, String)> {
        let Some(wanted) = contract.strike() else { return Vec::new() };
        let mut strikes: Vec<(Amount, InstrumentId)> = [Cycle::Weekly, Cycle::Monthly]
            .into_iter()
            .flat_map(|cycle| {
                // Symbols of one expiry have a common prefix: the symbol of a future without its last three letters.
                let future = of_derivative(self.underlying, expiry, cycle, Contract::Future);
                self.catalogue.with_prefix(self.exchange, future.trim_end_matches("FUT"))
            })
            .filter_map(|id| {
                let instrument = self.catalogue.get(id);
                let is_same = instrument.expiry() == Some(expiry)
                    && instrument.class() == contract.class()
                    && instrument.underlying() == Some(self.underlying);
                is_same.then_some((instrument.strike()?, id))
            })
            .collect();
        strikes.sort_unstable();
        let above = strikes.partition_point(|(strike, _)| *strike < wanted);
        let start = above.saturating_sub(1).min(strikes.len().saturating_sub(2));
        let nearest = strikes.into_iter().skip(start).take(2);
        nearest.map(|(strike, id)| (strike, self.catalogue.key(id).to_owned())).collect()
    }
}

/// Returns the nearest expiry; of two that are equally near, the earlier one.
fn nearest_to(day: NaiveDate, expiries: &[NaiveDate]) -> Option<NaiveDate> {
    expiries.iter().copied().min_by_key(|expiry| (*expiry - day).num_days().abs())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::testing::demo_catalogue;

    /// The demonstration catalog of 24 November 2026, a Tuesday: NIFTY expires on that day, on 1, 8, 15 and 29
    /// December, and at the ends of January and so on.
    static DEMO: LazyLock<Catalogue> = LazyLock::new(demo_catalogue);

    fn help_for(key: &str) -> (String, Vec<String>) {
        let (exchange, symbol) = key.split_once(':').unwrap();
        let exchange = Exchange::parse(exchange).unwrap();
        assert_eq!(DEMO.find(key), None, "{key} is listed");
        let help = explain(&DEMO, exchange, symbol, "2026-11-24".parse().unwrap());
        help.map_or_else(Default::default, |help| (help.detail, help.suggestions))
    }

    fn expected_help(detail: &str, suggestions: &[&str]) -> (String, Vec<String>) {
        (detail.to_owned(), suggestions.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn another_notation_is_translated() {
        let weekly =
            expected_help("the key of the weekly contract is `NFO:NIFTY26D0125000CE`", &["NFO:NIFTY26D0125000CE"]);
        for written in ["NIFTY01DEC2625000CE", "NIFTY1DEC25000CE", "NIFTY 25000 CE 01 DEC 26", "NIFTY-01Dec26-25000-CE"]
        {
            assert_eq!(help_for(&format!("NFO:{written}")), weekly, "{written}");
        }
        let monthly =
            expected_help("the key of the monthly contract is `NFO:NIFTY26DEC25000PE`", &["NFO:NIFTY26DEC25000PE"]);
        assert_eq!(help_for("NFO:NIFTY26D2925000PE"), monthly);
        assert_eq!(help_for("NFO:NIFTY29DEC2625000PE"), monthly);
        let future = expected_help("the key of the future is `NFO:TCS26DECFUT`", &["NFO:TCS26DECFUT"]);
        assert_eq!(help_for("NFO:TCS FUT 29 DEC 26"), future);
        assert_eq!(help_for("NFO:TCS29DEC26FUT"), future);
    }

    #[test]
    fn the_nearest_strikes_are_suggested() {
        assert_eq!(
            help_for("NFO:NIFTY26D0125010CE"),
            expected_help(
                "strike 25010 is not listed for 2026-12-01; nearest: 25000 and 25050",
                &["NFO:NIFTY26D0125000CE", "NFO:NIFTY26D0125050CE"]
            )
        );
        assert_eq!(
            help_for("NFO:NIFTY26DEC99000PE"),
            expected_help(
                "strike 99000 is not listed for 2026-12-29; nearest: 26950 and 27000",
                &["NFO:NIFTY26DEC26950PE", "NFO:NIFTY26DEC27000PE"]
            )
        );
        assert_eq!(help_for("BFO:SENSEX26D031CE").1, ["BFO:SENSEX26D0378000CE", "BFO:SENSEX26D0378100CE"]);
    }

    #[test]
    fn the_next_expiry_is_suggested() {
        assert_eq!(
            help_for("NFO:NIFTY2681825000CE"),
            expected_help("expired on 2026-08-18; the next expiry is 2026-11-24", &["NFO:NIFTY26NOV25000CE"])
        );
        assert_eq!(
            help_for("NFO:TCS26OCTFUT"),
            expected_help("expired in 2026-10; the next expiry is 2026-11-24", &["NFO:TCS26NOVFUT"])
        );
        assert_eq!(
            help_for("NFO:NIFTY26D0325000CE"),
            expected_help(
                "no matching contract of NIFTY expires on 2026-12-03; the nearest expiry is 2026-12-01",
                &["NFO:NIFTY26D0125000CE"]
            )
        );
        assert_eq!(
            help_for("NFO:TCS27AUGFUT").0,
            "no matching contract of TCS expires in 2027-08; the nearest expiry is 2027-01-26"
        );
        assert_eq!(
            help_for("NFO:NIFTY25000CE"),
            expected_help("the expiry is missing; the next expiry is 2026-11-24", &["NFO:NIFTY26NOV25000CE"])
        );
    }

    #[test]
    fn a_mistyped_underlying_is_corrected() {
        assert_eq!(
            help_for("NFO:NIFTTY26DECFUT"),
            expected_help("NFO has no contracts of `NIFTTY`; nearest: `NIFTY`", &["NFO:NIFTY26DECFUT"])
        );
        assert_eq!(
            help_for("NFO:RELAINCE26OCTFUT"),
            expected_help("NFO has no contracts of `RELAINCE`; nearest: `RELIANCE`", &["NFO:RELIANCE26NOVFUT"])
        );
        assert_eq!(help_for("NFO:QWERTYUIO26DECFUT"), expected_help("", &[]));
        let later = "2030-01-01".parse().unwrap();
        let help = mistyped(&demo_catalogue(), Exchange::Nfo, "NIFTY30JANFUT", later).unwrap();
        assert_eq!(help.detail, "all contracts of `NIFTY` on NFO have expired");
        assert_eq!(help_for("NFO:NIFTYXYZ"), expected_help("", &[]));
    }
}
