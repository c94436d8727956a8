//! Finds the contracts of one underlying that a reading of a symbol can mean.

use chrono::{Datelike, NaiveDate};

use super::notation::{Reading, When};
use super::slips::slips;
use super::{Help, SUGGESTIONS_MAX, and};
use crate::catalogue::search::Expiry;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::dump::symbol::{Contract, Cycle, of_derivative};
use crate::instrument::Amount;
use crate::vocabulary::Exchange;

/// A listed strike within this fraction of the written one is nearer to it than a typing error would be.
const NEAR_FRACTION: i64 = 20;

/// The contracts of one underlying on one exchange.
#[derive(Clone, Copy)]
pub(super) struct Contracts<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) exchange: Exchange,
    pub(super) underlying: &'a str,
}

/// A reading of the symbol of a contract, with the underlying before it.
pub(super) struct Meaning<'a> {
    pub(super) contracts: Contracts<'a>,
    pub(super) reading: Reading,
}

/// The explanation of a contract that is not listed.
struct UnlistedContract {
    /// Whether the strike, if any, is far from every listed one.
    is_strike_absurd: bool,
    is_expiry_unlisted: bool,
    /// The number of whole years between the expiry and the trading date.
    years_away: i64,
    help: Help,
}

/// A strike, and the instrument that has it.
type Strike = (Amount, InstrumentId);

