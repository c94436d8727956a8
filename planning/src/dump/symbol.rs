//! The grammar of Kite's symbols, which the keys of the platform follow.
//!
//! The symbol of a derivative contains the underlying, the expiry and the contract:
//!
//! ```text
//! NIFTY    26AUG  FUT           a future; one expires in each month
//! NIFTY    26AUG  24000CE       a monthly option: the last expiry of its month
//! NIFTY    26818  24350CE       a weekly option: year, month as 1-9, O, N or D, day
//! ```
//!
//! Both notations of an expiry have five characters.

mod expiries;

use chrono::{Datelike, NaiveDate};

pub(crate) use expiries::Expiries;

use super::Row;
use super::field::Reason;
use super::slashed::ANOTHER_DATE;
use crate::instrument::Amount;
use crate::vocabulary::{InstrumentType, Segment};

pub(crate) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// The letters by which Kite writes the months of weekly contracts.
pub(crate) const WEEKLY_MONTHS: &str = "123456789OND";

const EXPIRY_CHARACTERS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cycle {
    /// By its date, for every expiry except the last one of a month.
    Weekly,
    /// By its month, for the last expiry of that month.
    Monthly,
}

/// The type of a derivative, with the strike of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contract {
    Future,
    Call(Amount),
    Put(Amount),
}

impl Contract {
    /// Returns the contract of an instrument; `None` if the instrument is not one.
    pub(crate) fn of(class: InstrumentType, strike: Option<Amount>) -> Option<Contract> {
        match (class, strike) {
            (InstrumentType::Future, _) => Some(Contract::Future),
            (InstrumentType::Call, Some(strike)) => Some(Contract::Call(strike)),
            (InstrumentType::Put, Some(strike)) => Some(Contract::Put(strike)),
            _ => None,
        }
    }

    pub(crate) fn class(self) -> InstrumentType {
        match self {
            Contract::Future => InstrumentType::Future,
            Contract::Call(_) => InstrumentType::Call,
            Contract::Put(_) => InstrumentType::Put,
        }
    }

    pub(crate) fn strike(self) -> Option<Amount> {
        match self {
            Contract::Future => None,
            Contract::Call(strike) | Contract::Put(strike) => Some(strike),
        }
    }
}

/// Writes the symbol of a derivative.
pub(crate) fn of_derivative(underlying: &str, expiry: NaiveDate, cycle: Cycle, contract: Contract) -> String {
    let expiry = expiry_text(expiry, cycle);
    match contract {
        Contract::Future => format!("{underlying}{expiry}FUT"),
        Contract::Call(strike) => format!("{underlying}{expiry}{strike}CE"),
        Contract::Put(strike) => format!("{underlying}{expiry}{strike}PE"),
    }
}

/// Writes an expiry as in the symbol of a derivative.
pub(super) fn expiry_text(expiry: NaiveDate, cycle: Cycle) -> String {
    let year = expiry.year().rem_euclid(100);
    let month = expiry.month0() as usize;
    match cycle {
        Cycle::Monthly => format!("{year:02}{}", MONTHS[month]),
        Cycle::Weekly => format!("{year:02}{}{:02}", &WEEKLY_MONTHS[month..=month], expiry.day()),
    }
}

/// Returns the underlying at the start of the symbol of a derivative.
///
/// The rest of the symbol must be known, because otherwise `SENSEX5024SEPFUT` could refer to `SENSEX` as well as to
/// `SENSEX50`. Only the year of the expiry must match: exchanges name a test contract, or one whose expiry was moved
/// before a holiday, by another month than that of its date.
pub(crate) fn underlying_of(symbol: &str, expiry: NaiveDate, contract: Contract) -> Option<&str> {
    let stem = match contract {
        Contract::Future => symbol.strip_suffix("FUT")?,
        Contract::Call(strike) => symbol.strip_suffix("CE")?.strip_suffix(&strike.to_string())?,
        Contract::Put(strike) => symbol.strip_suffix("PE")?.strip_suffix(&strike.to_string())?,
    };
    let (underlying, written) = stem.split_at_checked(stem.len().checked_sub(EXPIRY_CHARACTERS)?)?;
    let (year, rest) = written.split_at_checked(2)?;
    let is_expiry = year.parse() == Ok(expiry.year().rem_euclid(100)) && (MONTHS.contains(&rest) || is_weekly(rest));
    (is_expiry && !underlying.is_empty()).then_some(underlying)
}

