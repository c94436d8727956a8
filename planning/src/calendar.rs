//! The trading calendar: the holidays of exchanges, their special sessions, and their usual session times.
//!
//! A calendar covers whole years, because exchanges publish their holidays by year. In other years, and at exchanges
//! that it does not list, only weekends are known.

mod contradictions;
mod file;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};

pub use self::contradictions::Contradiction;
pub use self::file::{CalendarFault, FILE_BYTES_MAX, FORM, LISTED_MAX, ROWS_MAX};
use crate::vocabulary::{Exchange, words};

/// The number of days before its end from which a calendar must be replaced: exchanges publish a year in the December
/// before.
const NOTICE_DAYS: i64 = 30;
/// Maximum number of days that are examined to count trading days.
const DAYS_COUNTED_MAX: usize = 366;

words! {
    /// The kind of an entry of a trading calendar.
    EntryKind {
        /// The exchange does not trade on the date.
        Holiday = "holiday",
        /// The exchange trades on the date in these sessions only, even on a weekend.
        Session = "session",
        /// The exchange trades in these sessions on weekdays from the date on.
        Regular = "regular",
    }
}

/// A period in which an exchange trades, in the time of Asia/Kolkata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The time at which the session opens, in Asia/Kolkata.
    pub open: NaiveTime,
    /// The time at which the session closes, in Asia/Kolkata; after `open`.
    pub close: NaiveTime,
}

/// An entry of a calendar: a holiday, a special session, or the regular sessions from a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The date of the entry; of regular sessions, the first date on which they apply.
    pub date: NaiveDate,
    /// The exchange to which the entry applies.
    pub exchange: Exchange,
    /// The kind of the entry, which determines the meaning of `date` and `sessions`.
    pub kind: EntryKind,
    /// The sessions in the order of time; empty for a holiday.
    pub sessions: &'a [Session],
    /// The description of the file; empty if it has none.
    pub description: &'a str,
}

/// The whole years for which the holidays of an exchange are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The first date: January 1 of the first year.
    pub from: NaiveDate,
    /// The last date, inclusive: December 31 of the last year.
    pub to: NaiveDate,
}

impl Coverage {
    fn of_years(first: i32, last: i32) -> Option<Self> {
        Some(Coverage { from: NaiveDate::from_ymd_opt(first, 1, 1)?, to: NaiveDate::from_ymd_opt(last, 12, 31)? })
    }

    /// Whether the holidays of the date are known, so that a weekday without an entry is a trading day.
    pub fn contains(&self, date: NaiveDate) -> bool {
        (self.from..=self.to).contains(&date)
    }
}

/// The state of an exchange on a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day<'a> {
    /// The exchange trades, in these sessions; empty if their times are unknown.
    Trading(&'a [Session]),
    /// The exchange does not trade; with the description of the holiday, which may be empty.
    Holiday(&'a str),
    /// A weekend without a special session.
    Weekend,
}

/// The time for which a calendar is complete, from the worst state to the best one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarState {
    /// No calendar is loaded, so that only weekends are known.
    Missing,
    /// The calendar of these exchanges ended on the date.
    Ended(NaiveDate, Vec<Exchange>),
    /// The calendar of these exchanges ends on the date, within 30 days.
    Ending(NaiveDate, Vec<Exchange>),
    /// All exchanges are covered up to the date or a later one.
    Current(NaiveDate),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct EntryDetails {
    sessions: Vec<Session>,
    description: String,
}

/// The holidays and sessions of exchanges. The default is an empty calendar, which knows weekends only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    entries: BTreeMap<(Exchange, EntryKind, NaiveDate), EntryDetails>,
    coverage: BTreeMap<Exchange, Coverage>,
}

impl Calendar {
    /// Returns an empty calendar, which knows weekends only.
    pub const fn new() -> Self {
        Calendar { entries: BTreeMap::new(), coverage: BTreeMap::new() }
    }

