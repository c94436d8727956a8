//! Expiries on days on which their exchange does not trade.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use super::{Calendar, Day};
use crate::catalogue::{Catalogue, Instrument};
use crate::dump::Row;
use crate::vocabulary::{Exchange, counted, verb};

/// Contracts that expire on a day on which their exchange does not trade. One of calendar and catalog is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The exchange of the contracts.
    pub exchange: Exchange,
    /// The expiry of the contracts, on which the exchange does not trade.
    pub date: NaiveDate,
    /// The number of active contracts with this expiry.
    pub contracts: usize,
    /// The key of the first of these contracts, in the order of keys.
    pub example: String,
    /// `a holiday (…)` or `a weekend`.
    reason: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Contradiction { exchange, date, contracts, example, reason } = self;
        let (count, expire) = (counted(*contracts, "contract"), verb(*contracts, "expires", "expire"));
        write!(f, "{count} of {exchange} {expire} on {date}, {reason}, for example `{example}`")
    }
}

impl Calendar {
    /// Returns the reasons to reject this calendar, which an operator can overrule: it contradicts the catalog, or it
    /// knows fewer days ahead than the calendar in effect.
    pub fn objections(&self, in_effect: &Calendar, catalogue: &Catalogue) -> Vec<String> {
        let shorter =
            self.shorter_than(in_effect).into_iter().map(|(exchange, end)| match self.coverage.get(&exchange) {
                Some(own) => format!("holidays of {exchange} end on {}, those in effect on {end}", own.to),
                None => format!("no holidays of {exchange}, whose holidays in effect end on {end}"),
            });
        let contradictions = self.contradictions(catalogue);
        contradictions.iter().map(ToString::to_string).chain(shorter).collect()
    }

    /// Returns the expiries of active contracts that are not trading days, by exchange and date. Dates that the
    /// calendar does not cover contradict nothing, and neither does the demonstration catalog, whose expiries are
    /// generated.
    pub fn contradictions(&self, catalogue: &Catalogue) -> Vec<Contradiction> {
        if catalogue.is_demonstration() {
            return Vec::new();
        }
        let active = catalogue.instruments().filter(|own| own.is_active() && !own.is_alias());
        self.contradicted_by(active.filter_map(|own| Some((own.exchange(), own.symbol(), own.expiry()?))))
    }

    /// Returns the expiries of the rows of a file that are not trading days, by exchange and date.
    pub fn contradicted_by_rows<'a>(&self, rows: impl Iterator<Item = &'a Row>) -> Vec<Contradiction> {
        self.contradicted_by(rows.filter_map(|row| Some((row.exchange, row.symbol.as_str(), row.expiry?))))
    }

    fn contradicted_by<'a>(
        &self,
        contracts: impl Iterator<Item = (Exchange, &'a str, NaiveDate)>,
    ) -> Vec<Contradiction> {
        let mut found: BTreeMap<(Exchange, NaiveDate), Contradiction> = BTreeMap::new();
        if self.is_empty() {
            return Vec::new();
        }
        for (exchange, symbol, date) in contracts {
            let Some(reason) = self.closed_on(exchange, date) else { continue };
            let example = || format!("{exchange}:{symbol}");
            let first = || Contradiction { exchange, date, contracts: 0, example: example(), reason };
            found.entry((exchange, date)).or_insert_with(first).contracts += 1;
        }
        found.into_values().collect()
    }

    /// Returns the exchanges of active contracts whose holidays the calendar does not know on a date.
    pub fn uncovered(&self, catalogue: &Catalogue, today: NaiveDate) -> Vec<Exchange> {
        let has_contract = |own: &Instrument<'_>| own.is_active() && own.expiry().is_some();
        let mut exchanges: Vec<Exchange> =
            catalogue.instruments().filter(has_contract).map(|own| own.exchange()).collect();
        exchanges.sort_unstable();
        exchanges.dedup();
        exchanges.retain(|exchange| !self.covers(*exchange, today));
        exchanges
    }

    /// Returns the reason why the exchange is closed; `None` if it trades or the calendar does not cover the date.
    fn closed_on(&self, exchange: Exchange, date: NaiveDate) -> Option<String> {
        if !self.covers(exchange, date) {
            return None;
        }
        match self.day(exchange, date) {
            Day::Trading(_) => None,
            Day::Weekend => Some("a weekend".to_owned()),
            Day::Holiday("") => Some("a holiday".to_owned()),
            Day::Holiday(description) => Some(format!("a holiday ({description})")),
        }
    }
}
