//! Explains contracts of an underlying that was renamed.

use chrono::NaiveDate;

use super::Help;
use super::chain::{Contracts, Meaning, listed, unlisted};
use super::notation::{Reading, When, readings};
use crate::catalogue::{Catalogue, Instrument, InstrumentId};
use crate::dump::symbol::alias_of_index;
use crate::vocabulary::{Exchange, InstrumentType};

/// A share or index that is not listed any more, and the listed one that it became.
struct Rename<'a> {
    old: &'a str,
    /// The symbol by which contracts refer to the new one.
    new: &'a str,
    new_key: &'a str,
}

/// Describes the contract of the new underlying that a symbol means, by its [`splits`](super::notation::splits); `None`
/// if its underlying was not renamed.
pub(super) fn explain(
    catalogue: &Catalogue,
    exchange: Exchange,
    splits: &[(&str, &str)],
    as_of: NaiveDate,
) -> Option<Help> {
    // The longest underlying is the first: of `LTIM25NOVFUT`, `LTIM` rather than `LT`.
    splits.iter().rev().find_map(|(old, rest)| {
        let rename = Rename::of(catalogue, exchange, old)?;
        Some(rename.describe(catalogue, exchange, &readings(rest, as_of), as_of))
    })
}

/// Describes the contract of the new underlying that replaces a contract of the old one.
pub(super) fn replacement(catalogue: &Catalogue, id: InstrumentId, as_of: NaiveDate) -> Option<Help> {
    let instrument = catalogue.get(id);
    let (exchange, contract) = (instrument.exchange(), super::contract_of(&instrument)?);
    let rename = Rename::of(catalogue, exchange, instrument.underlying()?)?;
    let expiry = instrument.expiry()?;
    if expiry >= as_of {
        let reading = Reading { when: When::Day(expiry), contract };
        return Some(rename.describe(catalogue, exchange, &[reading], as_of));
    }
    let contracts = Contracts { catalogue, exchange, underlying: rename.new };
    let Some(next) = contracts.coming(contract, as_of).first().copied() else {
        return Some(rename.without_contracts(exchange));
    };
    Some(Help::new(format!("{}; the next expiry is {next}", rename.detail()), contracts.at(next, contract)))
}

impl<'a> Rename<'a> {
    /// Returns the listed name of an underlying; of several, one that has contracts on the exchange.
    fn of(catalogue: &'a Catalogue, exchange: Exchange, old: &'a str) -> Option<Self> {
        let cash = match exchange {
            Exchange::Nfo | Exchange::Nse => [Exchange::Nse, Exchange::Bse],
            Exchange::Bfo | Exchange::Bse => [Exchange::Bse, Exchange::Nse],
            _ => return None,
        };
        let old_listings = cash.into_iter().flat_map(|cash| old_listings(catalogue, cash, old));
        let new = old_listings.flat_map(|id| successors(catalogue, id));
        let renames = new.map(|new| Rename { old, new: name_in_contracts(&new), new_key: new.key() });
        let renames: Vec<Self> = renames.filter(|rename| rename.new != old).collect();
        let has_contracts = |rename: &Self| !catalogue.expiries_of(exchange, rename.new).is_empty();
        let position = renames.iter().position(has_contracts).unwrap_or(0);
        renames.into_iter().nth(position)
    }

    fn detail(&self) -> String {
        format!("`{}` was renamed to `{}`", self.old, self.new)
    }

    fn without_contracts(&self, exchange: Exchange) -> Help {
        Help::new(format!("{}, which has no contracts on {exchange}", self.detail()), vec![self.new_key.to_owned()])
    }

    fn describe(&self, catalogue: &Catalogue, exchange: Exchange, readings: &[Reading], as_of: NaiveDate) -> Help {
        let contracts = Contracts { catalogue, exchange, underlying: self.new };
        let meanings: Vec<Meaning<'_>> =
            readings.iter().map(|reading| Meaning { contracts, reading: *reading }).collect();
        match listed(&meanings, as_of).or_else(|| unlisted(&meanings, as_of)) {
            Some(help) => Help::new(format!("{}; {}", self.detail(), help.detail), help.suggestions),
            None => self.without_contracts(exchange),
        }
    }
}

/// Returns the instruments that had a symbol, without or with a series, and are not listed any more.
fn old_listings(catalogue: &Catalogue, cash: Exchange, symbol: &str) -> impl Iterator<Item = InstrumentId> {
    let plain = catalogue.find(&format!("{cash}:{symbol}")).map(|id| catalogue.target(id));
    let stem = format!("{symbol}-");
    let of_stem = catalogue.with_prefix(cash, &stem).filter(move |id| {
        let instrument = catalogue.get(*id);
        instrument.series().is_some_and(|series| instrument.symbol()[stem.len()..] == *series)
    });
    plain.into_iter().chain(of_stem).filter(|id| !catalogue.get(*id).is_active())
}

/// Returns the listed instruments that another one became, by the changes of files and by its ISIN.
fn successors(catalogue: &Catalogue, id: InstrumentId) -> impl Iterator<Item = Instrument<'_>> {
    let old = catalogue.get(id);
    let of_isin = old.isin().map(|isin| catalogue.with_isin(isin)).unwrap_or_default().into_iter();
    let of_isin = of_isin.map(|id| catalogue.get(id)).filter(move |other| other.exchange() == old.exchange());
    let of_changes = catalogue.successor(id).map(|id| catalogue.get(id));
    of_changes.into_iter().chain(of_isin).filter(Instrument::is_active)
}

