//! Explains keys of contracts: another notation, a strike or an expiry that is not listed, an expiry that has passed,
//! an underlying that was renamed or has a typing error, another exchange.

use chrono::NaiveDate;

use super::chain::{Contracts, Meaning, listed, unlisted};
use super::notation::{full_readings, readings, splits};
use super::{Help, SUGGESTIONS_MAX, contract_of, renamed};
use crate::catalogue::{Catalogue, InstrumentId};
use crate::vocabulary::Exchange;

/// The words before the underlying in NSE's descriptors of contracts, and the exchanges before it in Groww's symbols.
const LEADING_WORDS: [&str; 15] = [
    "OPTIDX", "OPTSTK", "OPTCUR", "OPTFUT", "OPTCOM", "OPTIRC", "FUTIDX", "FUTSTK", "FUTCUR", "FUTCOM", "FUTIRC",
    "FUTIRT", "NSE-", "BSE-", "MCX-",
];

/// Describes the fault in the symbol of a contract; `None` if it is not the symbol of a contract.
pub(super) fn explain(catalogue: &Catalogue, exchange: Exchange, symbol: &str, as_of: NaiveDate) -> Option<Help> {
    let (forms, home) = (forms(symbol), home(exchange));
    let known = |of_contracts: &Exchange| {
        let meanings = meanings(catalogue, *of_contracts, &forms, as_of);
        let help = listed(&meanings, as_of).or_else(|| unlisted(&meanings, as_of))?;
        Some(located(help, exchange, *of_contracts))
    };
    if let Some(help) = home.iter().find_map(known) {
        return Some(help);
    }
    let splits: Vec<(&str, &str)> = forms.iter().flat_map(|form| splits(form, as_of)).collect();
    let renamed = |of_contracts: &Exchange| {
        Some(located(renamed::explain(catalogue, *of_contracts, &splits, as_of)?, exchange, *of_contracts))
    };
    let mistyped = |of_contracts: &Exchange| {
        Some(located(mistyped(catalogue, *of_contracts, &splits, as_of)?, exchange, *of_contracts))
    };
    let mut others = Exchange::ALL.iter().filter(|other| !splits.is_empty() && !home.contains(other));
    let renamed = home.iter().find_map(renamed).or_else(|| others.find_map(known));
    renamed.or_else(|| home.iter().find_map(mistyped))
}

/// Describes the next expiry of a contract, with the key of that contract.
pub(super) fn next(catalogue: &Catalogue, id: InstrumentId, as_of: NaiveDate) -> Option<Help> {
    let instrument = catalogue.get(id);
    let contract = contract_of(&instrument)?;
    let contracts = Contracts { catalogue, exchange: instrument.exchange(), underlying: instrument.underlying()? };
    match contracts.coming(contract, as_of).first() {
        Some(expiry) => Some(Help::new(format!("the next expiry is {expiry}"), contracts.at(*expiry, contract))),
        None => renamed::replacement(catalogue, id, as_of),
    }
}

/// Returns the exchanges on which the contracts of a key are looked for first: contracts are not on the exchange of
/// their underlying.
fn home(exchange: Exchange) -> &'static [Exchange] {
    match exchange {
        Exchange::Nse => &[Exchange::Nfo, Exchange::Cds, Exchange::Nco],
        Exchange::Bse => &[Exchange::Bfo, Exchange::Bcd],
        Exchange::Nfo => &[Exchange::Nfo],
        Exchange::Bfo => &[Exchange::Bfo],
        Exchange::Cds => &[Exchange::Cds],
        Exchange::Bcd => &[Exchange::Bcd],
        Exchange::Mcx => &[Exchange::Mcx],
        Exchange::Nco => &[Exchange::Nco],
        Exchange::Global => &[Exchange::Global],
        Exchange::Nseix => &[Exchange::Nseix],
    }
}

fn located(help: Help, exchange: Exchange, of_contracts: Exchange) -> Help {
    match exchange == of_contracts {
        true => help,
        false => Help::new(format!("contracts are listed on {of_contracts}; {}", help.detail), help.suggestions),
    }
}

/// Returns the symbol in capital letters, then without a leading word, then with the characters for which charts write
/// an underscore.
fn forms(symbol: &str) -> Vec<String> {
    let upper = symbol.trim().to_ascii_uppercase();
    let bare = LEADING_WORDS.iter().find_map(|word| upper.strip_prefix(word));
    let bare = bare.map(|bare| bare.trim_start().to_owned());
    let mut forms = Vec::from_iter([upper].into_iter().chain(bare));
    if forms[0].contains('_') {
        forms.extend(["&", "-"].map(|character| forms[0].replace('_', character)));
    }
    forms
}

/// Returns the meanings of a symbol, the longest underlying first.
fn meanings<'a>(catalogue: &'a Catalogue, exchange: Exchange, forms: &[String], as_of: NaiveDate) -> Vec<Meaning<'a>> {
    let mut meanings = Vec::new();
    for form in forms {
        for underlying in catalogue.underlyings_of_symbol(exchange, form) {
            let contracts = Contracts { catalogue, exchange, underlying };
            let readings = readings(&form[underlying.len()..], as_of).into_iter();
            meanings.extend(readings.map(|reading| Meaning { contracts, reading }));
        }
    }
    meanings
}

/// Describes a contract whose underlying is similar to an existing one.
fn mistyped(catalogue: &Catalogue, exchange: Exchange, splits: &[(&str, &str)], as_of: NaiveDate) -> Option<Help> {
    let (written, readings) = splits.iter().find_map(|(written, rest)| {
        let readings = full_readings(rest, as_of);
        (!readings.is_empty()).then_some((*written, readings))
    })?;
    let is_traded = |underlying: &&str| !catalogue.expiries_of(exchange, underlying).is_empty();
    let near: Vec<&str> = catalogue.nearest_underlyings(written).into_iter().filter(is_traded).collect();
    let nearest = *near.first()?;
    let meanings_of = |underlying| {
        let contracts = Contracts { catalogue, exchange, underlying };
        readings.iter().map(move |reading| Meaning { contracts, reading: *reading })
    };
    let near = near.into_iter().take(SUGGESTIONS_MAX);
    let meanings: Vec<Meaning<'_>> = near.flat_map(meanings_of).collect();
    let help = listed(&meanings, as_of).or_else(|| unlisted(&Vec::from_iter(meanings_of(nearest)), as_of));
    let suggestions = help.map(|help| help.suggestions).unwrap_or_default();
    // A correct underlying reaches this point if nothing can be suggested.
    let detail = match nearest == written {
        true => format!("all contracts of `{written}` on {exchange} have expired"),
        false => format!("{exchange} has no contracts of `{written}`; nearest: `{nearest}`"),
    };
    Some(Help::new(detail, suggestions))
}

#[cfg(test)]
mod notation_tests;

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
        let help = mistyped(&demo_catalogue(), Exchange::Nfo, &splits("NIFTY30JANFUT", later), later).unwrap();
        assert_eq!(help.detail, "all contracts of `NIFTY` on NFO have expired");
        assert_eq!(help_for("NFO:NIFTYXYZ"), expected_help("", &[]));
    }
}
