//! Instruments by what they are, rather than by their keys: a chain of options, the futures of an index.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Deserialize;

use super::Filters;
use super::bits::Bits;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::instrument::{Amount, Class, Exchange, KEY_CHARACTERS_MAX};
use crate::keys::KeyList;

/// Most selectors of one request.
pub const SELECTORS_MAX: usize = 20;
/// Most instruments that selectors, and what stands beside them, come to.
pub const SELECTED_MAX: usize = 5000;
/// Most expiries that one may ask for.
const EXPIRIES_MAX: u32 = 100;

/// Names instruments by what they are: such as are active and not expired, and are all that it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Selector {
    /// Symbol of what a contract refers to, and of the share or index itself.
    pub underlying: Option<String>,
    /// On one of these exchanges.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub exchanges: Vec<Exchange>,
    /// Of one of these types: `INDEX`, `EQ`, `FUT`, `CE`, `PE`, `FUND`, `COM`, `DEBT`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub instrument_types: Vec<Class>,
    /// The nearest so many expiries: of futures and of options each, on each exchange. What has no expiry stays.
    pub expiries: Option<u32>,
    /// The lowest strike, rupees; with it or its counterpart what has no strike is left out.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub min_strike: Option<Amount>,
    /// The highest strike, rupees.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub max_strike: Option<Amount>,
    /// At most so many instruments, the nearest expiries first.
    pub limit: Option<u32>,
}

impl Selector {
    /// Reads a list of selectors.
    ///
    /// # Errors
    /// Where in the list something is wrong, and what.
    pub fn read_all(list: &serde_json::Value) -> Result<Vec<Selector>, (String, String)> {
        let Some(items) = list.as_array() else {
            return Err((String::new(), "must be a list of selectors".to_owned()));
        };
        if !(1..=SELECTORS_MAX).contains(&items.len()) {
            return Err((String::new(), format!("has {} items; allowed: 1 to {SELECTORS_MAX}", items.len())));
        }
        let read = |(at, item): (usize, &serde_json::Value)| {
            let selector = Selector::deserialize(item).map_err(|fault| fault.to_string());
            selector.and_then(Selector::checked).map_err(|fault| (format!("/{at}"), fault))
        };
        items.iter().enumerate().map(read).collect()
    }

    fn checked(self) -> Result<Self, String> {
        if self.underlying.is_none() && self.exchanges.is_empty() && self.instrument_types.is_empty() {
            return Err("must name an underlying, exchanges or instrument_types".to_owned());
        }
        if let Some(underlying) = &self.underlying
            && !(1..=KEY_CHARACTERS_MAX).contains(&underlying.chars().count())
        {
            return Err(format!("underlying must have 1 to {KEY_CHARACTERS_MAX} characters"));
        }
        let numbers = [("expiries", self.expiries, EXPIRIES_MAX), ("limit", self.limit, SELECTED_MAX as u32)];
        for (name, number, max) in numbers {
            if let Some(number) = number.filter(|number| !(1..=max).contains(number)) {
                return Err(format!("{name} is {number}; allowed: a whole number from 1 to {max}"));
            }
        }
        match (self.min_strike, self.max_strike) {
            (Some(min), Some(max)) if min > max => Err(format!("min_strike is {min}, more than max_strike, {max}")),
            _ => Ok(self),
        }
    }

    fn has_strike(&self, strike: Option<Amount>) -> bool {
        if self.min_strike.is_none() && self.max_strike.is_none() {
            return true;
        }
        let Some(strike) = strike else { return false };
        self.min_strike.is_none_or(|min| min <= strike) && self.max_strike.is_none_or(|max| strike <= max)
    }
}

/// What selectors came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// The keys that stood before, and after them those that the selectors add, each once.
    pub keys: KeyList,
    /// What the caller should know: which selector names nothing, and how much was left out.
    pub warnings: Vec<String>,
}