/// Describes the listed contracts that a symbol with these meanings can name, in the order of the meanings.
pub(super) fn listed(meanings: &[Meaning<'_>], as_of: NaiveDate) -> Option<Help> {
    let mut keys: Vec<String> = Vec::new();
    let mut form = "";
    for Meaning { contracts, reading } in meanings {
        for (key, cycle) in contracts.listed(reading, as_of) {
            if keys.is_empty() {
                form = form_of(reading, cycle);
            }
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.truncate(SUGGESTIONS_MAX);
    let (first, others) = keys.split_first()?;
    let mut detail = format!("the key of the {form} is `{first}`");
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(|key| format!("`{key}`")).collect();
        detail = format!("{detail}; also possible: {}", and(&others));
    }
    Some(Help::new(detail, keys))
}

/// Describes that a contract is not listed, by the most plausible of its meanings: a strike like those that are listed
/// counts more than a listed expiry, that more than an expiry in these years, and that more than the notation.
pub(super) fn unlisted(meanings: &[Meaning<'_>], as_of: NaiveDate) -> Option<Help> {
    let unlisted = meanings.iter().filter_map(|Meaning { contracts, reading }| contracts.unlisted(reading, as_of));
    let best =
        unlisted.min_by_key(|unlisted| (unlisted.is_strike_absurd, unlisted.is_expiry_unlisted, unlisted.years_away));
    best.map(|unlisted| unlisted.help)
}

fn form_of(reading: &Reading, cycle: Cycle) -> &'static str {
    match (reading.when, reading.contract, cycle) {
        (When::Position(1), ..) => "near future",
        (When::Position(2), ..) => "next future",
        (When::Position(3), ..) => "far future",
        (_, Contract::Future, _) => "future",
        (_, _, Cycle::Weekly) => "weekly contract",
        (_, _, Cycle::Monthly) => "monthly contract",
    }
}

impl Contracts<'_> {
    /// Returns the expiries of contracts of this kind, ascending.
    fn expiries(&self, contract: Contract) -> Vec<NaiveDate> {
        let expiries = self.catalogue.expiries_of(self.exchange, self.underlying).into_iter();
        let has = |expiry: &Expiry| match contract {
            Contract::Future => expiry.has_futures,
            Contract::Call(_) | Contract::Put(_) => expiry.has_options,
        };
        expiries.filter(has).map(|expiry| expiry.date).collect()
    }

    /// Returns the expiries of contracts of this kind that have not passed, ascending.
    pub(super) fn coming(&self, contract: Contract, as_of: NaiveDate) -> Vec<NaiveDate> {
        self.expiries(contract).into_iter().filter(|expiry| *expiry >= as_of).collect()
    }

    /// Returns the expiries that a reading can mean, ascending.
    fn expiries_meant(&self, reading: &Reading, as_of: NaiveDate) -> Vec<NaiveDate> {
        let mut expiries = self.expiries(reading.contract);
        match reading.when {
            When::Day(day) => expiries.retain(|expiry| *expiry == day),
            When::Month(year, month) => expiries.retain(|expiry| (expiry.year(), expiry.month()) == (year, month)),
            When::Position(position) => {
                let expiry = self.coming_months(as_of).get(position - 1).copied();
                return expiry.into_iter().collect();
            }
            When::Unspecified => expiries.clear(),
        }
        expiries
    }

    /// Returns the expiries of futures that have not passed, ascending: the monthly ones, if the underlying also has
    /// futures of single weeks.
    fn coming_months(&self, as_of: NaiveDate) -> Vec<NaiveDate> {
        let coming = self.coming(Contract::Future, as_of);
        let is_monthly = |expiry: &NaiveDate| {
            self.listed_on(*expiry, Contract::Future).is_some_and(|(_, cycle)| cycle == Cycle::Monthly)
        };
        let monthly: Vec<NaiveDate> = coming.iter().copied().filter(is_monthly).collect();
        if monthly.is_empty() { coming } else { monthly }
    }

    /// Returns the keys of the listed contracts that a reading can mean, and the notations of their expiries, the most
    /// likely first: a month names the monthly contract rather than a weekly one.
    fn listed(&self, reading: &Reading, as_of: NaiveDate) -> Vec<(String, Cycle)> {
        let expiries = self.expiries_meant(reading, as_of).into_iter();
        let listed = |expiry| Some((expiry, self.listed_on(expiry, reading.contract)?));
        let mut found: Vec<(NaiveDate, (String, Cycle))> = expiries.filter_map(listed).collect();
        found.sort_by_key(|(expiry, (_, cycle))| (*expiry < as_of, *cycle == Cycle::Weekly));
        found.into_iter().map(|(_, listed)| listed).collect()
    }

    /// Returns the key of a listed contract and the notation of its expiry.
    fn listed_on(&self, expiry: NaiveDate, contract: Contract) -> Option<(String, Cycle)> {
        let keys = [Cycle::Weekly, Cycle::Monthly].map(|cycle| {
            let symbol = of_derivative(self.underlying, expiry, cycle, contract);
            (format!("{}:{symbol}", self.exchange), cycle)
        });
        keys.into_iter().find(|(key, _)| {
            let found = self.catalogue.find(key).map(|id| self.catalogue.get(id));
            found.is_some_and(|instrument| instrument.is_active() && instrument.expiry() == Some(expiry))
        })
    }

    /// Describes that no listed contract has the expiry and the strike of a reading.
    fn unlisted(&self, reading: &Reading, as_of: NaiveDate) -> Option<UnlistedContract> {
        self.other_strike(reading, as_of).or_else(|| self.other_expiry(reading, as_of))
    }

    /// Explains that options with that expiry are listed, but not with that strike.
    fn other_strike(&self, reading: &Reading, as_of: NaiveDate) -> Option<UnlistedContract> {
        let wanted = reading.contract.strike()?;
        let expiry = self.expiries_meant(reading, as_of).into_iter().next_back()?;
        let strikes = self.strikes(expiry, reading.contract);
        if strikes.is_empty() {
            return None;
        }
        let (slips, nearest) = (mistyped(&strikes, wanted), nearest(&strikes, wanted));
        let written =
            |strikes: &[Strike]| and(&strikes.iter().map(|(strike, _)| strike.to_string()).collect::<Vec<_>>());
        let mut detail = format!("strike {wanted} is not listed for {expiry}");
        if !slips.is_empty() {
            detail = format!("{detail}; a digit may be missing, doubled or swapped: {}", written(&slips));
        }
        let help =
            Help::new(format!("{detail}; nearest: {}", written(nearest)), self.keys(slips.iter().chain(nearest)));
        Some(UnlistedContract {
            is_strike_absurd: is_absurd(&strikes, wanted),
            is_expiry_unlisted: false,
            years_away: years_between(expiry, as_of),
            help,
        })
    }

    /// Explains that no contract expires on that day, or that the expiry has passed.
    fn other_expiry(&self, reading: &Reading, as_of: NaiveDate) -> Option<UnlistedContract> {
        let Reading { when, contract } = *reading;
        let coming = self.coming(contract, as_of);
        let next = *coming.first()?;
        let underlying = self.underlying;
        let years_away = match when {
            When::Day(day) => years_between(day, as_of),
            When::Month(year, month) => years_between(NaiveDate::from_ymd_opt(year, month, 15)?, as_of),
            When::Position(_) | When::Unspecified => 0,
        };
        let (what, expiry) = match when {
            When::Unspecified => ("the expiry is missing".to_owned(), next),
            When::Day(day) if day < as_of => (format!("expired on {day}"), next),
            When::Month(year, month) if (year, month) < (as_of.year(), as_of.month()) => {
                (format!("expired in {year}-{month:02}"), next)
            }
            When::Day(day) => {
                (format!("no matching contract of {underlying} expires on {day}"), nearest_to(day, &coming)?)
            }
            When::Month(year, month) => {
                let middle = NaiveDate::from_ymd_opt(year, month, 15)?;
                let what = format!("no matching contract of {underlying} expires in {year}-{month:02}");
                (what, nearest_to(middle, &coming)?)
            }
            When::Position(_) => {
                let months = self.coming_months(as_of);
                let count = match months.len() {
                    1 => format!("1 future of {underlying} is"),
                    several => format!("{several} futures of {underlying} are"),
                };
                (format!("only {count} listed"), *months.last()?)
            }
        };
        let which = match when {
            When::Position(_) => "last",
            _ if expiry == next => "next",
            _ => "nearest",
        };
        let is_strike_absurd =
            contract.strike().is_some_and(|wanted| is_absurd(&self.strikes(expiry, contract), wanted));
        let help = Help::new(format!("{what}; the {which} expiry is {expiry}"), self.at(expiry, contract));
        Some(UnlistedContract { is_strike_absurd, is_expiry_unlisted: true, years_away, help })
    }

    /// Returns the contract at another expiry, or the contracts with the nearest strikes.
    pub(super) fn at(&self, expiry: NaiveDate, contract: Contract) -> Vec<String> {
        if let Some((key, _)) = self.listed_on(expiry, contract) {
            return vec![key];
        }
        let Some(wanted) = contract.strike() else { return Vec::new() };
        let strikes = self.strikes(expiry, contract);
        self.keys(mistyped(&strikes, wanted).iter().chain(nearest(&strikes, wanted)))
    }

    /// Returns the listed options of the same kind at an expiry, by ascending strike.
    fn strikes(&self, expiry: NaiveDate, contract: Contract) -> Vec<Strike> {
        let mut strikes: Vec<Strike> = [Cycle::Weekly, Cycle::Monthly]
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
                    && instrument.underlying() == Some(self.underlying)
                    && instrument.is_active();
                is_same.then_some((instrument.strike()?, id))
            })
            .collect();
        strikes.sort_unstable();
        strikes
    }

    /// Returns the keys of strikes, each once.
    fn keys<'s>(&self, strikes: impl Iterator<Item = &'s Strike>) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for (_, id) in strikes {
            let key = self.catalogue.key(*id);
            if !keys.iter().any(|other| other == key) {
                keys.push(key.to_owned());
            }
        }
        keys
    }
}