fn is_weekly(rest: &str) -> bool {
    weekly(rest).is_some()
}

/// Returns the month and day of a weekly expiry.
fn weekly(rest: &str) -> Option<(u32, u32)> {
    let (month, day) = rest.split_at_checked(1)?;
    let month = WEEKLY_MONTHS.find(month)?;
    Some((u32::try_from(month + 1).ok()?, day.parse().ok().filter(|day| (1..=31).contains(day))?))
}

/// Checks that the symbol of a contract does not name another expiry than that of the row. A symbol in another grammar
/// names none.
///
/// An expiry that is moved, before a holiday or to another day of the week, may keep the symbol. Commodities are not
/// checked, because options may have the month of their future, and neither are the test contracts of the exchanges.
///
/// # Errors
/// The reason of the rejection.
pub(super) fn check_expiry(row: &Row) -> Result<(), Reason> {
    /// The days by which an expiry is moved at most.
    const MOVED_DAYS_MAX: u64 = 7;
    let is_checked = matches!(
        row.segment,
        Segment::NseDerivative | Segment::BseDerivative | Segment::NseCurrency | Segment::BseCurrency
    ) && !row.underlying.as_deref().is_some_and(|underlying| underlying.contains("TEST"));
    let Some((expiry, rest, year)) = row.expiry.filter(|_| is_checked).and_then(|expiry| {
        let stem = match row.strike {
            None => row.symbol.strip_suffix("FUT")?,
            Some(strike) => row.symbol.get(..row.symbol.len().checked_sub(2)?)?.strip_suffix(&strike.to_string())?,
        };
        let (year, rest) = stem.get(stem.len().checked_sub(EXPIRY_CHARACTERS)?..)?.split_at_checked(2)?;
        Some((expiry, rest, 2000 + year.parse::<i32>().ok()?))
    }) else {
        return Ok(());
    };
    let is_same = if MONTHS.contains(&rest) {
        (year, rest) == (expiry.year(), MONTHS[expiry.month0() as usize])
    } else {
        let named = weekly(rest).and_then(|(month, day)| NaiveDate::from_ymd_opt(year, month, day));
        named.is_none_or(|named| named.signed_duration_since(expiry).num_days().unsigned_abs() <= MOVED_DAYS_MAX)
    };
    if is_same { Ok(()) } else { Err(ANOTHER_DATE) }
}