impl Catalogue {
    /// The instruments that a selector names: those without expiry first, then the nearest expiry first, then by key.
    pub fn select(&self, selector: &Selector, as_of: NaiveDate) -> Vec<InstrumentId> {
        let filters = Filters {
            exchanges: selector.exchanges.clone(),
            classes: selector.instrument_types.clone(),
            is_active: Some(true),
            ..Filters::default()
        };
        let mut passing = self.index.passing(self, &filters);
        if let Some(underlying) = &selector.underlying {
            passing.retain_in(&self.of_underlying(underlying));
        }
        let ids = passing.iter().map(InstrumentId);
        let mut found: Vec<(Option<NaiveDate>, InstrumentId)> = ids
            .map(|id| (self.get(id), id))
            .filter(|(instrument, _)| !instrument.is_expired_on(as_of) && selector.has_strike(instrument.strike()))
            .map(|(instrument, id)| (instrument.expiry(), id))
            .collect();
        if let Some(expiries) = selector.expiries {
            self.retain_nearest(&mut found, expiries as usize);
        }
        // Ids are numbered in the order of keys.
        found.sort_unstable();
        found.truncate(selector.limit.map_or(usize::MAX, |limit| limit as usize));
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// The keys, and after them those of the selectors that are not among them, [`SELECTED_MAX`] together at most.
    pub fn select_all(&self, keys: &KeyList, selectors: &[Selector], as_of: NaiveDate) -> Selected {
        let mut selected = Selected { keys: keys.clone(), warnings: Vec::new() };
        let mut seen: BTreeSet<InstrumentId> = keys.iter().filter_map(|key| self.find(key)).collect();
        let mut left_out = 0;
        for (at, selector) in selectors.iter().enumerate() {
            let found = self.select(selector, as_of);
            if found.is_empty() {
                selected.warnings.push(format!("selector {at} names no instrument of the catalogue"));
            }
            for id in found.into_iter().filter(|id| seen.insert(*id)) {
                if selected.keys.len() < SELECTED_MAX {
                    selected.keys.push(self.key(id));
                } else {
                    left_out += 1;
                }
            }
        }
        if left_out > 0 {
            let warning = format!(
                "the selectors name {left_out} instruments beyond {SELECTED_MAX}, which are not gone into: narrow them"
            );
            selected.warnings.push(warning);
        }
        selected
    }

    fn of_underlying(&self, underlying: &str) -> Bits {
        let mut found = Bits::new(self.len());
        if let Some(index) = self.index.underlyings.find(underlying) {
            self.index.underlyings.insert(index, &mut found);
        }
        for exchange in Exchange::ALL {
            if let Some(id) = self.find(&format!("{exchange}:{underlying}")) {
                found.insert(self.target(id).0);
            }
        }
        found
    }

    /// Keeps the nearest expiries of each exchange and underlying, of futures and of options each.
    fn retain_nearest(&self, found: &mut Vec<(Option<NaiveDate>, InstrumentId)>, expiries: usize) {
        let chain_of = |id: InstrumentId| {
            let instrument = self.get(id);
            (instrument.exchange(), instrument.underlying(), instrument.class() == Class::Future)
        };
        let mut dates: BTreeMap<_, BTreeSet<NaiveDate>> = BTreeMap::new();
        for (expiry, id) in found.iter() {
            dates.entry(chain_of(*id)).or_default().extend(*expiry);
        }
        let last: BTreeMap<_, NaiveDate> = dates
            .into_iter()
            .filter_map(|(chain, dates)| Some((chain, dates.into_iter().take(expiries).next_back()?)))
            .collect();
        found.retain(|(expiry, id)| {
            expiry.is_none_or(|expiry| last.get(&chain_of(*id)).is_some_and(|last| expiry <= *last))
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::Builder;
    use crate::dump::Row;
    use crate::testing::{equity, future, index};

    fn option(symbol: &str, expiry: &str, strike: &str) -> Row {
        let mut row = future("NIFTY", symbol, expiry);
        row.class = if symbol.ends_with("CE") { Class::Call } else { Class::Put };
        row.strike = Amount::parse(strike);
        row
    }

    fn catalogue() -> Catalogue {
        let mut builder = Builder::new();
        builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add(equity("NSE", "GONE", "INE000A01011"), false);
        builder.add(future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"), true);
        builder.add(future("NIFTY", "NIFTY26SEPFUT", "2026-09-29"), true);
        builder.add(future("NIFTY", "NIFTY26JULFUT", "2026-07-28"), true);
        for (expiry, date) in [("26804", "2026-08-04"), ("26811", "2026-08-11")] {
            for strike in ["24000", "24500", "25000"] {
                for kind in ["CE", "PE"] {
                    builder.add(option(&format!("NIFTY{expiry}{strike}{kind}"), date, strike), true);
                }
            }
        }
        builder.build("1".into(), vec![])
    }

    fn selected(selector: &serde_json::Value) -> Vec<String> {
        let catalogue = catalogue();
        let selectors = Selector::read_all(&json!([selector])).unwrap();
        let found = catalogue.select(&selectors[0], "2026-08-03".parse().unwrap());
        found.into_iter().map(|id| catalogue.key(id).to_owned()).collect()
    }

    #[test]
    fn an_underlying_names_itself_and_its_contracts_that_live() {
        let all = selected(&json!({"underlying": "NIFTY"}));

        assert_eq!(all.len(), 1 + 12 + 2);
        assert_eq!(&all[..2], ["NSE:NIFTY 50", "NFO:NIFTY2680424000CE"]);
        assert_eq!(all.last().unwrap(), "NFO:NIFTY26SEPFUT");
        assert!(!all.contains(&"NFO:NIFTY26JULFUT".to_owned()));
    }

    #[test]
    fn expiries_are_counted_of_futures_and_of_options_each() {
        let nearest = selected(&json!({"underlying": "NIFTY", "expiries": 1, "exchanges": ["NFO"]}));

        assert_eq!(nearest.len(), 6 + 1);
        assert_eq!(nearest.last().unwrap(), "NFO:NIFTY26AUGFUT");
        assert_eq!(selected(&json!({"underlying": "NIFTY", "expiries": 2, "instrument_types": ["CE"]})).len(), 6);
    }

    #[test]
    fn strikes_types_and_a_limit_narrow_it() {
        let between = json!({"underlying": "NIFTY", "min_strike": 24500, "max_strike": 24500.0, "expiries": 1});
        let calls = json!({"underlying": "NIFTY", "instrument_types": ["CE"], "limit": 2});

        assert_eq!(selected(&between), ["NFO:NIFTY2680424500CE", "NFO:NIFTY2680424500PE"]);
        assert_eq!(selected(&calls), ["NFO:NIFTY2680424000CE", "NFO:NIFTY2680424500CE"]);
        assert_eq!(selected(&json!({"exchanges": ["NSE"], "instrument_types": ["EQ"]})), ["NSE:TCS"]);
    }

    #[test]
    fn what_stands_there_already_is_not_added_again_and_nothing_found_is_told() {
        let catalogue = catalogue();
        let selectors = Selector::read_all(
            &json!([{"underlying": "NIFTY", "instrument_types": ["INDEX", "FUT"]}, {"underlying": "X"}]),
        );

        let keys = ["NSE:TCS", "NSE:NIFTY 50"].iter().collect();
        let selected = catalogue.select_all(&keys, &selectors.unwrap(), "2026-08-03".parse().unwrap());

        let expected = ["NSE:TCS", "NSE:NIFTY 50", "NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT"];
        assert_eq!(selected.keys, expected.iter().collect());
        assert_eq!(selected.warnings, ["selector 1 names no instrument of the catalogue"]);
    }

    #[test]
    fn a_selector_that_makes_no_sense_is_refused_with_its_place() {
        let cases = [
            (json!({"underlying": "NIFTY"}), "", "must be a list of selectors"),
            (json!([]), "", "has 0 items; allowed: 1 to 20"),
            (json!([{}]), "/0", "must name an underlying, exchanges or instrument_types"),
            (json!([{"underlying": ""}]), "/0", "underlying must have 1 to 100 characters"),
            (json!([{"underlying": "A", "limit": 0}]), "/0", "limit is 0; allowed: a whole number from 1 to 5000"),
            (
                json!([{"underlying": "A"}, {"underlying": "B", "expiries": 101}]),
                "/1",
                "expiries is 101; allowed: a whole number from 1 to 100",
            ),
            (
                json!([{"underlying": "A", "min_strike": 2, "max_strike": 1}]),
                "/0",
                "min_strike is 2, more than max_strike, 1",
            ),
        ];
        for (list, place, fault) in cases {
            assert_eq!(Selector::read_all(&list), Err((place.to_owned(), fault.to_owned())), "{list}");
        }
        for wrong in [json!([{"underlying": "A", "colour": 1}]), json!([{"exchanges": ["XX"]}]), json!([5])] {
            assert_eq!(Selector::read_all(&wrong).unwrap_err().0, "/0", "{wrong}");
        }
    }
}
