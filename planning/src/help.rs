//! Explains keys that the catalog does not contain, or does not contain any more: a sentence and suggested keys.
//!
//! The same key, catalog and date result in the same text. The number of look-ups for one key is bounded, and so is
//! the number of keys of one request that are explained.

mod at_broker;
mod became;
mod chain;
mod contract;
mod notation;
mod other_forms;
mod renamed;
mod slips;
mod ticker;

use chrono::NaiveDate;

pub(crate) use self::became::Became;
use crate::catalogue::search::forms::exchange_of_segment;
use crate::catalogue::{Catalogue, Instrument, InstrumentId};
use crate::dump::symbol::Contract;
use crate::instrument::split_key;
use crate::vocabulary::{Broker, Exchange, InstrumentType};

/// The maximum number of keys of one request that are explained: each takes microseconds, a tenth of a millisecond in
/// the worst case. A caller that sends more unknown keys has another catalog, and hints at single keys do not help.
pub const EXPLAINED_MAX: usize = 100;

const SUGGESTIONS_MAX: usize = 5;

/// The explanation of a key that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// A sentence that describes the fault, without a capital letter and a full stop.
    pub detail: String,
    /// Keys that the caller may have meant, the most likely first.
    pub suggestions: Vec<String>,
}

impl Help {
    fn new(detail: impl Into<String>, suggestions: Vec<String>) -> Self {
        Help { detail: detail.into(), suggestions }
    }
}

/// Explains the keys of one request; the first [`EXPLAINED_MAX`] of them in full.
#[derive(Debug)]
pub struct Helper<'a> {
    catalogue: &'a Catalogue,
    as_of: NaiveDate,
    left: usize,
}

impl<'a> Helper<'a> {
    /// Creates a helper for one request. `as_of` is the trading date at which contracts expire.
    pub fn new(catalogue: &'a Catalogue, as_of: NaiveDate) -> Self {
        Helper { catalogue, as_of, left: EXPLAINED_MAX }
    }

    /// Describes the fault in a key that the catalog does not contain, well-formed or not.
    pub fn unknown(&mut self, key: &str) -> Help {
        let (exchange, symbol) = match split_key(key) {
            Ok(parts) => parts,
            Err(fault) => return self.malformed(key, &fault.to_string()),
        };
        let elsewhere = self.elsewhere(symbol);
        let Some(exchange) = Exchange::parse(exchange) else {
            let fault = format!("unknown exchange `{exchange}`");
            if elsewhere.is_empty() || exchange_of_segment(exchange).is_some() {
                return self.malformed(key, &fault);
            }
            return Help::new(fault, elsewhere);
        };
        if !elsewhere.is_empty() {
            return Help::new(listed_on(symbol, exchange, &elsewhere), elsewhere);
        }
        let explained = if self.takes_one() { self.explain(exchange, symbol) } else { None };
        explained.unwrap_or_else(|| Help::new("instrument not in the catalog", Vec::new()))
    }

    /// Describes the replacement of a contract that has expired.
    pub fn expired(&mut self, id: InstrumentId) -> Option<Help> {
        let expiry = self.catalogue.get(id).expiry()?;
        let detail = format!("expired on {expiry}");
        let next = if self.takes_one() { contract::next(self.catalogue, id, self.as_of) } else { None };
        Some(match next {
            Some(next) => Help::new(format!("{detail}; {}", next.detail), next.suggestions),
            None => Help::new(detail, Vec::new()),
        })
    }

    /// Describes the replacement of an instrument that is in no broker's last accepted file.
    pub fn inactive(&mut self, id: InstrumentId) -> Help {
        const DETAIL: &str = "not listed in the broker's last accepted file";
        if let Some(became) = Became::of(self.catalogue, id, self.as_of) {
            return Help::new(format!("{DETAIL}; {became}"), vec![became.key().to_owned()]);
        }
        let instrument = self.catalogue.get(id);
        if instrument.is_expired_on(self.as_of)
            && let Some(help) = self.expired(id)
        {
            return Help::new(format!("{DETAIL}; {}", help.detail), help.suggestions);
        }
        if instrument.underlying().is_some()
            && self.takes_one()
            && let Some(help) = renamed::replacement(self.catalogue, id, self.as_of)
        {
            return Help::new(format!("{DETAIL}; {}", help.detail), help.suggestions);
        }
        // A window for blocks of a share has the ISIN of the share.
        let is_listed = |other: &InstrumentId| {
            let other = self.catalogue.get(*other);
            other.is_active() && other.exchange() == instrument.exchange()
        };
        let of_isin = instrument.isin().map(|isin| self.catalogue.with_isin(isin)).unwrap_or_default();
        match of_isin.into_iter().find(is_listed) {
            Some(other) => {
                let key = self.catalogue.key(other);
                Help::new(format!("{DETAIL}; its ISIN belongs to `{key}`"), vec![key.to_owned()])
            }
            None => Help::new(DETAIL, Vec::new()),
        }
    }

