//! Selects instruments by their properties instead of their keys: a chain of options, the futures of an index.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Filters;
use super::bits::Bits;
use super::texts::folded;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::instrument::{Amount, KEY_CHARACTERS_MAX};
use crate::json::{kind_of, mismatch, pointer_part, whole_number};
use crate::keys::KeyList;
use crate::vocabulary::{Exchange, InstrumentType, counted};

/// The maximum number of selectors in one request or profile.
pub const SELECTORS_MAX: usize = 20;
/// The maximum number of instruments of a request with selectors, its other instruments included.
pub const SELECTED_MAX: usize = 5000;
/// The maximum number of expiries of a selector.
const EXPIRIES_MAX: u32 = 100;

/// A selector of instruments. It selects the active, unexpired instruments that meet every condition in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Selector {
    /// The symbol of the underlying, 1 to 100 characters. It selects the share or index itself and its contracts.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub underlying: Option<String>,
    /// The exchanges: `BCD`, `BFO`, `BSE`, `CDS`, `GLOBAL`, `MCX`, `NCO`, `NFO`, `NSE`, `NSEIX`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Exchange>>, min_items = 1))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// The instrument types: `INDEX`, `EQ`, `FUT`, `CE`, `PE`, `FUND`, `COM`, `DEBT`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<InstrumentType>>, min_items = 1))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instrument_types: Vec<InstrumentType>,
    /// The number of expiries: the nearest ones, counted for each underlying and exchange, separately for futures and options.
    /// Instruments without an expiry are selected too.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiries: Option<u32>,
    /// The lowest strike, in rupees. With `min_strike` or `max_strike`, instruments without a strike are not selected.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, minimum = 0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_strike: Option<Amount>,
    /// The highest strike, in rupees.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, minimum = 0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_strike: Option<Amount>,
    /// The maximum number of instruments, the nearest expiries first.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A fault in a JSON document, such as a selector or preferences. All faults of a document are reported at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentFault {
    /// The location of the fault, as a JSON pointer.
    pub pointer: String,
    /// The description of the fault, without its location.
    pub detail: String,
}

impl Selector {
    /// Reads a list of selectors. Faults are added to `faults`, with their location below `pointer`; selectors with a
    /// fault are omitted.
    pub fn read_all(list: &Value, pointer: &str, faults: &mut Vec<DocumentFault>) -> Vec<Selector> {
        let mut fault = |detail| faults.push(DocumentFault { pointer: pointer.to_owned(), detail });
        let Some(items) = list.as_array() else {
            fault(format!("expected an array of selectors, got {}", kind_of(list)));
            return Vec::new();
        };
        if !(1..=SELECTORS_MAX).contains(&items.len()) {
            fault(format!("expected 1 to {SELECTORS_MAX} items, got {}", items.len()));
            return Vec::new();
        }
        let read = |(at, item)| Selector::read(item, &format!("{pointer}/{at}"), faults);
        items.iter().enumerate().filter_map(read).collect()
    }

    /// Reads one selector. Faults are added to `faults`, with their location below `pointer`. Returns `None` if it has
    /// any.
    pub fn read(item: &Value, pointer: &str, faults: &mut Vec<DocumentFault>) -> Option<Selector> {
        let faults_before = faults.len();
        let selector = SelectorReader::read(item, pointer.to_owned(), faults);
        (faults.len() == faults_before).then_some(selector)
    }

    fn has_strike(&self, strike: Option<Amount>) -> bool {
        if self.min_strike.is_none() && self.max_strike.is_none() {
            return true;
        }
        let Some(strike) = strike else { return false };
        self.min_strike.is_none_or(|min| min <= strike) && self.max_strike.is_none_or(|max| strike <= max)
    }
}

/// Reads one selector with all of its faults.
struct SelectorReader<'a> {
    fields: &'a Map<String, Value>,
    pointer: String,
    faults: &'a mut Vec<DocumentFault>,
}