/// Returns the name by which derivatives refer to an NSE index, if it differs from the symbol of the index.
pub(crate) fn alias_of_index(symbol: &str) -> Option<&'static str> {
    match symbol {
        "NIFTY 50" => Some("NIFTY"),
        "NIFTY BANK" => Some("BANKNIFTY"),
        "NIFTY FIN SERVICE" => Some("FINNIFTY"),
        "NIFTY MID SELECT" => Some("MIDCPNIFTY"),
        "NIFTY NEXT 50" => Some("NIFTYNXT50"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn strike(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn a_symbol_is_written_in_kites_grammar() {
        use Cycle::{Monthly, Weekly};
        let july = date(2026, 7, 28);
        let call = Contract::Call(strike("24000.0"));
        let put = Contract::Put(strike("97.50"));

        assert_eq!(of_derivative("NIFTY", july, Monthly, Contract::Future), "NIFTY26JULFUT");
        assert_eq!(of_derivative("NIFTY", july, Monthly, call), "NIFTY26JUL24000CE");
        assert_eq!(of_derivative("M&M", july, Monthly, put), "M&M26JUL97.5PE");
        assert_eq!(of_derivative("NIFTY", date(2026, 9, 1), Weekly, call), "NIFTY2690124000CE");
        assert_eq!(of_derivative("SENSEX", date(2026, 10, 1), Weekly, call), "SENSEX26O0124000CE");
        assert_eq!(of_derivative("EURINR", date(2024, 11, 14), Weekly, Contract::Future), "EURINR24N14FUT");
        assert_eq!(of_derivative("NIFTY", date(2109, 12, 2), Weekly, put), "NIFTY09D0297.5PE");
    }

    #[test]
    fn the_underlying_of_a_symbol_is_parsed() {
        for underlying in ["SENSEX", "SENSEX50", "726GS2033", "M&M", "BAJAJ-AUTO"] {
            for cycle in [Cycle::Weekly, Cycle::Monthly] {
                for contract in [Contract::Future, Contract::Call(strike("103.75")), Contract::Put(strike("26200"))] {
                    let expiry = date(2024, 9, 19);
                    let symbol = of_derivative(underlying, expiry, cycle, contract);
                    assert_eq!(underlying_of(&symbol, expiry, contract), Some(underlying), "{symbol}");
                }
            }
        }
    }

    #[test]
    fn a_symbol_may_have_another_month_than_the_expiry() {
        assert_eq!(underlying_of("TEST36DECFUT", date(2036, 11, 27), Contract::Future), Some("TEST"));
    }

    #[test]
    fn a_symbol_must_not_name_another_expiry() {
        let row = |symbol: &str, expiry: &str| crate::testing::future("NIFTY", symbol, expiry);
        for (symbol, expiry) in [
            ("NIFTY26AUGFUT", "2026-08-25"),
            ("NIFTY26818FUT", "2026-08-18"),
            ("NIFTY26818FUT", "2026-08-17"),
            ("NIFTY24N01FUT", "2024-10-31"),
            ("ANOTHER GRAMMAR", "2024-10-31"),
        ] {
            assert_eq!(check_expiry(&row(symbol, expiry)), Ok(()), "{symbol}");
        }
        for (symbol, expiry) in
            [("NIFTY26AUGFUT", "2026-09-29"), ("NIFTY25AUGFUT", "2026-08-25"), ("NIFTY25212FUT", "2025-12-02")]
        {
            assert_eq!(check_expiry(&row(symbol, expiry)), Err(ANOTHER_DATE), "{symbol}");
        }
        let option = Row {
            strike: Some(strike("24000")),
            class: InstrumentType::Call,
            ..row("NIFTY26AUG24000CE", "2026-09-29")
        };
        assert_eq!(check_expiry(&option), Err(ANOTHER_DATE));
        let test = Row { underlying: Some("011NSETEST".into()), ..row("011NSETEST36DECFUT", "2036-11-27") };
        assert_eq!(check_expiry(&test), Ok(()));
    }

    #[test]
    fn a_symbol_that_does_not_fit_has_no_underlying() {
        let expiry = date(2024, 9, 26);
        let call = Contract::Call(strike("24000"));
        for (symbol, contract) in [
            ("NIFTY24SEP24000CE", Contract::Future),
            ("NIFTY24SEP24000PE", call),
            ("NIFTY24SEP24100CE", call),
            ("NIFTY25SEP24000CE", call),
            ("NIFTY24SEQ24000CE", call),
            ("NIFTY24X2624000CE", call),
            ("NIFTY2493224000CE", call),
            ("24SEPFUT", Contract::Future),
            ("₹24SEFUT", Contract::Future),
            ("FUT", Contract::Future),
        ] {
            assert_eq!(underlying_of(symbol, expiry, contract), None, "{symbol}");
        }
    }

    #[test]
    fn only_indices_with_derivatives_have_an_alias() {
        assert_eq!(alias_of_index("NIFTY BANK"), Some("BANKNIFTY"));
        assert_eq!(alias_of_index("NIFTY IT"), None);
    }
}