    /// Describes the replacement of an instrument that a broker does not list.
    pub(crate) fn not_at_broker(&mut self, id: InstrumentId, broker: Broker) -> Help {
        let detail = format!("not listed in the last accepted file of {broker}");
        let nearest = if self.takes_one() { at_broker::nearest(self.catalogue, id, broker, self.as_of) } else { None };
        match nearest {
            Some(nearest) => Help::new(format!("{detail}; {}", nearest.detail), nearest.suggestions),
            None => Help::new(detail, Vec::new()),
        }
    }

    fn takes_one(&mut self) -> bool {
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }

    /// Returns the key in capital letters, without surrounding characters, if the catalog contains it.
    fn in_capitals(&self, key: &str) -> Vec<String> {
        let key = key.trim().to_uppercase();
        if self.catalogue.find(&key).is_some() { vec![key] } else { Vec::new() }
    }

    /// Returns the keys with that symbol on any exchange.
    fn elsewhere(&self, symbol: &str) -> Vec<String> {
        let mut key = String::with_capacity(symbol.len() + 8);
        let mut found = Vec::new();
        for exchange in Exchange::ALL {
            key.clear();
            key.extend([exchange.as_str(), ":", symbol]);
            if self.catalogue.find(&key).is_some() {
                found.push(key.clone());
            }
        }
        found
    }

    fn explain(&self, exchange: Exchange, symbol: &str) -> Option<Help> {
        self.capitals(exchange, symbol)
            .or_else(|| ticker::explain(self.catalogue, exchange, symbol))
            .or_else(|| self.other_form(exchange, symbol))
            .or_else(|| self.series(exchange, symbol))
            .or_else(|| contract::explain(self.catalogue, exchange, symbol, self.as_of))
            .or_else(|| self.spelled(exchange, symbol))
            .or_else(|| self.nearest(exchange, symbol))
    }

    fn capitals(&self, exchange: Exchange, symbol: &str) -> Option<Help> {
        if !symbol.chars().any(char::is_lowercase) {
            return None;
        }
        let suggestions = self.in_capitals(&format!("{exchange}:{symbol}"));
        (!suggestions.is_empty()).then(|| Help::new("symbols are written in capital letters", suggestions))
    }

    /// Explains a symbol that lacks its series, or has a series that it should not have.
    fn series(&self, exchange: Exchange, symbol: &str) -> Option<Help> {
        if !has_shares(exchange) {
            return None;
        }
        let stem = format!("{symbol}-");
        let of_stem: Vec<&str> = self
            .catalogue
            .with_prefix(exchange, &stem)
            .map(|id| self.catalogue.get(id))
            // A series must follow: `BAJAJ-AUTO` is not a series of `BAJAJ`.
            .filter(|instrument| instrument.series().is_some_and(|series| instrument.symbol()[stem.len()..] == *series))
            .map(|instrument| instrument.key())
            .take(SUGGESTIONS_MAX)
            .collect();
        let written = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        match of_stem.as_slice() {
            [] => {}
            [only] => {
                return Some(Help::new(format!("`{symbol}` requires its series suffix: `{only}`"), written(&of_stem)));
            }
            several => {
                let series: Vec<String> =
                    several.iter().map(|key| format!("`{}`", key.rsplit('-').next().unwrap_or_default())).collect();
                return Some(Help::new(
                    format!("`{symbol}` is listed in several series: {}", and(&series)),
                    written(several),
                ));
            }
        }
        let (plain, _) = symbol.rsplit_once('-')?;
        let key = format!("{exchange}:{plain}");
        let id = self.catalogue.find(&key)?;
        // The plain symbol may be another name of a share in another series, or belong to an index.
        let security = format!("{key}-EQ");
        let listed = self.catalogue.key(self.catalogue.target(id));
        if self.catalogue.get(id).class() == InstrumentType::Index && self.catalogue.find(&security).is_some() {
            let detail = format!("`{key}` is an index; the security is `{security}`");
            return Some(Help::new(detail, vec![security]));
        }
        if listed != key && self.catalogue.get(id).class() != InstrumentType::Index {
            return Some(Help::new(
                format!("`{plain}` is listed in another series: `{listed}`"),
                vec![listed.to_owned()],
            ));
        }
        Some(Help::new(format!("instrument not in the catalog; `{key}` is listed without a series suffix"), vec![key]))
    }

