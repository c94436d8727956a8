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

use crate::instrument::Amount;
use crate::vocabulary::InstrumentType;

pub(super) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

const WEEKLY_MONTHS: &str = "123456789OND";

const EXPIRY_CHARACTERS: usize = 5;

/// The notation of an expiry.
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
    let year = expiry.year().rem_euclid(100);
    let month = expiry.month0() as usize;
    let expiry = match cycle {
        Cycle::Monthly => format!("{year:02}{}", MONTHS[month]),
        Cycle::Weekly => format!("{year:02}{}{:02}", &WEEKLY_MONTHS[month..=month], expiry.day()),
    };
    match contract {
        Contract::Future => format!("{underlying}{expiry}FUT"),
        Contract::Call(strike) => format!("{underlying}{expiry}{strike}CE"),
        Contract::Put(strike) => format!("{underlying}{expiry}{strike}PE"),
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
    let Some((month, day)) = rest.split_at_checked(1) else {
        return false;
    };
    WEEKLY_MONTHS.contains(month) && matches!(day.parse(), Ok(1..=31))
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