    /// Whether the calendar has no entries, because no calendar is loaded.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns all entries, sorted by date, then exchange.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> = (self.entries.iter())
            .map(|(&(exchange, kind, date), EntryDetails { sessions, description })| Entry {
                date,
                exchange,
                kind,
                sessions,
                description,
            })
            .collect();
        entries.sort_by_key(|entry| (entry.date, entry.exchange, entry.kind));
        entries
    }

    /// Returns the covered years of each exchange of the calendar.
    pub fn coverage(&self) -> &BTreeMap<Exchange, Coverage> {
        &self.coverage
    }

    /// Returns the exchange whose entries apply: `NFO` and `BFO` trade when their cash markets do, unless they have
    /// entries of their own. `None` if the calendar has no entries for the exchange.
    pub fn market_of(&self, exchange: Exchange) -> Option<Exchange> {
        let market = match exchange {
            Exchange::Nfo => Exchange::Nse,
            Exchange::Bfo => Exchange::Bse,
            own => own,
        };
        [exchange, market].into_iter().find(|exchange| self.coverage.contains_key(exchange))
    }

    /// Whether the holidays of the exchange on the date are known.
    pub fn covers(&self, exchange: Exchange, date: NaiveDate) -> bool {
        let coverage = self.market_of(exchange).and_then(|exchange| self.coverage.get(&exchange));
        coverage.is_some_and(|coverage| coverage.contains(date))
    }

    /// Returns whether and when the exchange trades on the date. If the calendar does not cover the date, only weekends
    /// are known.
    pub fn day(&self, exchange: Exchange, date: NaiveDate) -> Day<'_> {
        let listed = self.market_of(exchange);
        if let Some(exchange) = listed {
            if let Some(special) = self.entries.get(&(exchange, EntryKind::Session, date)) {
                return Day::Trading(&special.sessions);
            }
            if let Some(holiday) = self.entries.get(&(exchange, EntryKind::Holiday, date)) {
                return Day::Holiday(&holiday.description);
            }
        }
        if is_weekend(date) {
            return Day::Weekend;
        }
        let regular = listed.and_then(|exchange| {
            let from = |date| (exchange, EntryKind::Regular, date);
            self.entries.range(from(NaiveDate::MIN)..=from(date)).next_back()
        });
        Day::Trading(regular.map_or(&[], |(_, content)| &content.sessions))
    }

    /// Whether the exchange trades on the date.
    pub fn is_trading_day(&self, exchange: Exchange, date: NaiveDate) -> bool {
        matches!(self.day(exchange, date), Day::Trading(_))
    }

    /// Returns the first day from the date on, itself included, on which the exchange trades.
    pub fn next_trading_day(&self, exchange: Exchange, from: NaiveDate) -> NaiveDate {
        from.iter_days().find(|day| self.is_trading_day(exchange, *day)).unwrap_or(from)
    }

    /// Returns the sessions in which the exchange trades on the date. Empty if it does not trade or their times are
    /// unknown.
    pub fn sessions(&self, exchange: Exchange, date: NaiveDate) -> &[Session] {
        match self.day(exchange, date) {
            Day::Trading(sessions) => sessions,
            Day::Holiday(_) | Day::Weekend => &[],
        }
    }

    /// Returns the session of the exchange that is open at a time of a date.
    pub fn session(&self, exchange: Exchange, date: NaiveDate, time: NaiveTime) -> Option<Session> {
        let is_open = |session: &&Session| (session.open..session.close).contains(&time);
        self.sessions(exchange, date).iter().find(is_open).copied()
    }

    /// Returns the date for which a plan is created if the request has none: today if an exchange of the calendar
    /// trades today, else the next day on which one does. Without a calendar it is today.
    ///
    /// One open exchange is enough: contracts of an exchange that trades today must not count as expired because
    /// another one is closed.
    pub fn plan_date(&self, today: NaiveDate) -> NaiveDate {
        if self.is_empty() {
            return today;
        }
        today.iter_days().find(|day| self.has_trading(*day)).unwrap_or(today)
    }

    /// Returns the number of days after the first date, up to and including the second one, on which an exchange of the
    /// calendar trades; without a calendar the number of weekdays. At most 366 days are examined.
    pub fn trading_days_after(&self, from: NaiveDate, until: NaiveDate) -> usize {
        let days = from.iter_days().skip(1).take_while(|day| *day <= until).take(DAYS_COUNTED_MAX);
        days.filter(|day| self.has_trading(*day)).count()
    }

    /// Whether an exchange of the calendar trades on the date. Without a calendar, every weekday counts.
    fn has_trading(&self, date: NaiveDate) -> bool {
        match self.is_empty() {
            true => !is_weekend(date),
            false => self.coverage.keys().any(|exchange| self.is_trading_day(*exchange, date)),
        }
    }

    /// Returns the last date of the exchange whose coverage ends first. `None` without a calendar.
    pub fn end(&self) -> Option<NaiveDate> {
        self.coverage.values().map(|coverage| coverage.to).min()
    }

    /// Returns the state of the calendar on a date. The exchange whose coverage ends first decides.
    pub fn state(&self, today: NaiveDate) -> CalendarState {
        let Some(end) = self.end() else {
            return CalendarState::Missing;
        };
        let ending = || self.coverage.iter().filter(|(_, own)| own.to == end).map(|(exchange, _)| *exchange).collect();
        if end < today {
            CalendarState::Ended(end, ending())
        } else if end - today <= TimeDelta::days(NOTICE_DAYS) {
            CalendarState::Ending(end, ending())
        } else {
            CalendarState::Current(end)
        }
    }

    /// Returns the warning about a calendar that is missing, has ended, or ends within 30 days.
    pub fn warning(&self, today: NaiveDate) -> Option<String> {
        let words =
            |exchanges: Vec<Exchange>| exchanges.into_iter().map(Exchange::as_str).collect::<Vec<_>>().join(", ");
        match self.state(today) {
            CalendarState::Missing => {
                Some("no trading calendar is loaded: only weekends are known, no holidays".to_owned())
            }
            CalendarState::Ended(end, exchanges) => Some(format!(
                "trading calendar of {} ended on {end}: only weekends are known after that date; load the calendar of the \
                 current year",
                words(exchanges)
            )),
            CalendarState::Ending(end, exchanges) => Some(format!(
                "trading calendar of {} ends on {end}: load the calendar of the next year",
                words(exchanges)
            )),
            CalendarState::Current(_) => None,
        }
    }

    /// Whether a warning of a plan is one of those of [`Self::warning`].
    pub(crate) fn is_warning(warning: &str) -> bool {
        ["no trading calendar is loaded", "trading calendar of "].iter().any(|start| warning.starts_with(start))
    }

    /// Returns the exchanges whose coverage ends earlier than in another calendar, with its end there.
    pub fn shorter_than(&self, other: &Calendar) -> Vec<(Exchange, NaiveDate)> {
        let ends_earlier =
            |exchange: &Exchange, end: NaiveDate| self.coverage.get(exchange).is_none_or(|own| own.to < end);
        let others = other.coverage.iter().map(|(exchange, coverage)| (*exchange, coverage.to));
        others.filter(|(exchange, end)| ends_earlier(exchange, *end)).collect()
    }

    /// Sets the coverage from the years of the holidays. Returns the exchanges without a holiday, and the years without
    /// one between two others.
    fn cover(&mut self) -> Vec<(Exchange, Option<i32>)> {
        let mut years: BTreeMap<Exchange, BTreeSet<i32>> = BTreeMap::new();
        for (exchange, kind, date) in self.entries.keys() {
            let years = years.entry(*exchange).or_default();
            if *kind == EntryKind::Holiday {
                years.insert(date.year());
            }
        }
        let mut missing = Vec::new();
        for (exchange, years) in years {
            let (Some(first), Some(last)) = (years.first(), years.last()) else {
                missing.push((exchange, None));
                continue;
            };
            missing.extend((*first..=*last).filter(|year| !years.contains(year)).map(|year| (exchange, Some(year))));
            self.coverage.extend(Coverage::of_years(*first, *last).map(|coverage| (exchange, coverage)));
        }
        missing
    }
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}