/// The maximum number of unknown fields of a selector that are reported.
const UNKNOWN_MAX: usize = 10;

const FIELDS: [&str; 7] =
    ["underlying", "exchanges", "instrument_types", "expiries", "min_strike", "max_strike", "limit"];

impl SelectorReader<'_> {
    fn read(item: &Value, pointer: String, faults: &mut Vec<DocumentFault>) -> Selector {
        let Some(fields) = item.as_object() else {
            faults.push(DocumentFault { pointer, detail: format!("expected an object, got {}", kind_of(item)) });
            return Selector::default();
        };
        let mut reader = SelectorReader { fields, pointer, faults };
        let known = FIELDS.join(", ");
        for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())).take(UNKNOWN_MAX) {
            reader.fault(name, format!("unknown field; expected one of {known}"));
        }
        let characters = 1..=KEY_CHARACTERS_MAX;
        let selector = Selector {
            underlying: reader.value(
                "underlying",
                &format!("a string of 1 to {KEY_CHARACTERS_MAX} characters"),
                |value| value.as_str().filter(|text| characters.contains(&text.chars().count())).map(folded),
            ),
            exchanges: reader.words("exchanges", &Exchange::ALL.map(|exchange| exchange.as_str()), Exchange::parse),
            instrument_types: reader.words(
                "instrument_types",
                &InstrumentType::ALL.map(|class| class.as_str()),
                InstrumentType::parse,
            ),
            expiries: reader.number("expiries", EXPIRIES_MAX),
            min_strike: reader.amount("min_strike"),
            max_strike: reader.amount("max_strike"),
            limit: reader.number("limit", SELECTED_MAX as u32),
        };
        let is_there = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
        if !["underlying", "exchanges", "instrument_types"].into_iter().any(is_there) {
            let detail = "expected at least one of `underlying`, `exchanges`, `instrument_types`".to_owned();
            reader.faults.push(DocumentFault { pointer: reader.pointer.clone(), detail });
        }
        if let (Some(min), Some(max)) = (selector.min_strike, selector.max_strike)
            && min > max
        {
            reader.fault("min_strike", format!("expected at most `max_strike` ({max}), got {min}"));
        }
        selector
    }

    fn fault(&mut self, name: &str, detail: String) {
        let pointer = format!("{}/{}", self.pointer, pointer_part(name));
        self.faults.push(DocumentFault { pointer, detail });
    }

    /// Returns the value of a field; `None` if it is absent or null.
    fn value<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.fields.get(name).filter(|value| !value.is_null())?;
        let parsed = parse(value);
        if parsed.is_none() {
            self.fault(name, mismatch(value, expected));
        }
        parsed
    }

    fn number(&mut self, name: &str, max: u32) -> Option<u32> {
        self.value(name, &format!("an integer from 1 to {max}"), |value| {
            u32::try_from(whole_number(value)?).ok().filter(|number| (1..=max).contains(number))
        })
    }

    fn amount(&mut self, name: &str) -> Option<Amount> {
        let expected = "a number of at least 0 (rupees)";
        let parse = |value: &Value| Amount::deserialize(value).ok().filter(|amount| *amount >= Amount::ZERO);
        self.value(name, expected, parse)
    }

    fn words<T: PartialEq>(&mut self, name: &str, words: &[&str], parse: fn(&str) -> Option<T>) -> Vec<T> {
        let expected = format!("an array of one or more of {}", words.join(", "));
        let read = |value: &Value| {
            let mut parsed = Vec::new();
            for item in value.as_array().filter(|items| !items.is_empty())? {
                let word = parse(item.as_str()?)?;
                // The list may be long but has few distinct words, however often they are repeated.
                if !parsed.contains(&word) {
                    parsed.push(word);
                }
            }
            Some(parsed)
        };
        self.value(name, &expected, read).unwrap_or_default()
    }
}