    /// Returns symbols that are similar, or that start with the text, on the exchange of the key or on the other of the
    /// two.
    fn nearest(&self, exchange: Exchange, symbol: &str) -> Option<Help> {
        let catalogue = self.catalogue;
        let written = symbol.to_ascii_uppercase();
        let other = match exchange {
            Exchange::Nse => Some(Exchange::Bse),
            Exchange::Bse => Some(Exchange::Nse),
            _ => None,
        };
        let exchanges = || [Some(exchange), other].into_iter().flatten();
        let near = exchanges().map(|exchange| catalogue.nearest_symbols(exchange, &written, self.as_of));
        let beginning =
            exchanges().map(|exchange| catalogue.beginning_with(exchange, &written, self.as_of, SUGGESTIONS_MAX));
        let is_some = |found: &Vec<InstrumentId>| !found.is_empty();
        let found = if has_shares(exchange) {
            near.chain(beginning).find(is_some)?
        } else {
            catalogue.near_neighbours(exchange, &written)
        };
        if found.is_empty() {
            return None;
        }
        let keys: Vec<String> =
            found.into_iter().take(SUGGESTIONS_MAX).map(|id| catalogue.key(id).to_owned()).collect();
        let detail = format!("instrument not in the catalog; nearest: `{}`", keys[0]);
        Some(Help::new(detail, keys))
    }
}

/// Returns the type of a derivative with its strike; `None` for other instruments.
fn contract_of(instrument: &Instrument<'_>) -> Option<Contract> {
    Contract::of(instrument.class(), instrument.strike())
}

/// Whether the exchange has symbols without an expiry, which may have typing errors.
fn has_shares(exchange: Exchange) -> bool {
    matches!(exchange, Exchange::Nse | Exchange::Bse)
}

/// `elsewhere` has at least one key, none of them on `exchange`.
fn listed_on(symbol: &str, exchange: Exchange, elsewhere: &[String]) -> String {
    let names: Vec<String> = elsewhere.iter().filter_map(|key| Some(key.split_once(':')?.0.to_owned())).collect();
    match names.as_slice() {
        [only] => format!("`{symbol}` is listed only on {only}"),
        several => format!("`{symbol}` is not listed on {exchange}, but on {}", and(several)),
    }
}