/// Returns the next lower and the next higher strike; if one side has none, the next two of the other side.
fn nearest(strikes: &[Strike], wanted: Amount) -> &[Strike] {
    let above = strikes.partition_point(|(strike, _)| *strike < wanted);
    let start = above.saturating_sub(1).min(strikes.len().saturating_sub(2));
    &strikes[start..strikes.len().min(start + 2)]
}

/// Returns the strikes that a typing error turns into the wanted one. A strike near a listed one is computed, not
/// mistyped.
fn mistyped(strikes: &[Strike], wanted: Amount) -> Vec<Strike> {
    let is_near = |(strike, _): &Strike| {
        let distance = (strike.ten_thousandths() - wanted.ten_thousandths()).saturating_abs();
        distance.saturating_mul(NEAR_FRACTION) <= wanted.ten_thousandths()
    };
    if nearest(strikes, wanted).iter().any(is_near) {
        return Vec::new();
    }
    let positions = slips(wanted, strikes.iter().map(|(strike, _)| *strike));
    positions.into_iter().map(|position| strikes[position]).collect()
}

/// Whether a strike is less than half of the lowest or more than twice the highest one.
fn is_absurd(strikes: &[Strike], wanted: Amount) -> bool {
    let [(lowest, _), ..] = strikes else { return true };
    let (highest, _) = strikes[strikes.len() - 1];
    wanted.times(2) < *lowest || wanted > highest.times(2)
}

fn years_between(a: NaiveDate, b: NaiveDate) -> i64 {
    (a - b).num_days().abs() / 365
}

/// Returns the nearest expiry; of two that are equally near, the earlier one.
fn nearest_to(day: NaiveDate, expiries: &[NaiveDate]) -> Option<NaiveDate> {
    expiries.iter().copied().min_by_key(|expiry| (*expiry - day).num_days().abs())
}
