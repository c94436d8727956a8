//! Creates the row of a contract. Its symbol is created from its terms.

use chrono::NaiveDate;

use super::field::{self, Reason};
use super::symbol::{self, Contract, Cycle};
use super::{Entry, Row};
use crate::vocabulary::Segment;

/// The terms of a contract in a file.
pub(super) struct ContractTerms<'a> {
    /// The name by which derivatives refer to their underlying: `NIFTY`, not `NIFTY 50`.
    pub(super) underlying: &'a str,
    pub(super) expiry: NaiveDate,
    pub(super) contract: Contract,
    /// `None` if the file does not determine it. It is ignored for contracts on commodities: all are monthly, although
    /// options expire before the futures of their month.
    pub(super) cycle: Option<Cycle>,
}

/// Completes a row whose exchange, segment, price step, lot and token are set.
pub(super) fn entry(row: Row, terms: &ContractTerms<'_>) -> Result<Entry, Reason> {
    let ContractTerms { underlying, expiry, contract, cycle } = *terms;
    let cycle = match row.segment {
        Segment::NseCommodity | Segment::McxCommodity => Some(Cycle::Monthly),
        Segment::NseDerivative | Segment::BseDerivative | Segment::NseCurrency | Segment::BseCurrency => cycle,
        _ => return Err("contracts are not traded in the segment"),
    };
    if underlying.is_empty() {
        return Err("name of the underlying is missing");
    }
    let symbol = symbol::of_derivative(underlying, expiry, cycle.unwrap_or(Cycle::Weekly), contract);
    let row = Row {
        symbol: field::symbol(row.exchange, &symbol)
            .ok_or("name of the underlying is too long or has unprintable characters")?,
        class: contract.class(),
        underlying: Some(underlying.to_owned()),
        expiry: Some(expiry),
        strike: contract.strike(),
        ..row
    };
    Ok(if cycle.is_some() { Entry::Row(row) } else { Entry::Undecided(row) })
}