/// The result of applying selectors to a list of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// The keys that were given, followed by those that the selectors add. Keys are unique.
    pub keys: KeyList,
    /// Warnings for the caller: selectors that select nothing, and the number of instruments that were omitted.
    pub warnings: Vec<String>,
}

impl Catalogue {
    /// Returns the instruments of a selector: those without an expiry first, then by expiry, the nearest first, then by
    /// key.
    pub fn select(&self, selector: &Selector, as_of: NaiveDate) -> Vec<InstrumentId> {
        let filters = Filters {
            exchanges: selector.exchanges.clone(),
            instrument_types: selector.instrument_types.clone(),
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
            .filter(|(instrument, _)| !instrument.is_expired_on(as_of))
            .map(|(instrument, id)| (instrument.expiry(), id))
            .collect();
        if let Some(expiries) = selector.expiries {
            self.retain_nearest(&mut found, expiries as usize);
        }
        found.retain(|(_, id)| selector.has_strike(self.get(*id).strike()));
        // Ids are numbered in the order of keys.
        found.sort_unstable();
        found.truncate(selector.limit.map_or(usize::MAX, |limit| limit as usize));
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Returns the keys, followed by those of the selectors that are not among them; together at most [`SELECTED_MAX`].
    pub fn select_all(&self, keys: &KeyList, selectors: &[Selector], as_of: NaiveDate) -> Selected {
        let mut selected = Selected { keys: keys.clone(), warnings: Vec::new() };
        let mut seen = Bits::new(self.len());
        for id in keys.iter().filter_map(|key| self.find(key)) {
            seen.insert(self.target(id).0);
        }
        let mut left_out = 0;
        for (at, selector) in selectors.iter().enumerate() {
            let found = self.select(selector, as_of);
            if found.is_empty() {
                selected.warnings.push(format!("selectors/{at} matches no active, unexpired instrument on {as_of}"));
            }
            for id in found {
                if seen.has(id.0) {
                    continue;
                }
                seen.insert(id.0);
                if selected.keys.len() < SELECTED_MAX {
                    selected.keys.push(self.key(id));
                } else {
                    left_out += 1;
                }
            }
        }
        if left_out > 0 {
            let warning = format!(
                "truncated: the selectors match {} than the maximum of {SELECTED_MAX}; narrow the selectors",
                counted(left_out, "more instrument")
            );
            selected.warnings.push(warning);
        }
        selected
    }

    /// Returns the instruments with that symbol on each exchange, and the contracts on them: on the symbol, and on the
    /// other names of the instrument.
    fn of_underlying(&self, underlying: &str) -> Bits {
        let mut found = Bits::new(self.len());
        let symbol = folded(underlying);
        self.index.insert_symbol(self, &symbol, &mut found);
        let mut names = BTreeSet::from([symbol]);
        if found.iter().any(|id| self.get(InstrumentId(id)).class() == InstrumentType::Index) {
            let aliases = self.index.aliases.iter().filter(|alias| found.has(self.target(**alias).0));
            names.extend(aliases.map(|alias| folded(self.get(*alias).symbol())));
        }
        for index in names.iter().filter_map(|name| self.index.underlyings.find(name)) {
            self.index.underlyings.insert(index, &mut found);
        }
        found
    }

    /// Keeps the nearest expiries of each exchange and underlying, separately for futures and options.
    fn retain_nearest(&self, found: &mut Vec<(Option<NaiveDate>, InstrumentId)>, expiries: usize) {
        let chain_of = |id: InstrumentId| {
            let instrument = self.get(id);
            (instrument.exchange(), instrument.underlying(), instrument.class() == InstrumentType::Future)
        };
        let mut dates: HashMap<_, BTreeSet<NaiveDate>, RandomState> = HashMap::default();
        for (expiry, id) in found.iter() {
            let dates = dates.entry(chain_of(*id)).or_default();
            dates.extend(*expiry);
            if dates.len() > expiries {
                dates.pop_last();
            }
        }
        found.retain(|(expiry, id)| expiry.is_none_or(|expiry| dates[&chain_of(*id)].contains(&expiry)));
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
        row.class = if symbol.ends_with("CE") { InstrumentType::Call } else { InstrumentType::Put };
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
        builder.add(option("NIFTY2681126000CE", "2026-08-11", "26000"), true);
        builder.build("1".into(), vec![])
    }

    fn read_selectors(list: &Value) -> Result<Vec<Selector>, Vec<(String, String)>> {
        let mut faults = Vec::new();
        let selectors = Selector::read_all(list, "/selectors", &mut faults);
        let faults: Vec<_> = faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect();
        if faults.is_empty() { Ok(selectors) } else { Err(faults) }
    }

    fn selected(selector: &Value) -> Vec<String> {
        let catalogue = catalogue();
        let selectors = read_selectors(&json!([selector])).unwrap();
        let found = catalogue.select(&selectors[0], "2026-08-03".parse().unwrap());
        found.into_iter().map(|id| catalogue.key(id).to_owned()).collect()
    }

    #[test]
    fn an_underlying_selects_itself_and_its_live_contracts() {
        let all = selected(&json!({"underlying": "NIFTY"}));

        assert_eq!(all.len(), 1 + 13 + 2);
        assert_eq!(&all[..2], ["NSE:NIFTY 50", "NFO:NIFTY2680424000CE"]);
        assert_eq!(all.last().unwrap(), "NFO:NIFTY26SEPFUT");
        assert!(!all.contains(&"NFO:NIFTY26JULFUT".to_owned()));
    }

    #[test]
    fn expiries_of_futures_and_options_are_counted_separately() {
        let nearest = selected(&json!({"underlying": "NIFTY", "expiries": 1, "exchanges": ["NFO"]}));

        assert_eq!(nearest.len(), 6 + 1);
        assert_eq!(nearest.last().unwrap(), "NFO:NIFTY26AUGFUT");
        assert_eq!(selected(&json!({"underlying": "NIFTY", "expiries": 2, "instrument_types": ["CE"]})).len(), 7);
    }

    #[test]
    fn strikes_types_and_a_limit_restrict_a_selector() {
        let between = json!({"underlying": "NIFTY", "min_strike": 24500, "max_strike": 24500.0, "expiries": 1});
        let calls = json!({"underlying": "NIFTY", "instrument_types": ["CE"], "limit": 2});

        assert_eq!(selected(&between), ["NFO:NIFTY2680424500CE", "NFO:NIFTY2680424500PE"]);
        assert_eq!(selected(&calls), ["NFO:NIFTY2680424000CE", "NFO:NIFTY2680424500CE"]);
        assert_eq!(selected(&json!({"exchanges": ["NSE"], "instrument_types": ["EQ"]})), ["NSE:TCS"]);
    }

    #[test]
    fn expiries_are_counted_before_strikes_are_filtered() {
        let above = |expiries| selected(&json!({"underlying": "NIFTY", "expiries": expiries, "min_strike": 26000}));

        assert_eq!(above(1), [""; 0]);
        assert_eq!(above(2), ["NFO:NIFTY2681126000CE"]);
    }

    #[test]
    fn an_index_is_found_by_all_its_names_in_any_case() {
        let all = selected(&json!({"underlying": "NIFTY"}));

        assert_eq!(selected(&json!({"underlying": "NIFTY 50"})), all);
        assert_eq!(selected(&json!({"underlying": "nifty"})), all);
    }

    #[test]
    fn selectors_add_only_new_keys_and_report_no_matches() {
        let catalogue = catalogue();
        let selectors = read_selectors(
            &json!([{"underlying": "NIFTY", "instrument_types": ["INDEX", "FUT", "FUT"]}, {"underlying": "X"}]),
        );

        // The index is in the list under another name.
        let keys = ["NSE:TCS", "NSE:NIFTY"].iter().collect();
        let selected = catalogue.select_all(&keys, &selectors.unwrap(), "2026-08-03".parse().unwrap());

        let expected = ["NSE:TCS", "NSE:NIFTY", "NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT"];
        assert_eq!(selected.keys, expected.iter().collect());
        assert_eq!(selected.warnings, ["selectors/1 matches no active, unexpired instrument on 2026-08-03"]);
    }

    #[test]
    fn selection_stops_at_the_maximum_and_counts_the_rest() {
        let mut builder = Builder::new();
        for number in 0..5003 {
            builder.add(equity("NSE", &format!("S{number}"), ""), true);
        }
        let catalogue = builder.build("1".into(), vec![]);
        let selectors = read_selectors(&json!([{"exchanges": ["NSE"]}])).unwrap();

        let keys = ["BSE:OTHER"].iter().collect();
        let selected = catalogue.select_all(&keys, &selectors, "2026-08-03".parse().unwrap());

        assert_eq!(selected.keys.len(), 5000);
        let expected =
            "truncated: the selectors match 4 more instruments than the maximum of 5000; narrow the selectors";
        assert_eq!(selected.warnings, [expected]);
    }

    #[test]
    fn every_fault_of_a_selector_is_reported_with_its_pointer() {
        let exchanges = "an array of one or more of BCD, BFO, BSE, CDS, GLOBAL, MCX, NCO, NFO, NSE, NSEIX";
        let known = "underlying, exchanges, instrument_types, expiries, min_strike, max_strike, limit";
        let cases = [
            (
                json!({"underlying": "NIFTY"}),
                vec![("/selectors", "expected an array of selectors, got an object".to_owned())],
            ),
            (json!([]), vec![("/selectors", "expected 1 to 20 items, got 0".to_owned())]),
            (json!([["NIFTY"]]), vec![("/selectors/0", "expected an object, got an array".to_owned())]),
            (
                json!([{"exchanges": null}]),
                vec![(
                    "/selectors/0",
                    "expected at least one of `underlying`, `exchanges`, `instrument_types`".to_owned(),
                )],
            ),
            (
                json!([{"underlying": "A"}, {"underlying": "", "limit": 0, "colour/x": 1}]),
                vec![
                    ("/selectors/1/colour~1x", format!("unknown field; expected one of {known}")),
                    (
                        "/selectors/1/underlying",
                        "expected a string of 1 to 100 characters, got an empty string".to_owned(),
                    ),
                    ("/selectors/1/limit", "expected an integer from 1 to 5000, got 0".to_owned()),
                ],
            ),
            (
                json!([{"exchanges": ["XX"]}]),
                vec![("/selectors/0/exchanges", format!("expected {exchanges}, got `[\"XX\"]`"))],
            ),
            (
                json!([{"underlying": "A", "expiries": 101, "min_strike": "x", "max_strike": -1}]),
                vec![
                    ("/selectors/0/expiries", "expected an integer from 1 to 100, got 101".to_owned()),
                    (
                        "/selectors/0/min_strike",
                        "expected a number of at least 0 (rupees), got the string `x`".to_owned(),
                    ),
                    ("/selectors/0/max_strike", "expected a number of at least 0 (rupees), got -1".to_owned()),
                ],
            ),
            (
                json!([{"underlying": "A", "min_strike": 2, "max_strike": 1}]),
                vec![("/selectors/0/min_strike", "expected at most `max_strike` (1), got 2".to_owned())],
            ),
        ];
        for (list, faults) in cases {
            let faults = faults.into_iter().map(|(pointer, detail)| (pointer.to_owned(), detail)).collect();
            assert_eq!(read_selectors(&list), Err(faults), "{list}");
        }
        assert!(read_selectors(&json!([{"underlying": "A", "limit": null, "exchanges": null}])).is_ok());
    }
}