/// Returns the symbol of a share without its series, or the name by which contracts refer to an index.
fn name_in_contracts<'a>(instrument: &Instrument<'a>) -> &'a str {
    let symbol = instrument.symbol();
    if instrument.class() == InstrumentType::Index {
        return alias_of_index(symbol).unwrap_or(symbol);
    }
    instrument.listing().base()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::dump::Row;
    use crate::help::Helper;
    use crate::help::notation::splits;
    use crate::testing::{equity, future};

    const OF_PASSENGER: [(&str, &str); 2] = [("TMPV25NOVFUT", "2025-11-25"), ("TMPV25DECFUT", "2025-12-30")];

    /// TATAMOTORS became TMPV in files without ISINs, and is found by the changes of files only. Its future of December
    /// is not listed any more.
    fn catalogue(contracts: &[(&str, &str)]) -> Catalogue {
        let mut builder = Builder::new();
        builder.add(Row { isin: None, ..equity("NSE", "TATAMOTORS", "") }, false);
        let of_series = Row { isin: None, series: Some("BE".into()), ..equity("NSE", "TMPV-BE", "") };
        builder.add(of_series, true);
        builder.add_successor("NSE:TATAMOTORS".into(), "NSE:TMPV-BE".into());
        builder.add(equity("NSE", "OLDNAME", "INE000C01017"), false);
        builder.add(equity("NSE", "NEWNAME", "INE000C01017"), true);
        let mut of_series = equity("NSE", "OLDNAME-BE", "INE000C01017");
        of_series.series = Some("BE".into());
        builder.add(of_series, false);
        builder.add(future("TATAMOTORS", "TATAMOTORS25OCTFUT", "2025-10-28"), false);
        builder.add(future("TATAMOTORS", "TATAMOTORS25DECFUT", "2025-12-30"), false);
        for (symbol, expiry) in contracts {
            builder.add(future("TMPV", symbol, expiry), true);
        }
        builder.add(future("NEWNAME", "NEWNAME25DECFUT", "2025-12-30"), true);
        builder.build("1".into(), vec![])
    }

    fn today() -> NaiveDate {
        "2025-11-20".parse().unwrap()
    }

    #[track_caller]
    fn assert_help(help: &Help, detail: &str, suggestions: &[&str]) {
        assert_eq!(help.detail, detail);
        assert_eq!(help.suggestions, suggestions);
    }

    #[test]
    fn a_contract_of_a_renamed_share_is_translated() {
        let catalogue = catalogue(&OF_PASSENGER);
        let help = |key: &str| Helper::new(&catalogue, today()).unknown(key);
        let november = "`TATAMOTORS` was renamed to `TMPV`; the key of the future is `NFO:TMPV25NOVFUT`";

        for key in ["NFO:TATAMOTORS25NOVFUT", "NFO:TATAMOTORS25NOV25FUT", "NFO:tatamotors-Nov2025-FUT"] {
            assert_help(&help(key), november, &["NFO:TMPV25NOVFUT"]);
        }
        let at_cash = format!("contracts are listed on NFO; {november}");
        assert_help(&help("NSE:TATAMOTORS25NOVFUT"), &at_cash, &["NFO:TMPV25NOVFUT"]);
        assert_help(
            &help("NFO:TATAMOTORS26JANFUT"),
            "`TATAMOTORS` was renamed to `TMPV`; no matching contract of TMPV expires in 2026-01; the nearest expiry is \
             2025-12-30",
            &["NFO:TMPV25DECFUT"],
        );
        assert_help(
            &help("NFO:OLDNAME25DECFUT"),
            "`OLDNAME` was renamed to `NEWNAME`; the key of the future is `NFO:NEWNAME25DECFUT`",
            &["NFO:NEWNAME25DECFUT"],
        );
    }

    #[test]
    fn a_delisted_contract_of_a_renamed_share_is_replaced() {
        let catalogue = catalogue(&OF_PASSENGER);
        let help = |key: &str| Helper::new(&catalogue, today()).inactive(catalogue.find(key).unwrap());

        assert_help(
            &help("NFO:TATAMOTORS25DECFUT"),
            "not listed in the broker's last accepted file; `TATAMOTORS` was renamed to `TMPV`; the key of the future is \
             `NFO:TMPV25DECFUT`",
            &["NFO:TMPV25DECFUT"],
        );
        assert_help(
            &help("NFO:TATAMOTORS25OCTFUT"),
            "not listed in the broker's last accepted file; expired on 2025-10-28; `TATAMOTORS` was renamed to `TMPV`; \
             the next expiry is 2025-11-25",
            &["NFO:TMPV25NOVFUT"],
        );
    }

    #[test]
    fn a_renamed_share_without_contracts_is_suggested_itself() {
        let catalogue = catalogue(&[]);
        let detail = "`TATAMOTORS` was renamed to `TMPV`, which has no contracts on NFO";

        let unknown = Helper::new(&catalogue, today()).unknown("NFO:TATAMOTORS25NOVFUT");
        let expired = Helper::new(&catalogue, today()).expired(catalogue.find("NFO:TATAMOTORS25OCTFUT").unwrap());

        assert_help(&unknown, detail, &["NSE:TMPV-BE"]);
        assert_help(&expired.unwrap(), &format!("expired on 2025-10-28; {detail}"), &["NSE:TMPV-BE"]);
    }

    #[test]
    fn a_contract_of_a_listed_or_unknown_share_is_not_translated() {
        let catalogue = catalogue(&OF_PASSENGER);

        for symbol in ["NEWNAME25OCTFUT", "TATAMOTORS", "TATAMOTORSFUTURE", "QWERTYUIOP25NOVFUT", "FUT", "₹25NOVFUT"]
        {
            assert_eq!(explain(&catalogue, Exchange::Nfo, &splits(symbol, today()), today()), None, "{symbol}");
        }
    }
}