/// Joins words with commas and `and`.
pub(crate) fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::catalogue::Builder;
    use crate::dump::Row;
    use crate::testing::{demo_catalogue, equity, future, index};

    static DEMO: LazyLock<Catalogue> = LazyLock::new(demo_catalogue);

    fn helper(catalogue: &Catalogue) -> Helper<'_> {
        Helper::new(catalogue, "2026-11-24".parse().unwrap())
    }

    fn small() -> Catalogue {
        let mut builder = Builder::new();
        builder.add(equity("BSE", "ONLYBSE", "INE000B01019"), true);
        for series in ["N0", "N1"] {
            let mut row = equity("NSE", &format!("IMC1-{series}"), "INE00QS24019");
            row.series = Some(series.into());
            builder.add(row, true);
        }
        let mut warrant = equity("NSE", "ANURAS-W1", "INE930P13018");
        warrant.series = Some("W1".into());
        builder.add(warrant, true);
        builder.add(equity("NSE", "OLDNAME", "INE000C01017"), false);
        builder.add(equity("NSE", "NEWNAME", "INE000C01017"), true);
        let mut block = equity("NSE", "NEWNAME-BL", "INE000C01017");
        block.series = Some("BL".into());
        builder.add(block, false);
        builder.add(future("NIFTY", "NIFTY26OCTFUT", "2026-10-27"), false);
        builder.add(future("NIFTY", "NIFTY26NOVFUT", "2026-11-24"), true);
        builder.build("1".into(), vec![])
    }

    fn help_for(catalogue: &Catalogue, key: &str) -> (String, Vec<String>) {
        let help = helper(catalogue).unknown(key);
        (help.detail, help.suggestions)
    }

    fn expected_help(detail: &str, suggestions: &[&str]) -> (String, Vec<String>) {
        (detail.to_owned(), suggestions.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn a_symbol_of_another_exchange_is_suggested() {
        assert_eq!(
            help_for(&small(), "NSE:ONLYBSE"),
            expected_help("`ONLYBSE` is listed only on BSE", &["BSE:ONLYBSE"])
        );
        assert_eq!(
            help_for(&DEMO, "MCX:TCS"),
            expected_help("`TCS` is not listed on MCX, but on BSE and NSE", &["BSE:TCS", "NSE:TCS"])
        );
        assert_eq!(help_for(&DEMO, "XX:TCS"), expected_help("unknown exchange `XX`", &["BSE:TCS", "NSE:TCS"]));
    }

    #[test]
    fn a_wrong_series_leads_to_the_listed_one() {
        let mut builder = Builder::new();
        builder.add(Row { series: Some("SM".into()), ..equity("NSE", "TESTCO-SM", "INE000T01015") }, true);
        builder.add(index("BSE", "METAL", None), true);
        builder.add(equity("BSE", "METAL-EQ", "INF769K01LY7"), true);
        let catalogue = builder.build("1".into(), vec![]);
        let help = |key| Helper::new(&catalogue, "2026-11-24".parse().unwrap()).unknown(key);

        for (key, detail, suggestion) in [
            ("NSE:TESTCO-EQ", "`TESTCO` is listed in another series: `NSE:TESTCO-SM`", "NSE:TESTCO-SM"),
            ("BSE:METAL-B", "`BSE:METAL` is an index; the security is `BSE:METAL-EQ`", "BSE:METAL-EQ"),
        ] {
            assert_eq!(help(key), Help::new(detail, vec![suggestion.to_owned()]), "{key}");
        }
    }

    #[test]
    fn a_missing_or_superfluous_series_is_explained() {
        let catalogue = small();

        assert_eq!(
            help_for(&catalogue, "NSE:IMC1"),
            expected_help("`IMC1` is listed in several series: `N0` and `N1`", &["NSE:IMC1-N0", "NSE:IMC1-N1"])
        );
        assert_eq!(
            help_for(&catalogue, "NSE:ANURAS"),
            expected_help("`ANURAS` requires its series suffix: `NSE:ANURAS-W1`", &["NSE:ANURAS-W1"])
        );
        assert_eq!(
            help_for(&DEMO, "NSE:TCS-EQ"),
            expected_help("instrument not in the catalog; `NSE:TCS` is listed without a series suffix", &["NSE:TCS"])
        );
    }

    #[test]
    fn similar_names_are_suggested() {
        let nearest = |key: &str| format!("instrument not in the catalog; nearest: `{key}`");

        assert_eq!(help_for(&DEMO, "NSE:RELAINCE"), expected_help(&nearest("NSE:RELIANCE"), &["NSE:RELIANCE"]));
        assert_eq!(help_for(&DEMO, "NSE:tcs"), expected_help("symbols are written in capital letters", &["NSE:TCS"]));
        let (detail, suggestions) = help_for(&DEMO, "NSE:BAJAJ");
        assert_eq!(detail, nearest(&suggestions[0]));
        assert!(suggestions.contains(&"NSE:BAJAJ-AUTO".to_owned()), "{suggestions:?}");
        assert_eq!(help_for(&DEMO, "NSE:INFOSYS").1, ["NSE:INFY"]);
        assert_eq!(help_for(&DEMO, "NSE:QQQQQQ"), expected_help("instrument not in the catalog", &[]));
        assert_eq!(
            help_for(&DEMO, "nse:tcs"),
            expected_help("the exchange before the colon must be capital letters and digits", &["NSE:TCS"])
        );
    }

    #[test]
    fn the_replacement_of_an_instrument_is_suggested() {
        let catalogue = small();
        let id = |key: &str| catalogue.find(key).unwrap();

        let renamed = helper(&catalogue).inactive(id("NSE:OLDNAME"));
        let expired = helper(&catalogue).inactive(id("NFO:NIFTY26OCTFUT"));

        assert_eq!(renamed.detail, "not listed in the broker's last accepted file; renamed to `NSE:NEWNAME`");
        assert_eq!(renamed.suggestions, ["NSE:NEWNAME"]);
        let block = helper(&catalogue).inactive(id("NSE:NEWNAME-BL"));
        assert_eq!(block.detail, "not listed in the broker's last accepted file; its ISIN belongs to `NSE:NEWNAME`");
        assert_eq!(
            expired.detail,
            "not listed in the broker's last accepted file; expired on 2026-10-27; the next expiry is 2026-11-24"
        );
        assert_eq!(expired.suggestions, ["NFO:NIFTY26NOVFUT"]);
    }

    #[test]
    fn at_most_the_limit_of_keys_is_explained() {
        let mut helper = helper(&DEMO);

        let explained: Vec<bool> =
            (0..EXPLAINED_MAX + 5).map(|_| !helper.unknown("NSE:RELAINCE").suggestions.is_empty()).collect();

        assert!(explained[..EXPLAINED_MAX].iter().all(|is| *is) && explained[EXPLAINED_MAX..].iter().all(|is| !is));
        // Suggestions that cost almost nothing are still included.
        assert_eq!(helper.unknown("BSE:NIFTY 50").suggestions, ["NSE:NIFTY 50"]);
    }
}
