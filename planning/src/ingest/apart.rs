//! Keeps indices and securities under different keys.
//!
//! An exchange lists an index and a fund that follows it under one symbol (`BSE:METAL`). The index keeps the symbol,
//! because contracts and other brokers refer to it; the security is keyed `SYMBOL-EQ`. Neither is rejected.

use std::collections::HashSet;

use super::CandidateRow;
use crate::dump::Row;
use crate::vocabulary::{Exchange, InstrumentType, Segment};

/// The suffix of the symbol of a security that gives way to an index.
const SUFFIX: &str = "-EQ";

/// Returns the symbol of a security whose symbol is that of an index.
pub(crate) fn symbol_beside_index(symbol: &str) -> String {
    format!("{symbol}{SUFFIX}")
}

/// Whether the row is a security that can have the symbol of an index.
pub(crate) fn is_security(row: &Row) -> bool {
    row.class != InstrumentType::Index && matches!(row.segment, Segment::NseEquity | Segment::BseEquity)
}

/// Writes the symbols of the securities that have the symbol of an index in the file.
pub(super) fn keep_apart(read: &mut [CandidateRow]) {
    let indices = indices(read.iter().map(|candidate| &candidate.row));
    write_symbols(&indices, read.iter_mut().map(|candidate| &mut candidate.row));
}

/// Writes the symbols of the securities that have the symbol of an index among the rows of a file and those that it
/// leaves.
pub(super) fn keep_rows_apart(file: &mut [Row], left: &mut [Row]) {
    let indices = indices(file.iter().chain(left.iter()));
    write_symbols(&indices, file.iter_mut().chain(left));
}

fn indices<'a>(rows: impl Iterator<Item = &'a Row>) -> HashSet<(Exchange, String)> {
    let indices = rows.filter(|row| row.class == InstrumentType::Index);
    indices.map(|index| (index.exchange, index.symbol.clone())).collect()
}

fn write_symbols<'a>(indices: &HashSet<(Exchange, String)>, rows: impl Iterator<Item = &'a mut Row>) {
    if indices.is_empty() {
        return;
    }
    let mut key = (Exchange::Nse, String::new());
    for row in rows.filter(|row| is_security(row)) {
        key.0 = row.exchange;
        key.1.clone_from(&row.symbol);
        if indices.contains(&key) {
            row.symbol = symbol_beside_index(&row.symbol);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use crate::dump::Limits;
    use crate::ingest::{FileContent, read_file};
    use crate::vocabulary::Broker;

    fn load(file: &str) -> FileContent {
        read_file(Broker::Fyers, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(())).unwrap()
    }

    fn row(name: &str, isin: &str, ticker: &str) -> String {
        format!("1,{name},10,1,0.01,{isin},0915-1530:,2025-11-10,,{ticker},12,10,14,METAL,14,-1.0,XX,1,None,0,0.0\n")
    }

    #[test]
    fn an_index_and_a_fund_with_one_symbol_are_both_kept() {
        let index = row("S&P BSE METAL-INDEX", "", "BSE:METAL-INDEX");
        let fund = row("METAL ETF", "INF769K01LY7", "BSE:METAL-B");
        for file in [format!("{index}{fund}"), format!("{fund}{index}")] {
            let load = load(&file);

            let kept: Vec<_> = load.rows.iter().map(|row| (row.symbol.as_str(), row.token.as_str())).collect();
            assert_eq!(kept, [("METAL", "BSE:METAL-INDEX"), ("METAL-EQ", "BSE:METAL-B")]);
            assert_eq!(load.rejected_total(), 0);
        }
    }

    #[test]
    fn two_securities_with_the_symbol_of_an_index_get_their_groups() {
        let index = row("S&P BSE METAL-INDEX", "", "BSE:METAL-INDEX");
        let fund = row("METAL ETF", "INF769K01LY7", "BSE:METAL-B");
        let share = row("METAL LIMITED", "INE467B01029", "BSE:METAL-X");

        let load = load(&format!("{index}{fund}{share}"));

        let keys: Vec<_> = load.rows.iter().map(|row| row.symbol.as_str()).collect();
        assert_eq!(keys, ["METAL", "METAL-EQ", "METAL-EQ-B"]);
    }
}
